"""What a server is started with."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from lepton_platform.errors import UsageError

MEGABYTE = 1_000_000


@dataclass(frozen=True)
class Settings:
    """Where a server listens, what it serves, and how much a client may ask of it."""

    root: Path
    """Folder of all runs."""
    applications: tuple[str, ...] = ()
    """Ids to serve; empty: all that are installed."""
    host: str = "127.0.0.1"
    port: int = 8000
    token: str | None = None
    """What every request must carry; ``None``: nothing, which only a loopback address may have."""
    audit_cases: bool = False
    """Whether the audit log holds the cases beside the decisions."""
    most_json: int = 5 * MEGABYTE
    """Bytes of one JSON body."""
    most_upload: int = 200 * MEGABYTE
    """Bytes of one file."""
    most_rows: int = 100_000
    """Cases of one request."""
    seconds: float = 60.0
    """After which a request is given up: reading its body, and deciding."""

    def __post_init__(self) -> None:
        if not self.is_local and self.token is None:
            raise UsageError(
                f"--host {self.host} can be reached from other machines, so a token is needed: "
                "put a secret of 16 or more letters into a file and name it with --token-file"
            )

    @cached_property
    def is_local(self) -> bool:
        """Whether only this machine can reach the server."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @cached_property
    def names(self) -> frozenset[str]:
        """Names by which a loopback server may be called; any other is a page that rebinds a name (DNS)."""
        return frozenset({"localhost", "127.0.0.1", "[::1]", self.host})


def read_token(path: Path) -> str:
    """Return the secret in a file.

    Raises
    ------
    UsageError
        The file cannot be read, or holds fewer than 16 letters, or some that no header can carry.
    """
    try:
        token = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read --token-file {path}: {error}") from None
    if len(token) < 16 or not (token.isascii() and token.isprintable()):
        told = f"{len(token)} letters; a token has 16 or more, all of them ASCII, on one line"
        raise UsageError(f"--token-file {path} holds {told}")
    return token

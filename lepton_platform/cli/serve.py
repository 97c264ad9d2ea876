"""``lepton serve``: an HTTP API and a page for every application that has a finished run."""

from __future__ import annotations

import socket
from pathlib import Path

import click

from lepton_platform.cli import completion, options
from lepton_platform.errors import UsageError

POSITIVE = click.FloatRange(min=0, min_open=True)


@click.command("serve")
@click.argument("applications", nargs=-1, metavar="[APPLICATION ...]", shell_complete=completion.applications)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="0: one that is free."
)
@click.option(
    "--token-file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="File with the secret that every request must carry; needed on an address that others can reach.",
)
@options.runs
@click.option("--audit-cases", is_flag=True, help="Log the cases beside the decisions.")
@click.option("--max-json", type=POSITIVE, default=5, show_default=True, help="MB of one JSON body.")
@click.option("--max-upload", type=POSITIVE, default=200, show_default=True, help="MB of one file.")
@click.option(
    "--timeout",
    type=POSITIVE,
    default=60,
    show_default=True,
    help="Seconds after which a request is given up.",
)
def command(
    applications: tuple[str, ...],
    host: str,
    port: int,
    token_file: Path | None,
    runs: Path,
    audit_cases: bool,
    max_json: float,
    max_upload: float,
    timeout: float,
) -> None:  # fmt: skip
    """Serve the last good run of each APPLICATION, all that are installed if none is named."""
    try:
        import uvicorn

        from lepton_platform.serve import app
    except ModuleNotFoundError as error:
        raise UsageError(f"{error}. Serving needs: pip install 'lepton-platform[serve]'") from None
    from lepton_platform.serve.settings import MEGABYTE, Settings, read_token

    settings = Settings(
        root=runs.resolve(),
        applications=applications,
        host=host,
        port=port,
        token=None if token_file is None else read_token(token_file),
        audit_cases=audit_cases,
        most_json=int(max_json * MEGABYTE),
        most_upload=int(max_upload * MEGABYTE),
        seconds=timeout,
    )
    served = app.create(settings)
    with _listening(settings.host, settings.port) as listener:
        shown = f"[{host}]" if ":" in host else host
        click.echo(f"Serving on http://{shown}:{listener.getsockname()[1]}  (Ctrl-C ends)", err=True)
        config = uvicorn.Config(
            served, log_level="warning", access_log=False, server_header=False, timeout_graceful_shutdown=30
        )
        uvicorn.Server(config).run([listener])


def _listening(host: str, port: int) -> socket.socket:
    """Return a socket on which clients can already wait; a port that is taken is told at once."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        raise UsageError(f"cannot listen on {host}:{port}: {error.strerror}. Try another --port") from None

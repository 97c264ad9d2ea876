"""What a watched stream warns of."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Severity = Literal["info", "warning", "alarm"]


@dataclass(frozen=True)
class Alert:
    """One warning. Two of the same kind, subject, time and message are one: they have the same id.

    Examples
    --------
    >>> Alert("exceedance", "SPX", "2020-03-16", "alarm", "a loss beyond the VaR").to_json()["id"]
    '36e6623b5528'
    """

    kind: str
    """In one word: ``exceedance``, ``drift``, ``late``."""
    subject: str
    """The instrument, column or case that it is about."""
    time: str
    """Of the tick that raised it, as the data tell it."""
    severity: Severity
    message: str
    """In one sentence, for a person."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """Numbers, for a program."""

    @property
    def id(self) -> str:
        """Twelve hexadecimal digits that stand for it, the same whenever it is raised."""
        said = "\x1f".join((self.kind, self.subject, self.time, self.message))
        return hashlib.sha256(said.encode()).hexdigest()[:12]

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON facts, its own before those of the application."""
        own = {name: getattr(self, name) for name in ("id", "kind", "subject", "time", "severity", "message")}
        return {**own, **{name: value for name, value in self.facts.items() if name not in own}}

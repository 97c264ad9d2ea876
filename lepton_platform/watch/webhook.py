"""Sends alerts to a webhook, one JSON object per request, neither too many nor twice.

After an alert, those of the same kind and subject are held back for the cooldown, and counted; the
next one that is sent says how many. What cannot be sent is tried again with the next alert. How far
it came is kept beside the journal, so that after a crash nothing is left out; a receiver that must not act
twice compares the header ``Idempotency-Key`` with what it has seen.
"""

from __future__ import annotations

import json
import time
import urllib.request
from collections import Counter, deque
from pathlib import Path
from typing import Any

from lepton_platform import store

TIMEOUT = 5.0
MOST_WAITING = 1000
"""Alerts that wait for a webhook that does not answer; the oldest go first."""


class Webhook:
    """A URL that alerts are posted to.

    Parameters
    ----------
    url : str
        Of the receiver.
    cooldown : float
        Seconds for which further alerts of one kind and subject are held back.
    journal : path
        Lines of JSON; those that were written after ``sent`` are sent.
    sent : path
        File that holds how many bytes of the journal were dealt with.
    """

    def __init__(self, url: str, cooldown: float, journal: Path, sent: Path) -> None:
        self.url = url
        self.cooldown = cooldown
        self._journal = journal
        self._sent = sent
        self._place = int(sent.read_text()) if sent.exists() else 0
        self._last: dict[tuple[str, str], float] = {}
        self._held: Counter[tuple[str, str]] = Counter()
        self._failed: deque[dict[str, Any]] = deque(maxlen=MOST_WAITING)

    def deliver(self) -> None:
        """Send what the journal holds beyond what was dealt with."""
        with self._journal.open("rb") as lines:
            lines.seek(self._place)
            written = lines.read()
        whole = written[: written.rfind(b"\n") + 1]
        if not whole:
            return
        waiting = [*self._failed, *self._due([json.loads(line) for line in whole.splitlines()])]
        self._failed.clear()
        for number, alert in enumerate(waiting):
            if not self._post(alert):
                self._failed.extend(waiting[number:])
                break
        self._place += len(whole)
        store.write_text(self._sent, str(self._place))

    def _due(self, alerts: list[dict[str, Any]]) -> list[dict[str, Any]]:
        due = []
        for alert in alerts:
            key, now = (alert["kind"], alert["subject"]), time.monotonic()
            if now - self._last.get(key, -float("inf")) < self.cooldown:
                self._held[key] += 1
                continue
            self._last[key] = now
            due.append({**alert, "held_back": self._held.pop(key, 0)})
        return due

    def _post(self, alert: dict[str, Any]) -> bool:
        request = urllib.request.Request(
            self.url,
            data=json.dumps(alert).encode(),
            headers={"Content-Type": "application/json", "Idempotency-Key": alert["id"]},
            method="POST",
        )
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT):
                return True
        except OSError:  # whatever it is, the next alert tries again
            return False

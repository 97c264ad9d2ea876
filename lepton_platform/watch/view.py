"""The terminal view of a watched stream: how much came, what was warned of, the last alerts."""

from __future__ import annotations

import shutil
from collections import Counter, deque

import pandas as pd

from lepton_platform.alert import Alert

COLOURS = {"info": "\x1b[36m", "warning": "\x1b[33m", "alarm": "\x1b[31;1m"}
PLAIN, HOME = "\x1b[0m", "\x1b[H\x1b[J"
LAST = 12
MOST_DECISIONS = 8


class View:
    """What the screen shows; ``drawn`` returns it whole."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._counts: Counter[str] = Counter()
        self._last: deque[Alert] = deque(maxlen=LAST)

    def take(self, alert: Alert) -> None:
        """Remember an alert."""
        self._counts[alert.kind] += 1
        self._last.append(alert)

    def drawn(self, rows: int, decisions: pd.DataFrame | None) -> str:
        """Return the screen after so many rows; ``decisions`` are those of the last batch."""
        width = shutil.get_terminal_size((100, 40)).columns
        counted = ", ".join(f"{kind} {count:,}" for kind, count in self._counts.most_common()) or "none"
        lines = [self._title, f"{rows:,} rows   alerts: {counted}", "─" * width]
        if decisions is not None and len(decisions):
            lines += [*_table(decisions, width), "─" * width]
        for alert in self._last:
            text = f"{alert.time:<19.19} {alert.kind:<11.11} {alert.message}"
            lines.append(f"{COLOURS[alert.severity]}{text[:width]}{PLAIN}")
        return HOME + "\n".join(line if line.startswith("\x1b") else line[:width] for line in lines) + "\n"


def _table(decisions: pd.DataFrame, width: int) -> list[str]:
    last = decisions.tail(MOST_DECISIONS)
    shown = last.reset_index() if last.index.nlevels > 1 else last
    with pd.option_context("display.width", width, "display.max_columns", None):
        text = shown.to_string(index=False, float_format=lambda number: f"{number:.4g}", line_width=None)
    return text.splitlines()

"""What a shell offers as the value of a parameter: applications, runs, files.

Each is a function for click's ``shell_complete``, of the context, the parameter and what is typed so far.
"""

from __future__ import annotations

import os
from collections.abc import Callable

import click
from click.shell_completion import CompletionItem

Completion = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]


def applications(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Offer the applications that can be loaded."""
    from lepton_platform import index

    usable = [entry for entry in index.read().entries("applications") if entry.fault is None]
    return [CompletionItem(one.name, help=one.summary) for one in usable if one.name.startswith(incomplete)]


def plugins(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Offer the distributions that bring plugins."""
    from lepton_platform import index

    return [CompletionItem(name) for name in index.read().head.plugins if name.startswith(incomplete)]


def files(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Leave it to the shell to offer files."""
    return [CompletionItem(incomplete, type="file")]


def runs_in(option: str) -> Completion:
    """Return what offers the runs in the folder that an option of the same command names, newest first."""

    def runs(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
        root = str(ctx.params.get(option) or "runs")
        found = [(run, owner) for owner in _folders(root) for run in _folders(os.path.join(root, owner))]
        newest_first = sorted(found, reverse=True)
        return [CompletionItem(run, help=owner) for run, owner in newest_first if run.startswith(incomplete)]

    return runs


def _folders(path: str) -> list[str]:
    try:
        with os.scandir(path) as found:
            return [entry.name for entry in found if entry.is_dir()]
    except OSError:
        return []

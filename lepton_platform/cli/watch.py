"""``lepton watch``: the model of a finished run on a stream, with an alert where one is due."""

from __future__ import annotations

import json
from pathlib import Path

import click

from lepton_platform.cli import completion, options
from lepton_platform.cli.output import plugins_on_stderr


@click.command("watch")
@click.argument("application", shell_complete=completion.applications)
@click.option(
    "--data",
    required=True,
    shell_complete=completion.files,
    metavar="URI",
    help="Stream of rows: a text file, - for standard input, http://, https:// or tcp://host:port.",
)
@click.option(
    "--state",
    required=True,
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Folder that keeps how far the stream was watched; the same one goes on there.",
)
@click.option("--follow", is_flag=True, help="Wait for more where the source ends.")
@options.run
@options.runs
@click.option("--webhook", metavar="URL", help="Post each alert there as JSON.")
@click.option(
    "--cooldown",
    type=click.FloatRange(0),
    default=300.0,
    show_default=True,
    metavar="SECONDS",
    help="For the webhook: how long further alerts of one kind and subject are held back.",
)
@click.option(
    "--silence", type=click.FloatRange(0), metavar="SECONDS", help="Alert when nothing comes for so long."
)
@click.option("--view", is_flag=True, help="Show the stream on the terminal, in place of lines of JSON.")
def command(
    application: str, data: str, state: Path, follow: bool, run_id: str | None, runs: Path,
    webhook: str | None, cooldown: float, silence: float | None, view: bool,
) -> None:  # fmt: skip
    """Watch a stream with the model of APPLICATION's last good run; print one line of JSON per alert."""
    from lepton_platform import index, store
    from lepton_platform.errors import UsageError
    from lepton_platform.run import reopen
    from lepton_platform.watch import Watch
    from lepton_platform.watch.state import WatchState
    from lepton_platform.watch.view import View
    from lepton_platform.watch.webhook import Webhook

    index.find("applications", application)
    folder = store.find_run(runs, run_id) if run_id else store.last_good_run(runs, application)
    with plugins_on_stderr() as stdout:
        run = reopen(folder)
        if run.application_id != application:
            raise UsageError(f"run {folder.id} is one of {run.application_id}, not of {application}")
        kept = WatchState(state, run, data if data == "-" or "://" in data else str(Path(data).resolve()))
        hook = None if webhook is None else Webhook(webhook, cooldown, kept.journal.path, state / "webhook")
        screen = View(f"{application}   {data}   run {folder.id}") if view else None
        try:
            watch = Watch(run, data, kept, follow, silence)
            for alert in watch.alerts():
                if screen is None:
                    print(json.dumps(alert.to_json(), default=str), file=stdout, flush=True)
                else:
                    screen.take(alert)
                    print(screen.drawn(watch.rows, watch.last), end="", file=stdout, flush=True)
                if hook is not None:
                    hook.deliver()
            if screen is not None:
                print(screen.drawn(watch.rows, watch.last), end="", file=stdout, flush=True)
        finally:
            kept.close()

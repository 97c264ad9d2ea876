"""``lepton run``: one subcommand per installed application, its options made from its config."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lepton_platform import index
from lepton_platform.cli import completion
from lepton_platform.cli.lazy import ListedGroup
from lepton_platform.cli.output import plugins_on_stderr
from lepton_platform.errors import ConfigError, UsageError

if TYPE_CHECKING:
    from lepton_platform.run import Run

STARTED = time.monotonic()  # so that the budget includes the imports that follow

HOST_OPTIONS = [
    click.Option(
        ["--data"], shell_complete=completion.files, metavar="URI",
        help="File or database to learn from; without it, the sample.",
    ),
    click.Option(
        ["--test"], shell_complete=completion.files, metavar="URI",
        help="Cases to be judged on; without it, a part is held out.",
    ),
    click.Option(["--models"], metavar="A,B", help="Candidates to try; without it, all."),
    click.Option(["--budget"], metavar="60s", help="Time after which the run must be over (s, m or h)."),
    click.Option(["--seed"], type=click.IntRange(0, 2**31 - 1), default=0, show_default=True),
    click.Option(
        ["--out"], type=click.Path(path_type=Path), default=Path("runs"), show_default=True,
        help="Folder for all runs; each gets a folder of its own in it.",
    ),
    click.Option(["--engine"], metavar="URL", help="Where the work runs; without it, this machine."),
    click.Option(
        ["--resume"], shell_complete=completion.runs_in("out"), metavar="RUN",
        help="Go on with an interrupted run.",
    ),
    click.Option(
        ["--config", "config_file"], shell_complete=completion.files, metavar="FILE",
        help="Options from a TOML or JSON file.",
    ),
    click.Option(["--set", "assignments"], multiple=True, metavar="KEY=VALUE", help="One option by name."),
    click.Option(["--json", "as_json"], is_flag=True, help="Print the result as one JSON object."),
]  # fmt: skip
RESERVED = {option.opts[0].removeprefix("--") for option in HOST_OPTIONS} | {"help"}
"""Fields that no application may have: their options are those of every run."""


class Applications(ListedGroup):
    """The installed applications as subcommands; their options are those that the index holds."""

    heading = "Applications"

    def helps(self) -> Mapping[str, str]:
        entries = index.read().entries("applications")
        return {entry.name: entry.summary for entry in entries if entry.fault is None}

    def load(self, name: str) -> click.Command:
        entry = index.find("applications", name)
        own = index.read().options(entry)
        if taken := sorted(RESERVED & {option.key for option in own}):
            raise ConfigError(
                f"{name} uses names of the host's own options: {', '.join(taken)}. Rename them."
            )
        keys = {_parameter(option.key): option.key for option in own}

        def callback(**values: Any) -> None:
            _run(name, {keys.get(parameter, parameter): value for parameter, value in values.items()})

        params: list[click.Parameter] = [*HOST_OPTIONS, *map(_option, own)]
        return click.Command(name, callback=callback, params=params, help=entry.summary)

    def called(self, name: str) -> click.Command:
        return self.load(name)


@click.group("run", cls=Applications, invoke_without_command=True, subcommand_metavar="APPLICATION [OPTIONS]")
@click.option(
    "--resume", shell_complete=completion.runs_in("out"), metavar="RUN", help="Go on with an interrupted run."
)
@click.option("--out", type=click.Path(path_type=Path), default=Path("runs"), show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print the result as one JSON object.")
@click.pass_context
def command(ctx: click.Context, resume: str | None, out: Path, as_json: bool) -> None:
    """Learn from a file of past cases; write decisions and a report.

    `lepton run APPLICATION --help` shows the options of an application.
    """
    if ctx.invoked_subcommand is not None:
        return
    if resume is None:
        raise UsageError("name an application (lepton list shows them) or a run to --resume")
    _resume(resume, out, as_json)


def _option(option: index.Option) -> click.Option:
    name = _parameter(option.key)
    if option.flag:
        return click.Option([f"{option.name}/--no-{option.name[2:]}", name], default=None, help=option.help)
    return click.Option([option.name, name], metavar=option.metavar, help=option.help)


def _parameter(key: str) -> str:
    """Return an option's key as the name of a Python parameter."""
    return re.sub(r"\W", "__", key)


def _run(application: str, values: dict[str, Any]) -> None:
    host = {name: values.pop(name) for name in [option.name for option in HOST_OPTIONS] if name in values}
    if host["resume"] is not None:
        _resume(host["resume"], host["out"], host["as_json"])
        return
    given = {name: value for name, value in values.items() if value is not None}
    chosen = {**_from_file(host["config_file"]), **assigned(host["assignments"]), **given}
    with plugins_on_stderr():
        run = _started(application, host, chosen)
    _show(run, host["as_json"])


def _started(application: str, host: Mapping[str, Any], chosen: Mapping[str, Any]) -> Run:
    from lepton_platform import plugins
    from lepton_platform.run import Options, start

    participants = plugins.participants(application)
    for error in participants.broken:
        click.echo(f"Warning: {error}  (lepton doctor)", err=True)
    options = Options(
        data=host["data"],
        test=host["test"],
        models=tuple(name.strip() for name in (host["models"] or "").split(",") if name.strip()),
        budget=_seconds(host["budget"]),
        seed=host["seed"],
        engine=host["engine"],
    )
    return start(participants, options, chosen, host["out"], STARTED)


def _resume(run_id: str, out: Path, as_json: bool) -> None:
    from lepton_platform.run import resume

    with plugins_on_stderr():
        run = resume(run_id, out, STARTED)
    _show(run, as_json)


def _show(run: Run, as_json: bool) -> None:
    from lepton_platform.report.host import result

    told = result(run)
    if as_json:
        click.echo(json.dumps(told, default=str, allow_nan=False))
        return
    click.echo(told["verdict"])
    click.echo(f"\nReport:    {told['report']}\nDecisions: {run.folder.resolve() / 'decisions.parquet'}")
    worrying = sum(finding.level == "warning" for finding in run.findings)
    if worrying:
        click.echo(f"{worrying} warnings about the data are in the report.", err=True)


def _from_file(path: str | None) -> dict[str, Any]:
    if path is None:
        return {}
    import tomllib

    try:
        text = Path(path).read_text(encoding="utf-8")
        read: dict[str, Any] = json.loads(text) if path.endswith(".json") else tomllib.loads(text)
    except OSError as error:
        raise UsageError(f"cannot read --config {path}: {error.strerror}") from None
    except ValueError as error:
        raise UsageError(f"--config {path} is not valid: {error}") from None
    values: dict[str, Any] = {}
    for key, value in read.items():
        inner = value if isinstance(value, dict) else None  # the table of an extension
        named = {key: value} if inner is None else {f"{key}.{name}": one for name, one in inner.items()}
        values |= {_field_key(name): one for name, one in named.items()}
    return values


def _field_key(name: str) -> str:
    """Return an option's name as the key of its value.

    >>> _field_key("cost-of-default"), _field_key("acme-forest.max-depth")
    ('cost_of_default', 'acme-forest.max_depth')
    """
    extension, dot, option = name.strip().rpartition(".")
    return extension + dot + option.replace("-", "_")


def assigned(assignments: tuple[str, ...]) -> dict[str, str]:
    """Return the fields that ``--set KEY=VALUE`` names."""
    pairs = {}
    for assignment in assignments:
        key, equals, value = assignment.partition("=")
        if not equals:
            raise UsageError(f"--set {assignment!r} is not of the form KEY=VALUE")
        pairs[_field_key(key)] = value
    return pairs


def _seconds(text: str | None) -> float | None:
    """Read a duration.

    >>> _seconds("90"), _seconds("2m"), _seconds("1.5h")
    (90.0, 120.0, 5400.0)
    """
    if text is None:
        return None
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(s|m|h)?", text.strip())
    if match is None or float(match[1]) <= 0:
        raise UsageError(f"--budget {text!r} is no duration; write 60s, 5m or 1h")
    return float(match[1]) * {"s": 1, "m": 60, "h": 3600}[match[2] or "s"]

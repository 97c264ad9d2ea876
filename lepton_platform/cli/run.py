"""``lepton run``: one subcommand per installed application, its options made from its config."""

from __future__ import annotations

import json
import re
import time
import tomllib
from pathlib import Path
from typing import Any

import click

from lepton_platform import plugins
from lepton_platform.errors import ConfigError, UsageError

STARTED = time.monotonic()  # so that the budget includes the imports that follow

HOST_OPTIONS = [
    click.Option(["--data"], metavar="URI", help="File or database to learn from; without it, the sample."),
    click.Option(["--test"], metavar="URI", help="Cases to be judged on; without it, a part is held out."),
    click.Option(["--models"], metavar="A,B", help="Candidates to try; without it, all."),
    click.Option(["--budget"], metavar="60s", help="Time after which the run must be over (s, m or h)."),
    click.Option(["--seed"], type=click.IntRange(0, 2**31 - 1), default=0, show_default=True),
    click.Option(
        ["--out"], type=click.Path(path_type=Path), default=Path("runs"), show_default=True,
        help="Folder for all runs; each gets a folder of its own in it.",
    ),
    click.Option(["--engine"], metavar="URL", help="Where the work runs; without it, this machine."),
    click.Option(["--resume"], metavar="RUN", help="Go on with an interrupted run."),
    click.Option(["--config", "config_file"], metavar="FILE", help="Options from a TOML or JSON file."),
    click.Option(["--set", "assignments"], multiple=True, metavar="KEY=VALUE", help="One option by name."),
    click.Option(["--json", "as_json"], is_flag=True, help="Print the result as one JSON object."),
]  # fmt: skip
RESERVED = {"data", "test", "models", "budget", "seed", "out", "engine", "resume", "config", "set", "json"}


class Applications(click.Group):
    """The installed applications as subcommands."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({offer.name for offer in plugins.offers("applications")})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command:
        return _command_for(cmd_name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Applications"):
            formatter.write_dl([(name, "") for name in self.list_commands(ctx)])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        return args[0], self.get_command(ctx, args[0]), args[1:]


@click.group("run", cls=Applications, invoke_without_command=True, subcommand_metavar="APPLICATION [OPTIONS]")
@click.option("--resume", metavar="RUN", help="Go on with an interrupted run.")
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


def _command_for(application: str) -> click.Command:
    from lepton_platform.run import config_of

    participants = plugins.participants(application)
    for error in participants.broken:
        click.echo(f"Warning: {error}  (lepton doctor)", err=True)
    fields = dict(config_of(participants).model_fields)
    if taken := RESERVED & fields.keys():
        names = ", ".join(sorted(taken))
        raise ConfigError(f"{application} uses the names of the host's own options: {names}. Rename them.")
    for layer in participants.layers:
        if layer.config is not None:
            fields |= {f"{layer.name}.{name}": field for name, field in layer.config.model_fields.items()}
    options = [_option(key, field) for key, field in fields.items()]
    keys = {option.name: key for option, key in zip(options, fields, strict=True)}

    def callback(**values: Any) -> None:
        _run(application, {keys.get(name, name): value for name, value in values.items()})

    return click.Command(
        application,
        callback=callback,
        params=[*HOST_OPTIONS, *options],
        help=participants.application.summary,
    )


def _option(key: str, field: Any) -> click.Option:
    """Return the option of a field; ``key`` is its name, with an extension's name and a dot before it."""
    from lepton_platform.config import option_name

    name = re.sub(r"\W", "__", key)
    flag = field.annotation is bool
    default = field.default
    shown = ",".join(default) if isinstance(default, tuple) else default
    said = f"{field.description or ''}{f'  [default: {shown}]' if shown not in (None, '') else ''}"
    if flag:
        declaration = f"{option_name(key)}/--no-{option_name(key)[2:]}"
        return click.Option([declaration, name], default=None, help=said)
    return click.Option([option_name(key), name], metavar=_metavar(field.annotation), help=said)


def _metavar(annotation: Any) -> str:
    text = str(annotation)
    if "Literal" in text:
        return "|".join(re.findall(r"'([^']+)'", text))
    kinds = {"tuple": "A,B", "float": "NUMBER", "int": "N"}
    return next((shown for kind, shown in kinds.items() if kind in text), "TEXT")


def _run(application: str, values: dict[str, Any]) -> None:
    from lepton_platform.run import Options, start

    host = {name: values.pop(name) for name in [option.name for option in HOST_OPTIONS] if name in values}
    if host["resume"] is not None:
        _resume(host["resume"], host["out"], host["as_json"])
        return
    given = {name: value for name, value in values.items() if value is not None}
    chosen = {**_from_file(host["config_file"]), **assigned(host["assignments"]), **given}
    options = Options(
        data=host["data"],
        test=host["test"],
        models=tuple(name.strip() for name in (host["models"] or "").split(",") if name.strip()),
        budget=_seconds(host["budget"]),
        seed=host["seed"],
        engine=host["engine"],
    )
    run = start(application, options, chosen, host["out"], STARTED)
    _show(run, host["as_json"])


def _resume(run_id: str, out: Path, as_json: bool) -> None:
    from lepton_platform.run import resume

    _show(resume(run_id, out, STARTED), as_json)


def _show(run: Any, as_json: bool) -> None:
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

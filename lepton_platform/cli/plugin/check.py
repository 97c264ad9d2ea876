"""``lepton plugin check``: how far a plugin conforms, check by check."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from lepton_platform.testing import Level


@click.command("check")
@click.argument("name")
@click.option(
    "--level",
    type=click.Choice(["bronze", "silver", "gold"]),
    default="bronze",
    show_default=True,
    help="Exit with 0 if NAME reaches it, else with 1.",
)
@click.option("--data", metavar="URI", help="Rows to learn from; without it, the application's sample.")
@click.option(
    "--set", "assignments", multiple=True, metavar="KEY=VALUE", help="One option of the runs, by name."
)
@click.option("--models", metavar="A,B", help="Candidates of the runs; without it, NAME's own and one more.")
@click.option("--only", metavar="ID,ID", help="Make only these checks.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON array.")
@click.pass_context
def command(
    ctx: click.Context,
    name: str,
    level: Level,
    data: str | None,
    assignments: tuple[str, ...],
    models: str | None,
    only: str | None,
    as_json: bool,
) -> None:
    """Check the application or extension NAME, or all that the distribution NAME offers.

    docs/reference/checks.md says of each check what it asserts, why it matters, and how to mend.
    """
    from lepton_platform.cli.run import assigned
    from lepton_platform.testing.conformance import Conformance, offers_of, outcomes, told
    from lepton_platform.testing.subject import Subject

    def show(line: str) -> None:
        if not as_json:
            click.echo(line)

    found = []
    for offer in offers_of(name):
        show(f"{offer.name} ({offer})\n")
        made = []
        for outcome in outcomes(Subject(offer, data, assigned(assignments), _listed(models)), _listed(only)):
            made.append(outcome)
            said = told(outcome) if outcome.status == "failed" else f"{outcome.check}  {outcome.message}"
            show(f"{outcome.status:<8} {outcome.check.level:<7} {said}".rstrip())
        found.append(Conformance(offer, tuple(made)))
        show(f"\n{found[-1].summary()}")
    if as_json:
        click.echo(json.dumps([conformance.to_json() for conformance in found]))
    ctx.exit(0 if all(conformance.reaches(level) for conformance in found) else 1)


def _listed(names: str | None) -> list[str]:
    return [name.strip() for name in (names or "").split(",") if name.strip()]

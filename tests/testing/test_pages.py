"""Every check has its part of the reference, and that is what its generator prints."""

import inspect
import re
import runpy
from pathlib import Path

import pytest

from lepton_platform.testing import CHECKS
from lepton_platform.testing.check import LEVELS

DOCS = Path(__file__).resolve().parents[2] / "docs"
REFERENCE = DOCS / "reference"


@pytest.fixture(scope="module")
def page():
    return (REFERENCE / "checks.md").read_text(encoding="utf-8")


def test_the_reference_of_checks_is_what_its_generator_prints(page):
    assert runpy.run_path(str(REFERENCE / "generate_checks.py"))["page"]() == page


@pytest.mark.parametrize("check", CHECKS, ids=str)
def test_every_check_says_what_it_asserts_why_it_matters_and_how_to_mend(page, check):
    parts = inspect.getdoc(check.function).split("\n\n")
    assert len(parts) == 3 and parts[2].startswith("To mend: ") and "\n" not in parts[0]
    assert check.level in LEVELS
    assert f"\n## {check.id}\n" in page and check.statement in page


def test_ids_are_unique():
    ids = [check.id for check in CHECKS]
    assert len(set(ids)) == len(ids)


def test_the_how_to_shows_what_the_command_prints(lepton):
    text = (DOCS / "how-to" / "check-your-plugin.md").read_text(encoding="utf-8")
    command, shown = re.search(r"```console\n\$ lepton (.*)\n((?:.*\n)+?)```", text).groups()
    assert lepton(*command.split()).out == shown

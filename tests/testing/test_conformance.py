"""How checks become outcomes, outcomes a level, and a level an exit code."""

import json
import subprocess
import sys
import textwrap

import pytest

from lepton_platform.errors import PluginLoadError, UnknownNameError
from lepton_platform.testing import checks_of, conformance
from lepton_platform.testing.check import LEVELS, MOST_WAIVED
from lepton_platform.testing.conformance import CHECKS, OF_RUNS, Conformance, Outcome, asked_of, offers_of

NOT_BOUNDED = """
class Free(Config):
    price: float = Field(8.0, description="price of one call, EUR")

waivers = {"options-bounded": "rebates are negative"}
application = dataclasses.replace(application, config=Free, waivers=waivers)
"""
TWICE_WAIVED = """
application = dataclasses.replace(application, waivers={"options-bounded": "no reason to"})
"""
OF_A_BAD_ONE = 'extension = Extension("own.loud", config=Trees)'
LOUD = """
@hookimpl
def lepton_summary():
    print("done")
"""


@pytest.fixture(scope="module")
def own(site, sources):
    """The site with applications of this module's own."""
    application, extension = sources["applications"], sources["extensions"]
    site.install(
        "lepton-own",
        {
            "own_waived": application + NOT_BOUNDED,
            "own_needless": application + TWICE_WAIVED,
            "own_loud": application + LOUD,
            "own_bare": application + "application = dataclasses.replace(application, sample=None)",
            "own_broken": "import no_such_library",
            "own_addition": extension + OF_A_BAD_ONE,
        },
        applications={
            "own.waived": "own_waived", "own.needless": "own_needless", "own.loud": "own_loud",
            "own.bare": "own_bare", "own.broken": "own_broken",
        },
        extensions={"own-addition": "own_addition"},
    )  # fmt: skip
    return site


# ------------------------------------------------------------------------------- good plugins


@pytest.mark.parametrize("check", CHECKS, ids=str)
@pytest.mark.parametrize("name", ["good.customers", "good-forest"])
def test_a_good_plugin_passes_whatever_it_is_asked(good, name, check):
    for outcome in good[name].outcomes:
        if outcome.check == check:
            assert outcome.status == "passed" or outcome.message == "its cases have no dates", outcome


@pytest.fixture(scope="module")
def good(own):
    """What came of the checks of the good application and its extension."""
    return {one.offer.name: one for one in conformance("lepton-good")}


def test_a_good_plugin_is_gold(good):
    assert {name: one.level for name, one in good.items()} == {
        "good.customers": "gold",
        "good-forest": "gold",
    }


def test_dated_cases_are_checked_for_the_future_too(own):
    (check,) = checks_of(
        "good.customers", options={"date": "joined", "ignore": ""}, only=["corrupt-the-future"]
    )
    check()


def test_without_data_the_declaration_is_checked_and_bronze_is_all_there_is(own):
    (found,) = conformance("own.bare")
    assert found.level == "bronze"
    assert [one.check.id for one in found.outcomes if one.status == "failed"] == ["data-at-hand"]
    assert {one.status for one in found.outcomes if one.check in OF_RUNS} == {"skipped"}


# --------------------------------------------------------------------------------- the levels


def conforming(own, **statuses):
    """A conformance in which all checks passed but some, by id."""
    (offer,) = offers_of("good.customers")
    outcomes = [
        Outcome(check, statuses.get(check.id.replace("-", "_"), "passed")) for check in asked_of(offer)
    ]
    return Conformance(offer, tuple(outcomes))


def of_level(level):
    """Ids of checks of a level, as the keywords of ``conforming``."""
    return [one.id.replace("-", "_") for one in CHECKS if one.level == level and "applications" in one.of]


@pytest.mark.parametrize(("level", "reached"), [("bronze", None), ("silver", "bronze"), ("gold", "silver")])
def test_a_failed_check_ends_the_climb_below_its_level(own, level, reached):
    assert conforming(own, **{of_level(level)[0]: "failed"}).level == reached


@pytest.mark.parametrize(("level", "reached"), [("bronze", None), ("silver", "bronze"), ("gold", "silver")])
def test_a_level_tolerates_so_many_waivers_and_no_more(own, level, reached):
    most = MOST_WAIVED[level]
    ids = [name for one in LEVELS[LEVELS.index(level) :] for name in of_level(one)]
    assert LEVELS.index(conforming(own, **dict.fromkeys(ids[:most], "waived")).level) >= LEVELS.index(level)
    more = conforming(own, **dict.fromkeys(of_level(level)[: most + 1], "waived"))
    assert more.level == reached


def test_skipped_checks_are_no_obstacle(own):
    assert conforming(own, **dict.fromkeys(of_level("gold"), "skipped")).level == "gold"


def test_some_checks_alone_reach_no_level(own):
    few = Conformance(conforming(own).offer, conforming(own).outcomes[:3])
    assert few.level is None and few.summary().startswith("3 of ")


# -------------------------------------------------------------------------------- the waivers


def outcome_of(name, check):
    (bound,) = checks_of(name, only=[check])
    return bound.outcome()


def test_a_check_that_fails_is_waived_with_the_reason_and_what_was_seen(own):
    outcome = outcome_of("own.waived", "options-bounded")
    assert outcome.status == "waived"
    assert outcome.message == "rebates are negative (option --price is a number without a bound)"


def test_a_waiver_of_a_check_that_passes_is_a_fault(own):
    outcome = outcome_of("own.needless", "options-bounded")
    assert outcome.status == "failed" and "take its waiver out" in outcome.message


def test_an_extension_is_not_blamed_for_what_its_application_does(own):
    assert outcome_of("own.loud", "stdout-left-alone").status == "failed"
    outcome = outcome_of("own-addition", "stdout-left-alone")
    assert outcome.status == "skipped" and "own.loud fails it without" in outcome.message


# ------------------------------------------------------------------------------- in its tests


def test_naming_the_checks_does_not_import_the_plugin(own):
    assert len(checks_of("own.broken")) == len(asked_of(offers_of("own.broken")[0]))
    assert "own_broken" not in sys.modules


def test_a_plugin_that_cannot_be_imported_is_named_with_the_remedy(own):
    with pytest.raises(PluginLoadError, match=r"lepton-own 1\.0 .*no_such_library"):
        checks_of("own.broken")[0]()


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (lambda: checks_of("good.custommers"), "Did you mean 'good.customers'"),
        (lambda: checks_of("good.customers", only=["no-row"]), "Did you mean 'no-rows'"),
    ],
)
def test_an_unknown_plugin_or_check_is_answered_with_the_nearest(own, asked, said):
    with pytest.raises(UnknownNameError, match=said):
        asked()


SUITE = """
import pytest
from lepton_platform.testing import checks_of

CHECKS = ["options-bounded", "options-documented", "data-at-hand", "corrupt-the-future"]

@pytest.mark.parametrize("check", checks_of("own.waived", only=CHECKS), ids=str)
def test_conforms(check):
    check()

@pytest.mark.parametrize("check", checks_of("own.needless", only=["options-bounded"]), ids=str)
def test_conforms_too(check):
    check()
"""


def test_pytest_shows_waived_and_skipped_checks_with_their_reason(own, tmp_path):
    (tmp_path / "test_conformance.py").write_text(textwrap.dedent(SUITE))
    command = [sys.executable, "-m", "pytest", "-rsf", "-p", "no:cacheprovider", str(tmp_path)]
    environment = {"PYTHONPATH": str(own.folder), "PATH": ""}
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert "1 failed, 2 passed, 2 skipped" in done.stdout, done.stdout
    assert "waived: rebates are negative" in done.stdout
    assert "skipped: its cases have no dates" in done.stdout
    assert "lepton-own 1.0 fails options-bounded: it passes: take its waiver out" in done.stdout
    assert "To mend: " in done.stdout and "docs/reference/checks.md#options-bounded" in done.stdout


# ------------------------------------------------------------------------ on the command line

QUICK = "options-bounded,options-documented,corrupt-the-future"


def test_the_command_prints_each_check_the_counts_and_the_level(own, lepton):
    done = lepton("plugin", "check", "good.customers", "--level", "gold")
    assert done.code == 0, done.out
    assert "passed   bronze  hooks-known\n" in done.out
    assert "skipped  gold    corrupt-the-future  its cases have no dates\n" in done.out
    assert f"{len(asked_of(offers_of('good.customers')[0]))} checks: " in done.out
    assert done.out.endswith("1 skipped. Level reached: gold\n")


def test_the_command_ends_with_1_where_the_level_is_not_reached(own, lepton):
    done = lepton("plugin", "check", "own.needless", "--only", QUICK)
    assert done.code == 1
    assert "failed   silver  options-bounded: it passes" in done.out
    assert "To mend: " in done.out


def test_a_waived_check_costs_nothing_below_the_limit(own, lepton):
    done = lepton("plugin", "check", "own.waived", "--only", QUICK, "--json")
    (told,) = json.loads(done.out)
    assert done.code == 0 and told["name"] == "own.waived" and told["plugin"] == "lepton-own 1.0"
    assert (told["passed"], told["waived"], told["skipped"], told["failed"]) == (1, 1, 1, 0)
    assert told["checks"][1] == {
        "id": "options-bounded",
        "level": "silver",
        "status": "waived",
        "message": "rebates are negative (option --price is a number without a bound)",
        "page": "docs/reference/checks.md#options-bounded",
    }


def test_a_distribution_is_checked_with_all_it_offers(own, lepton):
    done = lepton("plugin", "check", "lepton-good", "--only", "options-documented")
    assert done.code == 0 and "good.customers (" in done.out and "good-forest (" in done.out


@pytest.mark.parametrize(("name", "code"), [("own.broken", 3), ("own.brokn", 2)])
def test_what_cannot_be_loaded_or_found_has_its_own_exit_code(own, lepton, name, code):
    done = lepton("plugin", "check", name)
    assert done.code == code and done.err.startswith("Error: "), done
    assert "Traceback" not in done.err


@pytest.mark.parametrize("relative", [False, True])
def test_other_data_and_options_can_be_named(own, lepton, tmp_path, monkeypatch, relative):
    import pandas as pd

    monkeypatch.chdir(tmp_path)

    table = pd.DataFrame({"visits": range(60), "plan": ["basic", "full", "none"] * 20})
    table.assign(gone=[n % 3 == 0 for n in range(60)]).to_csv(tmp_path / "visits.csv", index=False)
    given = ("--data", "visits.csv" if relative else tmp_path / "visits.csv", "--set", "target=gone")
    done = lepton("plugin", "check", "good.customers", *given, "--only", "runs,decides-without-target")
    assert done.code == 0, done.out

"""The errors: the tree drawn on top of the module is the tree of classes."""

import re

import pytest

from lepton_platform import errors
from lepton_platform.data.dataset import Finding
from lepton_platform.errors import DataError, LeptonError, UnknownNameError, did_you_mean


def drawn() -> dict[str, tuple[str | None, int | None]]:
    """Class → its parent and, where one is written beside it, its exit code, as the docstring says."""
    found: dict[str, tuple[str | None, int | None]] = {}
    path: list[str] = []
    for line in str(errors.__doc__).splitlines():
        match = re.match(r"([│├└─ ]*)(\w+Error)\b.*?(?:exit (\d))?$", line)
        if match is None:
            continue
        depth = len(match[1]) // 4
        path[depth:] = [match[2]]
        found[match[2]] = (path[depth - 1] if depth else None, int(match[3]) if match[3] else None)
    return found


CLASSES = {
    name: one for name, one in vars(errors).items() if isinstance(one, type) and issubclass(one, Exception)
}


def test_the_tree_shows_every_class_under_its_base():
    parents = {name: parent for name, (parent, _) in drawn().items()}
    assert parents == {
        name: None if one is LeptonError else one.__base__.__name__ for name, one in CLASSES.items()
    }


@pytest.mark.parametrize("name", [name for name, (_, code) in drawn().items() if code is not None])
def test_an_error_and_all_below_it_have_the_exit_code_that_the_tree_shows(name):
    below = [one for one in CLASSES.values() if issubclass(one, CLASSES[name])]
    assert {one.exit_code for one in below} == {drawn()[name][1]}


def test_every_branch_of_the_tree_shows_its_exit_code():
    assert {name for name, (parent, _) in drawn().items() if parent == "LeptonError"} == {
        name for name, (_, code) in drawn().items() if code is not None
    }


@pytest.mark.parametrize("name", CLASSES)
def test_every_error_says_when_it_happens(name):
    assert CLASSES[name].__doc__


# ---------------------------------------------------------------------------------- data errors


def test_one_fault_is_one_sentence():
    error = DataError([Finding("error", "is infinite", "rate", (3,), "Correct it")], "loans.csv")
    assert str(error) == "loans.csv cannot be used: column 'rate' is infinite (row 3). Correct it."


def test_many_faults_are_listed_and_what_is_no_fault_is_left_out():
    findings = [Finding("error", "one"), Finding("warning", "two"), Finding("error", "three")]
    error = DataError(findings)
    assert str(error) == "the data cannot be used, for 2 reasons:\n  - one\n  - three"
    assert error.findings == tuple(findings)


# ------------------------------------------------------------------------------------ suggestions


@pytest.mark.parametrize(
    ("name", "known", "said"),
    [
        ("defaulted", ["amount", "default"], "Did you mean 'default'?"),
        ("DEFAULT", ["amount", "Default"], "Did you mean 'Default'?"),
        ("x", ["b", "a"], "Known: a, b."),
        ("x", [], ""),
        (
            "zzz",
            [f"n{i:02}" for i in range(15)],
            f"Known: {', '.join(f'n{i:02}' for i in range(12))} and 3 more.",
        ),
    ],
)
def test_the_nearest_known_name_is_suggested_or_a_few_are_listed(name, known, said):
    assert did_you_mean(name, known) == said


def test_an_unknown_name_says_whose_it_is_not_and_ends_without_a_gap():
    assert (
        str(UnknownNameError("model", "forest", [], owner="acme.churn"))
        == "acme.churn has no model 'forest'."
    )
    assert UnknownNameError("model", "forest", []).name == "forest"

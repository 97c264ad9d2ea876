"""``lepton plugin new``: what it writes works at once and passes its checks as it is."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from lepton_platform import scaffold
from lepton_platform.errors import UnknownNameError, UsageError

# ------------------------------------------------------------------ from nothing to a first run


@pytest.fixture(scope="module")
def shell(shell_in, tmp_path_factory):
    return shell_in(tmp_path_factory.mktemp("author"))


def carried_out(shell, command):
    """Return what a command that has to succeed prints."""
    code, out, errors = shell(command)
    assert code == 0, f"$ {command}\n{out}\n{errors}"
    return out


def next_steps(told):
    """Return the commands that ``lepton plugin new`` prints, as one script."""
    steps = re.findall(r"^  (.+)$", told, re.MULTILINE)
    assert [step.split()[0] for step in steps] == ["cd", "pip", "lepton", "lepton", "make"]
    return "\n".join(steps)


@pytest.fixture(scope="module")
def telecom(shell):
    """A new application, and what was printed by the steps that its author is told to take."""
    return carried_out(shell, next_steps(carried_out(shell, "lepton plugin new lepton-telecom")))


def checks_passed(printed):
    """Whether ``make check`` came to its end and nothing was wrong."""
    ruff_and_mypy = ("All checks passed!", "files already formatted", "Success: no issues found")
    tests = re.search(r"^=+ \d+ passed, .* =+$", printed, re.MULTILINE)
    return all(said in printed for said in ruff_and_mypy) and tests is not None


def test_the_steps_that_are_told_lead_to_a_run_and_to_checks_that_pass(telecom):
    assert "The model is better than the baseline" in telecom
    assert "0 failed, 0 waived" in telecom and "Level reached: gold" in telecom
    assert checks_passed(telecom)


def test_the_application_is_listed(shell, telecom):
    assert re.search(r"^telecom\.churn .* lepton-telecom 0\.1\.0$", carried_out(shell, "lepton list"), re.M)


def test_it_learns_from_a_file_and_decides_new_cases_as_its_readme_says(shell, telecom):
    folder = shell.folder / "lepton-telecom"
    _, with_files = re.findall(r"^```sh\n(.*?)^```$", (folder / "README.md").read_text(), re.M | re.DOTALL)
    assert "20 cases decided" in carried_out(shell, f"cd {folder}\n{with_files}")
    decided = (folder / "decided.csv").read_text().splitlines()
    assert decided[0] == "case,probability,low,high,expected_gain,decision"
    assert [line.split(",")[0] for line in decided[1:]] == [str(customer) for customer in range(1, 21)]


def test_an_extension_adds_to_it_from_outside_and_passes_its_checks(shell, telecom):
    told = carried_out(shell, "lepton plugin new acme-forest --kind extension --of telecom.churn")
    steps = next_steps(told).splitlines()
    quick = [step for step in steps if not step.startswith("lepton ")]  # make check asks the same
    assert checks_passed(carried_out(shell, "\n".join(quick)))


# --------------------------------------------------------------------------------- names and files


NAMES = [
    ("application", "lepton-telecom", "churn", ""),
    ("application", "Acme.Mining_Tools", "truck-failure-within-a-week", ""),
    ("extension", "acme-forest", "", "task:binary"),
    ("extension", "a-model-of-some-institute-with-a-long-name", "", "finance.credit-risk"),
]


def blueprint(kind, distribution, job, of):
    if kind == "extension":
        return scaffold.extension(distribution, of)
    return scaffold.application(distribution, f"mining.{job}")


@pytest.mark.parametrize("names", NAMES, ids=lambda names: names[1])
def test_whatever_the_names_the_code_is_clean_and_nothing_is_left_to_fill_in(names, tmp_path):
    folder = scaffold.write(blueprint(*names), tmp_path)
    ruff = Path(sys.executable).with_name("ruff")
    for arguments in (["check"], ["format", "--check"]):
        done = subprocess.run([ruff, *arguments, "."], cwd=folder, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout
    for file in folder.rglob("*.*"):
        if file.is_file() and file.suffix != ".yml":
            text = file.read_text(encoding="utf-8")
            assert "{{" not in str(file) + text and "{%" not in text, file


@pytest.mark.parametrize(
    ("distribution", "id_", "package", "name", "module"),
    [
        ("lepton-telecom", None, "lepton_telecom", "telecom.churn", "lepton_telecom.churn"),
        ("Acme.Churn_Tools", None, "acme_churn_tools", "acme-churn-tools.churn", "acme_churn_tools.churn"),
        ("acme", "mining.truck-loss", "acme", "mining.truck-loss", "acme.truck_loss"),
    ],
)
def test_the_package_and_the_id_follow_from_the_name(distribution, id_, package, name, module, tmp_path):
    folder = scaffold.write(scaffold.application(distribution, id_), tmp_path)
    project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["project"]["name"] == folder.name == distribution
    assert project["project"]["entry-points"]["lepton.applications"] == {name: module}
    assert (folder / Path(*module.split(".")) / "__init__.py").exists()
    assert project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"] == [package]


def test_an_extension_is_called_like_its_distribution_and_needs_the_application_for_its_tests(tmp_path):
    folder = scaffold.write(scaffold.extension("acme-forest", "finance.credit-risk"), tmp_path)
    project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["entry-points"]["lepton.extensions"] == {"acme-forest": "acme_forest"}
    assert "lepton-finance" in project["optional-dependencies"]["test"]


# ------------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    "name",
    ["", "-telecom", "telecom-", "lepton telecom", "lepton/telecom", "../telecom", "3d", "import", "élan"],
)
def test_what_cannot_be_a_distribution_is_refused(name):
    with pytest.raises(UsageError):
        scaffold.application(name)


@pytest.mark.parametrize("name", ["pandas", "json", "lepton-finance"])
def test_a_name_that_is_imported_already_is_refused(name):
    with pytest.raises(UsageError, match="something else already"):
        scaffold.application(name)


@pytest.mark.parametrize(
    "id_", ["churn", "telecom.Churn", "telecom.a.b", "telecom.", "tele_com.churn", "a.class"]
)
def test_what_cannot_be_an_id_is_refused(id_):
    with pytest.raises(UsageError, match=re.escape(f"--id {id_!r}")):
        scaffold.application("lepton-telecom", id_)


def test_an_id_that_is_taken_is_refused_with_its_owner():
    with pytest.raises(UsageError, match=r"finance\.credit-risk is offered by lepton-finance"):
        scaffold.application("acme", "finance.credit-risk")


def test_an_extension_of_what_is_not_there_is_refused_with_the_nearest():
    with pytest.raises(UnknownNameError, match=r"Did you mean 'finance\.credit-risk'"):
        scaffold.extension("acme", "finance.credit-rsk")


@pytest.mark.parametrize("of", ["*", "task:image"])
def test_an_extension_whose_model_would_fit_nothing_is_refused(of):
    with pytest.raises(UsageError, match="task:binary"):
        scaffold.extension("acme", of)


@pytest.mark.parametrize("there", ["folder", "file"])
def test_what_is_there_already_is_left_as_it_is(there, lepton, tmp_path):
    taken = tmp_path / "lepton-telecom"
    taken.mkdir() if there == "folder" else taken.write_text("mine")
    code, out, errors = lepton("plugin", "new", "lepton-telecom", "--into", tmp_path)
    assert (code, out) == (2, "")
    assert errors.startswith("Error: ") and "is there already" in errors
    assert list(tmp_path.iterdir()) == [taken]
    assert taken.is_dir() or taken.read_text() == "mine"


def test_nothing_is_left_of_a_plugin_that_could_not_be_written_whole(tmp_path):
    blueprint = scaffold.application(
        "lepton-telecom", "telecom." + "x" * 300
    )  # longer than a file's name may be
    with pytest.raises(OSError, match="too long"):
        scaffold.write(blueprint, tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--of", "task:binary"], "--of is for an extension"),
        (["--kind", "extension", "--id", "a.b"], "--id is for an application"),
        (["--into", "nowhere"], "nowhere"),
    ],
)
def test_options_that_do_not_belong_together_are_refused(arguments, said, lepton, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, _, errors = lepton("plugin", "new", "lepton-telecom", *arguments)
    assert code == 2 and said in errors
    assert list(tmp_path.iterdir()) == []

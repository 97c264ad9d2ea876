"""Plugins as they are installed: real distributions, written into a folder that Python searches.

One that cannot be loaded is named with its distribution and its cause, and disturbs nothing else.
"""

import importlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lepton_platform import plugins
from lepton_platform.errors import HookError, PluginLoadError, UnknownNameError
from lepton_platform.hooks import Hooks

CHURN = """
from lepton_platform import Application, hookimpl
application = Application("Rank customers", task="binary", target="left")
"""


def install(
    site: Path, name: str, modules: dict[str, str], version: str = "1.0", **groups: dict[str, str]
) -> None:
    """Write a distribution: its modules by file name, its entry points by group, then by id."""
    information = site / f"{name.replace('-', '_')}-{version}.dist-info"
    information.mkdir(parents=True)
    (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    lines = [
        line
        for group, entries in groups.items()
        for line in (f"[lepton.{group}]", *(f"{key} = {module}" for key, module in entries.items()))
    ]
    (information / "entry_points.txt").write_text("\n".join(lines) + "\n")
    for file, source in modules.items():
        (site / file).parent.mkdir(parents=True, exist_ok=True)
        (site / file).write_text(source)


@pytest.fixture
def site(tmp_path, monkeypatch):
    """An empty folder on ``sys.path``."""
    with searched(tmp_path, monkeypatch):
        yield tmp_path


@contextmanager
def searched(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Put ``folder`` on ``sys.path``; what is imported from it is forgotten afterwards."""
    before = set(sys.modules)
    monkeypatch.syspath_prepend(folder)
    yield
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(folder)):
            del sys.modules[name]


def churn(site: Path, source: str = CHURN, **more: str) -> plugins.Offer:
    files = {"acme_churn.py": source, **more}
    install(site, "acme", files, applications={"acme.churn": "acme_churn"})
    return plugins.find("applications", "acme.churn")


# ------------------------------------------------------------------------------- what is installed


def test_what_is_installed_is_listed_without_being_imported(site):
    offer = churn(site, "raise SystemExit('imported')")
    assert offer in plugins.offers("applications")
    assert (offer.distribution, offer.version, str(offer)) == ("acme", "1.0", "acme 1.0")
    assert "acme_churn" not in sys.modules


def test_offers_stand_by_name_whatever_the_order_of_installation(site):
    for name in ("zeta", "alpha"):
        install(site, name, {}, applications={f"acme.{name}": "nowhere"})
    names = [offer.name for offer in plugins.offers("applications")]
    assert names == sorted(names)
    assert {"acme.alpha", "acme.zeta", "finance.credit-risk"} <= set(names)


@pytest.mark.parametrize("kind", ["applications", "tasks", "extensions"])
def test_an_unknown_name_is_an_error_with_a_suggestion(kind, site):
    install(site, "acme", {}, **{kind: {"acme.churn": "acme_churn"}})
    with pytest.raises(
        UnknownNameError, match=rf"no {kind[:-1]} 'acme\.chrun'\. Did you mean 'acme\.churn'\?"
    ):
        plugins.find(kind, "acme.chrun")


def test_one_id_from_two_distributions_is_an_error_that_names_both(site):
    install(site, "acme", {}, applications={"acme.churn": "a"})
    install(site, "other", {}, "2.5", applications={"acme.churn": "b"})
    with pytest.raises(PluginLoadError, match=r"acme\.churn is offered by acme 1\.0 and other 2\.5"):
        plugins.find("applications", "acme.churn")
    assert plugins.find("applications", "finance.credit-risk").distribution == "lepton-finance"


# ------------------------------------------------------------------------------ what cannot be loaded

BROKEN = {
    "import no_kornia": r"No module named 'no_kornia' \(try: pip install no_kornia\)",
    "1 / 0": "ZeroDivisionError: division by zero",
    "def broken(": "SyntaxError",
    "raise SystemExit(4)": "SystemExit: 4",
    "from lepton_platform import Aplication": "ImportError: cannot import name 'Aplication'",
}


@pytest.mark.parametrize("source", BROKEN)
@pytest.mark.parametrize("kind", ["applications", "extensions", "tasks"])
def test_a_module_that_cannot_be_imported_is_named_with_its_distribution_and_cause(kind, source, site):
    install(site, "acme", {"acme_churn.py": source}, **{kind: {"acme.churn": "acme_churn"}})
    with pytest.raises(PluginLoadError, match=f"acme 1.0 cannot be loaded: {BROKEN[source]}") as error:
        plugins.find(kind, "acme.churn").declaration()
    assert error.value.__cause__ is not None


def test_a_module_that_is_not_there_is_named(site):
    install(site, "acme", {}, applications={"acme.churn": "acme_gone"})
    with pytest.raises(PluginLoadError, match=r"acme 1\.0 cannot be loaded: .*acme_gone"):
        plugins.find("applications", "acme.churn").declaration()


@pytest.mark.parametrize(
    "source", ["", "application = 'Rank customers'", "from lepton_platform import Application as application"]
)
def test_a_module_that_declares_nothing_is_named_with_what_is_missing(source, site):
    with pytest.raises(
        PluginLoadError, match=r"acme 1\.0: module acme_churn has no `application = Application"
    ):
        churn(site, source).declaration()


@pytest.mark.parametrize(("api", "older"), [(0, "acme"), (2, "lepton-platform")])
@pytest.mark.parametrize(
    ("kind", "source"),
    [
        ("applications", "application = Application('Rank', task='binary', api={api})"),
        ("extensions", "extension = Extension('*', api={api})"),
    ],
)
def test_another_version_of_the_hooks_is_an_error_that_names_the_side_to_upgrade(
    kind, source, api, older, site
):
    text = "from lepton_platform import Application, Extension\n" + source.format(api=api)
    install(site, "acme", {"acme_churn.py": text}, **{kind: {"acme.churn": "acme_churn"}})
    with pytest.raises(
        PluginLoadError, match=rf"acme 1\.0: .* version {api} .* pip install --upgrade {older}$"
    ):
        plugins.find(kind, "acme.churn").declaration()


def test_an_application_of_a_task_that_is_not_installed_says_so(site):
    churn(site, CHURN.replace('"binary"', '"bianry"'))
    with pytest.raises(UnknownNameError, match=r"no task 'bianry'\. Did you mean 'binary'\?"):
        plugins.participants("acme.churn")


# ------------------------------------------------------------------------------- who takes part


EXTENSION = """
from lepton_platform import Extension, hookimpl
extension = Extension({target!r})
@hookimpl
def lepton_sections(): return []
"""


def test_the_layers_of_a_run_are_those_that_belong_to_it(site):
    churn(site)
    targets = {
        "for-all": "*",
        "for-churn": "acme.churn",
        "for-binary": "task:binary",
        "for-images": "task:image",
        "for-credit": "finance.credit-risk",
    }
    for name, target in targets.items():
        module = name.replace("-", "_")
        install(site, name, {f"{module}.py": EXTENSION.format(target=target)}, extensions={name: module})
    found = plugins.participants("acme.churn")
    assert [layer.name for layer in Hooks(found.layers).layers] == [
        "host",
        "for-all",
        "task:binary",
        "for-binary",
        "acme.churn",
        "for-churn",
    ]
    assert found.broken == ()


def test_a_packages_stages_are_imported_when_a_run_starts_and_not_before(site):
    stages = {f"acme_churn/{stage}.py": "" for stage in ("data", "report", "helpers")}
    install(
        site, "acme", {"acme_churn/__init__.py": CHURN, **stages}, applications={"acme.churn": "acme_churn"}
    )
    offer = plugins.find("applications", "acme.churn")
    offer.declaration()
    assert "acme_churn.data" not in sys.modules
    names = [module.__name__ for module in offer.modules()]
    assert names == ["acme_churn", "acme_churn.data", "acme_churn.report"]
    assert "acme_churn.helpers" not in sys.modules


@pytest.mark.parametrize("source", BROKEN)
def test_a_run_goes_on_without_an_extension_that_cannot_be_loaded_and_says_so(source, site):
    churn(site)
    install(site, "other", {"other_ext.py": source}, extensions={"broken": "other_ext"})
    found = plugins.participants("acme.churn")
    assert "broken" not in [layer.name for layer in found.layers]
    (error,) = found.broken
    assert "other 1.0 cannot be loaded" in str(error)


def test_one_extension_name_from_two_distributions_is_left_out_and_both_named(site):
    churn(site)
    for name in ("first", "second"):
        text = EXTENSION.format(target="acme.churn")
        install(site, name, {f"{name}_ext.py": text}, extensions={"forest": f"{name}_ext"})
    found = plugins.participants("acme.churn")
    assert "forest" not in [layer.name for layer in found.layers]
    assert {str(error) for error in found.broken} == {
        "forest is offered by first 1.0 and second 1.0. Uninstall one of them."
    }


def test_a_hook_that_is_wrong_names_the_distribution(site):
    churn(site, CHURN + "@hookimpl\ndef lepton_modles(): pass\n")
    with pytest.raises(HookError, match=r"(?s)^acme has hooks.*acme_churn\.lepton_modles.*'lepton_models'"):
        Hooks(plugins.participants("acme.churn").layers)


# ------------------------------------------------------------------------------- the command line


@pytest.fixture(scope="module")
def broken_site(tmp_path_factory):
    """Beside what is installed: plugins that cannot be used, each in its own way."""
    site = tmp_path_factory.mktemp("site")
    install(
        site,
        "lepton-vision",
        {
            "lepton_vision.py": "import no_kornia",
            "vision_ext.py": "raise RuntimeError('no GPU')",
        },
        "0.4.0",
        applications={"vision.scan": "lepton_vision"},
        extensions={"vision-ext": "vision_ext"},
    )
    for name in ("first", "second"):
        install(site, name, {}, applications={"acme.twice": "nowhere"})
    misspelt = CHURN + "@hookimpl\ndef lepton_modles(): pass\n"
    install(site, "acme", {"acme_churn.py": misspelt}, applications={"acme.churn": "acme_churn"})
    return site


def in_a_process(site: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run the command line in a process of its own that finds what is installed in ``site``."""
    environment = {**os.environ, "PYTHONPATH": str(site)}
    command = [sys.executable, "-m", "lepton_platform", *map(str, arguments)]
    return subprocess.run(command, env=environment, cwd=site, capture_output=True, text=True, timeout=120)


@pytest.fixture
def beside_broken(broken_site, monkeypatch):
    """Let this process, and so the fixture ``lepton``, find what is installed in ``broken_site``."""
    with searched(broken_site, monkeypatch):
        yield


NOT_INSTALLED = "lepton-vision 0.4.0 cannot be loaded: No module named 'no_kornia'"
TWICE = "acme.twice is offered by first 1.0 and second 1.0. Uninstall one of them."


def test_the_list_shows_what_works_and_names_what_does_not(beside_broken, lepton):
    code, listed, errors = lepton("list")
    assert code == 0
    assert "finance.credit-risk" in listed
    assert "vision.scan" not in listed
    faults = [line for line in errors.splitlines() if line.startswith("!")]
    assert len(faults) == 2
    assert f"! {TWICE}  (lepton doctor)" in faults
    assert any(line.startswith(f"! {NOT_INSTALLED}") for line in faults)


def test_the_doctor_names_every_fault_once_and_ends_with_3(broken_site):
    examined = in_a_process(broken_site, "doctor", "--json")
    assert examined.returncode == 3
    faults = json.loads(examined.stdout)["faults"]
    assert sorted(fault.partition(" (try")[0].partition(":\n")[0] for fault in faults) == [
        "acme has hooks that cannot be used",
        TWICE,
        NOT_INSTALLED,
        "lepton-vision 0.4.0 cannot be loaded: RuntimeError: no GPU",
    ]


def test_nothing_is_wrong_with_what_the_project_ships():
    assert list(map(str, plugins.problems())) == []


def test_an_application_that_works_runs_beside_plugins_that_do_not(broken_site, loans, tmp_path):
    loans(150).to_csv(tmp_path / "loans.csv", index=False)
    done = in_a_process(
        broken_site, "run", "finance.credit-risk", "--data", tmp_path / "loans.csv", "--target", "default",
        "--models", "logistic", "--reasons", "0", "--out", tmp_path / "runs", "--json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "Warning: lepton-vision 0.4.0 cannot be loaded: RuntimeError: no GPU" in done.stderr
    assert "no_kornia" not in done.stderr
    folder = Path(json.loads(done.stdout)["run_folder"])
    assert (folder / "report.html").exists()
    assert "left out: lepton-vision 0.4.0 cannot be loaded" in (folder / "log.txt").read_text()


@pytest.mark.parametrize(
    ("application", "code", "said"),
    [
        ("vision.scan", 3, NOT_INSTALLED),
        ("acme.twice", 3, TWICE),
        ("finance.credit-rsk", 2, "Did you mean 'finance.credit-risk'?"),
    ],
)
def test_running_what_cannot_be_loaded_is_one_message_and_its_exit_code(
    application, code, said, beside_broken, lepton
):
    ended, out, errors = lepton("run", application)
    assert ended == code
    assert errors.startswith("Error: ") and said in errors
    assert out == ""


def test_a_wrong_hook_ends_the_run_with_3_before_anything_is_written(beside_broken, lepton, tmp_path):
    code, _, errors = lepton("run", "acme.churn", "--data", "x.csv", "--out", tmp_path / "runs")
    assert code == 3
    assert "Did you mean 'lepton_models'?" in errors
    assert list((tmp_path / "runs").rglob("*")) == []


def test_the_entry_points_of_this_project_can_be_imported():
    for kind in plugins.DECLARATIONS:
        for offer in plugins.offers(kind):
            assert importlib.util.find_spec(offer.module) is not None

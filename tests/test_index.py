"""The index of what is installed: nothing is imported to start, and what has changed is noticed at once."""

import json
import os
import pty
import select
import shutil
import subprocess
import sys
import threading
import time
from collections import Counter
from importlib.metadata import entry_points

import pytest

from lepton_platform import index

HEAVY = {"numpy", "pandas", "sklearn", "scipy", "lightgbm", "pydantic", "torch", "pluggy", "matplotlib"}
WITNESS = """
import pathlib
with pathlib.Path(__file__).with_suffix(".imports").open("a") as told:
    told.write("imported\\n")
"""
"""Code that leaves a line beside its file whenever it is imported."""
CHURN = """
from lepton_platform import Application, Config, Field
from {config} import Churn
application = Application("Rank customers", task="binary", target="left", config=Churn)
"""
CONFIG = """
from lepton_platform import Config, Field
class Churn(Config):
    offer_cost: float = Field(8.0, gt=0, description="price of one offer, EUR")
    by_mail: bool = Field(False, description="whether to write")
"""
FOREST = """
from lepton_platform import Config, Extension, Field
class Forest(Config):
    trees: int = Field(20, ge=1, description="trees of the forest")
extension = Extension("acme.churn", config=Forest)
"""


def install_churn(site, name="acme"):
    """Install an application whose options stand in a module beside it, and an extension of it."""
    package = f"{name}_churn"
    sources = {
        f"{package}/__init__.py": WITNESS + CHURN.format(config=f"{package}.config"),
        f"{package}/config.py": CONFIG,
    }
    site.install(name, sources, applications={f"{name}.churn": package})


def imports(site, module):
    """Return how often a module with a witness was imported."""
    told = site.folder / f"{module}.imports"
    return told.read_text().count("imported") if told.exists() else 0


SHIPPED = {point.name for point in entry_points(group="lepton.applications")}
"""Applications that this environment has anyway."""


def ids(site, **environment):
    """Return the ids of the site's applications that ``lepton list`` shows, beside all others."""
    listed = site.lepton("list", "--json", **environment)
    assert (listed.returncode, listed.stderr) == (0, ""), listed.stderr
    shown = [row["id"] for row in json.loads(listed.stdout)]
    assert set(shown) >= SHIPPED
    return [name for name in shown if name not in SHIPPED]


# ---------------------------------------------------------------------------- nothing is imported


@pytest.fixture(scope="module")
def known(new_site):
    """A site with an application, an extension of it and a command, all of them indexed."""
    site = new_site("known")
    install_churn(site)
    site.install(
        "acme-models", {"acme_forest.py": WITNESS + FOREST}, extensions={"acme-forest": "acme_forest"}
    )
    assert ids(site) == ["acme.churn"]
    assert (imports(site, "acme_churn/__init__"), imports(site, "acme_forest")) == (1, 1)
    return site


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (["--help"], ["run", "doctor"]),
        (["list"], ["acme.churn            Rank customers", "acme 1.0               + acme-models"]),
        (["list", "--json"], ['"id": "acme.churn"']),
        (["run", "--help"], ["acme.churn           Rank customers"]),
        (
            ["run", "acme.churn", "--help"],
            [
                "--data URI",
                "--offer-cost NUMBER", "price of one offer, EUR  [default: 8.0]",
                "--by-mail / --no-by-mail",
                "--folds N",
                "--acme-forest.trees N", "trees of the forest  [default: 20]",
            ],
        ),
        (["plugin", "list"], ["acme-models", "extension acme-forest of acme.churn"]),
        (["nothing"], []),
    ],
)  # fmt: skip
def test_what_is_installed_is_shown_without_importing_it(known, command, words):
    code = (
        "import sys\nfrom lepton_platform.cli import main\n"
        f"try: main({command!r})\nexcept SystemExit: pass\n"
        "print(','.join(sys.modules), file=sys.stderr)"
    )
    told = subprocess.run(
        [sys.executable, "-c", code], env=known.environment(), capture_output=True, text=True, timeout=60
    )
    loaded = set(told.stderr.splitlines()[-1].split(","))
    assert not loaded & (HEAVY | {"acme_churn", "acme_forest", "lepton_finance", "importlib.metadata"})
    shown = " ".join(told.stdout.split())
    for word in words:
        assert " ".join(word.split()) in shown
    assert (imports(known, "acme_churn/__init__"), imports(known, "acme_forest")) == (1, 1)


def completed(site, *words, cwd=None):
    """Return what bash offers for the last of the words."""
    environment = {"_LEPTON_COMPLETE": "bash_complete", "COMP_WORDS": " ".join(["lepton", *words])}
    told = site.lepton(**environment, COMP_CWORD=str(len(words)), cwd=cwd)
    assert told.stderr == ""
    return [line.partition(",")[::2] for line in told.stdout.splitlines() if line]


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["ru"], [("plain", "run"), ("plain", "runs")]),
        (["run", "acme"], [("plain", "acme.churn")]),
        (["run", "acme.churn", "--acme"], [("plain", "--acme-forest.trees")]),
        (["run", "acme.churn", "--off"], [("plain", "--offer-cost")]),
        (["run", "acme.churn", "--data", "x"], [("file", "x")]),
        (["run", "acme.chrun", "--off"], []),
        (["run", "acme.churn", "--resume", "2026"], [("plain", "20260102-b"), ("plain", "20260101-a")]),
        (["run", "--out", "elsewhere", "--resume", ""], [("plain", "20250101-c")]),
        (["runs", "show", "20260101"], [("plain", "20260101-a")]),
        (["decide", "fin"], [("plain", "finance.credit-risk"), ("plain", "finance.market-risk")]),
        (["wat"], [("plain", "watch")]),
        (["decide", "acme.churn", "--runs", "elsewhere", "--run", ""], [("plain", "20250101-c")]),
        (["plugin", "disable", "acme-"], [("plain", "acme-models")]),
    ],
)
def test_a_shell_completes_commands_applications_options_and_runs(known, tmp_path, words, offered):
    for run in (
        "runs/acme.churn/20260101-a",
        "runs/acme.churn/20260102-b",
        "elsewhere/acme.churn/20250101-c",
    ):
        (tmp_path / run).mkdir(parents=True)
    assert completed(known, *words, cwd=tmp_path) == offered
    assert imports(known, "acme_churn/__init__") == 1


# ---------------------------------------------------------------------------- what has changed


def test_what_pip_installs_changes_and_uninstalls_is_noticed_at_once(site):
    assert ids(site) == []
    install_churn(site)
    assert ids(site) == ["acme.churn"]
    about = site.folder / "acme-1.0.dist-info"
    about.rename(site.folder / "acme-2.0.dist-info")
    metadata = site.folder / "acme-2.0.dist-info" / "METADATA"
    metadata.write_text(metadata.read_text().replace("1.0", "2.0"))
    assert "acme 2.0" in site.lepton("list").stdout
    shutil.rmtree(site.folder / "acme-2.0.dist-info")
    assert ids(site) == []


def test_a_distribution_that_is_installed_again_with_another_entry_point_is_noticed(site):
    """As ``pip install --editable`` does it: a new metadata folder of the same name."""
    install_churn(site)
    about = site.folder / "acme-1.0.dist-info"
    (about / "entry_points.txt").unlink()
    assert ids(site) == []
    shutil.copytree(about, site.folder / "copy")
    shutil.rmtree(about)
    (site.folder / "copy" / "entry_points.txt").write_text("[lepton.applications]\nacme.other = acme_churn\n")
    (site.folder / "copy").rename(about)
    assert ids(site) == ["acme.other"]


def test_an_edit_of_any_imported_file_is_noticed_and_nobody_else_is_described_again(site):
    install_churn(site)
    install_churn(site, "other")
    assert ids(site) == ["acme.churn", "other.churn"]
    config = site.folder / "acme_churn" / "config.py"
    config.write_text(CONFIG.replace("offer_cost", "price"))
    shown = site.lepton("run", "acme.churn", "--help").stdout
    assert "--price" in shown and "--offer-cost" not in shown
    assert (imports(site, "acme_churn/__init__"), imports(site, "other_churn/__init__")) == (2, 1)
    declaration = site.folder / "acme_churn" / "__init__.py"
    declaration.write_text(declaration.read_text().replace("Rank customers", "Rank clients"))
    assert "Rank clients" in site.lepton("list").stdout
    assert (imports(site, "acme_churn/__init__"), imports(site, "other_churn/__init__")) == (3, 1)


def test_a_module_beside_the_package_that_it_imports_counts_as_well(site):
    sources = {"acme_churn.py": CHURN.format(config="acme_config"), "acme_config.py": CONFIG}
    site.install("acme", sources, applications={"acme.churn": "acme_churn"})
    assert "--offer-cost" in site.lepton("run", "acme.churn", "--help").stdout
    (site.folder / "acme_config.py").write_text(CONFIG.replace("offer_cost", "price"))
    assert "--price" in site.lepton("run", "acme.churn", "--help").stdout


def test_a_broken_plugin_is_described_again_when_a_file_of_it_is_mended_or_added(site):
    source = "from acme_churn.missing import application\n"
    site.install("acme", {"acme_churn/__init__.py": source}, applications={"acme.churn": "acme_churn"})
    assert "No module named 'acme_churn.missing'" in site.lepton("list").stderr
    missing = site.folder / "acme_churn" / "missing.py"
    missing.write_text(CHURN.format(config="acme_churn.config"))
    assert "No module named 'acme_churn.config'" in site.lepton("list").stderr
    (site.folder / "acme_churn" / "config.py").write_text("1 / 0")
    assert "division by zero" in site.lepton("list").stderr
    (site.folder / "acme_churn" / "config.py").write_text(CONFIG)
    assert "acme.churn" in ids(site)


def test_an_application_has_new_options_when_the_config_of_its_task_changes(site):
    task = """
from lepton_platform import Config, Field, Task
class Options(Config):
    horizon: int = Field(12, description="months")
task = Task(summary="Counts", config=Options)
"""
    site.install("counting", {"counting.py": task}, tasks={"count": "counting"})
    source = 'from lepton_platform import Application\napplication = Application("Count", task="count")\n'
    site.install("acme", {"acme_count.py": source}, applications={"acme.count": "acme_count"})
    assert "--horizon" in site.lepton("run", "acme.count", "--help").stdout
    (site.folder / "counting.py").write_text(task.replace("horizon", "months_ahead"))
    assert "--months-ahead" in site.lepton("run", "acme.count", "--help").stdout


def test_files_that_appear_in_the_current_folder_change_nothing(known, tmp_path):
    """The current folder is one that Python searches, and runs are written there."""
    before = imports(known, "acme_churn/__init__")
    for name in ("runs", "module.py", "more"):
        known.lepton("list", cwd=tmp_path)
        (tmp_path / name).mkdir()
        known.lepton("list", cwd=tmp_path)
    script = [shutil.which("lepton", path=os.path.dirname(sys.executable)), "list"]
    subprocess.run(script, env=known.environment(), cwd=tmp_path, check=True, capture_output=True)
    assert imports(known, "acme_churn/__init__") == before
    assert len(list(known.cache.glob("lepton/index-*"))) == 1


# ---------------------------------------------------------------------------- the file


def index_file(site):
    (file,) = site.cache.glob("lepton/index-*")
    return file


DAMAGES = {
    "empty": lambda content: b"",
    "torn": lambda content: content[: len(content) // 2],
    "torn at a line": lambda content: content.partition(b"\n")[0] + b"\n",
    "foreign": lambda content: b'{"some": "other file"}\n',
    "no text": lambda content: bytes(range(256)),
    "of another form": lambda content: content.replace(b'"form"', b'"shape"'),
    "of another interpreter": lambda content: content.replace(b"3.", b"2.", 1),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_file_that_cannot_be_used_is_made_anew_in_silence(known, damage):
    file = index_file(known)
    whole = file.read_bytes()
    damaged = DAMAGES[damage](whole)
    assert damaged != whole
    file.write_bytes(damaged)
    assert ids(known) == ["acme.churn"]
    assert json.loads(file.read_bytes().splitlines()[1]) == json.loads(whole.splitlines()[1])


def test_a_home_that_cannot_be_written_is_no_error(site, tmp_path):
    install_churn(site)
    elsewhere = {"XDG_CACHE_HOME": "/proc/nowhere", "TMPDIR": str(tmp_path)}
    for _ in range(2):
        assert "acme.churn" in ids(site, **elsewhere)
    assert imports(site, "acme_churn/__init__") == 1
    (folder,) = tmp_path.glob("lepton-*")
    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_folder_that_others_can_write_is_not_trusted(site, tmp_path):
    install_churn(site)
    folder = tmp_path / f"lepton-{os.getuid()}"
    folder.mkdir()
    folder.chmod(0o777)
    for _ in range(2):
        assert "acme.churn" in ids(site, XDG_CACHE_HOME="/proc/nowhere", TMPDIR=str(tmp_path))
    assert imports(site, "acme_churn/__init__") == 2
    assert list(folder.iterdir()) == []


def test_one_command_makes_the_index_once_even_where_no_folder_can_be_written(site):
    install_churn(site)
    nowhere = {"XDG_CACHE_HOME": "/proc/nowhere", "TMPDIR": "/proc/nowhere"}
    shown = site.lepton("run", "acme.churn", "--help", **nowhere)
    assert (shown.returncode, shown.stderr) == (0, "")
    assert imports(site, "acme_churn/__init__") == 1


def test_two_processes_at_once_both_see_everything(site):
    install_churn(site)
    answers = []

    def ask():
        answers.append(site.lepton("list", "--json"))

    askers = [threading.Thread(target=ask) for _ in range(4)]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join()
    assert {answer.stdout for answer in answers} == {site.lepton("list", "--json").stdout}
    assert Counter((answer.returncode, answer.stderr) for answer in answers) == {(0, ""): 4}
    assert [path.name for path in site.cache.glob("lepton/*")] == [index_file(site).name]


def test_indexes_of_long_ago_are_removed(site):
    site.lepton("list")
    old, recent = site.cache / "lepton" / "index-0.json", site.cache / "lepton" / "index-1.json"
    for file, age in ((old, 100), (recent, 10)):
        file.touch()
        os.utime(file, (time.time() - age * 86400,) * 2)
    install_churn(site)
    site.lepton("list")
    assert not old.exists() and recent.exists()


COMPLETING = {"_LEPTON_COMPLETE": "bash_complete", "COMP_WORDS": "lepton run ac", "COMP_CWORD": "2"}


@pytest.mark.parametrize(("environment", "shown"), [({}, b" plugins: 0 done, "), (COMPLETING, b"")])
def test_a_terminal_shows_that_plugins_are_read_unless_a_shell_completes(site, environment, shown):
    install_churn(site)
    terminal, its_end = pty.openpty()
    command = [sys.executable, "-m", "lepton_platform", "list"]
    asked = {"env": site.environment(**environment), "stderr": its_end, "timeout": 60}
    done = subprocess.run(command, stdout=subprocess.PIPE, **asked)
    screen = b""
    while select.select([terminal], [], [], 0.2)[0]:
        screen += os.read(terminal, 10_000)
    for end in (terminal, its_end):
        os.close(end)
    assert b"acme.churn" in done.stdout
    assert (shown in screen and screen.endswith(b"\r\x1b[2K")) if shown else screen == b""


def test_the_index_of_this_process_is_that_of_the_command_line(lepton):
    entries = index.read().entries("applications")
    assert [entry.name for entry in entries] == [
        row["id"] for row in json.loads(lepton("list", "--json").out)
    ]

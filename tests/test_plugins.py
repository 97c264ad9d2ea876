"""Plugins as they are installed: real distributions, written into a folder that Python searches.

One that cannot be loaded is named with its distribution, the place, the cause and a remedy, and disturbs
nothing else.
"""

import importlib.util
import json
import re
import sys
from pathlib import Path

import pytest

from lepton_platform import plugins
from lepton_platform.cli import COMMANDS
from lepton_platform.errors import HookError, UnknownNameError
from lepton_platform.examination import examine
from lepton_platform.hooks import Hooks

APPLICATION = """
from lepton_platform import Application, hookimpl
application = Application("Rank customers", task="binary", target="left")
"""
EXTENSION = """
from lepton_platform import Extension, hookimpl
extension = Extension("{target}")
"""
OF_CREDIT = EXTENSION.format(target="finance.credit-risk")


@pytest.fixture
def searched(site, monkeypatch):
    """Return a site that this process searches; what is imported from it is forgotten afterwards."""
    before = set(sys.modules)
    monkeypatch.syspath_prepend(site.folder)
    yield site
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(site.folder)):
            del sys.modules[name]


# ------------------------------------------------------------------------------- what is installed


def test_offers_stand_by_name_and_are_not_imported(searched):
    for name in ("zeta", "alpha"):
        module = f"acme_{name}"
        searched.install(name, {f"{module}.py": APPLICATION}, applications={f"acme.{name}": module})
    offers = plugins.offers("applications")
    names = [offer.name for offer in offers]
    assert names == sorted(names) and {"finance.credit-risk", "acme.zeta"} <= set(names)
    assert names[0] == "acme.alpha"
    assert (offers[0].distribution, offers[0].version, str(offers[0])) == ("alpha", "1.0", "alpha 1.0")
    assert "acme_alpha" not in sys.modules


def test_an_unknown_name_is_an_error_with_a_suggestion():
    with pytest.raises(UnknownNameError, match=r"no application 'finance.credit-rsk'. Did you mean"):
        plugins.find("applications", "finance.credit-rsk")
    with pytest.raises(UnknownNameError, match=r"no task 'bianry'\. Did you mean 'binary'\?"):
        plugins.find("tasks", "bianry")


def test_nothing_is_wrong_with_what_the_project_ships(tmp_path):
    assert {one.entry.name: one.fault for one in examine(COMMANDS, tmp_path) if one.fault is not None} == {}


def test_the_entry_points_of_this_project_can_be_imported():
    for kind in plugins.DECLARATIONS:
        for offer in plugins.offers(kind):
            assert importlib.util.find_spec(offer.module) is not None


# ------------------------------------------------------------------------------- who takes part


def test_the_layers_of_a_run_are_those_that_belong_to_it(searched):
    searched.install("acme", {"acme_churn.py": APPLICATION}, applications={"acme.churn": "acme_churn"})
    targets = {
        "for-all": "*",
        "for-churn": "acme.churn",
        "for-binary": "task:binary",
        "for-images": "task:image",
        "for-credit": "finance.credit-risk",
    }
    for name, target in targets.items():
        module = name.replace("-", "_")
        source = EXTENSION.format(target=target)
        searched.install(name, {f"{module}.py": source}, extensions={name: module})
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
    assert "for_images" not in sys.modules and "for_credit" not in sys.modules


def test_a_packages_stages_are_imported_when_a_run_starts_and_not_before(searched):
    stages = {f"acme_churn/{stage}.py": "" for stage in ("data", "report", "helpers")}
    sources = {"acme_churn/__init__.py": APPLICATION, **stages}
    searched.install("acme", sources, applications={"acme.churn": "acme_churn"})
    offer = plugins.find("applications", "acme.churn")
    offer.declaration()
    assert "acme_churn.data" not in sys.modules
    names = [module.__name__ for module in offer.modules()]
    assert names == ["acme_churn", "acme_churn.data", "acme_churn.report"]
    assert "acme_churn.helpers" not in sys.modules


def test_a_run_goes_on_without_an_extension_whose_hooks_are_wrong(searched):
    source = OF_CREDIT + "@hookimpl\ndef lepton_modles(): pass\n"
    searched.install("acme", {"acme_models.py": source}, extensions={"acme-models": "acme_models"})
    found = plugins.participants("finance.credit-risk")
    (error,) = found.broken
    assert isinstance(error, HookError)
    assert str(error).startswith("acme has hooks that cannot be used:\n  - acme_models.lepton_modles")
    assert "Did you mean 'lepton_models'?" in str(error)
    assert error.place == f"{searched.folder}/acme_models.py:4"


# ------------------------------------------------------------------------ what cannot be loaded

FAILING = {
    "raises": "\n1 / 0",
    "no-python": "def broken(",
    "imports": "from lepton_platform import Aplication",
    "exits": "import sys\nsys.exit(4)",
    "interrupts": "raise KeyboardInterrupt",
    "dies": "import os\nos._exit(7)",
    "crashes": "import ctypes\nctypes.string_at(0)",
    "hangs": "import time\ntime.sleep(1000)",
}
"""What a module does when it is imported, below the four lines of its declaration."""
LOUD = """
import os
from lepton_platform import Extension, hookimpl
extension = Extension("*")
print("printed by Python")
os.write(1, b"printed by C\\n")
@hookimpl
def lepton_stage_finished(stage):
    print("printed by a hook")
    os.write(1, b"printed by a hook in C\\n")
    raise RuntimeError(f"not interested in {stage}")
"""
THIEF = """
import click
from lepton_platform import Extension, hookimpl
extension = Extension("*")
@hookimpl
def lepton_commands():
    return [click.Command("list", callback=lambda: print("stolen"))]
"""


def install_idle_misspelt_and_loud(site):
    idle = EXTENSION.format(target="telecom.churn")
    site.install("idle", {"idle.py": idle}, extensions={"idle": "idle"})
    misspelt = OF_CREDIT + "@hookimpl\ndef lepton_modles(): pass\n"
    site.install("misspelt", {"misspelt.py": misspelt}, extensions={"misspelt": "misspelt"})
    site.install("loud", {"loud.py": LOUD}, extensions={"loud": "loud"})


@pytest.fixture(scope="module")
def zoo(new_site):
    """A site with everything that can be wrong with a plugin, all at once, beside what is installed."""
    site = new_site("zoo")
    for name, code in FAILING.items():
        module = f"bad_{name.replace('-', '_')}"
        site.install(
            f"bad-{name}",
            {f"{module}.py": APPLICATION + code, f"{module}_more.py": OF_CREDIT + code},
            applications={f"bad.{name}": module} if name != "hangs" else {},
            extensions={f"bad-{name}": f"{module}_more"},
        )
    for name in ("first", "second"):
        site.install(name, {f"{name}.py": APPLICATION}, applications={"acme.twice": name})
    site.install(
        "lepton-vision",
        {"lepton_vision.py": "import cv2"},
        "0.4.0",
        ["opencv-python-headless>=4; extra == 'images'"],
        applications={"vision.scan": "lepton_vision"},
    )
    newer = APPLICATION.replace('"left"', '"left", api=2')
    site.install("newer", {"newer.py": newer}, applications={"acme.newer": "newer"})
    older = OF_CREDIT.replace('risk"', 'risk", api=0')
    site.install("older", {"older.py": older}, extensions={"older": "older"})
    site.install("empty", {"empty.py": "application = 'Rank'"}, applications={"acme.empty": "empty"})
    site.install("gone", {}, applications={"acme.gone": "acme_gone"})
    taskless = APPLICATION.replace("binary", "bianry")
    site.install("taskless", {"taskless.py": taskless}, applications={"acme.taskless": "taskless"})
    install_idle_misspelt_and_loud(site)
    stages = {
        "stages/__init__.py": OF_CREDIT,
        "stages/model.py": "from lepton_platform import hookimpl\n@hookimpl\ndef lepton_models(datset): 0\n",
    }
    site.install("stages", stages, extensions={"stages": "stages"})
    site.install("thief", {"thief.py": THIEF}, extensions={"thief": "thief"})
    read = site.lepton("plugin", "list", LEPTON_IMPORT_SECONDS="3")
    assert read.returncode == 0, read.stderr
    return site


LEAVE_OUT = "Upgrade it, or leave it out: lepton plugin disable "
EXPECTED = {
    # name: the distribution, the cause, the place below the site, the remedy
    "bad.raises": ("bad-raises 1.0", "ZeroDivisionError: division by zero", "bad_raises.py:5", LEAVE_OUT),
    "bad.no-python": (
        "bad-no-python 1.0",
        "SyntaxError: '(' was never closed",
        "bad_no_python.py:4",
        LEAVE_OUT,
    ),
    "bad.imports": (
        "bad-imports 1.0",
        "ImportError: cannot import name 'Aplication'",
        "bad_imports.py:4",
        "",
    ),
    "bad.exits": ("bad-exits 1.0", "SystemExit: 4", "bad_exits.py:5", LEAVE_OUT),
    "bad.interrupts": ("bad-interrupts 1.0", "KeyboardInterrupt", "bad_interrupts.py:4", LEAVE_OUT),
    "bad.dies": ("bad-dies 1.0", "its import ended the process with exit code 7", "bad_dies.py", LEAVE_OUT),
    "bad.crashes": (
        "bad-crashes 1.0",
        "its import ended the process by signal 11 (SIGSEGV)",
        "bad_crashes.py:5",
        LEAVE_OUT,
    ),
    "acme.twice": (
        "first 1.0",
        "acme.twice is offered by first 1.0 and second 1.0",
        "first, second",
        "Keep one of them, for instance: lepton plugin disable first",
    ),
    "vision.scan": (
        "lepton-vision 0.4.0",
        "No module named 'cv2'",
        "lepton_vision.py:1",
        "Install it: pip install 'lepton-vision[images]'",
    ),
    "acme.newer": (
        "newer 1.0",
        "acme.newer speaks version 2 of the hooks, this host version 1",
        "newer.py",
        "Upgrade lepton-platform: pip install --upgrade lepton-platform",
    ),
    "older": (
        "older 1.0",
        "older speaks version 0 of the hooks, this host version 1",
        "older.py",
        "Upgrade older: pip install --upgrade older",
    ),
    "acme.empty": (
        "empty 1.0",
        "module empty has no `application = Application(...)`",
        "empty.py",
        "Add it, or remove 'acme.empty' from the entry points lepton.applications",
    ),
    "acme.gone": (
        "gone 1.0",
        "No module named 'acme_gone'",
        "acme_gone",
        "Reinstall it: pip install --force-reinstall gone",
    ),
    "acme.taskless": ("taskless 1.0", "there is no task 'bianry'", "taskless", "Did you mean 'binary'?"),
    "misspelt": ("misspelt 1.0", "Did you mean 'lepton_models'?", "misspelt.py:4", LEAVE_OUT),
    "stages": (
        "stages 1.0",
        "stages.model.lepton_models: cannot take 'datset'. Did you mean 'dataset'?",
        "stages/model.py:2",
        LEAVE_OUT,
    ),
    "thief": ("thief 1.0", "it brings the command 'list', and so does the host", "thief", LEAVE_OUT),
}


@pytest.fixture(scope="module")
def examined(zoo):
    """What the doctor says of the zoo; the plugin that hangs is disabled."""
    disabled = zoo.lepton("plugin", "disable", "bad-hangs")
    assert disabled.returncode == 0, disabled.stderr
    told = zoo.lepton("doctor", "--json")
    zoo.lepton("plugin", "enable", "bad-hangs")
    assert told.returncode == 3, told.stderr
    return json.loads(told.stdout)


@pytest.mark.parametrize("name", EXPECTED)
def test_the_doctor_names_distribution_cause_place_and_remedy(zoo, examined, name):
    plugin, cause, place, remedy = EXPECTED[name]
    (fault,) = [fault for fault in examined["faults"] if fault["name"] == name]
    assert fault["plugin"] == plugin
    assert cause in fault["cause"]
    assert fault["place"].removeprefix(f"{zoo.folder}/") == place
    assert fault["remedy"].startswith(remedy)


def test_the_doctor_finds_no_other_faults(examined):
    extensions = {f"bad-{name}" for name in FAILING if name != "hangs"}
    assert {fault["name"] for fault in examined["faults"]} == EXPECTED.keys() | extensions


def test_the_doctor_tells_what_is_idle_what_prints_and_what_is_left_out(examined):
    (idle,) = examined["idle"]
    assert idle["name"] == "idle" and "no application 'telecom.churn'" in idle["why"]
    assert "pip install lepton-telecom" in idle["why"]
    (printing,) = examined["printing"]
    assert printing["name"] == "loud" and printing["printed"] == "printed by Python\nprinted by C\n"
    assert examined["left out"] == [
        {"plugin": "bad-hangs", "state": "disabled", "remedy": "Enable it: lepton plugin enable bad-hangs"}
    ]


def test_the_doctor_tells_a_person_the_same_in_lines(site):
    install_idle_misspelt_and_loud(site)
    told = site.lepton("doctor", LEPTON_PLUGINS="misspelt,idle,loud")
    assert told.returncode == 3
    assert (
        "  - lepton-finance is not allowed. Add lepton-finance to the environment variable LEPTON_PLUGINS, "
        "or unset it\n"
    ) in told.stdout
    assert told.stdout.endswith(
        f"""
  - idle of idle 1.0 has nothing to extend: there is no application 'telecom.churn'. \
It may come with: pip install lepton-telecom
  - loud of loud 1.0 prints when it is imported: 'printed by Python\\nprinted by C'

Broken:
  ! misspelt of misspelt 1.0
    cause  misspelt has hooks that cannot be used:
             - misspelt.lepton_modles: there is no such hook. Did you mean 'lepton_models'?
    place  {site.folder}/misspelt.py:4
    remedy Upgrade it, or leave it out: lepton plugin disable misspelt
"""
    )


def test_the_list_shows_what_works_and_names_what_does_not(zoo):
    listed = zoo.lepton("list")
    assert listed.returncode == 0
    (line,) = [line for line in listed.stdout.splitlines() if line.startswith("finance.credit-risk ")]
    assert re.search(r"   Score .*   lepton-finance [0-9.]+ +\+ misspelt   \+ stages$", line)
    assert "bad." not in listed.stdout and "acme." not in listed.stdout
    faults = listed.stderr.splitlines()
    cause, remedy = "No module named 'cv2'", "Install it: pip install 'lepton-vision[images]'"
    assert f"! lepton-vision 0.4.0 cannot be loaded: {cause}. {remedy}  (lepton doctor)" in faults
    assert len(faults) == len(set(faults)) == len(EXPECTED) - 3 + 1  # less those in hooks; the one that hangs


def test_an_application_runs_beside_all_plugins_that_do_not(zoo, loans, tmp_path):
    loans(150).to_csv(tmp_path / "loans.csv", index=False)
    done = zoo.lepton(
        "run", "finance.credit-risk", "--data", tmp_path / "loans.csv", "--target", "default",
        "--models", "logistic", "--reasons", "0", "--out", tmp_path / "runs", "--json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)  # although a plugin prints, in Python and in C, imported and in a hook
    assert "printed by Python" in done.stderr and "printed by a hook in C" in done.stderr
    left_out = {*(f"bad-{name}" for name in FAILING), "older", "misspelt", "stages"}
    warned = {line.split()[1] for line in done.stderr.splitlines() if line.startswith("Warning: ")}
    assert left_out <= warned
    log = Path(told["run_folder"], "log.txt").read_text()
    assert "left out: bad-crashes 1.0 cannot be loaded" in log
    assert "loud" in log and "not interested in data" in log


@pytest.mark.parametrize("name", [name for name in EXPECTED if "." in name])
def test_what_cannot_be_loaded_and_is_asked_for_is_one_message_and_exit_code_3(zoo, name):
    plugin, cause, _, _ = EXPECTED[name]
    asked = zoo.lepton("run", name, "--data", "x.csv")
    assert (asked.returncode, asked.stdout) == (3, "")
    (line,) = asked.stderr.splitlines()
    assert line.startswith(f"Error: {plugin} cannot be loaded: {cause}")


def test_what_hangs_is_given_up_and_named(zoo):
    (fault,) = [
        offer["fault"]
        for plugin in json.loads(zoo.lepton("plugin", "list", "--json").stdout)
        for offer in plugin["offers"]
        if offer["name"] == "bad-hangs"
    ]
    assert fault == "its import gave no answer within 3 s (more with LEPTON_IMPORT_SECONDS)"


def test_a_plugin_is_tried_again_when_it_is_asked_for_or_examined(site, monkeypatch):
    """What it missed may be there now: here, an environment variable."""
    source = f"import os\nos.environ['ACME_KEY']\n{APPLICATION}"
    site.install("acme", {"acme_churn.py": source}, applications={"acme.churn": "acme_churn"})
    assert "KeyError: 'ACME_KEY'" in site.lepton("list").stderr
    asked = site.lepton("run", "acme.churn", "--help", ACME_KEY="1")
    assert asked.returncode == 0 and "Rank customers" in asked.stdout
    assert "acme.churn" in site.lepton("list").stdout


# ------------------------------------------------------------------------ what the user allows


@pytest.fixture(scope="module")
def allowing(new_site):
    """A site with an application and an extension of it, each from a distribution of its own."""
    site = new_site("allowing")
    source = f"import pathlib\npathlib.Path(__file__).with_name('imported').touch()\n{APPLICATION}"
    site.install("Acme.Churn", {"acme_churn.py": source}, applications={"acme.churn": "acme_churn"})
    more = EXTENSION.format(target="acme.churn")
    site.install("acme-more", {"acme_more.py": more}, extensions={"acme-more": "acme_more"})
    return site


@pytest.mark.parametrize(
    ("allowed", "listed"),
    [
        ("", set()),
        ("lepton_finance", {"lepton-finance"}),
        ("acme-more", set()),
        ("lepton-finance, ACME_CHURN", {"Acme.Churn", "lepton-finance"}),
    ],
)
def test_the_allow_list_is_applied_before_anything_is_imported(allowing, allowed, listed, tmp_path):
    allowing.folder.joinpath("imported").unlink(missing_ok=True)
    told = allowing.lepton("list", "--json", LEPTON_PLUGINS=allowed, XDG_CACHE_HOME=str(tmp_path))
    assert (told.returncode, told.stderr) == (0, "")
    assert {row["plugin"].split()[0] for row in json.loads(told.stdout)} == listed
    assert allowing.folder.joinpath("imported").exists() == ("Acme.Churn" in listed)


def test_the_allow_list_may_change_from_one_command_to_the_next(allowing):
    for allowed, count in (
        ("", 0),
        ("acme-more", 0),
        ("acme-churn", 1),
        ("", 0),
        ("acme-more,acme.churn", 1),
    ):
        told = allowing.lepton("list", "--json", LEPTON_PLUGINS=allowed)
        assert len(json.loads(told.stdout)) == count


def test_an_unknown_name_in_the_allow_list_is_a_warning_with_a_suggestion(allowing):
    told = allowing.lepton("list", "--json", LEPTON_PLUGINS="acme-chrun,acme-more")
    assert (
        told.stderr == "Warning: LEPTON_PLUGINS names 'acme-chrun', no plugin. Did you mean 'acme-churn'?\n"
    )
    assert json.loads(told.stdout) == []


def test_what_is_not_allowed_says_so_when_it_is_asked_for(allowing):
    asked = allowing.lepton("run", "acme.churn", LEPTON_PLUGINS="lepton-finance")
    assert asked.returncode == 3
    assert asked.stderr == (
        "Error: Acme.Churn 1.0 cannot be loaded: it is not allowed. "
        "Add Acme.Churn to the environment variable LEPTON_PLUGINS, or unset it\n"
    )


def test_a_plugin_is_disabled_and_enabled(allowing):
    assert "   + acme-more" in allowing.lepton("list").stdout
    disabled = allowing.lepton("plugin", "disable", "acme_more")
    assert (disabled.returncode, disabled.stderr) == (0, "")
    assert "acme-more" not in allowing.lepton("list").stdout
    states = {
        one["plugin"]: one["state"] for one in json.loads(allowing.lepton("plugin", "list", "--json").stdout)
    }
    assert states.pop("acme-more") == "disabled"
    assert states.keys() >= {"Acme.Churn", "lepton-platform"} and set(states.values()) == {"enabled"}
    assert allowing.lepton("plugin", "enable", "Acme-More").returncode == 0
    assert "   + acme-more" in allowing.lepton("list").stdout


def test_a_disabled_application_that_is_asked_for_says_how_to_enable_it(allowing):
    allowing.lepton("plugin", "disable", "acme-churn")
    asked = allowing.lepton("run", "acme.churn", "--help")
    allowing.lepton("plugin", "enable", "acme-churn")
    assert asked.returncode == 3
    assert asked.stderr == (
        "Error: Acme.Churn 1.0 cannot be loaded: it is disabled. Enable it: lepton plugin enable Acme.Churn\n"
    )


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("acme-mroe", "there is no plugin 'acme-mroe'. Did you mean 'acme-more'?"),
        ("lepton-platform", "lepton-platform is the host itself; it cannot be disabled"),
    ],
)
def test_what_is_no_plugin_cannot_be_disabled(allowing, name, said):
    refused = allowing.lepton("plugin", "disable", name)
    assert (refused.returncode, refused.stderr) == (2, f"Error: {said}\n")


def test_the_choice_is_one_that_can_be_read_and_undone_by_hand(allowing):
    allowing.lepton("plugin", "disable", "acme-more")
    chosen = allowing.config / "lepton" / "disabled-plugins"
    assert chosen.read_text() == "acme-more\n"
    chosen.unlink()
    assert "   + acme-more" in allowing.lepton("list").stdout


# ------------------------------------------------------------------------ commands of plugins

GREET = """
import click
from lepton_platform import Extension, hookimpl
extension = Extension("*")
print("printed at import")
@click.command("greet")
@click.argument("name")
def greet(name):
    "Greet somebody."
    click.echo(f"hello {name}")
@hookimpl
def lepton_commands():
    return [greet]
"""


def test_a_plugins_command_stands_beside_the_hosts_own(site):
    site.install("acme", {"acme_greet.py": GREET}, extensions={"greet": "acme_greet"})
    assert "  greet   Greet somebody.\n" in site.lepton("--help").stdout
    greeted = site.lepton("greet", "you")
    assert (greeted.returncode, greeted.stdout) == (0, "hello you\n")
    assert greeted.stderr == "printed at import\n"
    assert "Did you mean 'greet'?" in site.lepton("great").stderr
    site.lepton("plugin", "disable", "acme")
    assert "greet" not in site.lepton("--help").stdout
    assert site.lepton("greet", "you").returncode == 2


def test_a_command_that_two_plugins_bring_is_neithers(site):
    for name in ("first", "second"):
        site.install(name, {f"{name}.py": GREET}, extensions={name: name})
    assert "greet" not in site.lepton("--help").stdout
    told = site.lepton("doctor", "--json", LEPTON_PLUGINS="first,second")
    causes = [fault["cause"] for fault in json.loads(told.stdout)["faults"]]
    assert causes == [
        f"it brings the command 'greet', and so does {name} 1.0" for name in ("second", "first")
    ]
    site.lepton("plugin", "disable", "first")
    assert "greet" in site.lepton("--help").stdout


def test_a_hook_that_raises_is_named_and_the_doctor_remembers_it_until_it_is_mended(site, loans, tmp_path):
    loans(150).to_csv(tmp_path / "loans.csv", index=False)
    source = OF_CREDIT + "@hookimpl\ndef lepton_models():\n    raise ValueError('no model today')\n"
    site.install("acme", {"acme_models.py": source}, extensions={"acme-models": "acme_models"})
    observer = EXTENSION.format(target="*") + "@hookimpl\ndef lepton_stage_started():\n    1 / 0\n"
    site.install("watcher", {"watcher.py": observer}, extensions={"watcher": "watcher"})
    failed = site.lepton(
        "run", "finance.credit-risk", "--data", "loans.csv", "--target", "default", cwd=tmp_path
    )
    assert failed.returncode == 1
    place = f"{site.folder}/acme_models.py"
    assert f'File "{place}", line 6, in lepton_models' in failed.stderr
    assert "ValueError: no model today\nraised in lepton_models of acme-models (acme)" in failed.stderr
    assert "lepton plugin disable acme" in failed.stderr

    def examined():
        told = site.lepton("doctor", "--json", cwd=tmp_path, LEPTON_PLUGINS="acme,watcher")
        return {fault["name"]: fault for fault in json.loads(told.stdout)["faults"]}

    faults = examined()
    assert faults.keys() == {"acme-models", "watcher"}
    raised = r"lepton_models raised in run 2[0-9a-f-]+: ValueError: no model today"
    assert re.fullmatch(raised, faults["acme-models"]["cause"])
    assert faults["acme-models"]["place"] == f"{place}:6"
    assert faults["watcher"]["place"] == f"{site.folder}/watcher.py:6"
    assert faults["watcher"]["remedy"] == f"{LEAVE_OUT}watcher"
    Path(place).write_text(source.replace("raise ValueError('no model today')", "return {}"))
    assert examined().keys() == {"watcher"}

"""The wheels of host, plugin and examples work together where nothing else of ours is installed."""

import zipfile

import pandas as pd


def test_each_wheel_holds_its_package_and_nothing_else(installation):
    for wheel in installation.wheels:
        package = wheel.name.partition("-")[0]
        names = zipfile.ZipFile(wheel).namelist()
        tops = {name.partition("/")[0] for name in names}
        assert {top for top in tops if not top.endswith(".dist-info")} == {package}
        assert len(tops) == 2 and f"{package}/py.typed" in names
        code = [name for name in names if name.endswith((".py", ".pyc"))]  # the scaffold's are templates
        assert not [name for name in code if "test_" in name or "/tests/" in name or name.endswith(".pyc")]


def test_what_is_imported_lies_in_the_fresh_environment(installation, tmp_path):
    packages = [wheel.name.partition("-")[0] for wheel in installation.wheels]
    code = f"import importlib\nfor name in {packages}: print(importlib.import_module(name).__file__)"
    done = installation.carry_out(installation.python, "-c", code, cwd=tmp_path)
    files = done.stdout.splitlines()
    assert len(files) == len(packages), done.stderr
    assert all(file.startswith(str(installation.folder / "venv")) for file in files)


def test_everything_is_there_and_nothing_is_broken(installation, tmp_path):
    assert "finance.credit-risk" in installation.lepton("list", cwd=tmp_path).stdout
    doctor = installation.lepton("doctor", cwd=tmp_path)
    assert doctor.returncode == 0, doctor.stdout
    for wheel in installation.wheels:
        name, version, *_ = wheel.name.split("-")
        assert f"{name.replace('_', '-')} {version}" in " ".join(doctor.stdout.split())


def test_a_run_uses_the_extensions_and_says_what_is_theirs(finished):
    board = pd.read_csv(f"{finished.told['run_folder']}/leaderboard.csv").set_index("model")
    assert board.loc["monotone/boosting", "from"] == "monotone"
    assert "monotone/defaults_of_safest" in finished.told["metrics"]
    assert (finished.world / "store").is_dir()

"""Wheels of the host, of the finance plugin and of each example, installed as their users would.

The virtual environment is fresh and holds nothing but them. Third-party libraries are those that this
test runs with, linked one by one: our own editable installs are not among them.
"""

import json
import os
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = sorted(path.parent for path in ROOT.glob("examples/*/pyproject.toml"))
PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
LOANS = ["--data", "loans.csv", "--target", "default"]
FILE_STORE = {"MLFLOW_ALLOW_FILE_STORE": "true"}


@dataclass(frozen=True)
class Installation:
    """A virtual environment with our wheels in it."""

    folder: Path

    @property
    def wheels(self) -> list[Path]:
        return sorted((self.folder / "wheels").glob("*.whl"))

    @property
    def python(self) -> Path:
        return self.folder / "venv" / "bin" / "python"

    def lepton(self, *arguments, cwd, **environment):
        """Run ``lepton`` of the environment in a folder."""
        return self.carry_out(self.python.with_name("lepton"), *arguments, cwd=cwd, **environment)

    def carry_out(self, *command, cwd, **environment):
        """Run a command of the environment in a folder, nothing of ours coming from elsewhere."""
        here = {**os.environ, "PYTHONPATH": "", "XDG_CACHE_HOME": str(cwd / "cache"), **environment}
        command = [*map(str, command)]
        return subprocess.run(command, cwd=cwd, env=here, capture_output=True, text=True, timeout=300)


@dataclass(frozen=True)
class Finished:
    """A run of credit risk that used every option of the two extensions, and what it printed."""

    world: Path
    """Folder with loans.csv, the runs, and ``store``, MLflow's store."""
    told: dict[str, Any]


@pytest.fixture(scope="session")
def installation(tmp_path_factory):
    """Return the installation."""
    return Installation(once(tmp_path_factory, "installation", install))


@pytest.fixture(scope="session")
def finished(tmp_path_factory, installation, loans):
    """Return a run that learned from 400 loans and was judged on the same, to see what it does."""

    def run(world):
        loans(400, 2).to_csv(world / "loans.csv", index=False)
        done = installation.lepton(
            "run", "finance.credit-risk", *LOANS, "--test", "loans.csv", "--models", "monotone/boosting",
            "--monotone.up", "debt,amount", "--monotone.down", "months", "--monotone.safest", "0.25",
            "--mlflow.uri", world / "store", "--mlflow.experiment", "loans", "--mlflow.model", "--json",
            cwd=world, **FILE_STORE,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        (world / "told.json").write_text(done.stdout)

    world = once(tmp_path_factory, "finished", run)
    return Finished(world, json.loads((world / "told.json").read_text()))


def once(tmp_path_factory, name, fill):
    """Return a folder that ``fill`` has filled, once for all processes that share the tests."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / name
    with FileLock(f"{folder}.lock"):
        if not folder.exists():
            folder.mkdir()
            fill(folder)
    return folder


def install(folder):
    """Build the wheels, make the environment, and install them there."""
    build = ["wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", folder / "wheels"]
    succeed(*PIP, *build, ROOT, ROOT / "plugins" / "finance", *EXAMPLES)
    succeed(sys.executable, "-m", "venv", "--without-pip", folder / "venv")
    python, wheels = folder / "venv" / "bin" / "python", (folder / "wheels").iterdir()
    succeed(*PIP, "--python", python, "install", "--no-deps", "--no-index", *wheels)
    (third_party := folder / "third-party").mkdir()
    for entry in Path(sysconfig.get_path("purelib")).iterdir():
        if entry.suffix != ".pth" and not entry.name.startswith(("lepton", "_lepton")):
            (third_party / entry.name).symlink_to(entry)
    site = next((folder / "venv" / "lib").glob("python*/site-packages"))
    (site / "third-party.pth").write_text(f"{third_party}\n")


def succeed(*command):
    """Run a command that must succeed."""
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr

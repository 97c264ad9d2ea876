"""Loans, plugins, the command line, an environment to install into: what end-to-end tests share."""

import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path
from site import getsitepackages
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest

from lepton_platform.cli import main


class Answer(NamedTuple):
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str


def made_up_loans(n=200, seed=0):
    """Loans with numbers, a category and gaps; a third of them default, more so with debt."""
    rng = np.random.default_rng(seed)
    debt = np.round(rng.uniform(0, 1, n), 3)
    home = rng.choice(["own", "rent", "other"], n)
    score = -0.8 + 4 * (debt - 0.5) + 1.0 * (home == "rent")
    return pd.DataFrame(
        {
            "amount": rng.integers(5, 200, n) * 100,
            "debt": debt,
            "months": pd.Series(rng.integers(0, 120, n)).mask(rng.random(n) < 0.1),
            "home": home,
            "default": (rng.random(n) < 1 / (1 + np.exp(-score))).astype(int),
        }
    )


@pytest.fixture(scope="session")
def loans():
    """Return a maker of loans: ``loans(n, seed)``."""
    return made_up_loans


class Site:
    """A folder that Python searches, where plugins are installed as distributions of their own."""

    def __init__(self, folder):
        folder.mkdir()
        self.folder = folder
        self.cache = folder.with_name(f"{folder.name}-cache")
        self.config = folder.with_name(f"{folder.name}-config")

    def install(self, name, modules, version="1.0", requires=(), **groups):
        """Write a distribution: its modules by file name, its entry points by group, then by id."""
        about = self.folder / f"{name.replace('-', '_')}-{version}.dist-info"
        about.mkdir(parents=True)
        required = "".join(f"Requires-Dist: {requirement}\n" for requirement in requires)
        metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{required}"
        (about / "METADATA").write_text(metadata)
        entries = [
            f"[lepton.{group}]\n" + "".join(f"{key} = {module}\n" for key, module in offered.items())
            for group, offered in groups.items()
        ]
        (about / "entry_points.txt").write_text("\n".join(entries))
        for file, source in modules.items():
            (self.folder / file).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / file).write_text(source)
        return about

    def environment(self, **more):
        """Return the environment of a process that finds the plugins and has a home of its own."""
        homes = {"XDG_CACHE_HOME": str(self.cache), "XDG_CONFIG_HOME": str(self.config)}
        return {**os.environ, "PYTHONPATH": str(self.folder), **homes, **more}

    def lepton(self, *arguments, cwd=None, **environment):
        """Run the command line in a process of its own."""
        return subprocess.run(
            [sys.executable, "-m", "lepton_platform", *map(str, arguments)],
            env=self.environment(**environment),
            cwd=cwd or self.folder.parent,
            capture_output=True,
            text=True,
            timeout=300,
        )


@pytest.fixture
def site(tmp_path):
    """Return an empty ``Site``."""
    return Site(tmp_path / "site")


@pytest.fixture(scope="session")
def new_site(tmp_path_factory):
    """Return a maker of sites for several tests: ``new_site(name)``."""
    return lambda name: Site(tmp_path_factory.mktemp(name) / "site")


@pytest.fixture
def lepton(capsys):
    """Return the command line, in this process: ``lepton("list", "--json")`` gives an ``Answer``."""

    def lepton(*arguments):
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        printed = capsys.readouterr()
        return Answer(int(ended.value.code), printed.out, printed.err)

    return lepton


@pytest.fixture(scope="session")
def shell_in():
    """Return a maker of shells: ``shell_in(folder)("pip install .")`` gives an ``Answer``.

    Each has an environment of its own that sees all that this one has, so that nothing is fetched:
    pip builds with the tools that are here and asks no index.
    """

    def shell_in(folder):
        environment, home = folder / "environment", folder / "home"
        venv.create(environment)
        home.mkdir()
        base = {"base": str(environment), "platbase": str(environment)}
        seen = [f"import site; site.addsitedir({place!r})\n" for place in getsitepackages()]
        Path(sysconfig.get_path("purelib", vars=base), "seen.pth").write_text("".join(seen), encoding="utf-8")
        for name, module in {"lepton": "lepton_platform", "pip": "pip"}.items():
            script = environment / "bin" / name
            script.write_text(f'#!/bin/sh\nexec "{environment}/bin/python" -P -m {module} "$@"\n')
            script.chmod(0o755)
        path = [environment / "bin", Path(sys.executable).parent, os.environ["PATH"]]
        settings = {
            **os.environ,
            "PATH": os.pathsep.join(map(str, path)),
            "PIP_NO_INDEX": "1",
            "PIP_NO_BUILD_ISOLATION": "0",  # which to pip means: no isolation
            "XDG_CACHE_HOME": str(folder / "cache"),
            "MYPY_CACHE_DIR": str(folder / "mypy"),
        }

        def shell(command, given=""):
            done = subprocess.run(
                ["bash", "-ec", command], cwd=home, env=settings, input=given, capture_output=True, text=True
            )
            return Answer(done.returncode, done.stdout, done.stderr)

        shell.folder = home
        return shell

    return shell_in

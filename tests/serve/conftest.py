"""Finished runs, and servers on them."""

import shutil

import pytest
from starlette.testclient import TestClient

from lepton_platform.run import Options, start
from lepton_platform.serve.app import create
from lepton_platform.serve.settings import Settings

CREDIT = "finance.credit-risk"
HERE = "http://127.0.0.1:8000"


@pytest.fixture(scope="session")
def finished(tmp_path_factory, loans):
    """A folder with two finished runs; tests that change anything work on copies."""
    folder = tmp_path_factory.mktemp("served")
    loans(400, 1).to_csv(folder / "loans.csv", index=False)
    for seed in (0, 1):
        asked = Options(data=str(folder / "loans.csv"), models=("boosting",), seed=seed)
        start(CREDIT, asked, {"target": "default"}, folder / "runs")
    return folder / "runs"


@pytest.fixture
def root(finished, tmp_path):
    shutil.copytree(finished, tmp_path / "runs")
    return tmp_path / "runs"


@pytest.fixture
def runs(root):
    """Ids of the finished runs, oldest first."""
    return sorted(path.parent.name for path in root.glob("*/*/run.json"))


@pytest.fixture
def client_of():
    """Return what makes a client of a server with other settings; bugs are answers, as for any client."""
    opened = []

    def client_of(settings, **more):
        client = TestClient(create(settings), base_url=HERE, raise_server_exceptions=False, **more)
        opened.append(client.__enter__())
        return client

    yield client_of
    for client in opened:
        client.__exit__(None, None, None)


@pytest.fixture
def client(root, client_of):
    return client_of(Settings(root, (CREDIT,)))


@pytest.fixture
def case(loans):
    """One case as JSON."""
    row = loans(5, 9).drop(columns="default").iloc[1]
    return {"amount": int(row["amount"]), "debt": float(row["debt"]), "months": 12, "home": "own"}


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """Return what installs a distribution where this process finds it."""
    from importlib import invalidate_caches

    def installed(name, modules, applications):
        about = tmp_path / "site" / f"{name.replace('-', '_')}-1.0.dist-info"
        about.mkdir(parents=True)
        (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        lines = "".join(f"{key} = {module}\n" for key, module in applications.items())
        (about / "entry_points.txt").write_text(f"[lepton.applications]\n{lines}")
        for file, source in modules.items():
            (tmp_path / "site" / file).write_text(source)
        monkeypatch.syspath_prepend(tmp_path / "site")
        invalidate_caches()

    return installed

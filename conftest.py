"""What all tests share: the cache and the configuration of whoever runs them are left alone."""

import os
from pathlib import Path
from tempfile import TemporaryDirectory


def pytest_configure(config):
    """Give this session, and the processes that it starts, a home of their own."""
    if "PYTEST_XDIST_WORKER" in os.environ:  # it inherits what is set here
        return
    home = TemporaryDirectory(prefix="lepton-tests-")
    config.add_cleanup(home.cleanup)
    usual = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    os.environ.setdefault("MPLCONFIGDIR", str(Path(usual, "matplotlib")))  # its list of fonts takes seconds
    for variable, folder in (("XDG_CACHE_HOME", "cache"), ("XDG_CONFIG_HOME", "config")):
        os.environ[variable] = str(Path(home.name, folder))
    os.environ.pop("LEPTON_PLUGINS", None)

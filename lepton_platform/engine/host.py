"""The host's own engines elsewhere, by the scheme of their URL."""

from __future__ import annotations

from lepton_platform.engine.protocol import Engine
from lepton_platform.errors import MissingExtraError
from lepton_platform.hookspecs import hookimpl


@hookimpl
def lepton_engine(url: str) -> Engine | None:
    """A cluster of Dask: ``dask://HOST:PORT`` names its scheduler."""
    scheme, separator, address = url.partition("://")
    if scheme != "dask" or not separator:
        return None
    try:
        from lepton_platform.engine.cluster import DaskEngine
    except ModuleNotFoundError as error:
        raise MissingExtraError(f"--engine {url}", str(error.name), extra="dask") from error
    return DaskEngine(address)

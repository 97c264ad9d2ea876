"""Lets a plugin that is one file take part as if it were installed, in this process and its workers.

From then on Python searches the file's folder, and a folder with metadata that name the file. Those
stand in the cache, of each file apart: no other command looks there, and what the index knows of the
plugins that are installed is kept from one call to the next.
"""

from __future__ import annotations

import ast
import importlib.util
import os
import sys
import zlib
from pathlib import Path

from lepton_platform import index, store
from lepton_platform.allowed import VARIABLE
from lepton_platform.errors import RunError, UsageError
from lepton_platform.index import Kind
from lepton_platform.plugins import DECLARATIONS


def install(file: Path) -> dict[Kind, str]:
    """Let what ``file`` declares take part; return its names: ``{"applications": "dev.churn"}``.

    Raises
    ------
    UsageError
        The file cannot be read or imported under its name, or declares nothing.
    """
    kinds = _declared(file)
    dashed = file.stem.replace("_", "-")
    names = {kind: f"dev.{dashed}" if kind == "applications" else dashed for kind in kinds}
    distribution = f"dev-{dashed}"
    sys.path += [str(_metadata(file, distribution, names)), str(file.resolve().parent)]
    _require_found(file)
    if VARIABLE in os.environ:
        os.environ[VARIABLE] += f",{distribution}"
    return names


def _declared(file: Path) -> list[Kind]:
    """Return what a file declares, without importing it."""
    try:
        module = ast.parse(file.read_bytes(), str(file))
    except OSError as error:
        raise UsageError(f"cannot read {file}: {error.strerror}") from None
    except (SyntaxError, ValueError) as error:
        raise UsageError(f"{file}:{getattr(error, 'lineno', 1)} is no Python: {error}") from None
    assigned = {
        target.id
        for statement in module.body
        if isinstance(statement, ast.Assign | ast.AnnAssign)
        for target in (statement.targets if isinstance(statement, ast.Assign) else [statement.target])
        if isinstance(target, ast.Name)
    }
    kinds = [kind for kind, (attribute, _) in DECLARATIONS.items() if attribute in assigned]
    if not kinds:
        wanted = " or ".join(f"`{name} = {kind.__name__}(...)`" for name, kind in DECLARATIONS.values())
        raise UsageError(f"{file} declares nothing: it needs {wanted}")
    return kinds


def _metadata(file: Path, distribution: str, names: dict[Kind, str]) -> Path:
    """Return the folder with the metadata of a file; they are written where they have changed."""
    name = f"{distribution}-{zlib.crc32(os.fsencode(file.resolve())):08x}"
    groups = (f"[lepton.{kind}]\n{name} = {file.stem}\n" for kind, name in names.items())
    texts = {
        "METADATA": f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 0\n",
        "entry_points.txt": "\n".join(groups),
    }
    for cache in index.folders():
        folder = Path(cache, "dev", name)
        about = folder / f"{distribution.replace('-', '_')}-0.dist-info"
        try:
            about.mkdir(parents=True, exist_ok=True)
            for file_name, text in texts.items():
                path = about / file_name
                if not path.exists() or path.read_text(encoding="utf-8") != text:
                    store.write_text(path, text)
            return folder
        except (OSError, RunError):
            continue
    raise RunError("no folder can be written for what lepton plugin dev needs; set XDG_CACHE_HOME")


def _require_found(file: Path) -> None:
    """Raise ``UsageError`` if importing the file's name would not import the file."""
    found = importlib.util.find_spec(file.stem) if file.suffix == ".py" and "." not in file.stem else None
    if found is None or found.origin is None or not os.path.samefile(found.origin, file):
        other = f"; {found.origin} has this name" if found is not None else ""
        raise UsageError(f"{file} cannot be imported as {file.stem!r}{other}. Rename it.")

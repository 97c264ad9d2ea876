"""Writes a new plugin that works, for its author to change: what ``lepton plugin new`` does.

The templates lie beside this file: ``both`` for every plugin, ``application`` and ``extension``. Their
names and their contents are filled in by Jinja.
"""

from __future__ import annotations

import keyword
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import jinja2

from lepton_platform import plugins
from lepton_platform.application import WORD
from lepton_platform.errors import UsageError
from lepton_platform.index import Kind


@dataclass(frozen=True)
class Blueprint:
    """A plugin to be written. Its fields are what the templates may ask for."""

    kind: Literal["application", "extension"]
    distribution: str
    package: str
    """Name under which the distribution is imported."""
    name: str
    """Id of the application, or name of the extension."""
    module: str
    """Module that declares it."""
    summary: str
    tried: str
    """Application whose runs show what the plugin does: its own, or the one it adds to."""
    tried_from: str = ""
    """Distribution of that application, where it is another."""
    of: str = ""
    """What an extension adds to: an application or a task."""

    @property
    def job(self) -> str:
        """Name of the application's own package inside the distribution's."""
        return self.module.rpartition(".")[2]


def application(distribution: str, application_id: str | None = None) -> Blueprint:
    """Return the plan of a distribution with one application of the binary task.

    Parameters
    ----------
    application_id : str
        ``industry.name``; without it, the name of the distribution and ``churn``.

    Raises
    ------
    UsageError
        A name is not one, or is taken.
    """
    package = _package(distribution)
    name = application_id or f"{_own_name(distribution)}.churn"
    if re.fullmatch(rf"{WORD}\.{WORD}", name) is None or keyword.iskeyword(name.rpartition(".")[2]):
        raise UsageError(
            f"--id {name!r} is not of the form industry.name, in small letters, digits and hyphens"
        )
    _require_free("applications", name)
    module = f"{package}.{name.rpartition('.')[2].replace('-', '_')}"
    summary = "Choose the customers who get an offer, so that they stay"
    return Blueprint("application", distribution, package, name, module, summary, tried=name)


def extension(distribution: str, of: str) -> Blueprint:
    """Return the plan of a distribution with an extension of an application or of the task binary.

    Raises
    ------
    UsageError
        A name is not one, or is taken; or ``of`` is nothing that the extension's model could be added to.
    """
    package, name = _package(distribution), _own_name(distribution)
    _require_free("extensions", name)
    tried = _tried(of)
    summary = f"Adds a random forest to {of}"
    return Blueprint(
        "extension", distribution, package, name, package, summary, tried.name, tried.distribution, of
    )


def write(blueprint: Blueprint, into: Path) -> Path:
    """Write the plugin into a folder of its name below ``into``, whole or not at all; return that folder.

    Raises
    ------
    UsageError
        There is a file or folder of that name already.
    """
    folder = into / blueprint.distribution
    if folder.exists():
        raise UsageError(f"{folder} is there already. Take another name, or another folder with --into")
    beside = Path(tempfile.mkdtemp(prefix=f".{blueprint.distribution}-", dir=into))
    try:
        for path, text in _files(blueprint):
            file = beside / folder.name / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        (beside / folder.name).rename(folder)
    finally:
        shutil.rmtree(beside)
    return folder


def _files(blueprint: Blueprint) -> Iterator[tuple[str, str]]:
    """Yield the path of each file within the plugin's folder, and its text."""
    templates = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        autoescape=False,  # nothing here is HTML
    )
    names = {**asdict(blueprint), "job": blueprint.job, "host": version("lepton-platform")}
    for template in templates.list_templates(extensions=["jinja"]):
        part, _, path = template.removesuffix(".jinja").partition("/")
        if part in ("both", blueprint.kind):
            yield templates.from_string(path).render(names), templates.get_template(template).render(names)


def _package(distribution: str) -> str:
    """Return the name under which a distribution is imported."""
    package = re.sub(r"[-.]+", "_", distribution).lower()
    if re.fullmatch(r"[A-Za-z0-9]+([-_.]+[A-Za-z0-9]+)*", distribution) is None or not package.isidentifier():
        raise UsageError(
            f"{distribution!r} cannot be the name of a plugin: begin with a letter and go on with letters "
            "and digits, parted by hyphens, for instance lepton-telecom"
        )
    if keyword.iskeyword(package) or package in sys.stdlib_module_names or find_spec(package) is not None:
        raise UsageError(f"{distribution!r} would be imported as {package}, which is something else already")
    return package


def _own_name(distribution: str) -> str:
    """Return what a distribution is called among plugins.

    >>> _own_name("lepton-telecom"), _own_name("Acme_Forest")
    ('telecom', 'acme-forest')
    """
    return re.sub(r"[-_.]+", "-", distribution).lower().removeprefix("lepton-")


def _require_free(kind: Kind, name: str) -> None:
    for offer in plugins.offers(kind):
        if offer.name == name:
            raise UsageError(f"{name} is offered by {offer} already. Take another name")


def _tried(of: str) -> plugins.Offer:
    """Return an application that an extension of ``of`` would take part in, with a sample to show it on."""
    if of == "task:binary":
        offers = plugins.offers("applications")
    elif ":" in of or of == "*":
        raise UsageError(f"--of {of!r}: the extension brings a model of the task binary. Write task:binary")
    else:
        offers = [plugins.find("applications", of)]
    for offer in offers:
        if offer.fault is None and offer.task == "binary" and offer.declaration().sample is not None:
            return offer
    raise UsageError(f"--of {of!r}: no application of the task binary with a sample is there to try it on")

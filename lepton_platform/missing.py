"""The command that installs what a plugin's import does not find."""

from __future__ import annotations

import re
from collections.abc import Iterable
from importlib.metadata import requires

from lepton_platform.allowed import normalised

DISTRIBUTIONS = {
    "Bio": ("biopython",),
    "PIL": ("pillow",),
    "attr": ("attrs",),
    "bs4": ("beautifulsoup4",),
    "cv2": ("opencv-python", "opencv-python-headless", "opencv-contrib-python"),
    "dateutil": ("python-dateutil",),
    "dotenv": ("python-dotenv",),
    "faiss": ("faiss-cpu", "faiss-gpu"),
    "fitz": ("pymupdf",),
    "jwt": ("pyjwt",),
    "osgeo": ("gdal",),
    "pkg_resources": ("setuptools",),
    "serial": ("pyserial",),
    "skimage": ("scikit-image",),
    "sklearn": ("scikit-learn",),
    "win32api": ("pywin32",),
    "yaml": ("pyyaml",),
    "zmq": ("pyzmq",),
}
"""Well-known modules that are installed under another name, the usual one first."""


def install_command(module: str, distribution: str) -> str:
    """Return the command that installs ``module`` for a plugin's distribution.

    What the distribution's metadata require says under which name and for which extra.
    """
    return _command(module, distribution, requires(distribution) or ())


def _command(module: str, distribution: str, requirements: Iterable[str]) -> str:
    """Return the command, given what the distribution requires.

    >>> _command("cv2", "lepton-vision", ["opencv-python-headless>=4; extra == 'images'"])
    "pip install 'lepton-vision[images]'"
    >>> _command("yaml.loader", "acme", ["PyYAML>=6"])
    "pip install 'PyYAML>=6'"
    >>> _command("kornia", "acme", [])
    'pip install kornia'
    """
    top = module.partition(".")[0]
    names = DISTRIBUTIONS.get(top, (top,))
    for requirement in requirements:
        wanted, _, condition = requirement.partition(";")
        required = re.match(r"[\w.-]+", wanted)
        if required is not None and normalised(required[0]) in map(normalised, names):
            extra = re.search(r"extra\s*==\s*[\"']([^\"']+)", condition)
            return f"pip install '{distribution}[{extra[1]}]'" if extra else f"pip install '{wanted.strip()}'"
    return f"pip install {names[0]}"

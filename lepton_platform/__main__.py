"""``python -m lepton_platform`` is ``lepton``."""

from lepton_platform.cli import main

main()

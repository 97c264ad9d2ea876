"""Scores that move the right way: more debt never makes an applicant look safer.

Adds to ``finance.credit-risk``: a boosted model whose effects never turn, a step in front of it that
keeps one of columns that say the same, a metric, and a section that shows which way risk goes.
"""

from lepton_monotone.config import Monotone
from lepton_platform import Extension

extension = Extension("finance.credit-risk", config=Monotone)

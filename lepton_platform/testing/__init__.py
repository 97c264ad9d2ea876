"""The conformance kit: what every plugin is asked to do, as ``check_estimator`` asks of an estimator.

In the tests of a plugin::

    import pytest
    from lepton_platform.testing import checks_of

    @pytest.mark.parametrize("check", checks_of("telecom.churn"), ids=str)
    def test_conforms(check):
        check()

On the command line: ``lepton plugin check telecom.churn --level silver``.
"""

from lepton_platform.testing.check import Check, Fault, Level, NotApplicable
from lepton_platform.testing.conformance import (
    CHECKS,
    BoundCheck,
    Conformance,
    Outcome,
    checks_of,
    conformance,
)

__all__ = [
    "CHECKS",
    "BoundCheck",
    "Check",
    "Conformance",
    "Fault",
    "Level",
    "NotApplicable",
    "Outcome",
    "checks_of",
    "conformance",
]

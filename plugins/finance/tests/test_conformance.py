"""Every application of the plugin does all that the conformance kit asks: gold."""

import pytest

from lepton_platform.testing import checks_of

SMALL = {"window": 400, "test_days": 120, "refit_every": 60, "family": "gjr-t"}
CHECKS = (*checks_of("finance.credit-risk"), *checks_of("finance.market-risk", options=SMALL))


@pytest.mark.parametrize("check", CHECKS, ids=str)
def test_conforms(check):
    check()

"""Every check of the conformance kit, on the sample that the extra ``sample`` brings."""

from __future__ import annotations

import pytest

from lepton_platform.testing import checks_of


@pytest.mark.parametrize("check", checks_of("retail.demand-forecasting", models=["promotion ridge"]), ids=str)
def test_conforms(check):
    check()

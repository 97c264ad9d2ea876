"""Every application of the plugin does all that the conformance kit asks: gold."""

import pytest

from lepton_platform.testing import checks_of


@pytest.mark.parametrize("check", checks_of("lepton-finance"), ids=str)
def test_conforms(check):
    check()

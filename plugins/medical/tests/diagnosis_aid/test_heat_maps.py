"""Heat maps find what the model looks at, and depend on its weights."""

import numpy as np
import pytest

from lepton_medical.diagnosis_aid import heat_maps
from lepton_medical.diagnosis_aid.gallery import pictures_of


class Corner:
    """A model that looks at the brightness of one corner."""

    def predict_proba(self, cases):
        bright = [picture[:9, :9].mean() / 255 for picture in pictures_of(cases)]
        return np.stack([1 - np.array(bright), np.array(bright)], axis=1)


def test_hiding_what_counts_shows_where_it_is():
    picture = np.full((54, 54, 3), 20, np.uint8)
    picture[:9, :9] = 250
    heat = heat_maps.occlusion(Corner(), picture, code=1)
    assert heat.argmax() == 0
    assert np.abs(heat[3:, 3:]).max() == 0
    assert heat_maps.occlusion(Corner(), picture, code=0).argmin() == 0


def test_random_weights_change_the_map(blob_run):
    (picture,) = pictures_of(blob_run.test.cases.iloc[[1]])
    heat = heat_maps.occlusion(blob_run.model.blend, picture, code=1)
    assert np.ptp(heat) > 0
    assert heat_maps.weights_matter(blob_run.model.blend, picture, 1, heat) < 0.5
    again = heat_maps.occlusion(blob_run.model.blend, picture, code=1)
    assert again == pytest.approx(heat)

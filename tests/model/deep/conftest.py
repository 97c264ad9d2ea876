"""What tests of networks share."""

import numpy as np
import pytest
import torch


@pytest.fixture(autouse=True, scope="session")
def one_thread():
    """Networks of a test are so small that threads only wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def waves():
    """Return a maker of sequences of two channels; in class 1 a wave runs through the first."""

    def made_up_waves(n=240, time=24, seed=0):
        rng = np.random.default_rng(seed)
        X, y = rng.normal(size=(n, time, 2)), np.arange(n) % 2
        phase = rng.uniform(0, 2 * np.pi, (n, 1))
        X[:, :, 0] += 2 * y[:, None] * np.sin(np.arange(time) + phase)
        return X, y

    return made_up_waves

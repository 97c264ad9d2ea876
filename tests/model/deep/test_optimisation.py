"""Schedules beside their formulas, optimisers beside torch's."""

import math

import pytest
import torch
from torch import nn

from lepton_platform.model.deep.optimisation import OPTIMISERS, Schedule, optimiser


def rates(name, epochs, steps, losses=None):
    """Return the learning rate at every step of a training."""
    by = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=0.1)
    schedule = Schedule(name, epochs * steps, by)
    seen = []
    for epoch in range(epochs):
        for _ in range(steps):
            seen.append(schedule.learning_rate)
            by.step()
            schedule.after_step()
        schedule.after_epoch(losses[epoch] if losses else 1.0)
    return seen, schedule


def test_constant_stays():
    assert set(rates("constant", 3, 4)[0]) == {0.1}


def test_cosine_falls_to_zero_along_half_a_cosine():
    seen, schedule = rates("cosine", 3, 4)
    assert seen == pytest.approx([0.05 * (1 + math.cos(math.pi * step / 12)) for step in range(12)])
    assert schedule.learning_rate == pytest.approx(0, abs=1e-12)


def test_one_cycle_reaches_the_rate_asked_for_and_ends_near_zero():
    seen, _ = rates("one_cycle", 10, 10)
    assert max(seen) == pytest.approx(0.1, rel=0.01)
    assert seen[0] < 0.01 and seen[-1] < 1e-4


def test_plateau_divides_by_ten_when_the_loss_stalls():
    losses = [1.0, 0.9, 0.9, 0.9, 0.9, 0.5, 0.4, 0.3]
    assert rates("plateau", 8, 1, losses)[0] == pytest.approx([0.1] * 5 + [0.01] * 3)


@pytest.mark.parametrize("name", OPTIMISERS)
def test_every_optimiser_finds_the_least_square(name):
    position = nn.Parameter(torch.tensor([3.0, -2.0]))
    steps = optimiser(name, [position], learning_rate=0.02, weight_decay=0.0)
    for _ in range(600):
        steps.zero_grad()
        (position - torch.tensor([1.0, 1.0])).square().sum().backward()
        steps.step()
    assert position.detach().tolist() == pytest.approx([1.0, 1.0], abs=0.05)


def test_weight_decay_pulls_to_zero():
    position = nn.Parameter(torch.tensor([1.0]))
    steps = optimiser("adamw", [position], learning_rate=0.1, weight_decay=0.5)
    position.grad = torch.zeros(1)
    steps.step()
    assert position.item() == pytest.approx(1 - 0.1 * 0.5)

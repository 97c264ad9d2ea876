"""Micro-batching: whoever is decided together gets what each would get alone."""

import asyncio
import json

import pandas as pd
import pytest

from lepton_platform.serve.batching import MOST_WAITING, Batcher
from lepton_platform.serve.problem import Problem
from lepton_platform.serve.service import Service
from lepton_platform.serve.settings import Settings

CREDIT = "finance.credit-risk"


@pytest.fixture
def served(finished):
    service = Service(Settings(finished, (CREDIT,)))
    yield service.served(CREDIT)
    service.close()


def requests(served, loans, sizes):
    table = loans(sum(sizes), 5).drop(columns="default")
    cases, _ = served.reader.read(json.loads(table.to_json(orient="records")))
    ends = pd.Series(sizes).cumsum()
    return [cases[end - size : end] for end, size in zip(ends, sizes, strict=True)]


def same(answer, expected):
    pd.testing.assert_frame_equal(pd.DataFrame(answer), pd.DataFrame(expected), rtol=1e-12, atol=0)


def together(served, asked):
    """Ask all at once; return the answers and how many batches they took."""
    batches = []

    class Counting:
        def __init__(self):
            self.reader = served.reader

        def decide(self, cases):
            batches.append(len(cases))
            return served.decide(cases)

    counting = Counting()

    async def ask():
        batcher = Batcher()
        waiting = [asyncio.create_task(batcher.decide(counting, cases)) for cases in asked]
        answers = await asyncio.gather(*waiting, return_exceptions=True)
        batcher.close()
        return answers

    return asyncio.run(ask()), batches


def test_requests_that_wait_are_decided_together_and_answered_apart(served, loans):
    asked = requests(served, loans, [1, 3, 1, 2, 5] * 8)
    answers, batches = together(served, asked)
    assert len(batches) < len(asked) / 4 and sum(batches) == sum(map(len, asked))
    for cases, answer in zip(asked, answers, strict=True):
        same(answer, served.decide(cases))


def test_the_fault_of_one_request_is_not_the_others(served, loans):
    asked = requests(served, loans, [2, 2, 2, 2])
    asked[2][1]["debt"] = "text that no reader would let through"
    answers, _ = together(served, asked)
    assert isinstance(answers[2], ValueError)
    for place in (0, 1, 3):
        same(answers[place], served.decide(asked[place]))


def test_who_comes_when_too_many_wait_is_told_to_come_back(served, loans):
    (cases,) = requests(served, loans, [1])
    answers, _ = together(served, [cases] * (MOST_WAITING + 3))
    refused = [answer for answer in answers if isinstance(answer, Problem)]
    assert len(refused) == 3 and {one.status for one in refused} == {503}
    assert sum(isinstance(answer, list) for answer in answers) == MOST_WAITING

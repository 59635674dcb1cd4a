"""Processes that die while they grade cost one task, and only that."""

import os
import time

import pytest

from microgpt.assignment.grading.workers import Died, each
from microgpt.errors import InputError
from patience import PATIENCE


def _work(common: int, task: int, slot: int) -> int:
    if task == 3:
        os._exit(9)
    if task == 7:
        time.sleep(1000)
    if task == 8:
        raise InputError("Eight is too many.")
    return common * task


def test_a_worker_that_dies_costs_one_task_only() -> None:
    done = list(each(_work, 10, [1, 2, 3, 4, 5], 2, PATIENCE))
    assert done == [10, 20, Died("ended with status 9"), 40, 50]


def test_each_result_is_told_before_it_is_given() -> None:
    told: dict[int, object] = {}
    for i, result in enumerate(each(_work, 10, [1, 3, 2], 1, PATIENCE, told.__setitem__)):
        assert told[i] == result
    assert told == {0: 10, 1: Died("ended with status 9"), 2: 20}


@pytest.mark.slow
def test_the_last_worker_dies() -> None:
    assert list(each(_work, 10, [3], 4, PATIENCE)) == [Died("ended with status 9")]
    assert list(each(_work, 10, [], 4, PATIENCE)) == []


@pytest.mark.slow
def test_a_mistake_of_the_user_ends_all() -> None:
    with pytest.raises(InputError, match="Eight is too many"):
        list(each(_work, 10, [1, 8, 2], 2, PATIENCE))


@pytest.mark.slow
def test_a_worker_that_takes_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("microgpt.assignment.grading.workers._START", 0.0)
    assert list(each(_work, 10, [7], 1, 2)) == [Died("took longer than 2 seconds")]

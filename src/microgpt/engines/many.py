"""The same work on many models of one shape, over threads, each with an engine of its own.

Models don't know of each other, so what becomes of one depends neither on the others nor on the
number of threads. Threads gain where an engine leaves Python for long: a call of the kernel does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from microgpt.arrays import Ints

Own = TypeVar("Own")
Job = TypeVar("Job")
Result = TypeVar("Result")


def over(
    owned: Sequence[Own], jobs: Sequence[Job], work: Callable[[Own, Job], Result]
) -> list[Result]:
    """``work(own, job)`` for each job, in order; as many at a time as there are ``owned``.

    The first job that fails ends it, and so does Ctrl-C: jobs that have begun are waited for.
    """
    if len(owned) == 1 or len(jobs) < 2:
        return [work(owned[0], job) for job in jobs]
    free: SimpleQueue[Own] = SimpleQueue()
    for own in owned:
        free.put(own)

    def one(job: Job) -> Result:
        own = free.get()
        try:
            return work(own, job)
        finally:
            free.put(own)

    pool = ThreadPoolExecutor(len(owned))
    try:
        return list(pool.map(one, jobs))
    finally:
        pool.shutdown(cancel_futures=True)


def by_document(each: npt.NDArray[np.float64], offsets: Ints) -> npt.NDArray[np.float64]:
    """Sums [documents] of what each position has; a document of n + 1 tokens has n of them."""
    starts = offsets - offsets[0] - np.arange(len(offsets))
    result = np.zeros(len(offsets) - 1)
    some = np.diff(starts) > 0
    if some.any():
        result[some] = np.add.reduceat(each, starts[:-1][some])
    return result

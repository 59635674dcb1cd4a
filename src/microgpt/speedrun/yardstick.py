"""The unit of cost: the time that this machine takes for one product of 512 × 512 matrices.

In float32, by NumPy, with one thread; where an entry has several threads, each of as many threads
multiplies for itself. Time is the processor's, of all threads together: what else runs on the
machine hardly changes it, while time by the clock doubles (notes/speedrun.md has the numbers).
"""

from __future__ import annotations

import os
import statistics
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from microgpt.errors import InputError

SIDE = 512
_PRODUCTS = 20  # of each thread, in a reading
_FINE = 1e-5  # a clock with longer ticks can't time a product


@dataclass(frozen=True)
class Clock:
    """What time is: that of a whole process, and that of one thread."""

    name: str
    process: Callable[[], float]
    thread: Callable[[], float]

    @classmethod
    def here(cls) -> Clock:
        """Processor time, or where it comes in coarse ticks (Windows), time by the clock."""
        if time.get_clock_info("thread_time").resolution <= _FINE:
            return cls("processor time", time.process_time, time.thread_time)
        return cls("wall time", time.perf_counter, time.perf_counter)


def check_threads() -> None:
    """Raise ``InputError`` where NumPy was told to use several threads for one product."""
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        if (number := os.environ.get(name)) not in (None, "1"):
            raise InputError(
                f"{name} is {number}, but the unit of cost is a product by one thread.",
                f"Unset {name}.",
            )


@dataclass
class Yardstick:
    """Reads the unit again and again; ``readings`` are seconds of processor time for a product."""

    threads: int
    clock: Clock
    readings: list[float] = field(default_factory=list)

    def read(self) -> float:
        """Multiply on all threads at once, and note the median of all products."""
        taken: list[float] = []
        ready = threading.Barrier(self.threads)
        workers = [
            threading.Thread(target=self._multiply, args=(ready, taken), daemon=True)
            for _ in range(self.threads - 1)
        ]
        for worker in workers:
            worker.start()
        self._multiply(ready, taken)
        for worker in workers:
            worker.join()
        self.readings.append(statistics.median(taken))
        return self.readings[-1]

    def _multiply(self, ready: threading.Barrier, taken: list[float]) -> None:
        a = np.random.default_rng(0).standard_normal((SIDE, SIDE), dtype=np.float32)
        out = np.empty_like(a)
        np.matmul(a, a, out=out)
        ready.wait()
        for _ in range(_PRODUCTS):
            begun = self.clock.thread()
            np.matmul(a, a, out=out)
            taken.append(max(self.clock.thread() - begun, 1e-9))

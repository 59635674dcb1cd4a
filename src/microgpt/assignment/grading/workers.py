"""Work shared out to processes, any of which may die without taking the rest with it.

A pool of ``concurrent.futures`` breaks as a whole when one process is killed. Grading strangers'
files, one must expect that: here the task that a dead process had is reported, a new process takes
its place, and the others never notice.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Any

from microgpt.errors import MicrogptError

_START = 120.0  # seconds that a new process may take until it asks for work


@dataclass(frozen=True)
class Died:
    """What became of a task instead of its result: ``why``, half a sentence."""

    why: str


@dataclass
class _Worker:
    process: SpawnProcess
    pipe: Connection
    slot: int
    task: int | None = None
    until: float = 0.0


def each(
    work: Callable[[Any, Any, int], Any],
    common: Any,
    tasks: Sequence[Any],
    jobs: int,
    seconds: float,
    done: Callable[[int, Any], None] = lambda _i, _result: None,
) -> Iterator[Any]:
    """``work(common, task, slot)`` for every task, results in the order of the tasks.

    ``work``: a function of a module; ``slot``: from 0, never two at the same time. ``seconds``: the
    most that one task may take. A result is a ``Died`` where there is none. ``done`` is called
    with number and result as soon as there is one. A ``MicrogptError`` in a worker is raised here,
    and ends the others.
    """
    context = multiprocessing.get_context("spawn")
    workers: list[_Worker] = []
    left = list(enumerate(tasks))[::-1]
    finished: dict[int, Any] = {}
    given = 0

    def start(slot: int) -> _Worker:
        here, there = context.Pipe()
        process = context.Process(target=_loop, args=(there, work, common, slot), daemon=True)
        process.start()
        there.close()
        return _Worker(process, here, slot)

    def feed(worker: _Worker) -> None:
        worker.task = None
        if left:
            worker.task, task = left.pop()
            worker.until = time.monotonic() + seconds + _START
            with contextlib.suppress(OSError):  # if it has died, that is noticed by its silence
                worker.pipe.send(task)

    try:
        for slot in range(min(jobs, len(tasks))):
            workers.append(start(slot))
            feed(workers[-1])
        while given < len(tasks):
            while given in finished:
                yield finished.pop(given)
                given += 1
            busy = [worker for worker in workers if worker.task is not None]
            ready = set(wait([worker.pipe for worker in busy], timeout=1.0)) if busy else set()
            for worker in busy:
                assert worker.task is not None
                if worker.pipe in ready:
                    answer = _received(worker)
                elif time.monotonic() > worker.until:
                    answer = Died(f"took longer than {seconds:,.0f} seconds")
                else:
                    continue
                if isinstance(answer, MicrogptError):
                    raise answer
                finished[worker.task] = answer
                done(worker.task, answer)
                if isinstance(answer, Died):
                    _end(worker)
                    if left:
                        worker.process, worker.pipe = (w := start(worker.slot)).process, w.pipe
                feed(worker)
    finally:
        for worker in workers:
            _end(worker)


def _received(worker: _Worker) -> Any:
    try:
        return worker.pipe.recv()
    except (EOFError, OSError):
        worker.process.join(10)
        code = worker.process.exitcode
        how = f"signal {-code}" if code is not None and code < 0 else f"status {code}"
        return Died(f"ended with {how}")


def _end(worker: _Worker) -> None:
    worker.pipe.close()
    if worker.process.is_alive():
        worker.process.join(0.5)
    if worker.process.is_alive():
        worker.process.kill()
    worker.process.join(10)


def _loop(pipe: Connection, work: Callable[[Any, Any, int], Any], common: Any, slot: int) -> None:
    """In the worker: a task in, a result out, until the pipe is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent is interrupted, and ends us
    while True:
        try:
            task = pipe.recv()
        except (EOFError, OSError):
            return
        try:
            answer = work(common, task, slot)
        except MicrogptError as error:
            answer = error
        try:
            pipe.send(answer)
        except OSError:  # the parent has gone, or wants no more
            return


def _double(common: int, task: int, slot: int) -> int:
    return common * task


def _demo() -> None:
    print(list(each(_double, 2, [1, 2, 3], 2, 60)))


if __name__ == "__main__":
    _demo()

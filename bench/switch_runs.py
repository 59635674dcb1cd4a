"""Training runs for `bench/switches.py`: a file of finished ones, workers, and the time of a step.

Started as a program it is a worker: a line of JSON with a run comes in, one with its losses goes
out, until the input ends. So a bench that is killed takes its workers along.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import queue
import random
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from common import ROOT
from switch_plan import BASE, DTYPE, ENGINE, Setting

from microgpt.config import Config
from microgpt.data import Dataset, load_data
from microgpt.errors import NumbersError
from microgpt.evaluation import mean_loss
from microgpt.training import Trainer

Run = dict[str, Any]
Losses = dict[str, Any]

ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
TURN_SECONDS = 0.1
ROUNDS = 15


def run_of(setting: Setting, config: Config) -> Run:
    """All that the losses depend on, save the program."""
    return {
        "data": list(setting.data), "engine": ENGINE, "dtype": DTYPE, "config": config.to_dict(),
    }  # fmt: skip


class Work:
    """A file with a line of JSON for each finished run, and for each measurement of times.

    A line that a kill has cut off is dropped: that run is made again.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lines: dict[str, dict[str, Any]] = {}
        path.parent.mkdir(parents=True, exist_ok=True)
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        whole = text[: text.rfind("\n") + 1]
        if whole != text:
            path.write_text(whole, encoding="utf-8")
        for line in map(json.loads, whole.splitlines()):
            self.lines[_key(line["of"])] = line

    def get(self, of: Run) -> dict[str, Any] | None:
        return self.lines.get(_key(of))

    def add(self, of: Run, found: dict[str, Any]) -> None:
        line = {"of": of, **found}
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        self.lines[_key(of)] = line


def _key(of: Run) -> str:
    return json.dumps(of, sort_keys=True)


# ------------------------------------------------------------------ training


@functools.cache
def _data(*what: str) -> Dataset:
    return load_data(*what)


def trained(run: Run) -> Losses:
    """Train to the end in memory; losses are None where they became infinite or not a number."""
    config = Config(**run["config"])
    begun = time.process_time()
    trainer = Trainer(
        config, _data(*run["data"]), engine=run["engine"], dtype=run["dtype"], threads=1,
        eval_every=0,
    )  # fmt: skip
    found: Losses = {"validation": None, "held_out": None}
    try:
        for event in trainer.events():
            if event.get("step") == config.steps:
                break
        parts = trainer.kept_out.validation, trainer.kept_out.holdout
        for label, docs in zip(found, parts, strict=True):
            found[label], _ = mean_loss(trainer.engine, docs, trainer.tokenizer)
    except NumbersError:
        pass
    finally:
        trainer.close()
    return {**found, "seconds": round(time.process_time() - begun, 3)}


def work_off(
    runs: Sequence[Run], jobs: int, done: Callable[[Run, Losses], None], worker: Path | None = None
) -> None:
    """Make all the runs in ``jobs`` processes; ``done`` hears of each, one at a time."""
    waiting: queue.SimpleQueue[Run] = queue.SimpleQueue()
    for run in runs:
        waiting.put(run)
    lock, failed = threading.Lock(), threading.Event()

    def keep_busy() -> None:
        command = [sys.executable, str(worker or Path(__file__))]
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8",
            env={**os.environ, **ONE_THREAD},
        ) as process:  # fmt: skip
            assert process.stdin and process.stdout
            while not failed.is_set():
                try:
                    run = waiting.get_nowait()
                except queue.Empty:
                    break
                process.stdin.write(json.dumps(run) + "\n")
                process.stdin.flush()
                answer = process.stdout.readline()
                if not answer:
                    failed.set()
                    break
                with lock:
                    done(run, json.loads(answer))
            process.stdin.close()

    threads = [threading.Thread(target=keep_busy, daemon=True) for _ in range(min(jobs, len(runs)))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed.is_set():
        sys.exit("a worker ended early; what it says is above")


# ------------------------------------------------------------------ times


def turns(setting: Setting, names: Sequence[str], rounds: int = ROUNDS) -> Iterator[dict[str, Any]]:
    """Processor seconds of a step in each round, of the published model and each of ``names``.

    The two take turns. Yields {"name", "own", "published"} for each pair.
    """
    made = {name: _Steps(setting, name) for name in dict.fromkeys((BASE, *names))}
    for steps in made.values():
        steps.warm_up()
    order = random.Random(0)
    for _ in range(rounds):
        here = [name for name in names if name != BASE]
        order.shuffle(here)
        for name in here:
            published = made[BASE].turn()
            yield {"name": name, "published": published, "own": made[name].turn()}
    for steps in made.values():
        steps.trainer.close()


def ratios(found: Sequence[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """Of each name: the median over the rounds of its time over the published model's beside it."""
    every: dict[str, list[float]] = {}
    for turn in found:
        every.setdefault(turn["name"], []).append(turn["own"] / turn["published"])
    return {
        name: {"ratio": statistics.median(r), "least": min(r), "most": max(r)}
        for name, r in every.items()
    }


class _Steps:
    """Trains a variant on, some steps at a time."""

    def __init__(self, setting: Setting, name: str) -> None:
        config = setting.config(name, setting.rates[0], steps=10**6)
        self.trainer = Trainer(
            config, _data(*setting.data), engine=ENGINE, dtype=DTYPE, threads=1, eval_every=0
        )
        self.step, self.count = 0, 2

    def warm_up(self) -> None:
        self.turn()
        self.count = max(2, round(TURN_SECONDS / self.turn()))

    def turn(self) -> float:
        """Processor seconds of a step."""
        batches = self.trainer.order.batches(self.step, self.count)
        begun = time.process_time()
        self.trainer.engine.steps(batches, [1e-3] * self.count, self.step)
        seconds = time.process_time() - begun
        self.step += self.count
        return seconds / self.count


def commit() -> str:
    git = ["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"]
    return subprocess.run(git, capture_output=True, text=True).stdout.strip()


def main() -> None:
    with contextlib.suppress(BrokenPipeError):  # the bench was killed meanwhile
        for line in sys.stdin:
            print(json.dumps(trained(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()

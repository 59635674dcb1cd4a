"""What the class's model writes after a prefix, try by try, in the grader's own loop.

The draws of a prefix follow from the prefix alone: they are the same for every bot and every
student, and each prefix is continued once in a process.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from microgpt.engines.base import Engine
from microgpt.engines.drawing import Sampler
from microgpt.stream import uniforms
from microgpt.tokenizer import Tokenizer


class Tries:
    """Prefix → the names that the model writes after it, ``count`` of them, computed when asked.

    ``known``: what was computed so far; plain data, so that a worker can be given it.
    """

    def __init__(self, temperature: float, count: int) -> None:
        self.temperature, self.count = temperature, count
        self.known: dict[str, tuple[str, ...]] = {}

    def fill(self, engine: Engine, tokenizer: Tokenizer, prefixes: Iterable[str]) -> None:
        """Continue those of the prefixes that weren't continued yet."""
        wanted = [p for p in dict.fromkeys(prefixes) if p not in self.known]
        if not wanted:
            return
        most = engine.config.block_size
        draws = np.empty((len(wanted) * self.count, most))
        forced = []
        for i, prefix in enumerate(wanted):
            rows = slice(i * self.count, (i + 1) * self.count)
            rng = random.Random(f"tries {prefix}")
            draws[rows] = uniforms(rng, self.count * most).reshape(self.count, most)
            forced += [tokenizer.encode(prefix, unknown="skip")] * self.count
        tokens, _ = engine.sample(forced, Sampler(self.temperature, order="rows"), draws)
        texts = [tokenizer.decode(t) for t in tokens]
        for i, prefix in enumerate(wanted):
            self.known[prefix] = tuple(texts[i * self.count : (i + 1) * self.count])


@dataclass(frozen=True)
class Writer:
    """The class's model at hand: called with prefixes, it gives what is written after each."""

    tries: Tries
    engine: Engine
    tokenizer: Tokenizer

    def __call__(self, prefixes: Iterable[str]) -> dict[str, tuple[str, ...]]:
        """Prefix → its names, try by try."""
        some = list(dict.fromkeys(prefixes))
        self.tries.fill(self.engine, self.tokenizer, some)
        return {prefix: self.tries.known[prefix] for prefix in some}


def _demo() -> None:
    """What the shipped model writes in ten tries."""
    from microgpt.opening import engine_for, open_model

    opened, _ = open_model(None)
    tries = Tries(0.7, 10)
    tries.fill(engine_for(opened), opened.characters, ("", "lemo", "an"))
    for prefix, names in tries.known.items():
        print(f"{prefix or '(blank)':<8} {' '.join(names)}")


if __name__ == "__main__":
    _demo()

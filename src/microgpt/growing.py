"""A model learns new characters: its vocabulary grows, and what it knew stays as it was.

Ids are ranks in code-point order with BOS last, so a new character may push old ones up. Only
``wte`` and ``lm_head`` (where it isn't ``tied``) have a row per token: in both, an old row moves
with its character and BOS's row stays the last one. A new row is drawn as every first weight is,
Gauss(0, std).

Shapes: V vocab_size before, N new characters, C n_embd. Matrices with rows of tokens go from [V, C]
to [V + N, C]; the others are copied.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from microgpt.arrays import Array, Arrays, Optim
from microgpt.config import Config
from microgpt.tokenizer import Tokenizer

ROWS_OF_TOKENS = ("wte", "lm_head")
"""The matrices with one row per token, in the order in which their new rows are drawn."""


@dataclass
class Grown:
    """A model with more characters. ``added``: those that are new, in code-point order."""

    config: Config
    tokenizer: Tokenizer
    weights: Arrays
    optim: Optim | None
    added: list[str]


def grow(
    config: Config,
    tokenizer: Tokenizer,
    weights: Arrays,
    characters: Iterable[str],
    rng: random.Random,
    optim: Optim | None = None,
) -> Grown:
    """The model with the ``characters`` it lacked; those that it knows change nothing.

    ``weights``: by state-dict name, any dtype, which is kept. ``rng`` draws N · C numbers with
    ``gauss(0, config.std_of(name))`` for ``wte``, row after row in the order of the characters'
    code points, then as many for ``lm_head``. Without a new character nothing is drawn. ``optim``:
    its means are moved like the weights and are 0 for new rows; its step stays.

    Nothing that is passed is changed, but for ``rng``. Raises ``InputError`` if something in
    ``characters`` isn't one character, or if the model would be too large.
    """
    added = sorted(set(characters) - set(tokenizer.uchars))
    grown = Tokenizer(sorted([*tokenizer.uchars, *added]))
    config = replace(config, vocab_size=grown.vocab_size)
    moved = [*(grown.ids[c] for c in tokenizer.uchars), grown.bos]
    fresh = [grown.ids[c] for c in added]

    def taller(matrix: Array) -> Array:
        """The matrix [V, C] as [V + N, C], with zeros where the new rows are."""
        result: Array = np.zeros((grown.vocab_size, matrix.shape[1]), dtype=matrix.dtype)
        result[moved] = matrix
        return result

    def all_taller(arrays: Arrays) -> Arrays:
        return {n: taller(a) if n in ROWS_OF_TOKENS else a.copy() for n, a in arrays.items()}

    wider = all_taller(weights)
    for name in (n for n in ROWS_OF_TOKENS if n in wider):  # tied: no lm_head
        std = config.std_of(name)
        for row in fresh:
            wider[name][row] = [rng.gauss(0, std) for _ in range(config.n_embd)]
    if optim is not None:
        optim = Optim(all_taller(optim.m), all_taller(optim.v), optim.step)
    return Grown(config, grown, wider, optim, added)


def _demo() -> None:
    """A model of three characters learns two more."""
    config = Config(n_embd=4, n_head=2, vocab_size=4)
    rng = random.Random(42)
    weights: Arrays = {
        name: np.full(shape, 1.0) * np.arange(shape[0])[:, np.newaxis]
        for name, shape in config.shapes().items()
    }
    grown = grow(config, Tokenizer("ace"), weights, "bed", rng)
    print(f"new: {' '.join(grown.added)}")
    for token, name in enumerate([*grown.tokenizer.uchars, "BOS"]):
        row = " ".join(f"{x:+.4f}" for x in grown.weights["wte"][token])
        print(f"{token}  {name:<4} {row}{'  new' if name in grown.added else ''}")


if __name__ == "__main__":
    _demo()

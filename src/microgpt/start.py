"""Where a run begins: documents in their order, initial weights, and what is held out.

Everything here is a function of configuration and data alone.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from microgpt import sampling
from microgpt.arrays import Arrays
from microgpt.config import Config
from microgpt.data import Dataset, Split, split, split_tail
from microgpt.model import init_weights
from microgpt.tokenizer import Tokenizer


@dataclass
class Start:
    """Where a run begins, a function of config and data alone.

    ``docs``: the training documents in the order in which they are taken. ``rng``: the run's
    stream after the shuffle and the drawing of ``weights``.
    """

    config: Config
    tokenizer: Tokenizer
    docs: list[str]
    kept_out: Split
    rng: random.Random
    weights: Mapping[str, Any]


def begin(config: Config, dataset: Dataset, tokenizer: Tokenizer | None = None) -> Start:
    """Seed → hold out (no draw) → shuffle → draw the weights.

    ``tokenizer`` None: the vocabulary is that of the whole data, held-out documents included.
    """
    tokenizer = tokenizer or Tokenizer.of(dataset.docs)
    config = Config(**{**config.to_dict(), "vocab_size": tokenizer.vocab_size})
    kept_out = hold_out(config, dataset)
    docs = list(kept_out.train)
    rng = random.Random(config.seed)
    rng.shuffle(docs)
    weights = init_weights(config, rng) if config.init == "stream" else drawn_at_once(config)
    return Start(config, tokenizer, docs, kept_out, rng, weights)


def drawn_at_once(config: Config) -> Arrays:
    """Initial weights by NumPy's generator, seeded by the run's seed; the stream stays unused.

    Drawing 124 million numbers one by one takes 46 seconds, this 2; the numbers are others.
    """
    draw = np.random.Generator(np.random.PCG64(config.seed))
    weights: Arrays = {}
    for name, shape in config.shapes().items():
        constant = config.constant_of(name)
        if constant is None:
            weights[name] = draw.standard_normal(shape)
            weights[name] *= config.std_of(name)
        else:
            weights[name] = np.full(shape, constant)
    return weights


def hold_out(config: Config, dataset: Dataset) -> Split:
    """What the run trains on and what it doesn't: texts by their hash, or one text's end."""
    if dataset.split_by == "none" and config.holdout:
        return split_tail(dataset.docs[0], config.holdout, config.validation)
    return split(dataset.docs, config.holdout, config.validation)


def shuffled(config: Config, dataset: Dataset) -> list[str]:
    """The training documents in their order alone, for callers that need no weights."""
    docs = list(hold_out(config, dataset).train)
    random.Random(config.seed).shuffle(docs)
    return docs


def marks_at(config: Config, dataset: Dataset, step: int) -> sampling.Marks:
    """Which documents were trained on in the first ``step`` steps, and which are in the file."""
    docs = shuffled(config, dataset)
    if config.long == "window":
        reached = len(docs) if step else 0
    else:
        reached = step * config.batch_size
    return sampling.Marks(set(docs[:reached]), set(dataset.docs))


def _demo() -> None:
    from microgpt.config import make_config
    from microgpt.data import load_data

    begun = begin(make_config(), load_data("names"))
    print(f"the first documents:  {', '.join(begun.docs[:6])}")
    print(f"the initial weights:  {', '.join(f'{w:.4f}' for w in begun.weights['wte'][0][:6])}")


if __name__ == "__main__":
    _demo()

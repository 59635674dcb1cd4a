"""The first losses of the reference run, by any engine, for the tests of how it is built."""

from pathlib import Path

import numpy as np

from microgpt.batches import Order, TokenTable
from microgpt.config import make_config
from microgpt.data import load_data
from microgpt.engines import make_engine
from microgpt.start import begin

ROOT = Path(__file__).resolve().parent.parent


def losses(engine_name: str, dtype: str, steps: int, **changes: object) -> list[float]:
    """The losses of the first steps of the reference run, or of one like it."""
    config, start, batches = prepared(steps, **changes)
    engine = make_engine(engine_name, config, dtype)
    weights = {name: np.array(w, dtype=dtype) for name, w in start.items()}
    engine.load(config, dtype, weights)
    return engine.steps(batches, [0.01] * steps, 0)


def prepared(steps: int, **changes: object):  # type: ignore[no-untyped-def]
    start = begin(make_config(**changes), load_data("names"))
    order = Order(TokenTable(start.docs, start.tokenizer), start.config, start.rng)
    return start.config, start.weights, order.batches(0, steps)

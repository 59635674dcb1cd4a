"""The run's one random stream: Python's own generator, many draws at a time, saved and restored.

A run draws from one ``random.Random``, seeded once: shuffle, weights, windows, samples. It gives
the same values on every CPython since 3.6, so every run draws the same everywhere.
"""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import numpy.typing as npt

from microgpt.errors import CheckpointError


def uniforms(rng: random.Random, count: int) -> npt.NDArray[np.float64]:
    """The next ``count`` values of ``rng.random()`` [count]; the stream moves on by as many."""
    if count < 2000:
        return np.array([rng.random() for _ in range(count)], dtype=np.float64)
    # NumPy's RandomState is the same generator: given the state it draws the same, but faster.
    version, internal, gauss_next = rng.getstate()
    twin = np.random.RandomState()
    key = np.array(internal[:-1], dtype=np.uint32)
    twin.set_state({"bit_generator": "MT19937", "state": {"key": key, "pos": internal[-1]}})
    drawn = twin.random_sample(count)
    state: Any = twin.get_state(legacy=False)
    moved = (*state["state"]["key"].tolist(), int(state["state"]["pos"]))
    rng.setstate((version, moved, gauss_next))
    return drawn


def stream_to_json(rng: random.Random) -> list[Any]:
    """The state of Python's generator in a form that JSON can hold."""
    version, internal, gauss_next = rng.getstate()
    return [version, list(internal), gauss_next]


def stream_from_json(state: Any) -> random.Random:
    """The generator at a saved state; ``CheckpointError`` if it isn't one."""
    rng = random.Random()
    try:
        version, internal, gauss_next = state
        rng.setstate((version, tuple(internal), gauss_next))
    except (TypeError, ValueError, OverflowError) as error:
        raise CheckpointError(f"The saved random stream can't be used: {error}.") from None
    return rng


def _demo() -> None:
    rng = random.Random(42)
    few = [f"{rng.random():.4f}" for _ in range(3)]
    many = uniforms(random.Random(42), 100_000)
    print("seed 42, one at a time:", " ".join(few))
    print("seed 42, many at once: ", " ".join(f"{u:.4f}" for u in many[:3]))


if __name__ == "__main__":
    _demo()

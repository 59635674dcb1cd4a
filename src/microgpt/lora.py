"""LoRA around a model that is there: additions to its matrices, and the model with them merged in.

Under ``lora_rank`` R every matrix W [out, in] of the blocks acts as W + (lora_alpha / R) · B · A
with A [R, in] and B [out, R], and only A and B are trained (Hu et al. 2021).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from microgpt.arrays import Arrays
from microgpt.config import Config

A, B = ".lora_a", ".lora_b"


def adapted(
    config: Config, weights: Arrays, rank: int, alpha: float = 16.0, seed: int = 42
) -> tuple[Config, Arrays]:
    """The model with additions of this rank, which change nothing yet: B is 0, A is drawn.

    A is drawn by NumPy's generator as the first weights of ``config`` are. The other arrays are the
    given ones, not copies. Raises ``InputError`` for a rank or an alpha that is out of range.
    """
    config = replace(config, lora_rank=rank, lora_alpha=alpha)
    draw = np.random.Generator(np.random.PCG64(seed))
    found: Arrays = {}
    for name, shape in config.shapes().items():
        if name in weights:
            found[name] = weights[name]
        else:
            kind = weights[name.removesuffix(A).removesuffix(B)].dtype
            found[name] = (draw.standard_normal(shape) * config.std_of(name)).astype(kind)
    return config, found


def merged(config: Config, weights: Arrays) -> tuple[Config, Arrays]:
    """The same model without additions: each W is what it acted as.

    Computed in float64 and rounded once to the weights' own type. What has no addition is the
    given array, not a copy.
    """
    plain = replace(config, lora_rank=0, lora_alpha=Config.lora_alpha)
    if not config.lora_rank:
        return plain, dict(weights)
    scale = config.lora_alpha / config.lora_rank
    found: Arrays = {}
    for name in plain.shapes():
        found[name] = w = weights[name]
        if name + A in weights:
            added = weights[name + B].astype(np.float64) @ weights[name + A].astype(np.float64)
            found[name] = (w + scale * added).astype(w.dtype)
    return plain, found


def _demo() -> None:
    """How few numbers are trained."""
    config = Config(n_layer=4, n_embd=128)
    rng = np.random.Generator(np.random.PCG64(1))
    weights: Arrays = {n: rng.normal(size=s) for n, s in config.shapes().items()}
    for rank in (1, 4, 16):
        with_them, more = adapted(config, weights, rank)
        trained = sum(a.size for n, a in more.items() if with_them.lr_share(n))
        print(f"rank {rank:>2}: {trained:>7,} of {with_them.parameters():,} numbers are trained")


if __name__ == "__main__":
    _demo()

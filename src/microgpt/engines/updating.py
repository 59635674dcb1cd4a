"""One step of the optimiser on arrays: Adam (Kingma and Ba 2015, Algorithm 1), or SGD."""

from __future__ import annotations

import numpy as np

from microgpt.arrays import Arrays, Optim
from microgpt.config import Config


def fresh(config: Config) -> Optim:
    """The optimiser's state before the first step: means of 0, none under SGD."""
    if config.optimizer == "sgd":
        return Optim()
    zeros: Arrays = {name: np.zeros(shape) for name, shape in config.shapes().items()}
    return Optim(zeros, zeros).copy()


def updated(
    config: Config,
    weights: Arrays,
    optim: Optim,
    grads: Arrays,
    scale: float,
    lr: float,
    step: int,
) -> None:
    """Change ``weights`` and ``optim`` in place, by ``grads`` multiplied by ``scale``.

    ``step`` counts from 1, for the bias correction. What overflows becomes inf or NaN.
    """
    beta1, beta2, eps = config.beta1, config.beta2, config.eps
    optim.step = step
    with np.errstate(all="ignore"):
        for name, w in weights.items():
            g = grads[name] * scale
            if config.optimizer == "sgd":
                w -= lr * g
                continue
            m, v = optim.m[name], optim.v[name]
            m += (1 - beta1) * (g - m)
            v += (1 - beta2) * (g * g - v)
            w -= lr * (m / (1 - beta1**step)) / (np.sqrt(v / (1 - beta2**step)) + eps)

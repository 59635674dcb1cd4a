"""Training with differential privacy, in arrays: the readable version that the kernel is held to.

Abadi et al. 2016, "Deep Learning with Differential Privacy", Algorithm 1: every document's gradient
is cut to one norm, and noise of a size that fits this norm is added to their sum. The noise itself
comes from outside, as all randomness does.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from microgpt.arrays import Array, Arrays
from microgpt.config import Config
from microgpt.engines.updating import grad_norm
from microgpt.errors import InputError

Grads = Callable[[Sequence[Sequence[int]], npt.ArrayLike | None], tuple[float, Arrays]]
"""``Engine.grads``."""


def checked(
    config: Config, steps: int, clip: float | None, noise: Array | None
) -> npt.NDArray[np.float64] | None:
    """The noise as the kernel takes it; ``InputError`` unless ``Engine.steps`` can use both."""
    if clip is not None and not (math.isfinite(clip) and clip > 0):
        raise InputError(f"clip is {clip}, must be a finite number above 0.")
    if noise is None:
        return None
    wanted = (steps, config.parameters())
    if noise.shape != wanted:
        raise InputError(f"The noise has shape {list(noise.shape)}, must have {list(wanted)}.")
    if not np.isfinite(noise).all():
        raise InputError("The noise has a number that is not finite.")
    return np.ascontiguousarray(noise, np.float64)


def summed(
    config: Config,
    grads: Grads,
    docs: Sequence[Sequence[int]],
    weights: Array | None,
    clip: float | None,
    noise: Array | None,
) -> tuple[float, Arrays]:
    """Summed loss of the documents, and the sum of their gradients, each clipped, with the noise.

    ``weights`` as for ``Engine.grads``; ``noise`` [parameters], or None.
    """
    loss, at = 0.0, 0
    total: Arrays = {name: np.zeros(shape) for name, shape in config.shapes().items()}
    for doc in docs:
        n = len(doc) - 1
        if n < 1:
            continue
        mean, own = grads([doc], None if weights is None else weights[at : at + n])
        at += n
        loss += mean * n
        norm = n * grad_norm(config, own)
        share = n if clip is None or not norm > clip else n * clip / norm
        for name, g in own.items():
            total[name] += g * share
    if noise is not None:
        cuts = np.cumsum([g.size for g in total.values()])[:-1]
        for g, drawn in zip(total.values(), np.split(noise, cuts), strict=True):
            g += drawn.reshape(g.shape)
    return loss, total

"""One step of the optimiser on arrays: SGD, Adam, AdamW or Muon, and clipping before it.

The readable version that every engine is held to. Derivations: ``notes/backward.md``, §8 and §18.
"""

from __future__ import annotations

import math

import numpy as np

from microgpt.architecture import kind_of
from microgpt.arrays import Array, Arrays, Optim
from microgpt.config import Config

MUON = (3.4445, -4.7750, 2.0315)
"""Coefficients a, b, c of ``orthogonalised``; §18 says what they do to a singular value."""


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
) -> float:
    """Change ``weights`` and ``optim`` in place, by ``grads`` multiplied by ``scale``.

    ``step`` counts from 1, for the bias correction. What overflows becomes inf or NaN. Returns the
    norm of the gradient, so multiplied, before it is clipped.
    """
    optim.step = step
    with np.errstate(all="ignore"):
        norm = abs(scale) * grad_norm(config, grads)
        if 0 < config.grad_clip < norm:
            scale *= config.grad_clip / norm
        for name, w in weights.items():
            share = config.lr_share(name)
            if not share:
                continue  # LoRA leaves it as it is
            g = grads[name] * scale
            if config.optimizer == "sgd":
                w -= lr * share * g
            elif config.optimizer == "muon" and kind_of(name) == "matrix":
                muon(config, w, optim.m[name], g, config.muon_lr * lr / config.lr)
            else:
                if config.optimizer != "adam" and config.decays(name):
                    w *= 1 - lr * share * config.weight_decay
                adam(config, w, optim.m[name], optim.v[name], g, lr * share, step)
    return norm


def grad_norm(config: Config, grads: Arrays) -> float:
    """Root of the sum of the squares of all gradients of weights that are trained."""
    squares = 0.0
    for name, g in grads.items():
        if config.lr_share(name):
            squares += float(np.vdot(g, g))
    return math.sqrt(squares)


def adam(config: Config, w: Array, m: Array, v: Array, g: Array, lr: float, step: int) -> None:
    """Change a weight and its means in place: Kingma and Ba 2015, Algorithm 1.

    With ``weight_decay``, which shrinks the weight before, it is AdamW: Loshchilov and Hutter 2017.
    """
    beta1, beta2 = config.beta1, config.beta2
    m += (1 - beta1) * (g - m)
    v += (1 - beta2) * (g * g - v)
    w -= lr * (m / (1 - beta1**step)) / (np.sqrt(v / (1 - beta2**step)) + config.eps)


def muon(config: Config, w: Array, m: Array, g: Array, lr: float) -> None:
    """Change a matrix [out, in] and its momentum in place: Muon, Jordan 2024.

    The step is the matrix nearest to the gradient with all singular values alike: it changes what
    the layer does in every direction, not just in the few that gradients usually lie in. Its size
    is that of ``lr`` times a rotation, more for a matrix with more outputs than inputs.
    """
    out, into = w.shape
    m *= config.muon_momentum
    m += g
    step = orthogonalised(g + config.muon_momentum * m)  # Nesterov: a step ahead of m
    w *= 1 - lr * config.weight_decay
    w -= lr * math.sqrt(max(1.0, out / into)) * step


def orthogonalised(u: Array) -> Array:
    """``u`` with singular values of about 1, by five Newton-Schulz steps: §18.

    Those above 1/500 of its norm come to lie between 0.68 and 1.21.
    """
    a, b, c = MUON
    tall = u.shape[0] > u.shape[1]
    x: Array = u.T if tall else u
    x = x / (np.sqrt(np.vdot(x, x)) + 1e-7)
    for _ in range(5):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x.T if tall else x

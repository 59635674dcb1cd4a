"""The optimisers on PyTorch tensors."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from microgpt.arrays import Arrays, Optim
from microgpt.config import Config


class Optimizer:
    """Updates the parameters ``params``, by name, from their ``grad``.

    ``optim``: the state to go on from; None begins at zero. A parameter without a gradient, such
    as LoRA leaves as it is, keeps its state.
    """

    def __init__(self, config: Config, params: dict[str, Tensor], optim: Optim | None) -> None:
        self.config, self.params = config, params
        self.done = optim.step if optim else 0
        self.m: dict[str, Tensor] = {}
        self.v: dict[str, Tensor] = {}
        if config.optimizer != "sgd":
            self.m = _means(params, optim.m if optim else {})
            self.v = _means(params, optim.v if optim else {})

    def step(self, lr: float, step: int) -> Tensor:
        """One update; ``step`` counts from 1. The gradient's norm before clipping, as a tensor.

        It isn't read here: that would make a GPU wait.
        """
        config, self.done = self.config, step
        names = [name for name, p in self.params.items() if p.grad is not None]
        w = [self.params[name].detach() for name in names]
        g = [self.params[name].grad for name in names]
        norm = torch.linalg.vector_norm(torch.stack(torch._foreach_norm(g)))
        if config.optimizer == "sgd":
            torch._foreach_add_(w, g, alpha=-lr)
            return norm
        m, v = [self.m[name] for name in names], [self.v[name] for name in names]
        torch._foreach_lerp_(m, g, 1 - config.beta1)
        torch._foreach_mul_(v, config.beta2)
        torch._foreach_addcmul_(v, g, g, 1 - config.beta2)
        root = math.sqrt(1 - config.beta2**step)
        down = torch._foreach_sqrt(v)
        torch._foreach_add_(down, config.eps * root)
        torch._foreach_addcdiv_(w, m, down, -lr * root / (1 - config.beta1**step))
        return norm

    def state(self) -> Optim:
        """The state, copied."""
        return Optim(_copies(self.m), _copies(self.v), self.done)


def _means(params: dict[str, Tensor], given: Arrays) -> dict[str, Tensor]:
    means = {name: torch.zeros_like(p, requires_grad=False) for name, p in params.items()}
    for name, array in given.items():
        means[name].copy_(torch.tensor(array))
    return means


def _copies(tensors: dict[str, Tensor]) -> Arrays:
    return {name: t.detach().cpu().numpy().copy() for name, t in tensors.items()}

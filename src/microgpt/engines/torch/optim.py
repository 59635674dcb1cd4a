"""The optimisers on PyTorch tensors: ``engines/updating.py``, which is readable, for speed.

Weights are updated many at a time, by what they have in common: the share of the learning rate and
whether they decay. Muon's matrices go by shape, so that those of all layers are orthogonalised in
one product. Nothing is read back: a GPU would have to wait for it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

import torch
from torch import Tensor

from microgpt.architecture import kind_of
from microgpt.arrays import Arrays, Optim
from microgpt.config import Config
from microgpt.engines.updating import MUON

AT_ONCE = 2**24
"""Numbers that Muon copies at a time, so that a large model needs little more memory."""


@dataclass
class _Group:
    """Weights that are updated alike: by ``share`` of the learning rate, and ``decay`` of it."""

    share: float
    decay: float
    names: list[str] = field(default_factory=list)


class Optimizer:
    """Updates the parameters ``params``, by name, from their ``grad``; what has none had zeros.

    ``optim``: the state to go on from; None begins at zero. What LoRA leaves as it is keeps its
    state, and isn't part of the gradient's norm. Parameters are changed where they are.
    """

    def __init__(self, config: Config, params: dict[str, Tensor], optim: Optim | None) -> None:
        self.config, self.params = config, params
        self.done = optim.step if optim else 0
        self.trained = [name for name in params if config.lr_share(name)]
        muon = config.optimizer == "muon"
        self.matrices = [n for n in self.trained if muon and kind_of(n) == "matrix"]
        self.groups = list(_groups(config, [n for n in self.trained if n not in self.matrices]))
        given = optim or Optim()
        self.kept = given  # of what isn't trained, and of what an optimiser has no use for
        means = [] if config.optimizer == "sgd" else self.trained
        self.m = {n: _as_tensor(params[n], given.m.get(n)) for n in means}
        squares = [n for group in self.groups for n in group.names if n in self.m]
        self.v = {n: _as_tensor(params[n], given.v.get(n)) for n in squares}
        self.fused = all(p.device.type in ("cpu", "cuda") for p in params.values())

    def step(self, lr: float, step: int) -> Tensor:
        """One update; ``step`` counts from 1. The gradient's norm before clipping, as a tensor."""
        with torch.no_grad():
            return self._step(lr, step)

    def _step(self, lr: float, step: int) -> Tensor:
        config, self.done = self.config, step
        grads = {n: _gradient(self.params[n]) for n in self.trained}
        every = list(grads.values())
        norm: Tensor = torch.linalg.vector_norm(torch.stack(torch._foreach_norm(every)))
        if config.grad_clip:
            torch._foreach_mul_(every, (config.grad_clip / norm).clamp(max=1.0))
        for group in self.groups:
            self._update(group, grads, lr, step)
        for names in self._alike():
            self._muon(names, grads, config.muon_lr * lr / config.lr)
        return norm

    def _update(self, group: _Group, grads: dict[str, Tensor], lr: float, step: int) -> None:
        """SGD, Adam or AdamW, for all weights of a group."""
        config = self.config
        lr = lr * group.share
        w, g = ([of[n] for n in group.names] for of in (self.params, grads))
        if config.optimizer == "sgd":
            torch._foreach_add_(w, g, alpha=-lr)
            return
        m, v = ([of[n] for n in group.names] for of in (self.m, self.v))
        if self.fused:
            steps = [torch.tensor(float(step), device=w[0].device)] * len(w)
            torch._fused_adamw_(
                w, g, m, v, [], steps, lr=lr, beta1=config.beta1, beta2=config.beta2,
                weight_decay=group.decay, eps=config.eps, amsgrad=False, maximize=False,
            )  # fmt: skip
            return
        if group.decay:
            torch._foreach_mul_(w, 1 - lr * group.decay)
        torch._foreach_lerp_(m, g, 1 - config.beta1)
        torch._foreach_mul_(v, config.beta2)
        torch._foreach_addcmul_(v, g, g, 1 - config.beta2)
        root = math.sqrt(1 - config.beta2**step)
        down = torch._foreach_sqrt(v)
        torch._foreach_add_(down, config.eps * root)
        torch._foreach_addcdiv_(w, m, down, -lr * root / (1 - config.beta1**step))

    def _alike(self) -> Iterable[list[str]]:
        """Muon's matrices in lists of the same shape, none too long to be copied at once."""
        shapes: dict[torch.Size, list[str]] = {}
        for name in self.matrices:
            shapes.setdefault(self.params[name].shape, []).append(name)
        for shape, names in shapes.items():
            most = max(1, AT_ONCE // shape.numel())
            yield from (names[i : i + most] for i in range(0, len(names), most))

    def _muon(self, names: list[str], grads: dict[str, Tensor], lr: float) -> None:
        """Muon, for matrices of one shape."""
        momentum, decay = self.config.muon_momentum, self.config.weight_decay
        w, g, m = ([of[n] for n in names] for of in (self.params, grads, self.m))
        torch._foreach_mul_(m, momentum)
        torch._foreach_add_(m, g)
        ahead = torch._foreach_add(g, m, alpha=momentum)
        out, into = w[0].shape
        step = orthogonalised(torch.stack(ahead))
        if decay:
            torch._foreach_mul_(w, 1 - lr * decay)
        torch._foreach_add_(w, list(step.unbind()), alpha=-lr * math.sqrt(max(1.0, out / into)))

    def state(self) -> Optim:
        """The state, copied; zeros for what is never updated."""
        if self.config.optimizer == "sgd":
            return Optim(step=self.done)
        means = (self._every(self.m, self.kept.m), self._every(self.v, self.kept.v))
        return Optim(*means, self.done)

    def _every(self, mine: dict[str, Tensor], kept: Arrays) -> Arrays:
        found: Arrays = {}
        for name, p in self.params.items():
            if name in mine:
                found[name] = mine[name].cpu().numpy().copy()
            elif name in kept:
                found[name] = kept[name].copy()
            else:
                found[name] = torch.zeros_like(p, device="cpu", requires_grad=False).numpy()
        return found


def orthogonalised(u_KOI: Tensor) -> Tensor:
    """Each of K matrices with singular values of about 1, by five Newton-Schulz steps."""
    a, b, c = MUON
    tall = u_KOI.shape[1] > u_KOI.shape[2]
    x = u_KOI.mT if tall else u_KOI
    x = x / (torch.linalg.vector_norm(x, dim=(1, 2), keepdim=True) + 1e-7)
    for _ in range(5):
        gram = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.mT if tall else x


def _groups(config: Config, names: list[str]) -> Iterable[_Group]:
    found: dict[tuple[float, float], _Group] = {}
    for name in names:
        decays = config.optimizer in ("adamw", "muon") and config.decays(name)
        key = (config.lr_share(name), config.weight_decay if decays else 0.0)
        found.setdefault(key, _Group(*key)).names.append(name)
    return found.values()


def _gradient(p: Tensor) -> Tensor:
    """Zeros where there is none, as for an expert that no position was sent to."""
    return torch.zeros_like(p) if p.grad is None else p.grad


def _as_tensor(p: Tensor, given: object) -> Tensor:
    if given is None:
        return torch.zeros_like(p, requires_grad=False)
    return torch.tensor(given, dtype=p.dtype, device=p.device)

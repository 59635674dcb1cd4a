"""All weights, or all gradients, as views into one flat vector."""

from __future__ import annotations

import math

from microgpt.config import Config
from microgpt.engines.base import Array, Arrays


class Weights:
    """``named``: by the names and in the order of ``Config.shapes``, views into ``flat``."""

    def __init__(self, config: Config, flat: Array) -> None:
        self.config, self.flat = config, flat
        self.named: Arrays = {}
        at = 0
        for name, shape in config.shapes().items():
            size = math.prod(shape)
            self.named[name] = flat[at : at + size].reshape(shape)
            at += size

    def __getitem__(self, name: str) -> Array:
        return self.named[name]

    def get(self, name: str) -> Array | None:
        """The weight, or None where this model has none of that name."""
        return self.named.get(name)

    @property
    def head(self) -> str:
        """The name of the matrix [V, C] that turns the last hidden state into logits."""
        return "wte" if self.config.tied else "lm_head"

    def add(self, name: str, more: Array) -> None:
        """Add to the gradient ``name``, where the model has such a weight."""
        if name in self.named:
            self.named[name] += more

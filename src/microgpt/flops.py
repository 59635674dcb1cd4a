"""How many floating-point operations a model needs, counted from its configuration.

Counted are the multiplications and additions of its matrix products, two for each pair of numbers.
What grows with n_embd alone (norms, softmax, activations) is left out, as in every published
number for the utilisation of a machine.
"""

from __future__ import annotations

import dataclasses
import functools
import math
import re
from collections.abc import Iterable

from microgpt.architecture import INNER, kind_of
from microgpt.config import Config


def forward_flop(config: Config, positions: int) -> int:
    """Multiplications and additions of the forward pass over one document.

    Each weight is used once per position, but for the embeddings, which are looked up, and of the
    experts only those that a position is sent to. In attention a position works with itself and
    those before it, within the window: a product with its key and one with its value, n_embd long
    each, however few heads of keys there are.
    """
    trained, frozen = _used(config)
    window = min(positions, config.attn_window or positions)
    pairs = window * (window + 1) // 2 + (positions - window) * window
    return 2 * (trained + frozen) * positions + 4 * config.n_layer * config.n_embd * pairs


def document_flop(config: Config, positions: int) -> int:
    """The same for training on the document: the backward pass is twice the forward.

    Every product has two gradients, that of its input and that of its weight; what LoRA leaves as
    it is needs only the first. What is computed twice to save memory counts once.
    """
    frozen = _used(config)[1]
    return 3 * forward_flop(config, positions) - 2 * frozen * positions


def training_flop(config: Config, positions: Iterable[int]) -> float:
    """Mean work of training on one document; ``positions``: how many each has.

    155,490 for preset ``final`` on the names.
    """
    lengths = list(positions)
    work = {n: document_flop(config, n) for n in set(lengths)}
    return sum(work[n] for n in lengths) / len(lengths)


@functools.cache
def _used(config: Config) -> tuple[int, int]:
    """Numbers in matrices that one position is multiplied by: those trained, those left alone."""
    counts = {True: 0, False: 0}
    for name, shape in dataclasses.replace(config, n_layer=1).shapes().items():
        expert = re.match(r"layer0\.expert(\d+)\.", name)
        if kind_of(name) in INNER and not (expert and int(expert[1]) >= config.n_active):
            counts[bool(config.lr_share(name))] += config.n_layer * math.prod(shape)
    counts[bool(config.lr_share("lm_head"))] += config.vocab_size * config.n_embd
    return counts[True], counts[False]

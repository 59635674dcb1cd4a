"""Documents of different lengths as one rectangle of tokens: shorter ones are padded on the right.

Causal attention at a real position never sees what comes after it, so padding needs no mask: what
is computed for it is thrown away before the loss.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from microgpt.arrays import Ints


@dataclass(frozen=True)
class Padded:
    """Some documents: tokens [B, T], and which of the B · T positions are real; None: all."""

    tokens: Tensor
    real: Tensor | None


def padded(flat: Ints, starts: Ints, lengths: Ints, device: torch.device, to: int) -> Padded:
    """The documents flat[starts[d] : starts[d] + lengths[d]], all padded to the length ``to``."""
    if to == lengths.min():
        tokens = flat[starts[:, None] + np.arange(to)]
        return Padded(on(device, tokens), None)
    inside = np.arange(to) < lengths[:, None]
    tokens = np.zeros(inside.shape, np.int64)
    tokens[inside] = flat[rows(starts, lengths)]
    return Padded(on(device, tokens), on(device, np.flatnonzero(inside)))


def rows(starts: Ints, lengths: Ints) -> Ints:
    """Where in the flat array the tokens of documents are, one document after the other."""
    ends = np.cumsum(lengths)
    index: Ints = np.arange(ends[-1]) + np.repeat(starts - (ends - lengths), lengths)
    return index


def on(device: torch.device, array: Ints) -> Tensor:
    """The numbers as int64 on the device."""
    return torch.from_numpy(array.astype(np.int64)).to(device)

"""The names for array types that several floors share."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.floating]
Arrays = dict[str, Array]
"""Arrays by the weight names of ``Config.shapes``."""

Ints = npt.NDArray[np.integer]


def stored(dtype: str) -> np.dtype[np.floating]:
    """The type of the weights' numbers in a run that computes in ``dtype``.

    float64 and float32 as they are; under bfloat16 and float16, which round too coarsely to add
    small updates, float32.
    """
    return np.dtype(np.float64 if dtype == "float64" else np.float32)


@dataclass
class Optim:
    """Optimiser state.

    ``m`` and ``v``: Adam's running means of the gradient and of its square, by weight name and
    shape; empty under SGD. ``step``: how many steps have been done.
    """

    m: Arrays = field(default_factory=dict)
    v: Arrays = field(default_factory=dict)
    step: int = 0

    def copy(self) -> Optim:
        """One that shares no array with this one."""
        m, v = ({name: a.copy() for name, a in means.items()} for means in (self.m, self.v))
        return Optim(m, v, self.step)

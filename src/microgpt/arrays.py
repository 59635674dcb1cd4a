"""The names for array types that several floors share."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.floating]
Arrays = dict[str, Array]
"""Arrays by the weight names of ``Config.shapes``."""

Ints = npt.NDArray[np.integer]


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

"""An engine with a choice of hardware, for tests that need one and no PyTorch."""

import sys
from collections.abc import Sequence
from typing import Any

import pytest

from microgpt.engines import ENGINES
from microgpt.engines.base import Batches
from microgpt.engines.hardware import DEVICES
from microgpt.engines.numpy.engine import NumpyEngine


class GadgetEngine(NumpyEngine):
    """NumPy's, on a device that is only said to be there."""

    name = "gadget"
    devices = DEVICES

    def load(self, config: Any, dtype: str, *rest: Any, **more: Any) -> None:
        super().load(config, dtype, *rest, **more)
        self.device = "cpu" if self.hardware.device == "auto" else self.hardware.device

    def steps(self, batches: Batches, lrs: Sequence[float], first_step: int) -> list[float]:
        self.norms = [0.5 + first_step + i for i in range(len(lrs))]
        return super().steps(batches, lrs, first_step)

    def found(self) -> dict[str, list[float]]:
        return {"grad_norm": self.norms}

    def usage(self) -> dict[str, float]:
        return {"memory": 3e9, "peak": 1e12}


@pytest.fixture
def gadget(monkeypatch: pytest.MonkeyPatch) -> type[GadgetEngine]:
    """It can be asked for as ``--engine gadget``."""
    monkeypatch.setitem(ENGINES, "gadget", (GadgetEngine.__module__, "GadgetEngine"))
    assert sys.modules[GadgetEngine.__module__]
    return GadgetEngine

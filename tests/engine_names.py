"""The engines that tests run over; those that need torch have its marker.

`make test` leaves tests with the marker out, and then nothing imports torch.
"""

from typing import Any

import pytest

from microgpt.config import Config, make_config
from microgpt.engines import ASKED, ENGINES, engine_class


def every(*others: str) -> list[Any]:
    """Parameters for a test: each engine's name; ``others``: names to leave out."""
    return [_marked(name) for name in ENGINES if name not in others]


def here(*dtypes: str, config: Config | None = None) -> list[Any]:
    """The same, of those alone that can do ``config``, each with one of ``dtypes`` if given."""
    config = config or make_config()
    return [
        _marked(name, *([dtype] if dtypes else []))
        for name in ENGINES
        for dtype in dtypes or ("float64",)
        if name in ASKED or engine_class(name).supports(config, dtype) is None
    ]


def _marked(*values: str) -> Any:
    return pytest.param(*values, marks=[pytest.mark.torch] * (values[0] in ASKED))

"""microgpt: a whole GPT that can be read, trained, audited and shipped.

Reading order: data → tokenizer → autograd → model → training → sampling. Importing this package
loads none of them, and no third-party library; a name is loaded when it is first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

__version__ = "0.2.0"
"""The version of this installation, the one that ``microgpt --version`` prints.

Example:
    >>> import microgpt
    >>> microgpt.__version__
    '0...'
"""

_HOMES = {
    "Config": "config",
    "make_config": "config",
    "MicrogptError": "errors",
    "Value": "autograd",
    "Dataset": "data",
    "load_data": "data",
    "Tokenizer": "tokenizer",
    "BytePairTokenizer": "subwords",
    "Trainer": "training",
    "make_engine": "engines",
    "open_model": "opening",
    "engine_for": "opening",
    "sample": "sampling",
}

__all__ = ["__version__", *_HOMES]

if TYPE_CHECKING:
    from microgpt.autograd import Value
    from microgpt.config import Config, make_config
    from microgpt.data import Dataset, load_data
    from microgpt.engines import make_engine
    from microgpt.errors import MicrogptError
    from microgpt.opening import engine_for, open_model
    from microgpt.sampling import sample
    from microgpt.subwords import BytePairTokenizer
    from microgpt.tokenizer import Tokenizer
    from microgpt.training import Trainer


def __getattr__(name: str) -> object:
    if name in _HOMES:
        return getattr(importlib.import_module(f"microgpt.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'microgpt' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)

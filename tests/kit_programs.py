"""The kit's programs as modules, for the tests of the kit."""

import importlib.util
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).parent.parent
KEY = bytes(range(32))


def program(path: Path) -> ModuleType:
    """The program at ``path``, imported without running it."""
    spec = importlib.util.spec_from_file_location(f"_kit_{path.stem}", path)
    assert spec and spec.loader
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made

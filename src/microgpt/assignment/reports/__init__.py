"""Every format that results are written in, each made from ``Result`` alone.

``write_all`` and what goes with it live in ``writing``; the formats have a module each.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

_HOME = "microgpt.assignment.reports.writing"

__all__ = ["FORMATS", "check_formats", "nothing_from", "write_all", "write_text"]

if TYPE_CHECKING:
    from microgpt.assignment.reports.writing import (
        FORMATS,
        check_formats,
        nothing_from,
        write_all,
        write_text,
    )


def __getattr__(name: str) -> object:
    if name in __all__:
        return getattr(importlib.import_module(_HOME), name)
    raise AttributeError(f"module 'microgpt.assignment.reports' has no attribute {name!r}")

"""Figures as they stand on a page without scripts: ``<!-- still NAME -->`` in a widget's tag.

They are in guide/stills; scripts/make_stills.mjs writes them with the code that draws the figures.
"""

from __future__ import annotations

import re
from pathlib import Path

import checking

STILLS = Path(__file__).resolve().parent.parent / "stills"


def put(text: str) -> str:
    """A built page with the drawings that it asks for."""

    def drawing(found: re.Match[str]) -> str:
        path = STILLS / f"{found[1]}.html"
        if not path.is_file():
            raise checking.Problem(f"guide/stills has no {path.name}: node scripts/make_stills.mjs")
        return path.read_text(encoding="utf-8").strip()

    return re.sub(r"<!-- still ([a-z-]+) -->", drawing, text)

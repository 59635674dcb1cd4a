"""What the scripts that measure the guide share: the built site, served, and a Chromium for it."""

from __future__ import annotations

import contextlib
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from common import ROOT

for folder in (ROOT / "tests", ROOT / "guide" / "build"):
    sys.path.insert(0, str(folder))

import assemble  # noqa: E402
import browser  # noqa: E402


@contextlib.contextmanager
def served(built: Path | None = None) -> Iterator[tuple[Any, str, Path]]:
    """Chromium, the address of the site and its folder; it is built unless ``built`` is one."""
    import playwright.sync_api  # noqa: F401

    chromium = shutil.which("chromium")
    if chromium is None:
        sys.exit("there is no chromium here")
    with tempfile.TemporaryDirectory(prefix="microgpt-bench-") as folder:
        site = built or Path(folder) / "site"
        if not built:
            assemble.build(site)
        with (
            browser.serving(site.resolve()) as address,
            browser.chromium(sys.modules["playwright"], chromium) as program,
        ):
            yield program, address, site

"""What made a run: enough to know whether another machine would give the same bytes."""

from __future__ import annotations

from typing import Any

from microgpt import __version__
from microgpt.engines.base import Engine


def made_by(engine: Engine) -> dict[str, str | None]:
    """``engine``: its name; ``level``: of its kernel, or None; ``version``: microgpt's.

    The engine must be loaded. These are keys of run.json, of each state.json (for the leg that
    saved it) and of the first line of ``train --json``, where ``dtype`` and ``threads`` are too.
    """
    return {"engine": engine.name, "level": engine.level, "version": __version__}


def hardware_of(engine: Engine) -> dict[str, Any]:
    """``device``, ``compile``, ``recompute``, ``micro_batch`` as they are in use.

    Nothing for an engine that has no choice. Keys of the same files and of the same line.
    """
    if not engine.devices:
        return {}
    device = str(getattr(engine, "device", engine.hardware.device))
    return {**vars(engine.hardware), "device": device}

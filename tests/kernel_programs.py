"""C programs of tests/ with the kernel in them, at any level."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from microgpt.engines.native import build, level_problems
from patience import SLOW_PATIENCE

TESTS = Path(__file__).resolve().parent
FEWER = "MICROGPT_TESTS_FEWER"
"""In the environment: a number by which examples are divided, where each of them is slow."""


try:
    LEVELS = [level for level, reason in level_problems().items() if reason is None]
except OSError as error:
    pytest.skip(f"the engine native {error}", allow_module_level=True)


every_level = pytest.mark.parametrize("level", LEVELS)


both_dtypes = pytest.mark.parametrize("dtype", ["float64", "float32"])


def missing(what: str) -> None:
    if os.environ.get("MICROGPT_CI") == "1":
        pytest.fail(f"{what}, and MICROGPT_CI=1 asks for it", pytrace=False)
    pytest.skip(what)


def compiled(folder: Path, name: str, level: str, dtype: str, *more: str) -> Path:
    """A program of tests/ with the kernel in it; ``more`` may name another folder of sources."""
    program = folder / f"{name}-{level}-{dtype}"
    flags = [flag for flag in build.FLAGS if flag != "-O3"]
    command = [
        *build.find_compiler(folder), *flags, "-O2", "-DMG_THREADS", "-pthread",
        *build.LEVELS[build.family()][level], f"-DMG_LEVEL={level}", f"-DREAL_BITS={dtype[-2:]}",
        "-Wno-unused-function", *more, f"-I{build.SOURCES}", str(TESTS / f"{name}.c"),
        "-o", str(program),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=SLOW_PATIENCE)
    assert done.returncode == 0, done.stderr
    return program

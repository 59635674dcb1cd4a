"""The kernel built with gcc's sanitizers finds nothing wrong with what it does in memory.

Stretches that nobody may touch lie between the pieces of the arena (model.h: fence). The fuzz of
test_kernel_memory.py, the conformance suite and the tests of the engine run with it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from kernel_programs import FEWER, LEVELS, TESTS, compiled, missing
from microgpt.engines.native import build
from patience import SLOW_PATIENCE
from shared import once

SANITIZE = ("-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
# Two passes of the compiler that take a fifth of its time and make little of all the checks.
WITHOUT = ("-fno-tree-vrp", "-fno-tree-dominator-opts")
QUICK = ("-m", "not slow and not prove")
INSIDE = """
import sys
from pathlib import Path
from microgpt.engines.native import build
build.library_path = lambda *_: Path(sys.argv[1])
import pytest
sys.exit(pytest.main(["-p", "no:cacheprovider", "-q", "-s", *sys.argv[2:]]))
"""


def sanitizers(folder: Path) -> str:
    """The library that must be loaded before Python; skips where gcc has none."""
    gcc = shutil.which("gcc")
    if gcc is None:
        missing("gcc is not installed")
    source = folder / "test.c"
    source.write_text("int main(void) { return 0; }\n")
    command = [str(gcc), *SANITIZE, str(source), "-o", str(folder / "test")]
    found = subprocess.run(
        [str(gcc), "-print-file-name=libasan.so"], capture_output=True, text=True
    )
    works = subprocess.run(command, capture_output=True).returncode == 0
    if not works or not Path(found.stdout.strip()).exists():
        missing("gcc has no sanitizers here")
    return found.stdout.strip()


def build_sanitized(folder: Path) -> None:
    flags = tuple(flag for flag in build.FLAGS if flag != "-O3")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(build, "FLAGS", (*flags, *SANITIZE, *WITHOUT))
        assert set(build.build(["gcc"], folder / build.library_path().name)) >= set(LEVELS)


@pytest.fixture(scope="module")
def sanitized(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    preload = sanitizers(tmp_path_factory.mktemp("sanitizers"))
    folder = once(tmp_path_factory, "sanitized", build_sanitized)
    return preload, folder / build.library_path().name


# What the tests inside are asked to do: all of it, or less. The whole runs of the conformance suite
# are runs of the engine's own tests, too, and the two models that the fuzz works on for longest are
# left to float32: both come from the same lines of C.
WHAT = {
    "engine": ("test_engine_native.py", ""),
    "fuzz": ("test_kernel_memory.py", "fuzz"),
    **dict.fromkeys(LEVELS, ("test_conformance.py", "native")),
}
LESS = {
    "fuzz": "fuzz and not ([5-float64 or [11-float64)",
    **dict.fromkeys(LEVELS, "native and not whole_run"),
}


@pytest.mark.slow
@pytest.mark.parametrize("what", WHAT)
def test_sanitizers_find_nothing(what: str, sanitized: tuple[str, Path], tmp_path: Path) -> None:
    nothing_is_found(what, LESS.get(what, WHAT[what][1]), sanitized, tmp_path, {FEWER: "4"})


@pytest.mark.prove
@pytest.mark.parametrize("what", WHAT)
def test_sanitizers_find_nothing_in_all_of_it(
    what: str, sanitized: tuple[str, Path], tmp_path: Path
) -> None:
    nothing_is_found(what, WHAT[what][1], sanitized, tmp_path, {})


def nothing_is_found(
    what: str, selected: str, sanitized: tuple[str, Path], tmp_path: Path, more: dict[str, str]
) -> None:
    """The engine's tests and the fuzz go through all levels themselves; conformance has one."""
    preload, library = sanitized
    program = tmp_path / "inside.py"
    program.write_text(INSIDE)
    selection = ["-k", selected] if selected else []
    done = subprocess.run(
        [sys.executable, program, library, *QUICK, *selection, TESTS / WHAT[what][0]],
        cwd=TESTS.parent,
        env={
            **os.environ,
            **more,
            "LD_PRELOAD": preload,
            "ASAN_OPTIONS": "detect_leaks=0",  # Python keeps what it has until it ends
            "MICROGPT_LEVEL": what if what in LEVELS else "",
        },
        capture_output=True,
        encoding="utf-8",
        timeout=SLOW_PATIENCE,
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]
    assert " passed" in done.stdout and " skipped" not in done.stdout


@pytest.mark.slow
def test_sanitizers_find_what_is_planted(tmp_path: Path) -> None:
    """With too little room for the sampler's numbers, it writes into the arena's next piece."""
    sanitizers(tmp_path)
    sources = tmp_path / "kernel"
    shutil.copytree(build.SOURCES, sources)
    model = sources / "model.h"
    text = model.read_text(encoding="utf-8")
    assert text.count("s.VP * 9") == 1
    model.write_text(text.replace("s.VP * 9", "s.VP * 2"), encoding="utf-8")
    for folder, finds in ((sources, True), (build.SOURCES, False)):
        name = "kernel_memory"
        program = compiled(tmp_path, name, LEVELS[0], "float32", *SANITIZE, f"-I{folder}")
        done = subprocess.run([program], capture_output=True, text=True, timeout=SLOW_PATIENCE)
        assert ("use-after-poison" in done.stderr) == finds, done.stderr
        assert (done.returncode != 0) == finds

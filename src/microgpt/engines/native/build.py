"""Compile the kernel: ``python -m microgpt.engines.native.build``.

One shared library beside this file holds the kernel for float32 and float64 and for every level
of processor that the machine's family has; ``__init__`` chooses among them when it is loaded. Any
compiler that really compiles a test file will do: $CC, cc, gcc, clang, or the PyPI package
``ziglang``. This file needs the standard library alone, so that a build hook can run it by path.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
SOURCES = HERE / "kernel"

FLAGS = (
    "-std=gnu11",
    "-O3",
    "-fno-math-errno",  # a square root is one instruction
    "-fno-trapping-math",  # nobody looks at floating-point exceptions
    "-ffp-contract=off",  # a rounding is where the source says so, with every compiler
    "-fvisibility=hidden",
    "-Wall",
    "-Wextra",
    "-Wno-psabi",
)
"""No -ffast-math: sums keep their order and NaN stays NaN."""

LEVELS = {
    "x86_64": {
        "sse2": (),
        "avx2": ("-mavx2", "-mfma"),
        "avx512": ("-mavx2", "-mfma", "-mavx512f", "-mavx512dq", "-mavx512bw", "-mavx512vl",
                   "-mprefer-vector-width=512"),
    },
    "aarch64": {"neon": ()},
}  # fmt: skip
"""Family of processor → level → what the compiler must be told; slowest first."""

_TEST = "#include <stdint.h>\nint test(int x) { return x + 1; }\n"


class BuildError(Exception):
    """No compiler works, or the kernel doesn't compile."""


def family() -> str:
    """The processor's family, by one name on all systems; itself if unknown."""
    machine = platform.machine().lower()
    return {"amd64": "x86_64", "arm64": "aarch64"}.get(machine, machine)


def library_path() -> Path:
    """Where the library is, or would be."""
    suffix = {"win32": ".dll", "darwin": ".dylib"}.get(sys.platform, ".so")
    return HERE / f"libmicrogpt{suffix}"


def digest() -> str:
    """SHA-256 over the kernel's sources: a library that says another is stale."""
    whole = hashlib.sha256()
    for path in sorted([*SOURCES.glob("*.h"), *SOURCES.glob("*.c")]):
        whole.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return whole.hexdigest()


def _compilers() -> Iterator[list[str]]:
    if os.environ.get("CC"):
        yield shlex.split(os.environ["CC"])
    for name in ("cc", "gcc", "clang"):
        if shutil.which(name):
            yield [name]
    yield [sys.executable, "-m", "ziglang", "cc"]


def _run(command: Sequence[str]) -> str | None:
    """None if the command succeeds, else what it said."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    return None if done.returncode == 0 else (done.stderr or done.stdout).strip()


def find_compiler(folder: Path) -> list[str]:
    """The first compiler that makes a shared library of a test file in ``folder``."""
    source = folder / "test.c"
    source.write_text(_TEST)
    for compiler in _compilers():
        out = folder / "test.so"
        if _run([*compiler, "-O1", "-shared", *_position(), str(source), "-o", str(out)]) is None:
            return compiler
    raise BuildError("no C compiler works here (tried $CC, cc, gcc, clang and ziglang)")


def _position() -> list[str]:
    return [] if sys.platform == "win32" else ["-fPIC"]


def build(compiler: Sequence[str] | None = None, to: Path | None = None) -> list[str]:
    """Compile and link into ``to`` (``library_path()``); returns the levels that are in it.

    A level that this compiler doesn't know is left out, unless it is the slowest. Raises
    ``BuildError``. An older library is replaced only by a finished one.
    """
    to = to or library_path()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        command = list(compiler or find_compiler(folder))
        threads = [] if sys.platform == "win32" else ["-DMG_THREADS", "-pthread"]
        common = [*command, *FLAGS, *_position(), *threads]
        jobs = []
        for level, options in LEVELS.get(family(), {"plain": ()}).items():
            for bits in (32, 64):
                defines = (f"-DREAL_BITS={bits}", f"-DMG_LEVEL={level}")
                jobs.append((level, folder / f"{level}{bits}.o", [*options, *defines], "kernel.c"))
        jobs.append(("", folder / "dispatch.o", [f'-DMG_SOURCES="{digest()}"'], "dispatch.c"))

        def compile_one(job: tuple[str, Path, list[str], str]) -> str | None:
            _, out, options, source = job
            return _run([*common, *options, "-c", str(SOURCES / source), "-o", str(out)])

        with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
            errors = list(pool.map(compile_one, jobs))
        slowest = jobs[0][0]
        failed = {job[0]: error for job, error in zip(jobs, errors, strict=True) if error}
        for level in ("", slowest):
            if level in failed:
                raise BuildError(f"{command[0]} can't compile the kernel: {failed[level]}")
        objects = [str(job[1]) for job in jobs if job[0] not in failed]
        linked = folder / to.name
        error = _run([*common, "-shared", *objects, "-o", str(linked)])
        if error:
            raise BuildError(f"{command[0]} can't link the kernel: {error}")
        beside = to.with_name(f"{to.name}.{os.getpid()}.part")
        shutil.copyfile(linked, beside)
        beside.replace(to)
    return [job[0] for job in jobs[:-1:2] if job[0] not in failed]


if __name__ == "__main__":
    try:
        print(f"{library_path()}: {', '.join(build())}")
    except BuildError as error:
        sys.exit(str(error))

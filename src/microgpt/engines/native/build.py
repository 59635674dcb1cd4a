"""Compile the kernel: ``python -m microgpt.engines.native.build``.

One shared library beside this file holds the kernel for float32 and float64 and for every level
of processor that the machine's family has; ``__init__`` chooses among them when it is loaded.
Beside the library lies its record, ``libmicrogpt.json``: what it is, how it was made, and its
SHA-256, so that a damaged, foreign or old one is refused before it is loaded.

Any compiler that really compiles a test file will do: $CC, cc, gcc, clang, or the PyPI package
``ziglang``, which also compiles for other systems. This file needs only the standard library, so
that the build hook of the wheel (hatch_build.py) can run it by path. What only compiling needs
is imported there: every start of the engine loads this file.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import platform
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).resolve().parent
SOURCES = HERE / "kernel"

FLAGS = (
    "-std=gnu11",
    "-O3",
    "-fno-math-errno",  # a square root is one instruction
    "-fno-trapping-math",  # nobody looks at floating-point exceptions
    "-ffp-contract=off",  # rounding happens where the source says so, with every compiler
    "-fvisibility=hidden",
    "-Wall",
    "-Wextra",
    "-Wno-psabi",
)
"""No -ffast-math: sums keep their order and NaN stays NaN."""

LEVELS: dict[str, dict[str, tuple[str, ...]]] = {
    "x86_64": {
        "sse2": (),
        "avx2": ("-mavx2", "-mfma"),
        "avx512": ("-mavx2", "-mfma", "-mavx512f", "-mavx512dq", "-mavx512bw", "-mavx512vl",
                   "-mprefer-vector-width=512"),
    },
    "aarch64": {"neon": ()},
}  # fmt: skip
"""Family of processor → level → the flags that the compiler needs; slowest first."""

MACOS = os.environ.get("MACOSX_DEPLOYMENT_TARGET", "11.0")
"""The oldest macOS that the library runs on."""


class Target(NamedTuple):
    """A kind of machine: ``sys.platform``, the processor's family, and zig's name for the two.

    ``wheel``: the platform tag of a wheel that holds its library.
    """

    system: str
    family: str
    zig: str = ""
    wheel: str = ""


def _manylinux(family: str) -> Target:
    """Linux from glibc 2.17 (2014) on; the library needs nothing newer."""
    tags = f"manylinux_2_17_{family}.manylinux2014_{family}"
    return Target("linux", family, f"{family}-linux-gnu.2.17", tags)


TARGETS = {
    "linux-x86_64": _manylinux("x86_64"),
    "linux-aarch64": _manylinux("aarch64"),
    "macos-arm64": Target(
        "darwin", "aarch64", f"aarch64-macos.{MACOS}", f"macosx_{MACOS.replace('.', '_')}_arm64"
    ),
    "windows-x86_64": Target("win32", "x86_64", "x86_64-windows-gnu", "win_amd64"),
}
"""What can be compiled for from anywhere, with zig."""

_TEST = "#include <stdint.h>\nint test(int x) { return x + 1; }\n"
_SYSTEMS = {"win32": "Windows", "darwin": "macOS", "linux": "Linux"}


class BuildError(Exception):
    """No compiler works, or the kernel doesn't compile."""


# ---------------------------------------------------------------- names and places


def family() -> str:
    """The processor's family, under one name on all systems; as it is if unknown."""
    machine = platform.machine().lower()
    return {"amd64": "x86_64", "arm64": "aarch64"}.get(machine, machine)


def this_machine() -> Target:
    """What a system compiler compiles for."""
    import sysconfig

    platform_tag = sysconfig.get_platform()
    if sys.platform == "darwin":  # Python may be older, or for two processors at once
        platform_tag = f"macosx_{MACOS}_{platform.machine()}"
    return Target(sys.platform, family(), "", platform_tag.replace("-", "_").replace(".", "_"))


def library_path(system: str = sys.platform) -> Path:
    """Where the library is, or would be."""
    suffix = {"win32": ".dll", "darwin": ".dylib"}.get(system, ".so")
    return HERE / f"libmicrogpt{suffix}"


def record_path(library: Path) -> Path:
    """Where the record of a library is."""
    return library.with_suffix(".json")


def digest() -> str:
    """SHA-256 over the kernel's sources: a library whose record says another is stale."""
    whole = hashlib.sha256()
    for path in sorted([*SOURCES.glob("*.h"), *SOURCES.glob("*.c")]):
        whole.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return whole.hexdigest()


def remedy() -> str:
    """The command that gives this installation a kernel."""
    from microgpt.calling import python  # this file alone builds the wheel

    if not (HERE.parents[3] / "scripts" / "dev.py").exists():
        return python("-m", "microgpt.engines.native.build")
    return "make native" if shutil.which("make") else python("scripts/dev.py", "native")


def remove(keep: Path) -> None:
    """Delete the libraries beside this file and what belongs to them, but for ``keep``."""
    for path in HERE.glob("libmicrogpt.*"):
        if path not in (keep, record_path(keep)):
            with contextlib.suppress(OSError):  # Windows: in use
                path.unlink()


# ---------------------------------------------------------------- what a library is


def made_for(library: bytes) -> tuple[str, str] | None:
    """System and processor family that a shared library is for, by its first bytes; else None.

    All three formats as they are on little-endian machines. ELF is the format of Linux and of all
    systems but macOS and Windows; "linux" stands for them.
    """

    def number(at: int, size: int) -> int:
        return int.from_bytes(library[at : at + size], "little")

    if library[:4] == b"\x7fELF":
        machine = number(18, 2)
        return "linux", {62: "x86_64", 183: "aarch64"}.get(machine, f"processor {machine}")
    if number(0, 4) == 0xFEEDFACF:
        machine = number(4, 4)
        names = {0x01000007: "x86_64", 0x0100000C: "aarch64"}
        return "darwin", names.get(machine, f"processor {machine}")
    if library[:2] == b"MZ" and library[(at := number(0x3C, 4)) : at + 4] == b"PE\0\0":
        machine = number(at + 4, 2)
        names = {0x8664: "x86_64", 0xAA64: "aarch64"}
        return "win32", names.get(machine, f"processor {machine}")
    return None


def _is_foreign(found: tuple[str, str] | None, target: Target) -> bool:
    if found is None:
        return True
    system, family = found
    elf = target.system not in ("darwin", "win32")
    known = family == target.family or target.family not in LEVELS
    return not known or system != ("linux" if elf else target.system)


def problem(library: Path) -> str | None:
    """Why the library can't be used here, None if it can; it isn't loaded to find out.

    It is worded to follow the engine's name.
    """
    record = read_record(library)
    try:
        content = library.read_bytes()
    except FileNotFoundError:
        why = f": {record['failed']}" if "failed" in record else ""
        return f"has no compiled kernel here{why}"
    except OSError as error:
        return f"can't read its kernel {library.name}: {error.strerror}"
    found = made_for(content)
    if found is None:
        return f"has a damaged kernel: {library.name} is not a shared library"
    if _is_foreign(found, this_machine()):
        system = _SYSTEMS.get(sys.platform, sys.platform)
        return (
            f"has a kernel for another machine ({_SYSTEMS[found[0]]} on {found[1]}; "
            f"this is {system} on {family()})"
        )
    if record.get("sha256") != hashlib.sha256(content).hexdigest():
        return (
            f"has a damaged kernel: {library.name} is not what {record_path(library).name} says "
            "was built"
        )
    if record.get("sources") != digest():
        return "has a kernel of another version: its sources have changed since it was built"
    return None


def read_record(library: Path) -> dict[str, Any]:
    """What the record says about a library; empty where there is none that can be read.

    Of a library that could not be built it holds only ``failed``, the reason.
    """
    try:
        record = json.loads(record_path(library).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}


def write_failure(library: Path, reason: str) -> None:
    """Record why there is no library."""
    text = json.dumps({"failed": " ".join(reason.split())[:300]}, indent=1) + "\n"
    record_path(library).write_text(text, encoding="utf-8")


# ---------------------------------------------------------------- compilers


def zig(python: str = sys.executable) -> list[str]:
    """The compiler of the PyPI package ``ziglang``, if that is installed beside ``python``."""
    return [python, "-m", "ziglang", "cc"]


def _compilers() -> Iterator[list[str]]:
    import shlex
    import shutil

    if os.environ.get("CC"):
        yield shlex.split(os.environ["CC"])
    for name in ("cc", "gcc", "clang"):
        if shutil.which(name):
            yield [name]
    yield zig()


def _run(command: Sequence[str]) -> str | None:
    """None if the command succeeds, else what it said."""
    import subprocess

    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    if done.returncode == 0:
        return None
    return (done.stderr or done.stdout).strip() or f"it ends with code {done.returncode}"


def find_compiler(folder: Path) -> list[str]:
    """The first compiler that makes a shared library for this machine of a test in ``folder``."""
    source = folder / "test.c"
    source.write_text(_TEST)
    here = this_machine()
    for compiler in _compilers():
        out = folder / "test.so"
        command = [*compiler, "-O1", "-shared", *_position(here), str(source), "-o", str(out)]
        if _run(command) is None and not _is_foreign(made_for(out.read_bytes()), here):
            return compiler
    raise BuildError("no C compiler works here (tried $CC, cc, gcc, clang and ziglang)")


def describe(compiler: Sequence[str]) -> str:
    """The compiler's name and version, on one line."""
    names = []
    if "ziglang" in compiler:
        names = [["zig", *_output([*compiler[:-1], "version"])[:1]]]
    names += [_output([*compiler, "--version"])[:1] or [Path(compiler[0]).name]]
    return ", ".join(" ".join(words) for words in names)


def _output(command: Sequence[str]) -> list[str]:
    import subprocess

    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    return done.stdout.splitlines()


def _position(target: Target) -> list[str]:
    return [] if target.system == "win32" else ["-fPIC"]


def _for_target(target: Target, compiler: Sequence[str]) -> list[str]:
    """The flags beside FLAGS for one kind of machine."""
    options = _position(target)
    if "ziglang" in compiler and not target.zig:
        options += ["-mcpu=baseline"]  # else zig uses everything that the processor at hand can do
    if target.zig:
        options += ["-target", target.zig]
    elif target.system == "darwin":
        options += [f"-mmacosx-version-min={MACOS}"]
    if target.system != "win32" or target.zig:  # zig brings POSIX threads for Windows
        options += ["-DMG_THREADS", "-pthread"]
    return options


# ---------------------------------------------------------------- building


def build(
    compiler: Sequence[str] | None = None, to: Path | None = None, target: Target | None = None
) -> list[str]:
    """Compile and link into ``to`` (``library_path()``); returns the levels that are in it.

    ``target`` None is this machine; one of ``TARGETS`` needs zig as ``compiler``. A level that
    the compiler doesn't know is left out, unless it is the slowest. Raises ``BuildError``. An
    older library is replaced only by a finished one; the record is written beside it.
    """
    import tempfile
    from concurrent.futures import ThreadPoolExecutor

    target = target or this_machine()
    to = to or library_path(target.system)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        command = list(compiler or (zig() if target.zig else find_compiler(folder)))
        called = "zig" if "ziglang" in command else command[0]
        options = [*FLAGS, *_for_target(target, command)]
        common = [*command, *options]
        sources = digest()  # before compiling: they may change meanwhile
        jobs = []
        for level, instructions in LEVELS.get(target.family, {"plain": ()}).items():
            for bits in (32, 64):
                defines = (f"-DREAL_BITS={bits}", f"-DMG_LEVEL={level}")
                out = folder / f"{level}{bits}.o"
                jobs.append((level, out, [*instructions, *defines], "kernel.c"))
        jobs.append(("", folder / "dispatch.o", [f'-DMG_SOURCES="{sources}"'], "dispatch.c"))

        def compile_one(job: tuple[str, Path, list[str], str]) -> str | None:
            _, out, more, source = job
            return _run([*common, *more, "-c", str(SOURCES / source), "-o", str(out)])

        with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
            errors = list(pool.map(compile_one, jobs))
        slowest = jobs[0][0]
        failed = {job[0]: error for job, error in zip(jobs, errors, strict=True) if error}
        for level in ("", slowest):
            if level in failed:
                raise BuildError(f"{called} can't compile the kernel: {failed[level]}")
        objects = [str(job[1]) for job in jobs if job[0] not in failed]
        linked = folder / to.name
        strip = [] if target.system == "darwin" else ["-s"]
        error = _run([*common, "-shared", *strip, *objects, "-o", str(linked)])
        if error:
            raise BuildError(f"{called} can't link the kernel: {error}")
        content = linked.read_bytes()
        if _is_foreign(made_for(content), target):
            raise BuildError(f"{called} compiles for another machine than this one")
        levels = [job[0] for job in jobs[:-1:2] if job[0] not in failed]
        record = {
            "system": target.system,
            "family": target.family,
            "levels": levels,
            "compiler": describe(command),
            "flags": " ".join(options),
            "instructions": {n: " ".join(LEVELS.get(target.family, {}).get(n, ())) for n in levels},
            "bytes": len(content),
            "sha256": hashlib.sha256(content).hexdigest(),
            "sources": sources,
        }
        _replace(to, content)
        _replace(record_path(to), (json.dumps(record, indent=1) + "\n").encode())
    return levels


def _replace(path: Path, content: bytes) -> None:
    beside = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        beside.write_bytes(content)
        beside.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            beside.unlink()
        raise BuildError(f"can't write {path}: {error.strerror}") from error


if __name__ == "__main__":
    try:
        print(f"{library_path()}: {', '.join(build())}")
    except BuildError as error:
        sys.exit(str(error))

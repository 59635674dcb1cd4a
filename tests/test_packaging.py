"""The native engine's way to the user: which libraries are refused, what the build hook makes.

The slow tests compile; they need a C compiler, or zig for other systems, or an emulator.
"""

import ctypes
import hashlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from cli_runner import ok, refused
from kernel_losses import ROOT, losses, prepared
from microgpt.config import Config, make_config
from microgpt.engines import make_engine, native, passed_over
from microgpt.engines.native import build
from microgpt.errors import MissingError
from patience import SLOW_PATIENCE
from shared import once

HERE = build.this_machine()
NATIVE = build.problem(build.library_path()) is None
OTHER = "linux-x86_64" if HERE.family == "aarch64" else "linux-aarch64"


def test_the_native_engine_works_where_everything_must() -> None:
    if not NATIVE and os.environ.get("MICROGPT_CI") != "1":
        pytest.skip("the kernel isn't compiled here")
    assert build.problem(build.library_path()) is None
    assert make_engine("auto", make_config(), "float64").name == "native"


# ---------------------------------------------------------------- libraries that are refused


def elf(machine: int) -> bytes:
    return b"\x7fELF\x02\x01\x01".ljust(18, b"\0") + machine.to_bytes(2, "little") + bytes(100)


def pe(machine: int) -> bytes:
    head = b"MZ".ljust(0x3C, b"\0") + (0x40).to_bytes(4, "little")
    return head + b"PE\0\0" + machine.to_bytes(2, "little") + bytes(100)


def macho(machine: int) -> bytes:
    return (0xFEEDFACF).to_bytes(4, "little") + machine.to_bytes(4, "little") + bytes(100)


HEADERS = {
    ("linux", "x86_64"): elf(62),
    ("linux", "aarch64"): elf(183),
    ("darwin", "x86_64"): macho(0x01000007),
    ("darwin", "aarch64"): macho(0x0100000C),
    ("win32", "x86_64"): pe(0x8664),
    ("win32", "aarch64"): pe(0xAA64),
}
OURS = (HERE.system if HERE.system in ("darwin", "win32") else "linux", HERE.family)


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A place for a library, at which the native engine looks instead of its own."""
    path = tmp_path / "kernel" / build.library_path().name
    path.parent.mkdir()
    monkeypatch.setattr(build, "library_path", lambda: path)
    native._library.cache_clear()
    yield path
    native._library.cache_clear()


def put(path: Path, content: bytes, **record: object) -> None:
    """Write a library with its record, some entries of which may be changed."""
    path.write_bytes(content)
    right = {"sha256": hashlib.sha256(content).hexdigest(), "sources": build.digest()}
    build.record_path(path).write_text(json.dumps({**right, **record}))


@pytest.mark.parametrize("kind", HEADERS, ids="-".join)
def test_a_library_says_what_it_is_for(kind: tuple[str, str]) -> None:
    assert build.made_for(HEADERS[kind]) == kind


@pytest.mark.parametrize("content", [b"", b"\x7f", b"MZ", b"hello", bytes(1000)])
def test_other_bytes_are_no_library(content: bytes, library: Path) -> None:
    assert build.made_for(content) is None
    put(library, content)
    assert build.problem(library) == (
        f"has a damaged kernel: {library.name} is not a shared library"
    )  # fmt: skip


@pytest.mark.skipif(HERE.family not in build.LEVELS, reason="a processor of another family")
@pytest.mark.parametrize("kind", HEADERS, ids="-".join)
def test_a_foreign_library_is_refused(kind: tuple[str, str], library: Path) -> None:
    put(library, HEADERS[kind])
    problem = build.problem(library)
    if kind == OURS:
        assert problem is None
    else:
        assert problem is not None
        assert problem.startswith("has a kernel for another machine (")


@pytest.mark.skipif(HERE.family not in build.LEVELS, reason="a processor of another family")
def test_a_damaged_or_stale_library_is_refused(library: Path) -> None:
    content = HEADERS[OURS]
    put(library, content)
    assert build.problem(library) is None

    library.write_bytes(content[:-1])
    assert "is not what libmicrogpt.json says was built" in str(build.problem(library))
    put(library, content, sources="those of last week")
    assert "its sources have changed since" in str(build.problem(library))
    for record in ("", "[]", "{", '{"sha256": 3}'):
        build.record_path(library).write_text(record)
        assert "is not what" in str(build.problem(library))
    library.unlink()
    assert build.problem(library) == "has no compiled kernel here"
    build.write_failure(library, "no C\ncompiler works")
    assert build.problem(library) == "has no compiled kernel here: no C compiler works"


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MICROGPT_LEVEL", raising=False)


@pytest.mark.usefixtures("elsewhere")
def test_numpy_takes_over_and_says_so(library: Path) -> None:
    result = ok("train", "--steps", 3)
    (line,) = result.err.splitlines()
    assert line.startswith("note: Using numpy: native has no compiled kernel here. Build it: ")
    assert "engine  numpy, float64" in result.out
    assert passed_over("numpy", make_config(), "float64") == {
        "native": "has no compiled kernel here"
    }
    assert passed_over("native", make_config(), "float64") == {}

    assert ok("train", "--steps", 3, "--engine", "numpy").err == ""  # as asked: nothing to say
    quiet = ok("train", "--steps", 3, "--json")
    assert quiet.err == result.err and quiet.of("run")[0]["engine"] == "numpy"
    assert ok("train", "--resume", "runs/names-1").err == ""

    message = refused(5, "train", "--engine", "native")
    assert "No engine can do this: native has no compiled kernel here." in message
    assert "Build it: " in message
    text = ok("doctor").out
    assert "doesn't work: native has no compiled kernel here" in text
    assert "numpy     works in float64 and float32   <- used by auto" in text


@pytest.mark.usefixtures("elsewhere")
@pytest.mark.skipif(not NATIVE, reason="the kernel isn't compiled here")
@pytest.mark.parametrize("left", [0, 64, 5000, -1])
def test_a_truncated_library_is_not_loaded(left: int, library: Path) -> None:
    real = build.HERE / library.name
    shutil.copy(build.record_path(real), library.parent)
    library.write_bytes(real.read_bytes()[:left])
    result = ok("train", "--steps", 3)
    assert result.err.startswith("note: Using numpy: native has a damaged kernel")
    with pytest.raises(MissingError, match="damaged kernel"):
        make_engine("native", make_config(), "float64")


# ---------------------------------------------------------------- levels


@pytest.mark.skipif(not NATIVE, reason="the kernel isn't compiled here")
@pytest.mark.parametrize("changes", [{}, {"batch_size": 7, "n_embd": 24, "n_head": 2}], ids=str)
def test_all_levels_compute_the_same(
    changes: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    for dtype, near in (("float64", 1e-9), ("float32", 1e-5)):
        expected = losses("numpy", "float64", 60, **changes)
        usable = [level for level, problem in native.level_problems().items() if problem is None]
        assert usable
        for level in usable:
            monkeypatch.setenv("MICROGPT_LEVEL", level)
            got = losses("native", dtype, 60, **changes)
            assert np.abs(np.subtract(got, expected)).max() <= near, (dtype, level)


# ---------------------------------------------------------------- the build hook


def hatch(tree: Path, kind: str, out: Path, **changes: str) -> Path:
    """Build a wheel or sdist of a source tree; returns the file."""
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(out)],
        cwd=tree,
        env={**os.environ, **changes},
        capture_output=True,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (made,) = out.iterdir()
    return made


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    (made,) = once(tmp_path_factory, "sdist", lambda folder: hatch(ROOT, "sdist", folder)).iterdir()
    return made


@pytest.fixture
def tree(sdist: Path, tmp_path: Path) -> Path:
    """The sources as the sdist holds them, with kernels of other machines lying about."""
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path / "tree", filter="data")
    (tree,) = (tmp_path / "tree").iterdir()
    folder = tree / "src" / "microgpt" / "engines" / "native"
    for suffix in ("so", "dll", "dylib", "json"):
        (folder / f"libmicrogpt.{suffix}").write_bytes(b"older")
    return tree


def kernels(names: list[str]) -> set[str]:
    return {Path(name).name for name in names if "libmicrogpt" in name}


@pytest.fixture
def no_compiler(tmp_path: Path) -> dict[str, str]:
    """An environment without any compiler, zig included."""
    fake = tmp_path / "fake" / "ziglang"
    fake.mkdir(parents=True)
    (fake / "__init__.py").touch()
    (fake / "__main__.py").write_text("import sys; sys.exit(1)")
    (tmp_path / "nothing").mkdir()
    return {
        "CC": "false" if os.name == "nt" else "/bin/false",
        "PATH": str(tmp_path / "nothing"),
        "PYTHONPATH": str(fake.parent),
    }


# Compiles in a tenth of the time: optimised it is compiled by the set-up and by `make wheel`.
QUICK = "import subprocess, sys; sys.exit(subprocess.call([*sys.argv[1:], '-O0']))"


@pytest.fixture
def compiler(tmp_path: Path, require: Callable[[str], object]) -> dict[str, str]:
    """An environment with the compiler, told not to optimise.

    Skips, or in CI fails, where none works.
    """
    try:
        found = build.find_compiler(tmp_path)
    except build.BuildError:
        require("ziglang")
        found = build.zig()
    script = tmp_path / "quick.py"
    script.write_text(QUICK)
    return {"CC": shlex.join(Path(word).as_posix() for word in (sys.executable, script, *found))}


@pytest.mark.slow
def test_the_sdist_holds_the_sources_of_the_kernel(sdist: Path) -> None:
    with tarfile.open(sdist) as archive:
        names = archive.getnames()
    inside = {name.partition("/")[2] for name in names}
    for path in build.SOURCES.iterdir():
        assert path.relative_to(ROOT).as_posix() in inside
    assert "hatch_build.py" in inside
    assert not kernels(names)


@pytest.mark.slow
def test_a_wheel_gets_a_kernel_of_its_own(
    tree: Path, tmp_path: Path, compiler: dict[str, str]
) -> None:
    wheel = hatch(tree, "wheel", tmp_path / "out", **compiler)
    assert wheel.stem.split("-")[-1] == HERE.wheel
    with zipfile.ZipFile(wheel) as archive:
        name = build.library_path().name
        assert kernels(archive.namelist()) == {name, "libmicrogpt.json"}
        content = archive.read(f"microgpt/engines/native/{name}")
        record = json.loads(archive.read("microgpt/engines/native/libmicrogpt.json"))
        (tags,) = [n for n in archive.namelist() if n.endswith("/WHEEL")]
        assert "Root-Is-Purelib: false" in archive.read(tags).decode()
    assert build.made_for(content) == OURS
    assert record["sha256"] == hashlib.sha256(content).hexdigest()
    assert str(tmp_path).encode() not in content and str(tmp_path) not in json.dumps(record)
    lying_about = tree / "src" / "microgpt" / "engines" / "native" / "libmicrogpt.so"
    assert lying_about.read_bytes() == b"older"  # nobody's business


@pytest.mark.slow
def test_without_a_compiler_numpy_is_installed(
    tree: Path, tmp_path: Path, no_compiler: dict[str, str]
) -> None:
    wheel = hatch(tree, "wheel", tmp_path / "out", **no_compiler)
    assert wheel.name.endswith("-py3-none-any.whl")
    with zipfile.ZipFile(wheel) as archive:
        assert kernels(archive.namelist()) == {"libmicrogpt.json"}
        archive.extractall(tmp_path / "installed")
    done = subprocess.run(
        [sys.executable, "-m", "microgpt", "train"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path / "installed")},
        capture_output=True,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr.startswith(
        "note: Using numpy: native has no compiled kernel here: no C compiler works here"
    )
    assert "python -m microgpt.engines.native.build" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert "sample  1: kamon" in done.stdout


@pytest.mark.slow
def test_sources_without_the_guide_say_so_when_built_and_when_used(
    tree: Path, tmp_path: Path
) -> None:
    built = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path / "out")],
        cwd=tree,
        env={**os.environ, "MICROGPT_NO_KERNEL": "1"},
        capture_output=True,
        encoding="utf-8",
    )
    assert "this wheel holds no guide" in built.stdout + built.stderr
    (wheel,) = (tmp_path / "out").iterdir()
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "installed")
    done = subprocess.run(
        [sys.executable, "-m", "microgpt", "guide"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path / "installed")},
        capture_output=True,
        encoding="utf-8",
    )
    assert done.returncode == 5
    assert "This installation doesn't include the guide: it was made from" in done.stderr
    assert "Install microgpt from a wheel" in done.stderr


@pytest.mark.slow
def test_an_editable_install_replaces_or_deletes_the_older_kernel(
    tree: Path, tmp_path: Path, compiler: dict[str, str], no_compiler: dict[str, str]
) -> None:
    folder = tree / "src" / "microgpt" / "engines" / "native"
    hatch(tree, "wheel:editable", tmp_path / "one", **compiler)
    name = build.library_path().name
    assert kernels([path.name for path in folder.iterdir()]) == {name, "libmicrogpt.json"}
    assert build.problem(folder / name) is None

    kernel = folder / "kernel" / "kernel.c"
    kernel.write_text("int broken(\n", encoding="utf-8")
    hatch(tree, "wheel:editable", tmp_path / "two", **compiler)
    assert kernels([path.name for path in folder.iterdir()]) == {"libmicrogpt.json"}
    assert "can't compile the kernel" in str(build.problem(folder / name))

    (folder / name).write_bytes(b"older")
    hatch(tree, "wheel:editable", tmp_path / "three", **no_compiler)
    assert kernels([path.name for path in folder.iterdir()]) == {"libmicrogpt.json"}
    assert "no C compiler works here" in str(build.problem(folder / name))


@pytest.mark.slow
def test_a_cross_build_that_fails_is_an_error(tree: Path, no_compiler: dict[str, str]) -> None:
    with pytest.raises(AssertionError, match="can't compile the kernel"):
        hatch(tree, "wheel", tree / "out", MICROGPT_TARGET=OTHER, **no_compiler)
    with pytest.raises(AssertionError, match="MICROGPT_TARGET is 'amiga', must be one of"):
        hatch(tree, "wheel", tree / "out", MICROGPT_TARGET="amiga")


# ---------------------------------------------------------------- other systems


LINKED_DEARLY = "windows-x86_64"  # zig builds that system's libraries first: 90 s


@pytest.mark.slow
def test_windows_compiles(tmp_path: Path, require: Callable[[str], object]) -> None:
    """`make prove` and `make wheels` link it as well."""
    require("ziglang")
    target, zig = build.TARGETS[LINKED_DEARLY], build.zig()
    flags = [*build.FLAGS, "-O1", *build._for_target(target, zig), "-c", "-o", tmp_path / "object"]
    parts = [['-DMG_SOURCES="none"', build.SOURCES / "dispatch.c"]]
    for level, instructions in build.LEVELS[target.family].items():
        for bits in (32, 64):
            defines = [f"-DREAL_BITS={bits}", f"-DMG_LEVEL={level}"]
            parts.append([*instructions, *defines, build.SOURCES / "kernel.c"])
    for part in parts:
        subprocess.run([*zig, *flags, *part], check=True, timeout=SLOW_PATIENCE)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in build.TARGETS if name != LINKED_DEARLY])
def test_every_target_is_compiled(
    name: str, tmp_path: Path, require: Callable[[str], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    require("ziglang")
    flags = ["-O1" if flag == "-O3" else flag for flag in build.FLAGS]
    monkeypatch.setattr(build, "FLAGS", flags)
    check_target(name, tmp_path)


@pytest.mark.prove
@pytest.mark.parametrize("name", build.TARGETS)
def test_every_target_is_compiled_as_it_ships(
    name: str, tmp_path: Path, require: Callable[[str], object]
) -> None:
    require("ziglang")
    check_target(name, tmp_path)


def check_target(name: str, tmp_path: Path) -> None:
    target = build.TARGETS[name]
    library = tmp_path / "libmicrogpt.lib"
    assert build.build(to=library, target=target) == list(build.LEVELS[target.family])
    content = library.read_bytes()
    assert build.made_for(content) == (target.system, target.family)
    assert len(content) < 2**20
    for version in re.findall(rb"GLIBC_2\.(\d+)", content):
        assert int(version) <= 17
    if target.system == "win32":  # nothing that Windows doesn't have
        needed = {name.lower() for name in re.findall(rb"[\w.-]+\.dll", content, re.IGNORECASE)}
        system = re.compile(rb"kernel32|kernelbase|ntdll|api-ms-win-crt-|libmicrogpt")
        assert all(system.match(dll) for dll in needed), needed
    foreign = (target.system, target.family) != OURS
    assert (build.problem(library) is not None) == foreign
    if foreign:
        assert "another machine" in str(build.problem(library))
    else:
        assert ctypes.CDLL(str(library)).mg_processor_level() >= 0


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_the_arm_kernel_computes_the_same(
    dtype: str,
    tmp_path: Path,
    require: Callable[[str], object],
    require_program: Callable[[str], str],
) -> None:
    """The NEON level, as a program of its own, in an emulator."""
    require("ziglang")
    emulator = require_program("qemu-aarch64")
    program = tmp_path / "driver"
    command = [
        *build.zig(), *build.FLAGS, "-target", "aarch64-linux-musl", "-static", "-DMG_THREADS",
        "-pthread", "-DMG_LEVEL=neon", f"-DREAL_BITS={dtype[-2:]}", f"-I{build.SOURCES}",
        str(ROOT / "tests" / "kernel_driver.c"), "-o", str(program),
    ]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True, timeout=SLOW_PATIENCE)
    for changes in ({}, {"batch_size": 5, "n_embd": 24, "n_head": 2, "n_layer": 2}):
        expected = losses("numpy", "float64", 40, **changes)
        outputs = {
            threads: subprocess.run(
                [emulator, str(program)],
                input=driver_input(dtype, 40, threads, **changes),
                capture_output=True,
                check=True,
                timeout=SLOW_PATIENCE,
            ).stdout
            for threads in (1, 2)
        }
        got = [float(line) for line in outputs[1].split()]
        assert len(got) == 40
        near = {"float64": 1e-9, "float32": 1e-5}[dtype]
        assert np.abs(np.subtract(got, expected)).max() <= near
        assert outputs[1] == outputs[2]


def driver_input(dtype: str, steps: int, threads: int, **changes: object) -> bytes:
    config, start, batches = prepared(steps, **changes)
    assert isinstance(config, Config)
    parts = [
        bytes(native._kernel_config(config, threads)),
        np.array([steps, len(batches.offsets) - 1], np.int32),
        *(np.array(start[name], dtype) for name in config.shapes()),
        batches.offsets.astype(np.int64) - batches.offsets[0],
        batches.documents.astype(np.int64),
        batches.positions.astype(np.int64),
        np.full(steps, 0.01),
        batches.tokens[batches.offsets[0] :].astype(np.int32),
    ]
    return b"".join(bytes(part) for part in parts)

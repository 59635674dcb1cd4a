"""Sets up .venv and runs the project's chores. It needs nothing but Python, on Windows too.

The Makefile is a short way to type these commands. environment.py, beside this file, makes .venv.
"""

import sys


def refusal(version):
    """One line for a Python that is too old, None for one that will do."""
    if tuple(version[:2]) >= (3, 11):
        return None
    found = ".".join(str(part) for part in version[:3])
    newer = newer_python()
    remedy = (
        f"{newer} is here: {newer} scripts/dev.py run, or make run PYTHON={newer}"
        if newer
        else "Install one from python.org or with this system's packages, and start it with that."
    )
    return f"microgpt needs Python 3.11 or newer; this is {found}. {remedy}"


def newer_python():
    """The name of a Python on this machine that is new enough, or None."""
    from shutil import which

    names = [f"python3.{minor}" for minor in range(20, 10, -1)]
    return next((name for name in names if which(name)), None)


if refusal(sys.version_info):  # before any newer syntax or library is used
    sys.exit(refusal(sys.version_info))

import os
import shutil
import tempfile
import time
from pathlib import Path

SCRIPTS = str(Path(__file__).resolve().parent)
if SCRIPTS not in sys.path:  # python -I, or loaded by its path
    sys.path.insert(0, SCRIPTS)

from environment import (
    LEVELS,
    ROOT,
    alone,
    call,
    fetch_zig,
    hand_over,
    kernel_builder,
    program,
    remove_venv,
    set_up,
    set_up_torch,
    touch_stamps,
)
from telling import say, typed


def run(arguments):
    set_up("base")
    hand_over([program("microgpt"), "train", *arguments])


def native(arguments):
    """Compiles the kernel again; where no compiler works, with one from the package index."""
    if arguments not in ([], ["--zig"]):
        sys.exit(f"usage: {typed('native')} [--zig]")
    set_up("base")
    kernel = kernel_builder()
    compiler = None
    if not arguments:
        with tempfile.TemporaryDirectory() as folder:
            try:
                compiler = kernel.find_compiler(Path(folder))
            except kernel.BuildError as error:
                say(f"{error}")
    if compiler is None:
        fetch_zig()
        compiler = kernel.zig(str(program("python")))
    began = time.monotonic()
    library = kernel.library_path()
    try:
        levels = kernel.build(compiler)
    except kernel.BuildError as error:
        sys.exit(f"{error}\nThe kernel that was there before, if any, is still there.")
    touch_stamps()
    print(
        f"compiled {', '.join(levels)} with {kernel.describe(compiler)} in "
        f"{time.monotonic() - began:.0f} s: {library.relative_to(ROOT)}, "
        f"{library.stat().st_size:,} bytes"
    )


def wasm(arguments):
    """Compiles the kernel for browsers; with --check only compares."""
    if arguments not in ([], ["--check"]):
        sys.exit(f"usage: {typed('wasm')} [--check]")
    set_up("base")
    fetch_zig()
    sys.exit(call([program("python"), ROOT / "scripts" / "make_wasm.py", *arguments]))


def setup(arguments):
    wanted = set(arguments)
    levels = [level for level in LEVELS if f"--{level}" in wanted]
    if wanted - {f"--{level}" for level in levels} - {"--torch", "--zig"} or "base" in levels:
        flags = " ".join(f"[--{name}]" for name in (*LEVELS, "torch", "zig") if name != "base")
        sys.exit(f"usage: {typed('setup')} {flags}")
    if wanted & {"--torch", "--zig"}:
        levels.append("dev")
    set_up("base", *levels)
    touch_stamps()
    if "--zig" in wanted:
        fetch_zig()
    if "--torch" in wanted:
        set_up_torch()


def pytest(selection, *arguments):
    return [program("python"), "-m", "pytest", "-m", selection, *arguments]


# As many workers as cores; one that has nothing left to do takes over half of another's tests.
PARALLEL = ("-n", "auto", "--dist", "worksteal")


def test(arguments):
    set_up("dev")
    os.chdir(ROOT)
    hand_over(pytest("not slow and not prove and not torch", "-q", *PARALLEL, *arguments))


def prove(arguments):
    set_up("dev")
    code = call(pytest("prove", *arguments))
    if code == 5:  # pytest's code for "no test selected"
        say("no test is marked `prove` yet")
        code = 0
    sys.exit(code)


def lint_commands(fix=False):
    commands = {
        "ruff check": [program("ruff"), "check", *(["--fix"] if fix else [])],
        "ruff format": [program("ruff"), "format", *([] if fix else ["--check"])],
        "mypy": [program("mypy")],
    }
    biome = ROOT / "node_modules" / ".bin" / ("biome.cmd" if os.name == "nt" else "biome")
    if biome.exists():
        checking = ["check", "--error-on-warnings", *(["--write"] if fix else [])]
        commands["biome"] = [biome, *checking]
    else:
        say("JavaScript and CSS aren't checked: `npm ci` fetches biome")
    return commands


def lint(arguments):
    if arguments not in ([], ["--fix"]):
        sys.exit(f"usage: {typed('lint')} [--fix]")
    set_up("dev")
    failed = [name for name, command in lint_commands(bool(arguments)).items() if call(command)]
    if failed:
        sys.exit("failed: " + ", ".join(failed))


def test_all(arguments):
    set_up("dev", "grader", "guide", "export")
    checks = lint_commands()
    checks["guide"] = [program("python"), ROOT / "guide" / "build" / "assemble.py"]
    checks["wheel"] = [program("python"), __file__, "wheel"]
    # Last, since it ends with a summary.
    checks["pytest"] = pytest("not prove", *PARALLEL, "--durations=10", *arguments)
    failed, spent = [], {}
    for name, command in checks.items():
        print(f"== {name}", flush=True)
        began = time.monotonic()
        if call(command):
            failed.append(name)
        spent[name] = time.monotonic() - began
    print("== seconds: " + ", ".join(f"{name} {spent[name]:.0f}" for name in spent), flush=True)
    if failed:
        sys.exit("failed: " + ", ".join(failed))


def build_guide():
    """Builds the guide's site into guide/site."""
    code = call([program("python"), ROOT / "guide" / "build" / "assemble.py"])
    if code:
        sys.exit(code)


def guide(arguments):
    """Builds the guide's site and serves it; the arguments go to `microgpt guide`."""
    set_up("guide")
    build_guide()
    hand_over([program("microgpt"), "guide", *arguments])


def guide_python(arguments):
    """`guide` with Python for the cells in its pages: npm fetches 13 MB, once."""
    set_up("guide")
    build_guide()
    code = call([program("python"), ROOT / "guide" / "build" / "python.py"])
    if code:
        sys.exit(code)
    hand_over([program("microgpt"), "guide", *arguments])


def wheel(arguments):
    """Builds the wheel for this machine and uses it in a fresh environment."""
    if arguments:
        sys.exit(f"usage: {typed('wheel')}")
    set_up("dev", "grader", "guide", "export")  # the bill of materials lists their licences
    sys.exit(call([program("python"), ROOT / "scripts" / "wheels.py", "wheel"]))


def wheels(arguments):
    """Builds the wheels of all platforms with zig; uses the one that this machine can run."""
    set_up("dev", "grader", "guide", "export")  # the bill of materials lists their licences
    fetch_zig()
    sys.exit(call([program("python"), ROOT / "scripts" / "wheels.py", "wheels", *arguments]))


def sdist(arguments):
    """Builds the source distribution, and a wheel out of it."""
    if arguments:
        sys.exit(f"usage: {typed('sdist')}")
    set_up("dev")
    sys.exit(call([program("python"), ROOT / "scripts" / "wheels.py", "sdist"]))


def lock(arguments):
    """Pins the requirements again, for every platform and every supported Python at once."""
    if arguments not in ([], ["--upgrade"]):
        sys.exit(f"usage: {typed('lock')} [--upgrade]")
    sys.exit(call([sys.executable, ROOT / "scripts" / "lock.py", *arguments]))


def clean(arguments):
    """Removes what can be made again. runs/ is never touched, .venv only with --all."""
    if arguments not in ([], ["--all"]):
        sys.exit(f"usage: {typed('clean')} [--all]")
    caches = [".mypy_cache", ".pytest_cache", ".ruff_cache", ".hypothesis", "build", "dist"]
    caches += ["guide/site", "guide/site.new", "guide/site.old"]
    for path in [ROOT / name for name in caches]:
        shutil.rmtree(path, ignore_errors=True)
    for folder in ("src", "tests", "ladder", "scripts", "conformance", "bench", "guide"):
        for path in list((ROOT / folder).rglob("__pycache__")):
            shutil.rmtree(path, ignore_errors=True)
    if arguments:
        with alone():
            remove_venv()
        (ROOT / ".venv-lock").unlink()


COMMANDS = {
    "run": (run, "train the smallest GPT (arguments go to `microgpt train`)"),
    "test": (test, "the quick tests: Python alone, under 4 minutes"),
    "test-all": (test_all, "all that protects main: lint, types, wheel, every test"),
    "prove": (prove, "the full-length proofs, by hand"),
    "lint": (lint, "ruff, mypy, and biome once npm has it; --fix repairs what they can"),
    "native": (native, "compile the native engine's kernel; --zig with the PyPI compiler"),
    "wasm": (wasm, "compile guide/js/kernel.wasm, the kernel for browsers; --check compares"),
    "guide": (guide, "build the guide and open it (arguments go to `microgpt guide`)"),
    "guide-python": (guide_python, "the same with Python for the pages' cells: fetches 13 MB once"),
    "wheel": (wheel, "build dist/*.whl for this machine, install it elsewhere and use it"),
    "wheels": (wheels, "build dist/*.whl for all platforms, with the PyPI compiler"),
    "sdist": (sdist, "build dist/*.tar.gz, the source distribution, and a wheel out of it"),
    "lock": (lock, "pin requirements/*.txt again; --upgrade uses newer versions"),
    "setup": (
        setup,
        "only make .venv; --dev, --grader, --guide, --browser, --export, --torch, --zig add to it",
    ),
    "clean": (clean, "remove caches and dist/; --all removes .venv too"),
}


def usage():
    lines = [f"usage: {typed('COMMAND [ARGUMENTS]')}   or   make COMMAND [ARGS=...]", ""]
    lines += [f"  {name:<14}{text}" for name, (_, text) in COMMANDS.items()]
    return "\n".join(lines)


def main(words):
    if not words or words[0] in ("-h", "--help", "help"):
        print(usage())
        return
    if words[0] not in COMMANDS:
        sys.exit(f"there is no command `{words[0]}`\n\n{usage()}")
    try:
        COMMANDS[words[0]][0](words[1:])
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main(sys.argv[1:])

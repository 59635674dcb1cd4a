"""Sets up .venv and runs the project's chores. Needs nothing but Python, on Windows too.

The Makefile is a short way to type these commands.

.venv holds what requirements/*.txt pins, hashes checked, and this checkout as an editable
install. Three kinds of small files in it tell how far that got:

    .venv/setting-up    written first, removed last: found later, it means a killed set-up
    .venv/stamp-LEVEL   a digest of everything that the set-up of this level depends on
    .venv/root.mk       the folder that .venv was made in, for the Makefile
"""

import sys


def refusal(version):
    """One line for a Python that is too old, None for one that will do."""
    if tuple(version[:2]) >= (3, 11):
        return None
    found = ".".join(str(part) for part in version[:3])
    return f"microgpt needs Python 3.11 or newer; this is {found}. Start it with a newer one."


if refusal(sys.version_info):  # before any newer syntax or library is used
    sys.exit(refusal(sys.version_info))

import contextlib
import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import tempfile
import time
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
REQUIREMENTS = ROOT / "requirements"
WINDOWS = os.name == "nt"

# What each level installs, and about how many seconds it adds the first time.
LEVELS = {
    "base": (("base.txt", "build.txt"), 15),
    "dev": (("dev.txt",), 5),
    "grader": (("grader.txt",), 3),
    "guide": (("guide.txt",), 5),
    "browser": (("browser.txt",), 5),
}
TORCH = "2.13.0"  # in no lock: its releases for one platform weigh gigabytes
OFFLINE = (
    "If this machine is offline: connect it, or name a mirror or a folder of wheels in pip's "
    "settings (PIP_INDEX_URL, PIP_FIND_LINKS), then run the same command again."
)
NATIVE = ROOT / "src" / "microgpt" / "engines" / "native"
RECORD = NATIVE / "libmicrogpt.json"  # of a kernel, or of why there is none


def say(text):
    print(text, file=sys.stderr, flush=True)  # stdout belongs to the program that is run


def program(name, venv=VENV):
    """The path of an executable inside a virtual environment."""
    return venv / ("Scripts" if WINDOWS else "bin") / (name + (".exe" if WINDOWS else ""))


def quiet(command, remedy, **options):
    """Runs a command without a word; if it fails, shows what it said and ends with the remedy."""
    command = [str(part) for part in command]
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        **options,
    )
    if done.returncode:
        say(done.stdout.rstrip())
        sys.exit(f"\nThat failed: {' '.join(command)}\n{remedy}")
    return done.stdout


def call(command, **options):
    """Runs a command in the checkout with its output shown; returns its exit code."""
    return subprocess.call([str(part) for part in command], cwd=ROOT, **options)


def hand_over(command):
    """Becomes the given command (on Windows: waits for it and ends with its exit code)."""
    command = [str(part) for part in command]
    sys.stdout.flush()
    if not WINDOWS:
        os.execv(command[0], command)
    process = subprocess.Popen(command)
    while True:
        try:
            sys.exit(process.wait())
        except KeyboardInterrupt:
            continue  # Ctrl-C has reached the program too; it decides when to end


# ---------------------------------------------------------------- set-up


def key(level):
    """The digest that a level's stamp holds while nothing that it depends on has changed."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        project = tomllib.load(file)
    installed = [project["project"], project["build-system"], project["tool"]["hatch"]]
    digest = hashlib.sha256(json.dumps(installed, sort_keys=True).encode())
    for name in LEVELS[level][0]:
        digest.update((REQUIREMENTS / name).read_bytes())
    # A changed kernel is compiled anew.
    for path in [
        ROOT / "hatch_build.py",
        NATIVE / "build.py",
        *sorted(NATIVE.glob("kernel/*.[ch]")),
    ]:
        digest.update(path.name.encode() + path.read_bytes())
    digest.update(f"{ROOT} {sys.version_info[0]}.{sys.version_info[1]}".encode())
    return digest.hexdigest() + "\n"


def stamp(level):
    return VENV / f"stamp-{level}"


def is_ready(level):
    try:
        return (
            stamp(level).read_text(encoding="utf-8") == key(level)
            and not (VENV / "setting-up").exists()
            and RECORD.exists()
            and program("python").exists()
            and program("microgpt").exists()
        )
    except OSError:
        return False


def root_mk():
    where = str(ROOT).replace("$", "$$").replace("#", "\\#")
    return f"VENV_ROOT := {where}\n"


def is_usable():
    """Whether .venv, made by whomever, can be installed into as it stands."""
    if (VENV / "setting-up").exists() or not program("python").exists():
        return False
    made_in = VENV / "root.mk"
    if made_in.exists() and made_in.read_text(encoding="utf-8") != root_mk():
        return False  # moved: its scripts still start the Python of the old place
    question = "import pip, sys; print(sys.version_info[:2] == %r, sys.prefix)"
    try:
        answer = subprocess.run(
            [str(program("python")), "-I", "-c", question % (sys.version_info[:2],)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=60,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return answer.returncode == 0 and answer.stdout.strip() == f"True {VENV}"


def remove_venv():
    """Removes .venv under another name, so that a kill half-way leaves no half .venv."""
    old = ROOT / ".venv-old"
    shutil.rmtree(old, ignore_errors=True)
    if not VENV.exists():
        return
    try:
        VENV.rename(old)
    except OSError as error:
        sys.exit(f"cannot replace .venv: {error}. Close the programs that use it and try again.")
    shutil.rmtree(old, ignore_errors=True)


def make_venv():
    for module in ("venv", "ensurepip"):
        if importlib.util.find_spec(module) is None:
            sys.exit(
                f"this Python comes without its {module} module, which Debian and Ubuntu keep in a "
                "package of its own: sudo apt-get install python3-venv"
            )
    VENV.mkdir()
    (VENV / "setting-up").touch()
    # The interpreter behind any virtual environment that this script was started from.
    python = getattr(sys, "_base_executable", None) or sys.executable
    quiet([python, "-m", "venv", VENV], "Python could not make a virtual environment in .venv.")


def pip(arguments, python=None, target=None, remedy=OFFLINE):
    """pip, with the index, mirror or proxy that the user's own pip settings name."""
    which = ["--python", target] if target else []
    quiet(
        [python or program("python"), "-I", "-m", "pip", *which, *arguments],
        remedy,
        cwd=ROOT,
        env=dict(os.environ, PIP_DISABLE_PIP_VERSION_CHECK="1", PIP_NO_INPUT="1"),
    )


def pip_install(level, **where):
    files = [f"--requirement={REQUIREMENTS / name}" for name in LEVELS[level][0]]
    pip(["install", "--quiet", "--require-hashes", *files], **where)


@contextlib.contextmanager
def alone():
    """Waits until no other set-up of this checkout is at work. A killed one doesn't block."""
    with (ROOT / ".venv-lock").open("a") as file:
        waiting = False
        while True:
            try:
                if WINDOWS:
                    import msvcrt

                    file.seek(0)
                    msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
                else:
                    import fcntl

                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except (BlockingIOError, PermissionError):
                if not waiting:
                    say("another set-up is at work in this checkout, waiting ...")
                waiting = True
                time.sleep(0.2)
            except OSError:
                break  # a file system without locks
        yield


def set_up(*levels):
    """Brings .venv to these levels; instant when it is there already."""
    if not all(map(is_ready, levels)):
        with alone():
            if not all(map(is_ready, levels)):
                change(levels)


def change(levels):
    began = time.monotonic()
    # What was there stays there.
    wanted = [n for n in LEVELS if n in ("base", *levels) or stamp(n).exists()]
    if is_usable():
        say("updating .venv ...")
        (VENV / "setting-up").touch()
    else:
        broken = " again, the old one is incomplete or moved" if VENV.exists() else ""
        seconds = sum(LEVELS[level][1] for level in wanted)
        say(f"setting up .venv{broken} (once, about {seconds} s) ...")
        remove_venv()
        make_venv()
    for old in LEVELS:
        stamp(old).unlink(missing_ok=True)
    for level in wanted:
        pip_install(level)
    pip(["install", "--quiet", "--no-deps", "--no-build-isolation", "--editable", ROOT])
    (VENV / "root.mk").write_text(root_mk(), encoding="utf-8")
    for level in wanted:
        stamp(level).write_text(key(level), encoding="utf-8")
    (VENV / "setting-up").unlink()
    say(f"ready after {time.monotonic() - began:.0f} s")
    kernel = kernel_builder()
    problem = kernel.problem(kernel.library_path())
    if problem:
        say(f"NumPy does the work: the native engine {problem}. To build it: {kernel.remedy()}")


def kernel_builder():
    """engines/native/build.py, which needs no package."""
    spec = importlib.util.spec_from_file_location("kernel_builder", NATIVE / "build.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def fetch_zig():
    """Puts the PyPI compiler into .venv, if it isn't there."""
    found = subprocess.run(
        [str(program("python")), "-m", "ziglang", "version"], capture_output=True
    )
    if found.returncode == 0:
        return
    say("fetching the compiler ziglang from the package index (100 MB, once) ...")
    pip(["install", "--quiet", "--require-hashes", f"--requirement={REQUIREMENTS / 'native.txt'}"])


def set_up_torch():
    """Adds torch to .venv without moving anything that the lock has pinned."""
    question = "import importlib.metadata as m; print(m.version('torch'))"
    found = subprocess.run(
        [str(program("python")), "-I", "-c", question], capture_output=True, encoding="utf-8"
    )
    if found.returncode == 0:
        say(f"torch {found.stdout.strip()} is there")
        return
    say(f"installing torch {TORCH} ...")
    began = time.monotonic()
    pins = [
        line.removesuffix("\\").strip()
        for line in (REQUIREMENTS / "dev.txt").read_text(encoding="utf-8").splitlines()
        if line[:1].isalnum()
    ]
    with tempfile.TemporaryDirectory() as folder:
        constraints = Path(folder) / "constraints.txt"
        constraints.write_text("\n".join(pins) + "\n", encoding="utf-8")
        # On Linux the plain release brings gigabytes for accelerators.
        version = TORCH + ("+cpu" if sys.platform == "linux" else "")
        pip(
            ["install", "--quiet", f"--constraint={constraints}", f"torch=={version}"],
            remedy="Where PyTorch's builds for this machine are, tell pip by PIP_FIND_LINKS or "
            "PIP_EXTRA_INDEX_URL, or install torch into .venv by hand.",
        )
    say(f"ready after {time.monotonic() - began:.0f} s")


# ---------------------------------------------------------------- commands


def run(arguments):
    set_up("base")
    hand_over([program("microgpt"), "train", *arguments])


def touch_stamps():
    """The Makefile compares times: what is newer than a stamp was looked at."""
    for level in LEVELS:
        if stamp(level).exists():
            stamp(level).touch()


def native(arguments):
    """Compiles the kernel anew; where no compiler works, with one from the package index."""
    if arguments not in ([], ["--zig"]):
        sys.exit("usage: dev.py native [--zig]")
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
        sys.exit("usage: dev.py wasm [--check]")
    set_up("base")
    fetch_zig()
    sys.exit(call([program("python"), ROOT / "scripts" / "make_wasm.py", *arguments]))


def setup(arguments):
    wanted = set(arguments)
    levels = [level for level in LEVELS if f"--{level}" in wanted]
    if wanted - {f"--{level}" for level in levels} - {"--torch", "--zig"} or "base" in levels:
        flags = " ".join(f"[--{name}]" for name in (*LEVELS, "torch", "zig") if name != "base")
        sys.exit(f"usage: dev.py setup {flags}")
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


def test(arguments):
    set_up("dev")
    os.chdir(ROOT)
    hand_over(pytest("not slow and not prove and not torch", "-q", *arguments))


def prove(arguments):
    set_up("dev")
    code = call(pytest("prove", *arguments))
    if code == 5:  # pytest's code for "no test selected"
        say("no test is marked `prove` yet")
        code = 0
    sys.exit(code)


def lint_commands(fix=False):
    return {
        "ruff check": [program("ruff"), "check", *(["--fix"] if fix else [])],
        "ruff format": [program("ruff"), "format", *([] if fix else ["--check"])],
        "mypy": [program("mypy")],
    }


def lint(arguments):
    if arguments not in ([], ["--fix"]):
        sys.exit("usage: dev.py lint [--fix]")
    set_up("dev")
    failed = [name for name, command in lint_commands(bool(arguments)).items() if call(command)]
    if failed:
        sys.exit("failed: " + ", ".join(failed))


def test_all(arguments):
    set_up("dev", "grader", "guide")
    checks = lint_commands()
    checks["guide"] = [program("python"), ROOT / "guide" / "build" / "assemble.py"]
    checks["wheel"] = [program("python"), __file__, "wheel"]
    checks["pytest"] = pytest("not prove", *arguments)  # last: it ends with a summary
    failed = []
    for name, command in checks.items():
        print(f"== {name}", flush=True)
        if call(command):
            failed.append(name)
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
        sys.exit("usage: dev.py wheel")
    set_up("dev", "guide")
    sys.exit(call([program("python"), ROOT / "scripts" / "wheels.py", "wheel"]))


def wheels(arguments):
    """Builds the wheels of all platforms with zig; uses the one that this machine can run."""
    set_up("dev", "guide")
    fetch_zig()
    sys.exit(call([program("python"), ROOT / "scripts" / "wheels.py", "wheels", *arguments]))


def lock(arguments):
    """Pins the requirements anew, for every platform and every supported Python at once."""
    if arguments not in ([], ["--upgrade"]):
        sys.exit("usage: dev.py lock [--upgrade]")
    sys.exit(call([sys.executable, ROOT / "scripts" / "lock.py", *arguments]))


def clean(arguments):
    """Removes what can be made again. runs/ is never touched, .venv only with --all."""
    if arguments not in ([], ["--all"]):
        sys.exit("usage: dev.py clean [--all]")
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
    "test": (test, "the quick tests: Python alone, under 5 minutes"),
    "test-all": (test_all, "all that protects main: lint, types, wheel, every test"),
    "prove": (prove, "the full-length proofs, by hand"),
    "lint": (lint, "ruff and mypy; --fix repairs what ruff can"),
    "native": (native, "compile the native engine's kernel; --zig with the PyPI compiler"),
    "wasm": (wasm, "compile guide/js/kernel.wasm, the kernel for browsers; --check compares"),
    "guide": (guide, "build the guide and open it (arguments go to `microgpt guide`)"),
    "guide-python": (guide_python, "the same with Python for the pages' cells: fetches 13 MB once"),
    "wheel": (wheel, "build dist/*.whl for this machine, install it elsewhere and use it"),
    "wheels": (wheels, "build dist/*.whl for all platforms, with the PyPI compiler"),
    "lock": (lock, "pin requirements/*.txt anew; --upgrade takes newer versions"),
    "setup": (
        setup,
        "only make .venv; --dev, --grader, --guide, --browser, --torch, --zig add to it",
    ),
    "clean": (clean, "remove caches and dist/; --all removes .venv too"),
}


def usage():
    lines = ["usage: python scripts/dev.py COMMAND [ARGUMENTS]   or   make COMMAND [ARGS=...]", ""]
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

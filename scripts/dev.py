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
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
REQUIREMENTS = ROOT / "requirements"
WINDOWS = os.name == "nt"

# What each level installs, and about how long that takes the first time.
LEVELS = {
    "base": (("base.txt", "build.txt"), "15 s"),
    "dev": (("dev.txt",), "20 s"),
}
TORCH = "2.13.0"  # in no lock: its releases for one platform weigh gigabytes
UV = "uv==0.13.9"  # only `lock` needs it
OFFLINE = (
    "If this machine is offline: connect it, or name a mirror or a folder of wheels in pip's "
    "settings (PIP_INDEX_URL, PIP_FIND_LINKS), then run the same command again."
)
WHEEL_LIMIT = 6 * 2**20  # bytes
# What an installed wheel must do in an empty directory, and what it then says somewhere.
SMOKE = (
    (["--version"], ""),
    (["doctor"], "works in float64"),
    (["train"], "sample  1: kamon"),
    (["sample", "--count", "3"], "sample  3: karai"),
    (["ladder"], "5"),
)
SMOKE_LADDER = ["num docs: 32033", "vocab size: 27", "num params: 4192"]  # how rung 5 begins
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


def set_up(level):
    """Brings .venv to a level; instant when it is there already."""
    if not is_ready(level):
        with alone():
            if not is_ready(level):
                change(level)


def change(level):
    began = time.monotonic()
    if stamp("dev").exists():
        level = "dev"  # what was there stays there
    if is_usable():
        say("updating .venv ...")
        (VENV / "setting-up").touch()
    else:
        broken = " again, the old one is incomplete or moved" if VENV.exists() else ""
        say(f"setting up .venv{broken} (once, about {LEVELS[level][1]}) ...")
        remove_venv()
        make_venv()
    for old in LEVELS:
        stamp(old).unlink(missing_ok=True)
    pip_install(level)
    pip(["install", "--quiet", "--no-deps", "--no-build-isolation", "--editable", ROOT])
    (VENV / "root.mk").write_text(root_mk(), encoding="utf-8")
    for done in ("base", "dev") if level == "dev" else ("base",):
        stamp(done).write_text(key(done), encoding="utf-8")
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
    if wanted - {"--dev", "--torch", "--zig"}:
        sys.exit("usage: dev.py setup [--dev] [--torch] [--zig]")
    level = "dev" if wanted else "base"
    set_up(level)
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
    set_up("dev")
    checks = lint_commands()
    checks["wheel"] = [program("python"), __file__, "wheel"]
    checks["pytest"] = pytest("not prove", *arguments)  # last: it ends with a summary
    failed = []
    for name, command in checks.items():
        print(f"== {name}", flush=True)
        if call(command):
            failed.append(name)
    if failed:
        sys.exit("failed: " + ", ".join(failed))


def build_wheel(folder, **changes):
    """A wheel in an empty folder; checks its size and that what it must hold is in it."""
    quiet(
        [program("python"), "-m", "hatchling", "build", "-t", "wheel", "-d", folder],
        "The build settings are in pyproject.toml, the kernel is compiled by hatch_build.py.",
        cwd=ROOT,
        env={**os.environ, **changes},
    )
    (built,) = folder.glob("*.whl")
    size = built.stat().st_size
    if size > WHEEL_LIMIT:
        sys.exit(f"{built.name} has {size:,} bytes, {WHEEL_LIMIT:,} are allowed: see what grew.")
    inside = set(zipfile.ZipFile(built).namelist())
    for name in ("data", "ladder"):
        for path in sorted((ROOT / name).iterdir()):
            if path.is_file() and f"microgpt/share/{name}/{path.name}" not in inside:
                sys.exit(f"{built.name} lacks {name}/{path.name}: see pyproject.toml, tool.hatch.")
    return built


def kernel_in(wheel):
    """System and processor family of the kernel in a wheel; None if it holds none."""
    files = zipfile.ZipFile(wheel)
    for name in files.namelist():
        if Path(name).stem == "libmicrogpt" and not name.endswith(".json"):
            return kernel_builder().made_for(files.read(name))
    return None


def smoke(wheel):
    """Installs a wheel in a fresh environment and uses it in an empty directory."""
    with tempfile.TemporaryDirectory(prefix="microgpt-wheel-") as folder:
        fresh, empty = Path(folder).resolve() / "venv", Path(folder).resolve() / "empty"
        empty.mkdir()
        quiet(
            [program("python"), "-m", "venv", "--without-pip", fresh],
            "Python could not make a virtual environment.",
        )
        target = program("python", fresh)
        pip_install("base", target=target)
        pip(["install", "--quiet", "--no-deps", wheel], target=target)
        pip(["check"], target=target)
        env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        microgpt = program("microgpt", fresh)
        remedy = "The installed wheel cannot do that outside the checkout."
        for words, expected in SMOKE:
            said = quiet([microgpt, *words], remedy, cwd=empty, env=env)
            if expected not in said:
                sys.exit(f"{said}\n`microgpt {' '.join(words)}` does not say {expected!r}.")
        (found,) = quiet([microgpt, "doctor", "--json"], remedy, cwd=empty, env=env).splitlines()
        with subprocess.Popen(
            [str(microgpt), "ladder", "5"],
            cwd=empty,
            env={**env, "PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            encoding="utf-8",
        ) as ladder:
            first = [ladder.stdout.readline().rstrip() for _ in SMOKE_LADDER]
            ladder.stdout.close()  # the rung ends at its next line
            ladder.terminate()
        if first != SMOKE_LADDER:
            sys.exit(f"`microgpt ladder 5` begins with {first}, not with {SMOKE_LADDER}.")
    if kernel_in(wheel) and json.loads(found)["doctor"]["auto"] != "native":
        sys.exit(f"{found}\n{wheel.name} holds a kernel, and native does not work.")
    done = [*(" ".join(words) for words, _ in SMOKE), "ladder 5"]
    return ", ".join(f"`microgpt {words}`" for words in done)


def clear_dist():
    dist = ROOT / "dist"
    dist.mkdir(exist_ok=True)
    for old in dist.glob("*.whl"):
        old.unlink()
    return dist


def wheel(arguments):
    """Builds the wheel for this machine and uses it in a fresh environment."""
    if arguments:
        sys.exit("usage: dev.py wheel")
    set_up("dev")
    built = build_wheel(clear_dist())
    done = smoke(built)
    print(f"dist/{built.name}: {built.stat().st_size:,} bytes; installed alone it ran {done}")


def wheels(arguments):
    """Builds the wheels of all platforms with zig; uses the one that this machine can run."""
    kernel = kernel_builder()
    if set(arguments) - set(kernel.TARGETS):
        sys.exit(f"usage: dev.py wheels [{'] ['.join(kernel.TARGETS)}]")
    set_up("dev")
    fetch_zig()
    dist = clear_dist()
    here = kernel.this_machine()
    for name in arguments or kernel.TARGETS:
        target = kernel.TARGETS[name]
        with tempfile.TemporaryDirectory() as folder:
            built = build_wheel(Path(folder), MICROGPT_TARGET=name)
            if kernel_in(built) != (target.system, target.family):
                sys.exit(f"{built.name} holds a kernel for {kernel_in(built)}, not for {name}.")
            built = Path(shutil.copy(built, dist))
        if (target.system, target.family) == (here.system, here.family):
            said = f"installed alone it ran {smoke(built)}"
        else:
            said = "UNTESTED: nothing here can run it"
        print(f"dist/{built.name}: {built.stat().st_size:,} bytes; {said}", flush=True)


def lock(arguments):
    """Pins the requirements anew, for every platform and every supported Python at once."""
    if arguments not in ([], ["--upgrade"]):
        sys.exit("usage: dev.py lock [--upgrade]")
    outputs = {
        "base.txt": ["pyproject.toml"],
        "build.txt": ["--group=build"],
        "native.txt": ["--group=native"],
        "dev.txt": ["pyproject.toml", "--extra=dev", "--group=build"],
    }
    header = (
        "# Made by `python scripts/dev.py lock` from pyproject.toml. Not to be edited by hand.\n"
    )
    with tempfile.TemporaryDirectory() as folder:
        tools = Path(folder) / "tools"
        python = getattr(sys, "_base_executable", None) or sys.executable
        quiet([python, "-m", "venv", tools], "Python could not make a virtual environment.")
        pip(["install", "--quiet", UV], python=program("python", tools))
        options = "--universal --python-version=3.11 --fork-strategy=fewest --generate-hashes"
        options += " --no-header --no-annotate --no-emit-index-url --quiet"
        compiler = [program("uv", tools), "pip", "compile", *options.split(), *arguments]
        for name, sources in outputs.items():
            draft = Path(folder) / name
            if (REQUIREMENTS / name).exists():
                shutil.copy(REQUIREMENTS / name, draft)  # the pins to keep
            quiet(
                [*compiler, *sources, f"--output-file={draft}"],
                "The inputs are the dependencies in pyproject.toml.",
                cwd=ROOT,
            )
            text = header + draft.read_text(encoding="utf-8")
            if "://" in text or "\n--" in text:
                sys.exit(f"refusing to write requirements/{name}: it names an index or an address")
            (REQUIREMENTS / name).write_text(text, encoding="utf-8", newline="\n")
            packages = sum(line[:1].isalnum() for line in text.splitlines())
            say(f"requirements/{name}: {packages} packages")


def clean(arguments):
    """Removes what can be made again. runs/ is never touched, .venv only with --all."""
    if arguments not in ([], ["--all"]):
        sys.exit("usage: dev.py clean [--all]")
    caches = [".mypy_cache", ".pytest_cache", ".ruff_cache", ".hypothesis", "build", "dist"]
    for path in [ROOT / name for name in caches]:
        shutil.rmtree(path, ignore_errors=True)
    for folder in ("src", "tests", "ladder", "scripts", "conformance", "bench"):
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
    "wheel": (wheel, "build dist/*.whl for this machine, install it elsewhere and use it"),
    "wheels": (wheels, "build dist/*.whl for all platforms, with the PyPI compiler"),
    "lock": (lock, "pin requirements/*.txt anew; --upgrade takes newer versions"),
    "setup": (setup, "only make .venv; --dev with the test tools, --torch, --zig with these"),
    "clean": (clean, "remove caches and dist/; --all removes .venv too"),
}


def usage():
    lines = ["usage: python scripts/dev.py COMMAND [ARGUMENTS]   or   make COMMAND [ARGS=...]", ""]
    lines += [f"  {name:<10}{text}" for name, (_, text) in COMMANDS.items()]
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

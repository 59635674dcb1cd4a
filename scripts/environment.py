"""Sets up .venv, for dev.py and the scripts that it starts. It needs nothing but Python 3.11.

.venv holds what requirements/*.txt pins, hashes checked, and this checkout as an editable
install. Three kinds of small files in it say how far that got:

    .venv/setting-up    written first, removed last: if it is still there later, a set-up was killed
    .venv/stamp-LEVEL   a digest of everything that the set-up of this level depends on
    .venv/root.mk       the folder that .venv was made in, for the Makefile
"""

import contextlib
import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from pathlib import Path

from telling import OFFLINE, plan, remedy_for, say, typed

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
    "export": (("export.txt",), 3),
}
TORCH = "2.13.0"  # in no lock: its releases for one platform weigh gigabytes
TRANSFORMERS = "5.23.0"  # GPT-2 and Llama as others compute them; needed by tests alone
NATIVE = ROOT / "src" / "microgpt" / "engines" / "native"
RECORD = NATIVE / "libmicrogpt.json"  # of a kernel, or of why there is none


def program(name, venv=VENV):
    """The path of an executable inside a virtual environment."""
    return venv / ("Scripts" if WINDOWS else "bin") / (name + (".exe" if WINDOWS else ""))


def quiet(command, remedy, **options):
    """Runs a command silently; if it fails, shows what it said and ends with the remedy."""
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
        remedy = remedy_for(done.stdout, remedy)
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


def key(level):
    """The digest that a level's stamp holds while nothing that it depends on has changed."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        project = tomllib.load(file)
    installed = [project["project"], project["build-system"], project["tool"]["hatch"]]
    digest = hashlib.sha256(json.dumps(installed, sort_keys=True).encode())
    for name in LEVELS[level][0]:
        digest.update((REQUIREMENTS / name).read_bytes())
    # A changed kernel is compiled again.
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


def touch_stamps():
    """The Makefile compares times: what is newer than a stamp has been looked at."""
    for level in LEVELS:
        if stamp(level).exists():
            stamp(level).touch()


def root_mk():
    where = str(ROOT).replace("$", "$$").replace("#", "\\#")
    return f"VENV_ROOT := {where}\n"


def is_usable():
    """Whether .venv, whoever made it, can be installed into as it is."""
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


def check_venv_module():
    for module in ("venv", "ensurepip"):
        if importlib.util.find_spec(module) is None:
            version = f"{sys.version_info[0]}.{sys.version_info[1]}"
            sys.exit(
                f"this Python {version} comes without its {module} module. Debian and Ubuntu keep "
                f"it in a package of its own: sudo apt-get install python{version}-venv\n"
                "Elsewhere install Python from python.org. Then run the same command again."
            )


def make_venv():
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
def alone(lock=ROOT / ".venv-lock", others="another set-up is at work in this checkout"):
    """Waits until no other process holds this lock. A killed one doesn't block it."""
    with Path(lock).open("a") as file:
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
                    say(f"{others}, waiting ...")
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
                try:
                    change(levels)
                except OSError as error:
                    what = error.strerror or error
                    sys.exit(
                        f"can't write {error.filename or VENV}: {what}.\n"
                        + remedy_for(str(what), "Fix that, then run the same command again.")
                    )


def change(levels):
    began = time.monotonic()
    # What was there stays there.
    wanted = [n for n in LEVELS if n in ("base", *levels) or stamp(n).exists()]
    if is_usable():
        missing = [level for level in wanted if not stamp(level).exists()]
        if missing:
            say("adding to .venv. Once only, this")
            seconds = sum(LEVELS[level][1] for level in missing)
            files = {level: LEVELS[level][0] for level in missing}
            plan(missing, files, VENV, False, seconds, shutil.disk_usage(ROOT).free / 1e6)
        else:
            say("updating .venv to what has changed in the checkout ...")
        (VENV / "setting-up").touch()
    else:
        broken = " again, the old one is incomplete or moved" if VENV.exists() else ""
        check_venv_module()
        say(f"setting up .venv{broken}. Once, this")
        seconds = sum(LEVELS[level][1] for level in wanted)
        files = {level: LEVELS[level][0] for level in wanted}
        plan(wanted, files, VENV, True, seconds, shutil.disk_usage(ROOT).free / 1e6)
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
        # Not kernel.remedy(): its words need the package, which this Python may not have.
        say(f"NumPy is used instead: the native engine {problem}. To build it: {typed('native')}")


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
    """Adds torch, and transformers to compare with, moving nothing that the lock has pinned."""
    question = (
        "import importlib.metadata as m; "
        "print(m.version('torch'), 'and transformers', m.version('transformers'))"
    )
    found = subprocess.run(
        [str(program("python")), "-I", "-c", question], capture_output=True, encoding="utf-8"
    )
    if found.returncode == 0:
        say(f"torch {found.stdout.strip()} is there")
        return
    say(f"installing torch {TORCH} and transformers {TRANSFORMERS} ...")
    began = time.monotonic()
    pins = [
        line.removesuffix("\\").strip()
        for name in ("dev.txt", "export.txt")  # transformers asks for some of export
        for line in (REQUIREMENTS / name).read_text(encoding="utf-8").splitlines()
        if line[:1].isalnum()
    ]
    with tempfile.TemporaryDirectory() as folder:
        constraints = Path(folder) / "constraints.txt"
        constraints.write_text("\n".join(pins) + "\n", encoding="utf-8")
        # On Linux the plain release brings gigabytes for accelerators.
        version = TORCH + ("+cpu" if sys.platform == "linux" else "")
        pip(
            [
                "install",
                "--quiet",
                f"--constraint={constraints}",
                f"torch=={version}",
                f"transformers=={TRANSFORMERS}",
            ],
            remedy="Tell pip where PyTorch's builds for this machine are with PIP_FIND_LINKS or "
            "PIP_EXTRA_INDEX_URL, or install torch into .venv by hand.",
        )
    say(f"ready after {time.monotonic() - began:.0f} s")

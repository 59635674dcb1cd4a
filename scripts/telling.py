"""What the scripts tell people: commands to type, what a set-up takes, and what to do if it fails.

It needs nothing but Python 3.11; environment.py and dev.py get their words from here.
"""

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).resolve().with_name("dev.py")
SYSTEM = sys.platform if sys.platform in ("darwin", "win32") else "linux"

# Megabytes that pip fetches for each level beyond those before it, by `pip download` of the locks
# for Python 3.12 (x86-64 Linux and Windows, macOS on ARM), and that they take on the disk (Linux,
# byte code included).
FETCHED = {
    "base": {"linux": 20, "darwin": 8, "win32": 15},
    "dev": {"linux": 30, "darwin": 27, "win32": 24},
    "grader": {"linux": 1, "darwin": 1, "win32": 1},
    "guide": {"linux": 21, "darwin": 19, "win32": 20},
    "browser": {"linux": 54, "darwin": 49, "win32": 43},
    "export": {"linux": 1, "darwin": 1, "win32": 1},
}
ON_DISK = {"base": 95, "dev": 102, "grader": 2, "guide": 48, "browser": 175, "export": 6}
EMPTY = 24  # megabytes of a .venv with pip alone

OFFLINE = (
    "If this machine is offline: connect it, or name a mirror or a folder of wheels in pip's "
    "settings (PIP_INDEX_URL, PIP_FIND_LINKS), then run the same command again."
)
# What pip and venv say where people can do something about the cause, and what to do.
CAUSES = (
    (
        ("No space left on device", "There is not enough space", "Disk quota exceeded"),
        "The disk is full. Free some, then run the same command again: it carries on where it "
        "was interrupted.",
    ),
    (
        ("DO NOT MATCH THE HASHES",),
        "A package isn't the one that was pinned, so nothing of it was installed: a damaged "
        "download, or a mirror that holds another one. Try again; if that doesn't help, "
        "use another mirror (PIP_INDEX_URL).",
    ),
    (
        ("CERTIFICATE_VERIFY_FAILED", "certificate verify failed", "SSLError"),
        "The package index shows a certificate that this Python doesn't know. Behind a proxy that "
        "inspects traffic, name its certificate: PIP_CERT=/path/to/it.pem, then run the same "
        "command again.",
    ),
    (
        ("ProxyError", "Cannot connect to proxy", "407 Proxy"),
        "The proxy lets nothing through: see HTTPS_PROXY and pip's settings (`pip config list`), "
        "then run the same command again.",
    ),
    (
        ("Permission denied", "Read-only file system", "Access is denied"),
        "A folder can't be written. Put the checkout into a folder of your own, then run the same "
        "command there.",
    ),
)


def say(text):
    print(text, file=sys.stderr, flush=True)  # stdout belongs to the program that is run


def quoted(*words):
    """Words quoted for the shell of this system."""
    words = [str(word) for word in words]
    return subprocess.list2cmdline(words) if os.name == "nt" else shlex.join(words)


def interpreter():
    """The words that start this Python: its name where that alone does, else its path."""
    running = sys.executable or "python3"
    name = Path(running).stem if os.name == "nt" else Path(running).name
    found = shutil.which(name)
    # Compared without following links: a virtual environment's Python is one.
    if found and same(Path(found).parent, Path(running).parent):
        return name
    if os.name == "nt" and shutil.which("py") and same(launched(), running):
        return "py"
    return running


def launched():
    """The Python that the Windows launcher starts by default."""
    question = ["py", "-c", "import sys; print(sys.executable)"]
    done = subprocess.run(question, capture_output=True, encoding="utf-8", errors="replace")
    return done.stdout.strip() or "nothing"


def same(one, other):
    return os.path.normcase(Path(one).absolute()) == os.path.normcase(Path(other).absolute())


def typed(*words):
    """A command of dev.py for people to type, from the folder that they are in."""
    here = Path.cwd()
    script = SCRIPT.relative_to(here) if SCRIPT.is_relative_to(here) else SCRIPT
    # A placeholder isn't quoted.
    return " ".join([quoted(interpreter(), script), *map(str, words)])


def remedy_for(said, otherwise=OFFLINE):
    """What to do if pip or venv ended with these words."""
    for signs, remedy in CAUSES:
        if any(sign in said for sign in signs):
            return remedy
    return otherwise


def plan(levels, files, venv, fresh, seconds, free=None):
    """What a set-up will fetch, build and write, said before it begins.

    ``files``: the lists of packages by level. ``free``: megabytes on the disk; where they are too
    few, the program ends here, before anything is written.
    """
    fetched = sum(FETCHED[level][SYSTEM] for level in levels)
    disk = sum(ON_DISK[level] for level in levels) + (EMPTY if fresh else 0)
    lists = " ".join(f"requirements/{name}" for level in levels for name in files[level])
    lines = [
        f"fetches  about {fetched} MB with pip, less what its cache has: the packages pinned in "
        f"{lists}",
        "builds   the kernel, with this machine's C compiler; without one NumPy is used instead",
        f"writes   about {disk} MB into {venv}, and into pip's cache; nothing else on this machine "
        "is changed",
        f"takes    about {seconds} s besides the fetching; {typed('clean', '--all')} removes it",
    ]
    for line in lines:
        say(f"  {line}")
    if free is not None and free < disk:
        sys.exit(
            f"\nOnly {free:,.0f} MB are free on the disk of {venv.parent}, but {disk} MB are "
            "needed. Free some, or put the checkout on another disk, then run the same command "
            "again."
        )

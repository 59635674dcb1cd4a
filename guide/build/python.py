"""Brings Pyodide, Python for the page's cells, to guide/vendor-local and into a built site.

    python guide/build/python.py [SITE]
    python guide/build/python.py --fetch    # to guide/vendor-local alone

13 MB, in no repository and in no wheel: without it a cell says how to run its code in a terminal.
npm fetches the package, its digest is checked here, and only what the standard library needs is
kept.
"""

import hashlib
import io
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

GUIDE = Path(__file__).resolve().parent.parent
KEPT = GUIDE / "vendor-local" / "pyodide"
VERSION = "314.0.7"
SHA512 = (
    "d18bd7c4485f11da4b7dbfd790cd8114078c44eab488c517d9bcf31fda4eb6dc"
    "8c716930abe1db139bb2b860fcd8b37bcb6abe48dbe2ffa579244b0e943d91d4"
)
FILES = (
    "pyodide.mjs",
    "pyodide.asm.mjs",
    "pyodide.asm.wasm",
    "pyodide-lock.json",
    "python_stdlib.zip",
)


def is_here() -> bool:
    marked = KEPT / "version"
    return marked.is_file() and marked.read_text(encoding="utf-8") == VERSION


def bring() -> None:
    """Fetches the package with npm, unless it is here."""
    if is_here():
        return
    npm = shutil.which("npm")
    if npm is None:
        sys.exit("npm fetches Pyodide, and it is not installed. Install Node, then try again.")
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [npm, "pack", "--silent", f"pyodide@{VERSION}"],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
        )
        packed = Path(folder) / f"pyodide-{VERSION}.tgz"
        if done.returncode or not packed.is_file():
            sys.exit(f"npm could not fetch pyodide {VERSION}:\n{done.stdout.rstrip()}")
        content = packed.read_bytes()
    if hashlib.sha512(content).hexdigest() != SHA512:
        sys.exit(f"pyodide {VERSION} is not the package that was tried: its SHA-512 differs.")
    shutil.rmtree(KEPT, ignore_errors=True)
    KEPT.mkdir(parents=True)
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        for name in FILES:
            member = archive.extractfile(f"package/{name}")
            if member is None:
                sys.exit(f"pyodide {VERSION} has no {name}.")
            (KEPT / name).write_bytes(member.read())
    (KEPT / "version").write_text(VERSION, encoding="utf-8")  # last: now it is whole


def put(site: Path) -> None:
    """Copies it into a built site."""
    target = site / "pyodide"
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for name in FILES:
        shutil.copyfile(KEPT / name, target / name)


if __name__ == "__main__":
    bring()
    if sys.argv[1:] == ["--fetch"]:
        sys.exit()
    site = Path(sys.argv[1]) if sys.argv[1:] else GUIDE / "site"
    if not (site / "index.html").is_file():
        sys.exit(f"There is no built guide in {site}. Build it: python guide/build/assemble.py")
    put(site)
    size = sum(path.stat().st_size for path in (site / "pyodide").iterdir())
    print(f"Pyodide {VERSION} is in the site: {size:,} bytes")

"""Builds wheels, and uses each that this machine can run outside the checkout; and the sources.

`python scripts/dev.py wheel`, `wheels` and `sdist` set up what this needs and start it with .venv's
Python.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import urllib.request
import zipfile
from pathlib import Path

from dev import build_guide
from environment import ROOT, kernel_builder, pip, pip_install, program, quiet
from sbom import write as write_sbom
from telling import typed

WHEEL_LIMIT = 6 * 2**20  # bytes
# What an installed wheel must do in an empty directory, and what it then says somewhere.
SMOKE = (
    (["--version"], ""),
    (["doctor"], "works in float64"),
    (["train"], "sample  1: kamon"),
    (["sample", "--count", "3"], "sample  3: karai"),
    (["ladder"], "5"),
    (["speedrun"], "units"),  # a record that came with it
    (["guide", "--export", "guide.zip"], "wrote guide.zip: "),
)
SMOKE_LADDER = ["num docs: 32033", "vocab size: 27", "num params: 4192"]  # how rung 5 begins


def build_wheel(folder, **changes):
    """A wheel in a folder without any; checks its size and that what it must hold is in it."""
    quiet(
        [program("python"), "-m", "hatchling", "build", "-t", "wheel", "-d", folder],
        "The build settings are in pyproject.toml, the kernel is compiled by hatch_build.py.",
        cwd=ROOT,
        env={**os.environ, **changes},
    )
    (built,) = folder.glob("*.whl")
    size = built.stat().st_size
    if size > WHEEL_LIMIT:
        sys.exit(f"{built.name} has {size:,} bytes, the limit is {WHEEL_LIMIT:,}: see what grew.")
    inside = set(zipfile.ZipFile(built).namelist())
    if "MICROGPT_SBOM" in changes and not any(".dist-info/sboms/" in name for name in inside):
        sys.exit(f"{built.name} lacks its bill of materials: see hatch_build.py.")
    if "microgpt/share/requirements/grader.txt" not in inside:
        sys.exit(f"{built.name} lacks requirements/grader.txt: see pyproject.toml, tool.hatch.")
    for folder in ("data", "ladder", "guide/site", "recipes/speedrun"):
        for path in sorted((ROOT / folder).rglob("*")):
            name = path.relative_to(ROOT).as_posix()
            wanted = path.is_file() and "__pycache__" not in path.parts
            if wanted and f"microgpt/share/{name}" not in inside:
                sys.exit(f"{built.name} lacks {name}: see pyproject.toml, tool.hatch.")
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
        served = serve(microgpt, empty, env)
        if served != (ROOT / "guide" / "site" / "index.html").read_bytes():
            sys.exit("`microgpt guide` serves another start page than guide/site/index.html.")
        if first != SMOKE_LADDER:
            sys.exit(f"`microgpt ladder 5` begins with {first}, not with {SMOKE_LADDER}.")
    if kernel_in(wheel) and json.loads(found)["doctor"]["auto"] != "native":
        sys.exit(f"{found}\n{wheel.name} holds a kernel, but native does not work.")
    done = [*(" ".join(words) for words, _ in SMOKE), "ladder 5", "guide"]
    return ", ".join(f"`microgpt {words}`" for words in done)


def serve(microgpt, empty, env):
    """The start page that the installed guide serves."""
    with subprocess.Popen(
        [str(microgpt), "guide", "--port", "0", "--no-open"],
        cwd=empty,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        encoding="utf-8",
    ) as guide:
        try:
            address = re.search(r"http://127\.0\.0\.1:\d+/", guide.stdout.readline())
            if address is None:
                sys.exit("`microgpt guide` names no address.")
            direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
            with direct.open(address[0], timeout=30) as answer:
                return answer.read()
        finally:
            guide.terminate()


def made_dist(*kinds):
    """The folder dist, without what an earlier build left of these kinds."""
    dist = ROOT / "dist"
    dist.mkdir(exist_ok=True)
    for kind in kinds:
        for old in dist.glob(kind):
            old.unlink()
    return dist


def clear_dist():
    return made_dist("*.whl", "*.cdx.json", "LICENCES.md")


def bill(dist):
    """What a release is made of, written beside the wheels and put into each of them."""
    path = write_sbom(dist)
    print(f"dist/{path.name} and dist/LICENCES.md: what it is made of, and under which terms")
    return str(path)


def wheel():
    """Builds the wheel for this machine and uses it in a fresh environment."""
    dist = clear_dist()
    built = build_wheel(dist, MICROGPT_SBOM=bill(dist))
    done = smoke(built)
    print(f"dist/{built.name}: {built.stat().st_size:,} bytes; installed alone it ran {done}")


def wheels(names):
    """Builds the wheels of all platforms with zig; uses the one that this machine can run."""
    kernel = kernel_builder()
    if set(names) - set(kernel.TARGETS):
        sys.exit(f"usage: {typed('wheels')} [{'] ['.join(kernel.TARGETS)}]")
    dist = clear_dist()
    made_of = bill(dist)
    here = kernel.this_machine()
    for name in names or kernel.TARGETS:
        target = kernel.TARGETS[name]
        with tempfile.TemporaryDirectory() as folder:
            built = build_wheel(Path(folder), MICROGPT_TARGET=name, MICROGPT_SBOM=made_of)
            if kernel_in(built) != (target.system, target.family):
                sys.exit(f"{built.name} holds a kernel for {kernel_in(built)}, not for {name}.")
            built = Path(shutil.copy(built, dist))
        if (target.system, target.family) == (here.system, here.family):
            said = f"installed alone it ran {smoke(built)}"
        else:
            said = "UNTESTED: nothing here can run it"
        print(f"dist/{built.name}: {built.stat().st_size:,} bytes; {said}", flush=True)


def sdist():
    """Builds the source distribution, which must hold what git has, and a wheel from it."""
    dist = made_dist("*.tar.gz")
    build = [program("python"), "-m", "hatchling", "build", "-d"]
    remedy = "The build settings are in pyproject.toml, the kernel is compiled by hatch_build.py."
    quiet([*build, dist, "-t", "sdist"], remedy, cwd=ROOT)
    (built,) = dist.glob("*.tar.gz")
    with tarfile.open(built) as archive:
        inside = {name.partition("/")[2] for name in archive.getnames()} - {"PKG-INFO"}
    listed = quiet(["git", "ls-files", "-z"], "A release is built in a git checkout.", cwd=ROOT)
    tracked = set(listed.split("\0")) - {""}
    for names, told in (
        (inside - tracked, "holds {}, which git doesn't: commit it, or put it elsewhere."),
        (tracked - inside, "lacks {}, which git has: see pyproject.toml, tool.hatch.build."),
    ):
        if names:
            sys.exit(f"{built.name} {told.format(', '.join(sorted(names)[:3]))}")
    with tempfile.TemporaryDirectory() as folder:
        quiet([program("python"), "-m", "tarfile", "-e", built, folder], remedy)
        (unpacked,) = Path(folder).iterdir()
        env = {**os.environ, "MICROGPT_NO_KERNEL": "1"}
        quiet([*build, folder, "-t", "wheel"], remedy, cwd=unpacked, env=env)
    print(f"dist/{built.name}: {built.stat().st_size:,} bytes; a wheel was built out of it")


if __name__ == "__main__":
    kind, *names = sys.argv[1:]
    if kind == "sdist":
        sdist()
    else:
        build_guide()
        wheels(names) if kind == "wheels" else wheel()

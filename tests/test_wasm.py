"""The kernel for browsers: what is committed is what its sources say, and it passes its tests."""

import hashlib
import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from microgpt.engines.native import build
from patience import SLOW_PATIENCE

ROOT = Path(__file__).resolve().parent.parent
JS = ROOT / "guide" / "js"
MANIFEST = json.loads((JS / "kernel.manifest.json").read_text(encoding="utf-8"))
WASM = (JS / "kernel.wasm").read_bytes()


def run(*command: str | Path) -> None:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=SLOW_PATIENCE)
    assert done.returncode == 0, (done.stdout + done.stderr)[-5000:]


def test_kernel_is_made_from_these_sources() -> None:
    assert MANIFEST["sources_sha256"] == build.digest(), "the kernel has changed: run `make wasm`"


def test_manifest_describes_the_file() -> None:
    assert MANIFEST["sha256"] == hashlib.sha256(WASM).hexdigest()
    assert MANIFEST["bytes"] == len(WASM) <= 72 * 1024
    assert MANIFEST["sources_sha256"].encode() in WASM
    pins = (ROOT / "requirements" / "native.txt").read_text(encoding="utf-8")
    (version,) = re.findall(r"^ziglang==(\S+)", pins, re.M)
    assert MANIFEST["compiler"] == f"ziglang {version}"
    assert "fast-math" not in MANIFEST["flags"]


@pytest.mark.parametrize("page", ["README.md", "guide/pages/learn/questions.md"])
def test_texts_name_the_size_of_the_file(page: str) -> None:
    """`make wasm` writes it there."""
    said = re.findall(
        r"(?:`kernel\.wasm` \(|compiled kernel of )(\d+) KB", (ROOT / page).read_text("utf-8")
    )
    assert said == [f"{len(WASM) / 1000:.0f}"], "run `make wasm`"


def test_lock_names_no_place() -> None:
    lock = json.loads((ROOT / "package-lock.json").read_text(encoding="utf-8"))
    for package in lock["packages"].values():
        package.pop("funding", None)  # its authors' own address, not where it comes from
    assert "://" not in json.dumps(lock)
    assert not [name for name, package in lock["packages"].items() if "resolved" in package]
    assert "omit-lockfile-registry-resolved=true" in (ROOT / ".npmrc").read_text("utf-8")


@pytest.mark.slow
def test_kernel_compiles_to_the_same_bytes(require: Callable[[str], ModuleType]) -> None:
    require("ziglang")
    run(sys.executable, ROOT / "scripts" / "make_wasm.py", "--check")


@pytest.mark.slow
def test_in_node(require_program: Callable[[str], str]) -> None:
    tests = sorted(JS.glob("test/*.test.js"))
    assert tests
    run(require_program("node"), "--test", *tests)


@pytest.mark.slow
def test_types(require_program: Callable[[str], str]) -> None:
    """tsc reads the types in the comments; `npm ci` fetches it."""
    run(
        require_program(str(ROOT / "node_modules" / ".bin" / "tsc")),
        "--project",
        JS / "tsconfig.json",
    )

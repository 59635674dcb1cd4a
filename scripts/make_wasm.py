"""Compiles the C kernel for browsers: guide/js/kernel.wasm, and a manifest of what it is made from.

    python scripts/make_wasm.py            # writes both, and the size into the texts that name it
    python scripts/make_wasm.py --check    # compiles again and compares bytes, writes nothing

The module is committed, so that neither readers nor the wheel need a compiler. It holds the kernel
for float32 and float64, in vectors of 16 bytes, imports nothing, and comes out the same byte for
byte wherever this version of the compiler runs.
"""

import argparse
import hashlib
import importlib.metadata
import importlib.util
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NATIVE = ROOT / "src" / "microgpt" / "engines" / "native"
WASM = ROOT / "guide" / "js" / "kernel.wasm"
MANIFEST = WASM.with_name("kernel.manifest.json")

COMPILER = "0.17.0"  # of the PyPI package ziglang, as in requirements/native.txt
LEVEL = "simd128"
LIMIT = 72 * 1024  # bytes
TOLD = {  # where the size stands in a text, in thousands of bytes
    ROOT / "README.md": r"(?<=`kernel\.wasm` \()\d+(?= KB)",
    ROOT / "guide" / "pages" / "learn" / "questions.md": r"(?<=a compiled kernel of )\d+(?= KB)",
}
FLAGS = (
    "-target",
    "wasm32-freestanding",
    "-msimd128",
    "-std=gnu11",
    "-flto",
    "-Os",  # 5 % slower than -O3 and half as large: the loops that count are unrolled by hand
    "-Xclang",
    "-Oz",
    "-mllvm",
    "-disable-lsr",
    "-fno-inline-functions",  # but those marked INLINE: small functions are compiled sooner
    "-ffp-contract=off",
    "-fno-math-errno",
    "-fno-trapping-math",
    "-fvisibility=hidden",
    "-Wall",
    "-Wextra",
    "-Wno-psabi",
    "-Wno-unused-function",
)  # as in native/build.py no -ffast-math
LINK = (
    "--no-entry",
    "--export-dynamic",
    "--export=__heap_base",  # where memory is free: kernel.js puts the model there
    "--stack-first",  # lowest of all, so that an overflow traps and writes over nothing
    "-zstack-size=65536",
    "--strip-all",
    "--compress-relocations",
    "-O2",
    "--lto-O2",
    "-mllvm=-disable-lsr",
    "-mllvm=-enable-merge-functions",  # what float32 and float64 share exists once
)


def source_digest():
    """What native/build.py says of the sources, without importing the package (or NumPy)."""
    spec = importlib.util.spec_from_file_location("microgpt_native_build", NATIVE / "build.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.digest()


def refuse_other_compilers():
    try:
        found = importlib.metadata.version("ziglang")
    except importlib.metadata.PackageNotFoundError:
        found = "none"
    if found != COMPILER:
        sys.exit(
            f"The compiler must be ziglang {COMPILER}, here is {found}. Install it (100 MB):\n"
            f"  {sys.executable} -m pip install --require-hashes -r requirements/native.txt"
        )


def compiled(digest):
    """The module's bytes."""
    with tempfile.TemporaryDirectory(prefix="microgpt-wasm-") as name:
        folder = Path(name)
        env = {**os.environ, "ZIG_LOCAL_CACHE_DIR": name, "ZIG_GLOBAL_CACHE_DIR": name}

        def zig(*words):
            command = [sys.executable, "-m", "ziglang", *map(str, words)]
            done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True)
            if done.returncode:
                sys.exit(f"{done.stderr}\nThat failed: {' '.join(command)}")
            if done.stderr.strip():
                print(done.stderr, file=sys.stderr)

        parts = [
            ("kernel.c", "f32.o", ("-DREAL_BITS=32", f"-DMG_LEVEL={LEVEL}")),
            ("kernel.c", "f64.o", ("-DREAL_BITS=64", f"-DMG_LEVEL={LEVEL}")),
            ("dispatch.c", "dispatch.o", (f'-DMG_SOURCES="{digest}"',)),
        ]
        for source, target, defines in parts:
            zig("cc", *FLAGS, *defines, "-c", NATIVE / "kernel" / source, "-o", target)
        zig("wasm-ld", *LINK, *(target for _, target, _ in parts), "-o", "kernel.wasm")
        return (folder / "kernel.wasm").read_bytes()


def manifest(digest, wasm):
    """The text of kernel.manifest.json."""
    content = {
        "about": "kernel.wasm, made by `make wasm` from src/microgpt/engines/native/kernel",
        "sources_sha256": digest,
        "compiler": f"ziglang {COMPILER}",
        "flags": " ".join(FLAGS),
        "link": " ".join(LINK),
        "bytes": len(wasm),
        "sha256": hashlib.sha256(wasm).hexdigest(),
    }
    return json.dumps(content, indent=2) + "\n"


def texts_with_size(size):
    """The texts of ``TOLD`` by path, with this size in them."""
    result = {}
    for path, place in TOLD.items():
        result[path], count = re.subn(place, f"{size / 1000:.0f}", path.read_text("utf-8"))
        if count != 1:
            sys.exit(f"{path.relative_to(ROOT)} names the size {count} times, must once: {place}")
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    check = parser.parse_args().check
    refuse_other_compilers()
    digest = source_digest()
    wasm = compiled(digest)
    if source_digest() != digest:
        sys.exit("The sources changed while they were compiled: run this again.")
    if len(wasm) > LIMIT:
        sys.exit(f"kernel.wasm would have {len(wasm):,} bytes, {LIMIT:,} are allowed.")
    text = manifest(digest, wasm)
    texts = texts_with_size(len(wasm))
    if check:
        same = WASM.read_bytes() == wasm and MANIFEST.read_text(encoding="utf-8") == text
        if not same:
            sys.exit("guide/js/kernel.wasm isn't what its sources compile to: run `make wasm`.")
        for path, wanted in texts.items():
            if path.read_text(encoding="utf-8") != wanted:
                sys.exit(f"{path.relative_to(ROOT)} names another size: run `make wasm`.")
        print(f"guide/js/kernel.wasm is what its sources compile to: {len(wasm):,} bytes")
        return
    WASM.write_bytes(wasm)
    MANIFEST.write_text(text, encoding="utf-8", newline="\n")
    for path, wanted in texts.items():
        path.write_text(wanted, encoding="utf-8", newline="\n")
    print(f"guide/js/kernel.wasm: {len(wasm):,} bytes, float32 and float64")


if __name__ == "__main__":
    main()

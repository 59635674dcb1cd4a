"""Makes guide/fonts: five small fonts from four open ones, and a manifest of what they hold.

    python scripts/make_fonts.py            # writes both
    python scripts/make_fonts.py --check    # makes them again and compares, writes nothing

The fonts are committed, so that nobody else needs these packages. npm and pip fetch them, in the
versions named here and with the bytes named here; they and the tools are kept in a temporary
folder. The same packages give the same bytes. guide/build/fonts.py says which characters are kept.
"""

import argparse
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "guide" / "build"))

import fonts

MANIFEST = fonts.FONTS / "fonts.manifest.json"
TOOLS = ("fonttools==4.68.0", "brotli==1.2.1")
# Kind of package, name, version, SHA-256 of what the registry serves.
PACKAGES = {
    "inter": (
        "npm",
        "inter-ui",
        "4.1.1",
        "e392e4d71f18a7c1f23dfecd833d68fa05eeab41862686584e80fd2b5d87e9c0",
    ),
    "serif": (
        "npm",
        "source-serif",
        "4.5.1",
        "19a448df98f4aa777de3452b0a1e29aa7ffe29252fe552c8a2d2531702d80746",
    ),
    "code": (
        "npm",
        "source-code-pro",
        "2.42.0",
        "51f898e0712c5f1b3f583b63c9ab7d51daaa9bae1d4c8dc63dc2a4b6a72d7ae4",
    ),
    "stix": (
        "PyPI",
        "ziamath",
        "0.13",
        "67a9b9714101fc90c2d6d0328e578f3ac311fb007644f2bbb9314ba2bc1c1459",
    ),
}
# Face: name inside the file, package, file in it, axes kept, features kept.
SPACING = ("kern", "mark", "mkmk", "ccmp", "locl")
WEIGHTS = (400, 700)
FACES = {
    "sans": (
        "Guide Sans",
        "inter",
        "package/variable/InterVariable.woff2",
        {"wght": WEIGHTS, "opsz": 14},
        (*SPACING, "tnum"),
    ),
    "serif": (
        "Guide Serif",
        "serif",
        "package/VAR/SourceSerif4Variable-Roman.ttf",
        {"wght": WEIGHTS, "opsz": 14},
        (*SPACING, "liga"),
    ),
    "serif-italic": (
        "Guide Serif Italic",
        "serif",
        "package/VAR/SourceSerif4Variable-Italic.ttf",
        {"wght": 400, "opsz": 14},
        (*SPACING, "liga"),
    ),
    "mono": (
        "Guide Mono",
        "code",
        "package/VF/SourceCodeVF-Upright.ttf",
        {"wght": 400},
        ("ccmp", "locl"),
    ),
    "maths": ("Guide Maths", "stix", "ziamath/fonts/STIXTwoMath-Regular.ttf", {}, ()),
}


def run(*command, **options):
    done = subprocess.run(
        [str(word) for word in command], capture_output=True, text=True, **options
    )
    if done.returncode:
        sys.exit(f"{done.stdout}{done.stderr}\nThat failed: {command}")


def with_tools():
    """This program again, in an environment that has the tools."""
    with tempfile.TemporaryDirectory(prefix="microgpt-fonts-") as name:
        run(sys.executable, "-m", "venv", name)
        python = Path(name) / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
        run(python, "-m", "pip", "install", "--quiet", *TOOLS)
        env = {**os.environ, "MICROGPT_FONT_TOOLS": "1"}
        return subprocess.call([str(python), *sys.argv], env=env)


def fetched(key, folder):
    """A package's bytes, unpacked into a folder that is returned."""
    kind, name, version, digest = PACKAGES[key]
    target = folder / key
    target.mkdir()
    if kind == "npm":
        npm = shutil.which("npm") or sys.exit("npm, which fetches the fonts, isn't installed.")
        run(npm, "pack", "--silent", f"{name}@{version}", cwd=target)
    else:
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        run(*pip, "--only-binary=:all:", f"{name}=={version}", cwd=target)
    (archive,) = target.iterdir()
    found = hashlib.sha256(archive.read_bytes()).hexdigest()
    if found != digest:
        sys.exit(f"{name} {version} has the SHA-256 {found}, not {digest}")
    if archive.suffix == ".whl":
        zipfile.ZipFile(archive).extractall(target)
    else:
        with tarfile.open(archive) as packed:
            packed.extractall(target, filter="data")
    return target


def rename(font, name):
    """Its own name, since altered fonts must not bear the original's; notices stay."""
    table = font["name"]
    table.names = [record for record in table.names if record.nameID in (0, 7, 13, 14)]
    for number, text in ((1, name), (2, "Regular"), (4, name), (6, name.replace(" ", ""))):
        table.setName(text, number, 3, 1, 0x409)


def made(path, name, axes, features, characters):
    """A font with nothing but these characters: its bytes, and the characters that it has."""
    from fontTools import subset
    from fontTools.ttLib import TTFont
    from fontTools.varLib.instancer import instantiateVariableFont

    font = TTFont(path, recalcTimestamp=False)
    options = subset.Options()
    options.layout_features = list(features)
    options.hinting = False
    options.name_IDs = ["*"]
    options.notdef_outline = True
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=[ord(character) for character in characters])
    subsetter.subset(font)
    font = reread(font)
    if axes:
        font = reread(instantiateVariableFont(font, axes))
    rename(font, name)
    if "STAT" in font:  # tells of names that are gone; Firefox says so on each page
        del font["STAT"]
    kept = "".join(sorted(map(chr, font.getBestCmap())))
    font.flavor = "woff2"
    out = io.BytesIO()
    font.save(out)
    return out.getvalue(), kept


def reread(font):
    """The same font, read from the bytes that it makes: nothing in it is half done."""
    from fontTools.ttLib import TTFont

    font.flavor = None
    out = io.BytesIO()
    font.save(out)
    out.seek(0)
    return TTFont(out, recalcTimestamp=False)


def make_all(folder):
    """Bytes by file name, and the text of the manifest."""
    places = {key: fetched(key, folder) for key in PACKAGES}
    wanted = fonts.wanted()
    files, faces = {}, {}
    for face, (name, key, inner, axes, features) in FACES.items():
        path = places[key] / inner
        data, kept = made(path, name, axes, features, wanted[face])
        kind, package, version, digest = PACKAGES[key]
        files[f"{face}.woff2"] = data
        faces[face] = {
            "file": f"{face}.woff2",
            "bytes": len(data),
            "sha256": hashlib.sha256(data).hexdigest(),
            "package": f"{package} {version} ({kind})",
            "package_sha256": digest,
            "made_from": inner,
            "axes": axes,
            "characters": kept,
        }
    content = {
        "about": "the guide's fonts, made by scripts/make_fonts.py; licence in OFL.txt",
        "tools": " ".join(TOOLS),
        "faces": faces,
    }
    return files, json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    check = parser.parse_args().check
    if "MICROGPT_FONT_TOOLS" not in os.environ:
        sys.exit(with_tools())
    with tempfile.TemporaryDirectory(prefix="microgpt-fonts-") as name:
        files, text = make_all(Path(name))
    total = sum(map(len, files.values()))
    if total > fonts.LIMIT:
        sys.exit(f"the fonts would have {total:,} bytes; at most {fonts.LIMIT:,} are allowed")
    said = ", ".join(f"{name} {len(data):,}" for name, data in files.items())
    if check:
        same = MANIFEST.read_text(encoding="utf-8") == text and all(
            (fonts.FONTS / name).read_bytes() == data for name, data in files.items()
        )
        if not same:
            sys.exit("guide/fonts isn't what its packages make: run scripts/make_fonts.py")
        print(f"guide/fonts is what its packages make: {total:,} bytes")
        return
    for name, data in files.items():
        (fonts.FONTS / name).write_bytes(data)
    MANIFEST.write_text(text, encoding="utf-8", newline="\n")
    print(f"guide/fonts: {total:,} bytes ({said})")


if __name__ == "__main__":
    main()

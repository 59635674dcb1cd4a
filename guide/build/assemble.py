"""Builds the guide's site: pages by Zensical, then scripts, styles, files, paths and checks.

    python guide/build/assemble.py [FOLDER]

Everything is made in a temporary folder, which takes the place of guide/site (or FOLDER) only when
it passed the checks. Nothing in it names another server, this machine or the time.
"""

import json
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Any

import checking
import colab
import fonts
import formulas
import llms
import mapstrip
import notebook
import paths
import searching
import sheets
import sitemap
import sources
import stills
import terms
import tints

GUIDE = Path(__file__).resolve().parent.parent
ROOT = GUIDE.parent
SITE = GUIDE / "site"
LISTS = ("names", "words", "dinosaurs")  # the running text is long, and no page has it yet
# What pages and widgets fetch or offer for download, by its place in the site.
FILES = {
    **{f"files/{name}.txt": ROOT / "data" / f"{name}.txt" for name in LISTS},
    "files/model.json": ROOT / "data" / "model.json",
    "files/trace.json": ROOT / "conformance" / "trace.json",
    **{f"files/{p.name}": p for p in sorted((ROOT / "ladder").glob("train*.py"))},
    **{f"files/{p.name}": p for p in sorted((GUIDE / "downloads").glob("*.*"))},
}
SHIPPED = {
    ".css",
    ".js",
    ".json",
    ".mjs",
    ".svg",
    ".txt",
    ".wasm",
    ".woff2",
}  # of the folders below
FOLDERS = ("css", "data", "fonts", "img", "js", "widgets")


def make_pages(work: Path) -> Path:
    """Zensical's output for the pages as they stand."""
    for name in ("pages", "theme"):
        shutil.copytree(GUIDE / name, work / name)
    shutil.copy(GUIDE / "mkdocs.yml", work)
    env = {**os.environ, "PYTHONPATH": str(GUIDE / "build"), "NO_COLOR": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "zensical", "build", "--strict", "-f", "mkdocs.yml"],
        cwd=work,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
    )
    if done.returncode:
        said, _, trace = done.stdout.partition("Traceback")
        why = [line for line in trace.splitlines() if re.match(r"[\w.]*(Error|Problem): ", line)]
        raise checking.Problem("\n".join(["Zensical refuses the pages:", said, *why]))
    site = work / "site"
    for extra in ("404.html", "sitemap.xml"):  # both need to know where the site will stand
        (site / extra).unlink(missing_ok=True)
    return site


def copy_parts(site: Path) -> None:
    """Scripts, styles and files, without tests and settings."""
    for folder in FOLDERS:
        for path in sorted((GUIDE / folder).rglob("*")):
            inner = path.relative_to(GUIDE)
            if "test" in inner.parts or path.name == "tsconfig.json":
                continue
            if path.is_file() and path.suffix in SHIPPED:
                (site / inner).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, site / inner)
    for place, path in FILES.items():
        (site / place).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, site / place)


def floats_of(model: dict[str, Any]) -> bytes:
    """A model's numbers in the order of its state dict, 4 bytes each: a picture needs no more."""
    rows = [row for matrix in model["state_dict"].values() for row in matrix]
    numbers = [x for row in rows for x in row]
    return struct.pack(f"<{len(numbers)}f", *numbers)


def make_files(site: Path) -> None:
    """What is made of other files: the assignment's kit, banned words, the notebook, the model."""
    sys.path.insert(0, str(ROOT / "src"))
    from microgpt.assignment.kit.files import kit_zip

    (site / "files" / "assignment.zip").write_bytes(kit_zip())
    policy = tomllib.loads((ROOT / "data" / "fruits.toml").read_text(encoding="utf-8"))
    (site / "files" / "fruits.json").write_text(json.dumps(policy), encoding="utf-8")
    (site / "files" / "microgpt.ipynb").write_text(notebook.text(), encoding="utf-8")
    model = json.loads((ROOT / "data" / "model.json").read_text(encoding="utf-8"))
    (site / "files" / "model.f32").write_bytes(floats_of(model))


def widget_modules() -> dict[str, str]:
    """For each custom element the module of guide/widgets or guide/js/kit that defines it."""
    modules: dict[str, str] = {}
    define = re.compile(r"""\bdefine\(\s*["'`](mg-[a-z0-9-]+)["'`]""")
    for path in [*sorted(GUIDE.glob("widgets/*.js")), *sorted(GUIDE.glob("js/kit/*.js"))]:
        name = path.relative_to(GUIDE).as_posix()
        for element in define.findall(path.read_text(encoding="utf-8")):
            if modules.setdefault(element, name) != name:
                raise checking.Problem(f"<{element}> is defined in {modules[element]} and {name}")
    return modules


def name_modules(text: str, up: str, modules: dict[str, str]) -> str:
    """Each element's tag says which module brings it to life, and a widget's that it's a figure."""

    def with_module(found: re.Match[str]) -> str:
        module = modules.get(found[1])
        if not module:
            return found[0]
        figure = " data-figure" if module.startswith("widgets/") else ""
        return f'{found[0]}{figure} data-module="{up}{module}"'

    return re.sub(r"<(mg-[a-z0-9-]+)(?=[\s>])", with_module, text)


def finish_pages(site: Path, known: sitemap.Sitemap) -> None:
    modules = widget_modules()
    for path in sorted(site.rglob("index.html")):
        name = path.parent.relative_to(site).as_posix()
        page = known.pages.get("index" if name == "." else name)
        if page is None:
            raise checking.Problem(f"{name} is not in guide/notes/sitemap.md")
        if not page.is_built:
            raise checking.Problem(f"{name} has a page, and the sitemap calls it {page.state}")
        up = "../" * len(path.parent.relative_to(site).parts) or "./"
        text = path.read_text(encoding="utf-8")
        text = name_modules(text, up, modules)
        text = mapstrip.put(text, known, page.page, up)
        text = stills.put(text)
        text = text.replace(
            "<!-- styles -->",
            "\n".join(
                f'<link rel="stylesheet" href="{up}css/{sheet}">'
                for sheet in sheets.wanted(site, path, text)
            ),
        )
        text = text.replace("<!-- fonts -->", fonts.preloads(page.page, text, up))
        text = text.replace("<th></th>", "<td></td>")  # an empty corner heads nothing
        text = formulas.joined(text)
        text = terms.mark(text, page.page, up)
        text = tints.mark(text, page.page)
        text = colab.in_page(text, colab.address())
        foot = sources.line(page.page, up) + paths.foot(known, page, up)
        text = text.replace("<!-- paths -->", foot)
        path.write_text(text, encoding="utf-8")


def build(target: Path = SITE) -> list[str]:
    """Builds the site; returns what the checks found, one line each."""
    known = sitemap.read()
    with tempfile.TemporaryDirectory(prefix="microgpt-guide-") as folder:
        site = make_pages(Path(folder))
        copy_parts(site)
        make_files(site)
        searching.write(site)
        finish_pages(site, known)
        llms.write(site, known)
        said = checking.check(site, known)
        put(site, target)
    return said


def put(site: Path, target: Path) -> None:
    """The new site in the place of the old one, which is removed last."""
    new, old = (target.with_name(f"{target.name}.{word}") for word in ("new", "old"))
    for leftover in (new, old):
        shutil.rmtree(leftover, ignore_errors=True)
    shutil.copytree(site, new)
    if target.exists():
        target.rename(old)
    new.rename(target)
    shutil.rmtree(old, ignore_errors=True)


if __name__ == "__main__":
    try:
        for line in build(Path(sys.argv[1]) if sys.argv[1:] else SITE):
            print(line)
    except (checking.Problem, ValueError) as error:
        sys.exit(str(error))

"""llms.txt and llms-full.txt: what a language model needs to answer questions about this code.

The first is a list in the form of llmstxt.org: what microgpt is, its modules, and every page with
a line on it. The second is the text: every module with a line, every page as Markdown, and the
program that it is all about. Addresses in both are relative to the site's root, since the site may
stand anywhere.
"""

import ast
import re
from pathlib import Path

import commands
import docstrings
import plain
import sitemap

ROOT = docstrings.ROOT
FULL = "llms-full.txt"
WAYS = ("index", *sitemap.PATHS, "about")
PROGRAMS = {
    "files/microgpt.ipynb": "the whole GPT as a notebook, with the names inside it",
    "files/model.json": "the trained reference model: 4,192 numbers by name",
    "files/names.txt": "32,033 first names, what the reference run is trained on",
    "files/sampler.py": "writes names with model.json, in Python without a library",
    "files/sampler.mjs": "the same in JavaScript, for Node",
}


def readme() -> str:
    return (ROOT / "README.md").read_text(encoding="utf-8")


def summary() -> str:
    """What microgpt is: the first paragraph of README."""
    return " ".join(readme().split("\n\n")[1].split())


def walk() -> list[tuple[str, str]]:
    """The modules in reading order, each with what is new in it: the table of README."""
    rows = re.findall(r"^\| \d \| \[`(\w+)\.py`\]\([^)]*\) \| (.+) \|$", readme(), re.M)
    return [(f"microgpt.{name}", about) for name, about in rows]


def from_python() -> str:
    """README's few lines of Python."""
    (block,) = re.findall(r"^```python\n.*?^```$", readme(), re.M | re.S)
    return str(block)


def modules() -> list[tuple[str, str]]:
    """Every module of the package with the first line of its docstring, in order of their names."""
    source = ROOT / "src"
    found = []
    for path in (source / "microgpt").rglob("*.py"):
        parts = path.relative_to(source).with_suffix("").parts
        about = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
        name = ".".join(part for part in parts if part != "__init__")
        found.append((name, about.partition("\n")[0]))
    return sorted(found)


def rungs() -> list[tuple[str, str]]:
    """The programs of the ladder with the first line of their docstrings."""
    found = []
    for path in sorted((ROOT / "ladder").glob("train*.py")):
        about = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
        found.append((f"files/{path.name}", about.partition("\n")[0]))
    return found


def opening() -> list[str]:
    """The beginning of both files: title, summary, modules, and the way in from Python."""
    return [
        "# microgpt",
        "",
        f"> {summary()}",
        "",
        "A GPT on characters with 4,192 parameters, as ten standalone programs (`ladder/`), as a "
        "Python package with a command (`src/microgpt/`), and as a guide for the browser. It needs "
        "Python 3.11 or newer. `microgpt train` trains it on 32,033 first names, `microgpt sample` "
        "writes new ones, `microgpt guide` serves the guide.",
        "",
        "The package in reading order:",
        "",
        *(f"- `{name}`: {about}" for name, about in walk()),
        "",
        "From Python:",
        "",
        *from_python().split("\n"),
        "",
    ]


def groups(known: sitemap.Sitemap) -> dict[str, list[sitemap.Page]]:
    """The built pages by their place in the list, each in one."""
    found: dict[str, list[sitemap.Page]] = {
        name: [] for name in ("Reference", "Ways through the guide", "The guide", "Optional")
    }
    for page in known.pages.values():
        if not page.is_built:
            continue
        if page.page.startswith("reference/") or page.page == "glossary":
            found["Reference"].append(page)
        elif page.page in WAYS:
            found["Ways through the guide"].append(page)
        elif page.page.startswith("learn/"):
            found["The guide"].append(page)
        else:
            found["Optional"].append(page)
    return found


def entry(name: str, url: str, about: str) -> str:
    return f"- [{name}]({url}): {about}"


def listed(known: sitemap.Sitemap) -> str:
    """The text of llms.txt."""
    lines = opening()
    for heading, pages in groups(known).items():
        lines += [f"## {heading}", ""]
        if heading == "Reference":
            about = "every page below as Markdown, and every module with a line on it"
            lines.append(entry("The whole text", FULL, about))
        if heading == "Optional":
            lines[-2:-2] = command_lines() + program_lines()
        lines += [entry(p.name, p.url or "./", plain.description(p.page)) for p in pages]
        lines.append("")
    return "\n".join(lines).rstrip("\n") + "\n"


def command_lines() -> list[str]:
    lines = ["## Commands", ""]
    for name, about in commands.listed().items():
        lines.append(entry(f"microgpt {name}", f"reference/command/#{name}", about))
    return [*lines, ""]


def program_lines() -> list[str]:
    lines = ["## Programs and data", ""]
    named = [*rungs(), *PROGRAMS.items()]
    return [*lines, *(entry(Path(url).name, url, about) for url, about in named), ""]


def whole(known: sitemap.Sitemap) -> str:
    """The text of llms-full.txt."""
    lines = [*opening(), "## Modules", ""]
    lines += [f"- `{name}`: {about.replace('``', '`')}" for name, about in modules()]
    for pages in groups(known).values():
        for page in pages:
            lines += ["", "---", "", f"Page: {page.url or './'}", ""]
            lines.append(plain.page_text(page.page).rstrip("\n"))
    program = (ROOT / "ladder" / "train5.py").read_text(encoding="utf-8").rstrip("\n")
    lines += ["", "---", "", "Program: files/train5.py, the whole GPT", "", "```python"]
    lines += [program, "```"]
    return "\n".join(lines) + "\n"


def write(site: Path, known: sitemap.Sitemap) -> None:
    """Both files into a site."""
    (site / "llms.txt").write_text(listed(known), encoding="utf-8", newline="\n")
    (site / FULL).write_text(whole(known), encoding="utf-8", newline="\n")

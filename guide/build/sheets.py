"""Which of the style sheets a page needs.

Every page has the sheets of ``COMMON``. Another one is linked where the page and the modules of its
widgets name all classes and custom elements of one of its rules.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import checking

GUIDE = Path(__file__).resolve().parent.parent
COMMON = (
    "fonts.css",
    "tokens.css",
    "site.css",
    "map.css",
    "code.css",
    "controls.css",
    "frame.css",
    "kit.css",
)
WORD = re.compile(r"[a-z][\w-]*")


def selectors(path: Path) -> list[str]:
    """What a sheet has rules for; rules within rules are left out, they need the outer one."""
    text = re.sub(r"/\*.*?\*/", "", path.read_text(encoding="utf-8"), flags=re.S)
    heads: list[str] = []
    inside: list[str] = []  # what is open: rules, and blocks such as @media
    for before, brace in re.findall(r"([^{};]*)([{};])", text):
        if brace == "}":
            inside.pop()
        elif brace == "{":
            head = " ".join(before.split())
            if not head.startswith("@") and all(outer.startswith("@") for outer in inside):
                heads += [part.strip() for part in re.split(r",(?![^(]*\))", head)]
            inside.append(head)
    return heads


def spelled_out(selector: str) -> list[str]:
    """The selector once for each choice that `:is()` leaves."""
    choice = re.search(r":(?:is|where)\(([^()]*)\)", selector)
    if not choice:
        return [selector]
    before, after = selector[: choice.start()], selector[choice.end() :]
    return [one for part in choice[1].split(",") for one in spelled_out(f"{before}{part}{after}")]


def names(selector: str) -> frozenset[str]:
    """Classes and custom elements that a page must have for the rule; those behind :not() aside."""
    found = re.findall(r"\.([a-z][\w-]*)|\b(mg-[a-z0-9-]+)", re.sub(r":not\([^)]*\)", "", selector))
    return frozenset(a or b for a, b in found) - {"js"}


@cache
def special() -> dict[str, list[frozenset[str]]]:
    """For each sheet but the common ones: the names of each of its rules."""
    others = sorted(p for p in (GUIDE / "css").glob("*.css") if p.name not in COMMON)
    return {
        path.name: [names(one) for rule in selectors(path) for one in spelled_out(rule)]
        for path in others
    }


def wanted(site: Path, page: Path, text: str) -> list[str]:
    """The sheets of a page behind those of the site, in the order of their names."""
    modules = [
        checking.target_of(site, page, m) for m in re.findall(r'data-module="([^"]+)"', text)
    ]
    start = [*filter(None, modules), *sorted((site / "js" / "site").glob("*.js"))]
    sources = checking.closure(site, [path.resolve() for path in start], [])
    words = set(WORD.findall(text))
    for path in sources:
        words |= words_of(path, path.stat().st_mtime_ns)
    found = [name for name, rules in special().items() if any(rule <= words for rule in rules)]
    return sorted(["kit.css", *found])


@cache
def words_of(path: Path, _changed: int) -> set[str]:
    text = path.read_text(encoding="utf-8")
    return set(WORD.findall(re.sub(r"/\*.*?\*/|^\s*//[^\n]*$", "", text, flags=re.S | re.M)))

"""The questions that ask for a guess: a name for each, and a file of all of them.

A `<mg-predict>` is called after its page, the second of a page with `-2`. Its name stands in the
code of a guess, and `files/questions.json` says to the page that counts the codes what was asked.
"""

from __future__ import annotations

import html
import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import sitemap

PREDICT = re.compile(r"<mg-predict\b([^>]*)>(.*?)</mg-predict>", re.S)
NAMED = re.compile(r'<mg-predict\b[^>]* name="[^>]*>.*?</mg-predict>', re.S)
UNNAMED = re.compile(r'<mg-predict\b(?![^>]* name=")')
MADE = re.compile(r"<span data-made[^>]*>(.*?)</span>", re.S)  # of the page's own lines of code
ATTRIBUTE = re.compile(r'([a-z-]+)="([^"]*)"')
MOST_CHOICES = 8  # letters A to H


@dataclass(frozen=True)
class Question:
    """One of them: ``answer`` is the index of a choice, or a number where there are none."""

    name: str
    page: sitemap.Page
    attributes: str
    inside: str
    text: str
    choices: tuple[str, ...]
    answer: float
    digits: int
    unit: str


def plain(text: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]*>", "", text)).split())


def name_of(page: str, at: int) -> str:
    """What the question at a place of a page, counted from 0, is called."""
    own = page.rpartition("/")[2]
    return f"{own}-{at + 1}" if at else own


def read_one(page: sitemap.Page, at: int, attributes: str, inside: str) -> Question:
    name = name_of(page.page, at)
    values = dict(ATTRIBUTE.findall(attributes))
    asked = re.split(r"<ul>|<div data-explain>", inside)[0]
    items = re.findall(r"<li( data-answer)?>(.*?)</li>", inside.split("<div data-explain>")[0])
    choices = tuple(plain(item) for _, item in items)
    if choices:
        right = [i for i, (mark, _) in enumerate(items) if mark]
        if len(right) != 1 or len(choices) > MOST_CHOICES:
            raise ValueError(f"the question {name} needs one answer among {MOST_CHOICES} at most")
        answer = float(right[0])
    else:
        answer = float(values["answer"])
    digits, unit = int(values.get("digits", 2)), values.get("unit", "")
    text = plain(asked)
    return Question(name, page, attributes, inside, text, choices, answer, digits, unit)


@cache
def of_pages() -> dict[str, Question]:
    """All questions by name, in the order of the sitemap; ValueError where two have one name."""
    found: dict[str, Question] = {}
    for page in sitemap.read().pages.values():
        if not page.is_built:
            continue
        text = (sitemap.GUIDE / "pages" / f"{page.page}.md").read_text(encoding="utf-8")
        for at, (attributes, inside) in enumerate(PREDICT.findall(text)):
            one = read_one(page, at, attributes, MADE.sub(r"\1", inside))
            if one.name in found:
                raise ValueError(f"two questions are called {one.name}")
            found[one.name] = one
    return found


def again(name: str, more: str = "") -> str:
    """A question in HTML, for a page that asks what another asks too; ``more`` is for its tag."""
    if name not in of_pages():
        raise ValueError(f"@ask {name}: there is no such question")
    one = of_pages()[name]
    return f'<mg-predict name="{name}"{more}{one.attributes}>{one.inside}</mg-predict>'


def mark(text: str, page: str) -> str:
    """A built page with the names of its own questions."""
    for at in range(len(UNNAMED.findall(text))):
        text = UNNAMED.sub(f'<mg-predict name="{name_of(page, at)}"', text, count=1)
    return text


def write(site: Path) -> None:
    """The file for the page that counts guesses."""
    listed = []
    for one in of_pages().values():
        answer = int(one.answer) if one.choices else one.answer
        entry: dict[str, object] = {"name": one.name, "page": one.page.url, "title": one.page.name}
        entry |= {"text": one.text, "answer": answer}
        if one.choices:
            entry["choices"] = one.choices
        else:
            entry |= {"digits": one.digits, "unit": one.unit}
        listed.append(entry)
    text = json.dumps(listed, ensure_ascii=False, indent=0)
    (site / "files" / "questions.json").write_text(text + "\n", encoding="utf-8")

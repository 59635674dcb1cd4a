"""The pages of the lesson hours: their lines with @, and how long each part takes.

Each heading of such a page begins a slide; one with the class `aside` is for the teacher alone.

    @lesson 1, 3                     what is taught, with the minutes of the path of the lessons
    @show PAGE [ELEMENT [STATE]]     a page's figure, its first if none is named, in a state
    @ask NAME                        a question of another page, as build/questions.py calls it
    @do 10                           minutes in which the class does something itself

    @hour 1, @hours, @questions 1    the plan of an hour, of all hours, and the questions of one
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from markdown import Markdown
from markdown.extensions import Extension
from markdown.preprocessors import Preprocessor

import paths
import questions
import running
import sitemap

PAGE = "teach/hour-"
ASKED = 4  # minutes for a question: to guess, to count, to look at what is right
PATH = "lessons"
LINE = re.compile(r"^@(lesson|show|ask|do|hour|hours|questions)\b *(.*)$", re.M)
ASIDE = re.compile(r"\{:[^}]*\.aside\b")


@dataclass(frozen=True)
class Part:
    """A slide with what its lines with @ say."""

    id: str
    title: str
    lessons: tuple[str, ...]
    asks: tuple[str, ...]
    does: int

    @property
    def minutes(self) -> int:
        return reading(self.lessons) + ASKED * len(self.asks) + self.does


def split(text: str) -> tuple[str, ...]:
    return tuple(filter(None, map(str.strip, text.split(","))))


@cache
def stops() -> dict[str, int]:
    """The place on the path at which each lesson is taught."""
    known = sitemap.read()
    found = {}
    for at, (_, text) in enumerate(sitemap.stops(known, PATH)):
        for part in filter(None, text.split(" · ")):
            found[part.split(" ")[0]] = at
    return found


def reading(lessons: tuple[str, ...]) -> int:
    """How many minutes the path counts for these lessons."""
    known = sitemap.read()
    for unknown in [one for one in lessons if one not in stops()]:
        raise ValueError(f"@lesson {unknown}: there is no such lesson")
    places = {stops()[one] for one in lessons}
    return round(sum(paths.seconds(known, PATH, at) for at in places) / 60)


def numbers() -> list[int]:
    """The hours that there are."""
    pages = [page.page for page in sitemap.read().pages.values() if page.is_built]
    return [int(page.removeprefix(PAGE)) for page in pages if page.startswith(PAGE)]


def parts(hour: int) -> list[Part]:
    """The slides of an hour behind its title, in order."""
    found = []
    for name, body in running.parts(f"{PAGE}{hour}"):
        if not name or ASIDE.search(name):
            continue
        said: dict[str, list[str]] = {}
        for word, rest in LINE.findall(body):
            said.setdefault(word, []).append(rest.strip())
        lessons = tuple(one for line in said.get("lesson", []) for one in split(line))
        does = sum(map(int, said.get("do", [])))
        title = name.partition("{:")[0].strip()
        found.append(Part(running.slug(name), title, lessons, tuple(said.get("ask", [])), does))
    return found


def total(hour: int) -> int:
    return sum(part.minutes for part in parts(hour))


def plan(hour: int) -> list[str]:
    """A table in Markdown: minutes, slides and what is asked."""
    lines = ["| minutes | slide | what happens |", "|---|---|---|"]
    for part in parts(hour):
        what = []
        if part.lessons:
            many = "lessons" if len(part.lessons) > 1 else "lesson"
            what.append(f"{many} {' and '.join(part.lessons)}: {reading(part.lessons)}")
        what += [f"a question: {ASKED}"] * len(part.asks)
        if part.does:
            what.append(f"an activity: {part.does}")
        lines.append(f"| {part.minutes} | [{part.title}](#{part.id}) | {', '.join(what)} |")
    return [*lines, f"| **{total(hour)}** | **in all** | |", ""]


def all_hours() -> list[str]:
    known = sitemap.read()
    lines = ["| hour | lessons | questions | minutes |", "|---|---|---|---|"]
    for hour in numbers():
        page = known.pages[f"{PAGE}{hour}"]
        of_hour = parts(hour)
        lessons = [one for part in of_hour for one in part.lessons]
        asks = sum(len(part.asks) for part in of_hour)
        from_to = f"{lessons[0]} to {lessons[-1]}"
        lines.append(f"| [{page.name}]({page.page}.md) | {from_to} | {asks} | {total(hour)} |")
    return [*lines, ""]


def lesson(numbers_: tuple[str, ...]) -> list[str]:
    """What is taught, as links on the path of the lessons."""
    known = sitemap.read()
    minutes = reading(numbers_)
    links: dict[str, str] = {}
    for at in sorted({stops()[one] for one in numbers_}, reverse=True):
        page = known.paths[PATH][at]  # of two stops at one page, the first has the link
        query = sitemap.stop_url(known, PATH, at).partition("?")[2].replace("&", "&amp;")
        links[page] = f"[{known.pages[page].name}](../{page}.md?{query})"
    word = "Lesson" if len(numbers_) == 1 else "Lessons"
    listed = " and ".join(numbers_)
    linked = ", ".join(reversed(links.values()))
    about = f"{word} {listed}: {linked}, {minutes}\N{NO-BREAK SPACE}min."
    return ['<p class="for-teacher" markdown="1">', about, "</p>", ""]


def show(given: str) -> list[str]:
    """A link to a page's figure, which takes its place on slides; to the page if it has none."""
    page, _, rest = given.partition(" ")
    element, _, state = rest.partition(" ")
    known = sitemap.read()
    if page not in known.pages or not known.pages[page].is_built:
        raise ValueError(f"@show {given}: there is no page {page}")
    if element and element not in known.pages[page].covers["widgets"]:
        raise ValueError(f"@show {given}: {page} has no {element}")
    name = known.pages[page].name
    element = element or next(iter(known.pages[page].covers["widgets"]), "")
    if not element:
        return ["", f'<p class="show" markdown="1">To show: [{name}](../{page}.md)</p>', ""]
    about = known.widgets[element]
    address = f"../{known.pages[page].url}" + (f"#?{state}" if state else "")
    link = f'<a href="{html.escape(address)}" data-show="{element}">{about}</a>'
    return ["", f'<p class="show">To show: {link}, from “{name}”</p>', ""]


def filled(lines: list[str], short: bool = False) -> Iterator[str]:
    """A page's lines with what stands for those of this module; ``short``, questions by name."""
    for line in lines:
        found = LINE.match(line)
        word, rest = (found[1], found[2].strip()) if found else ("", "")
        if word == "lesson":
            yield from lesson(split(rest))
        elif word == "show":
            yield from show(rest)
        elif word in ("ask", "questions"):
            names = [rest] if word == "ask" else [a for p in parts(int(rest)) for a in p.asks]
            more = " for-class" if word == "questions" else ""
            for name in names:
                one = questions.again(name, more)
                yield from ("", f"Question: {name}" if short else one, "")
                if word == "ask":
                    link = f'<a href="tally/#?guesses=of:{name}">count the guesses</a>'
                    about = f"In codes it is called {name.upper()}: {link}."
                    yield from (f'<p class="for-teacher">{about}</p>', "")
        elif word == "do":
            about = f"Activity: {rest}\N{NO-BREAK SPACE}min."
            yield from (f'<p class="for-teacher">{about}</p>', "")
        elif word == "hour":
            yield from plan(int(rest))
        elif word == "hours":
            yield from all_hours()
        else:
            yield line


class Hours(Preprocessor):
    def run(self, lines: list[str]) -> list[str]:
        return list(filled(lines))


class HoursExtension(Extension):
    def extendMarkdown(self, md: Markdown) -> None:
        md.preprocessors.register(Hours(md), "hours", 29)


def makeExtension(**options: object) -> HoursExtension:
    return HoursExtension(**options)

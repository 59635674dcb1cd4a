"""How long a page takes to read: its words, a look at each figure, a moment for each question.

Programs and exercises are left out: they can be skipped, and take as long as one likes.
"""

import re
from collections.abc import Callable

import running

WORDS = 200  # a minute
FIGURE = 45  # seconds to look at a widget and move something in it
LONGER = {"mg-chat": 90, "mg-annotated-gpt": 120}  # one to play with, one with much to read
GUESS = 5  # seconds to think about a question, whose words count like the text's
UNCOUNTED = [*running.UNREAD, re.compile(r"<[^>]*>"), re.compile(r"^#+ ", re.M)]


def seconds(page: str, asks: Callable[[str], bool] = lambda _: True) -> float:
    """What the sections of a page take that are asked for."""
    total = 0.0
    for section, body in running.sections(page):
        if not asks(section):
            continue
        for widget in running.WIDGET.finditer(body):
            if widget[1] == "mg-predict":
                total += GUESS + len(words(widget[0])) * 60 / WORDS
            elif widget[1] != "mg-exercise":
                total += LONGER.get(widget[1], FIGURE)
        total += len(words(running.WIDGET.sub(" ", body))) * 60 / WORDS
    return total


def words(text: str) -> list[str]:
    for gone in UNCOUNTED:
        text = gone.sub(" ", text)
    found = running.unlinked(text.replace("|", " ")).split()
    return [word for word in found if re.search(r"\w", word)]

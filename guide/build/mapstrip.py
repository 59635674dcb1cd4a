"""The map: the ten stations of a word's way through the model, on every page of learn/.

It is drawn when the site is built, for ``WORD``: its letters, its token ids, and what the trained
model makes of its last letter. guide/js/site/map.js puts the reader's own word in its place, drawn
by guide/js/figures/trained/word-map.js in the same way; a test compares the two.
"""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from functools import cache
from typing import Any

import docstrings
import sitemap

WORD = "emma"  # the example of the dataset's page
WIDE, HIGH = 128, 40  # of a picture
MOST_LETTERS = 9
MOST_IDS = 5
LOOP = "M94 9H44a11 11 0 0 0 0 22h40m-9-8 9 8-9 8"  # back to the beginning

# What each station is, in the order in which a word passes them.
STATIONS = {
    "names": "a list of names to learn from",
    "tokens": "letters become numbers",
    "embed": "each token becomes {embd} numbers",
    "attention": "each position looks back at those before it",
    "MLP": "{hidden} hidden numbers, most of them 0",
    "logits": "a number for each token that can come next",
    "loss": "how surprised the model is that the name ends here",
    "backward": "which way every number has to change, the logits first",
    "step": "all parameters change a little, and the next name comes",
    "write": "the likeliest next letter, and how likely it is",
}

Strokes = list[tuple[str, str]]  # pairs of classes and path


def known_stations(known: sitemap.Sitemap) -> None:
    """Refuses a sitemap with other stations, or a page of learn/ that stands nowhere."""
    if [*known.stations] != [*STATIONS, "none"]:
        raise ValueError(f"the map's stations are {', '.join(STATIONS)}, and then none")
    for name, pages in known.stations.items():
        if name != "none" and not pages:
            raise ValueError(f"the station {name} of the map has no page")
    placed = [page for pages in known.stations.values() for page in pages]
    for page in placed:
        if page not in known.pages or placed.count(page) > 1:
            raise ValueError(f"{page} of the map is not in the table, or on the map twice")
    for page in known.pages:
        if page.startswith("learn/") and page not in placed:
            raise ValueError(f"{page} stands at no station of the map, and not under none")


# ---------------------------------------------------------------- the numbers


@cache
def model() -> Any:
    """The trained model that the guide ships."""
    docstrings.package()
    from microgpt.disk.modelfile import read_model

    return read_model(docstrings.ROOT / "data" / "model.json")[0]


@cache
def traced(word: str) -> dict[str, Any]:
    """What the model computes at the word's last letter, as lists of numbers."""
    import numpy as np

    from microgpt.engines.tracing import trace_floats

    real = model()
    tokens = [real.tokenizer.bos, *real.tokenizer.encode(word)]
    weights = {name: np.array(rows) for name, rows in real.weights.items()}
    steps = trace_floats(real.config, weights, tokens)
    parts = {"embed": "emb", "attention": "layer0.weights", "MLP": "layer0.fc1"}
    last = {part: steps[name][-1].tolist() for part, name in parts.items()}
    probs = steps["probs"][-1].tolist()
    next_, end = probs.index(max(probs)), real.tokenizer.bos
    return {
        "tokens": tokens,
        **last,
        "logits": steps["logits"][-1].tolist(),
        "loss": -math.log(probs[end]),
        "backward": [p - (i == end) for i, p in enumerate(probs)],
        "write": ("end" if next_ == end else real.tokenizer.uchars[next_], probs[next_]),
    }


# ---------------------------------------------------------------- the pictures


def bars(values: Sequence[float]) -> str:
    """Numbers as bars up and down from the middle."""
    pitch = WIDE // len(values)
    left = (WIDE - pitch * len(values)) // 2 + pitch // 2
    most = max(map(abs, values))
    sizes = [math.floor(19 * value / most + 0.5) for value in values]
    return "".join(f"M{left + pitch * i} 20v{-size}" for i, size in enumerate(sizes) if size)


def cells(values: Sequence[float]) -> Strokes:
    """Numbers as cells, above the middle or below it, in three strengths."""
    most = max(map(abs, values))
    found: dict[str, str] = {}
    for i, value in enumerate(values):
        kind = f"{'b' if value < 0 else 'a'}{max(1, math.ceil(3 * abs(value) / most))}"
        found[kind] = found.get(kind, "") + f"M{8 * i + 4} {22 if value < 0 else 6}v12"
    return [(f"cell {kind}", found[kind]) for kind in sorted(found)]


def looks(heads: Sequence[Sequence[float]]) -> Strokes:
    """Attention weights: a row for each head, a column for each position."""
    pitch = min(16, WIDE // len(heads[0]))
    left = (WIDE - pitch * len(heads[0])) // 2
    drawn: Strokes = []
    for h, weights in enumerate(heads):
        found: dict[int, str] = {}
        for i, weight in enumerate(weights):
            level = max(1, math.ceil(4 * weight))
            found[level] = found.get(level, "") + f"M{left + pitch * i} {5 + 10 * h}h{pitch - 1}"
        drawn += [(f"row h{h + 1} l{level}", found[level]) for level in sorted(found)]
    return drawn


def hidden(values: Sequence[float]) -> Strokes:
    """Hidden numbers as rows of 16 cells: faint where they are 0."""
    most = max(values) or 1
    found: dict[int, str] = {}
    for i, value in enumerate(values):
        level = math.ceil(4 * value / most)
        place = f"M{8 * (i % 16)} {5 + 10 * (i // 16)}h6"
        found[level] = found.get(level, "") + place
    return [(f"unit l{level}", found[level]) for level in sorted(found)]


def pictures(word: str) -> dict[str, str | Strokes]:
    """For each station its text or its strokes."""
    now = traced(word)
    ids = [str(token) for token in now["tokens"]]
    shown = ids if len(ids) <= MOST_IDS else [*ids[: MOST_IDS - 1], "…"]
    letter, p = now["write"]
    return {
        "names": word if len(word) <= MOST_LETTERS else f"{word[: MOST_LETTERS - 1]}…",
        "tokens": " ".join(shown),
        "embed": cells(now["embed"]),
        "attention": looks(now["attention"]),
        "MLP": hidden(now["MLP"]),
        "logits": [("bar logit", bars(now["logits"]))],
        "loss": f"{now['loss']:.2f}",
        "backward": [("bar grad", bars(now["backward"]))],
        "step": [("loop", LOOP)],
        "write": f"{letter} {p:.2f}",
    }


def drawn(name: str, picture: str | Strokes) -> str:
    """One picture; a reader of the page alone is told by the station's name."""
    if isinstance(picture, str):
        return f'<span class="map-picture" data-part="{name}" aria-hidden="true">{picture}</span>'
    paths = "".join(f'<path class="{kinds}" d="{d}"/>' for kinds, d in picture)
    return (
        f'<svg class="map-picture" data-part="{name}" aria-hidden="true" '
        f'viewBox="0 0 {WIDE} {HIGH}">{paths}</svg>'
    )


# ---------------------------------------------------------------- the map in a page


def about(name: str) -> str:
    config = model().config
    return STATIONS[name].format(embd=config.n_embd, hidden=4 * config.n_embd)


def station(known: sitemap.Sitemap, name: str, page: str, up: str, is_tall: bool) -> str:
    pages = known.stations[name]
    home = known.pages[pages[0]]
    is_here = page in pages
    # The station's own page is where one is; the others only belong to it.
    current = f' aria-current="{"page" if page == home.page else "location"}"' if is_here else ""
    told = html.escape(about(name))
    here = '<span class="map-here">you are here</span>' if is_here else ""
    words = f'<span class="map-about">{told}</span>' if is_tall else here
    title = "" if is_tall else f' title="{told}"'
    return (
        f'<li><a href="{up}{home.url}"{current}{title}>{drawn(name, pictures(WORD)[name])}'
        f'<span class="map-dot"></span><span class="map-name">{name}</span> {words}</a></li>'
    )


def whole(known: sitemap.Sitemap, page: str, up: str, is_tall: bool = False) -> str:
    """The map as it stands in a page: a strip, or tall as a table of contents."""
    known_stations(known)
    letters = "".join(model().tokenizer.uchars)
    kind = "map map-tall" if is_tall else "map"
    stations = "".join(station(known, name, page, up, is_tall) for name in STATIONS)
    return (
        f'<nav class="{kind}" aria-label="The way of a word through the model" '
        f'data-letters="{letters}" data-word="{WORD}"><ol>{stations}</ol></nav>'
    )


def put(text: str, known: sitemap.Sitemap, page: str, up: str) -> str:
    """A built page with its map: `<!-- strip -->` in the theme, `<!-- map -->` in a page."""
    strip = whole(known, page, up) if page.startswith("learn/") else ""
    text = text.replace("<!-- strip -->\n", f"{strip}\n" if strip else "")
    if "<!-- map -->" in text:
        text = text.replace("<!-- map -->", whole(known, page, up, is_tall=True))
    return text

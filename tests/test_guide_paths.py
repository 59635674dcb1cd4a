"""The guide's reading paths: each teaches its words, keeps its time and its order, and says where
the reader is."""

import re
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("markdown", reason="what builds the guide isn't installed (--guide)")

import browser
import paths
import running
import sitemap
import taught
import terms
import timing
from guide_pages import BUILT, GUIDE, KNOWN

TAUGHT = [path for path in sitemap.PATHS if path not in sitemap.ON_ITS_OWN]
# The widgets of the walkthrough by their numbers in its original.
ORIGINAL = {
    "W1": "mg-chat",
    "W2": "mg-tokenizer",
    "W3": "mg-net",
    "W4 to W7": "mg-neuron",
    "W8": "mg-zip",
    "W9": "mg-surface",
    "W10": "mg-surface-match",
    "W11": "mg-value",
    "W12": "mg-value-stages",
    "W13": "mg-backprop",
    "W14": "mg-neuron-backward",
    "W15": "mg-descent",
    "W16": "mg-model-sizes",
    "W17": "mg-toy-diagram",
    "W18": "mg-matrices",
    "W19": "mg-fan",
    "W20": "mg-fuzzy",
    "W21": "mg-word-attention",
    "W22": "mg-attention",
    "W23": "mg-attention-play",
    "W24": "mg-numeric-tour",
    "W25": "mg-tally",
    "W26": "mg-annotated-gpt",
    "W27": "mg-parabola",
    "W28": "mg-training-curve",
    "W29": "mg-temperature",
    "W30": "mg-toy-training",
    "W31": "mg-toy-chat",
    "W32": "mg-canonical-block",
    "W33": "mg-scene",
}


# ---------------------------------------------------------------- words


@pytest.mark.parametrize("path", TAUGHT)
def test_a_path_teaches_each_term_before_it_uses_it(path: str) -> None:
    assert [str(one) for one in taught.early(KNOWN, path)] == []


def test_few_terms_are_left_to_their_notes() -> None:
    assert len(taught.NOTED) <= 5
    assert set(taught.NOTED) <= {term.name for term in terms.read()}
    assert all(taught.NOTED.values())


def small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, first: str, second: str) -> list[str]:
    """The terms that come too early on a path of two pages; the second is the home of softmax."""
    (tmp_path / "a.md").write_text(f"# A\n\n{first}\n", encoding="utf-8")
    (tmp_path / "b.md").write_text(f"# B\n\n{second}\n", encoding="utf-8")
    monkeypatch.setattr(running, "PAGES", tmp_path)
    names = [terms.Term(n, (home,), (n,), "x") for n, home in (("softmax", "b"), ("loss", "c"))]
    found = tuple((term, terms.pattern_of(term.forms)) for term in names)
    monkeypatch.setattr(terms, "patterns", lambda: found)
    running.pieces.cache_clear()
    known = sitemap.Sitemap({}, {"p": ("a", "b")}, {}, {}, waits={"p": {"a": ("later",)}})
    try:
        return [f"{one.page} {one.term}" for one in taught.early(known, "p")]
    finally:
        running.pieces.cache_clear()


@pytest.mark.parametrize(
    ("first", "second", "found"),
    [
        ("Words.", "The softmax.", []),
        ("The Softmax.", "The softmax.", ["a Softmax"]),
        ("A **softmax** makes shares. The softmax.", "", []),
        ("The softmax. A **softmax** makes shares.", "", ["a softmax"]),
        ("The *softmax and loss*.", "", ["a softmax", "a loss"]),
        ("See [softmax](b.md) and `loss`.", "The loss.", ["b loss"]),
        ("**[loss](c.md)** is surprise.", "The loss.", []),
        ("[**loss**](c.md) is surprise.", "The loss.", []),
        ("<p class='lead'>The <em>loss</em> is surprise, the softmax not.</p>", "", ["a softmax"]),
        ("| **loss** | surprise |\n| softmax | x |", "The loss.", []),
        ("## Later\n\nThe loss.\n\n## Now\n\nThe loss.", "", ["a loss"]),
        ("<mg-x>\n\nThe loss.\n\n</mg-x>\n\n```text\nloss\n```", "", []),
        ("<mg-predict>\n<p>Which loss?</p>\n</mg-predict>", "", ["a loss"]),
    ],
)
def test_what_counts_as_teaching(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, first: str, second: str, found: list[str]
) -> None:
    assert small(monkeypatch, tmp_path, first, second) == found


PROMISES = re.compile(
    r"\b(?:next|previous|last|following|earlier|later) (?:pages?|chapters?|lessons?|part)\b"
    r"|\bchapters? (?:that follow|\d)\b|\bpages? (?:back|before|that follow|so far)\b"
    r"|\bnext comes\b|\bnext: |; next, |\bbefore this(?:: | came\b)|\bso far we\b"
    r"|\bcome back here\b"
    r"|\bend of (?:this|the) guide\b|\bthis chapter\b",
    re.I,
)
OF_ONE_PATH = re.compile(r"learn/rung-\d$")  # chapters of the stepwise path alone


def test_the_text_promises_no_order_of_pages() -> None:
    assert PROMISES.search("on the next page") and PROMISES.search("Next comes training")
    found = []
    for page in BUILT:
        if not page.page.startswith("learn/") and page.page != "index":
            continue
        text = (running.PAGES / f"{page.page}.md").read_text(encoding="utf-8")
        promises = {match[0] for match in PROMISES.finditer(text)}
        if OF_ONE_PATH.match(page.page):
            promises -= {f"Chapter {n}" for n in range(6)}
        found += [f"{page.page}: {words}" for words in sorted(promises)]
    assert found == []


# ---------------------------------------------------------------- what a path asks for


def test_the_walkthrough_has_all_figures_of_its_original() -> None:
    on_the_way = {
        w for page in KNOWN.paths["walkthrough"] for w in KNOWN.pages[page].covers["widgets"]
    }
    assert set(ORIGINAL.values()) - on_the_way == set()
    order = ["value", "backward", "gradient-descent", "architecture", "softmax", "attention"]
    order += ["parameters", "gpt", "loop", "inference", "temperature", "toy"]
    listed = [name.removeprefix("learn/") for name in KNOWN.paths["walkthrough"]]
    assert [name for name in listed if name in order] == order


def test_forty_minutes_are_forty_minutes() -> None:
    assert 30 < paths.total(KNOWN, "forty-minutes") <= 40


def test_time_is_words_figures_and_questions(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    text = "---\ndescription: x\n---\n# A page\n\nThree words here.\n\n<mg-x>\n\nNo.\n\n</mg-x>\n"
    text += (
        "\n```python\nno = 1\n```\n\n## Later\n\n<mg-predict>\n<p>Two words?</p>\n</mg-predict>\n"
    )
    (tmp_path / "a.md").write_text(text, encoding="utf-8")
    monkeypatch.setattr(running, "PAGES", tmp_path)
    a_word = 60 / timing.WORDS
    assert timing.seconds("a", lambda name: name == "") == pytest.approx(5 * a_word + timing.FIGURE)
    assert timing.seconds("a", lambda name: name == "later") == timing.GUESS + 2 * a_word


def test_what_is_left_out_is_there() -> None:
    for sections in (KNOWN.waits, KNOWN.returns):
        for pages in sections.values():
            for page, names in pages.items():
                assert set(names) <= {name for name, _ in running.headings(page)}, page
    for path, pages in KNOWN.returns.items():
        for page in pages:
            assert KNOWN.paths[path].count(page) == 2
    at = KNOWN.paths["stepwise"].index("learn/rung-1")
    assert KNOWN.asks("stepwise", at, "what-changes")
    assert not KNOWN.asks("stepwise", at, "results")


def test_a_part_that_a_path_cannot_leave_out_is_refused(tmp_path: Path) -> None:
    text = sitemap.SOURCE.read_text(encoding="utf-8")
    changed = tmp_path / "sitemap.md"
    changed.write_text(text + "\n- lessons leaves out: learn/toy#x\n", encoding="utf-8")
    with pytest.raises(ValueError, match="learn/toy is not on the path lessons"):
        sitemap.read(changed)


def test_the_lessons_stand_in_six_parts() -> None:
    lines = paths.listing("lessons")
    heads = [line.removeprefix("### ") for line in lines if line.startswith("### ")]
    assert heads == list(KNOWN.groups["lessons"].values()) and len(heads) == 6
    after = {head: lines[lines.index(f"### {head}") + 2] for head in heads}
    for number, head in KNOWN.groups["lessons"].items():
        title = KNOWN.titles["lessons"][number]
        assert f">{number} {title}" in after[head]


# ---------------------------------------------------------------- the foot of a page


def test_the_foot_says_where_one_is_on_each_path() -> None:
    foot = paths.foot(KNOWN, KNOWN.pages["learn/rung-1"], "../../")
    first, second = re.findall(r"<p .*?</p>", foot)
    assert 'data-path="stepwise" data-stop="6"' in first and 'data-stop="14"' in second
    assert "6 of 33 · " in first
    assert "Before: " in first and "Generating text" in first and "Rung 2: autograd" in second
    assert "rung-2/?path=stepwise&amp;stop=15" in second
    assert 'data-waits="what-changes"' in second
    assert paths.foot(KNOWN, KNOWN.pages["about"], "../") == ""
    last = paths.foot(KNOWN, KNOWN.pages["learn/loop"], "../../")
    assert last.count('The path ends here. <a href="../../forty-minutes/#and-then">') == 1


def test_every_page_to_learn_from_has_a_way_on() -> None:
    for page in BUILT:
        if page.page.startswith("learn/"):
            foot = paths.foot(KNOWN, page, "../../")
            assert "Next: " in foot or "Before: " in foot, page.page
    things = KNOWN.paths["things-to-do"]
    assert {f"learn/{name}" for name in ("own-list", "scrubber", "break-it", "worksheet")} < {
        *things
    }
    start = (GUIDE / "pages" / "index.md").read_text(encoding="utf-8")
    listed = re.findall(r"\]\((learn/[\w-]+)\.md\?path=things-to-do\)", start)
    assert listed == list(things)


@pytest.mark.slow
def test_a_path_remembers_what_was_read(chromium: Any, guide_address: str) -> None:
    with browser.opened(chromium) as (page, wrong):
        page.goto(guide_address + "learn/rung-1/?path=stepwise&stop=14")
        assert re.fullmatch(r"The stepwise path\s*14 of 33 · \d+ min", page.inner_text(".on-path"))
        assert page.locator(".paths p:visible").count() == 1
        assert page.locator("#what-changes + .can-wait").count() == 1
        page.locator(".paths").scroll_into_view_if_needed()
        page.locator(".paths p[data-read]").wait_for()
        page.goto(guide_address + "stepwise/")
        assert page.inner_text(".go-on").startswith("1 of 33 read. Go on with The dataset.")
        assert page.locator("li:has(.been-read) a").inner_text() == "Rung 1: gradient descent"
        page.get_by_role("button", name="Forget what was read").click()
        assert page.locator(".go-on, .been-read").count() == 0
        page.evaluate("localStorage.setItem('read', '[[')")
        page.reload()
        browser.settled(page)
        assert page.locator(".go-on").count() == 0
        # all that comes after the first of these can wait: the way on is there
        page.goto(guide_address + "learn/dataset/?path=forty-minutes")
        assert page.locator(".can-wait a").count() == 1
        page.locator("#reading-it + .can-wait").scroll_into_view_if_needed()
        page.locator(".paths p[data-read]").wait_for(state="attached")
        page.locator("#reading-it + .can-wait a").click()
        page.wait_for_url("**/learn/tokenizer/?path=forty-minutes")
        assert wrong == []

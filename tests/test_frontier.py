"""The frontier: what policies let through and what they refuse in vain, and how it is drawn."""

from __future__ import annotations

import itertools
import random
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from microgpt.assignment.grading import frontier as module
from microgpt.assignment.grading.frontier import (
    Point,
    Requests,
    compared,
    frontier,
    reference,
    trivial,
)
from microgpt.config import make_config
from microgpt.data import load_data
from microgpt.engines import make_engine
from microgpt.errors import InputError
from microgpt.guard.automaton import Automaton
from microgpt.guard.leak import LeakMeter
from microgpt.guard.policy import Policy
from microgpt.model import init_weights
from microgpt.opening import engine_for, open_model
from microgpt.tokenizer import Tokenizer

WORDS = ["bad", "cab"]
NAMES = ["ada", "abe", "ada", "bea", "dee", "cad", "baddie"]
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def small() -> Requests:
    tokenizer = Tokenizer("abcdei")
    config = make_config(n_embd=8, n_head=2, block_size=6, vocab_size=7, init_std=0.3)
    engine = make_engine("numpy", config, "float64")
    drawn = init_weights(config, random.Random(5))
    engine.load(config, "float64", {n: np.array(w) for n, w in drawn.items()})
    meter = LeakMeter(engine, tokenizer, Automaton.of(WORDS, tokenizer))
    return Requests.measure(meter, [*WORDS, "fig"], NAMES)


def test_ordinary_requests_are_beginnings_of_names(small: Requests) -> None:
    assert sum(small.ordinary.values()) == pytest.approx(1)
    assert small.ordinary["a"] == pytest.approx(3 / 7 / 4)
    assert small.ordinary["ada"] == pytest.approx(2 / 7 / 4)
    assert small.ordinary["badd"] == pytest.approx(1 / 4)  # the only name of four letters
    assert set(map(len, small.ordinary)) == {1, 2, 3, 4}


def test_attacks_are_heads_and_words_alone_and_inside(small: Requests) -> None:
    assert {"ba", "bad", "ca", "cab", "abad", "adcab"} <= set(small.attacks)
    assert not any("fig" in attack for attack in small.attacks)
    assert small.attacks["bad"] == small.attacks["abad"] == 1.0
    assert 0 < small.attacks["ba"] < 1


def test_the_ends_of_the_frontier(small: Requests) -> None:
    policies = trivial(WORDS)
    assert small.point("", policies["refuse all"]) == Point("", 1.0, 0.0)
    free = small.point("", policies["allow all"])
    assert free.refused == 0
    assert free.leak == pytest.approx(sum(small.attacks.values()) / len(small.attacks))
    whole = small.point("", policies["whole words"])
    assert whole.refused == pytest.approx(small.ordinary["bad"] + small.ordinary["badd"])
    kept = [leak for attack, leak in small.attacks.items() if leak < 1]
    assert whole.leak == pytest.approx(sum(kept) / len(small.attacks))


def test_a_table_is_the_same_as_the_policy(small: Requests) -> None:
    refuses = trivial(WORDS)["first 2 letters"]
    assert callable(refuses)
    table = {prefix: refuses(prefix) for prefix in small.prefixes}
    assert small.point("x", table, own=True) == small.point("x", refuses, own=True)
    del table["ada"]
    with pytest.raises(InputError, match="'ada'"):
        small.point("x", table)


def test_only_the_most_common_requests_are_asked() -> None:
    opened, _ = open_model(None)
    meter = LeakMeter(engine_for(opened), opened.tokenizer, Automaton.of(["q"], opened.tokenizer))
    few = Requests.measure(meter, ["qx"], load_data("names").docs, most=5)
    assert len(few.ordinary) == 20 and "a" in few.ordinary and "mari" in few.ordinary
    with pytest.raises(InputError, match="nothing to weigh"):
        Requests.measure(meter, ["é"], NAMES)


def points() -> list[Point]:
    own = Point("s1 <b>&\u202e", 0.03, 0.1, own=True)
    return [own, Point("all", 1.0, 0.0), Point("none", 0.0, 0.22), Point("worse", 0.5, 0.15)]


def test_what_none_beats() -> None:
    assert [p.name for p in frontier(points()).best()] == ["all", "s1 <b>&\u202e", "none"]
    with pytest.raises(InputError):
        frontier([])


def test_the_table_has_every_point_once() -> None:
    lines = frontier(points()).table()
    assert len(lines) == 5
    assert lines[1].split() == ["A", "all", "100.00%", "0.0000", "*"]
    assert lines[3].split() == ["C", "worse", "50.00%", "0.1500"]
    assert "\u202e" not in "".join(lines)


@pytest.mark.parametrize(("width", "height"), [(64, 15), (56, 5), (100, 30), (1, 1)])
def test_the_drawing_has_every_sign_where_it_belongs(width: int, height: int) -> None:
    lines = frontier(points()).drawing(width, height)
    assert all(len(line) <= max(width, 56) + 4 for line in lines)
    place = {s: (i, line.index(s, 7)) for s in "ABCD" for i, line in enumerate(lines[1:-2])
             if s in line[7:]}  # fmt: skip
    assert set(place) == set("ABCD")
    assert place["A"][0] > place["B"][0] >= place["C"][0] >= place["D"][0]  # safer is lower
    assert place["A"][1] > place["C"][1] > place["B"][1] > place["D"][1]  # refused is to the right


def test_points_in_one_place_are_all_drawn() -> None:
    same = [Point(f"p{i}", 0.1, 0.1) for i in range(4)]
    text = "\n".join(frontier(same).drawing()[1:-2])
    assert all(sign in text for sign in "ABCD")


def test_the_svg_is_whole_and_harmless() -> None:
    svg = frontier(points()).svg("f7")
    root = ET.fromstring(svg)
    title, about = root.find(f"{SVG}title"), root.find(f"{SVG}desc")
    assert title is not None and about is not None and about.text is not None
    assert root.get("role") == "img"
    assert root.get("aria-labelledby") == f"{title.get('id')} {about.get('id')}" == "f7-t f7-d"
    assert "s1 <b>&" in about.text and "\u202e" not in svg and "<b>" not in svg
    assert {el.tag.removeprefix(SVG) for el in root.iter()} == {
        "svg", "title", "desc", "text", "path", "circle",
    }  # fmt: skip
    assert "href" not in svg and "url(" not in svg and "http" not in svg.split(">", 1)[1]
    assert len(svg) < 12_000


def test_labels_stay_inside_and_apart() -> None:
    crowd = [Point(f"policy {i}", i / 5000, 0.1 + i / 9000) for i in range(10)]
    root = ET.fromstring(frontier(crowd).svg())
    labels = [t for t in root.iter(f"{SVG}text") if (t.text or "").startswith("policy")]
    heights = sorted(float(t.get("y", "")) for t in labels)
    assert len(heights) == 10
    assert min(b - a for a, b in itertools.pairwise(heights)) >= 14
    assert all(0 < float(t.get("x", "")) < float(root.get("width", "")) - 50 for t in labels)


@pytest.mark.slow
def test_the_shipped_model_and_its_reference_policy(monkeypatch: pytest.MonkeyPatch) -> None:
    """By leaks that are measured roughly: what is asserted doesn't hang on their last digits."""
    monkeypatch.setattr(module, "_NODES", 200)
    monkeypatch.setattr(module, "_SAMPLES", 200)
    opened, _ = open_model(None)
    policy, tokenizer = Policy.shipped(), opened.tokenizer
    automaton = Automaton.of(policy.words, tokenizer)
    meter = LeakMeter(engine_for(opened), tokenizer, automaton, policy.temperature)
    requests = Requests.measure(meter, policy.words, load_data("names").docs)
    assert 2000 < len(requests.prefixes) < 4000
    found = {p.name: p for p in compared(requests, policy, tokenizer.uchars)}
    ours = requests.point("reference", reference(policy, tokenizer.uchars))
    assert found["reference"] == ours
    assert ours.refused < 0.01 and ours.leak < 0.005
    lengths = [found[f"first {n} letter{'s' if n > 1 else ''}"] for n in (1, 2, 3, 4)]
    refused = [p.refused for p in lengths]
    assert refused == sorted(refused, reverse=True) and refused[0] > 0.5 and refused[3] < 0.006
    assert found["allow all"].leak > 0.15
    assert {p.name for p in frontier(found.values()).best()} >= {
        "reference", "allow all",
    }  # fmt: skip

"""The run report: its numbers against the run's own, its page against hostile text and eyes."""

import base64
import math
import re
import shlex
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from microgpt import __version__
from microgpt.config import FLAGS, Config, make_config
from microgpt.data import load_data
from microgpt.disk.checkpoint import RunDir
from microgpt.errors import TokenError
from microgpt.inspection import facts as runfacts
from microgpt.inspection import page as report
from microgpt.inspection import pictures
from microgpt.inspection.page import html_report, parameter_tally, text_report
from microgpt.opening import Opened, engine_for, open_model
from microgpt.runfacts import create_run
from microgpt.training import Trainer
from report_pages import SMALL, Page, unpack, untrained

NASTY = ['<b>"&', "a\u202eb", "x\u200by", "e\u0301", "😀👩\u200d💻", "שלום", "a b", "\ufe0f\u3164z"]


def train(path: Path, lines: list[str], stop_after: int | None = None, **changes: object) -> Opened:
    (path / "data.txt").write_text("\n".join(lines), encoding="utf-8")
    config = make_config(**{**SMALL, **changes})
    trainer = Trainer(config, load_data(path / "data.txt"), engine="numpy", stop_after=stop_after)
    trainer.run_dir = create_run(path / "run", trainer)
    for _ in trainer.events():
        pass
    trainer.run_dir.close()
    return open_model(path / "run")[0]


@pytest.fixture(scope="module")
def opened(tmp_path_factory):
    return train(tmp_path_factory.mktemp("plain"), ["emma", "ava", "mia", "noah"] * 20)


@pytest.fixture(scope="module")
def nasty(tmp_path_factory):
    return train(tmp_path_factory.mktemp("nasty"), NASTY * 4, steps=3)


# ------------------------------------------------------------------ parameters and facts


@pytest.mark.parametrize("layers", [1, 2, 4, 5, 96])
def test_tally_counts_every_parameter(layers):
    config = make_config(n_layer=layers)
    tallies = parameter_tally(config)
    assert [(t.name, t.shape) for t in tallies] == list(config.shapes().items())
    assert all(t.about for t in tallies)
    for some in tallies, runfacts.short_tally(config):
        assert sum(t.count for t in some) == config.parameters()
        assert math.isclose(sum(t.share for t in some), 1)
    assert len(runfacts.short_tally(config)) == (3 + 6 * layers if layers <= 4 else 9)


def test_tally_kinds():
    kinds = {t.name: t.kind for t in parameter_tally(Config())}
    assert kinds["wte"] == kinds["wpe"] == kinds["lm_head"] == "embedding"
    assert kinds["layer0.attn_wq"] == "attention"
    assert kinds["layer0.mlp_fc2"] == "mlp"


def test_text_report_says_what_the_run_says(opened):
    text = "\n".join(text_report(opened))
    metrics = opened.run.metrics()
    losses = [m["loss"] for m in metrics if "step" in m]
    held = next(m["eval"] for m in metrics if "eval" in m)
    assert len(losses) == 60
    for fact in (
        f"last loss         {losses[-1]:.4f} (step 60)",
        f"mean of last 60   {math.fsum(losses) / 60:.4f}",
        f"held-out          {held['loss']:.4f} (unused, {held['tokens']:,} tokens, step 60)",
        f"in bits per byte  {held['bits_per_byte']:.4f}",
        "after step 60 of 60",
        "documents         80",
        opened.run.run["data"]["sha256"],
        f"{opened.config.parameters():,}",
        "layer0.attn_wq   8 x 8",
        "adam, beta1 0.85, beta2 0.99, eps 1e-08",
    ):
        assert fact in text
    assert "\x1b" not in text
    assert all(line == line.rstrip() for line in text.split("\n"))


def test_text_report_of_a_model_file():
    text = "\n".join(text_report(untrained()))
    assert runfacts.NO_RUN in text
    assert "lr" not in text.split()  # a model file has no recipe: none is made up
    assert "microgpt train" not in text


def test_text_report_shows_hidden_characters(nasty):
    text = "\n".join(text_report(nasty))
    assert "\u202e" not in text and "U+202E" in text
    assert "\u200b" not in text and "U+200B" in text


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"n_layer": 3, "lr": 0.003, "holdout": 0.1, "validation": True},
        {"init_std_out": 0.01, "optimizer": "sgd", "long": "window"},
        {"schedule": "cosine", "seed": 7, "eps": 1e-6, "batch_size": 32},
    ],
)
@pytest.mark.parametrize("preset", ["final", "early"])
def test_command_makes_the_same_config(opened, preset, changes):
    config = make_config(preset, **changes)
    run = {**opened.run.run, "config": config.to_dict(), "threads": 3, "dtype": "float32"}
    other = replace(opened, config=config, run=RunDir(Path("x"), run))
    words = shlex.split(runfacts.repeat_command(other))
    assert words[:3] == ["microgpt", "train", opened.run.run["data"]["path"]]
    at, given = 3, {}
    while at < len(words):
        name = words[at].removeprefix("--").replace("-", "_")
        flag = name in FLAGS and FLAGS[name].type == "bool"
        given[name] = True if flag else words[at + 1]
        at += 1 if flag else 2
    assert (given.pop("engine"), given.pop("dtype"), given.pop("threads")) == (
        "numpy",
        "float32",
        "3",
    )
    kinds = {"int": int, "float": float, "float | None": float, "str": str, "bool": bool}
    typed = {k: kinds[str(FLAGS[k].type)](v) for k, v in given.items() if k != "preset"}
    again = make_config(given.get("preset", "final"), **typed)
    assert {n: again.std_of(n) for n in again.shapes()} == {
        n: config.std_of(n) for n in config.shapes()
    }
    assert replace(again, init_std_out=None) == replace(config, init_std_out=None)


def test_plain_command():
    run = {"config": Config().to_dict(), "data": {"name": "names", "path": None}}
    run |= {"engine": "numpy", "dtype": "float64", "threads": 1}
    opened = replace(untrained(), config=Config(), run=RunDir(Path("x"), run))
    assert runfacts.repeat_command(opened) == "microgpt train --engine numpy"
    opened.run.run["data"] = {"name": "words", "path": None, "split_by": "none"}
    assert runfacts.repeat_command(opened).startswith(
        "microgpt train --data words --split-by none --engine"
    )


def test_both_reports_say_it(opened):
    assert opened.leg["engine"] == "numpy" and opened.leg["version"] == __version__
    said = report.reproduces(opened)
    assert said.startswith(f"Made by microgpt {__version__}, numpy, float64: the same bytes")
    text = " ".join(" ".join(text_report(opened)).split())
    assert said in text and f"microgpt {__version__}" in text
    assert said in html_report(opened)


# ------------------------------------------------------------------ the page


@pytest.fixture(scope="module")
def page(opened):
    samples = [{"text": "emma", "mark": "trained"}, {"text": "", "mark": "new"}]
    return html_report(opened, None, samples, {"bigram": 1.2345})


def test_page_stands_alone(page):
    parsed = Page(page)
    tags = {tag for tag, _ in parsed.tags}
    assert not tags & {"script", "link", "iframe", "object", "embed", "form", "base"}
    for _, attributes in parsed.tags:
        assert not any(name.startswith("on") for name in attributes)
        for name in ("src", "href", "srcset", "action"):
            if name in attributes:
                assert attributes[name].startswith("data:image/png;base64,")
    assert "url(" not in page and "@import" not in page and "http" not in page
    assert page.startswith("<!doctype html>") and '<meta charset="utf-8">' in page


def test_page_is_accessible(page):
    parsed = Page(page)
    ids = [a["id"] for _, a in parsed.tags if "id" in a]
    assert len(ids) == len(set(ids))
    for tag, attributes in parsed.tags:
        for name in attributes.get("aria-labelledby", "").split():
            assert name in ids
        if tag == "svg":
            assert attributes["role"] == "img"
    headings = [int(tag[1]) for tag, _ in parsed.tags if re.fullmatch("h[1-6]", tag)]
    assert headings[0] == 1 and headings.count(1) == 1
    assert all(b <= a + 1 for a, b in pairwise(headings))
    assert ("html", {"lang": "en"}) in parsed.tags


def test_page_is_the_same_twice(opened, page):
    samples = [{"text": "emma", "mark": "trained"}, {"text": "", "mark": "new"}]
    assert html_report(opened, None, samples, {"bigram": 1.2345}) == page


def test_page_shows_the_curve_and_its_floors(opened, page):
    held = next(m["eval"]["loss"] for m in opened.run.metrics() if "eval" in m)
    assert f"random {math.log(opened.config.vocab_size):.4f}" in page
    assert "bigram 1.2345" in page
    assert f"held-out {held:.4f}" in page
    assert "nats per token" in page
    assert "begins at" in page or "begin at 0" in page
    assert (
        page.count("M", 0) and len(re.findall(r'class="each" d="(?:M\S+ \S+?h0){60}"', page)) == 2
    )


def test_page_of_a_model_file_has_no_curve():
    page = html_report(untrained())
    Page(page)
    assert runfacts.NO_RUN in page
    assert "nats per token</text>" not in page
    assert "<b><bdi>emma</bdi></b>" in page
    assert 'id="samples"' not in page


def test_page_of_a_run_without_steps(tmp_path):
    page = html_report(train(tmp_path, ["ab", "ba"], stop_after=0))
    Page(page)
    assert "No step has been trained yet." in page


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_page_of_a_short_run(tmp_path, steps):
    page = html_report(train(tmp_path, ["ab", "ba"] * 9, stop_after=steps))
    Page(page)
    assert f"after step {steps} of 60" in page


def test_page_keeps_hostile_text_harmless(nasty):
    samples = [{"text": text, "mark": "file"} for text in NASTY]
    samples.append({"text": "</bdi><script>alert(1)</script>\ud800\x00\x1b[2J", "mark": None})
    nasty = replace(nasty, path=Path("<i>\u202e'\"&.json"))
    page = html_report(nasty, '<b>"&', samples, {"<u>floor\u200b": 1.0})
    page.encode()
    assert "script" not in {tag for tag, _ in Page(page).tags} and "<b>&quot;" not in page
    for raw in "\u202e\u200b\u200d\ufe0f\u3164\x00\x1b\ud800":
        assert raw not in page
    for code in ("U+202E", "U+200B", "U+200D", "U+FE0F", "U+3164", "U+0000", "U+001B", "U+D800"):
        assert code in page
    assert "&lt;i&gt;" in page and "&lt;u&gt;floor" in page
    assert "\u25cc\u0301" in page  # a combining mark gets something to stand on


@pytest.mark.parametrize("char", "\n\t\x7f\u00a0\u00ad\u2028\u2066\ue000\ufeff\U000e0041\U000e0100")
def test_hidden_characters_get_names(char):
    assert char not in pictures.letter(char)
    assert pictures.letter(char).isprintable()


@pytest.mark.parametrize("char", "azé日😀ש")
def test_visible_characters_stay(char):
    assert pictures.letter(char) == char


def test_marks_are_said_in_words_and_signs(opened):
    samples = [{"text": t, "mark": m} for t, m in (("a", "trained"), ("b", "file"), ("c", "new"))]
    page = html_report(opened, "emma", samples)
    for sign, word in (("●", "trained"), ("◐", "file"), ("○", "new")):
        assert f"<span class=mark>{sign} {word}</span>" in page
        assert re.search(rf"{sign} <b>{word}</b> \([^)]*\): 1", page)
    page = html_report(opened, "emma", [{"text": "a", "mark": None}])
    assert "<span class=mark>" not in page and "not known" in page


# ------------------------------------------------------------------ a word


def test_attention_is_the_engines(opened):
    page = html_report(opened, "ava")
    tokens = opened.tokenizer.encode_document("ava")
    weights = engine_for(opened).trace(tokens)["layer0.weights"]
    for h in range(opened.config.n_head):
        table = re.search(rf'aria-label="layer 0, head {h}">(.*?)</table>', page)[1]
        rows = re.findall(r"<tr>(.*?)</tr>", table)[1:]
        assert len(rows) == 4
        for t, row in enumerate(rows):
            cells = re.findall(r"<td(?: class=a(\d+))?>(\d*)</td>", row)
            expected = weights[t, h, : t + 1]
            assert [c[1] for c in cells] == [f"{100 * w:.0f}" for w in expected] + [""] * (3 - t)
            assert [c[0] for c in cells[: t + 1]] == [str(round(20 * w)) for w in expected]


def test_next_letters_are_the_engines(opened):
    page = html_report(opened, "ava")
    tokens = opened.tokenizer.encode_document("ava")
    logits = engine_for(opened).logits([tokens[:-1]])[0]
    p = np.exp(logits - logits.max(1, keepdims=True))
    p /= p.sum(1, keepdims=True)
    cards = re.findall(r"<table><caption>after.*?</table>", page)
    assert len(cards) == 4
    names = [*opened.tokenizer.uchars, "BOS"]
    for t, card in enumerate(cards):
        shown = re.findall(r"<bdi>(\w+)</bdi></th>.*?<td>([\d.]+%)</td>", card)
        best = np.argsort(-p[t], kind="stable")[:5]
        assert shown[:5] == [(names[i], f"{p[t, i]:.1%}") for i in best]
        assert f"▸ <bdi>{names[tokens[t + 1]]}</bdi>" in card
    loss = -np.mean(np.log(p[range(4), tokens[1:]]))
    assert f"{loss:.4f} nats per token" in page


def test_which_word(opened):
    heading = "The model reads <b><bdi>{}</bdi></b>"
    samples = [{"text": "", "mark": None}, {"text": "mia", "mark": None}]
    assert heading.format("noah") in html_report(opened, "noah", samples)
    assert heading.format("mia") in html_report(opened, None, samples)
    assert heading.format("emma") in html_report(opened)
    assert "The model reads the empty word" in html_report(opened, "")
    other = untrained("xyz")
    engine = engine_for(other)
    greedy, context = "", [3]
    while len(greedy) < 8 and (best := int(np.argmax(engine.logits([context])[0][-1]))) != 3:
        greedy += "xyz"[best]
        context.append(best)
        context = context[:8]
    shown = heading.format(greedy) if greedy else "the empty word"
    assert shown in html_report(other)
    with pytest.raises(TokenError, match="'q' at position 0"):
        html_report(opened, "q")


def test_long_words(opened):
    page = html_report(opened, "ava" * 20)
    assert "Only the first 8 positions are shown." in page
    page = html_report(untrained(block_size=64, n_head=4, n_layer=2), "amen" * 12)
    Page(page)
    maps = re.findall(r'<svg role="img" aria-labelledby="a-\d-\d-t.*?</svg>', page)
    assert len(maps) == 8
    data = base64.b64decode(re.search(r"base64,([^\"]*)", maps[0])[1])
    assert unpack(data)[0].shape == (49, 49)
    assert np.triu(unpack(data)[0], 1).max() == 0


# ------------------------------------------------------------------ pictures


def test_signed_png():
    values = np.array([[0.0, 0.5, 1.0, 9.0], [-0.0, -0.5, -1.0, -9.0]])
    indexes, palette = unpack(pictures.signed_png(values, 1.0))
    assert indexes.shape == (10, 20)
    corners = [[palette[i] for i in row] for row in indexes[::5, ::5]]
    blue, orange = pictures.POSITIVE, pictures.NEGATIVE
    assert corners[0] == [(*blue, 0), (*blue, 128), (*blue, 255), (*blue, 255)]
    assert corners[1] == [(*blue, 0), (*orange, 128), (*orange, 255), (*orange, 255)]
    bars = indexes[2::5, 2::5]  # the middle of each cell: cut out where negative
    assert [palette[i][3] for i in bars[0]] == [0, 128, 255, 255]
    assert not bars[1].any()


def test_heat_maps_are_the_weights(opened):
    page = html_report(opened, "ava")
    svg = re.search(r'<svg role="img" aria-labelledby="m-wte-t.*?</svg>', page)[0]
    labels = re.findall(r'text-anchor="end" class="tick">(\w+)<', svg)
    assert labels == [*opened.tokenizer.uchars, "BOS"]
    data = base64.b64decode(re.search(r"base64,([^\"]*)", svg)[1])
    indexes, palette = unpack(data)
    wte = opened.weights["wte"]
    scale = np.quantile(np.concatenate([abs(w).ravel() for w in opened.weights.values()]), 0.99)
    opacity = np.array(palette)[indexes[::5, ::5]][:, :, 3] / 255
    np.testing.assert_allclose(opacity, np.clip(abs(wte) / scale, 0, 1), atol=0.01)
    assert f"±{scale:.3g}" in page
    assert len(re.findall(r'aria-labelledby="m-', page)) == len(opened.config.shapes())


def test_large_matrices_are_averaged():
    rng = np.random.default_rng(2)
    matrix = rng.normal(size=(300, 130))
    svg = pictures.heat_map("i", "n", matrix, 1.0, 5)
    data = base64.b64decode(re.search(r"base64,([^\"]*)", svg)[1])
    indexes, palette = unpack(data)
    assert indexes.shape == (5 * 100, 5 * 65)
    mean = np.clip(np.abs(matrix.reshape(100, 3, 65, 2).mean((1, 3))), 0, 1)
    opacity = np.array(palette)[indexes[::5, ::5]][:, :, 3] / 255
    np.testing.assert_allclose(opacity, mean, atol=0.01)
    ragged = pictures.heat_map("i", "n", matrix[:299], 1.0, 5)
    data = base64.b64decode(re.search(r"base64,([^\"]*)", ragged)[1])
    last = min(1, abs(matrix[297:299, :2].mean()))
    assert abs(np.array(palette)[unpack(data)[0][-5, 0]][3] / 255 - last) < 0.01


def test_a_large_model_makes_no_large_page(monkeypatch):
    monkeypatch.setattr(report, "_MOST_CELLS_A_PAGE", 20_000)
    page = html_report(untrained(n_layer=6, n_embd=96, n_head=8, block_size=16), "mean")
    assert len(page) < 500_000
    assert f"{39 - 4} more matrices aren't drawn" in page
    assert "layer0-5.attn_wq" in page
    assert page.count("<h3>Layer") == 6
    assert "means over blocks" not in page


def test_running_mean():
    losses = [math.sin(i) + 2 for i in range(120)]
    curves = pictures.Curves(list(range(1, 121)), losses, [0.1] * 120)
    for i, mean in enumerate(curves.running_mean()):
        some = losses[max(0, i - 49) : i + 1]
        assert math.isclose(mean, sum(some) / len(some))
    assert curves.begins_at() == 1.0


@pytest.mark.parametrize("width", [336, 860])
def test_chart_of_a_long_run_is_small(width):
    count = 30_000
    losses = [2 + math.sin(i) for i in range(count)]
    curves = pictures.Curves(
        list(range(1, count + 1)), losses, [0.1] * count, [("a", 2.0), ("b", 2.001)]
    )
    svg = pictures.loss_chart("x", curves, width)
    assert len(svg) < 60_000
    assert 'class="range"' in svg and 'class="each"' not in svg
    numbers = re.findall(r'<text x="(\S+)" y="(\S+)"[^>]*class="label">([^<]*)', svg)
    heights = sorted(float(y) for _, y, _ in numbers)
    assert all(b - a >= 12.9 for a, b in pairwise(heights))  # none touch


@pytest.mark.parametrize(
    ("span", "most", "step"), [(1000, 8, 200), (2.5, 8, 0.5), (3, 4, 1), (60, 8, 10), (1, 8, 0.2)]
)
def test_round_steps(span, most, step):
    assert math.isclose(pictures.round_step(span, most), step)


# ------------------------------------------------------------------ colours


def test_contrast_formula():
    assert math.isclose(pictures.contrast((0, 0, 0), (255, 255, 255)), 21)
    assert round(pictures.contrast((119, 119, 119), (255, 255, 255)), 2) == 4.48


def test_text_stands_out(page):
    """WCAG AA, 4.5 to 1, for all text colours of the style sheet in both modes."""
    light, dark = ({}, {})
    for found, rule in zip((light, dark), re.findall(r":root\s*{([^}]*)}", page), strict=True):
        for name, value in re.findall(r"--(\w+):\s*#(\w+)", rule):
            value = value if len(value) == 6 else "".join(2 * c for c in value)
            found[name] = tuple(bytes.fromhex(value))
    for colours in light, dark:
        for text in "ink", "soft":
            for ground in "bg", "faint":
                assert pictures.contrast(colours[text], colours[ground]) >= 4.5
        for line in "blue", "orange":
            assert pictures.contrast(colours[line], colours["bg"]) >= 3
    shades = re.findall(r"\.a\d+{background:rgb\((\d+) (\d+) (\d+)/([\d.]+)\);--on:#(\w{6})}", page)
    assert len(shades) == 21
    for *rgb, opacity, text in shades:
        over = tuple(map(int, rgb))
        on_light = pictures.blend(over, light["bg"], float(opacity))
        assert pictures.contrast(tuple(bytes.fromhex(text)), on_light) >= 4.5
        on_dark = pictures.blend(over, dark["bg"], float(opacity))
        assert pictures.contrast((255, 255, 255), on_dark) >= 4.5
    for full in pictures.POSITIVE, pictures.NEGATIVE:
        assert min(pictures.contrast(full, mode["bg"]) for mode in (light, dark)) >= 3

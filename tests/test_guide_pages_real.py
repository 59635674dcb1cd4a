"""The page on the real thing: its numbers, and the canonical block in real Chromium."""

import itertools
import json
import random
import re
from typing import Any

import pytest

from guide_pages import ROOT, cells, in_address, page_text
from microgpt.config import make_config
from microgpt.data import load_data
from microgpt.disk.modelfile import read_model
from microgpt.subwords import BytePairTokenizer
from widget_checks import looked_at

TEXT = page_text("real")
PROGRAM = (ROOT / "ladder" / "train5.py").read_text(encoding="utf-8").splitlines()
GPT3 = {"parameters": 175e9, "tokens": 300e9, "layers": 96, "width": 12288, "block": 2048}


def table() -> list[list[str]]:
    inside = TEXT.partition("<mg-canonical-block>")[2].partition("</mg-canonical-block>")[0]
    return cells(inside)[2:]


def power(x: float) -> str:
    """As the page writes it: 1.80 · 10⁸."""
    digits, exponent = f"{x:.2e}".split("e")
    return f"{digits} · 10{str(int(exponent)).translate(str.maketrans('0123456789', '⁰¹²³⁴⁵⁶⁷⁸⁹'))}"


def test_tokens_and_sums() -> None:
    config = make_config("final", vocab_size=27)
    docs = list(load_data(ROOT / "data" / "names.txt").docs)
    random.seed(42)
    random.shuffle(docs)
    tokens = sum(min(config.block_size, len(doc) + 1) for doc in docs[: config.steps])
    assert f"{tokens:,} tokens for {config.parameters():,} parameters" in TEXT
    assert f"| {tokens:,} |" in TEXT
    assert round(tokens / config.steps) == 7 and f"{tokens / config.parameters():.1f}" == "1.7"
    assert f"{GPT3['tokens'] / GPT3['parameters']:.1f}" == "1.7"
    ours = 6 * config.parameters() * tokens
    theirs = 6 * GPT3["parameters"] * GPT3["tokens"]
    assert f"| {power(ours)} | {power(theirs)} |" in TEXT
    assert theirs == pytest.approx(3.14e23, rel=0.01)  # table D.1 of GPT-3's paper
    assert f"{power(theirs / ours)} times" in TEXT
    assert f"{theirs / ours / 3600 / 24 / 365.25 / 1e6:.0f} million years" in TEXT


def test_the_cache() -> None:
    each = 2 * GPT3["layers"] * GPT3["width"]
    config = make_config("final", vocab_size=27)
    assert f"{each:,} numbers for each token" in TEXT
    assert f"where microgpt has {2 * config.n_layer * config.n_embd}." in TEXT
    assert f"cache of {each * GPT3['block'] * 2 / 1e9:.1f} gigabytes" in TEXT
    assert f'answer="{8 * 128}"' in TEXT


def test_byte_pairs_of_the_names() -> None:
    """By the package: the page says the same of single letters, since names have no others."""
    docs = load_data("names").docs
    tokenizer = BytePairTokenizer.of(docs, vocab_size=256 + 23 + 1)
    parts = [tokenizer.shown(token) for token in range(256, 256 + 23)]
    times = [merged_times(docs, tokenizer, i) for i in range(5)]
    (first, count), *more = zip(parts[:5], times, strict=True)
    assert f"“{first}”, which occurs in the names {count:,} times" in TEXT
    listed = ", ".join(f"{pair} with {n:,}" for pair, n in more[:-1])
    assert f"{listed} and {more[-1][0]} with {more[-1][1]:,}" in TEXT
    _, counts = tokenizer.encode_many(docs)
    before = sum(map(len, docs)) / len(docs)
    assert f"has {counts.mean():.2f} of them on average, where it had {before:.2f} letters" in TEXT
    assert 26 + 23 + 1 == 50 and "there are 50 tokens instead of 27" in TEXT
    karen = map(tokenizer.shown, tokenizer.encode("karen"))
    assert f"“karen” has become {', '.join(karen)}." in TEXT


def merged_times(docs: list[str], tokenizer: BytePairTokenizer, merge: int) -> int:
    """How often a merge's pair stands in the documents after the merges before it."""
    before = BytePairTokenizer(tokenizer.merges[:merge])
    pair = tokenizer.merges[merge]
    found = (two for doc in docs for two in itertools.pairwise(before.encode(doc)))
    return sum(two == pair for two in found)


# ---------------------------------------------------------------- the 21 blocks


def test_every_entry_is_in_the_model_with_its_shape() -> None:
    model, _ = read_model(ROOT / "data" / "model.json")
    rows = table()
    assert len(rows) == 21
    total, named = 0, []
    for name, mark, entry in rows:
        keys = re.findall(r"[a-z0-9_.]*[a-z][a-z0-9_.]*", re.sub("each|none|=.*", "", entry))
        if not keys:
            assert entry == "none", name
            continue
        shape = re.search(r"(\d+) × (\d+)", entry)
        assert shape and mark == "the same"
        for key in keys:
            matrix = model.weights[key]
            assert (len(matrix), len(matrix[0])) == (int(shape[1]), int(shape[2])), key
        size = len(keys) * int(shape[1]) * int(shape[2])
        assert entry.endswith(f" {size:,}"), name
        total += size
        named += keys
    assert total == 4192 and sorted(named) == sorted(model.weights)
    assert f'answer="{sum(entry != "none" for *_, entry in rows)}"' in TEXT


@pytest.mark.slow
def test_blocks_by_mouse_and_keyboard(opened: Any) -> None:
    page = opened("real", "mg-canonical-block")
    widget = page.locator("mg-canonical-block")
    widget.locator("> .mg-summary", has_text="Q, K, V, the same.").wait_for()
    content = json.loads((ROOT / "data" / "model.json").read_text())["state_dict"]
    keys = widget.locator(".real-block")
    assert keys.count() == 21
    for i, (name, mark, entry) in enumerate(table()):
        keys.nth(i).click()
        said = widget.locator(".real-said")
        assert said.locator(".mg-title").inner_text() == name
        assert f"In microgpt: {mark}." in said.inner_text()
        entries = said.locator("li").all_inner_texts()
        assert bool(entries) == (entry != "none"), name
        for line in entries:
            found = re.fullmatch(r"(\S+), (\d+) × (\d+) = ([\d,]+) parameters", line)
            assert found, line
            matrix = content[found[1]]
            assert (len(matrix), len(matrix[0])) == (int(found[2]), int(found[3]))
            assert f"{len(matrix) * len(matrix[0]):,}" == found[4] and found[1] in entry
        code = said.locator(".line").all_inner_texts()
        assert code or name == "dropout"
        for line in code:  # as it stands in the program
            number, _, source = line.strip().partition(" ")
            assert PROGRAM[int(number) - 1].strip() == source.strip()
    # the same lines light up in the function below, and a link brings the block back
    widget.get_by_role("button", name="causal mask").click()
    widget.locator("> .mg-summary", has_text="causal mask, no code needed.").wait_for()
    lit = page.locator("main > figure.code .line.lit").all_inner_texts()
    assert [line.strip() for line in lit] == [
        'keys[i].append(linear(h, state_dict[f"layer{i}.attn_wk"]))'
    ]
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    widget.locator("> .mg-summary", has_text="weights·V, the same.").wait_for()
    in_address(page, "canonical-block=block:values")
    again = opened("real", "mg-canonical-block", "#?canonical-block=block:norm-final")
    again.locator("mg-canonical-block > .mg-summary", has_text="final LayerNorm, none.").wait_for()
    looked_at(page, "mg-canonical-block")

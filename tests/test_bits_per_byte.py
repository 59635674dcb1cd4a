"""Bits per byte: which bytes the tokens stand for, and where the number is shown."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cli_runner import DINO, SMALL, TINY, metrics, ok, written
from microgpt.batches import TokenTable, pieces
from microgpt.data import BUNDLED, bundled, load_data
from microgpt.engines import make_engine
from microgpt.engines.base import Engine
from microgpt.evaluation import Measured, measure
from microgpt.inspection.facts import Log
from microgpt.opening import open_model
from microgpt.start import begin, hold_out
from microgpt.subwords import BytePairTokenizer
from microgpt.tokenizer import AnyTokenizer, Tokenizer
from training_runs import tiny

pytestmark = pytest.mark.usefixtures("empty_directory")

FOREIGN = "Großmütig – ¡olé!\n日本語 😀 naïve\n"


def measured(
    docs: list[str],
    most: int | None = None,
    tokenizer: AnyTokenizer | None = None,
    **changes: Any,
) -> Measured:
    """What an untrained model measures on the documents; without a tokenizer, on characters."""
    vocabulary = tokenizer or Tokenizer.of(docs)
    engine = made(vocabulary, **changes)
    found = measure(engine, TokenTable(docs, vocabulary), most=most)
    engine.close()
    return found


def made(tokenizer: AnyTokenizer, **changes: Any) -> Engine:
    """An engine with weights that are all the same."""
    config = tiny(**changes, vocab_size=tokenizer.vocab_size)
    engine = make_engine("auto", config, "float64")
    weights = {name: np.full(shape, 0.01) for name, shape in config.shapes().items()}
    engine.load(config, "float64", weights)
    return engine


# ------------------------------------------------------------------ the bytes are the file's


@pytest.mark.parametrize("name", BUNDLED)
@pytest.mark.parametrize("block", [7, 64])
def test_the_bytes_of_all_predicted_tokens_are_those_of_the_file(name: str, block: int) -> None:
    data = load_data(name)
    found = measured(data.docs, long="window", block_size=block)
    missing = 1 if name == "names" else 0  # its last line has no end
    size = bundled(f"data/{name}.txt").stat().st_size
    assert found.bytes == size + missing
    if name in ("names", "shakespeare"):
        assert size == {"names": 228_145, "shakespeare": 1_115_394}[name]
    assert found.tokens == sum(map(len, data.docs)) + len(data.docs)
    assert found.bits_per_byte == found.loss * found.tokens / (math.log(2) * found.bytes)


def test_windows_predict_every_token_once() -> None:
    table = TokenTable(["abcdefgh", "ab", "abcdefg", "a" * 15], Tokenizer.of(["abcdefgh"]))
    for block in range(1, 20):
        config = tiny(long="window", block_size=block, vocab_size=9)
        starts, lengths = pieces(table, config)
        predicted = [range(s + 1, s + n) for s, n in zip(starts, lengths, strict=True)]
        assert max(map(len, predicted)) <= block
        assert sorted(i for part in predicted for i in part) == list(range(1, len(table.tokens)))


def size_of_lines(docs: list[str]) -> int:
    """How large a file in UTF-8 with these documents is, one a line."""
    return written("lines.txt", "".join(f"{doc}\n" for doc in docs)).stat().st_size


def test_a_table_counts_its_column() -> None:
    path = written("towns.csv", 'town,country\nOslo,Norge\n"São, Paulo",Brasil\nŁódź,Polska\n')
    data = load_data(path, column="town")
    assert measured(data.docs, long="window").bytes == size_of_lines(["Oslo", "São, Paulo", "Łódź"])


def test_the_end_of_a_line_counts_one_byte_whatever_it_is() -> None:
    lines = "ada\r\neva\r\n\r\nélodie\r\n"
    data = load_data(written("windows.txt", lines))
    assert measured(data.docs, long="window").bytes == size_of_lines(["ada", "eva", "élodie"])
    whole = load_data(written("whole.txt", "to be\r\nor not\r\n"), "none")
    assert whole.docs == ["to be\nor not"]
    assert measured(whole.docs, long="window").bytes == size_of_lines(["to be", "or not"])


def test_a_paragraph_ends_with_one_byte_too() -> None:
    data = load_data(written("poem.txt", "olé\nolá\n\n\n  tra\nla\n\n"), "blank-line")
    assert measured(data.docs, long="window").bytes == size_of_lines(["olé", "olá", "tra", "la"])


def test_another_encoding_counts_as_utf_8() -> None:
    path = written("latin.txt", "Käse\nBrötchen\n".encode("latin-1"))
    found = measured(load_data(path, encoding="latin-1").docs, long="window")
    assert found.bytes == size_of_lines(["Käse", "Brötchen"]) == path.stat().st_size + 2


@pytest.mark.parametrize("long", ["window", "cut"])
def test_one_running_text_in_letters_of_many_bytes(long: str) -> None:
    path = written("file.txt", FOREIGN * 12)
    data = load_data(path, "none")
    block = len(data.docs[0]) + 1 if long == "cut" else 7
    found = measured(data.docs, long=long, block_size=block)
    assert found.bytes == path.stat().st_size
    assert found.tokens == len(data.docs[0]) + 1


@pytest.mark.parametrize("vocab_size", [257, 270, 285])
def test_tokens_that_are_no_characters_alone_count_their_bytes(vocab_size: int) -> None:
    path = written("file.txt", FOREIGN * 12)
    data = load_data(path, "none")
    pairs = BytePairTokenizer.of(data.docs, vocab_size)
    alone = [pairs.decode([token]) for token in pairs.encode(data.docs[0])]
    assert any("\ufffd" in text for text in alone)
    assert sum(len(text.encode()) for text in alone) > path.stat().st_size  # others count so
    found = measured(data.docs, tokenizer=pairs, long="window", block_size=7)
    assert found.bytes == path.stat().st_size
    assert found.tokens == len(pairs.encode(data.docs[0])) + 1

    engine = made(pairs, long="window", block_size=7)
    table = TokenTable(data.docs, pairs)
    every = len(pieces(table, engine.config)[0])
    parts = [measure(engine, table, most=n).bytes for n in (1, every // 2, every)]
    assert 0 < parts[0] < parts[1] < parts[2] == found.bytes
    engine.close()


def test_byte_pairs_of_lists_and_texts_sum_to_the_files_too() -> None:
    for name, missing in (("names", 1), ("shakespeare", 0)):
        docs = load_data(name).docs
        pairs = BytePairTokenizer.of(docs[:5000], vocab_size=300)
        found = measured(docs, tokenizer=pairs, long="window", block_size=64)
        assert found.bytes == bundled(f"data/{name}.txt").stat().st_size + missing
        assert found.tokens < 0.8 * found.bytes


def test_only_what_is_predicted_counts() -> None:
    cut = measured(["äöüabc", "日"], long="cut", block_size=3)
    assert (cut.tokens, cut.bytes) == (5, 6 + 4)
    some = measured(["äöüabcabc"], most=1, long="window", block_size=3)
    assert (some.tokens, some.bytes, some.is_sample) == (3, 6, True)


def test_the_time_that_a_measurement_may_take_changes_nothing() -> None:
    data = load_data(written("file.txt", FOREIGN * 12), "none")
    start = begin(tiny(long="window", block_size=7), data)
    engine = make_engine("auto", start.config, "float64")
    engine.load(start.config, "float64", {n: np.array(w) for n, w in start.weights.items()})
    table = TokenTable(start.docs, start.tokenizer)
    assert measure(engine, table, seconds=1e9) == measure(engine, table)
    engine.close()


# ------------------------------------------------------------------ where it is shown


def test_it_stands_beside_every_held_out_loss() -> None:
    flags = ["--data", "words", *TINY, "--steps", 100, "--holdout", 0.3, "--validation"]
    result = ok("train", *flags, "--eval-every", 50, "--eval-docs", 40, "--json", "--out", "r")
    events = result.of("eval")
    assert [event["split"] for event in events] == ["validation", "distinct", "validation"]
    assert events == [line["eval"] for line in metrics("r") if "eval" in line]
    for event in events:  # every letter is one byte, and so is every end
        assert event["bits_per_byte"] == pytest.approx(event["loss"] / math.log(2), rel=1e-12)
    early, late, chosen = events

    shown = ok("train", *flags, "--eval-every", 50, "--eval-docs", 40).out.splitlines()
    assert all(len(line) <= 80 for line in shown if "per byte" in line)
    assert (
        f"step   50 /  100 | validation loss {early['loss']:.4f}, "
        f"{early['bits_per_byte']:.2f} bits per byte (40 of {early['of']:,})"
    ) in shown
    at = shown.index(f"  {late['loss']:.2f}  this model, on documents held out of training:")
    assert shown[at + 1] == (
        f"        {late['bits_per_byte']:.2f} bits per byte, {late['tokens']:,} tokens, "
        f"a sample: 40 of {late['of']:,} documents"
    )
    assert shown[at - 1].startswith(f"        {chosen['bits_per_byte']:.2f} bits per byte, ")

    judged = ok("eval", "r", "--eval-docs", 40).out.splitlines()
    assert judged[0] == (
        f"{late['loss']:.4f} nats per token, {late['bits_per_byte']:.4f} bits per byte"
    )
    assert all(len(line) <= 80 for line in judged)


def test_byte_pairs_share_the_unit() -> None:
    flags = ["play.txt", "--split-by", "none", "--tokenizer", "bpe", "--vocab-size", 280, *SMALL]
    written("play.txt", "To be, or not to be: that is the question.\n" * 40)
    result = ok("train", *flags, "--holdout", 0.1, "--json", "--out", "r")
    (event,) = result.of("eval")
    (tail,) = hold_out(open_model("r")[0].config, load_data("play.txt", "none")).holdout
    assert event["tokens"] < len(tail)
    wanted = event["loss"] * event["tokens"] / math.log(2) / (len(tail) + 1)
    assert event["bits_per_byte"] == pytest.approx(wanted, rel=1e-12)
    assert ok("eval", "r", "--json").of("eval") == [event]


def test_a_report_shows_it_and_takes_logs_that_lack_it() -> None:
    event = ok("train", *DINO, "--json", "--out", "r").of("eval")[0]
    opened, _ = open_model("r")
    bits = f"{event['bits_per_byte']:.4f}"
    assert f"  in bits per byte  {bits}" in ok("inspect", "r").out.splitlines()
    ok("inspect", "r", "--html", "r.html")
    page = Path("r.html").read_text(encoding="utf-8")
    assert f"; {bits} bits per byte at step {event['step']}." in page
    assert f"<th scope=row>in bits per byte</th><td><bdi>{bits}</bdi></td>" in page

    log = Path("r/metrics.jsonl")
    whole = log.read_text(encoding="utf-8")
    log.write_text(whole.replace(f', "bits_per_byte": {event["bits_per_byte"]!r}', ""))
    assert [held.bits_per_byte for held in Log.of(opened).held_out] == [None]
    assert "per byte" not in ok("inspect", "r").out
    ok("inspect", "r", "--html", "r.html")
    assert "per byte" not in Path("r.html").read_text(encoding="utf-8")

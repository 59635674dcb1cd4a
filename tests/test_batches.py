"""Which documents and windows make a batch, and what its loss is divided by."""

import random
import tracemalloc

import numpy as np
import pytest

from microgpt.batches import Order, TokenTable, pieces
from microgpt.config import Config
from microgpt.engines.scalar import ScalarEngine
from microgpt.errors import InputError, TokenError
from microgpt.start import begin
from microgpt.tokenizer import Tokenizer
from microgpt.training import Trainer
from training_runs import DOCS, dataset, run, tiny


def order_of(docs: list[str], config: Config, seed: int = 1) -> Order:
    return Order(TokenTable(docs, Tokenizer.of(docs)), config, random.Random(seed))


def test_step_s_takes_rows_sB_plus_j_and_wraps() -> None:
    tokenizer = Tokenizer.of(DOCS)
    order = order_of(DOCS, tiny(batch_size=5))
    batches = order.batches(0, 7)
    for step in range(7):
        rows = [(step * 5 + j) % len(DOCS) for j in range(5)]
        expected = [tokenizer.encode_document(DOCS[row])[:7] for row in rows]
        assert batches.docs(5 * step, 5) == expected
        assert batches.positions[step] == sum(len(tokens) - 1 for tokens in expected)
    assert batches.documents.tolist() == [5] * 7
    later = order.batches(4, 3)
    assert later.docs(0, 15) == batches.docs(20, 15)


def test_a_batch_may_be_larger_than_the_list() -> None:
    batches = order_of(["ab", "c"], tiny(batch_size=5)).batches(1, 1)
    assert [len(tokens) for tokens in batches.docs(0, 5)] == [3, 4, 3, 4, 3]  # rows 5 … 9 mod 2


def test_windows_are_drawn_from_the_stream_over_all_starts() -> None:
    config = tiny(long="window", batch_size=3)
    order = order_of(["".join(DOCS)], config, seed=7)
    tokens = order.table.tokens.tolist()
    starts = len(tokens) - 6
    rng = random.Random(7)
    batches = order.batches(0, 4)
    for d in range(12):
        at = rng.randrange(starts)
        assert batches.docs(d, 1) == [tokens[at : at + 7]]
    assert order.rng.getstate() == rng.getstate()
    assert batches.positions.tolist() == [18] * 4
    order = order_of(["ab"], tiny(long="window", block_size=2), seed=3)
    seen = {tuple(order.batches(s, 1).docs(0, 1)[0]) for s in range(50)}
    assert seen == {(2, 0, 1), (0, 1, 2)}  # the first and the last start, with both BOS


def test_a_window_must_fit() -> None:
    with pytest.raises(InputError, match=r"holds 4 tokens; a window needs 5") as info:
        order_of(["ab"], tiny(long="window", block_size=4))
    assert "block_size" in info.value.remedy
    order_of(["ab"], tiny(long="window", block_size=3))


def test_token_tables_share_the_bos_between_neighbours() -> None:
    table = TokenTable(["ab", "c"], Tokenizer("abc"))
    assert table.tokens.tolist() == [3, 0, 1, 3, 2, 3]
    assert table.starts.tolist() == [0, 3]
    assert table.lengths.tolist() == [4, 3]
    with pytest.raises(TokenError, match="'x' at position 1 of 'ax'"):
        TokenTable(["ab", "ax"], Tokenizer("abc"))


@pytest.mark.parametrize("at_once", [1, 2, 7, 10_000])
def test_token_tables_are_the_same_in_pieces(at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("microgpt.batches._AT_ONCE", at_once)
    docs = [*DOCS, "a\nb", "é😀", "x" * 30, "z"]
    tokenizer = Tokenizer.of(docs)
    table = TokenTable(docs, tokenizer)
    expected = [tokenizer.bos]
    for doc in docs:
        assert table.starts[docs.index(doc)] == len(expected) - 1 or docs.count(doc) > 1
        expected += [*tokenizer.encode(doc), tokenizer.bos]
    assert table.tokens.tolist() == expected
    assert table.lengths.tolist() == [len(doc) + 2 for doc in docs]
    with pytest.raises(TokenError, match="'é' at position 0 of 'é😀'"):
        TokenTable(docs, Tokenizer.of([*DOCS, "\nbx"]))


def test_many_characters_make_16_bit_tokens() -> None:
    docs = [chr(i) for i in range(0x4E00, 0x4E00 + 300)]
    table = TokenTable(docs, Tokenizer.of(docs))
    assert table.tokens.dtype == np.uint16
    tokens, offsets = table.slices(table.starts, table.lengths)
    assert (tokens.dtype, offsets.dtype) == (np.int32, np.int64)
    assert tokens[:6].tolist() == [300, 0, 300, 300, 1, 300]


@pytest.mark.parametrize("docs", [["x" * 8_000_000], ["abcdefghi"] * 300_000])
def test_token_tables_need_few_bytes_a_character(docs: list[str]) -> None:
    characters = sum(map(len, docs)) + len(docs)
    tokenizer = Tokenizer.of(docs[:1])
    tracemalloc.start()
    table = TokenTable(docs, tokenizer)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert table.tokens.nbytes == characters + 1
    assert peak < 2**25 + 4 * characters


def test_pieces_cut_or_cover_every_token_once() -> None:
    table = TokenTable(["abcabc", "a"], Tokenizer("abc"))
    starts, lengths = pieces(table, tiny(block_size=3))
    assert list(zip(starts.tolist(), lengths.tolist(), strict=True)) == [(0, 4), (7, 3)]
    starts, lengths = pieces(table, tiny(block_size=3, long="window"))
    stretches = list(zip(starts.tolist(), lengths.tolist(), strict=True))
    assert stretches == [(0, 4), (3, 4), (6, 2), (7, 3)]
    predicted = [at for start, length in stretches for at in range(start + 1, start + length)]
    assert predicted == list(range(1, len(table.tokens)))


def test_the_loss_is_divided_by_the_positions_of_the_batch() -> None:
    data = dataset()
    trainer = Trainer(tiny(batch_size=4, steps=1), data, engine="scalar")
    start = begin(trainer.config, data)
    engine = ScalarEngine()
    engine.load(start.config, "float64", {n: np.array(w) for n, w in start.weights.items()})
    total, count = 0.0, 0
    for doc in start.docs[:4]:
        tokens = start.tokenizer.encode_document(doc)[:7]
        loss, _ = engine.grads([tokens])
        total += loss * (len(tokens) - 1)
        count += len(tokens) - 1
    (step,) = run(trainer)["step"]
    assert step["tokens"] == count
    assert step["loss"] == pytest.approx(total / count, rel=1e-14)

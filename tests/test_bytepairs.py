"""Byte pairs as the teaching version computes them, against vectors from the library tokenizers."""

from collections import Counter
from itertools import pairwise
from typing import Any

import pytest
from conformance import vectorfile
from hypothesis import given
from hypothesis import strategies as st

from microgpt import bytepairs
from microgpt.bytepairs import BYTES, ID_OF, Pair

CASES = vectorfile.cases("bytepairs")
texts = st.text(st.characters(exclude_categories=["Cs"]))
few = st.text("aab b'ré\u0301٣ \n\xa0", max_size=40)


def new_of(merges: list[Pair]) -> dict[Pair, int]:
    return {pair: 256 + i for i, pair in enumerate(merges)}


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest) -> dict[str, Any]:
    return CASES[request.param]


def test_training_finds_the_library_s_merges(case: dict[str, Any]) -> None:
    merges = bytepairs.train(case["docs"], case["asked"])
    assert [list(pair) for pair in merges] == case["merges"]


def test_texts_are_cut_and_encoded_as_by_the_library(case: dict[str, Any]) -> None:
    ranks = new_of([(left, right) for left, right in case["merges"]])
    for one in case["encode"]:
        assert bytepairs.pieces(one["text"]) == one["pieces"]
        tokens = [t for piece in one["pieces"] for t in bytepairs.encode(piece.encode(), ranks)]
        assert tokens == one["tokens"]


def test_tokens_are_decoded_as_by_the_library(case: dict[str, Any]) -> None:
    known = bytepairs.contents([(left, right) for left, right in case["merges"]])
    for one in [*case["encode"], *case["decode"]]:
        assert bytepairs.decode(one["tokens"], known) == one["text"]


def test_the_cases_hold_what_they_are_there_for() -> None:
    assert len(CASES["end"]["merges"]) < CASES["end"]["asked"]
    assert any("\ufffd" in one["text"] for one in CASES["scripts"]["decode"])
    first = CASES["ties"]["merges"][:2]
    assert first == sorted(first)


def test_every_byte_has_a_token() -> None:
    assert sorted(BYTES) == list(range(256))
    assert [ID_OF[byte] for byte in BYTES] == list(range(256))
    assert bytes(BYTES[:5]) == b'!"#$%'
    assert BYTES[188:191] == [0, 1, 2]


@given(texts)
def test_pieces_are_the_text(text: str) -> None:
    pieces = bytepairs.pieces(text)
    assert "".join(pieces) == text
    assert all(pieces)


@given(few)
def test_a_stand_in_changes_no_cut(text: str) -> None:
    """Letters from beyond ASCII are cut as ASCII's are."""
    plain = text.translate(str.maketrans("é٣\xa0\u0301", "a3\t!"))
    assert list(map(len, bytepairs.pieces(text))) == list(map(len, bytepairs.pieces(plain)))


def counted_again(docs: list[str], count: int) -> list[Pair]:
    """Training by its definition: every round counts all pairs of all words."""
    words = [[ID_OF[b] for b in piece.encode()] for doc in docs for piece in bytepairs.pieces(doc)]
    merges: list[Pair] = []
    for new in range(256, 256 + count):
        pairs = Counter(pair for word in words for pair in pairwise(word))
        if not pairs:
            break
        pair = min(pairs, key=lambda pair: (-pairs[pair], pair))
        merges.append(pair)
        for word in words:
            at = 0
            while at < len(word) - 1:
                if (word[at], word[at + 1]) == pair:
                    word[at : at + 2] = [new]
                at += 1
    return merges


@given(st.lists(few, max_size=6), st.integers(0, 40))
def test_training_is_what_counting_again_each_round_would_find(docs: list[str], count: int) -> None:
    assert bytepairs.train(docs, count) == counted_again(docs, count)


@given(st.lists(few, max_size=6), few, texts)
def test_what_is_encoded_is_decoded(docs: list[str], near: str, far: str) -> None:
    merges = bytepairs.train(docs, 60)
    known, ranks = bytepairs.contents(merges), new_of(merges)
    for text in (*docs, near, far):
        tokens = [
            t for piece in bytepairs.pieces(text) for t in bytepairs.encode(piece.encode(), ranks)
        ]
        assert bytepairs.decode(tokens, known) == text


@given(st.binary(max_size=40), few)
def test_any_bytes_have_tokens_that_say_them(data: bytes, doc: str) -> None:
    merges = bytepairs.train([doc], 60)
    known = bytepairs.contents(merges)
    tokens = bytepairs.encode(data, new_of(merges))
    assert b"".join(known[token] for token in tokens) == data
    assert bytepairs.decode(tokens, known) == data.decode(errors="replace")


def test_what_training_saw_once_and_again_is_one_token() -> None:
    merges = bytepairs.train(["chuck chuck woodchuck"], 100)
    for piece in ("chuck", " chuck", " woodchuck"):
        assert len(bytepairs.encode(piece.encode(), new_of(merges))) == 1


def test_a_long_piece_is_no_trouble() -> None:
    """Not timed: counting all of it again for each pair that is merged would make this hang."""
    long = "abc" * 20_000
    merges = bytepairs.train([long], 12)
    known = bytepairs.contents(merges)
    tokens = bytepairs.encode(long.encode(), new_of(merges))
    assert bytepairs.decode(tokens, known) == long
    assert max(map(len, known)) == 3 * 2**10
    assert len(tokens) < 30

"""BytePairTokenizer: the interface of every tokenizer over byte pairs, its sizes and its bytes."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from microgpt import bytepairs, subwords
from microgpt.data import load_data
from microgpt.errors import InputError, TokenError
from microgpt.subwords import BytePairTokenizer
from microgpt.tokenizer import AnyTokenizer, Tokenizer

MIXED = ["naïve café", "東京都 東京", "👍🏽 👍", "", "plain", "l'été", "\x85\u3000 \n"]
texts = st.text(st.characters(exclude_categories=["Cs"]))


@pytest.fixture(scope="module")
def mixed() -> BytePairTokenizer:
    return BytePairTokenizer.of(MIXED, 280)


def both() -> list[AnyTokenizer]:
    return [Tokenizer.of(MIXED), BytePairTokenizer.of(MIXED, 280)]


@pytest.mark.parametrize("tokenizer", both(), ids=lambda one: one.kind)
class TestAnyTokenizer:
    def test_bos_is_the_last_token(self, tokenizer: AnyTokenizer) -> None:
        assert tokenizer.bos == tokenizer.vocab_size - 1
        bos = tokenizer.bos
        assert tokenizer.encode_document("plain") == [bos, *tokenizer.encode("plain"), bos]
        assert tokenizer.shown(bos) == "BOS"

    def test_documents_come_back(self, tokenizer: AnyTokenizer) -> None:
        for doc in MIXED:
            assert tokenizer.decode(tokenizer.encode_document(doc)) == doc

    def test_many_are_each_of_them(self, tokenizer: AnyTokenizer) -> None:
        ids, counts = tokenizer.encode_many(MIXED)
        each = [tokenizer.encode(doc) for doc in MIXED]
        assert counts.tolist() == [len(tokens) for tokens in each]
        assert ids.tolist() == [token for tokens in each for token in tokens]
        assert ids.dtype == np.min_scalar_type(tokenizer.bos)
        assert counts.dtype == np.int64

    def test_no_documents_have_no_tokens(self, tokenizer: AnyTokenizer) -> None:
        for docs in ([], [""], ["", ""]):
            ids, counts = tokenizer.encode_many(docs)
            assert (ids.tolist(), counts.tolist()) == ([], [0] * len(docs))
            assert ids.dtype == np.min_scalar_type(tokenizer.bos)

    def test_bytes_are_those_of_the_documents(self, tokenizer: AnyTokenizer) -> None:
        sizes = tokenizer.bytes_of()
        assert (sizes.shape, sizes.dtype) == ((tokenizer.vocab_size,), np.int64)
        assert sizes[tokenizer.bos] == 1
        for doc in MIXED:
            assert sizes[tokenizer.encode(doc)].sum() == len(doc.encode())

    def test_every_token_is_shown_on_one_line(self, tokenizer: AnyTokenizer) -> None:
        shown = [tokenizer.shown(token) for token in range(tokenizer.vocab_size)]
        assert all(
            name.isprintable() and name and " " not in name for name in shown if "<" not in name
        )

    @pytest.mark.parametrize("off", [-1, 1])
    def test_other_tokens_are_refused(self, tokenizer: AnyTokenizer, off: int) -> None:
        token = -1 if off < 0 else tokenizer.bos + 1
        for use in (tokenizer.shown, lambda token: tokenizer.decode([0, token])):
            with pytest.raises(TokenError, match=f"Token {token} is outside 0 to {tokenizer.bos}"):
                use(token)

    def test_an_unknown_word_for_unknown_is_refused(self, tokenizer: AnyTokenizer) -> None:
        with pytest.raises(InputError, match="unknown is 'Skip'"):
            tokenizer.encode("a", unknown="Skip")

    def test_a_character_vocabulary_is_stored_as_ever(self, tokenizer: AnyTokenizer) -> None:
        name, content = tokenizer.stored()
        assert name == {"character": "vocab.json", "byte-pair": "tokenizer.json"}[tokenizer.kind]
        assert json.loads(content)


# ---------------------------------------------------------------- bytes and files


def bytes_counted(name: str, tokenizer: AnyTokenizer) -> int:
    """The bytes of all tokens that are predicted in a bundled list, one BOS for each document."""
    docs = load_data(name).docs
    ids, counts = tokenizer.encode_many(docs)
    assert len(counts) == len(docs)
    return int(tokenizer.bytes_of()[ids].sum()) + len(docs)


# names.txt has 228,145 bytes: its last line has no end.
@pytest.mark.parametrize(("name", "size"), [("names", 228_146), ("shakespeare", 1_115_394)])
def test_the_bytes_of_all_tokens_are_those_of_the_file(name: str, size: int) -> None:
    docs = load_data(name).docs
    assert bytes_counted(name, Tokenizer.of(docs)) == size
    assert bytes_counted(name, BytePairTokenizer.of(docs, 512)) == size


@pytest.mark.slow
@pytest.mark.parametrize("vocab_size", [257, 300, 1000, 4000])
def test_the_bytes_are_the_file_s_in_every_vocabulary(vocab_size: int) -> None:
    for name, size in (("names", 228_146), ("shakespeare", 1_115_394)):
        tokenizer = BytePairTokenizer.of(load_data(name).docs, vocab_size)
        assert bytes_counted(name, tokenizer) == size


def test_tokens_that_are_no_text_alone_count_their_bytes() -> None:
    docs = ["東京都庁 " * 3, "👍🏽👍🏿👍", "éèê"]
    tokenizer = BytePairTokenizer.of(docs, 275)
    parts = [tokenizer.decode([token]) for token in tokenizer.encode("".join(docs))]
    assert any("\ufffd" in part for part in parts)  # their text would count 3 bytes each
    ids, _ = tokenizer.encode_many(docs)
    assert tokenizer.bytes_of()[ids].sum() == len("".join(docs).encode())


@given(texts)
def test_every_text_is_known(text: str) -> None:
    tokenizer = BytePairTokenizer([])
    assert tokenizer.decode(tokenizer.encode(text)) == text
    assert tokenizer.bytes_of()[tokenizer.encode(text)].sum() == len(text.encode())


# ---------------------------------------------------------------- words


def test_tokens_are_shown(mixed: BytePairTokenizer) -> None:
    assert mixed.describe() == "280 byte-pair tokens"
    whole = BytePairTokenizer.of(["東京 東京 東京 東京"], 263)
    assert [whole.shown(token) for token in whole.encode("東京 東京 東!\n")] == [
        "東京", "␣東京", "␣", "<e6 9d>", "<b1>", "!", "\\n",
    ]  # fmt: skip
    assert BytePairTokenizer(range(0)).describe() == "257 byte-pair tokens"
    assert Tokenizer(" a\u200b").shown(0) == "␣"
    assert Tokenizer(" a\u200b").shown(2) == "\\u200b"


def test_half_a_character_is_refused_by_name(mixed: BytePairTokenizer) -> None:
    with pytest.raises(TokenError, match=r"'\\ud800' is half of a character"):
        mixed.encode("ab\ud800")
    with pytest.raises(TokenError, match="half of a character"):
        BytePairTokenizer.of(["ab\ud800"], 300)


def test_what_is_remembered_has_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subwords, "_MOST_PIECES", 3)
    tokenizer = BytePairTokenizer.of(["ab ab"], 258)
    for doc in ("a", "b", "c", "d", "ab", "a", "x" * 41):
        assert tokenizer.decode(tokenizer.encode(doc)) == doc
    assert list(tokenizer._known) == ["d", "ab", "a"]


# ---------------------------------------------------------------- sizes


def test_a_vocabulary_has_the_size_that_was_asked_for() -> None:
    for size in (257, 258, 263):
        tokenizer = BytePairTokenizer.of(["low lower lowest"], size)
        assert (tokenizer.vocab_size, tokenizer.bos) == (size, size - 1)
    assert tokenizer.merges == bytepairs.train(["low lower lowest"], 6)


@pytest.mark.parametrize("size", [0, 256, -1, 2**20 + 1])
def test_a_size_out_of_range_is_refused(size: int) -> None:
    with pytest.raises(InputError) as caught:
        BytePairTokenizer.of(["ab"], size)
    assert caught.value.message == f"vocab_size is {size}, must be from 257 to 1048576."
    assert "256 bytes and BOS" in caught.value.remedy


def test_more_tokens_than_the_data_can_give_are_refused() -> None:
    with pytest.raises(InputError) as caught:
        BytePairTokenizer.of(["abab", "cd"], 1000)
    assert caught.value.message == (
        "vocab_size is 1,000, but after 3 merges no pair is left that occurs: at most 260 tokens."
    )
    assert caught.value.remedy == "Use 260 or less, or train on more data."
    assert BytePairTokenizer.of(["abab", "cd"], 260).vocab_size == 260
    assert BytePairTokenizer.of([], 257).merges == []


@pytest.mark.parametrize(
    ("merges", "words"),
    [
        ([(0, 256)], "Merge 0 is of the tokens 0 and 256, must be of two that come before it"),
        ([(0, 1), (-1, 0)], "Merge 1 is of the tokens -1 and 0"),
        ([(0, 1), (0, 1)], "merged twice"),
    ],
)
def test_merges_that_are_none_are_refused(merges: list[tuple[int, int]], words: str) -> None:
    with pytest.raises(InputError, match=words):
        BytePairTokenizer(merges)

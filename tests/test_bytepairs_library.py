"""The library tokenizers computes what we compute: merges, cuts, ids, texts and files."""

import json
import random
import sys
import unicodedata
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from microgpt import bytepairs
from microgpt.data import load_data
from microgpt.errors import CheckpointError
from microgpt.subwords import BytePairTokenizer
from microgpt.tokenizer import Tokenizer
from microgpt.tokenizerjson import BOS, byte_pair_json, spelled, tokenizer_json, written
from test_mergesfile import as_gpt2, content

pytestmark = pytest.mark.slow

# Letters, numbers and marks of several scripts, joined emoji, every kind of white space and what
# only looks like it, contractions.
PARTS = [
    *"aab est'TDreéßñ ДжあいुऀाँΩ٣७Ⅷ½²\u0301\u0308\u200d👩👧🏽🇫🇷\U0001f3f3\ufe0f",
    *"\x1c\x1d\x1e\x1f\x85\xa0\u2028\u2029\u3000\u1680\u180e\u200b\ufeff\t\n\r\x0b\x0c\0’\xad_-.!1",
    *("'s", "'re", "DON'T", "don't", "l'été", " 's", "  ", "ll", "'ll"),
]


@pytest.fixture
def tokenizers(require: Any) -> ModuleType:
    module: ModuleType = require("tokenizers")
    return module


def odd_texts(rng: random.Random, count: int, longest: int) -> list[str]:
    return ["".join(rng.choices(PARTS, k=rng.randrange(longest))) for _ in range(count)]


def trained(tokenizers: ModuleType, texts: list[str], count: int) -> tuple[Any, list[Any]]:
    """The library's tokenizer with its own alphabet of bytes, and its merges as ids."""
    made = tokenizers.Tokenizer(tokenizers.models.BPE())
    made.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = tokenizers.decoders.ByteLevel()
    alphabet = tokenizers.pre_tokenizers.ByteLevel.alphabet()
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=256 + count, initial_alphabet=alphabet, show_progress=False
    )
    made.train_from_iterator(texts, trainer)
    model = json.loads(made.to_str())["model"]
    ids = model["vocab"]
    return made, [(ids[left], ids[right]) for left, right in model["merges"]]


def same(made: Any, ours: BytePairTokenizer, texts: list[str]) -> None:
    """The same ids, and the same texts back."""
    ids, counts = ours.encode_many(texts)
    theirs = [one.ids for one in made.encode_batch_fast(texts, add_special_tokens=False)]
    assert counts.tolist() == [len(tokens) for tokens in theirs]
    assert ids.tolist() == [token for tokens in theirs for token in tokens]
    assert made.decode_batch(theirs) == [ours.decode(tokens) for tokens in theirs] == texts


# ---------------------------------------------------------------- merges, ids, texts


@pytest.mark.parametrize("name", ["names", "shakespeare"])
def test_bundled_texts_give_the_same_merges_and_ids(tokenizers: ModuleType, name: str) -> None:
    docs = load_data(name).docs
    _, merges = trained(tokenizers, docs, 1_500)
    assert bytepairs.train(docs, 1_500) == merges
    made, fewer = trained(tokenizers, docs, 255)
    assert fewer == merges[:255]
    same(made, BytePairTokenizer(fewer), docs)


def test_a_whole_text_gives_the_same_merges_and_ids(tokenizers: ModuleType) -> None:
    text = "\n".join(load_data("shakespeare").docs)
    made, merges = trained(tokenizers, [text], 500)
    ours = BytePairTokenizer.of([text], 757)
    assert ours.merges == merges
    same(made, ours, [text])


def test_odd_texts_give_the_same_merges_and_ids(tokenizers: ModuleType) -> None:
    rng = random.Random(5)
    for trial in range(300):
        texts = odd_texts(rng, 6, 60)
        if trial % 3 == 0:  # runs of two things
            two = rng.choices(PARTS, k=2)
            texts = ["".join(rng.choices(two, k=rng.randint(1, 80))) for _ in range(5)]
        count = rng.randrange(400)
        made, merges = trained(tokenizers, texts, count)
        assert bytepairs.train(texts, count) == merges, texts
        same(made, BytePairTokenizer(merges), [*texts, *odd_texts(rng, 3, 80)])


def test_all_that_can_be_merged_is_the_same(tokenizers: ModuleType) -> None:
    texts = odd_texts(random.Random(6), 300, 100)
    _, merges = trained(tokenizers, texts, 100_000)
    assert bytepairs.train(texts, 100_000) == merges
    assert len(merges) < 100_000


@pytest.mark.parametrize("count", [10_000, pytest.param(100_000, marks=pytest.mark.prove)])
def test_bytes_that_are_no_text_have_the_same_tokens(tokenizers: ModuleType, count: int) -> None:
    """Pieces of random bytes and of tokens at random, and what tokens at random say."""
    rng = random.Random(7)
    merges = bytepairs.train([*odd_texts(rng, 200, 200), *load_data("names").docs[:2000]], 1_500)
    said = byte_pair_json(merges)
    made = tokenizers.Tokenizer.from_str(json.dumps(said))
    pairs = [tuple(pair) for pair in said["model"]["merges"]]
    model = tokenizers.models.BPE(said["model"]["vocab"], pairs)
    known = bytepairs.contents(merges)
    new_of = {pair: 256 + i for i, pair in enumerate(merges)}
    for trial in range(count):
        piece = rng.randbytes(rng.randint(1, 24))
        if trial % 2:
            piece = b"".join(rng.choices(known, k=rng.randint(1, 4)))
        tokens = bytepairs.encode(piece, new_of)
        assert tokens == [one.id for one in model.tokenize(spelled(piece))], piece
        parts = rng.choices(range(len(known)), k=rng.randint(1, 5))
        for row in (tokens, tokens[1:], parts):
            assert made.decode(row) == bytepairs.decode(row, known), row


def test_every_assigned_character_is_cut_alike(tokenizers: ModuleType) -> None:
    """Those that Python's tables know: an older Python takes newer letters for signs.

    Private ones aren't tried: they are all of one kind.
    """
    cut = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False).pre_tokenize_str
    points = [c for c in map(chr, range(sys.maxunicode + 1)) if assigned(c)]
    assert len(points) > 140_000
    for at in range(0, len(points), 100):
        text = "".join(f"a{c}b {c}1{c}{c}!{c}  {c}'s" for c in points[at : at + 100])
        spans = [span for _, span in cut(text)]
        start, ours = 0, []
        for piece in bytepairs.pieces(text):
            ours.append((start, start + len(piece)))
            start += len(piece)
        assert ours == spans


def assigned(char: str) -> bool:
    return unicodedata.category(char) not in ("Cn", "Co", "Cs")


# ---------------------------------------------------------------- files


@pytest.mark.parametrize("kind", ["character", "byte-pair"])
def test_our_files_are_the_library_s(tokenizers: ModuleType, kind: str, tmp_path: Path) -> None:
    docs = [*load_data("names").docs[:500], "l'été 東京\n\t \x85", 'a"\\/\x7f\u2028 \U0001f3f3']
    ours: Any = Tokenizer.of(docs) if kind == "character" else BytePairTokenizer.of(docs, 300)
    data = written(tokenizer_json(ours))
    made = tokenizers.Tokenizer.from_str(data.decode())
    assert made.to_str(pretty=True).encode() == data
    made.save(str(tmp_path / "t.json"))
    assert (tmp_path / "t.json").read_bytes() == data
    assert made.get_vocab_size() == ours.vocab_size
    assert made.token_to_id(BOS) == ours.bos
    for doc in docs:
        ids = made.encode(doc).ids
        assert ids == ours.encode_document(doc)[:-1]
        assert made.decode(ids) == ours.decode(ids) == doc
    bos = ours.bos
    assert made.encode("ava", "emma").ids == [bos, *ours.encode("ava"), bos, *ours.encode("emma")]


def test_an_unknown_character_is_an_error_there_too(tokenizers: ModuleType) -> None:
    made = tokenizers.Tokenizer.from_str(json.dumps(tokenizer_json(Tokenizer("ab"))))
    with pytest.raises(Exception, match="UNK"):
        made.encode("abc")


def test_the_name_of_bos_in_a_text_is_where_we_differ(tokenizers: ModuleType) -> None:
    ours = BytePairTokenizer.of(["ada"], 258)
    made = tokenizers.Tokenizer.from_str(json.dumps(tokenizer_json(ours)))
    assert made.encode(f"a{BOS}").ids[-1] == ours.bos
    assert ours.decode(ours.encode(f"a{BOS}")) == f"a{BOS}"
    made.encode_special_tokens = True
    assert made.encode(f"a{BOS}").ids == [ours.bos, *ours.encode(f"a{BOS}")]


def test_the_library_s_own_byte_pairs_are_read(tokenizers: ModuleType, tmp_path: Path) -> None:
    docs = load_data("names").docs
    made = tokenizers.ByteLevelBPETokenizer()
    made.train_from_iterator(docs, vocab_size=400, show_progress=False)
    made.add_special_tokens(["<|endoftext|>"])
    made.save(str(tmp_path / "t.json"))
    back = BytePairTokenizer.read((tmp_path / "t.json").read_bytes(), "t.json")
    assert back.bos_name == "<|endoftext|>"
    assert back.merges == BytePairTokenizer.of(docs, 401).merges
    same(made._tokenizer, back, docs[:2_000])


def test_gpt2_s_form_means_the_same(tokenizers: ModuleType) -> None:
    """Merges as texts, no type, BOS in the vocabulary too."""
    said = content()
    as_gpt2(said)
    made = tokenizers.Tokenizer.from_str(json.dumps(said))
    for text in (json.dumps(said), made.to_str()):
        back = BytePairTokenizer.read(text.encode(), "t.json")
        assert back.bos == made.token_to_id("<|endoftext|>")
        same(made, back, ["low lower lowest", "l'été\x85 東", ""])


def test_a_special_token_that_comes_first_is_refused(tokenizers: ModuleType) -> None:
    made = tokenizers.ByteLevelBPETokenizer()
    made.train_from_iterator(
        ["low lower"], vocab_size=260, show_progress=False, special_tokens=["<s>"]
    )
    with pytest.raises(CheckpointError, match=r"\(byte 0x21\) has the id 1, must have the id 0"):
        BytePairTokenizer.read(made.to_str().encode(), "t.json")

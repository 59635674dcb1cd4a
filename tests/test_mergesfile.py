"""tokenizer.json: what we write, what is read, and what is refused, by name and with a remedy."""

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from microgpt import mergesfile
from microgpt.errors import CheckpointError, InputError
from microgpt.subwords import BytePairTokenizer
from microgpt.tokenizer import Tokenizer
from microgpt.tokenizerjson import BYTE, LETTER, MAX_BYTES, spelled, tokenizer_json, written

OURS = BytePairTokenizer.of(["low lower lowest"], 263)
FIRST = [[LETTER[ord(a)], LETTER[ord(b)]] for a, b in ("lo", "ow")]


def content() -> dict[str, Any]:
    return copy.deepcopy(tokenizer_json(OURS))


def read(changed: Any) -> BytePairTokenizer:
    data = changed if isinstance(changed, bytes) else json.dumps(changed).encode()
    return BytePairTokenizer.read(data, "t.json")


def test_bytes_are_spelled_as_in_gpt2() -> None:
    assert spelled(b" the\n\x00\xad\xff") == "ĠtheĊĀŃÿ"
    assert sorted(BYTE.values()) == list(range(256))
    assert all(BYTE[letter] == byte for byte, letter in LETTER.items())
    assert list(LETTER.values()) == sorted(LETTER.values())


def test_what_is_written_is_read() -> None:
    name, data = OURS.stored()
    back = BytePairTokenizer.read(data, name)
    assert (back.merges, back.bos_name, back.vocab_size) == (OURS.merges, "<|bos|>", 263)
    assert back.stored() == (name, data)
    assert read(written(tokenizer_json(BytePairTokenizer([])))).vocab_size == 257


def as_gpt2(content: dict[str, Any]) -> None:
    """The way in which GPT-2's own file differs from ours."""
    model, end = content["model"], "<|endoftext|>"
    del model["type"], model["byte_fallback"], model["ignore_merges"]
    model.update(continuing_subword_prefix="", end_of_word_suffix="", unk_token=end)
    model["merges"] = [" ".join(pair) for pair in model["merges"]]
    model["vocab"][end] = len(model["vocab"])
    content["added_tokens"][0].update(content=end, normalized=True)
    content["post_processor"] = {
        "type": "ByteLevel",
        "add_prefix_space": True,
        "trim_offsets": False,
    }
    for part in ("pre_tokenizer", "decoder"):
        del content[part]["use_regex"]


def test_gpt2_s_form_is_read() -> None:
    changed = content()
    as_gpt2(changed)
    back = read(changed)
    assert (back.merges, back.bos_name) == (OURS.merges, "<|endoftext|>")
    name, data = back.stored()
    assert json.loads(data)["added_tokens"][0]["content"] == "<|endoftext|>"
    assert BytePairTokenizer.read(data, name).merges == OURS.merges
    assert read(b"\xef\xbb\xbf" + json.dumps(changed).encode()).merges == OURS.merges


# ---------------------------------------------------------------- refused


def put(*path: Any) -> Callable[[dict[str, Any]], None]:
    """Change the value at a path, whose last item is the new value."""
    *keys, last, value = path

    def change(content: Any) -> None:
        for key in keys:
            content = content[key]
        content[last] = value

    return change


def without(*path: str) -> Callable[[dict[str, Any]], None]:
    *keys, last = path

    def change(content: Any) -> None:
        for key in keys:
            content = content[key]
        del content[last]

    return change


def more(word: str, token: int) -> Callable[[dict[str, Any]], None]:
    return put("model", "vocab", word, token)


def moved(content: dict[str, Any]) -> None:
    merges = content["model"]["merges"]
    merges[0], merges[1] = merges[1], merges[0]


def twice(content: dict[str, Any]) -> None:
    content["model"]["merges"].insert(1, content["model"]["merges"][0])


def used_early(content: dict[str, Any]) -> None:
    merges = content["model"]["merges"]
    merges.insert(0, merges.pop())


def first_special(content: dict[str, Any]) -> None:
    """BOS first, as trainers put it that are told of special tokens."""
    vocab = content["model"]["vocab"]
    content["model"]["vocab"] = {"<|bos|>": 0, **{w: t + 1 for w, t in vocab.items()}}
    content["added_tokens"][0]["id"] = 0


def fewer_bytes(content: dict[str, Any]) -> None:
    """A vocabulary of those bytes alone that the data had."""
    words = [w for w in content["model"]["vocab"] if len(w) > 1 or w in "Ġlower"]
    content["model"]["vocab"] = {word: token for token, word in enumerate(words)}


ADDED = {"id": 263, "content": "<pad>", "special": True}
REFUSED: list[tuple[Callable[[dict[str, Any]], None], str]] = [
    (put("model", None), "model is null, must be a JSON object"),
    (without("model"), "model is null"),
    (put("model", "type", "WordPiece"), "model.type is 'WordPiece', must be 'BPE'"),
    (put("model", "type", "Unigram"), "model.type is 'Unigram', must be 'BPE'"),
    (put("model", "dropout", 0.1), "model.dropout is 0.1, must be null or 0.0"),
    (put("model", "ignore_merges", True), "model.ignore_merges is true, must be false"),
    (put("model", "end_of_word_suffix", "</w>"), "end_of_word_suffix is '</w>', must be null or"),
    (put("model", "continuing_subword_prefix", "##"), "continuing_subword_prefix is '##'"),
    (put("normalizer", {"type": "NFC"}), "normalizer is of type 'NFC', must be null"),
    (put("normalizer", 3), "normalizer is 3, must be a JSON object"),
    (put("pre_tokenizer", None), "pre_tokenizer is null"),
    (put("pre_tokenizer", {"type": "Whitespace"}), "of type 'Whitespace', must be 'ByteLevel'"),
    (put("pre_tokenizer", {"type": "Sequence", "pretokenizers": []}), "of type 'Sequence'"),
    (put("pre_tokenizer", "add_prefix_space", True), "add_prefix_space is true, must be false"),
    (put("pre_tokenizer", "add_prefix_space", 0), "add_prefix_space is 0, must be false"),
    (without("pre_tokenizer", "add_prefix_space"), "pre_tokenizer lacks add_prefix_space"),
    (put("pre_tokenizer", "use_regex", False), "use_regex is false, must be true"),
    (put("decoder", {"type": "WordPiece"}), "decoder is of type 'WordPiece'"),
    (put("model", "vocab", []), "model.vocab is a JSON list of 0, must be a JSON object"),
    (put("model", "vocab", "lo", "256"), "model.vocab['lo'] is '256', must be an id"),
    (put("model", "vocab", "lo", True), "model.vocab['lo'] is true, must be an id"),
    (put("model", "vocab", "lo", 256.0), "model.vocab['lo'] is 256.0, must be an id"),
    (without("model", "vocab", "Ġ"), "(byte 0x20) is missing, must have the id 220"),
    (more("a", 65), "'a' (byte 0x61) has the id 65, must have the id 64"),
    (fewer_bytes, "'!' (byte 0x21) is missing"),
    (put("model", "merges", {}), "model.merges is a JSON object of 0, must be a list"),
    (put("model", "merges", 0, "l o w"), "model.merges[0] is 'l o w', must be two tokens"),
    (put("model", "merges", 0, "l "), "model.merges[0] is 'l ', must be two tokens"),
    (put("model", "merges", 0, ["l"]), "model.merges[0] is a JSON list of 1, must be two tokens"),
    (put("model", "merges", 0, ["l", ["o"]]), "model.merges[0] is a JSON list of 2"),
    (put("model", "merges", 0, 7), "model.merges[0] is 7, must be two tokens"),
    (put("model", "merges", 0, ["l", "xy"]), "has 'xy', which model.vocab lacks"),
    (put("model", "merges", 0, ["l", "w"]), "makes 'lw', which has no id in model.vocab, must"),
    (moved, "has 'lo' (id 256), which must be made by an earlier merge"),
    (used_early, "(id 2"),
    (twice, "model.merges[1], 'l' and 'o', is in the list twice"),
    (put("added_tokens", None), "added_tokens is null, must be a list"),
    (put("added_tokens", []), "added_tokens has 0 tokens, must have one, BOS"),
    (put("added_tokens", [ADDED, ADDED]), "added_tokens has 2 tokens: '<pad>', '<pad>', must have"),
    (put("added_tokens", [7]), "added_tokens[0] is 7, must be a JSON object"),
    (put("added_tokens", 0, "special", False), "'<|bos|>' is not special, which BOS must be"),
    (put("added_tokens", 0, "id", 0), "'<|bos|>' has the id 0, must be the last token, 262"),
    (put("added_tokens", 0, "id", 263), "has the id 263, must be the last token, 262, after"),
    (put("added_tokens", 0, "id", 262.0), "has the id 262.0, must be the last token"),
    (put("added_tokens", 0, "content", ""), "added_tokens[0].content is '', must be a text"),
    (put("added_tokens", 0, "content", "x" * 101), "must be a text of 1 to 100 characters"),
    (put("added_tokens", 0, "content", "\ud800"), "added_tokens[0].content is '\\ud800', must be"),
    (put("added_tokens", 0, "content", None), "added_tokens[0].content is null"),
    (put("added_tokens", 0, "content", "lo"), "'lo' is BOS, and in model.vocab with the id 256"),
    (more("<|bos|>", 5), "'<|bos|>' is BOS, and in model.vocab with the id 5"),
    (first_special, "has the id 1, must have the id 0"),
    (more("extra", 262), "model.vocab has 'extra' (id 262), which no merge makes"),
    (more("extra", 3), "model.vocab has 'extra' (id 3), which no merge makes"),
    (more("extra", 10**30), "model.vocab has 'extra' (id 1000"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "words"), REFUSED, ids=[words[:50] for _, words in REFUSED])
def test_other_files_are_refused_by_name(
    change: Callable[[dict[str, Any]], None], words: str
) -> None:
    changed = content()
    change(changed)
    with pytest.raises(CheckpointError) as caught:
        read(changed)
    assert words in caught.value.message
    assert caught.value.message.startswith("t.json: ")
    assert caught.value.message.isprintable()
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "t.json: it is empty."),
        (b"{", "t.json is not readable JSON"),
        (b"\xff\xfe", "byte 0 is not UTF-8"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"model": ' + b'{"a": ' * 100_000, "nested too deeply"),
        (b"[]", "the file is a JSON list of 0, must be a JSON object"),
        (b'{"model": 1, "model": 2}', "the key 'model' occurs twice"),
        (b'{"model": NaN}', "NaN is not a number"),
        (b'{"model": ' + b"9" * 5000 + b"}", "t.json"),
        (b"\x80\x02}q\x00.", "is not UTF-8"),
    ],
)
def test_what_is_no_such_json_is_refused(data: bytes, words: str) -> None:
    with pytest.raises(CheckpointError) as caught:
        read(data)
    assert words in caught.value.message
    assert caught.value.remedy


def test_a_file_has_at_most_64_mb(monkeypatch: pytest.MonkeyPatch) -> None:
    assert MAX_BYTES == 64 * 2**20
    monkeypatch.setattr(mergesfile, "MAX_BYTES", 1000)
    with pytest.raises(CheckpointError, match=r"it has [\d,]+ bytes, above the limit of 1,000"):
        read(content())


def test_short_merges_of_long_tokens_take_no_more_memory_than_the_file() -> None:
    """Forty doublings would be a token of a terabyte: its word isn't in the file."""
    changed = content()
    words, vocab = ["a"], changed["model"]["vocab"]
    changed["model"]["vocab"] = {word: token for word, token in vocab.items() if token < 256}
    for i in range(10):
        words.append(words[-1] * 2)
        changed["model"]["vocab"][words[-1]] = 256 + i
    changed["model"]["merges"] = [[word, word] for word in words]
    with pytest.raises(CheckpointError, match=r"which has no id in model\.vocab, must be 266"):
        read(changed)


# ---------------------------------------------------------------- characters


def test_characters_are_words_of_one_letter() -> None:
    said = tokenizer_json(Tokenizer(" ab\u00e9"))
    assert said["model"]["vocab"] == {" ": 0, "a": 1, "b": 2, "é": 3, "<|bos|>": 4}
    assert said["added_tokens"][0]["id"] == 4
    with pytest.raises(CheckpointError, match="'Split', must be 'ByteLevel'"):
        read(said)


def test_half_a_character_can_t_be_written() -> None:
    with pytest.raises(InputError, match=r"'\\ud800', half of a character"):
        tokenizer_json(Tokenizer("a\ud800"))

"""tokenizer.json, the file in which Hugging Face's programs keep a tokenizer.

Both kinds of tokenizer have one. The library ``tokenizers`` reads these files, gives the same ids
for the same texts, BOS in front, and writes them again without a change. One thing is different
there: where a text has the name of BOS, that becomes BOS and not the characters that it is made of.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from microgpt.bytepairs import BYTES, Pair, contents
from microgpt.errors import InputError
from microgpt.tokenizer import Tokenizer

if TYPE_CHECKING:
    from microgpt.subwords import BytePairTokenizer

BOS = "<|bos|>"
"""What BOS is called in files that we write."""

MAX_BYTES = 64 * 2**20
"""The most bytes of a tokenizer.json."""

LONGEST_NAME = 100
"""The most characters of what BOS is called."""

_VISIBLE = [chr(b) for b in BYTES[:188]] + [chr(256 + i) for i in range(68)]
LETTER = dict(zip(BYTES, _VISIBLE, strict=True))
"""The character that stands for each byte, as GPT-2 writes tokens: a space is Ġ."""

BYTE = {letter: byte for byte, letter in LETTER.items()}
"""The other way round."""


def spelled(content: bytes) -> str:
    """A token's bytes, one character for each."""
    return "".join(LETTER[byte] for byte in content)


def is_text(text: str) -> bool:
    """Whether UTF-8 can say it: no half characters (surrogates)."""
    return not any("\ud800" <= char <= "\udfff" for char in text)


def tokenizer_json(tokenizer: Tokenizer | BytePairTokenizer) -> dict[str, Any]:
    """The content of the tokenizer.json of either kind of tokenizer."""
    if isinstance(tokenizer, Tokenizer):
        return character_json(tokenizer.uchars)
    return byte_pair_json(tokenizer.merges, tokenizer.bos_name)


def byte_pair_json(merges: Sequence[Pair], bos_name: str = BOS) -> dict[str, Any]:
    """The file for byte pairs. ``bos_name``: how BOS, the last token, is written."""
    words = [spelled(content) for content in contents(merges)]
    model = {
        "type": "BPE",
        "dropout": None,
        "unk_token": None,
        "continuing_subword_prefix": None,
        "end_of_word_suffix": None,
        "fuse_unk": False,
        "byte_fallback": False,
        "ignore_merges": False,
        "vocab": {word: token for token, word in enumerate(words)},
        "merges": [[words[left], words[right]] for left, right in merges],
    }
    parts = {"add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    decoder = {"type": "ByteLevel", **parts, "add_prefix_space": True}  # nothing depends on these
    return _file(len(words), bos_name, {"type": "ByteLevel", **parts}, decoder, model)


def character_json(uchars: Sequence[str], bos_name: str = BOS) -> dict[str, Any]:
    """The file for characters: each cut off by itself and looked up as a word.

    A character that the vocabulary lacks is an error there too: ``unk_token`` names no token.
    Raises ``InputError`` for half a character, which UTF-8 can't say.
    """
    if (half := next((char for char in uchars if not is_text(char)), None)) is not None:
        raise InputError(
            f"The vocabulary has {half!a}, half of a character, which a tokenizer.json can't hold.",
            "Train on data without it.",
        )
    every = {"type": "Split", "pattern": {"Regex": "[\\s\\S]"}, "behavior": "Isolated"}
    vocab = {char: token for token, char in enumerate([*uchars, bos_name])}
    model = {"type": "WordLevel", "vocab": vocab, "unk_token": "<unk>"}
    decoder = {"type": "Fuse"}
    return _file(len(uchars), bos_name, {**every, "invert": False}, decoder, model)


def _file(
    bos: int,
    name: str,
    pre_tokenizer: dict[str, Any],
    decoder: dict[str, Any],
    model: dict[str, Any],
) -> dict[str, Any]:
    """The parts that both kinds have; keys and their order are the library's own."""
    marks = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False}
    first = {"SpecialToken": {"id": name, "type_id": 0}}
    a, b = ({"Sequence": {"id": which, "type_id": 0}} for which in "AB")
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [{"id": bos, "content": name, **marks, "special": True}],
        "normalizer": None,
        "pre_tokenizer": pre_tokenizer,
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [first, a],
            "pair": [first, a, first, b],
            "special_tokens": {name: {"id": name, "ids": [bos], "tokens": [name]}},
        },
        "decoder": decoder,
        "model": model,
    }


def written(content: dict[str, Any]) -> bytes:
    """The bytes of the file, as the library writes it."""
    return json.dumps(content, ensure_ascii=False, indent=2).encode()

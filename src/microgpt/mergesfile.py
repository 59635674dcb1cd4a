"""The merges in a tokenizer.json, ours or another program's.

Such a file can come from strangers: nothing in it is executed, everything is checked before it is
used, and what is built from it is no larger than the file. Accepted is byte-level byte-pair
encoding as GPT-2 has it. Anything that would cut texts in another way, or number its tokens in
another, is refused by name: a model's ids would mean something else.
"""

from __future__ import annotations

from collections.abc import Container
from typing import Any

from microgpt import files
from microgpt.bytepairs import BYTES, Pair, contents
from microgpt.errors import CheckpointError
from microgpt.files import shown
from microgpt.tokenizerjson import LETTER, LONGEST_NAME, MAX_BYTES, is_text, spelled

_REMEDY = (
    "Use a tokenizer.json of byte-level byte pairs as GPT-2 has them, or train one with "
    "--tokenizer bpe."
)
_DAMAGED = "The file is damaged, or was changed by hand: write it again."
_ORDER = "The ids must be the 256 bytes in GPT-2's order, the merges in theirs, and BOS."


def read_byte_pairs(data: bytes, what: str) -> tuple[list[Pair], str]:
    """The merges in a tokenizer.json, and how it writes BOS.

    ``what``: the file's name for messages. Raises ``CheckpointError`` for whatever isn't byte-level
    byte-pair encoding with the 256 bytes first, the merges in order, and BOS last.
    """
    reader = _Reader(what)
    if len(data) > MAX_BYTES:
        raise reader.bad(f"it has {len(data):,} bytes, above the limit of {MAX_BYTES:,}")
    if not data:
        raise reader.bad("it is empty")
    content = reader.mapping(files.parse_json(data, what, _REMEDY), "the file")
    reader.cut_as_gpt2(content)
    model = reader.mapping(content.get("model"), "model")
    reader.merges_alone(model)
    vocab = reader.vocab(model.get("vocab"))
    merges = reader.merges(model.get("merges"), vocab)
    name = reader.bos(content.get("added_tokens"), vocab, len(BYTES) + len(merges))
    reader.nothing_else(vocab, merges, name)
    return merges, name


class _Reader:
    """Checks the parts of a file; each method raises ``CheckpointError``."""

    def __init__(self, what: str) -> None:
        self.what = what

    def bad(self, reason: str, remedy: str = _REMEDY) -> CheckpointError:
        return CheckpointError(f"{self.what}: {reason}.", remedy)

    def mapping(self, value: object, name: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise self.bad(f"{name} is {shown(value)}, must be a JSON object")
        return value

    def one_of(self, part: dict[str, Any], name: str, key: str, *allowed: object) -> None:
        """Where the key is there, its value must be one of ``allowed`` (True is not 1)."""
        if key not in part:
            return
        value = part[key]
        if not any(value == one and type(value) is type(one) for one in allowed):
            words = " or ".join(map(shown, allowed))
            raise self.bad(f"{name}.{key} is {shown(value)}, must be {words}")

    def cut_as_gpt2(self, content: dict[str, Any]) -> None:
        """What happens to a text before its pieces are looked up must be GPT-2's own."""
        if content.get("normalizer") is not None:
            kind = self.mapping(content["normalizer"], "normalizer").get("type")
            raise self.bad(f"normalizer is of type {shown(kind)}, must be null")
        for name in ("pre_tokenizer", "decoder"):
            kind = self.mapping(content.get(name), name).get("type")
            if kind != "ByteLevel":
                raise self.bad(f"{name} is of type {shown(kind)}, must be 'ByteLevel'")
        part = content["pre_tokenizer"]
        if "add_prefix_space" not in part:
            raise self.bad("pre_tokenizer lacks add_prefix_space, which must be false")
        self.one_of(part, "pre_tokenizer", "add_prefix_space", False)
        self.one_of(part, "pre_tokenizer", "use_regex", True)

    def merges_alone(self, model: dict[str, Any]) -> None:
        """The model must be merges and nothing that changes what they do."""
        self.one_of(model, "model", "type", "BPE")  # GPT-2's own file doesn't say it
        self.one_of(model, "model", "dropout", None, 0.0)
        self.one_of(model, "model", "ignore_merges", False)
        for name in ("continuing_subword_prefix", "end_of_word_suffix"):
            self.one_of(model, "model", name, None, "")

    def vocab(self, value: object) -> dict[str, int]:
        """The tokens with their ids, the bytes among them where they belong."""
        vocab = self.mapping(value, "model.vocab")
        for word, token in vocab.items():
            if type(token) is not int:
                raise self.bad(f"model.vocab[{shown(word)}] is {shown(token)}, must be an id")
        for token, byte in enumerate(BYTES):
            found = vocab.get(LETTER[byte])
            if found != token:
                named = f"{shown(LETTER[byte])} (byte 0x{byte:02x})"
                said = "is missing" if found is None else f"has the id {shown(found)}"
                raise self.bad(f"model.vocab: {named} {said}, must have the id {token}", _ORDER)
        return vocab

    def merges(self, value: object, vocab: dict[str, int]) -> list[Pair]:
        """The pairs of ids; each makes the next id, out of two tokens that are there already."""
        if not isinstance(value, list):
            raise self.bad(f"model.merges is {shown(value)}, must be a list of merges")
        merges: dict[Pair, None] = {}
        for i, merge in enumerate(value):
            parts = merge.split(" ") if isinstance(merge, str) else merge
            if (
                not isinstance(parts, list)
                or len(parts) != 2
                or not all(isinstance(part, str) and part for part in parts)
            ):
                raise self.bad(
                    f'model.merges[{i}] is {shown(merge)}, must be two tokens, "a b" or ["a", "b"]'
                )
            pair = self.pair(i, parts[0], parts[1], vocab, merges)
            merges[pair] = None
        return list(merges)

    def pair(
        self, i: int, left: str, right: str, vocab: dict[str, int], before: Container[Pair]
    ) -> Pair:
        """The ids of the two tokens of merge ``i``. ``before``: the merges before it."""
        name, new = f"model.merges[{i}]", len(BYTES) + i
        for part in (left, right):
            if part not in vocab:
                raise self.bad(
                    f"{name}, {_told(left, right)}, has {shown(part)}, which model.vocab lacks",
                    _DAMAGED,
                )
            if vocab[part] not in range(new):
                raise self.bad(
                    f"{name}, {_told(left, right)}, has {shown(part)} (id {shown(vocab[part])}), "
                    "which must be made by an earlier merge",
                    _ORDER,
                )
        pair = (vocab[left], vocab[right])
        if pair in before:
            raise self.bad(f"{name}, {_told(left, right)}, is in the list twice", _DAMAGED)
        if vocab.get(left + right) != new:
            made = vocab.get(left + right)
            said = "has no id" if made is None else f"has the id {shown(made)}"
            raise self.bad(
                f"{name}, {_told(left, right)}, makes {shown(left + right)}, which {said} in "
                f"model.vocab, must be {new}",
                _ORDER,
            )
        return pair

    def bos(self, value: object, vocab: dict[str, int], bos: int) -> str:
        """How BOS is written: the only added token, and the last of all."""
        if not isinstance(value, list):
            raise self.bad(f"added_tokens is {shown(value)}, must be a list")
        added = [self.mapping(token, f"added_tokens[{i}]") for i, token in enumerate(value)]
        names = [shown(token.get("content")) for token in added]
        if len(added) != 1:
            few = names if len(names) < 5 else [*names[:4], "…"]
            raise self.bad(
                f"added_tokens has {len(added)} tokens{': ' * bool(names)}{', '.join(few)}, "
                "must have one, BOS",
                "Only bytes, merges and one special token at the end can be used.",
            )
        name, token = added[0].get("content"), added[0].get("id")
        if not isinstance(name, str) or not 0 < len(name) <= LONGEST_NAME or not is_text(name):
            raise self.bad(
                f"added_tokens[0].content is {names[0]}, must be a text of 1 to {LONGEST_NAME} "
                "characters"
            )
        if added[0].get("special") is not True:
            raise self.bad(f"added_tokens: {names[0]} is not special, which BOS must be")
        if type(token) is not int or token != bos:
            raise self.bad(
                f"added_tokens: {names[0]} has the id {shown(token)}, must be the last token, "
                f"{bos}, after the {len(BYTES)} bytes and {bos - len(BYTES)} merges",
                _ORDER,
            )
        if vocab.get(name, bos) != bos:
            raise self.bad(f"{names[0]} is BOS, and in model.vocab with the id {vocab[name]}")
        return name

    def nothing_else(self, vocab: dict[str, int], merges: list[Pair], name: str) -> None:
        """The vocabulary must have no token that neither a byte nor a merge nor BOS is."""
        if len(vocab) - (name in vocab) == len(BYTES) + len(merges):
            return
        words = {name, *map(spelled, contents(merges))}
        word = next(word for word in vocab if word not in words)
        raise self.bad(
            f"model.vocab has {shown(word)} (id {shown(vocab[word])}), which no merge makes", _ORDER
        )


def _told(left: str, right: str) -> str:
    return f"{shown(left)} and {shown(right)}"

"""What a model file says, read as if a stranger had written it: each part is checked by name.

Sizes come before contents: nothing is allocated for a model that the file can't hold.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields
from typing import Any

import numpy as np

from microgpt import files
from microgpt.architecture import ACTIVATIONS
from microgpt.arrays import Arrays
from microgpt.config import SHAPE, Config
from microgpt.errors import CheckpointError, InputError
from microgpt.files import shown
from microgpt.subwords import BytePairTokenizer
from microgpt.tokenizer import AnyTokenizer, Tokenizer

LIMIT = 64 * 2**20  # bytes of a model.json
SAID = ("relu", "relu_squared")
"""Activations that a model.json can say."""

EVERY_FIELD = frozenset(field.name for field in fields(Config))

BYTE_PAIR = "byte-pair"
"""What the metadata call a tokenizer of byte pairs."""

REMEDY = "Export it again, or use another file."
_SIZES = ("n_layer", "n_embd", "block_size", "n_head", "vocab_size")
_CHANGED = (
    "Use a good copy. If it was changed on purpose, --ignore-digest reads it, and export with "
    "that flag writes a new digest."
)


def half_character(chars: Iterable[str]) -> str | None:
    """The first code point that is only half a character, and has no UTF-8."""
    return next((c for c in chars if "\ud800" <= c <= "\udfff"), None)


class Reader:
    """Checks the parts of a file; ``warnings`` collects what was ignored."""

    def __init__(self, path: str, ignore_digest: bool = False) -> None:
        self.path = path
        self.ignore_digest = ignore_digest
        self.warnings: list[str] = []

    def bad(self, reason: str, remedy: str = REMEDY) -> CheckpointError:
        """The error for this file."""
        return CheckpointError(f"{self.path}: {reason}.", remedy)

    def must_be(self, value: object, name: str, wanted: object) -> None:
        """``value`` must equal ``wanted``, in type too (1.0 and true are not 1)."""
        if type(value) is not type(wanted) or value != wanted:
            raise self.bad(f"{name} is {shown(value)}, must be {shown(wanted)}")

    def mapping(self, value: object, name: str) -> dict[str, Any]:
        """``value``, which must be a JSON object."""
        if not isinstance(value, dict):
            raise self.bad(f"{name} is {shown(value)}, must be a JSON object")
        return value

    def keys(
        self, value: dict[str, Any], name: str, wanted: Iterable[str], more: Iterable[str] = ()
    ) -> None:
        """``value`` must have the keys ``wanted``, may have ``more``; any others give a warning."""
        wanted = list(wanted)
        missing = [key for key in wanted if key not in value]
        if missing:
            raise self.bad(f"{name} lacks {_some(missing)}")
        self.ignored(set(value) - {*wanted, *more}, name)

    def ignored(self, names: Iterable[str], where: str) -> None:
        """A warning for keys that mean nothing here."""
        names = sorted(names)
        if names:
            noun = "keys" if len(names) > 1 else "key"
            self.warnings.append(
                f"{self.path}: unknown {noun} in {where} ignored: {_some(map(shown, names))}."
            )

    def digest(self, value: object, name: str, found: str, what: str) -> None:
        """The digest in the file must be that of ``what`` was read, unless digests are ignored."""
        if value == found:
            return
        whole = isinstance(value, str) and len(value) == 64 and value.isalnum() and value.isascii()
        said = f"{str(value)[:12]}…" if whole else shown(value)
        reason = f"{name} is {said}, but the SHA-256 of {what} is {found[:12]}…"
        if not self.ignore_digest:
            raise self.bad(f"{reason}: it has changed since it was written", _CHANGED)
        self.warnings.append(f"{self.path}: {reason}: it is read all the same.")

    def config(self, value: object, size: int) -> Config:
        """The shapes of the model; ``size``: bytes of the file, which must be able to hold it."""
        value = self.mapping(value, "config")
        self.keys(value, "config", [*_SIZES, "head_dim", "BOS"], ["activation"])
        given = {name: value[name] for name in _SIZES}
        for name, number in given.items():
            if isinstance(number, int) and abs(number) > LIMIT:
                raise self.bad(f"config.{name} is {shown(number)}, must be from 1 to {LIMIT}")
        activation = value.get("activation", "relu")
        if not isinstance(activation, str):
            raise self.bad(f"config.activation is {shown(activation)}, must be a string")
        if activation in ACTIVATIONS and activation not in SAID:
            raise self.bad(
                f"config.activation is {shown(activation)}, must be {' or '.join(SAID)} in a "
                "model.json",
                "Use a .safetensors file, which can say it.",
            )
        config = self.make_config({**given, "activation": activation[:60]})
        self.room(config, size, 2)  # a digit and a comma
        self.must_be(value["head_dim"], "config.head_dim", config.head_dim)
        self.must_be(value["BOS"], "config.BOS", config.vocab_size - 1)
        return config

    def recipe(self, value: object) -> tuple[Config, frozenset[str]]:
        """A ``Config`` from the JSON text in a safetensors file's metadata, and what it states."""
        given = self.mapping(self.text(value, "config"), "config")
        self.keys(given, "config", _SIZES, EVERY_FIELD)
        stated = EVERY_FIELD & set(given)
        config = self.make_config({name: given[name] for name in sorted(stated)})
        return config, stated | set(SHAPE)

    def step(self, value: object) -> int:
        """The step in the metadata: text like everything there."""
        if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 13:
            return int(value)
        raise self.bad(f"step is {shown(value)}, must be a whole number in a string")

    def make_config(self, values: dict[str, Any]) -> Config:
        """A ``Config``, whose own limits hold."""
        try:
            return Config(**values)
        except InputError as error:
            reason = f"config: {error.message.rstrip('.')}"
            raise self.bad(reason, error.remedy or REMEDY) from error

    def room(self, config: Config, size: int, each: int) -> None:
        """The file must be large enough for the model it announces; ``each``: bytes per number."""
        if each * config.parameters() > size:
            raise self.bad(
                f"config asks for {config.parameters():,} numbers, but the file's {size:,} bytes "
                f"can hold {size // each:,} at most"
            )

    def text(self, value: object, name: str) -> Any:
        """The JSON value in a string of the metadata."""
        if not isinstance(value, str):
            raise self.bad(f"{name} is {shown(value)}, must be a string of JSON")
        return files.parse_json(value.encode("utf-8", "replace"), f"{self.path}: {name}", REMEDY)

    def characters(self, value: object, config: Config) -> Tokenizer:
        """The tokenizer with these characters."""
        name = "tokenizer.uchars"
        if not isinstance(value, list):
            raise self.bad(f"{name} is {shown(value)}, must be a list of characters")
        if len(value) != config.vocab_size - 1:
            raise self.bad(
                f"{name} has {len(value)} characters, and config.vocab_size {config.vocab_size} "
                f"asks for {config.vocab_size - 1} (BOS is the last token)"
            )
        for i, char in enumerate(value):
            if not isinstance(char, str) or len(char) != 1 or half_character(char) is not None:
                raise self.bad(f"{name}[{i}] is {shown(char)}, must be one character")
            if i and char <= value[i - 1]:
                raise self.bad(
                    f"{name} has {shown(char)} after {shown(value[i - 1])}, must be in code-point "
                    "order, each once",
                    "Sort the characters, and the rows of wte and lm_head with them.",
                )
        return Tokenizer(value)

    def vocab(self, value: object, config: Config) -> AnyTokenizer:
        """The tokenizer in a safetensors file's metadata: characters, or a tokenizer.json."""
        value = self.mapping(value, "vocab")
        if value.get("type") != BYTE_PAIR:
            self.keys(value, "vocab", ("type", "uchars"))
            self.must_be(value["type"], "vocab.type", "character")
            return self.characters(value["uchars"], config)
        self.keys(value, "vocab", ("type", "tokenizer"))
        text = value["tokenizer"]
        if not isinstance(text, str):
            raise self.bad(f"vocab.tokenizer is {shown(text)}, must be a tokenizer.json as text")
        data = text.encode("utf-8", "surrogatepass")
        tokenizer = BytePairTokenizer.read(data, f"{self.path}: vocab.tokenizer")
        if tokenizer.vocab_size != config.vocab_size:
            raise self.bad(
                f"vocab.tokenizer has {tokenizer.vocab_size:,} tokens, config.vocab_size is "
                f"{config.vocab_size:,}"
            )
        return tokenizer

    def tokenizer(self, value: object, config: Config) -> Tokenizer:
        """The tokenizer of a model.json, which says it three times over."""
        value = self.mapping(value, "tokenizer")
        self.keys(value, "tokenizer", ("type", "uchars", "stoi", "itos", "bos_token_id"))
        self.must_be(value["type"], "tokenizer.type", "character")
        tokenizer = self.characters(value["uchars"], config)
        self.must_be(value["bos_token_id"], "tokenizer.bos_token_id", tokenizer.bos)
        there = {char: i for i, char in enumerate(tokenizer.uchars)}
        back = {str(i): char for i, char in enumerate(tokenizer.uchars)}
        for name, table in (("stoi", there), ("itos", back)):
            given = self.mapping(value[name], f"tokenizer.{name}")
            self.keys(given, f"tokenizer.{name}", table)
            for key, wanted in table.items():
                self.must_be(given[key], f"tokenizer.{name}[{shown(key)}]", wanted)
        for key in set(value["stoi"]) - set(there):  # a letter that isn't in uchars, yet has an id
            number = value["stoi"][key]
            if isinstance(number, int) and 0 <= number < tokenizer.bos:
                raise self.bad(
                    f"tokenizer.stoi gives {shown(key)} the id {number}, which uchars gives to "
                    f"{shown(tokenizer.uchars[number])}"
                )
        return tokenizer

    def weights(self, value: object, config: Config) -> Arrays:
        """The matrices of a model.json, by name."""
        value = self.mapping(value, "state_dict")
        shapes = config.shapes()
        self.keys(value, "state_dict", shapes)
        return {name: self.matrix(value[name], name, *shape) for name, shape in shapes.items()}

    def matrix(self, value: object, name: str, out: int, into: int) -> Any:
        """A float64 array [out, into] from nested lists."""
        if not isinstance(value, list) or len(value) != out:
            raise self.bad(f"state_dict.{name} is {shown(value)}, must be a list of {out} rows")
        array = np.empty((out, into), dtype=np.float64)
        for i, row in enumerate(value):
            where = f"state_dict.{name}[{i}]"
            if not isinstance(row, list) or len(row) != into:
                raise self.bad(f"{where} is {shown(row)}, must be a list of {into} numbers")
            for j, number in enumerate(row):
                if type(number) is not float and type(number) is not int:
                    raise self.bad(f"{where}[{j}] is {shown(number)}, must be a number")
            try:
                array[i] = row
            except OverflowError:
                array[i] = np.inf
            if not np.isfinite(array[i]).all():
                raise self.bad(f"{where} has a number that is not finite in 64 bits")
        return array


def _some(names: Iterable[str]) -> str:
    """The first names, and how many more there are."""
    names = list(names)
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")

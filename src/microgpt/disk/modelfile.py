"""A trained model in one file: the class's ``model.json``, or safetensors.

``model.json`` is what an existing class uses; its keys, in this order::

    {"format": "tiny-gpt-char-v1",
     "config": {"n_layer", "n_embd", "block_size", "n_head", "head_dim", "vocab_size", "BOS"},
     "tokenizer": {"type": "character", "uchars": ["a", …], "stoi": {"a": 0, …},
                   "itos": {"0": "a", …}, "bos_token_id": 26},
     "state_dict": {"wte": [[…], …], …},
     "digest": "…"}

``config.activation`` is added where it isn't relu; nothing else of how a model may be built can be
said in this file, so a model with further blocks is refused by name. ``digest`` is the SHA-256 of
the state-dict's numbers in their order, each as a little-endian float64; a file may lack it. The
other keys need none: what they say, the file says twice. A safetensors file holds the same
matrices, and in its metadata, as text, all that is needed to use it by itself: ``format``,
``config``, ``vocab``, ``step`` if it is known, the same ``digest``, and ``metadata_digest``, which
covers those five.

What doesn't match its digest is refused. ``ignore_digest`` accepts it with a warning, for those who
changed a number on purpose.

What is read comes from strangers: sizes are checked before anything is allocated, shapes row by
row, every number must be finite, and nothing is executed.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from microgpt import files
from microgpt.architecture import ACTIVATIONS
from microgpt.arrays import Arrays
from microgpt.config import SHAPE, Config
from microgpt.errors import CheckpointError, InputError
from microgpt.files import shown
from microgpt.tokenizer import Tokenizer

FORMAT = "tiny-gpt-char-v1"
SAFETENSORS_FORMAT = "microgpt-v1"
LIMIT = 64 * 2**20  # bytes of a model.json
HEADER_LIMIT = 16 * 2**20  # bytes of a safetensors header

SAID = ("relu", "relu_squared")
"""Activations that a model.json can say."""

_SIZES = ("n_layer", "n_embd", "block_size", "n_head", "vocab_size")
_REMEDY = "Export it again, or use another file."
_CHANGED = (
    "Use a good copy. If it was changed on purpose, --ignore-digest reads it, and export with "
    "that flag writes a new digest."
)
_COVERED = ("format", "config", "vocab", "step", "digest")  # by metadata_digest, in this order

EVERY_FIELD = frozenset(field.name for field in fields(Config))


@dataclass
class Model:
    """What sampling needs. ``weights``: float64 by state-dict name, shapes ``config.shapes()``.

    ``step``: the training steps done, None where that isn't known. ``stated``: the names of the
    config's fields that are known. The others are defaults that were filled in (a model.json
    states the shape alone), and no file written from it states them.
    """

    config: Config
    tokenizer: Tokenizer
    weights: Arrays
    step: int | None = None
    stated: frozenset[str] = EVERY_FIELD


def digest_of(weights: Arrays) -> str:
    """SHA-256, in hexadecimal, of all numbers in their order as little-endian float64."""
    found = hashlib.sha256()
    for matrix in weights.values():
        found.update(np.ascontiguousarray(matrix, dtype="<f8").tobytes())
    return found.hexdigest()


# ---------------------------------------------------------------- model.json


def read_model(
    path: str | os.PathLike[str], *, ignore_digest: bool = False
) -> tuple[Model, list[str]]:
    """A model.json, and one warning for each place with keys that were ignored.

    ``ignore_digest``: numbers that don't match the digest are accepted, with a warning.

    Raises ``CheckpointError`` (or ``FileError`` if it can't be read) with value, limit and remedy.
    """
    data = files.read_bytes(path, LIMIT)
    reader = _Reader(str(path), ignore_digest)
    content = reader.mapping(files.parse_json(data, str(path), _REMEDY), "the file")
    reader.keys(content, "the file", ("format", "config", "tokenizer", "state_dict"), ["digest"])
    reader.must_be(content["format"], "format", FORMAT)
    config = reader.config(content["config"], len(data))
    tokenizer = reader.tokenizer(content["tokenizer"], config)
    weights = reader.weights(content["state_dict"], config)
    if "digest" in content:
        reader.digest(content["digest"], "digest", digest_of(weights), "its numbers")
    return Model(config, tokenizer, weights, None, frozenset(SHAPE)), reader.warnings


def write_model(path: str | os.PathLike[str], model: Model) -> list[str]:
    """Write a model.json, whole or not at all; returns what the user should know about it.

    Raises ``CheckpointError`` for what the format can't express, ``FileError`` from the disk.
    """
    config = model.config
    if beyond := beyond_model_json(config):
        raise CheckpointError(
            f"{path} can't be written: a model.json can't say {', '.join(beyond)}.",
            "Write a .safetensors file instead, which can.",
        )
    _check(path, model)
    if 2 * config.parameters() > LIMIT:
        raise _too_large(path, f"{config.parameters():,} numbers")
    sizes: dict[str, object] = {
        "n_layer": config.n_layer,
        "n_embd": config.n_embd,
        "block_size": config.block_size,
        "n_head": config.n_head,
        "head_dim": config.head_dim,
        "vocab_size": config.vocab_size,
        "BOS": model.tokenizer.bos,
    }
    notes = []
    if config.activation != "relu":
        sizes["activation"] = config.activation
        notes.append(
            f"The activation is {config.activation}: the class's bot, which knows only relu, "
            "can't run this file."
        )
    uchars = model.tokenizer.uchars
    tokenizer = {
        "type": "character",
        "uchars": uchars,
        "stoi": {c: i for i, c in enumerate(uchars)},
        "itos": {str(i): c for i, c in enumerate(uchars)},
        "bos_token_id": model.tokenizer.bos,
    }
    weights = {name: model.weights[name] for name in config.shapes()}
    parts = [
        f'{{\n"format": {files.dump_json(FORMAT)},\n"config": {files.dump_json(sizes)},\n',
        '"tokenizer": {\n',
        ",\n".join(f'"{key}": {files.dump_json(value)}' for key, value in tokenizer.items()),
        '\n},\n"state_dict": {\n',
        ",\n".join(_matrix_text(name, matrix) for name, matrix in weights.items()),
        f'\n}},\n"digest": {files.dump_json(digest_of(weights))}\n}}\n',
    ]
    data = "".join(parts).encode("ascii")
    if len(data) > LIMIT:
        raise _too_large(path, f"{len(data):,} bytes")
    files.write_atomic(path, data)
    return notes


def beyond_model_json(config: Config) -> list[str]:
    """What the model has that model.json can't say, such as ``["positions rope"]``."""
    return config.at_rest().beyond()


def _matrix_text(name: str, matrix: Any) -> str:
    """One row per line, so that two files can be compared."""
    rows = np.asarray(matrix, dtype=np.float64).tolist()
    return f'"{name}": [\n' + ",\n".join(files.dump_json(row) for row in rows) + "\n]"


def _too_large(path: object, size: str) -> CheckpointError:
    return CheckpointError(
        f"{path} would have {size}, a model.json may have {LIMIT:,} bytes.",
        "Write a safetensors file instead.",
    )


def _check(path: object, model: Model) -> None:
    """Raise ``CheckpointError`` unless the model is whole, finite and of this architecture."""
    config, tokenizer = model.config, model.tokenizer
    remedy = "This format holds a whole model with a character tokenizer only."

    def bad(reason: str) -> CheckpointError:
        return CheckpointError(f"{path} can't be written: {reason}.", remedy)

    shapes = config.shapes()
    for name in [*shapes, *model.weights]:
        if name not in model.weights:
            raise bad(f"the weights lack {name}")
        if name not in shapes:
            raise bad(f"the weights have {shown(name)}, which the format doesn't know")
        if model.weights[name].shape != shapes[name]:
            raise bad(f"{name} has shape {model.weights[name].shape}, must be {shapes[name]}")
    wrong = files.first_not_finite(model.weights)
    if wrong is not None:
        raise bad(f"a number in {wrong} is not finite")
    if tokenizer.vocab_size != config.vocab_size:
        raise bad(
            f"the tokenizer has {tokenizer.vocab_size} tokens, vocab_size is {config.vocab_size}"
        )
    surrogate = _surrogate(tokenizer.uchars)
    if surrogate is not None:
        raise bad(f"the vocabulary has {surrogate!a}, half a character")


def _surrogate(chars: Iterable[str]) -> str | None:
    """The first code point that is only half a character, and has no UTF-8."""
    return next((c for c in chars if "\ud800" <= c <= "\udfff"), None)


class _Reader:
    """Checks the parts of a file; ``warnings`` collects what was ignored."""

    def __init__(self, path: str, ignore_digest: bool = False) -> None:
        self.path = path
        self.ignore_digest = ignore_digest
        self.warnings: list[str] = []

    def bad(self, reason: str, remedy: str = _REMEDY) -> CheckpointError:
        return CheckpointError(f"{self.path}: {reason}.", remedy)

    def must_be(self, value: object, name: str, wanted: object) -> None:
        """``value`` must equal ``wanted``, in type too (1.0 and true are not 1)."""
        if type(value) is not type(wanted) or value != wanted:
            raise self.bad(f"{name} is {shown(value)}, must be {shown(wanted)}")

    def mapping(self, value: object, name: str) -> dict[str, Any]:
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
        try:
            return Config(**values)
        except InputError as error:
            reason = f"config: {error.message.rstrip('.')}"
            raise self.bad(reason, error.remedy or _REMEDY) from error

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
        return files.parse_json(value.encode("utf-8", "replace"), f"{self.path}: {name}", _REMEDY)

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
            if not isinstance(char, str) or len(char) != 1 or _surrogate(char) is not None:
                raise self.bad(f"{name}[{i}] is {shown(char)}, must be one character")
            if i and char <= value[i - 1]:
                raise self.bad(
                    f"{name} has {shown(char)} after {shown(value[i - 1])}, must be in code-point "
                    "order, each once",
                    "Sort the characters, and the rows of wte and lm_head with them.",
                )
        return Tokenizer(value)

    def tokenizer(self, value: object, config: Config) -> Tokenizer:
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


# ---------------------------------------------------------------- safetensors


def read_safetensors(
    path: str | os.PathLike[str], *, ignore_digest: bool = False
) -> tuple[Model, list[str]]:
    """A file of ``write_safetensors``, and warnings about what was ignored; float32 is widened.

    ``ignore_digest``: what doesn't match its digest is accepted, with a warning. Raises
    ``CheckpointError`` (or ``FileError`` if it can't be read) with value, limit and remedy.
    """
    reader = _Reader(str(path), ignore_digest)
    size = files.file_size(path)
    length = int.from_bytes(files.read_bytes(path, size, first=8), "little")
    if size < 8 or length > min(HEADER_LIMIT, size - 8):
        raise reader.bad(
            f"the header is {length:,} bytes long, must be at most {min(HEADER_LIMIT, size):,}"
        )
    header = files.read_bytes(path, size, first=8 + length)[8:]
    content = reader.mapping(files.parse_json(header, f"{path}: the header", _REMEDY), "the header")
    metadata = reader.mapping(content.get("__metadata__", {}), "the metadata")
    optional = ("step", "digest", "metadata_digest")
    reader.keys(metadata, "the metadata", ("format", "config", "vocab"), optional)
    reader.must_be(metadata["format"], "format", SAFETENSORS_FORMAT)
    config, stated = reader.recipe(metadata["config"])
    reader.room(config, size, 4)
    vocab = reader.mapping(reader.text(metadata["vocab"], "vocab"), "vocab")
    reader.keys(vocab, "vocab", ("type", "uchars"))
    reader.must_be(vocab["type"], "vocab.type", "character")
    tokenizer = reader.characters(vocab["uchars"], config)
    step = reader.step(metadata["step"]) if "step" in metadata else None
    if "metadata_digest" in metadata:
        given = metadata["metadata_digest"]
        reader.digest(given, "metadata_digest", _metadata_digest(metadata), "its metadata")
    shapes = config.shapes()
    data = files.read_bytes(path, files.tensor_file_limit(shapes) + length)
    arrays = files.unpack_tensors(data, shapes, f"{path}", _REMEDY)
    weights: Arrays = {name: array.astype(np.float64) for name, array in arrays.items()}
    if "digest" in metadata:
        reader.digest(metadata["digest"], "digest", digest_of(weights), "its numbers")
    return Model(config, tokenizer, weights, step, stated), reader.warnings


def write_safetensors(path: str | os.PathLike[str], model: Model) -> list[str]:
    """Write the model, whole or not at all; the same model gives the same bytes. No notes so far.

    Its ``config`` holds the fields that ``model.stated`` names, and the step is written if known.

    Raises ``CheckpointError`` for what the format can't express, ``FileError`` from the disk.
    """
    _check(path, model)
    stated = {k: v for k, v in model.config.to_dict().items() if k in model.stated}
    weights = {name: model.weights[name] for name in model.config.shapes()}
    metadata = {
        "format": SAFETENSORS_FORMAT,
        "config": files.dump_json(stated),
        "vocab": files.dump_json({"type": "character", "uchars": model.tokenizer.uchars}),
    }
    if model.step is not None:
        metadata["step"] = str(model.step)
    metadata["digest"] = digest_of(weights)
    metadata["metadata_digest"] = _metadata_digest(metadata)
    files.write_atomic(path, files.pack_tensors(weights, metadata))
    return []


def _metadata_digest(metadata: Mapping[str, object]) -> str:
    """SHA-256 of ``name=text`` and a line feed for each covered key that is there, as UTF-8."""
    lines = [f"{name}={metadata[name]}\n" for name in _COVERED if name in metadata]
    return hashlib.sha256("".join(lines).encode("utf-8", "surrogatepass")).hexdigest()


def _demo() -> None:
    """What the shipped model.json holds."""
    from microgpt.data import bundled

    model, warnings = read_model(bundled("data/model.json"))
    print(f"vocabulary: {model.tokenizer.describe()}, BOS = {model.tokenizer.bos}")
    for name, matrix in model.weights.items():
        print(f"{name:<16} {matrix.shape[0]:>3} x {matrix.shape[1]:<3} first {matrix[0, 0]:+.4f}")
    print(f"{model.config.parameters():,} parameters, {len(warnings)} warnings")


if __name__ == "__main__":
    _demo()

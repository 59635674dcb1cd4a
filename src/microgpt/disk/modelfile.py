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
``config``, ``vocab`` (the characters, or a tokenizer.json with the byte pairs as text), ``step`` if
it is known, the same ``digest``, and ``metadata_digest``, which covers those five.

What doesn't match its digest is refused. ``ignore_digest`` accepts it with a warning, for those who
changed a number on purpose.

What is read comes from strangers: sizes are checked before anything is allocated, shapes row by
row, every number must be finite, and nothing is executed.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from microgpt import files
from microgpt.arrays import Arrays
from microgpt.config import SHAPE, Config
from microgpt.disk.reader import EVERY_FIELD as EVERY_FIELD
from microgpt.disk.reader import LIMIT as LIMIT
from microgpt.disk.reader import REMEDY, Reader, half_character
from microgpt.errors import CheckpointError
from microgpt.files import shown
from microgpt.tokenizer import AnyTokenizer, Tokenizer

FORMAT = "tiny-gpt-char-v1"
SAFETENSORS_FORMAT = "microgpt-v1"
HEADER_LIMIT = 16 * 2**20  # bytes of a safetensors header

_COVERED = ("format", "config", "vocab", "step", "digest")  # by metadata_digest, in this order


@dataclass
class Model:
    """What sampling needs. ``weights``: float64 by state-dict name, shapes ``config.shapes()``.

    ``step``: the training steps done, None where that isn't known. ``stated``: the names of the
    config's fields that are known. The others are defaults that were filled in (a model.json
    states the shape alone), and no file written from it states them.
    """

    config: Config
    tokenizer: AnyTokenizer
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
    reader = Reader(str(path), ignore_digest)
    content = reader.mapping(files.parse_json(data, str(path), REMEDY), "the file")
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
    config, tokenizer = model.config, model.tokenizer
    beyond = beyond_model_json(config)
    if not isinstance(tokenizer, Tokenizer):
        beyond.insert(0, tokenizer.describe())
    if beyond or not isinstance(tokenizer, Tokenizer):
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
        "BOS": tokenizer.bos,
    }
    notes = []
    if config.activation != "relu":
        sizes["activation"] = config.activation
        notes.append(
            f"The activation is {config.activation}: the class's bot, which knows only relu, "
            "can't run this file."
        )
    uchars = tokenizer.uchars
    words = {
        "type": "character",
        "uchars": uchars,
        "stoi": {c: i for i, c in enumerate(uchars)},
        "itos": {str(i): c for i, c in enumerate(uchars)},
        "bos_token_id": tokenizer.bos,
    }
    weights = {name: model.weights[name] for name in config.shapes()}
    parts = [
        f'{{\n"format": {files.dump_json(FORMAT)},\n"config": {files.dump_json(sizes)},\n',
        '"tokenizer": {\n',
        ",\n".join(f'"{key}": {files.dump_json(value)}' for key, value in words.items()),
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
    remedy = "This format holds a whole model only."

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
    uchars = tokenizer.uchars if isinstance(tokenizer, Tokenizer) else ()
    surrogate = half_character(uchars)
    if surrogate is not None:
        raise bad(f"the vocabulary has {surrogate!a}, half a character")


# ---------------------------------------------------------------- safetensors


def read_safetensors(
    path: str | os.PathLike[str], *, ignore_digest: bool = False
) -> tuple[Model, list[str]]:
    """A file of ``write_safetensors``, and warnings about what was ignored; float32 is widened.

    ``ignore_digest``: what doesn't match its digest is accepted, with a warning. Raises
    ``CheckpointError`` (or ``FileError`` if it can't be read) with value, limit and remedy.
    """
    reader = Reader(str(path), ignore_digest)
    size = files.file_size(path)
    length = int.from_bytes(files.read_bytes(path, size, first=8), "little")
    if size < 8 or length > min(HEADER_LIMIT, size - 8):
        raise reader.bad(
            f"the header is {length:,} bytes long, must be at most {min(HEADER_LIMIT, size):,}"
        )
    header = files.read_bytes(path, size, first=8 + length)[8:]
    content = reader.mapping(files.parse_json(header, f"{path}: the header", REMEDY), "the header")
    metadata = reader.mapping(content.get("__metadata__", {}), "the metadata")
    optional = ("step", "digest", "metadata_digest")
    reader.keys(metadata, "the metadata", ("format", "config", "vocab"), optional)
    reader.must_be(metadata["format"], "format", SAFETENSORS_FORMAT)
    config, stated = reader.recipe(metadata["config"])
    reader.room(config, size, 4)
    tokenizer = reader.vocab(reader.text(metadata["vocab"], "vocab"), config)
    step = reader.step(metadata["step"]) if "step" in metadata else None
    if "metadata_digest" in metadata:
        given = metadata["metadata_digest"]
        reader.digest(given, "metadata_digest", _metadata_digest(metadata), "its metadata")
    shapes = config.shapes()
    data = files.read_bytes(path, files.tensor_file_limit(shapes) + length)
    arrays = files.unpack_tensors(data, shapes, f"{path}", REMEDY)
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
    vocab: dict[str, Any] = {"type": model.tokenizer.kind}
    if isinstance(model.tokenizer, Tokenizer):
        vocab["uchars"] = model.tokenizer.uchars
    else:
        vocab["tokenizer"] = model.tokenizer.stored()[1].decode()
    metadata = {
        "format": SAFETENSORS_FORMAT,
        "config": files.dump_json(stated),
        "vocab": files.dump_json(vocab),
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

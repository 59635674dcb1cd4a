"""One step directory of a run: its files as bytes, and back, every byte checked.

::

    step-00000500/  weights.safetensors   the matrices, by state-dict name
                    optim.safetensors     m.<name> and v.<name>; no array at all under SGD
                    run.json, vocab.json  copies of the run's own (older versions made none);
                                          of byte pairs tokenizer.json in place of vocab.json
                    state.json            everything else, and the digests

Every byte is under a digest: state.json lists the SHA-256 of the other four and of metrics.jsonl
up to its length then, and its own last line, ``"digest": "…"``, is the SHA-256 of all bytes of
state.json before that line. The same snapshot gives the same bytes.
"""

from __future__ import annotations

import errno
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from microgpt import files
from microgpt.arrays import Arrays, Optim
from microgpt.config import Config
from microgpt.errors import CheckpointError, FileError, NumbersError

FORMAT = 1
"""The format number that this program writes, and the highest that it reads."""

WEIGHTS, OPTIM, STATE = "weights.safetensors", "optim.safetensors", "state.json"
JSON_LIMIT = 16 * 2**20  # bytes of run.json or state.json
RUN, VOCAB, TOKENIZER = "run.json", "vocab.json", "tokenizer.json"
WORDS = (VOCAB, TOKENIZER)
"""What a run's tokenizer may be kept in: its characters, or its byte pairs."""
LIMITS = {RUN: JSON_LIMIT, VOCAB: 64 * 2**20, TOKENIZER: 64 * 2**20}
"""Files of which every step directory has a copy, with their limits in bytes."""
NAME = re.compile(r"step-(\d{8,13})(\.old)?")
RESTORE = "Restore the directory from a copy, or train again into another --out."

DAMAGE = (errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.EIO)
"""What the operating system says about a file that is lost; anything else is no damage."""

_OURS = ("format", "step", "optim_step", "metrics_bytes", "metrics_sha256", "sha256", "digest")


@dataclass
class Snapshot:
    """A moment of a run.

    ``step``: training steps done. ``weights``: arrays by state-dict name, in the dtype they had.
    ``state``: the content of state.json; what the trainer passed plus ``format``, ``step``,
    ``optim_step``, ``metrics_bytes`` and ``metrics_sha256`` (length and SHA-256 of metrics.jsonl
    then; what older versions saved lacks the latter) and ``sha256``.
    """

    step: int
    weights: Arrays
    optim: Optim
    state: dict[str, Any]


class NewerError(CheckpointError):
    """A format newer than ours: not damage, so nothing falls back to an older snapshot."""


def pack(
    config: Config, snapshot: Snapshot, metrics: tuple[int, str], originals: dict[str, bytes]
) -> dict[str, bytes]:
    """The files of a step directory, by name.

    ``metrics``: length and SHA-256 of metrics.jsonl. ``originals``: run.json and the tokenizer's
    file. What ``snapshot.state`` has under names that are ours is replaced. Raises ``NumbersError``
    if a number isn't finite.
    """
    weights, optim = snapshot.weights, snapshot.optim
    assert {name: array.shape for name, array in weights.items()} == config.shapes()
    moments = {f"m.{name}": array for name, array in optim.m.items()}
    moments |= {f"v.{name}": array for name, array in optim.v.items()}
    assert not moments or set(optim.m) == set(optim.v) == set(weights)
    bad = files.first_not_finite(weights) or files.first_not_finite(moments)
    if bad is not None:
        raise NumbersError(
            f"{bad} is no longer finite after step {snapshot.step}: it is not saved.",
            "Continue from the last save with a lower --lr.",
        )
    parts = {WEIGHTS: files.pack_tensors(weights), OPTIM: files.pack_tensors(moments), **originals}
    content = {
        "format": FORMAT,
        "step": snapshot.step,
        "optim_step": optim.step,
        **{key: value for key, value in snapshot.state.items() if key not in _OURS},
        "metrics_bytes": metrics[0],
        "metrics_sha256": metrics[1],
        "sha256": {name: sha256(data) for name, data in parts.items()},
    }
    lines = [f"  {files.dump_json(k)}: {files.dump_json(v)},\n" for k, v in content.items()]
    head = "".join(["{\n", *lines]).encode()
    return {**parts, STATE: head + digest_line(head)}


def read(path: Path, config: Config, constant: dict[str, str]) -> Snapshot:
    """The snapshot in a step directory, verified.

    ``constant``: SHA-256 of run.json and of the tokenizer's file, which must be those it was saved
    with; its copies of them are not looked at. Raises ``CheckpointError`` if a byte of it is wrong
    or missing, ``NewerError`` if its format is newer than ours, ``FileError`` if it can't be read.
    """
    state = read_state(path)
    digests = state["sha256"]
    for name, digest in constant.items():
        if digest != digests.get(name):
            raise _damaged(f"{name} has changed since it was saved")
    size = 4 * config.parameters()  # before the table of shapes is made: it may be long
    if _size(path / WEIGHTS) < size:
        raise _damaged(f"{WEIGHTS} has fewer than the {size:,} bytes that the config asks for")
    shapes = config.shapes()
    moments = {f"{k}.{name}": shape for k in "mv" for name, shape in shapes.items()}
    data = _verified(path / WEIGHTS, digests, files.tensor_file_limit(shapes))
    weights = files.unpack_tensors(data, shapes, WEIGHTS, RESTORE)
    data = _verified(path / OPTIM, digests, files.tensor_file_limit(moments))
    both = files.unpack_tensors(data, moments, OPTIM, RESTORE, may_be_empty=True)
    m = {name[2:]: array for name, array in both.items() if name.startswith("m.")}
    v = {name[2:]: array for name, array in both.items() if name.startswith("v.")}
    return Snapshot(state["step"], weights, Optim(m, v, state["optim_step"]), state)


def read_state(path: Path) -> dict[str, Any]:
    """The content of state.json, less its own digest: our keys are there and make sense.

    Raises what ``read`` raises.
    """
    raw = content_of(path / STATE, JSON_LIMIT)
    cut = raw.rfind(b'  "digest": "')
    if cut < 0 or raw[cut:] != digest_line(raw[:cut]):
        raise _damaged(f"{STATE} doesn't match its digest")
    state = json_object(raw, STATE)
    state.pop("digest")
    check_format(state, str(path / STATE))
    for key in ("step", "optim_step", "metrics_bytes"):
        value = state.get(key)
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise _damaged(f"{STATE} has {key} {files.shown(value)}, must be a whole number")
    if state["step"] != step_of(path.name):
        raise _damaged(f"{STATE} is of step {state['step']}")
    if not isinstance(state.get("sha256"), dict):
        raise _damaged(f"{STATE} has no sha256")
    return state


def holds(path: Path, parts: dict[str, bytes]) -> bool:
    """Whether a step directory has exactly this content already."""
    try:
        return all(files.read_bytes(path / n, len(data)) == data for n, data in parts.items())
    except FileError:
        return False


def step_of(name: str) -> int:
    """The step in the name of a step directory."""
    match = NAME.fullmatch(name)
    assert match is not None
    return int(match[1])


def step_names(names: Iterable[str]) -> list[str]:
    """Those that are names of step directories, newest first; of one step, ``.old`` last."""
    return sorted(filter(NAME.fullmatch, names), key=lambda name: (-step_of(name), name))


# ---------------------------------------------------------------- shared with run.json


def check_format(content: dict[str, Any], where: str) -> None:
    """Raise ``CheckpointError`` unless ``content["format"]`` is one that we read."""
    number = content.get("format")
    if isinstance(number, bool) or not isinstance(number, int) or number < 1:
        raise CheckpointError(
            f"{where} has format {files.shown(number)}, must be a number up to {FORMAT}.", RESTORE
        )
    if number > FORMAT:
        raise NewerError(
            f"{where} has format {files.shown(number)}, this program reads up to {FORMAT}.",
            "Update microgpt.",
        )


def json_object(data: bytes, where: str, remedy: str = RESTORE) -> dict[str, Any]:
    """The JSON object that ``data`` represents; anything else raises ``CheckpointError``."""
    value = files.parse_json(data, where, remedy)
    if not isinstance(value, dict):
        raise CheckpointError(f"{where} is {files.shown(value)}, must be a JSON object.", remedy)
    return value


def sha256(data: bytes) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def digest_line(head: bytes) -> bytes:
    """The end of state.json: the SHA-256 of everything before."""
    return f'  "digest": "{sha256(head)}"\n}}\n'.encode()


def content_of(path: Path, limit: int) -> bytes:
    """``files.read_bytes``, where a missing file or a bad sector is a ``CheckpointError``."""
    try:
        return files.read_bytes(path, limit)
    except FileError as error:
        if files.errno_of(error) in DAMAGE:
            raise CheckpointError(error.message, RESTORE) from error
        raise


def _damaged(reason: str) -> CheckpointError:
    return CheckpointError(f"{reason}.", RESTORE)


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _verified(path: Path, digests: dict[str, Any], limit: int) -> bytes:
    data = content_of(path, limit)
    if sha256(data) != digests.get(path.name):
        raise _damaged(f"{path.name} doesn't match its SHA-256")
    return data

"""The arrays in a directory's safetensors files, as strangers write them, one at a time.

``model.safetensors``, or several files that ``model.safetensors.index.json`` names. Headers are
read and checked first: each array's place lies in its file, all places together are the file, and
so no array is larger than what is there. Numbers are read when an array is asked for, in any of the
usual float formats, and must be finite. A pickle (``pytorch_model.bin``) is never opened.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from microgpt import files
from microgpt.arrays import Array
from microgpt.errors import CheckpointError
from microgpt.files import shown

WHOLE, INDEX = "model.safetensors", "model.safetensors.index.json"

HEADER_LIMIT = 16 * 2**20  # bytes
INDEX_LIMIT = 64 * 2**20

_FLOATS = {"F64": np.float64, "F32": np.float32, "F16": np.float16, "BF16": np.float32}
_BYTES = {
    "F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "U64": 8, "I32": 4, "U32": 4, "I16": 2,
    "U16": 2, "I8": 1, "U8": 1, "BOOL": 1, "F8_E4M3": 1, "F8_E5M2": 1, "F8_E8M0": 1,
}  # fmt: skip
_MOST_AXES = 8
_PLAIN_NAME = re.compile(r"[\w.-]+\.safetensors", re.ASCII)
_PICKLES = re.compile(r".*\.(bin|pt|pth|ckpt)|.*\.bin\.index\.json")
_REMEDY = "Download or export it again."


@dataclass(frozen=True)
class _Place:
    """Where an array's bytes are."""

    path: Path
    dtype: str
    shape: tuple[int, ...]
    start: int


class Tensors(Mapping[str, Array]):
    """The arrays of a directory by name; each access reads one anew.

    ``shapes``: of all. float64 and float32 stay what they are; float16 and bfloat16 come back as
    float32, which loses nothing. Raises ``CheckpointError`` for files that are damaged,
    missing or no safetensors.
    """

    def __init__(self, folder: Path) -> None:
        self._places = _places(folder)
        self.shapes = {name: place.shape for name, place in self._places.items()}

    def __getitem__(self, name: str) -> Array:
        return _read(name, self._places[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)

    def dtype(self) -> str:
        """The type that holds all numbers without loss: float64 if any array has it."""
        kinds = {place.dtype for place in self._places.values()}
        return "float64" if "F64" in kinds else "float32"

    def without_numbers(self) -> dict[str, Array]:
        """Arrays of these shapes that take no memory, for checking names and shapes."""
        zero = np.float32(0)
        return {name: np.broadcast_to(zero, shape) for name, shape in self.shapes.items()}


def _places(folder: Path) -> dict[str, _Place]:
    if (folder / WHOLE).exists():
        return _header(folder / WHOLE)
    if not (folder / INDEX).exists():
        raise _no_weights(folder)
    content = files.parse_json(
        files.read_bytes(folder / INDEX, INDEX_LIMIT), f"{folder / INDEX}", _REMEDY
    )
    names = content.get("weight_map") if isinstance(content, dict) else None
    if not isinstance(names, dict):
        raise _bad(folder / INDEX, "it has no object weight_map")
    wanted: dict[str, list[str]] = {}
    for name, file in names.items():
        if not isinstance(file, str) or not _PLAIN_NAME.fullmatch(file):
            raise _bad(
                folder / INDEX,
                f"weight_map puts {shown(name)} into {shown(file)}, must be the name of a "
                ".safetensors file beside it",
            )
        wanted.setdefault(file, []).append(name)
    places: dict[str, _Place] = {}
    for file, here in wanted.items():
        if not (folder / file).exists():
            raise CheckpointError(
                f"{folder / file} is missing: {INDEX} puts {len(here):,} arrays into it.",
                _REMEDY,
            )
        found = _header(folder / file)
        for name in here:
            if name not in found:
                raise _bad(folder / file, f"it lacks {shown(name)}, which {INDEX} puts there")
            places[name] = found.pop(name)
        for name in found:
            if names.get(name) is None:
                raise _bad(folder / file, f"it has {shown(name)}, which {INDEX} doesn't name")
    return places


def _no_weights(folder: Path) -> CheckpointError:
    pickle = next((p.name for p in sorted(folder.iterdir()) if _PICKLES.fullmatch(p.name)), None)
    if pickle is not None:
        return CheckpointError(
            f"{folder} has its weights in {pickle}, a pickle, which could run any program; "
            f"{WHOLE} is needed.",
            "Write it with transformers: model.save_pretrained(DIR, safe_serialization=True).",
        )
    return CheckpointError(
        f"{folder} has no weights: neither {WHOLE} nor {INDEX}.",
        "Name the directory that holds them.",
    )


def _bad(path: Path, reason: str) -> CheckpointError:
    return CheckpointError(f"{path}: {reason}.", _REMEDY)


def _header(path: Path) -> dict[str, _Place]:
    """The places in one file, which must fill it exactly."""
    size = files.file_size(path)
    length = int.from_bytes(files.read_bytes(path, size, first=8), "little")
    if size < 8:
        raise _bad(path, f"it has {size} bytes, too few for a safetensors file")
    if length > (most := min(HEADER_LIMIT, size - 8)):
        raise _bad(path, f"the header is {length:,} bytes long, must be at most {most:,}")
    content = files.parse_json(
        files.read_bytes(path, size, first=8 + length)[8:], f"{path}: the header", _REMEDY
    )
    if not isinstance(content, dict):
        raise _bad(path, f"the header is {shown(content)}, must be a JSON object")
    content.pop("__metadata__", None)
    places: dict[str, _Place] = {}
    ends: list[tuple[int, int]] = []
    for name, entry in content.items():
        dtype, shape, start, end = _entry(path, name, entry)
        places[name] = _Place(path, dtype, shape, 8 + length + start)
        ends.append((start, end))
    at = 0
    for start, end in sorted(ends):
        if start != at:
            raise _bad(path, f"its arrays leave a gap or overlap at byte {8 + length + at:,}")
        at = end
    if 8 + length + at != size:
        raise _bad(path, f"it has {size:,} bytes, but its arrays need {8 + length + at:,}")
    return places


def _entry(path: Path, name: str, entry: Any) -> tuple[str, tuple[int, ...], int, int]:
    """Type, shape, first byte and end of an array, checked against each other."""
    entry = entry if isinstance(entry, dict) else {}
    dtype, shape, ends = (entry.get(key) for key in ("dtype", "shape", "data_offsets"))
    if not isinstance(dtype, str) or dtype not in _BYTES:
        raise _bad(path, f"{shown(name)} has the type {shown(dtype)}, which isn't known")
    if not _whole_numbers(shape) or len(shape) > _MOST_AXES:
        raise _bad(path, f"{shown(name)} has the shape {shown(shape)}, which can't be")
    if not _whole_numbers(ends) or len(ends) != 2:
        raise _bad(path, f"{shown(name)} has data_offsets {shown(ends)}, must be two bytes' places")
    if ends[0] + _BYTES[dtype] * prod(shape) != ends[1]:
        raise _bad(
            path, f"{shown(name)} has {ends[1] - ends[0]:,} bytes, which don't fit its shape"
        )
    return dtype, tuple(shape), ends[0], ends[1]


def _whole_numbers(value: Any) -> bool:
    return isinstance(value, list) and all(type(n) is int and 0 <= n < 2**62 for n in value)


def _read(name: str, place: _Place) -> Array:
    """The numbers of an array, writable and in this machine's byte order."""
    if place.dtype not in _FLOATS:
        raise _bad(
            place.path, f"{shown(name)} is {place.dtype}, must be one of {', '.join(_FLOATS)}"
        )
    stored = np.dtype(np.uint16 if place.dtype == "BF16" else _FLOATS[place.dtype])
    array = np.empty(place.shape, stored.newbyteorder("<"))
    try:
        with place.path.open("rb") as file:
            file.seek(place.start)
            got = file.readinto(array.reshape(-1).view(np.uint8).data) if array.size else 0
    except OSError as error:
        raise files.file_error(error, place.path, "read") from error
    if got != array.nbytes:
        raise _bad(place.path, f"it ends within {shown(name)}")
    if place.dtype == "BF16":
        array = (array.astype(np.uint32) << 16).view(np.float32)
    else:
        array = array.astype(np.float32 if place.dtype == "F16" else stored, copy=False)
    if not np.isfinite(array).all():
        raise _bad(place.path, f"a number in {shown(name)} is not finite")
    return array

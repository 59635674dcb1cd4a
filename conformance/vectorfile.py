"""Vector files: JSON that a person can read and compare, and a check of it against the schema.

Floats are written as the shortest text that reads back as the same number. A list of plain values
is one line, so a matrix has one line per row, and a change of one number shows as one changed line.
"""

from __future__ import annotations

import json
import math
from functools import cache
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
VECTORS = HERE / "vectors"


@cache
def load(name: str) -> dict[str, Any]:
    """The content of ``vectors/NAME.json``; shared by all callers, so don't change it."""
    return json.loads((VECTORS / f"{name}.json").read_text(encoding="utf-8"))


def cases(name: str) -> dict[str, dict[str, Any]]:
    """The cases of a vector file by their names."""
    return {case["name"]: case for case in load(name)["cases"]}


def text(value: Any) -> str:
    """A value as the content of a file."""
    return _text(value, 0) + "\n"


def _text(value: Any, depth: int) -> str:
    flat = not isinstance(value, (dict, list)) or (
        isinstance(value, list) and not any(isinstance(v, (dict, list)) for v in value)
    )
    line = json.dumps(value, allow_nan=False) if flat else None
    if line is None and depth:
        line = json.dumps(value, allow_nan=False)
        line = line if len(line) <= 88 else None
    if line is not None:
        return line
    pad = " " * (depth + 1)
    if isinstance(value, dict):
        parts = [f"{pad}{json.dumps(k)}: {_text(v, depth + 1)}" for k, v in value.items()]
        return "{\n" + ",\n".join(parts) + "\n" + " " * depth + "}"
    parts = [pad + _text(v, depth + 1) for v in value]
    return "[\n" + ",\n".join(parts) + "\n" + " " * depth + "]"


def difference(a: Any, b: Any, where: str = "") -> tuple[float, str]:
    """How far two contents are apart: 0 if equal, for numbers a relative distance, else infinity.

    Returns the distance (for numbers below 1 the absolute one) and where it is largest.
    """
    if isinstance(a, dict) and isinstance(b, dict) and list(a) == list(b):
        parts = [difference(a[k], b[k], f"{where}.{k}") for k in a]
    elif isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        pairs = enumerate(zip(a, b, strict=True))
        parts = [difference(x, y, f"{where}[{i}]") for i, (x, y) in pairs]
    elif isinstance(a, float) and isinstance(b, float):
        return abs(a - b) / max(1.0, abs(a)), where
    else:
        return (0.0 if a == b and type(a) is type(b) else math.inf), where
    return max(parts, default=(0.0, where), key=lambda part: part[0])


# ---------------------------------------------------------------- schema

_TYPES = {
    "object": dict, "array": list, "string": str, "integer": int, "number": (int, float),
    "boolean": bool, "null": type(None),
}  # fmt: skip


def problems(value: Any, schema: dict[str, Any], root: dict[str, Any], where: str) -> list[str]:
    """What in ``value`` doesn't follow the schema, one line each.

    Knows the part of JSON Schema that schema.json uses: $ref into ``root``, type, enum,
    properties, required, additionalProperties, items, minItems, oneOf.
    """
    if "$ref" in schema:
        name = schema["$ref"].removeprefix("#/$defs/")
        return problems(value, root["$defs"][name], root, where)
    if "oneOf" in schema:
        tries = [problems(value, option, root, where) for option in schema["oneOf"]]
        if sum(not t for t in tries) == 1:
            return []
        return [f"{where}: fits none or several of {len(tries)} forms: {min(tries, key=len)[:1]}"]
    found = []
    wanted = schema.get("type")
    if wanted is not None:
        kinds = [wanted] if isinstance(wanted, str) else wanted
        if not any(_is(value, kind) for kind in kinds):
            return [f"{where}: is {type(value).__name__}, must be {' or '.join(kinds)}"]
    if "enum" in schema and value not in schema["enum"]:
        found.append(f"{where}: {value!r} is none of {schema['enum']}")
    if isinstance(value, dict):
        known, more = schema.get("properties", {}), schema.get("additionalProperties", True)
        found += [f"{where}: lacks {key}" for key in schema.get("required", ()) if key not in value]
        for key, item in value.items():
            if key in known:
                found += problems(item, known[key], root, f"{where}.{key}")
            elif more is False:
                found.append(f"{where}: {key} is not described")
            elif isinstance(more, dict):
                found += problems(item, more, root, f"{where}.{key}")
    if isinstance(value, list):
        if len(value) < schema.get("minItems", 0):
            found.append(f"{where}: has {len(value)} items, must have {schema['minItems']}")
        if "items" in schema:
            for i, item in enumerate(value):
                found += problems(item, schema["items"], root, f"{where}[{i}]")
    return found


def _is(value: Any, kind: str) -> bool:
    return isinstance(value, _TYPES[kind]) and not (
        isinstance(value, bool) and kind in ("integer", "number")
    )

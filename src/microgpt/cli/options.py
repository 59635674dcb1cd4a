"""Hyper-parameters from the command line and from TOML files: preset < file < flag."""

from __future__ import annotations

import dataclasses
import tomllib
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from microgpt.config import FLAGS, Config, make_config
from microgpt.errors import FileError, InputError

_TYPES: dict[str, Any] = {
    "int": int,
    "float": float,
    "float | None": float,
    "str": str,
    "bool": bool,
}


def _flag(field: dataclasses.Field[Any]) -> tuple[str, Any, Any]:
    default = "" if field.default is None else f" [{field.default}]"
    kind = _TYPES[str(field.type)] | None
    about = Parameter(help=field.metadata["about"] + default)
    return field.name, Annotated[kind, about], None


Flags: Any = dataclasses.make_dataclass(
    "Flags", [_flag(field) for field in FLAGS.values()], frozen=True
)
"""One optional flag for every field of ``Config``; None where it was not given."""
Flags.__module__ = __name__  # without a module of its own, cyclopts doesn't look into it

FlagsArgument: Any = Annotated[
    Flags | None,
    Parameter(name="*", group="Hyper-parameters (the values of the preset final in brackets)"),
]


def given(flags: Any) -> dict[str, Any]:
    """The hyper-parameters that the command line names, by field name."""
    if flags is None:
        return {}
    return {name: value for name, value in vars(flags).items() if value is not None}


@dataclasses.dataclass(frozen=True)
class DataFlags:
    """How a data file is read, besides what a document is."""

    column: Annotated[
        str | None, Parameter(help="Of a CSV or TSV file: the column's title, or number from 1.")
    ] = None
    field: Annotated[
        str | None,
        Parameter(help="Of a JSON file, or of one value a line: the key, or outer.inner."),
    ] = None
    encoding: Annotated[
        str | None, Parameter(help="Such as cp1252, utf-16, shift_jis. [found out]")
    ] = None


DataArgument: Any = Annotated[DataFlags | None, Parameter(name="*", group="Data")]


def reading(flags: DataFlags | None) -> dict[str, str]:
    """The arguments of ``load_data`` that the command line names: column, field, encoding."""
    return {} if flags is None else {k: v for k, v in vars(flags).items() if v is not None}


def read_toml(path: Path, also: dict[str, Any]) -> dict[str, Any]:
    """The settings of a TOML file: hyper-parameters, and the options named in ``also``.

    ``also``: option → ``str`` or ``int``, or ``list`` for text or a list of texts;
    hyper-parameters are checked by ``Config``.

    Raises ``FileError`` if it can't be read, ``InputError`` for bad TOML or unknown keys.
    """
    try:
        settings = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise FileError(f"{path} can't be read: {error.strerror}.", "Check the path.") from None
    except (ValueError, RecursionError) as error:  # bad TOML, bad UTF-8, a number without end
        raise InputError(
            f"{path} is not TOML: {error}.", "A line of it looks like this: n_embd = 32"
        ) from None
    known = set(FLAGS) | set(also)
    words = {str: "text in quotes", int: "a whole number", list: "text in quotes, or a list of it"}
    for key, value in settings.items():
        if key not in known:
            raise InputError(
                f"{path}: {key!r} is no setting.", f"Known are {', '.join(sorted(known))}."
            )
        if also.get(key) is list and isinstance(value, list) and value:
            fits = all(type(one) is str and "\0" not in one for one in value)
        else:
            kind = str if also.get(key) is list else also.get(key)
            fits = type(value) is kind and "\0" not in str(value)
        if key in also and not fits:
            raise InputError(f"{path}: {key} is {value!r}, must be {words[also[key]]}.")
    return settings


def build(preset: str, *layers: dict[str, Any]) -> Config:
    """The configuration of a preset with the layers laid over it, the last one on top."""
    changes: dict[str, Any] = {}
    for layer in layers:
        changes.update(layer)
    return make_config(preset, **changes)

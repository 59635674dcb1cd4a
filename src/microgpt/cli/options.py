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


def read_toml(path: Path, also: set[str]) -> dict[str, Any]:
    """The settings of a TOML file: hyper-parameters, and the options named in ``also``.

    Raises ``FileError`` if it can't be read, ``InputError`` for bad TOML or unknown keys.
    """
    try:
        settings = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise FileError(f"{path}: {error.strerror}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is not TOML: {error}.") from None
    known = set(FLAGS) | also
    for key in settings:
        if key not in known:
            raise InputError(
                f"{path}: {key!r} is no setting.", f"Known are {', '.join(sorted(known))}."
            )
    return settings


def build(preset: str, *layers: dict[str, Any]) -> Config:
    """The configuration of a preset with the layers laid over it, the last one on top."""
    changes: dict[str, Any] = {}
    for layer in layers:
        changes.update(layer)
    return make_config(preset, **changes)

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


def read_toml(path: Path, also: dict[str, type]) -> dict[str, Any]:
    """The settings of a TOML file: hyper-parameters, and the options named in ``also``.

    ``also``: option → ``str`` or ``int``; hyper-parameters are checked by ``Config``.

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
    words = {str: "text in quotes", int: "a whole number"}
    for key, value in settings.items():
        if key not in known:
            raise InputError(
                f"{path}: {key!r} is no setting.", f"Known are {', '.join(sorted(known))}."
            )
        if key in also and (type(value) is not also[key] or "\0" in str(value)):
            raise InputError(f"{path}: {key} is {value!r}, must be {words[also[key]]}.")
    return settings


def build(preset: str, *layers: dict[str, Any]) -> Config:
    """The configuration of a preset with the layers laid over it, the last one on top."""
    changes: dict[str, Any] = {}
    for layer in layers:
        changes.update(layer)
    return make_config(preset, **changes)

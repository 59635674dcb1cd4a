"""Hyper-parameters from the command line and from TOML files: preset < file < flag."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Group, Parameter

from microgpt.cli.usage import absent, guess
from microgpt.config import FLAGS, SHAPE, SWITCHES, Config, make_config
from microgpt.errors import FileError, InputError
from microgpt.subwords import USUAL

_TYPES: dict[str, Any] = {
    "int": int,
    "int | None": int,
    "float": float,
    "float | None": float,
    "str": str,
    "bool": bool,
}


_FIRST = Group("Hyper-parameters (the values of the preset final in brackets)", sort_key=1)
_GROUPS = {
    "Recipe": Group("Recipes beyond the published one", sort_key=2),
    "Blocks": Group("Blocks beyond the published model (engines numpy and torch)", sort_key=3),
}
_HARDWARE = Group("Hardware (engine torch)", sort_key=4)
_DATA = Group("Data", sort_key=5)


def _flag(field: dataclasses.Field[Any]) -> tuple[str, Any, Any]:
    default = "" if field.default is None else f" [{field.default}]"
    if isinstance(field.default, bool):
        default = " [on]" if field.default else " [off]"
    kind = _TYPES[str(field.type)] | None
    about = Parameter(
        help=field.metadata["about"] + default,
        group=_GROUPS.get(field.metadata["group"], _FIRST),
    )
    return field.name, Annotated[kind, about], None


def _flags(name: str, fields: Iterable[str]) -> Any:
    """A class with one optional flag for each field of ``Config``; None where it isn't given."""
    made: Any = dataclasses.make_dataclass(name, [_flag(FLAGS[f]) for f in fields], frozen=True)
    made.__module__ = __name__  # cyclopts doesn't look into a class that names no module
    return Annotated[made | None, Parameter(name="*")]


FlagsArgument: Any = _flags("Flags", FLAGS)

ModelArgument: Any = _flags(
    "ModelFlags",
    [n for n in FLAGS if n in (*SHAPE, *SWITCHES, "optimizer", "long", "grad_clip", "init")],
)
"""The flags alone that say how much there is to compute."""


def given(flags: Any) -> dict[str, Any]:
    """The hyper-parameters that the command line names, by field name."""
    if flags is None:
        return {}
    return {name: value for name, value in vars(flags).items() if value is not None}


@dataclasses.dataclass(frozen=True)
class DataFlags:
    """How a data file is read, apart from what a document is."""

    column: Annotated[
        str | None,
        Parameter(help="For a CSV or TSV file: the column's title, or its number from 1."),
    ] = None
    field: Annotated[
        str | None,
        Parameter(help="For a JSON or JSON Lines file: the key, or outer.inner."),
    ] = None
    encoding: Annotated[
        str | None, Parameter(help="Text encoding, such as cp1252, utf-16, shift_jis. [detected]")
    ] = None


@dataclasses.dataclass(frozen=True)
class TokenizerFlags:
    """What a token is."""

    tokenizer: Annotated[
        str | None,
        Parameter(
            help="char (one token per character), bpe (byte pairs, trained on the training data) "
            "or the path of a tokenizer.json with byte pairs. [char]"
        ),
    ] = None
    vocab_size: Annotated[
        int | None,
        Parameter(help=f"Tokens of --tokenizer bpe, BOS included. [{USUAL}]"),
    ] = None


TokenizerArgument: Any = Annotated[TokenizerFlags | None, Parameter(name="*", group=_DATA)]

DataArgument: Any = Annotated[DataFlags | None, Parameter(name="*", group=_DATA)]


@dataclasses.dataclass(frozen=True)
class HardwareFlags:
    """Where and how an engine that has a choice computes: the fields of ``Hardware``."""

    device: Annotated[
        str | None,
        Parameter(help="auto (the fastest there is), cpu, cuda (NVIDIA, AMD), mps (Apple). [auto]"),
    ] = None
    compile: Annotated[
        bool | None,
        Parameter(help="Fuse operations with torch.compile: faster after a wait at the start."),
    ] = None
    recompute: Annotated[
        bool | None,
        Parameter(
            help="Compute what lies inside a block again for the gradients instead of keeping it: "
            "less memory, a third more time."
        ),
    ] = None
    micro_batch: Annotated[
        int | None,
        Parameter(help="Documents computed at a time, their gradients added. [the whole batch]"),
    ] = None


HardwareArgument: Any = Annotated[HardwareFlags | None, Parameter(name="*", group=_HARDWARE)]


def hardware(flags: HardwareFlags | None) -> dict[str, Any]:
    """The fields of ``Hardware`` that the command line names."""
    return {} if flags is None else {k: v for k, v in vars(flags).items() if v is not None}


def tokenizing(flags: TokenizerFlags | None) -> dict[str, Any]:
    """The arguments for ``Wanted`` that the command line names: tokenizer, vocab_size."""
    return {} if flags is None else {k: v for k, v in vars(flags).items() if v is not None}


def reading(flags: DataFlags | None) -> dict[str, str]:
    """The arguments for ``load_data`` that the command line names: column, field, encoding."""
    return {} if flags is None else {k: v for k, v in vars(flags).items() if v is not None}


def read_toml(path: Path, also: dict[str, Any]) -> dict[str, Any]:
    """The settings of a TOML file: hyper-parameters, and the options named in ``also``.

    ``also``: option → ``str``, ``int``, or ``list`` for text or a list of texts; the limits of
    hyper-parameters are ``Config``'s.

    Raises ``FileError`` if it can't be read, ``InputError`` for bad TOML, unknown keys, values of
    the wrong type, and for data and file together.
    """
    import tomllib

    try:
        settings = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise FileError(f"{path} can't be read: {error.strerror}.", "Check the path.") from None
    except (ValueError, RecursionError) as error:  # bad TOML, bad UTF-8, an endless number
        raise InputError(
            f"{path} is not TOML: {error}.", "A line of TOML looks like this: n_embd = 32"
        ) from None
    kinds = {name: _TYPES[str(field.type)] for name, field in FLAGS.items()} | also
    for key, value in settings.items():
        if key not in kinds:
            raise InputError(f"{path}: {key!r} is not a setting.", _meant(key, sorted(kinds)))
        kind = kinds[key]
        texts = value if isinstance(value, list) and value else [value]
        if kind is list:
            fits = all(type(text) is str for text in texts)
        else:
            fits = type(value) is kind or (kind is float and type(value) is int)
        if not fits or value == []:
            raise InputError(
                f"{path}: {key} is {_short(value)}, must be {_WANTED[kind]}, not {_kind(value)}."
            )
        if "\0" in str(value):
            raise InputError(
                f"{path}: {key} is {_short(value)}, must be text in quotes without NUL."
            )
    if "data" in settings and "file" in settings:
        raise InputError(
            f"{path}: both data, {settings['data']!r}, and file, {settings['file']!r}, are given.",
            "Choose one of them.",
        )
    return settings


_WANTED: dict[type, str] = {
    str: "text in quotes",
    int: "a whole number",
    float: "a finite number",
    bool: "true or false",
    list: "text in quotes, or a list of texts",
}
_FOUND: dict[type, str] = {
    **_WANTED,
    float: "one with a decimal point",
    list: "a list",
    dict: "a table",
}


def _kind(value: object) -> str:
    return _FOUND.get(type(value), "a date or a time")


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:60]}…"


def _meant(key: str, known: list[str]) -> str:
    """What to do about a key that isn't known."""
    if (why := absent(key)) is not None:
        return why
    meant = guess(key, known)
    return f"Did you mean {meant}?" if meant else f"The settings are {', '.join(known)}."


def build(preset: str, *layers: dict[str, Any]) -> Config:
    """The configuration of a preset with the layers applied over it, the last one on top."""
    changes: dict[str, Any] = {}
    for layer in layers:
        changes.update(layer)
    return make_config(preset, **changes)

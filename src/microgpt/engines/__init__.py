"""The engines, and how one is chosen.

Each computes the same algorithm; ``auto`` picks the fastest that works here.
"""

from __future__ import annotations

import importlib

from microgpt.calling import command
from microgpt.config import Config
from microgpt.engines.base import Engine
from microgpt.engines.hardware import Hardware
from microgpt.errors import InputError, MissingError

ENGINES = {
    "native": ("microgpt.engines.native", "NativeEngine"),
    "numpy": ("microgpt.engines.numpy.engine", "NumpyEngine"),
    "scalar": ("microgpt.engines.scalar", "ScalarEngine"),
}
"""Name → module and class, the fastest first; a module is imported when its engine is asked for."""

CHOICES = ("auto", *ENGINES)

ASKED = ("torch",)
"""Engines that ``auto`` never takes: they are there for those who ask."""


def engine_class(name: str) -> type[Engine]:
    """The class of an engine; ``InputError`` for an unknown name, ``MissingError`` if not built."""
    if name not in ENGINES:
        raise InputError(f"engine is {name!r}, must be one of {', '.join(CHOICES)}.")
    module, cls = ENGINES[name]
    try:
        return getattr(importlib.import_module(module), cls)  # type: ignore[no-any-return]
    except ImportError as error:
        raise MissingError(f"The engine {name} can't be loaded: {error}.") from error


def make_engine(name: str, config: Config, dtype: str, hardware: Hardware | None = None) -> Engine:
    """A new engine, not yet loaded. ``auto``: the fastest that supports this configuration.

    ``dtype``: one of ``config.DTYPES``, the numbers that it computes with. ``hardware``: for the
    engine torch. Raises ``MissingError`` (with each engine's reason) if none does, ``InputError``
    if ``name`` is unknown.

    Example:
        >>> import microgpt
        >>> opened, _ = microgpt.open_model(None)
        >>> engine = microgpt.make_engine("numpy", opened.config, opened.dtype)
        >>> engine.load(opened.config, opened.dtype, opened.weights)
        >>> loss, gradients = engine.grads([opened.tokenizer.encode_document("anna")])
        >>> print(f"{loss:.4f} nats per token")
        1.6952 nats per token
        >>> gradients["wte"].shape  # vocabulary, width
        (27, 16)
    """
    reasons = []
    asked = hardware or Hardware()
    for candidate in _automatic() if name == "auto" else (name,):
        try:
            cls = engine_class(candidate)
        except MissingError as error:
            reasons.append(error.message)
            continue
        reason = cls.supports(config, dtype)
        if reason is None and asked != Hardware() and not cls.devices:
            raise InputError(
                f"The engine {candidate} has no choice of hardware: {', '.join(asked.flags())}.",
                "Leave it out, or choose --engine torch.",
            )
        if reason is None:
            engine = cls()
            engine.hardware = asked
            return engine
        reasons.append(f"{candidate} {reason}")
    raise MissingError(
        f"No engine can do this: {'; '.join(reasons)}.",
        f"Choose another --engine or --dtype. {mend(name)}",
    )


def _automatic() -> list[str]:
    return [name for name in ENGINES if name not in ASKED]


def passed_over(taken: str, config: Config, dtype: str) -> dict[str, str]:
    """The engines that are faster than ``taken`` and can't do this here, with their reasons.

    Those that are faster and could do it are left out. A reason is worded to follow the engine's
    name.
    """
    reasons = {}
    for name in _automatic():
        if name == taken:
            break
        try:
            reason = engine_class(name).supports(config, dtype)
        except MissingError as error:
            reason = f"can't be loaded: {error.message}"
        if reason is not None:
            reasons[name] = reason
    return reasons


def mend(name: str) -> str:
    """A sentence on how to get an engine working that ``passed_over`` has a reason against."""
    if name == "native":
        from microgpt.engines.native.build import library_path, problem, remedy

        if problem(library_path()) is not None:
            return f"Build it: {remedy()} ({command('doctor')} says more)."
    return f"{command('doctor')} says more."

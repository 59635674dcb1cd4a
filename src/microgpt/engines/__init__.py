"""The engines, and how one is chosen.

Each computes the same algorithm; ``auto`` picks the fastest that works here.
"""

from __future__ import annotations

import importlib
import importlib.util

from microgpt.calling import command, python
from microgpt.config import Config
from microgpt.engines.base import Engine
from microgpt.engines.hardware import Hardware
from microgpt.errors import InputError, MissingError

ENGINES = {
    "native": ("microgpt.engines.native", "NativeEngine"),
    "numpy": ("microgpt.engines.numpy.engine", "NumpyEngine"),
    "scalar": ("microgpt.engines.scalar", "ScalarEngine"),
    "torch": ("microgpt.engines.torch.engine", "TorchEngine"),
}
"""Name → module and class, the fastest first; a module is imported when its engine is asked for."""

CHOICES = ("auto", *ENGINES)

ASKED = ("torch",)
"""Engines that ``auto`` never takes: they are there for those who ask."""

TORCH_EXTRA = ("-m", "pip", "install", "microgpt[torch]")
"""Arguments for Python that install what the engine torch needs."""


def engine_class(name: str) -> type[Engine]:
    """The class of an engine; ``InputError`` for an unknown name, ``MissingError`` if not built."""
    if name not in ENGINES:
        raise InputError(f"engine is {name!r}, must be one of {', '.join(CHOICES)}.")
    module, cls = ENGINES[name]
    try:
        return getattr(importlib.import_module(module), cls)  # type: ignore[no-any-return]
    except (ImportError, OSError) as error:  # OSError: a library of the module's own is missing
        raise MissingError(f"The engine {name} can't be loaded: {error}.", mend(name)) from error


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
    tried = _automatic() if name == "auto" else [name]
    for candidate in tried:
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
    able, unable = _others(tried, config, dtype)
    if able:
        choose = f"Choose --engine {' or '.join(able)}."
        mended = [name, "torch"] if "torch" in able and name != "torch" else [name]
    else:
        reasons += unable
        choose, mended = "Choose another --engine or --dtype.", [name]
    raise MissingError(
        f"No engine can do this: {'; '.join(reasons)}.",
        " ".join([choose, *filter(None, map(mend, mended))]),
    )


def _others(tried: list[str], config: Config, dtype: str) -> tuple[list[str], list[str]]:
    """The engines beside those ``tried`` that can do this, and the reasons of those that can't.

    That which isn't installed counts as one that can, if it was left out of ``auto``.
    """
    able, unable = [], []
    for name in ENGINES:
        if name in tried:
            continue
        try:
            reason = engine_class(name).supports(config, dtype)
        except MissingError as error:
            if name not in ASKED:
                unable.append(error.message)
                continue
            reason = None
        if reason is None:
            able.append(name)
        else:
            unable.append(f"{name} {reason}")
    return able, unable


def _automatic() -> list[str]:
    return [name for name in ENGINES if name not in ASKED]


def first_able(config: Config, dtype: str) -> str:
    """How to ask for an engine that can do this: ``auto``, or else one that is never taken by it.

    ``auto`` also where none can: ``make_engine`` then says why.
    """
    for name in (*_automatic(), *ASKED):
        try:
            if engine_class(name).supports(config, dtype) is None:
                return name if name in ASKED else "auto"
        except MissingError:
            continue
    return "auto"


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
    """A sentence on how to get an engine working; empty where it does work, if not for all."""
    if name == "torch" and importlib.util.find_spec("torch") is None:
        return f"Install it: {python(*TORCH_EXTRA)}"
    if name == "native":
        from microgpt.engines.native.build import library_path, problem, remedy

        if problem(library_path()) is not None:
            return f"Build it: {remedy()} ({command('doctor')} says more)."
    if name in ENGINES and name not in ASKED:
        if engine_class(name).supports(Config(), "float64") is None:
            return ""
    elif name == "auto" or importlib.util.find_spec(name) is not None:
        return ""
    return f"{command('doctor')} says more."

"""Checks of settings: each names the value, the limit and, where there is one, the remedy."""

from __future__ import annotations

import math

from microgpt.errors import InputError


def nearest(name: str, known: set[str]) -> str:
    """The remedy for an unknown name: the one that was meant, or all that there are."""
    import difflib

    close = difflib.get_close_matches(name, known, n=1)
    return f"Did you mean {close[0]!r}?" if close else f"Known are {', '.join(sorted(known))}."


def whole(name: str, value: object, low: int, high: int, remedy: str = "") -> None:
    """``InputError`` unless ``value`` is a whole number from ``low`` to ``high``."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise InputError(f"{name} is {value!r}, must be a whole number.", remedy)
    if not low <= value <= high:
        raise InputError(f"{name} is {value}, must be from {low} to {high}.", remedy)


def number(
    name: str,
    value: object,
    low: float,
    high: float,
    remedy: str = "",
    *,
    open_low: bool = False,
    open_high: bool = False,
) -> None:
    """``InputError`` unless ``value`` is a finite number from ``low`` to ``high``.

    ``open_low``, ``open_high``: the limit itself is out of range.
    """
    if not isinstance(value, int | float) or isinstance(value, bool) or not abs(value) < math.inf:
        raise InputError(f"{name} is {value!r}, must be a finite number.", remedy)
    value = max(-1e300, min(1e300, value))  # a whole number can be too large for a float
    if not low <= value <= high or (open_low and value == low) or (open_high and value == high):
        above = f"above {low:g}" if open_low else f"at least {low:g}"
        below = f"below {high:g}" if open_high else f"at most {high:g}"
        raise InputError(f"{name} is {value:g}, must be {above} and {below}.", remedy)


def choice(name: str, value: object, allowed: tuple[str, ...]) -> None:
    """``InputError`` unless ``value`` is one of ``allowed``."""
    if value not in allowed:
        raise InputError(f"{name} is {value!r}, must be one of {', '.join(allowed)}.")


def truth(name: str, value: object) -> None:
    """``InputError`` unless ``value`` is true or false."""
    if not isinstance(value, bool):
        raise InputError(f"{name} is {value!r}, must be true or false.")

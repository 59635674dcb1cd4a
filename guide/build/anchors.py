"""Lines of code by what they are in the source: `softmax/return`, whatever line that is today.

An anchor is a path. All of its parts but the last are functions and classes, one within the other,
apart by `/` or `.`; the last is a statement in there, however deep in loops:

    return                   the return statement
    def NAME                 the first line of a function; `class NAME` and `for NAME` likewise
    losses.append()          a call that stands alone
    m[p]                     what assigns it: `=`, `+=` and the like, alone or among others
    x = rmsnorm              the same, where the value is a call of that
    ... using attn_wo        with that name, attribute or piece of a text somewhere in it

It has to mean one statement. Where it means none or several, the source has changed under it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

Scope = ast.FunctionDef | ast.ClassDef
HEADS = {"def": ast.FunctionDef, "class": ast.ClassDef, "for": ast.For}


class AnchorError(ValueError):
    """An anchor that means nothing, or several things."""


@dataclass(frozen=True)
class Span:
    """Lines of a file, from 1."""

    first: int
    last: int


def find(source: str, anchor: str) -> Span:
    """The lines that an anchor means in a source."""
    path, _, last = anchor.rpartition("/")
    inside = parsed(source)
    where = "the program"
    for name in filter(None, re.split(r"[./]", path)):
        scopes = [one for one in statements(inside) if isinstance(one, Scope) and one.name == name]
        if len(scopes) != 1:
            times = f"{len(scopes)} times" if scopes else "nowhere"
            raise AnchorError(f"{name} is defined {times} in {where}")
        inside, where = scopes[0].body, name
    what, *used = (part.strip() for part in re.split(r"\busing\b", last))
    fits = [one for one in statements(inside) if means(one, what)]
    fits = [one for one in fits if all(is_used(one, name) for name in used)]
    if len(fits) != 1:
        lines = ", ".join(str(one.lineno) for one in fits)
        which = f"{len(fits)} statements, in lines {lines}, are" if fits else "no statement is"
        raise AnchorError(f"{which} {last} in {where}")
    one = fits[0]
    is_head = isinstance(one, Scope | ast.For)
    return Span(one.lineno, one.lineno if is_head else one.end_lineno or one.lineno)


@cache
def parsed(source: str) -> list[ast.stmt]:
    return ast.parse(source).body


def statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Those of a scope, also within loops, conditions and the like, but not of scopes in it."""
    for one in body:
        yield one
        if not isinstance(one, Scope):
            for inner in ("body", "orelse", "finalbody"):
                yield from statements(getattr(one, inner, []))


def means(one: ast.stmt, what: str) -> bool:
    """Whether a statement is what the last part of an anchor says, `using` aside."""
    word, _, name = what.partition(" ")
    if word in HEADS:
        own = ast.unparse(one.target) if isinstance(one, ast.For) else getattr(one, "name", "")
        return isinstance(one, HEADS[word]) and own == name
    if what == "return":
        return isinstance(one, ast.Return)
    if what.endswith("()"):
        called = isinstance(one, ast.Expr) and isinstance(one.value, ast.Call)
        return called and ast.unparse(one.value.func) == tidy(what[:-2])
    target, _, function = (part.strip() for part in what.partition(" = "))
    if tidy(target) not in targets(one):
        return False
    value = getattr(one, "value", None)
    return not function or (isinstance(value, ast.Call) and ast.unparse(value.func) == function)


def tidy(expression: str) -> str:
    """An expression as Python itself would write it."""
    try:
        return ast.unparse(ast.parse(expression, mode="eval"))
    except SyntaxError as error:
        raise AnchorError(f"{expression} can't be read") from error


def targets(one: ast.stmt) -> set[str]:
    """What a statement assigns."""
    if isinstance(one, ast.AugAssign | ast.AnnAssign):
        return {ast.unparse(one.target)}
    if not isinstance(one, ast.Assign):
        return set()
    parts = [
        part
        for target in one.targets
        for part in (target.elts if isinstance(target, ast.Tuple) else [target])
    ]
    return {ast.unparse(part) for part in parts}


def is_used(one: ast.stmt, name: str) -> bool:
    """Whether a name, an attribute or a piece of a text is in a statement."""
    return any(
        (isinstance(node, ast.Name) and node.id == name)
        or (isinstance(node, ast.Attribute) and node.attr == name)
        or (isinstance(node, ast.Constant) and isinstance(node.value, str) and name in node.value)
        for node in ast.walk(one)
    )

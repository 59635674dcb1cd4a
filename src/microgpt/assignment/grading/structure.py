"""What a submission's text says: which parts were edited, and what it reaches for.

Nothing here runs a submission, and no points for behaviour are given or taken by its text: a file
from a template that we don't know is judged by what it does. What is found is reported.
"""

from __future__ import annotations

import ast
import builtins
import io
import json
import math
import pathlib
import random
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from microgpt.assignment.intake.source import EDITABLE, Source

_KNOWN = 0.5  # share of the template's statements that a file made from it still has

# fmt: off
_OUTSIDE = frozenset((
    "asyncio", "atexit", "builtins", "code", "codecs", "ctypes", "gc", "http", "importlib",
    "inspect", "io", "mmap", "multiprocessing", "os", "pathlib", "pickle", "pkgutil", "runpy",
    "select", "shutil", "signal", "site", "socket", "sqlite3", "ssl", "subprocess", "sys",
    "tempfile", "threading", "traceback", "types", "urllib", "weakref", "webbrowser", "_thread",
))
_DANGER = frozenset((
    "__import__", "breakpoint", "compile", "delattr", "eval", "exec", "globals", "input", "locals",
    "open", "setattr", "vars",
))
# fmt: on
# Names that may be shown, since Python has them and no student chose them.
_PYTHON = frozenset(dir(builtins)) | frozenset(sys.stdlib_module_names)
_PARTS = frozenset(
    name
    for part in (sys, random, math, json, io, pathlib, pathlib.Path, random.Random, sys.stdout)
    for name in dir(part)
) | {"write", "flush", "buffer"}


@dataclass(frozen=True)
class Structure:
    """What the text shows.

    ``error``: why it isn't valid Python, else empty. ``template``: made from the template given.
    ``changed``: parts of the template that were changed or left out. ``reaches``: what it does that
    a policy has no need of, one phrase each with its line. ``names``: defined at the top.
    ``newer``: in words that it may need a newer Python, where there is an error; else empty. Such a
    file can't be graded, which is no 0.

    ``changed`` and ``reaches`` hold names of the template and of Python only, none that a student
    chose.
    """

    error: str = ""
    newer: str = ""
    template: bool = False
    changed: tuple[str, ...] = ()
    reaches: tuple[str, ...] = ()
    names: frozenset[str] = frozenset()


@dataclass(frozen=True)
class _Template:
    """What a class was given, and what is asked of it.

    ``fixed``: statements that stay as they are, title → text. ``names``: defined at the top;
    ``used``: that stand anywhere. ``imported``: names that imports bind, with what each then is;
    ``modules``: imported as wholes.
    """

    fixed: dict[str, str]
    names: frozenset[str]
    used: frozenset[str]
    imported: frozenset[tuple[str, str]]
    modules: frozenset[str]


@lru_cache(maxsize=4)
def _template(base: bytes) -> _Template | None:
    """The template, taken apart once for a class; None if it is no Python."""
    given = Source(base).tree
    if given is None:
        return None
    inside = [inner for node in given.body for inner in ast.walk(node)]
    imports = [node for node in given.body if isinstance(node, ast.Import)]
    return _Template(
        {_title(node): _text(node) for node in given.body if not _is_editable(node)},
        frozenset(_defined(given.body)),
        frozenset(node.id for node in inside if isinstance(node, ast.Name)),
        frozenset(pair for node in given.body for pair in _imports(node)),
        frozenset(alias.name for node in imports for alias in node.names),
    )


def examine(source: Source, base: bytes | None) -> Structure:
    """Compare a submission with the template that the class was given."""
    tree = source.tree
    if tree is None:
        return Structure(error=source.error, newer=source.newer())
    names = frozenset(_defined(tree.body))
    given = _template(base) if base is not None else None
    if given is None:
        return Structure(names=names, reaches=tuple(_patches(tree)))
    fixed = given.fixed
    texts = [_text(node) for node in tree.body]
    have: dict[str, list[str]] = {}
    for node, text in zip(tree.body, texts, strict=True):
        have.setdefault(_title(node), []).append(text)
    same = sum(text in have.get(title, ()) for title, text in fixed.items())
    template = same >= _KNOWN * len(fixed)
    if not template:
        return Structure(names=names, reaches=tuple(_patches(tree)))
    changed = [title for title, text in fixed.items() if text not in have.get(title, ())]
    changed += [
        title
        for title, texts in have.items()
        if title in fixed
        and len(texts) > 1
        and not (title.startswith("import") and len(set(texts)) == 1)
    ]
    for node in tree.body:
        if _title(node) in fixed or _is_editable(node):
            continue
        again = {name for name, what in _imports(node) if (name, what) in given.imported}
        for name in _defined([node]):
            if name in again:  # the same module under the same name
                continue
            if name in given.names and name not in EDITABLE:
                changed.append(f"{name} (line {node.lineno}, defined again)")
            elif name in given.used and hasattr(builtins, name):
                changed.append(f"{name} (line {node.lineno}, hides Python's own)")
    for node in tree.body:
        decorated = getattr(node, "decorator_list", None)
        if decorated and _title(node) in fixed:
            changed = [title for title in changed if title != _title(node)]
            changed.append(f"{_title(node)} (line {decorated[0].lineno}, with a decorator)")
    # The student's own part: everything but unchanged statements of the template.
    added = [n for n, text in zip(tree.body, texts, strict=True) if fixed.get(_title(n)) != text]
    own = ast.Module(body=added, type_ignores=[])
    theirs = given.names - set(EDITABLE)
    changed += _from_inside(own, theirs | (given.used & _PYTHON), theirs)
    return Structure(
        template=True,
        changed=tuple(dict.fromkeys(changed)),
        reaches=tuple(_reaches(own, given.modules)),
        names=names,
    )


def unknown_template(structure: Structure) -> str:
    """What to say about a file that isn't made from the template given; else empty.

    It applies to a forgotten ``--base`` as well as to a student who started from scratch.
    """
    if structure.error or structure.template:
        return ""
    return (
        "bot.py isn't made from the template that it was compared with: if the class was given "
        "another one, name it with --base FILE. Until then comments that came with it can't be "
        "told from the student's own, so the points for clarity may be too high, and what was "
        "changed outside the four parts isn't known."
    )


def _title(node: ast.stmt) -> str:
    """What a top-level statement is called in a message: a name where it has one."""
    names = list(_defined([node]))
    if isinstance(node, ast.If):
        return "the lines that start the program"
    if isinstance(node, ast.Import | ast.ImportFrom):
        return f"import {', '.join(names)}"
    if names:
        return ", ".join(names)
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return "the text at the top"
    return f"a {type(node).__name__.lower()} statement"


def _text(node: ast.stmt) -> str:
    """A statement without positions and docstrings: equal if only explanations differ."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return ""
    try:
        return _dumped(node)
    except (RecursionError, MemoryError):
        return f"unreadable, line {node.lineno}"


def _dumped(value: object) -> str:
    """A tree's kinds and values without its docstrings; the tree itself stays as it is."""
    if isinstance(value, list):
        return f"[{', '.join(map(_dumped, value))}]"
    if not isinstance(value, ast.AST):
        return repr(value)
    fields = dict(ast.iter_fields(value))
    if isinstance(value, ast.FunctionDef | ast.ClassDef) and ast.get_docstring(value) is not None:
        fields["body"] = value.body[1:] or [ast.Pass()]
    return f"{type(value).__name__}({', '.join(map(_dumped, fields.values()))})"


def _defined(body: Iterable[ast.stmt]) -> Iterator[str]:
    """Names bound by these statements, as far as the text shows."""
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Import | ast.ImportFrom):
            for alias in node.names:
                yield (alias.asname or alias.name).split(".")[0]
        else:
            for inner in ast.walk(node):
                if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store):
                    yield inner.id


def _imports(node: ast.stmt) -> Iterator[tuple[str, str]]:
    """Names that an import binds, and what each then is."""
    if isinstance(node, ast.Import):
        for alias in node.names:
            yield alias.asname or alias.name.split(".")[0], alias.name
    elif isinstance(node, ast.ImportFrom):
        for alias in node.names:
            yield alias.asname or alias.name, f"{node.module}.{alias.name}"


def _is_editable(node: ast.stmt) -> bool:
    names = set(_defined([node]))
    return bool(names) and names <= set(EDITABLE)


def _reaches(tree: ast.Module, allowed: frozenset[str]) -> Iterator[str]:
    """What a policy has no need of: files, processes, modules changed, the frame of a caller."""
    modules = {name: name for name in allowed} | _modules(tree)
    seen = set()
    for node in ast.walk(tree):
        phrase = ""
        if isinstance(node, ast.Import):
            tops = [alias.name.split(".")[0] for alias in node.names]
            outside = [top for top in tops if top in _OUTSIDE - allowed]
            phrase = f"imports {', '.join(outside)}" if outside else ""
        elif isinstance(node, ast.ImportFrom):
            module = (node.module or "").split(".")[0]
            phrase = f"imports from {module}" if module in _OUTSIDE - allowed else ""
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store | ast.Del):
            root = modules.get(_root(node), "")
            phrase = f"changes {_known(root, _first(node))}" if root else ""
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            phrase = f"calls {node.func.id}" if node.func.id in _DANGER else ""
            if node.func.id in ("setattr", "delattr") and len(node.args) >= 2:
                root = modules.get(_root(node.args[0]), "")
                phrase = f"changes {_known(root, _constant(node.args[1]))}" if root else phrase
        elif isinstance(node, ast.Attribute) and node.attr in (
            "_getframe",
            "__globals__",
            "__code__",
        ):
            phrase = f"uses {node.attr}"
        if phrase and phrase not in seen:
            seen.add(phrase)
            yield f"{phrase} (line {getattr(node, 'lineno', 1)})"


def _modules(tree: ast.AST) -> dict[str, str]:
    """What imported modules are called here → their own names; those of Python only."""
    return {
        alias.asname or alias.name.split(".")[0]: alias.name.split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for alias in node.names
        if alias.name.split(".")[0] in _PYTHON
    }


def _known(module: str, name: str) -> str:
    """``random.choices``; without the name where it is the student's own."""
    return f"{module}.{name}" if name in _PYTHON | _PARTS else f"something in {module}"


def _first(node: ast.Attribute) -> str:
    """The attribute nearest to the name in front: ``stdout`` of ``sys.stdout.write``."""
    name, inner = node.attr, node.value
    while isinstance(inner, ast.Attribute | ast.Subscript):
        name = inner.attr if isinstance(inner, ast.Attribute) else name
        inner = inner.value
    return name


def _constant(node: ast.expr) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def _from_inside(tree: ast.Module, fixed: frozenset[str], template: frozenset[str]) -> list[str]:
    """Names of the template that the student's functions assign to, whichever way they go.

    ``fixed``: names that must not be changed; ``template``: those of them that the template
    defines.
    """
    found = []
    for node in ast.walk(tree):
        line = getattr(node, "lineno", 1)
        names: list[str] = []
        how = ""
        if isinstance(node, ast.Global):
            names, how = [name for name in node.names if name in template], "by global"
        elif isinstance(node, ast.Subscript) and not isinstance(node.ctx, ast.Load):
            names, how = [_constant(node.slice)], _table(node.value)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            if node.func.attr in ("update", "__setitem__", "setdefault", "pop", "__delitem__"):
                names, how = [a.arg or "" for a in node.keywords], _table(node.func.value)
                names += [_constant(a) for a in node.args[:1]]
                names += [
                    _constant(k) for a in node.args if isinstance(a, ast.Dict) for k in a.keys if k
                ]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            if node.func.id in ("setattr", "delattr") and len(node.args) >= 2:
                names = [_constant(node.args[1])]
                how = f"by {node.func.id}" if _is_this_file(node.args[0]) else ""
        elif isinstance(node, ast.Attribute) and not isinstance(node.ctx, ast.Load):
            names, how = [node.attr], "through sys.modules" if _is_this_file(node.value) else ""
        if how:
            shown = [name for name in names if name in fixed]
            if not shown and how != "by global" and not any(map(str.isidentifier, names)):
                shown = ["a name of this file"]
            found += [f"{name} (line {line}, {how})" for name in shown]
    return found


def _table(node: ast.expr) -> str:
    """How this expression gets at the names of a file, as a phrase; empty if it doesn't."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        return f"by {node.func.id}()" if node.func.id in ("globals", "vars") else ""
    if isinstance(node, ast.Attribute) and node.attr in ("__dict__", "__globals__"):
        return f"by {node.attr}"
    return ""


def _is_this_file(node: ast.expr) -> bool:
    """Whether this is ``sys.modules[...]`` or an import of the file by itself."""
    if isinstance(node, ast.Subscript):
        return isinstance(node.value, ast.Attribute) and node.value.attr == "modules"
    if isinstance(node, ast.Call):
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        return name in ("import_module", "__import__")
    return False


def _patches(tree: ast.Module) -> list[str]:
    """The same in a file whose own loop may need files and modules: what no bot has a need of."""
    return [p for p in _reaches(tree, frozenset()) if p.startswith(("changes ", "uses "))]


def _root(node: ast.expr) -> str:
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def _demo() -> None:
    base = b"import random\nP = []\ndef is_safe_name(name):\n    return True\n"
    for text in (base, base + b"random.choices = max\n", base.replace(b"P = []", b"P = 3")):
        found = examine(Source(text), base)
        print(f"template {found.template}, changed {found.changed}, reaches {found.reaches}")
    print(f"on Python {sys.version_info.major}.{sys.version_info.minor}")


if __name__ == "__main__":
    _demo()

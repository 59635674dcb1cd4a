"""What a submission's text says: which parts were edited, what it reaches for, how it explains.

Nothing here runs a submission, and no points for behaviour are given or taken by its text: a file
from a template that we don't know is judged by what it does. What is found is reported.
"""

from __future__ import annotations

import ast
import builtins
import io
import re
import sys
import tokenize
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from microgpt.assignment.words import library_name, syntax_error

HOOKS = ("is_safe_request", "is_safe_name")
PATTERNS = ("BLOCKED_PREFIX_PATTERNS", "BLOCKED_OUTPUT_PATTERNS")
EDITABLE = (*HOOKS, *PATTERNS)
"""The four names that a student writes; helpers of any other name may stand beside them."""

MOST_BYTES = 512 * 1024  # of a file that is parsed; the kit's template has 8 KB
_WORD = re.compile(r"[^\W\d_]{2,}")
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


@dataclass(frozen=True)
class Structure:
    """What the text shows.

    ``error``: why it is no Python, else empty. ``template``: made from the template given.
    ``changed``: parts of the template that were changed or left out. ``reaches``: what it does that
    a policy has no need of, one phrase each with its line. ``names``: defined at the top.
    """

    error: str = ""
    template: bool = False
    changed: tuple[str, ...] = ()
    reaches: tuple[str, ...] = ()
    names: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Clarity:
    """The measurable evidence that a policy is explained.

    ``docstrings``: hooks (functions, where the hooks aren't there) with a docstring or a comment of
    the student's own, at most 2. ``commented``: lists
    of patterns (or other words) with a comment at or in them, of ``patterns`` that aren't empty.
    ``comments``: comment lines with three words or more. ``words``: of explanation, in comments,
    docstrings and policy.md. What the template has already counts for nothing.
    """

    docstrings: int
    commented: int
    patterns: int
    comments: int
    words: int


def parse(source: bytes) -> ast.Module | str:
    """The syntax tree, or in words why there is none."""
    if len(source) > MOST_BYTES:
        return f"it has {len(source):,} bytes, at most {MOST_BYTES:,} are read"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an invalid escape is the student's, not ours
            return ast.parse(source.replace(b"\r\n", b"\n"))
    except SyntaxError as error:
        return f"line {error.lineno or 1}: {syntax_error(error.msg)}"
    except (ValueError, RecursionError, MemoryError) as error:
        return f"it can't be parsed: {type(error).__name__}"


def examine(source: bytes, base: bytes | None) -> Structure:
    """Compare a submission with the template that the class was given."""
    tree = parse(source)
    if isinstance(tree, str):
        return Structure(error=tree)
    names = frozenset(_defined(tree.body))
    given = parse(base) if base is not None else None
    if not isinstance(given, ast.Module):
        return Structure(names=names, reaches=tuple(_patches(tree)))
    fixed = {_title(node): _text(node) for node in given.body if not _is_editable(node)}
    have: dict[str, list[str]] = {}
    for node in tree.body:
        have.setdefault(_title(node), []).append(_text(node))
    same = sum(text in have.get(title, ()) for title, text in fixed.items())
    template = same >= _KNOWN * len(fixed)
    if not template:
        return Structure(names=names, reaches=tuple(_patches(tree)))
    changed = [title for title, text in fixed.items() if text not in have.get(title, ())]
    changed += [t for t, texts in have.items() if t in fixed and len(texts) > 1]
    used = {n.id for node in given.body for n in ast.walk(node) if isinstance(n, ast.Name)}
    own = set(_defined(given.body))
    for node in tree.body:
        if _title(node) in fixed or _is_editable(node):
            continue
        for name in _defined([node]):
            if name in own and name not in EDITABLE:
                changed.append(f"{name} (line {node.lineno}, defined again)")
            elif name in used and hasattr(builtins, name):
                changed.append(f"{name} (line {node.lineno}, hides Python's own)")
    allowed = frozenset(
        alias.name for node in given.body if isinstance(node, ast.Import) for alias in node.names
    )
    return Structure(
        template=True,
        changed=tuple(dict.fromkeys(changed)),
        reaches=tuple(_reaches(_without(tree, fixed), allowed)),
        names=names,
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
        copy = ast.parse(ast.unparse(node))
    except (RecursionError, ValueError, SyntaxError, MemoryError):
        return f"unreadable, line {node.lineno}"
    for inner in ast.walk(copy):
        if (
            isinstance(inner, ast.FunctionDef | ast.ClassDef)
            and ast.get_docstring(inner) is not None
        ):
            inner.body = inner.body[1:] or [ast.Pass()]
    return ast.dump(copy)


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


def _is_editable(node: ast.stmt) -> bool:
    names = set(_defined([node]))
    return bool(names) and names <= set(EDITABLE)


def _without(tree: ast.Module, fixed: dict[str, str]) -> ast.Module:
    """The student's own part: everything but unchanged statements of the template."""
    own = [node for node in tree.body if fixed.get(_title(node)) != _text(node)]
    return ast.Module(body=own, type_ignores=[])


def _reaches(tree: ast.Module, allowed: frozenset[str]) -> Iterator[str]:
    """What a policy has no need of: files, processes, modules changed, the frame of a caller."""
    modules = {
        (alias.asname or alias.name).split(".")[0]: alias.name.split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for alias in node.names
    } | {name: name for name in allowed}
    seen = set()
    for node in ast.walk(tree):
        phrase = ""
        if isinstance(node, ast.Import):
            tops = dict.fromkeys(a.name.split(".")[0] for a in node.names)
            outside = [name for name in tops if name in _OUTSIDE - allowed]
            phrase = f"imports {', '.join(outside)}" if outside else ""
        elif isinstance(node, ast.ImportFrom):
            module = (node.module or "").split(".")[0]
            phrase = f"imports from {module}" if module in _OUTSIDE - allowed else ""
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store | ast.Del):
            root, first = _root(node)
            phrase = (
                f"changes {library_name(f'{modules[root]}.{first}')}" if root in modules else ""
            )
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            phrase = f"calls {node.func.id}" if node.func.id in _DANGER else ""
        elif isinstance(node, ast.Attribute) and node.attr in (
            "_getframe",
            "__globals__",
            "__code__",
        ):
            phrase = f"uses {node.attr}"
        if phrase and phrase not in seen:
            seen.add(phrase)
            yield f"{phrase} (line {getattr(node, 'lineno', 1)})"


def _patches(tree: ast.Module) -> list[str]:
    """The same in a file whose own loop may need files and modules: what no bot has a need of."""
    return [p for p in _reaches(tree, frozenset()) if p.startswith(("changes ", "uses "))]


def _root(node: ast.expr) -> tuple[str, str]:
    """The name that an attribute is reached from, and the first attribute on the way."""
    first = ""
    while isinstance(node, ast.Attribute | ast.Subscript):
        first = node.attr if isinstance(node, ast.Attribute) else first
        node = node.value
    return node.id if isinstance(node, ast.Name) else "", first


# ---------------------------------------------------------------- clarity


def clarity(
    source: bytes, policy: bytes | None, base: bytes | None, blank: bytes | None
) -> Clarity:
    """Count the evidence. ``base`` and ``blank``: the template of bot.py and of policy.md."""
    tree = parse(source)
    if isinstance(tree, str):
        return Clarity(0, 0, 0, 0, 0)
    given = {_plain(line) for text in (base, blank) if text for line in _lines(text)}
    given |= {_plain(text) for text in _comments(base or b"").values()}
    remarks = {n: t for n, t in _comments(source).items() if _plain(t) not in given}
    own = {n for n, t in remarks.items() if len(_WORD.findall(t)) >= 3}
    hooks = set(HOOKS) & set(_defined(tree.body)) or set(_defined(tree.body))
    docstrings, tables = 0, []
    explained = list(remarks.values())
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            text = [
                t for t in (ast.get_docstring(node) or "").splitlines() if _plain(t) not in given
            ]
            explained += text
            inside = any(node.lineno <= n <= (node.end_lineno or node.lineno) for n in own)
            if node.name in hooks:
                docstrings += inside or len(_WORD.findall(" ".join(text))) >= 3
        elif isinstance(node, ast.Assign | ast.AnnAssign) and _is_table(node):
            tables.append(node)
    commented = sum(
        any(t.lineno - 3 <= n <= (t.end_lineno or t.lineno) for n in own) for t in tables
    )
    if policy is not None:
        explained += [line for line in _lines(policy) if _plain(line) not in given]
    words = sum(len(_WORD.findall(line)) for line in explained)
    return Clarity(min(2, docstrings), commented, len(tables), len(own), words)


def _is_table(node: ast.Assign | ast.AnnAssign) -> bool:
    """Whether a list, tuple or set with something in it is named here."""
    value = node.value
    if isinstance(value, ast.Call) and value.args:  # such as frozenset((...))
        value = value.args[0]
    if isinstance(value, ast.Dict):
        return bool(value.keys) and all(isinstance(key, ast.Constant) for key in value.keys)
    if not isinstance(value, ast.List | ast.Tuple | ast.Set) or not value.elts:
        return False
    return all(isinstance(item, ast.Constant | ast.List | ast.Tuple) for item in value.elts)


def _comments(source: bytes) -> dict[int, str]:
    """Line number → comment on it."""
    found = {}
    try:
        for token in tokenize.tokenize(io.BytesIO(source).readline):
            if token.type == tokenize.COMMENT:
                found[token.start[0]] = token.string.lstrip("#").strip()
    except (tokenize.TokenError, SyntaxError, ValueError):
        pass
    return found


def _lines(text: bytes) -> list[str]:
    return text[:MOST_BYTES].decode("utf-8", "replace").splitlines()


def _plain(line: str) -> str:
    """A line without marks, capitals and space: what counts when asking whether it was given."""
    return " ".join(re.findall(r"\w+", line.lower()))


def _demo() -> None:
    base = b"import random\nP = []\ndef is_safe_name(name):\n    return True\n"
    for text in (base, base + b"random.choices = max\n", base.replace(b"P = []", b"P = 3")):
        found = examine(text, base)
        print(f"template {found.template}, changed {found.changed}, reaches {found.reaches}")
    print(
        clarity(b"# fruits that names lead to\nBLOCKED_PREFIX_PATTERNS = ['lem']", None, None, None)
    )
    print(f"on Python {sys.version_info.major}.{sys.version_info.minor}")


if __name__ == "__main__":
    _demo()

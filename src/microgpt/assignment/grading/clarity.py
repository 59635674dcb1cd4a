"""How a policy is explained: what can be counted, and what a person should look at.

Explanation is what a student wrote in comments, docstrings and policy.md, in any language. A
comment counts at the place that it explains: a list, a loop that builds one, an ``extend``, a
dictionary, a set, a regular expression, in a class or a function as well. No program can tell
whether it is true. What it can tell is where words stand that explain nothing: the same line over
and over, what the kit had already, filler, letters at random. These don't count, and are named for
the person who confirms the points.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache, lru_cache

from microgpt.assignment.intake.source import HOOKS, MOST_BYTES, Source
from microgpt.data import bundled

_ENOUGH = 3  # words of a comment that says something
_NEAR = 3  # lines between a comment and what stands below it
_USES = 3  # how often one word counts, in a longer text a tenth of it
_COPIED = 6  # words in a row that the kit has too
_MOST_DOUBT = 0.25  # share of words at random from which it is said
_MOST_WORDS = 20_000  # of one text that are looked at

# Filler that everybody has seen; from some of these words on all of them are filler.
_LOREM = """
lorem ipsum dolor sit amet consectetur consectetuer adipiscing elit sed eiusmod tempor incididunt ut
labore dolore magna aliqua enim minim veniam quis nostrud exercitation ullamco laboris nisi aliquip
commodo consequat duis aute irure reprehenderit voluptate velit esse cillum fugiat nulla pariatur
excepteur sint occaecat cupidatat non proident sunt culpa qui officia deserunt mollit anim id est
laborum
"""
_FILLER = frozenset(_LOREM.split())
_FILLER_FROM = 5  # different ones
# Scripts that set no spaces: about so many characters are a word.
_UNSPACED = (
    (2, re.compile(r"CJK UNIFIED|CJK COMPATIBILITY|HIRAGANA|KATAKANA|BOPOMOFO")),
    (4, re.compile(r"^(THAI|LAO|KHMER|MYANMAR|TIBETAN)\b")),
)
_ALPHABETS = re.compile(r"^(LATIN|GREEK|CYRILLIC|FULLWIDTH LATIN)\b")
_MADE_BY = ("append", "extend", "add", "update", "insert")
_BUILDERS = ("compile", "frozenset", "set", "list", "tuple", "dict", "sorted", "split")


@dataclass(frozen=True)
class Clarity:
    """The measurable evidence that a policy is explained.

    ``docstrings``: hooks (functions, where the hooks aren't there) with a docstring or a comment of
    the student's own, at most 2. ``commented``: places where patterns are made (or words listed)
    with a comment at or in them, of ``patterns``. ``comments``: comment lines with three words or
    more. ``words``: of explanation, in comments, docstrings and policy.md. What the template has
    already counts for nothing. ``written``: all words, before what explains nothing was taken out;
    ``doubts``: what was, one phrase each ("61 of 80 words …").
    """

    docstrings: int
    commented: int
    patterns: int
    comments: int
    words: int
    written: int = 0
    doubts: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Kit:
    """What a class was given. ``lines``: without marks; ``rows``: of ``_COPIED`` words."""

    lines: frozenset[str]
    rows: frozenset[tuple[str, ...]]


@lru_cache(maxsize=4)
def _kit(base: bytes | None, blank: bytes | None) -> _Kit:
    """The kit's texts, taken apart once for a class."""
    texts = [*(text for text in (base, blank) if text), bundled("data/kit/README.md").read_bytes()]
    lines = {_plain(line) for text in texts for line in _lines(text)}
    lines |= {_plain(text) for text in comments_of(base or b"").values()}
    rows = set()
    for text in texts:
        words = words_of(text[:MOST_BYTES].decode("utf-8", "replace"))
        rows |= {tuple(words[i : i + _COPIED]) for i in range(len(words) - _COPIED + 1)}
    return _Kit(frozenset(lines), frozenset(rows))


def clarity(
    source: Source, policy: bytes | None, base: bytes | None, blank: bytes | None
) -> Clarity:
    """Count the evidence. ``base`` and ``blank``: the template of bot.py and of policy.md."""
    tree = source.tree
    if tree is None:
        return Clarity(0, 0, 0, 0, 0)
    kit = _kit(base, blank)
    given = kit.lines
    remarks = {n: t for n, t in comments_of(source.data).items() if _plain(t) not in given}
    own = {n for n, t in remarks.items() if len(words_of(t)) >= _ENOUGH}
    explained = list(remarks.values())
    for node in ast.walk(tree):
        explained += [line for line in _docstring(node).splitlines() if _plain(line) not in given]
    if policy is not None:
        explained += [line for line in _lines(policy) if _plain(line) not in given]
    places = list(_places(tree, given))
    commented = sum(any(first <= n <= last for n in own) or said for first, last, said in places)
    words, written, doubts = _weighed(explained, kit)
    return Clarity(
        min(2, _explained_hooks(tree, own, given)),
        commented,
        len(places),
        len(own),
        words,
        written,
        doubts,
    )


# ---------------------------------------------------------------- words, in any language


def words_of(text: str) -> list[str]:
    """The words of a text, in small letters.

    A single letter of an alphabet isn't one; where a script sets no spaces, two characters of
    Chinese and Japanese count as a word, and four of Thai and its like.
    """
    found = []
    for run in _runs(text):
        size = _size(run[0])
        if size:
            found += [run[i : i + size] for i in range(0, len(run), size)]
        elif len(run) >= 2 or not _ALPHABETS.match(unicodedata.name(run[0], "")):
            found.append(run)
    return found


def _runs(text: str) -> Iterator[str]:
    """Letters in a row with their marks, parted also where spaced and unspaced scripts meet."""
    run = ""
    for char in unicodedata.normalize("NFC", text.casefold()):
        kind = unicodedata.category(char)[0]
        if kind == "L" and run and _size(char) != _size(run[0]):
            yield run
            run = char
        elif kind == "L" or (kind == "M" and run):
            run += char
        elif run:
            yield run
            run = ""
    if run:
        yield run


@cache
def _size(char: str) -> int:
    """Characters that make a word in this one's script, 0 where spaces part words."""
    if char.isascii():
        return 0
    name = unicodedata.name(char, "")
    return next((size for size, pattern in _UNSPACED if pattern.search(name)), 0)


def _weighed(lines: Iterable[str], kit: _Kit) -> tuple[int, int, tuple[str, ...]]:
    """How many words explain something, of how many, and what the others are."""
    seen: set[str] = set()
    words: list[str] = []
    again = 0
    for line in lines:
        plain = _plain(line)
        if plain and plain in seen:
            again += len(words_of(line))
        elif len(words) < _MOST_WORDS:
            seen.add(plain)
            words += words_of(line)
    written = len(words) + again
    copied = _shared(words, kit)
    filler = {w for w in words if w in _FILLER}
    filling = filler if len(filler) >= _FILLER_FROM and "ipsum" in filler else set()
    counts: Counter[str] = Counter()
    kept = repeated = filled = 0
    for word, given in zip(words, copied, strict=True):
        counts[word] += 1
        if given:
            continue
        if word in filling:
            filled += 1
        elif counts[word] > max(_USES, len(words) // 10):
            repeated += 1
        else:
            kept += 1
    latin = [w for w in words if len(w) >= 4 and w.isascii()]
    odd = sum(map(_at_random, latin))
    odd = len(latin) if odd > max(4, _MOST_DOUBT * len(latin)) else 0
    told = (
        (again + repeated, "are repeated"),
        (sum(copied), "are in the kit as well"),
        (filled, "are filler (lorem ipsum)"),
        (odd, "look like random letters"),
    )
    doubts = tuple(f"{n} of {written} words {what}" for n, what in told if n >= 0.15 * written > 0)
    return max(0, kept - odd), written, doubts


def _shared(words: list[str], kit: _Kit) -> list[bool]:
    """Which words stand in a row of ``_COPIED`` that a text of the kit has as well."""
    copied = [False] * len(words)
    for i in range(len(words) - _COPIED + 1):
        if tuple(words[i : i + _COPIED]) in kit.rows:
            copied[i : i + _COPIED] = [True] * _COPIED
    return copied


def _at_random(word: str) -> bool:
    """Whether a word looks random: as far as its letters tell, no language would have it."""
    return bool(re.search(r"[^aeiouy]{5}|[aeiouy]{5}|q[^u]", word)) or not re.search(
        r"[aeiouyrl]", word
    )


# ---------------------------------------------------------------- places


def _places(tree: ast.Module, given: frozenset[str]) -> Iterator[tuple[int, int, bool]]:
    """Where patterns are made: lines from and to between which a comment explains them.

    At the top of the file each by itself, loops and the like together with what stands right above
    them; in functions and classes that the hooks use only where the top has none. True: its
    function is explained by a docstring.
    """
    used = _in_use(tree.body)
    found = list(_at_the_top(tree.body, used))
    if found:
        yield from ((first, last, False) for first, last in found)
        return
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name in used:
            within = [inner for inner in ast.walk(node) if _makes_patterns(inner)]
            if within:
                said = any(_is_told(part, given) for part in ast.walk(node))
                yield node.lineno - _NEAR, node.end_lineno or node.lineno, said


def _in_use(body: list[ast.stmt]) -> set[str]:
    """Names that the hooks use, directly or through others."""
    parts: dict[str, list[ast.stmt]] = {}
    for node in body:
        for name in _touched(node):
            parts.setdefault(name, []).append(node)
    used, waiting = set(HOOKS), [*HOOKS]
    while waiting:
        for node in parts.get(waiting.pop(), ()):
            new = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)} - used
            used |= new
            waiting += new
    return used


def _touched(node: ast.stmt) -> set[str]:
    """Names that a statement at the top defines, or puts something into."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {node.name}
    names = set()
    for inner in ast.walk(node):
        if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store):
            names.add(inner.id)
        elif isinstance(inner, ast.Call) and isinstance(inner.func, ast.Attribute):
            if inner.func.attr in _MADE_BY and isinstance(inner.func.value, ast.Name):
                names.add(inner.func.value.id)
        elif isinstance(inner, ast.Subscript) and isinstance(inner.ctx, ast.Store):
            names |= {n.id for n in ast.walk(inner.value) if isinstance(n, ast.Name)}
    return names


def _at_the_top(body: list[ast.stmt], used: set[str]) -> Iterator[tuple[int, int]]:
    above, ended = 0, -9
    for node in body:
        last = node.end_lineno or node.lineno
        joined = node.lineno - ended <= 1  # stands right below the statement before
        above = above if joined else node.lineno
        ended = last
        if isinstance(node, ast.Assign | ast.AnnAssign) and _is_table(node):
            yield node.lineno - _NEAR, last
        elif _builds(node) and _touched(node) & used:
            yield above - _NEAR, last


def _builds(node: ast.stmt) -> bool:
    """Whether a statement at the top makes patterns in another way than as a list."""
    if isinstance(node, ast.For | ast.While):
        return any(_adds(inner) for inner in ast.walk(node))
    return _makes_patterns(node)


def _adds(node: ast.AST) -> bool:
    """Whether something is put into a collection here."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        return node.func.attr in _MADE_BY
    return isinstance(node, ast.AugAssign) or (
        isinstance(node, ast.Assign) and any(isinstance(t, ast.Subscript) for t in node.targets)
    )


def _makes_patterns(node: ast.AST) -> bool:
    """Whether this makes a collection of words or a regular expression."""
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Call) and _adds(node.value)
    if not isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign) or node.value is None:
        return False
    if isinstance(node, ast.Assign | ast.AnnAssign) and _is_table(node):
        return True
    value = node.value
    if isinstance(value, ast.ListComp | ast.SetComp | ast.DictComp):
        return True
    if isinstance(value, ast.BinOp):
        return any(isinstance(p, ast.List | ast.ListComp | ast.Call) for p in ast.walk(value))
    if isinstance(value, ast.Call):
        name = getattr(value.func, "attr", getattr(value.func, "id", ""))
        if name not in _BUILDERS:
            return False
        return bool(value.args) or isinstance(getattr(value.func, "value", None), ast.Constant)
    return False


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


def _explained_hooks(tree: ast.Module, own: set[int], given: frozenset[str]) -> int:
    """Hooks that a docstring or a comment explains; other functions where there are no hooks."""
    defined = {}
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            defined[node.name] = node
    named = {
        target.id: node
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name) and target.id in HOOKS
    }
    parts: list[ast.stmt] = [
        part for name in HOOKS if (part := defined.get(name) or named.get(name)) is not None
    ]
    if named:  # a method or another function's hook is explained where that one is
        methods = {
            inner.name: inner
            for node in tree.body
            if isinstance(node, ast.ClassDef | ast.FunctionDef)
            for inner in ast.walk(node)
            if isinstance(inner, ast.FunctionDef)
        }
        parts = [_behind(part, methods) for part in parts]
    parts = parts or list(defined.values())
    return sum(_is_explained(part, own, given) for part in parts)


def _behind(node: ast.stmt, methods: dict[str, ast.FunctionDef]) -> ast.stmt:
    """The function that a hook is another name of, where the text shows it."""
    if isinstance(node, ast.Assign):
        name = getattr(node.value, "attr", getattr(node.value, "id", ""))
        return methods.get(name, node)
    return node


def _is_explained(node: ast.stmt, own: set[int], given: frozenset[str]) -> bool:
    return _is_told(node, given) or any(
        node.lineno - _NEAR <= n <= (node.end_lineno or node.lineno) for n in own
    )


def _is_told(node: ast.AST, given: frozenset[str]) -> bool:
    """Whether a docstring of the student's own says something."""
    text = [line for line in _docstring(node).splitlines() if _plain(line) not in given]
    return len(words_of(" ".join(text))) >= _ENOUGH


def _docstring(node: ast.AST) -> str:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return ast.get_docstring(node) or ""
    return ""


# ---------------------------------------------------------------- lines


def comments_of(source: bytes) -> dict[int, str]:
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
    for text in (
        b"# fruits that names lead to\nBLOCKED_PREFIX_PATTERNS = ['lem']",
        b"HEADS = []\nfor word in ('lime', 'lemon'):\n    HEADS.append(word[:3])  # by the first",
        "# 这些开头会写出水果\nHEADS = {'lem': 1}".encode(),
        b"# lorem ipsum dolor sit amet consectetur\nHEADS = ['lem']",
    ):
        print(clarity(Source(text), None, None, None))


if __name__ == "__main__":
    _demo()

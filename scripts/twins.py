"""Counts pairs of near-equal blocks: code that stands in two places and might stand in one.

    python scripts/twins.py                          guide/widgets and src/microgpt/engines
    python scripts/twins.py --json guide/widgets     for other programs
    python scripts/twins.py --lines 15 src           longer blocks only

Compared are lines of code. Comments, docstrings, imports and empty lines don't count. In what is
left, a number is as good as another, a text as another, and a name of one's own as another; kept
are keywords, what is called, attributes and the keys of objects, for they say what a line does.

A block is at least ten such lines. Two are near-equal where no more than one line in five differs,
and never more than two in a row; a pair is as long as it can be. Where one pair lies across another
(tables are like themselves at many places), only the longer one counts.

The last line is the number of pairs, together and folder by folder. The exit code is 0, however
many there are: how many the project allows itself is for a test to say.
"""

import argparse
import io
import json
import keyword
import re
import sys
import tokenize
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("guide/widgets", "src/microgpt/engines")
LEAST = 10
GAP = 2  # lines in a row that may differ
SHARE = 0.8  # of the lines are equal at least

JS_WORDS = re.findall(
    r"\w+",
    "async await break case catch class const continue default delete do else export extends false "
    "finally for function get if in instanceof let new null of return set static super switch this "
    "throw true try typeof undefined void while yield",
)
PYTHON_WORDS = {*keyword.kwlist, "self", "cls"}

# Strings before comments: an address in a string has two slashes too.
JS_TOKEN = re.compile(
    r"""(?P<text>"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')
    |(?P<comment>/\*.*?\*/|//[^\n]*)
    |(?P<template>`)
    |(?P<pattern>(?<=[(,=:!&|?\[{;])\s*/(?![/*])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n\[])+/[a-z]*)
    |(?P<number>\b\d[\w.]*)
    |(?P<name>[A-Za-z_$\#][\w$]*)
    |(?P<newline>\n)
    |(?P<sign>\S)""",
    re.X | re.S,
)
JS_IMPORT = re.compile(r'^import\b[^;"]*?(?:from\s*)?"[^"\n]*";[^\S\n]*$', re.M)


def kept(name, words, before, after):
    """The name where it says what is done, else a sign for any name."""
    named = before in (".", "?.") or after in ("(", ":") or name in words
    return name if named else "_"


def of_javascript(source):
    """[(line number, normalised code)] of a module."""
    source = JS_IMPORT.sub(lambda found: "\n" * found[0].count("\n"), source)
    tokens, line, at = [], 1, 0
    open_templates = []  # braces that are open in each `${`
    while at < len(source):
        found = JS_TOKEN.search(source, at)
        if not found:
            break
        kind, text, at = found.lastgroup, found[0], found.end()
        line += source.count("\n", found.start(), found.start(kind))
        if kind == "template" or (text == "}" and open_templates and not open_templates[-1]):
            if text == "}":
                open_templates.pop()
            end, opens = template_end(source, at)
            tokens.append((line, "text", "s"))
            line += source.count("\n", at, end)
            at = end
            if opens:
                open_templates.append(0)
            continue
        if open_templates and text in "{}":
            open_templates[-1] += 1 if text == "{" else -1
        if kind in ("text", "pattern"):
            tokens.append((line, "text", "s"))
        elif kind == "number":
            tokens.append((line, "number", "0"))
        elif kind in ("name", "sign"):
            tokens.append((line, kind, text))
        line += text.count("\n")
    return lines_of(tokens, JS_WORDS)


def template_end(source, at):
    """Where a template's text ends, and whether an expression begins there."""
    while at < len(source):
        if source[at] == "\\":
            at += 2
        elif source[at] == "`":
            return at + 1, False
        elif source.startswith("${", at):
            return at + 2, True
        else:
            at += 1
    return at, False


def of_python(source):
    """[(line number, normalised code)] of a module."""
    tokens, fresh, is_import = [], True, False
    skipped = {tokenize.COMMENT, tokenize.NL, tokenize.INDENT, tokenize.DEDENT, tokenize.ENCODING}
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type in skipped or token.type == tokenize.ENDMARKER:
            continue
        if token.type == tokenize.NEWLINE:
            fresh, is_import = True, False
            continue
        line = token.start[0]
        if fresh and token.string in ("import", "from"):
            is_import = True
        if not is_import and not (fresh and token.type == tokenize.STRING):
            kind = {tokenize.NAME: "name", tokenize.NUMBER: "number", tokenize.STRING: "text"}
            what = kind.get(token.type, "sign")
            plain = {"number": "0", "text": "s"}.get(what, token.string)
            tokens.append((line, what, plain))
        fresh = False
    return lines_of(tokens, PYTHON_WORDS)


def lines_of(tokens, words):
    """Tokens as lines of code, the names in them normalised."""
    lines = defaultdict(list)
    for i, (line, kind, text) in enumerate(tokens):
        if kind == "name":
            before = tokens[i - 1][2] if i else ""
            after = tokens[i + 1][2] if i + 1 < len(tokens) else ""
            text = kept(text, words, before, after)
        lines[line].append(text)
    return [(line, " ".join(parts)) for line, parts in sorted(lines.items())]


def has_word(code):
    return re.search(r"[A-Za-z_]", code) is not None


def runs(equal, least):
    """[(begin, end)] of the near-equal stretches, longest possible, of one list of yes and no."""
    at = [i for i, is_equal in enumerate(equal) if is_equal]
    found, begin = [], 0
    for k in range(1, len(at) + 1):
        if k == len(at) or at[k] - at[k - 1] > GAP + 1:
            found += dense(at[begin:k], least)
            begin = k
    return found


def dense(at, least):
    """The same of places that lie close together: cut where too many lines differ."""
    if not at or at[-1] - at[0] + 1 < least:
        return []
    if len(at) >= SHARE * (at[-1] - at[0] + 1):
        return [(at[0], at[-1] + 1)]
    gaps = [at[k] - at[k - 1] for k in range(1, len(at))]
    cut = max(range(len(gaps)), key=lambda k: (gaps[k], -abs(k - len(gaps) / 2))) + 1
    return dense(at[:cut], least) + dense(at[cut:], least)


def pairs(files, least=LEAST):
    """Near-equal pairs in {name: [(line number, code)]}: (length, (name, place), (name, place)).

    A place is the first and the last line number. Longest first.
    """
    where = defaultdict(list)
    for name in sorted(files):
        for i, (_, code) in enumerate(files[name]):
            if has_word(code):
                where[code].append((name, i))
    diagonals = defaultdict(int)
    for places in where.values():
        for k, (a, i) in enumerate(places):
            for b, j in places[k + 1 :]:
                diagonals[a, b, j - i] += 1
    found = []
    for (a, b, off), count in diagonals.items():
        if count < least * SHARE / 2:  # the other half may be brackets
            continue
        one, two = files[a], files[b]
        first, last = max(0, -off), min(len(one), len(two) - off)
        equal = [one[i][1] == two[i + off][1] for i in range(first, last)]
        for begin, end in runs(equal, least):
            found.append((end - begin, a, first + begin, b, first + begin + off))
    found.sort(key=lambda pair: (-pair[0], pair[1:]))
    taken = []
    for length, a, i, b, j in found:
        if a == b and j < i + length:
            continue  # a block beside itself
        across = any(
            (a, b) == (c, d) and i < k + n and k < i + length and j < m + n and m < j + length
            for n, c, k, d, m in taken
        )
        if not across:
            taken.append((length, a, i, b, j))
    return [
        (
            n,
            (a, files[a][i][0], files[a][i + n - 1][0]),
            (b, files[b][j][0], files[b][j + n - 1][0]),
        )
        for n, a, i, b, j in taken
    ]


def read(folder):
    """{path from the root: its lines} of all modules in a folder."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.suffix in (".js", ".py"):
            normalise = of_python if path.suffix == ".py" else of_javascript
            name = path.relative_to(ROOT) if path.is_relative_to(ROOT) else path
            found[name.as_posix()] = normalise(path.read_text(encoding="utf-8"))
    return found


def main(words):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folders", nargs="*", default=FOLDERS)
    parser.add_argument("--json", action="store_true", help="one object instead of lines")
    parser.add_argument("--lines", type=int, default=LEAST, help="of a block, at least; 10")
    asked = parser.parse_args(words)
    missing = [folder for folder in asked.folders if not (ROOT / folder).is_dir()]
    if missing:
        sys.exit(f"there is no folder {missing[0]}, seen from {ROOT}")
    if asked.lines < 2:
        sys.exit(f"--lines is {asked.lines}, must be 2 or more")
    found = {folder: pairs(read(ROOT / folder), asked.lines) for folder in asked.folders}
    total = sum(map(len, found.values()))
    if asked.json:
        as_object = {
            folder: [{"lines": n, "one": list(one), "two": list(two)} for n, one, two in some]
            for folder, some in found.items()
        }
        print(json.dumps({"pairs": as_object, "total": total}))
        return
    for some in found.values():
        for n, *both in some:
            places = [f"{name}:{first}-{last}" for name, first, last in both]
            print(f"{n:>4}  {places[0]}  {places[1]}")
    counts = ", ".join(f"{folder} {len(some)}" for folder, some in found.items())
    print(f"{total} pairs of near-equal blocks of {asked.lines} lines or more: {counts}")


if __name__ == "__main__":
    main(sys.argv[1:])

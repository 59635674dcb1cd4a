"""Documents out of tables and JSON: one column, or one field.

CSV is read as RFC 4180 has it (a quoted cell may hold commas and newlines), with comma,
semicolon, tab or bar between the cells. JSON is one list, or a value on each line (JSON lines).
What was taken is stated in a note.
"""

from __future__ import annotations

import csv
import io
import itertools
import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from microgpt.errors import InputError

SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
_TITLES = {"name", "names", "text", "texts", "title", "word", "words", "line", "lines"}
_TITLES |= {"sentence", "document", "doc", "content", "body", "quote", "message", "label", "value"}
_LOOKED_AT = 200  # rows or lines by which a file's kind is judged
_SHOWN = 10  # columns or fields that a message lists


@dataclass(frozen=True)
class Taken:
    """What one file gave: ``docs`` as they are in the file, ``how`` to do it again, notes."""

    docs: list[str]
    how: dict[str, str]
    notes: list[str] = field(default_factory=list)


def kind_of(name: str, column: object, field: object) -> str | None:
    """``csv``, ``json`` or None (plain text), by what is asked for and by the file's name.

    The column ``""`` asks for plain text whatever the name.
    """
    if column == "":
        return None
    if column is not None:
        return "csv"
    if field is not None:
        return "json"
    end = name.lower().rpartition(".")[2]
    return {"csv": "csv", "tsv": "csv", "json": "json", "jsonl": "json", "ndjson": "json"}.get(end)


# ------------------------------------------------------------------ CSV


def from_csv(text: str, where: str, column: str | None = None) -> Taken:
    """The cells of one column, from the top; empty ones are left for the caller to drop.

    ``column``: a title, or a number from 1; None takes the only one. A title makes the first row
    one of titles. Otherwise it is one if its cells are all there, distinct and none a number, and a
    column holds a number in every row below or our column's cell is a usual title such as name.

    Raises ``InputError``, naming the columns, if there is no such column or none is named among
    several; also where a quote is never closed.
    """
    separator = _separator(text, where)
    rows = _rows(text, where, separator)
    begin = list(itertools.islice(rows, _LOOKED_AT))
    if not begin:
        return Taken([], {})
    first = [cell.strip() for cell in begin[0][1]]
    at = _column(first, begin[1][1] if begin[1:] else [], where, column)
    titled = _has_titles(first, at, [row for _, row in begin[1:]])
    if column is not None and not column.isdecimal():
        titled = True
    docs: list[str] = []
    count, odd, example = 0, 0, ""
    for line, row in itertools.chain(begin[titled:], rows):
        count += 1
        docs += row[at : at + 1]
        if len(row) != len(first):
            odd, example = odd + 1, example or f"line {line:,} with {len(row)}"
    title = f" {first[at]!r}" if titled else ""
    above = "the first row holds the titles" if titled else "no row of titles"
    notes = [f"{where}: column {at + 1} of {len(first)}{title}, {count:,} rows, {above}."]
    if odd:
        notes.append(
            f"{where}: {odd:,} rows don't have the {len(first)} cells of the first one, as in "
            f"{example}. Is a cell with {SEPARATORS[separator]} unquoted?"
        )
    name = first[at] if titled and not first[at].isdecimal() else str(at + 1)
    return Taken(docs, {"column": name}, notes)


def _separator(text: str, where: str) -> str:
    """What stands between cells: what cuts the first rows into the same number of most cells."""
    if where.lower().endswith(".tsv"):
        return "\t"
    lines = [line for line in _first_lines(text) if line.strip()]
    best, most = ",", 0
    for separator in SEPARATORS:
        try:
            counts = Counter(map(len, csv.reader(lines, delimiter=separator)))
        except csv.Error:
            continue
        (cells, times), *_ = counts.most_common(1) or [(0, 0)]
        if cells > 1 and times * cells > most:
            best, most = separator, times * cells
    return best


def _first_lines(text: str) -> list[str]:
    """The first lines, without splitting a large text whole."""
    return text[: 2**18].split("\n")[:_LOOKED_AT]


def _rows(text: str, where: str, separator: str) -> Iterator[tuple[int, list[str]]]:
    """Rows that aren't blank, each with the number of its first line."""
    before = csv.field_size_limit(2**31 - 1)  # one cell may be a whole book
    begun = 1
    reader = _reader(text, separator)
    try:
        if separator == "\t" and not _quoted_well(text):
            reader = _reader(text, separator, quoted=False)
        for row in reader:
            if any(cell.strip() for cell in row):
                yield begun, row
            begun = reader.line_num + 1
    except csv.Error as error:
        what = (
            "a quote is opened and never closed"
            if "end of data" in str(error)
            else "a closing quote is followed by more text"
        )
        raise InputError(
            f"{where}, line {begun:,}: {what}.",
            'Close it, write a quote inside a cell twice (""), or save the file as .txt.',
        ) from None
    finally:
        csv.field_size_limit(before)


def _reader(text: str, separator: str, quoted: bool = True) -> Any:
    lines = io.StringIO(text, newline="")
    if quoted:
        return csv.reader(lines, delimiter=separator, strict=True)
    return csv.reader(lines, delimiter=separator, quoting=csv.QUOTE_NONE, strict=True)


def _quoted_well(text: str) -> bool:
    """Whether the quotes in a table with tabs enclose cells; mostly they belong to the text."""
    try:
        return all(True for _ in _reader(text, "\t"))
    except csv.Error:
        return False


def _column(first: list[str], second: list[str], where: str, column: str | None) -> int:
    """The index of the column that is meant."""
    if column is None:
        if len(first) == 1:
            return 0
        said = f"{where} has {len(first)} columns, and none is named"
        remedy = (
            f"Choose one: --column {_word(first[0])}, or --column 1; as .txt, lines stay whole."
        )
        raise InputError(f"{said}: {_listed(first, second)}.", remedy)
    if column.isdecimal():
        if 1 <= int(column) <= len(first):
            return int(column) - 1
    else:
        for same in (str, str.casefold):
            found = [i for i, title in enumerate(first) if same(title) == same(column.strip())]
            if len(found) == 1:
                return found[0]
            if found:
                twice = " and ".join(str(i + 1) for i in found[:2])
                raise InputError(
                    f"{where} has {column!r} twice, as columns {twice}.", "Give the number."
                )
    raise InputError(
        f"column is {column!r}, but {where} has {len(first)}: {_listed(first, second)}.",
        "Give a number, or a title from the first row.",
    )


def _has_titles(first: list[str], at: int, below: list[list[str]]) -> bool:
    if len(set(first)) < len(first) or not all(first) or any(map(_is_number, first)) or not below:
        return False
    if first[at].casefold() in _TITLES:
        return True
    rows = [row for row in below if len(row) == len(first)]
    return any(all(_is_number(row[i]) for row in rows) for i in range(len(first)) if rows)


def _is_number(cell: str) -> bool:
    return re.fullmatch(r"\s*[-+]?[0-9]+([.,][0-9]+)*\s*%?\s*", cell) is not None


def _listed(first: list[str], second: list[str]) -> str:
    """The columns with the contents of the first two rows: ``1 'name' ('ada'), 2 …``."""
    words = [f"{i} {_shown(cell)}" for i, cell in enumerate(first[:_SHOWN], 1)]
    below = [f" ({_shown(cell)})" for cell in second[:_SHOWN]]
    pairs = itertools.zip_longest(words, below[: len(words)], fillvalue="")
    return ", ".join(map("".join, pairs)) + (", …" if len(first) > _SHOWN else "")


def _shown(value: str) -> str:
    return repr(value if len(value) <= 24 else f"{value[:23]}…")


def _word(text: str) -> str:
    return text if re.fullmatch(r"[\w.-]+", text) else f'"{text}"'


# ------------------------------------------------------------------ JSON


def from_json(text: str, where: str, field: str | None = None) -> Taken:
    """The texts of one field, in the order of the file.

    The file is one JSON value, or one per line. ``field``: a key, or several with dots between
    them that lead inwards; lists on the way are expanded. ``""`` takes the values themselves,
    and None the values where they are texts, or the only field that holds text. Fields that are
    missing or null are left out, and a note says how many.

    Raises ``InputError`` for what isn't JSON, for values that aren't text, and, naming the
    fields, if none is named among several.
    """
    values = list(_values(text, where))
    if field is None:
        field = _only_field([value for _, value in values[:_LOOKED_AT]], where)
    docs: list[str] = []
    missing = 0
    parts = field.split(".") if field else []
    for place, value in values:
        for found in _follow(value, field, parts):
            if found is None:
                missing += 1
            elif not isinstance(found, str):
                raise InputError(
                    f"{where}, {place}: {field or 'a value'} is {_json(found)}, must be text.",
                    _remedy(value),
                )
            elif (bad := re.search("[\0\ud800-\udfff]", found)) is not None:
                raise InputError(
                    f"{where}, {place}: {_shown(found)} holds {bad[0]!r}, which no text contains.",
                    "Mend it.",
                )
            else:
                docs.append(found.replace("\r\n", "\n").replace("\r", "\n"))
    if field and not docs and values:
        raise InputError(
            f"{where} has no field {field!r}; the first value is {_what(values[0][1])}.",
            _remedy(values[0][1]),
        )
    notes = [f"{where}: field {field!r}, {len(docs):,} texts."] if field else []
    if missing:
        notes.append(f"{where}: {missing:,} values have no text in {field or 'them'} (null).")
    return Taken(docs, {"field": field}, notes)


def _values(text: str, where: str) -> Iterator[tuple[str, Any]]:
    """The elements of the list that the file is, or the values of its lines, with their place."""
    try:
        whole = json.loads(text)
    except RecursionError:
        raise InputError(f"{where} is nested too deeply.", "Make it a list of texts.") from None
    except ValueError as error:
        line, why = getattr(error, "lineno", 1), getattr(error, "msg", str(error))
        at_end = text[getattr(error, "pos", 0) :].strip() == ""
    else:
        elements = whole if isinstance(whole, list) else [whole]
        yield from ((f"value {i:,}", value) for i, value in enumerate(elements, 1))
        return
    lines = [(i, part) for i, part in enumerate(text.split("\n"), 1) if part.strip()]
    for i, part in lines:
        try:
            value = json.loads(part)
        except (ValueError, RecursionError) as error:
            if i != lines[0][0]:
                line, why, at_end = i, getattr(error, "msg", str(error)), False
            cut = " (the file ends too early)" if at_end else ""
            raise InputError(
                f"{where}, line {line:,}, is not JSON: {why}{cut}.",
                "Mend it, or save the file as .txt to take its lines as they are.",
            ) from None
        yield f"line {i:,}", value


def _follow(value: Any, field: str, parts: list[str]) -> Iterator[Any]:
    """What the field leads to: several values where a list is on the way, None where nothing."""
    if isinstance(value, list):
        for element in value:
            yield from _follow(element, field, parts)
    elif not parts:
        yield value
    elif not isinstance(value, dict):
        yield None
    elif field in value:  # a key may have a dot in it
        yield from _follow(value[field], "", [])
    else:
        yield from _follow(value.get(parts[0]), ".".join(parts[1:]), parts[1:])


def _only_field(values: list[Any], where: str) -> str:
    """The field that is used where none is named: ``""`` for the values themselves."""
    objects = [value for value in values if isinstance(value, dict)]
    if not objects:
        return ""
    fields = dict.fromkeys(key for value in objects for key in value)
    texts: list[str] = [
        key for key in fields if any(isinstance(value.get(key), str) for value in objects)
    ]
    if len(texts) == 1:
        return texts[0]
    if not texts:
        raise InputError(
            f"{where} has no field that holds text: it begins with {_what(values[0])}.",
            "Lead to one inside with dots: --field data.name",
        )
    firsts = {key: next(v[key] for v in objects if isinstance(v.get(key), str)) for key in texts}
    listed = ", ".join(f"{key} ({_shown(firsts[key])})" for key in texts[:_SHOWN])
    more = ", …" if len(texts) > _SHOWN else ""
    raise InputError(
        f"{where} has {len(texts)} fields with text, and none is named: {listed}{more}.",
        f"Choose one: --field {_word(texts[0])}",
    )


def _what(value: Any) -> str:
    if isinstance(value, dict):
        return f"an object with {', '.join(list(value)[:_SHOWN]) or 'no field'}"
    return _json(value)


def _json(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 24 else f"{text[:23]}…"


def _remedy(value: Any) -> str:
    inside = value.items() if isinstance(value, dict) else ()
    fields = [key for key, inner in inside if isinstance(inner, str)]
    if fields:
        return f"Name a field that holds text: --field {_word(fields[0])}"
    return "Put it in quotes, or lead to text inside with dots: --field outer.inner"


# ------------------------------------------------------------------ text that is something else


def resembles(text: str) -> tuple[str, str] | None:
    """The format that plain text looks like, and the flag that would unpack it; mostly None.

    Judged by the first lines, and only where all of them agree: commas in names or verses are no
    table.
    """
    begin = text[:1000].lstrip().lower()
    if begin.startswith(("<!doctype html", "<html", "<?xml", "{\\rtf")):
        kind = "RTF" if begin.startswith("{") else "XML" if begin.startswith("<?") else "HTML"
        return kind, "extract its text from the markup first"
    lines = [line.strip() for line in _first_lines(text) if line.strip()]
    if re.match(r'\[\s*[{"\[]', begin) and text[-100:].rstrip().endswith("]"):
        return "JSON", "--field KEY takes one field of it, --field '' the texts of a list"
    if lines and all(line.startswith("{") and line.endswith("}") for line in lines):
        try:
            if all(isinstance(json.loads(line), dict) and len(line) > 4 for line in lines[:20]):
                return "JSON lines", "--field KEY takes one field of it"
        except (ValueError, RecursionError):
            pass
    for separator, name in SEPARATORS.items():
        if len(lines) > 2 and _is_table(lines, separator):
            return f"a table with {name} between the cells", "--column 1 takes one column of it"
    return None


def _is_table(lines: list[str], separator: str) -> bool:
    """Whether all lines have as many cells, and titles or numbers show that they are cells.

    Tabs are proof by themselves.
    """
    try:
        rows = list(csv.reader(lines, delimiter=separator))
    except csv.Error:
        return False
    width = len(rows[0])
    if width < 2 or any(len(row) != width for row in rows):
        return False
    if separator == "\t":
        return True
    numbers = [all(_is_number(row[i]) for row in rows[1:]) for i in range(width)]
    if all(numbers):  # 1,024 and 3,14 are numbers themselves
        return width > 2
    titled = all(re.fullmatch(r"[\w .-]{1,30}", cell) for cell in rows[0]) and any(
        cell.strip().casefold() in _TITLES for cell in rows[0]
    )
    return any(numbers) or titled

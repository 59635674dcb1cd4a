"""Documents out of CSV and JSON, and text that only looks like them."""

from pathlib import Path

import pytest

from microgpt.data import BUNDLED, load_data
from microgpt.errors import InputError
from microgpt.reading.tables import from_csv, from_json, resembles

ROOT = Path(__file__).resolve().parents[1]
PEOPLE = "name,born,city\nada,1815,London\ngrace,1906,New York\nida,1880,Köln\n"


def refused_csv(text: str, column: str | None = None) -> InputError:
    with pytest.raises(InputError) as caught:
        from_csv(text, "f.csv", column)
    assert caught.value.message.startswith("f.csv") or column is not None
    assert caught.value.remedy
    return caught.value


def refused_json(text: str, field: str | None = None) -> InputError:
    with pytest.raises(InputError) as caught:
        from_json(text, "f.json", field)
    assert caught.value.message.startswith("f.json")
    assert caught.value.remedy
    return caught.value


# ------------------------------------------------------------------ CSV


@pytest.mark.parametrize("column", ["name", "Name", " NAME ", "1"])
def test_a_column_by_title_or_number(column: str) -> None:
    taken = from_csv(PEOPLE, "f.csv", column)
    assert taken.docs == ["ada", "grace", "ida"]
    assert taken.how == {"column": "name"}
    (note,) = taken.notes
    assert note == "f.csv: column 1 of 3 'name', 3 rows, the first row holds the titles."
    assert from_csv(PEOPLE, "f.csv", "3").docs == ["London", "New York", "Köln"]


@pytest.mark.parametrize(
    ("text", "column", "titled"),
    [
        ("name,city\nada,London\n", "1", True),  # a usual title
        ("vorname,alter\nada,3\neva,4\n", "1", True),  # numbers below, none above
        ("ada,London\neva,Paris\n", "1", False),
        ("ada,3\neva,4\n", "1", False),  # a number above as well
        ("ada,ada\neva,4\n", "1", False),  # titles differ
        ("ada,\neva,4\n", "1", False),  # and none is empty
        ("vorname,stadt\nada,London\n", "vorname", True),  # named, so it is one
        ("word\nada\n", None, True),
        ("ada\neva\n", None, False),
        ("name\n", None, False),  # nothing below
    ],
)
def test_when_the_first_row_holds_titles(text: str, column: str | None, titled: bool) -> None:
    taken = from_csv(text, "f.csv", column)
    cells = [line.split(",")[0] for line in text.splitlines()]
    assert taken.docs == cells[titled:]
    assert ("the first row holds the titles" in taken.notes[0]) is titled
    assert ("no row of titles" in taken.notes[0]) is not titled
    again = from_csv(text, "f.csv", taken.how["column"])
    assert again.docs == taken.docs


def test_cells_with_quotes_separators_and_newlines() -> None:
    text = 'id,text\n1,"one, two\nthree ""four"""\n\n2,"five"\n3,six\n'
    assert from_csv(text, "f.csv", "text").docs == ['one, two\nthree "four"', "five", "six"]


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_the_separator_is_found(separator: str) -> None:
    text = PEOPLE.replace(",", separator).replace("1815", "1,5" if separator != "," else "1815")
    assert from_csv(text, "f.csv", "city").docs == ["London", "New York", "Köln"]


def test_tabs_and_quotes_that_are_text() -> None:
    text = 'name\tsaid\nada\t"hi" she said\neva\t5" wide\n'
    assert from_csv(text, "f.tsv", "said").docs == ['"hi" she said', '5" wide']
    quoted = 'name\tsaid\nada\t"a\tb"\neva\t"c\nd"\n'
    assert from_csv(quoted, "f.tsv", "said").docs == ["a\tb", "c\nd"]
    assert from_csv("a,b\tc\nd,e\tf\n", "f.tsv", "1").docs == ["a,b", "d,e"]


def test_several_columns_and_none_named() -> None:
    error = refused_csv(PEOPLE)
    assert error.message == (
        "f.csv has 3 columns, and none is named: 1 'name' ('ada'), 2 'born' ('1815'), "
        "3 'city' ('London')."
    )
    assert "--column name, or --column 1" in error.remedy
    many = refused_csv(",".join("abcdefghijklmnop") + "\n")
    assert many.message.endswith("10 'j', ….")


@pytest.mark.parametrize("column", ["0", "4", "nmae", "-1", ""])
def test_columns_that_there_are_not(column: str) -> None:
    error = refused_csv(PEOPLE, column)
    assert f"column is {column!r}, but f.csv has 3: 1 'name'" in error.message


def test_a_title_that_occurs_twice() -> None:
    error = refused_csv("name,name\nada,b\n", "name")
    assert "has 'name' twice, as columns 1 and 2" in error.message


def test_quotes_that_are_not_closed() -> None:
    error = refused_csv('name\nada\n"eva\nida\n')
    assert error.message == "f.csv, line 3: a quote is opened and never closed."
    error = refused_csv('name\nada\n"e"va\n')
    assert error.message == "f.csv, line 3: a closing quote is followed by more text."


def test_rows_of_other_lengths_are_noted() -> None:
    taken = from_csv("name,n\nada,1\neva\nida,2,3\n", "f.csv", "2")
    assert taken.docs == ["1", "2"]
    assert "2 rows don't have the 2 cells of the first one, as in line 3 with 1" in taken.notes[1]
    assert "commas unquoted" in taken.notes[1]


def test_a_cell_may_be_a_book() -> None:
    import csv

    limit = csv.field_size_limit()
    book = "word " * 100_000
    assert from_csv(f'name,text\nada,"{book}"\n', "f.csv", "text").docs == [book]
    assert csv.field_size_limit() == limit


def test_csv_files_as_documents(tmp_path: Path) -> None:
    path = tmp_path / "people.CSV"
    path.write_text("name,n\n ada ,1\n,2\neva,3\n", encoding="utf-8")
    read = load_data(path, column=1)
    assert (read.docs, read.how) == (["ada", "eva"], {"column": "name"})
    assert str(path) in read.notes[0]
    assert load_data(path, "none").docs == ["name,n\n ada ,1\n,2\neva,3"]  # cut as asked
    other = tmp_path / "people.txt"
    other.write_text("name;n\nada;1\n", encoding="utf-8")
    assert load_data(other, column="name").docs == ["ada"]
    with pytest.raises(InputError, match="split_by is 'none', but column name is given"):
        load_data(path, "none", column="name")
    with pytest.raises(InputError, match="Both column 'a' and field 'b' are given"):
        load_data(path, column="a", field="b")
    both = load_data([path, other], column="1")
    assert (both.docs, both.how) == (["ada", "eva", "ada"], {"column": "name"})


# ------------------------------------------------------------------ JSON


@pytest.mark.parametrize(
    ("text", "field", "docs"),
    [
        ('["ada", "eva"]', None, ["ada", "eva"]),
        ('"ada"\n"eva"\n', None, ["ada", "eva"]),
        ('[{"name": "ada", "n": 1}, {"name": "eva"}]', None, ["ada", "eva"]),
        ('{"name": "ada"}\n\n{"name": "eva"}\n', "name", ["ada", "eva"]),
        ('{"rows": [{"name": "ada"}, {"name": "eva"}]}', "rows.name", ["ada", "eva"]),
        ('[{"a": {"b": ["ada", "eva"]}}]', "a.b", ["ada", "eva"]),
        ('[{"a.b": "ada"}, {"a": {"b": "eva"}}]', "a.b", ["ada", "eva"]),
        ('{"t": "one\\r\\ntwo"}', "t", ["one\ntwo"]),
        ('[["ada"], ["eva"]]', "", ["ada", "eva"]),
    ],
)
def test_texts_out_of_json(text: str, field: str | None, docs: list[str]) -> None:
    taken = from_json(text, "f.json", field)
    assert taken.docs == docs
    assert from_json(text, "f.json", taken.how["field"]).docs == docs


def test_missing_values_are_left_out_and_counted() -> None:
    taken = from_json('{"t": "ada"}\n{"t": null}\n{"u": "x"}\n{"t": "eva"}', "f.jsonl", "t")
    assert taken.docs == ["ada", "eva"]
    assert taken.notes == [
        "f.jsonl: field 't', 2 texts.",
        "f.jsonl: 2 values have no text in t (null).",
    ]


def test_several_fields_and_none_named() -> None:
    error = refused_json('[{"id": 1, "name": "ada", "city": "London"}, {"job": "poet"}]')
    assert error.message == (
        "f.json has 3 fields with text, and none is named: name ('ada'), city ('London'), "
        "job ('poet')."
    )
    assert error.remedy == "Choose one: --field name"


@pytest.mark.parametrize(
    ("text", "field", "says"),
    [
        ('{"t": "ada"}\n{"t": 36}\n', "t", "f.json, line 2: t is 36, must be text."),
        ('["ada", 5]', None, "f.json, value 2: a value is 5, must be text."),
        ('[{"t": {"u": 1}}]', "t", "must be text"),
        ('{"t": "ada"}\n{"t": \n', "t", "f.json, line 2, is not JSON: Expecting value"),
        ('[\n"ada",\n"eva"', None, "f.json, line 3, is not JSON"),
        ("ada\neva\n", None, "f.json, line 1, is not JSON"),
        ("[" * 100_000, None, "is nested too deeply"),
        ('[{"n": 1}]', None, "has no field that holds text: it begins with an object with n"),
        ('[{"t": "ada"}]', "u", "has no field 'u'; the first value is an object with t"),
        ('["a\\u0000b"]', None, "holds '\\x00', which no text contains"),
        ('["a\\ud800b"]', None, "holds '\\ud800', which no text contains"),
    ],
)
def test_json_that_cannot_be_used(text: str, field: str | None, says: str) -> None:
    assert says in refused_json(text, field).message


def test_json_files_as_documents(tmp_path: Path) -> None:
    for name, text in (("a.json", '["ada", " ", "eva "]'), ("a.ndjson", '"ada"\n"eva"')):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        read = load_data(path)
        assert (read.docs, read.how) == (["ada", "eva"], {"field": ""})
        assert load_data(path, "blank-line").docs == [text.rstrip()]
    empty = tmp_path / "e.json"
    empty.write_text("[]", encoding="utf-8")
    with pytest.raises(InputError, match="holds no document"):
        load_data(empty)


# ------------------------------------------------------------------ what only looks like it


@pytest.mark.parametrize(
    ("text", "looks"),
    [
        (PEOPLE, "a table with commas"),
        ("vorname;alter\nada;3\neva;4\n", "a table with semicolons"),
        ("ada\tF\neva\tF\nida\tM\n", "a table with tabs"),
        ("1880,F,7065\n1880,F,2604\n1881,M,1\n", "a table with commas"),
        ('{"t": "a"}\n{"t": "b"}\n', "JSON lines"),
        ('[\n  "ada",\n  "eva"\n]\n', "JSON"),
        ('[{"name": "ada"}]', "JSON"),
        ("<!DOCTYPE html>\n<p>", "HTML"),
        ("<?xml version='1.0'?>\n<a/>", "XML"),
        ("{\\rtf1\\ansi ada}", "RTF"),
    ],
)
def test_formats_that_plain_text_looks_like(text: str, looks: str, tmp_path: Path) -> None:
    found = resembles(text)
    assert found is not None
    assert found[0].startswith(looks)
    path = tmp_path / "a.txt"
    path.write_text(text, encoding="utf-8")
    (note,) = load_data(path).notes
    assert f"a.txt looks like {looks}" in note
    assert load_data(path, "blank-line").notes == []


POEM = """Tyger Tyger, burning bright,
In the forests of the night;
What immortal hand or eye,
Could frame thy fearful symmetry?
"""
CODE = "def f(a, b):\n\tif a:\n\t\treturn [a, b]\n\treturn {}\n\nx = f(1, 2)\n"


@pytest.mark.parametrize(
    "text",
    [
        POEM,
        CODE,
        POEM.replace(";", ",").replace("?", ","),  # one comma at the end of each line
        "Smith, John\nMiller, Jane\nJones, Ann\n",
        "Smith,John\nMiller,Jane\nJones,Ann\n",
        "1,024\n2,048\n4,096\n",
        "3,14\n2,71\n1,41\n",
        "ada\neva\nida\n",
        "a|b\n",
        "{}\n",
        "{x}\n{y}\n{z}\n",
        "[1] A note.\n[2] Another.\n",
        "[Intro]\nla la\n[End]\n",
        "",
    ],
)
def test_text_that_is_just_text(text: str) -> None:
    assert resembles(text) is None


def test_no_false_alarms_in_what_we_have() -> None:
    for name in BUNDLED:
        assert load_data(name).notes == []
    for path in [*(ROOT / "src").rglob("*.py"), *ROOT.glob("*.md"), *ROOT.glob("*.toml")]:
        assert resembles(path.read_text(encoding="utf-8")) is None, path

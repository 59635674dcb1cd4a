"""A reader's own list in the guide: the page reads tables and bytes as the package does."""

import base64
import csv
import io
import json
import random
import re
import subprocess
from typing import Any

import pytest

import conftest
from guide_pages import ROOT
from microgpt.errors import InputError
from microgpt.reading.encodings import decode
from microgpt.reading.tables import from_csv, resembles

PEOPLE = "name,born,city\nada,1815,London\ngrace,1906,New York\nida,1880,Köln\n"
GERMAN = "Jürgen Groß\nKäthe\n„Spaß“ – nur so\nÖzlem\n"
RUSSIAN = "Анна\nИван\nОльга\n"
TABLES = [
    PEOPLE,
    PEOPLE.replace(",", ";").replace("\n", "\r\n"),
    PEOPLE.replace(",", "\t"),
    PEOPLE.replace(",", "|"),
    'id,text\n1,"one, two\nthree ""four"""\n\n2,"five"\n3,six\n',
    "vorname,alter\nada,3\neva,4\n",
    "ada,London\neva,Paris\n",
    "ada,3\neva,4\n",
    "ada,ada\neva,4\n",
    "ada,\neva,4\n",
    "word\nada\n",
    "name\n",
    "name,n\nada,1\neva\nida,2,3\n",
    "preis;ware\n1,50;Brot\n2,75;Käse\n-3 %;Öl",
    ' NAME ;x\n"a;b";1\n ; \n"";2\n',
    'name\nada\n"eva\nida\n',
    'name\nada\n"e"va\n',
    '5" wide;a "quoted" word\n6" tall;b\n',
    'x,"a\rb\r\nc"\n\n  \ny,z',
    "\x85name\x85,\x1fn\nada\x1c,\ufeff1\n",
    ",\n,\n",
    "",
]
NAMED = [
    ('name\tsaid\nada\t"hi" she said\neva\t5" wide\n', "f.tsv"),
    ('name\tsaid\nada\t"a\tb"\neva\t"c\nd"\n', "f.tsv"),
    ("a,b\tc\nd,e\tf\n", "f.tsv"),
]
PLAIN = [
    "Smith, John\nDoe, Jane\nRoe, Richard\n",
    "ada\neva\nida\n",
    "1,024\n2,048\n4,096\n",
    "1,2,3\n4,5,6\n7,8,9\n",
    "name,city\nada,London\n",
    "<html>\na,1\nb,2\nc,3\n",
    '{"a": 1, "b": 2}\n' * 3,
    "{a},1\n{b},{2}\n{c},{3}\n",
    '[\n["a", 1],\n["b", 2]]\n',
]


def _read(**cases: Any) -> Any:
    runner = ROOT / "guide" / "js" / "test" / "lists-runner.mjs"
    given = {"tables": [], "plain": [], "bytes": [], **cases}
    done = subprocess.run(
        [conftest._require_program("node"), str(runner)],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        check=True,
        encoding="utf-8",
    )
    return json.loads(done.stdout)


def _random_tables(count: int) -> list[str]:
    """Tables as a spreadsheet writes them, some of them damaged at one place."""
    draw = random.Random(19)
    cells = ["ada", "Zoë", "1,5", "12 %", "", " x ", "a;b", 'say "hi"', "two\nlines", "name", "😀"]
    made = []
    for _ in range(count):
        width = draw.randint(1, 4)
        out = io.StringIO()
        writer = csv.writer(out, delimiter=draw.choice(",;\t|"), lineterminator="\n")
        for _ in range(draw.randint(1, 8)):
            writer.writerow(draw.choice(cells) for _ in range(width - (draw.random() < 0.1)))
        text = out.getvalue()
        if draw.random() < 0.3:
            at = draw.randrange(len(text) + 1)
            text = text[:at] + draw.choice('",;\n\t') + text[at + draw.randint(0, 1) :]
        made.append(text)
    return made


def test_a_column_has_the_cells_that_the_package_takes() -> None:
    cases = [(text, "f.csv") for text in TABLES + _random_tables(400)] + NAMED
    refused = 0
    for (text, name), got in zip(cases, _read(tables=cases)["tables"], strict=True):
        text = re.sub("\r\n?", "\n", text)
        try:
            first = from_csv(text, name, "1")
        except InputError as error:
            refused += 1
            if "quote" not in error.message:  # there is no column at all
                assert got["columns"] == []
                continue
            line = re.search(r"line [\d,]+: (.+)", error.message)
            assert line is not None and line[0] in got["refused"]
            continue
        if not first.how:
            assert got["columns"] == []
            continue
        width = re.search(r"column 1 of (\d+)", first.notes[0])
        assert width is not None and int(width[1]) == len(got["columns"]) > got["likely"] >= 0
        for i, column in enumerate(got["columns"], 1):
            taken = from_csv(text, name, str(i))
            assert column["docs"] == [doc for doc in map(str.strip, taken.docs) if doc], text
            assert column["titled"] == ("the first row holds the titles" in taken.notes[0])
        odd = re.search(r": ([\d,]+) rows don't have .* as in line (\d+)", str(first.notes[1:]))
        assert [got["odd"], got["line"]] == ([int(odd[1]), int(odd[2])] if odd else [0, 0])
    assert 10 < refused < 200


def test_titles_can_be_claimed_as_by_naming_the_column() -> None:
    (got,) = _read(tables=[("vorname,stadt\nada,London\n", "f.csv")])["tables"]
    assert not got["columns"][0]["titled"]
    assert (
        got["columns"][0]["below"]
        == from_csv("vorname,stadt\nada,London\n", "f.csv", "vorname").docs
    )


@pytest.mark.parametrize(
    ("text", "likely"),
    [
        (PEOPLE, 0),
        ("id;land;hauptstadt\n1;Peru;Lima\n2;Chad;N'Djamena\n", 1),
        ("sex,first,mail\nf,Ada,a@b.c\nf,Eva,e@b.c\nm,Ivo,i@b.c\n", 1),
        ("value,word\n3,ada\n4,eva\n", 1),
        ("label,text\npos,a fine day\npos,so it is\nneg,a bad day\n", 1),
        ("a,b\n1,2\n", 0),
    ],
)
def test_a_sensible_column_is_chosen(text: str, likely: int) -> None:
    (got,) = _read(tables=[(text, "f.csv")])["tables"]
    assert got["likely"] == likely


def test_plain_text_is_a_table_where_the_package_says_so() -> None:
    texts = TABLES + PLAIN + _random_tables(400)
    found = [
        (resembles(re.sub("\r\n?", "\n", text)) or ("",))[0].startswith("a table") for text in texts
    ]
    assert _read(plain=texts)["plain"] == found
    assert 20 < sum(found) < len(found) - 20


def _random_bytes(count: int) -> list[bytes]:
    """Names in several encodings, some of them with a byte changed."""
    draw = random.Random(19)
    texts = [GERMAN, RUSSIAN, "René\nZoë\n" * 3, "ma\xf1ana\n", "25 €\nzehn\n", "ada\n", "😀\nb\n"]
    wide = ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"]
    made = []
    for _ in range(count):
        encoding = draw.choice(["utf-8", "utf-8-sig", "cp1252", "cp1251", "koi8-r", *wide])
        data = bytearray("".join(draw.choices(texts, k=3)).encode(encoding, "ignore"))
        if draw.random() < 0.4 and data:
            data[draw.randrange(len(data))] = draw.randrange(256)
        made.append(bytes(data))
    return made


def test_bytes_are_read_in_the_encoding_that_the_package_finds() -> None:
    cases = [
        *_random_bytes(600),
        b"",
        b"ada\r\nren\xe9e\r",
        b"%PDF-1.7 all ascii",
        b"PK\x03\x04\x14\0\x06\0",
        "\ufeff\ufeffada\n".encode(),
        "ada\ud800".encode("utf-16-le", "surrogatepass"),
        "太郎\n花子\n".encode("shift_jis"),
        b"ada\xe2\x82",
        b"caf\xe9 \x81\n",
        b"\xff\xfea\0b",
        b"a\0b\0" * 40_000 + b"c",
    ]
    read = _read(bytes=[base64.b64encode(data).decode() for data in cases])["bytes"]
    kinds: dict[str, int] = {}
    for data, got in zip(cases, read, strict=True):
        try:
            text, encoding, _ = decode(data, "f")
        except InputError:
            assert "not plain text" in got["refused"], data[:80]
            kinds["refused"] = kinds.get("refused", 0) + 1
            continue
        assert got.get("text") == text, (data[:80], encoding)
        name = "Latin-1 (Windows-1252)" if encoding == "cp1252" else str(encoding)[:6].upper()
        assert (name in got["note"]) if encoding else got["note"] == ""
        kinds[str(encoding)] = kinds.get(str(encoding), 0) + 1
    assert min(kinds[kind] for kind in ("None", "cp1252", "utf-16-le", "refused")) > 10

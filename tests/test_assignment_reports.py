"""Every report format against hostile text: nothing unescaped, everything parses, same bytes."""

import base64
import csv
import io
import itertools
import json
import os
import re
import stat
import subprocess
import sys
import unicodedata
import zipfile
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microgpt.assignment.reports import (
    FORMATS,
    autograder,
    classroom,
    gradescope,
    junit,
    nothing_from,
    otter,
    page,
    shape,
    table,
    terminal,
    text,
    write_all,
)
from microgpt.assignment.result import PARTS, Check, Result
from microgpt.assignment.students import Student
from microgpt.errors import FileError, InputError

ROOT = Path(__file__).resolve().parent.parent
VOID = {"meta"}
TAGS = {
    *VOID, "html", "head", "title", "style", "body", "header", "main", "section", "div", "p", "b",
    "h1", "h2", "h3", "ul", "li", "span", "bdi", "code", "table", "thead", "tbody", "tfoot", "tr",
    "th", "td", "i", "figure",
}  # fmt: skip
NASTY = [
    "<script>alert(1)</script>",
    '" onmouseover="alert(1)',
    "'><img src=x onerror=alert(1)>",
    "</style></title><svg/onload=alert(1)>",
    "<!--",
    "]]>",
    "&lt;&amp;&#x3c;",
    "=cmd|' /C calc'!A0",
    "+1+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    " =1",
    "\u200b=1",
    "\uff1d1",
    'a"b;c,d\te\nf\r\ng',
    "\x1b[31mred\x1b[2J\x1b[1;1H",
    "\x1b]0;title\x07\x1b]8;;http://x.org\x1b\\link",
    "\x9b31m\x9dtitle\x9c",
    "nul\0nul",
    "\u202egnp.exe",
    "\u2066iso\u2069",
    "a\u0300\u0301\u0302\u0303\u0304\u0305" * 3,
    "\ud800 lone",
    "\ufffe\uffff",
    "\u2028line\u2029par\x85nel\x0bvt\x0cff",
    "[bold red]markup[/] :smile: [link=http://x.org]x[/link]",
    "%s {0} ${x} `id` $(id)",
    "CON",
    "../../etc/passwd",
    "😀👩‍💻 علي 中文",
    "",
    "   ",
    "x" * 1_000_000,
    "\u0301" * 100_000,
]
hostile = st.one_of(
    st.sampled_from(NASTY),
    st.text(st.characters(), max_size=40),
    st.lists(st.sampled_from([n[:200] for n in NASTY]), max_size=3).map("".join),
)


def result_of(words: list[str], score: float = 47.25) -> Result:
    """A result with the words wherever a student or a case can put one."""
    w = itertools.cycle(words)
    checks = (
        Check(next(w), "benign", True, 0.5, 20.0, 40.0, 60, next(w), (next(w), next(w))),
        Check(next(w), "adversarial", False, 0.6, 24.0, 40.0, 30, next(w), (next(w),)),
        Check(next(w), "filter", True, 1.0, 10.0, 10.0, 1, next(w)),
        Check(next(w), "clarity", False, 0.25, 2.5, 10.0, 0, next(w)),
        Check(next(w), "protocol", False, 0.0, 0.0, 0.0, 7, next(w), (next(w),)),
        Check(next(w), "structure", False, 1.0, 0.0, 0.0, 0, next(w)),
    )
    return Result(
        next(w), next(w), score, checks, 0.0, (next(w), next(w)), (next(w),), (next(w),), 0.01,
        0.125, next(w),
    )  # fmt: skip


PLAIN = result_of(["word"])


def visible(line: str) -> bool:
    """Whether a line has none of what a terminal or a reader could be fooled with."""
    return not any(unicodedata.category(c)[0] == "C" or c in "\u2028\u2029" for c in line)


class Page(HTMLParser):
    """The tags of a page with their attributes, and its text; complains where tags don't match."""

    def __init__(self, content: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, tuple[tuple[str, str | None], ...]]] = []
        self.words: list[str] = []
        self.feed(content)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, tuple(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)

    def handle_comment(self, data):
        raise AssertionError("a comment")


# ---------------------------------------------------------------- text


@given(hostile, st.integers(1, 300))
def test_plain_text_is_visible_and_short(word, most):
    line = text.plain(word, most)
    assert visible(line) and "\n" not in line and len(line) <= most
    assert text.plain(line, most) == line
    line.encode("utf-8")


@pytest.mark.parametrize(
    ("word", "line"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07after", "after"),
        ("a\u202eb\u2066c", "abc"),
        ("a\r\nb\tc", "a b c"),
        ("Zoë 中文 علي 😀", "Zoë 中文 علي 😀"),
        ("e\u0301" + "\u0301" * 9, "e\u0301\u0301\u0301"),
        ("x" * 600, "x" * 499 + "…"),
    ],
)
def test_plain_text_keeps_what_can_be_read(word, line):
    assert text.plain(word) == line


def test_html_is_escaped_for_attributes_too():
    assert text.html("<a href=\"x\" id='y'>&") == (
        "&lt;a href=&quot;x&quot; id=&#x27;y&#x27;&gt;&amp;"
    )


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t=", "\r=", " =", "\u200b=", "\uff1d"])
def test_formulas_are_defused(start):
    assert text.cell(f"{start}1+1").startswith("'")
    assert not text.cell("a=1").startswith("'")


@given(st.lists(hostile, max_size=8))
def test_file_names_are_safe_and_different(words):
    names = text.file_names(words)
    assert len({name.casefold() for name in names}) == len(words)
    for name in names:
        assert re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,90}", name), name
        assert ".." not in name and not re.fullmatch(r"(?i)(con|prn|aux|nul)(\..*)?", name)


def test_file_names_do_not_depend_on_the_others():
    assert text.file_names(["s1", "Zoë", "CON", "s1"]) == [
        "s1",
        *text.file_names(["Zoë"]),
        *text.file_names(["CON"]),
        "s1-2",
    ]
    assert text.file_names(["a/b"]) != text.file_names(["a b"])


# ---------------------------------------------------------------- the formats, hostile text


@given(st.lists(hostile, min_size=1, max_size=6))
@settings(max_examples=40)
def test_the_page_has_the_same_tags_whatever_the_text(words):
    content = page.render(result_of(words))
    content.encode("utf-8")
    found = Page(content)
    # The same tags and attributes as for harmless text: so no text became a tag or an attribute.
    assert found.tags == Page(page.render(PLAIN)).tags
    assert {tag for tag, _ in found.tags} <= TAGS
    assert visible("".join(found.words).replace("\n", ""))
    assert len(content) < 40_000


def test_the_page_asks_nobody_for_anything():
    content = page.render(PLAIN)
    attributes = {name for _, attrs in Page(content).tags for name, _ in attrs}
    assert not attributes & {"src", "href", "srcset", "action", "data", "poster"}
    assert "url(" not in content and "@import" not in content and "://" not in content
    assert "default-src 'none'" in content
    picture = "<figure><svg></svg></figure>"
    assert picture in page.render(PLAIN, "<svg></svg>")
    with pytest.raises(AssertionError):
        page.render(PLAIN, "<svg><SCRIPT></svg>")


@given(st.lists(hostile, min_size=1, max_size=6))
@settings(max_examples=40)
def test_tables_read_back_with_as_many_cells(words):
    results = [result_of(words), result_of(words[::-1]), nothing_from(Student(words[0], "x"))]
    students = [Student(words[0], words[-1], words[-1])]
    for content, columns in (
        (table.render(results, students)[1:], table.COLUMNS),
        (otter.render(results), otter.COLUMNS),
    ):
        content.encode("utf-8")
        rows = list(csv.reader(io.StringIO(content, newline=""), strict=True))
        assert [len(row) for row in rows] == [len(columns)] * len(rows)
        assert rows[0] == list(columns)
        assert len(content.splitlines()) == len(rows)  # no cell has a line of its own
        for cell in (cell for row in rows for cell in row):
            assert visible(cell) and not cell.lstrip().startswith(("=", "+", "-", "@")), cell


@given(st.lists(hostile, min_size=1, max_size=6))
@settings(max_examples=40)
def test_xml_parses_and_has_the_same_elements(words):
    results = [result_of(words), result_of(words[::-1])]
    root = ElementTree.fromstring(junit.render(results).encode("utf-8"))
    plain = ElementTree.fromstring(junit.render([PLAIN, PLAIN]).encode("utf-8"))

    def outline(element):
        return element.tag, sorted(element.attrib), [outline(e) for e in element]

    assert outline(root) == outline(plain)
    for element in root.iter():
        assert all(visible(v) for v in element.attrib.values())
        assert visible((element.text or "").replace("\n", ""))


def strings(value):
    """All strings in a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inside in value.items():
            yield key
            yield from strings(inside)
    elif isinstance(value, list):
        for inside in value:
            yield from strings(inside)


@given(st.lists(hostile, min_size=1, max_size=6))
@settings(max_examples=40)
def test_json_parses_and_its_text_is_visible(words):
    result = result_of(words)
    decoded = base64.b64decode(classroom.encode(result), validate=True)
    for content in (gradescope.render(result), json.loads(decoded)):
        again = json.loads(json.dumps(content, allow_nan=False))
        assert again == content
        assert all(visible(s.replace("\n", "")) for s in strings(again))


@given(st.lists(hostile, min_size=1, max_size=6), st.integers(20, 200))
@settings(max_examples=50)
def test_terminal_text_moves_no_cursor(words, columns):
    results = [result_of(words), result_of(words[::-1])]
    one, many = terminal.render(results[0], columns), terminal.render_class(results)
    for line in (one + many).splitlines():
        assert visible(line)
    assert max(map(text.width, one.splitlines()[1:])) <= max(60, columns)
    assert len(many.splitlines()) == 5


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("word", NASTY)
def test_colours_are_the_only_escapes_on_a_terminal(word, monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "100")
    results = [result_of([word]), PLAIN]
    for some in (results[:1], results):
        screen = Screen()
        terminal.show(some, screen)
        bare = re.sub(r"\x1b\[[0-9;]*m", "", screen.getvalue())
        assert all(visible(line) for line in bare.split("\n"))
    assert bare != screen.getvalue()
    assert ":smile:" in bare or "smile" not in word
    pipe = io.StringIO()
    terminal.show(results, pipe)
    assert pipe.getvalue() == terminal.render_class(results)


# ---------------------------------------------------------------- the formats, what they say


def gated() -> Result:
    checks = (
        Check("a", "benign", True, 1.0, 40.0, 40.0, 9, "fine"),
        Check("b", "adversarial", True, 0.1, 4.0, 40.0, 9, "let through"),
        Check("c", "filter", False, 1.0, 10.0, 10.0, 9, "fine"),
        Check("d", "clarity", False, 1.0, 10.0, 10.0, 0, "fine"),
    )
    return Result("s1", "s1/bot.py", 44.0, checks, gated=20.0)


def test_gated_points_are_told_and_not_added():
    result = gated()
    assert "20 points for the filter" in shape.gate_line(result)
    for content in (
        page.render(result),
        terminal.render(result),
        gradescope.render(result)["output"],
        json.dumps(classroom.render(result)),
    ):
        assert "20 points for the filter" in text.plain(content.replace("&#x27;", "'"), 100_000)
    rows = list(csv.DictReader(io.StringIO(otter.render([result]))))
    assert rows[0]["file"] == "points-per-question"
    assert sum(float(rows[1][part]) for part in PARTS) == float(rows[1]["total_points_earned"])
    assert float(rows[1]["percent_correct"]) == 0.44


def test_gradescope_keys_and_types():
    content = gradescope.render(PLAIN)
    kinds = {
        "score": float, "output": str, "output_format": str, "test_output_format": str,
        "test_name_format": str, "visibility": str, "stdout_visibility": str, "extra_data": dict,
        "tests": list,
    }  # fmt: skip
    assert {key: type(value) for key, value in content.items()} == kinds
    inside = {"name": str, "output": str, "visibility": str, "status": str}
    for test in content["tests"]:
        points = {"score": float, "max_score": float} if "score" in test else {}
        assert {key: type(value) for key, value in test.items()} == {**inside, **points}
        assert test["visibility"] in gradescope.VISIBILITY
        assert test["status"] in ("passed", "failed")
    by_part = [(t["name"].split(":")[0], t["visibility"]) for t in content["tests"]]
    assert by_part[:2] == [("benign", "after_published"), ("adversarial", "visible")]
    teacher = [t for t in content["tests"] if t["name"].startswith("For the teacher")]
    assert [t["visibility"] for t in teacher] == ["hidden", "hidden"]
    assert "score" not in gradescope.broken("x")


def test_hidden_checks_show_no_examples_of_secret_cases_by_themselves():
    hidden = gradescope.render(PLAIN, "hidden")["tests"][0]
    assert hidden["visibility"] == "hidden"


def test_classroom_scores_add_up_exactly():
    for score in (0.0, 33.33, 71.1, 99.99, 100.0):
        content = classroom.render(replace(PLAIN, score=score))
        total = 0
        for test in content["tests"]:
            total += test["score"]
            assert set(test) == {
                "name", "status", "score", "message", "test_code", "filename", "line_no",
                "execution_time",
            }  # fmt: skip
        assert total == score
        assert (content["version"], content["max_score"], content["status"]) == (1, 100, "fail")
    assert classroom.render(nothing_from(Student("a", "b")))["status"] == "error"
    perfect = Result("a", "b", 100.0, (Check("c", "benign", False, 1.0, 40.0, 40.0, 1, "d"),))
    assert classroom.render(perfect)["status"] == "pass"


def test_the_workflow_is_what_the_reporter_reads(require):
    yaml = require("yaml")
    flow = yaml.safe_load(classroom.workflow("0.1.0\n  evil: 1"))
    (job,) = flow["jobs"].values()
    steps = {step.get("id") or step.get("name") or step.get("uses"): step for step in job["steps"]}
    runner = steps["Report"]["with"]["runners"]
    assert runner in steps
    assert f"{runner.upper()}_RESULTS" in steps["Report"]["env"]
    assert "key" not in steps["microgpt"]["run"]
    assert [step["run"] for step in job["steps"] if "pip" in step.get("run", "")] == [
        'pip install "microgpt==0.1.0evil1"'
    ]


def test_junit_counts_what_it_holds():
    root = ElementTree.fromstring(junit.render([PLAIN, gated(), nothing_from(Student("a", "b"))]))
    assert root.tag == "testsuites"
    for suite in root:
        cases = suite.findall("testcase")
        assert int(suite.get("tests")) == len(cases)
        assert int(suite.get("failures")) == len(suite.findall("testcase/failure"))
        assert int(suite.get("errors")) == len(suite.findall("testcase/error"))
        assert all(case.get("classname") and case.get("name") for case in cases)
        assert next(e.tag for e in suite) == "properties"
    assert int(root.get("tests")) == len(root.findall("testsuite/testcase"))
    assert ElementTree.fromstring(junit.render([])).get("tests") == "0"


def test_advice_follows_what_was_lost():
    lines = shape.advice(gated())
    assert lines == [shape._ADVICE["adversarial"]]
    lines = shape.advice(PLAIN)
    assert lines[0] == shape._ADVICE_ON_PROBLEMS
    assert len(lines) == 3 and lines[1] == shape._ADVICE["protocol"]
    assert shape.advice(Result("a", "b", 100.0, ())) == []
    for part in [*PARTS, "protocol", "structure"]:
        assert part in shape._ADVICE and part in shape.TITLES


# ---------------------------------------------------------------- files


def test_a_class_is_written_and_reads_back(tmp_path):
    results = [PLAIN, gated(), gated(), nothing_from(Student("s9", "Adam"), "0.1.0")]
    students = [Student("s1", "Jane Doe", "j@x.org")]
    paths = write_all(results, tmp_path / "out", FORMATS, students=students)
    names = sorted(path.relative_to(tmp_path / "out").as_posix() for path in paths)
    people = ["s1", "s1-2", "s9", "word"]
    assert names == sorted(
        [
            "class.csv", "results.jsonl", "final_grades.csv", "junit.xml",
            *(f"feedback/{p}.html" for p in people),
            *(f"gradescope/{p}.json" for p in people),
            *(f"classroom/{p}.txt" for p in people),
        ]
    )  # fmt: skip
    lines = (tmp_path / "out" / "results.jsonl").read_text("ascii").splitlines()
    assert [Result.from_json(json.loads(line)) for line in lines] == results
    with (tmp_path / "out" / "class.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(r["student"], r["name"], r["email"]) for r in rows[1:2]] == [
        ("s1", "Jane Doe", "j@x.org")
    ]
    assert rows[3]["problems"] == "Nothing was handed in."
    before = {path: path.read_bytes() for path in paths}
    write_all(results, tmp_path / "out", FORMATS, students=students)
    assert {path: path.read_bytes() for path in paths} == before
    left = [p for p in (tmp_path / "out").rglob("*") if p.is_file()]
    assert sorted(left) == sorted(paths)


@given(st.lists(hostile, min_size=1, max_size=6))
@settings(max_examples=15)
def test_hostile_results_stay_inside_the_directory(tmp_path_factory, words):
    out = tmp_path_factory.mktemp("hostile") / "out"
    results = [result_of(words), result_of(words[::-1])]
    paths = write_all(results, out, FORMATS)
    inside = [p for p in out.parent.rglob("*") if p.is_file()]
    assert sorted(paths) == sorted(inside)
    lines = (out / "results.jsonl").read_text("ascii").splitlines()
    assert [Result.from_json(json.loads(line)) for line in lines] == results


def test_mistakes_are_told(tmp_path):
    with pytest.raises(InputError, match="format is 'pdf'"):
        write_all([PLAIN], tmp_path, ["pdf"])
    (tmp_path / "file").write_text("")
    with pytest.raises(FileError):
        write_all([PLAIN], tmp_path / "file")


# ---------------------------------------------------------------- the autograder archive

KEY = b"5eed" * 16 + b"\n"


def test_the_archive_is_whole_and_the_same_every_time(tmp_path):
    data = autograder.build()
    assert data == autograder.build()
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        infos = {info.filename: info for info in archive.infolist()}
        requirements = archive.read("requirements.txt").decode().split()
        everything = b"".join(archive.read(info) for info in archive.infolist())
    assert list(infos) == sorted(infos)
    assert {info.date_time for info in infos.values()} == {(1980, 1, 1, 0, 0, 0)}
    for name in ("setup.sh", "run_autograder"):
        assert infos[name].external_attr >> 16 == stat.S_IFREG | 0o755
    for name in (
        "src/microgpt/assignment/reports/page.css",
        "data/model.json",
        "data/names.txt",
        "data/fruits.toml",
        "data/kit/bot.py",
    ):
        assert name in infos, name
    assert not [n for n in infos if "secret" in n or "solution" in n or "__pycache__" in n]
    assert not [n for n in infos if n.startswith("/") or ".." in n or n.endswith((".so", ".pyc"))]
    assert str(ROOT).encode() not in everything
    text_of_project = (ROOT / "pyproject.toml").read_text("utf-8")
    assert requirements and all(f'"{line}"' in text_of_project for line in requirements)
    assert b"index-url" not in everything


def test_the_key_is_inside_only_if_it_is_given(tmp_path):
    autograder.write(tmp_path / "a.zip", key=KEY, class_list=b"id,name\n1,Jane\n")
    assert stat.S_IMODE((tmp_path / "a.zip").stat().st_mode) & 0o077 == 0
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        assert archive.read(autograder.SECRET) == KEY
        assert archive.getinfo(autograder.SECRET).external_attr >> 16 == stat.S_IFREG | 0o600
        assert b"holds the key" in archive.read("README.txt")
    assert KEY.strip() not in autograder.build()
    for wrong in (b"", b"x" * 5000):
        with pytest.raises(InputError, match="key has"):
            autograder.build(key=wrong)


def test_wheels_go_along(tmp_path):
    with pytest.raises(InputError, match="no wheel") as caught:
        autograder.build(wheels=tmp_path)
    assert "pip download" in caught.value.remedy
    (tmp_path / "numpy-2.1-cp312.whl").write_bytes(b"PK")
    with zipfile.ZipFile(io.BytesIO(autograder.build(wheels=tmp_path))) as archive:
        assert archive.read("wheels/numpy-2.1-cp312.whl") == b"PK"


@pytest.mark.parametrize("script", [autograder._SETUP, autograder._RUN])
def test_the_scripts_are_bash(script, require_program):
    checked = subprocess.run(
        [require_program("bash"), "-n"], input=script, text=True, capture_output=True, check=False
    )
    assert (checked.returncode, checked.stderr) == (0, "")


@pytest.mark.parametrize(
    ("metadata", "student"),
    [
        ('{"users": [{"email": "j@x.org", "id": 5}]}', "1234"),
        ('{"users": [{"email": "e@x.org", "id": 5}]}', "e@x.org"),
        ('{"users": [{"id": 5}]}', "5"),
        ('{"users": []}', "student"),
        ('{"users": 7}', "student"),
        ("[", "student"),
        (None, "student"),
    ],
)
def test_who_submitted(tmp_path, metadata, student):
    (tmp_path / "source" / "secret").mkdir(parents=True)
    (tmp_path / "source" / autograder.ROSTER).write_text("id,name,email\n1234,Jane,j@x.org\n")
    if metadata is not None:
        (tmp_path / "submission_metadata.json").write_text(metadata)
    assert autograder._student(tmp_path) == student


def unpack(tmp_path: Path, submission: dict[str, bytes], key: bytes | None = KEY) -> Path:
    """Gradescope's layout: what its machine makes of the archive and of a submission."""
    root = tmp_path / "autograder"
    with zipfile.ZipFile(io.BytesIO(autograder.build(key=key))) as archive:
        for info in archive.infolist():
            path = root / "source" / info.filename
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(archive.read(info))
            path.chmod((info.external_attr >> 16) & 0o777)
    native = "src/microgpt/engines/native"
    for library in (ROOT / native).glob("libmicrogpt.*"):  # setup.sh compiles it; else it's slower
        (root / "source" / native / library.name).write_bytes(library.read_bytes())
    (root / "results").mkdir()
    (root / "submission").mkdir()
    for name, data in submission.items():
        (root / "submission" / name).write_bytes(data)
    (root / "submission_metadata.json").write_text('{"users": [{"email": "jane@school.example"}]}')
    path = root / "run_autograder"
    path.write_bytes((root / "source" / "run_autograder").read_bytes())
    path.chmod(0o755)
    # An interpreter that has what setup.sh installs, and nothing else of ours.
    site = tmp_path / "site"
    site.mkdir()
    for module in ("numpy", "safetensors"):
        home = Path(sys.modules[module].__file__).parent
        for each in home.parent.glob(f"{module}*"):
            (site / each.name).symlink_to(each)
    return root


def run_autograder(root: Path) -> subprocess.CompletedProcess[str]:
    environment = {
        "PATH": os.environ["PATH"],
        "MICROGPT_AUTOGRADER_ROOT": str(root),
        "MICROGPT_AUTOGRADER_PYTHON": str(Path(sys._base_executable).resolve()),
        "PYTHONPATH": str(root.parent / "site"),
    }
    return subprocess.run(
        [root / "run_autograder"], env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.slow
def test_gradescope_from_archive_to_results(tmp_path):
    """The archive unpacked as Gradescope does it, with nothing but what setup.sh installs."""
    template = (ROOT / "data" / "kit" / "bot.py").read_bytes()
    model = (ROOT / "data" / "model.json").read_bytes()
    root = unpack(tmp_path, {"bot.py": template, "model.json": model})
    done = run_autograder(root)
    assert done.returncode == 0, done.stderr
    results = root / "results" / "results.json"
    content = json.loads(results.read_text("ascii"))
    assert 0 <= content["score"] <= 50, "the untouched template"
    assert content["tests"] and "hidden" in {test["visibility"] for test in content["tests"]}
    assert KEY.strip() not in results.read_bytes() and str(tmp_path) not in results.read_text()
    for closed in ("results", "source/secret", "source/secret/key", "submission_metadata.json"):
        assert stat.S_IMODE((root / closed).stat().st_mode) & 0o077 == 0, closed
    first = results.read_bytes()
    assert run_autograder(root).returncode == 0
    assert results.read_bytes() == first


@pytest.mark.slow
def test_gradescope_without_a_bot(tmp_path):
    root = unpack(tmp_path, {"notes.txt": b"x"})
    done = run_autograder(root)
    assert done.returncode == 0, done.stderr
    content = json.loads((root / "results" / "results.json").read_text("ascii"))
    assert content["score"] == 0
    assert "There is no bot.py" in content["output"]

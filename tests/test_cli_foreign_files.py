"""No command writes over a file that it hasn't made, and no page tells where files lie."""

from pathlib import Path

import pytest

from cli_runner import microgpt, ok, refused, tree, written
from microgpt.data import bundled

MODEL = bundled("data/model.json")
pytestmark = pytest.mark.usefixtures("empty_directory")


def test_a_page_replaces_only_a_page() -> None:
    written("mine.html", "<!doctype html>\n<title>my page</title>")
    before = tree(Path.cwd())
    said = refused(3, "inspect", MODEL, "--html", "mine.html")
    assert "mine.html already exists" in said and "--force" in said
    assert tree(Path.cwd()) == before
    ok("inspect", MODEL, "--html", "mine.html", "--force")
    page = Path("mine.html").read_bytes()
    assert page != before["mine.html"]
    ok("inspect", MODEL, "--html", "mine.html")
    older = page.replace(b'<meta name="generator" content="microgpt inspect">\n', b"")
    assert older != page
    Path("mine.html").write_bytes(older)
    ok("inspect", MODEL, "--html", "mine.html")
    assert Path("mine.html").read_bytes() == page
    written("empty.html", "")
    ok("inspect", MODEL, "--html", "empty.html")
    assert "--html" in refused(2, "inspect", MODEL, "--force")


def test_a_page_tells_no_place(own_list: Path) -> None:
    own = own_list.resolve()
    ok("train", own, "--steps", 2, "--out", "r")
    ok("inspect", "r", "--html", "page.html")
    page = Path("page.html").read_text(encoding="utf-8")
    assert "own.txt" in page and str(own.parent) not in page
    assert str(own) in ok("inspect", "r").out
    model = Path("model.json").absolute()
    ok("export", "r", model)
    ok("import", model, own, "--out", "s")
    ok("inspect", "s", "--html", "page.html")
    page = Path("page.html").read_text(encoding="utf-8")
    assert "microgpt import model.json own.txt" in page and str(model.parent) not in page


@pytest.mark.parametrize("name", ["class.csv", "results.jsonl", "copies.csv"])
def test_reports_replace_only_reports(name: str) -> None:
    written("bot.py", "print()")
    Path("graded").mkdir()
    written(f"graded/{name}", "id,name\n7,Ada\n")
    before = tree(Path.cwd())
    said = refused(3, "grade", "bot.py", "--out", "graded")
    assert f"{Path('graded', name)} already exists" in said
    assert tree(Path.cwd()) == before


def test_an_archive_replaces_only_an_archive() -> None:
    written("a.zip", "the work of a year")
    assert "a.zip already exists" in refused(3, "grade", "--zip", "a.zip")
    assert Path("a.zip").read_text() == "the work of a year"
    Path("a.zip").unlink()
    for _ in range(2):
        assert "wrote a.zip" in microgpt("grade", "--zip", "a.zip").err

"""Cells of Python in a page, with Pyodide where `make guide-python` has brought it."""

import contextlib
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

import browser
import conftest
from widget_checks import looked_at

ROOT = Path(__file__).resolve().parent.parent
GUIDE = ROOT / "guide"
PYODIDE = GUIDE / "vendor-local" / "pyodide"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def site(guide_site: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built guide, and below it a page with cells of Python, with the sheets that they need."""
    import quoting
    import sheets

    site = tmp_path_factory.mktemp("guide") / "site"
    shutil.copytree(guide_site, site)

    def cell(attributes: str, code: list[str], number: int = 0, path: str = "") -> str:
        figure = quoting.as_html(code, "python", number=number, path=path)
        module = 'data-module="../widgets/python-cell.js"'
        return f"<mg-python {module} {attributes}><p>Python.</p>{figure}</mg-python>"

    number, rung = quoting.quote("ladder/train2.py", "import gc .. end")
    body = cell('name="hello.py"', ["x = 6", "", "print(x * 7)"]) + cell(
        'name="train2.py" data="names.txt" steps="1000"', rung, number, "ladder/train2.py"
    )
    text = (site / "about" / "index.html").read_text(encoding="utf-8")
    text = re.sub(r"(<main[^>]*>).*?(</main>)", r"\1<h1>Cells</h1>@@\2", text, flags=re.S)
    text = text.replace("@@", body)
    page = site / "cells" / "index.html"
    page.parent.mkdir()
    wanted = [*sheets.COMMON[:-1], *sheets.wanted(site, page, text)]
    links = "\n".join(f'<link rel="stylesheet" href="../css/{name}">' for name in wanted)
    text, found = re.subn(
        r'<link rel="stylesheet"(.*<link rel="stylesheet"[^>]*>)?', links, text, flags=re.S
    )
    assert found == 1 and "python-cell.css" in wanted
    page.write_text(text, encoding="utf-8")
    return site


@pytest.fixture(scope="module")
def with_python(site: Path) -> Path:
    if not (PYODIDE / "version").is_file():
        conftest._missing("Pyodide (guide/build/python.py)")
    for path in PYODIDE.iterdir():
        (site / "pyodide").mkdir(exist_ok=True)
        shutil.copy(path, site / "pyodide")
    return site


def run_cell(page: Any, code: str | None, which: int = 0) -> str:
    """Runs a cell, with other code if given; returns its output when it has ended."""
    cell = page.locator("mg-python").nth(which)
    if code is not None:
        cell.locator("textarea").fill(code)
    cell.get_by_role("button", name="Run").click()
    cell.locator(".py-out[aria-busy=false]").wait_for(state="attached")
    return str(cell.locator(".py-out").evaluate("e => e.textContent"))


def wait_for(page: Any, pattern: str, which: int = 0) -> str:
    line = page.locator("mg-python").nth(which).locator(".mg-summary")
    line.filter(has_text=re.compile(pattern)).wait_for()
    return str(line.inner_text())


def test_a_cell_without_python_says_how_to_run_it(chromium: Any, site: Path) -> None:
    shutil.rmtree(site / "pyodide", ignore_errors=True)
    with browser.serving(site) as where, browser.opened(chromium) as (page, _):
        page.goto(f"{where}cells/")
        page.locator("mg-python[data-ready]").first.wait_for()
        assert page.locator("textarea").first.input_value() == "x = 6\n\nprint(x * 7)\n"
        rung = (ROOT / "ladder" / "train2.py").read_text(encoding="utf-8")
        code = page.locator("textarea").nth(1).input_value()
        assert code == rung[rung.index("import gc") :]
        page.get_by_role("button", name="Run").nth(1).click()
        wait_for(page, "Run the code in a terminal", 1)
        assert page.get_by_text("python train2.py names.txt").is_visible()
        page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        page.get_by_role("button", name="Copy the code").nth(0).click()
        page.get_by_text("Copied.").wait_for()
        assert page.evaluate("navigator.clipboard.readText()") == code


def test_cells_of_python(chromium: Any, with_python: Path) -> None:
    with browser.serving(with_python) as where, browser.opened(chromium) as (page, wrong):
        page.goto(f"{where}cells/")
        page.locator("mg-python[data-ready]").first.wait_for()
        assert page.evaluate("crossOriginIsolated")
        assert run_cell(page, None) == "42\n"
        cell = page.locator("mg-python").first
        text = run_cell(page, "print('<b>é</b>')\nprint(1 / 0)")
        assert text.startswith(
            '<b>é</b>\nTraceback (most recent call last):\n  File "hello.py", line 2'
        )
        assert text.endswith("ZeroDivisionError: division by zero\n")
        assert cell.locator("b").count() == 0
        assert "SyntaxError" in run_cell(page, "if x\n  print(1)")
        assert "EOFError" in run_cell(page, "input()")
        assert "NameError" in run_cell(page, "print(x)")  # nothing is left of the run before
        text = run_cell(page, "for i in range(30000): print('line', i)")
        assert len(text) == 40_000
        assert re.search(r"[\d,]+ characters are left out", wait_for(page, "left out"))

        # A loop that hears Ctrl-C, and one that doesn't.
        for code in (HEARING, DEAF):
            cell.locator("textarea").fill(code)
            cell.locator("textarea").press("Control+Enter")
            wait_for(page, "Running")
            cell.locator(".py-out", has_text="in the loop").wait_for()
            page.get_by_role("button", name="Run").nth(1).click()
            wait_for(page, "Another cell is running", 1)
            cell.get_by_role("button", name="Stop").click()
            wait_for(page, "Stopped")
            assert run_cell(page, "print('again')") == "again\n"
        assert wrong == []


LOSS = r"step +\d+ / 1000 \| loss ([\d.]+)"
# Output is passed on in portions, so it is said until a portion has come.
HEARING = """
while True: print("in the loop")
"""
DEAF = """
while True:
    try:
        while True: print("in the loop")
    except BaseException:
        pass
"""


def test_a_rung_takes_its_first_steps_in_the_page(chromium: Any, with_python: Path) -> None:
    program = [sys.executable, str(ROOT / "ladder" / "train2.py")]
    with subprocess.Popen(program, stdout=subprocess.PIPE, encoding="utf-8") as whole:
        first = [line for line, _ in zip(whole.stdout or [], range(8), strict=False)]
        whole.kill()
    expected_losses = re.findall(LOSS, "".join(first))
    assert len(expected_losses) == 5
    with browser.serving(with_python) as where, browser.opened(chromium) as (page, wrong):
        page.goto(f"{where}cells/")
        page.locator("mg-python[data-ready]").nth(1).wait_for()
        steps = page.get_by_role("spinbutton", name="Steps")
        assert steps.input_value() == "20"
        steps.fill("5")
        text = run_cell(page, None, 1)
        assert re.findall(LOSS, text) == expected_losses
        line = wait_for(page, "Done", 1)
        assert re.search(r"5 steps took [\d.]+ s here; 1,000 would take about ", line)
        assert wrong == []


LAZY = """
import pyodide_js
pyodide_js.FS.createLazyFile("/", "lazy", "PLACElazy", True, False)
print(open("/lazy").read())
"""


SCRIPT = """
import ctypes
ctypes.CDLL(None).emscripten_run_script(b"import('PLACEctypes')")
"""


def test_a_hostile_cell_on_a_server_without_headers(
    chromium: Any, with_python: Path, tmp_path: Path
) -> None:
    """Below a path; only the page's own policy holds there, and that doesn't bind its Workers."""
    (tmp_path / "www" / "course").mkdir(parents=True)
    (tmp_path / "www" / "course" / "gpt").symlink_to(with_python)
    asked: list[str] = []
    with (
        browser.plain_serving(tmp_path / "www") as where,
        browser.plain_serving(tmp_path, asked) as other,
        browser.opened(chromium) as (page, wrong),
    ):
        page.goto(f"{where}course/gpt/cells/")
        page.locator("mg-python[data-ready]").first.wait_for()
        assert not page.evaluate("crossOriginIsolated")
        assert run_cell(page, None) == "42\n"
        hostile = (ROOT / "tests" / "hostile_cell.py").read_text(encoding="utf-8")
        assert run_cell(page, hostile.replace("PLACE", other)) == "tried\n"
        text = run_cell(page, "print('next')")  # after what it left for later
        assert text.endswith("all tried\nnext\n") and "OUT" not in text
        assert wrong == []
        for way in (LAZY, SCRIPT):  # Python itself gives up here, and starts anew
            assert "Error" in run_cell(page, way.replace("PLACE", other))
        wrong.clear()  # it says so on the console
        assert run_cell(page, "print('anew')") == "anew\n"
        assert asked == []
        with contextlib.closing(urlopen(f"{other}www/")):  # it would have been heard
            assert asked == ["/www/"]
        cell = page.locator("mg-python").first
        cell.locator("textarea").fill("while True: pass")
        cell.get_by_role("button", name="Run").click()
        wait_for(page, "Running")
        cell.get_by_role("button", name="Stop").click()
        wait_for(page, "Stopped")
        assert run_cell(page, "print('again')") == "again\n"
        assert wrong == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_clipped_or_out_of_reach(chromium: Any, site: Path, scheme: str) -> None:
    options = {"color_scheme": scheme}
    with browser.serving(site) as where, browser.opened(chromium, **options) as (page, wrong):
        page.goto(f"{where}cells/")
        page.locator("mg-python[data-ready]").nth(1).wait_for()
        page.locator("mg-python summary:visible").first.click()
        looked_at(page, "mg-python")
        assert wrong == []

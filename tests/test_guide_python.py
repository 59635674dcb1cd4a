"""Cells of Python in a page: in MicroPython, and in Pyodide where `make guide-python` put it."""

import contextlib
import hashlib
import itertools
import json
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
    whole = 'name="train2.py" data="names.txt" steps="1000" python="cpython"'
    hello = ["x = 6", "", "print(x * 7)"]
    body = cell('name="hello.py" python="cpython"', hello)
    body += cell(whole, rung, number, "ladder/train2.py") + cell('name="small.py"', hello)
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


def started(tmp_path: Path, code: str, steps: int | None, data: str) -> "subprocess.Popen[str]":
    """A program in the guide's MicroPython, in Node."""
    text = (ROOT / "data" / data).read_text("utf-8") if data else ""
    files = {data: text} if data else {}
    order = {"code": code, "name": "x.py", "steps": steps, "files": files, "args": [*files]}
    (tmp_path / "order.json").write_text(json.dumps(order), encoding="utf-8")
    runner = ROOT / "tests" / "micropython_cell.mjs"
    node = shutil.which("node") or conftest._missing("Node")
    program = [str(node), str(runner), str(tmp_path / "order.json")]
    return subprocess.Popen(program, stdout=subprocess.PIPE, encoding="utf-8")


def same_in_micropython(
    expected: str, tmp_path: Path, code: str, steps: int | None = None, data: str = ""
) -> bool:
    """Whether MicroPython prints that; its first other line ends it."""
    with started(tmp_path, code, steps, data) as running:
        lines = itertools.zip_longest(expected.splitlines(True), running.stdout or [])
        other = next(((line, got) for line, got in lines if line != got), None)
        if other:
            running.kill()
            return False
    return running.returncode == 0


def in_python(tmp_path: Path, code: str, *args: str) -> str:
    (tmp_path / "x.py").write_text(code, encoding="utf-8")
    program = [sys.executable, "x.py", *args]
    done = subprocess.run(program, cwd=tmp_path, capture_output=True, encoding="utf-8", check=True)
    return done.stdout


def test_each_cell_runs_in_the_python_that_prints_what_it_should(tmp_path: Path) -> None:
    """A page's cell is given to CPython if, and only if, MicroPython prints something else."""
    import quoting

    given, found = set(), set()
    for page in sorted((GUIDE / "pages").rglob("*.md")):
        cells = r"<mg-python ([^>]*)>.*?^@code (\S[^\n]*)\n.*?</mg-python>"
        for said, quote in re.findall(cells, page.read_text("utf-8"), re.S | re.M):
            told = dict(re.findall(r'(\w+)="([^"]*)"', said))
            path, _, part = quote.partition(": ")
            code = "\n".join(quoting.quote(path, part)[1]) + "\n"
            steps = 2 if "steps" in told else None
            loop = re.compile(r"^(for step in range\(num_steps\))", re.M)
            short = loop.sub(rf"\1[:{steps}]", code, count=1) if steps else code
            expected = in_python(tmp_path, short, str(ROOT / "data" / told["data"]))
            assert expected.count("| loss") == (steps or 1000)
            if not same_in_micropython(expected, tmp_path, code, steps, told["data"]):
                found.add(told["name"])
            if told.get("python") == "cpython":
                given.add(told["name"])
    assert found == given


def test_micropython_has_the_random_numbers_of_python(tmp_path: Path) -> None:
    assert same_in_micropython(in_python(tmp_path, RANDOM), tmp_path, RANDOM)


RANDOM = """
import random
for seed in (0, 1, 42, -7, 2**32 - 1):
    random.seed(seed)
    items = list(range(30))
    random.shuffle(items)
    print(items, random.random(), random.getrandbits(70), random.randrange(2**40))
    print(random.choices("abc", k=4), random.choices("abc", weights=[1, 2, 0.5], k=9))
    print(random.choices(range(3), cum_weights=[1, 1, 4], k=5), random.uniform(-1, 3))
    print(random.choice("xyz"), random.randint(3, 9), random.randrange(2, 90, 7))
    print(*[f"{random.gauss(0, 0.08):.13f}" for _ in range(9)])
"""


def test_micropython_is_the_package_that_was_tried() -> None:
    held = json.loads((GUIDE / "vendor" / "vendor.manifest.json").read_text("utf-8"))
    for name, told in held["files"].items():
        content = (GUIDE / "vendor" / "micropython" / name).read_bytes()
        assert (len(content), hashlib.sha256(content).hexdigest()) == (
            told["bytes"],
            told["sha256"],
        )
    assert len(held["files"]) == len(list((GUIDE / "vendor" / "micropython").iterdir()))


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
        assert "make guide-python" in wait_for(page, "Run the code in a terminal", 1)
        assert page.get_by_text("python train2.py names.txt").is_visible()
        hello = page.locator("mg-python").first
        hello.get_by_role("button", name="Run").click()
        hello.get_by_role("button", name="Run in MicroPython").click()
        wait_for(page, "Done")
        assert hello.locator(".py-out").text_content() == "42\n"
        page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        page.get_by_role("button", name="Copy the code").nth(1).click()
        page.get_by_text("Copied.").wait_for()
        assert page.evaluate("navigator.clipboard.readText()") == code

        # A cell of MicroPython's needs nothing more.
        small = page.locator("mg-python").nth(2)
        assert "MicroPython" in small.inner_text()
        assert run_cell(page, None, 2) == "42\n"
        text = run_cell(page, "print('é', flush=True)\nprint(1 / 0)", 2)
        assert text.startswith('é\nTraceback (most recent call last):\n  File "small.py", line 2')
        assert "EOFError" in run_cell(page, "input()", 2)
        assert "NameError" in run_cell(page, "print(x)", 2)
        deep = run_cell(page, "def f():\n    f()\nf()", 2)
        assert "line repeated" in deep and "line 2, in f\nRuntimeError" not in deep
        assert "A cell may use 1 GB" in run_cell(page, "x = [0] * 10**9", 2)
        assert run_cell(page, SHUT_IN, 2) == "tried\n"
        for maker in ("Function.new", "Object.constructor"):  # such an error ends the program
            text = run_cell(page, f"import js\njs.{maker}('return 1')\nprint('OUT')", 2)
            assert text == "no code is made from text in a cell\n"
        small.locator("textarea").fill("print('on'); x = 0\nwhile True: x = 1 - x")
        small.locator("textarea").press("Control+Enter")
        wait_for(page, "Running in MicroPython", 2)
        small.get_by_role("button", name="Stop").click()
        wait_for(page, "Stopped", 2)
        assert run_cell(page, "print('again')", 2) == "again\n"


# What gets out is printed.
SHUT_IN = """
import js
for name in (
    "fetch XMLHttpRequest WebSocket EventSource WebTransport Worker importScripts indexedDB caches "
    "BroadcastChannel navigator eval self location Blob File loadMicroPython"
).split():
    if hasattr(js, name) or hasattr(js.globalThis, name):
        print("OUT", name)
print("tried")
"""


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
        assert run_cell(page, SHUT_IN, 2) == "tried\n"  # MicroPython
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

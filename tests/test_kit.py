"""The kit that a student is given: its bot, its own tests and its pages do what they say."""

import ast
import random
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from bot_sources import own_template
from cli_runner import environment
from kit_programs import KEY, ROOT, program
from microgpt.assignment.grading import cases
from microgpt.assignment.grading.grader import LIMITS
from microgpt.assignment.kit import answers
from microgpt.assignment.kit import files as kit
from microgpt.assignment.kit.variants import (
    variant,
)
from microgpt.assignment.result import PARTS
from microgpt.data import load_data
from microgpt.engines.base import Engine
from microgpt.opening import engine_for, open_model
from microgpt.sampling import Settings, sample
from microgpt.tokenizer import Tokenizer
from patience import PATIENCE


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A student's kit."""
    return kit.make_kit(tmp_path_factory.mktemp("kits") / "ada", "ada", KEY).path


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A kit whose files may be changed."""
    return kit.make_kit(tmp_path / "kit", "ada", KEY).path


@pytest.fixture(scope="module")
def bot(folder: Path) -> ModuleType:
    return program(folder / "bot.py")


@pytest.fixture(scope="module")
def shipped() -> tuple[Engine, Tokenizer]:
    opened, _ = open_model(None)
    return engine_for(opened), opened.tokenizer


def replies(folder: Path, given: bytes) -> list[str]:
    """What bot.py prints for these bytes; it must end well."""
    done = subprocess.run(
        [sys.executable, "-I", str(folder / "bot.py")],
        input=given,
        capture_output=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    assert not done.stdout or done.stdout.endswith(b"\n")
    return done.stdout.decode().splitlines()


# ---------------------------------------------------------------- the template

PROTOCOL = [
    (b"j", r"OK: j[a-z]*"),
    (b"a b c", r"OK: a[a-z]*, b[a-z]*, c[a-z]*"),
    (b"", r"OK: [a-z]+"),
    (b"   \t ", r"OK: [a-z]+"),
    (b"j!", r"OK: j[a-z]*"),
    (b"ab123", r"OK: ab[a-z]*"),
    (b"APPL", r"OK: appl[a-z]*"),
    (b"a-p-p-l", r"OK: appl[a-z]*"),
    (b"!!!", r"REFUSE: input had no usable letters \(a-z\)\."),
    (b"!! 12 a", r"OK: a[a-z]*"),
    (b"abcdefghijklmnopqrst", r"OK: abcdefghijklmnop"),
    (b"ma\r", r"OK: ma[a-z]*"),
    (b"a\0b", r"OK: ab[a-z]*"),
    ("😀 zo\u00eb".encode(), r"OK: zo[a-z]*"),
    (b"\xff\xfek", r"OK: k[a-z]*"),
    (b"a\rb", r"OK: a[a-z]*, b[a-z]*"),
    (b"j" * 100_000, r"OK: j{16}"),
    (b"q", r"OK: q[a-z]*"),
]


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n"])
def test_protocol(folder: Path, end: bytes) -> None:
    got = replies(folder, b"\n".join(line for line, _ in PROTOCOL) + end)
    assert len(got) == len(PROTOCOL)
    for (line, wanted), reply in zip(PROTOCOL, got, strict=True):
        assert re.fullmatch(wanted, reply), (line[:40], reply)


def test_no_request_no_reply(folder: Path) -> None:
    assert replies(folder, b"") == []


def test_every_reply_comes_at_once(folder: Path) -> None:
    with subprocess.Popen(
        [sys.executable, str(folder / "bot.py")], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as run:
        assert run.stdin and run.stdout
        for _ in range(3):
            run.stdin.write(b"j\n")
            run.stdin.flush()
            assert run.stdout.readline().startswith(b"OK: j")
        run.stdin.close()
        assert run.wait(30) == 0


def test_own_tests_pass(folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "test_bot.py"],
        cwd=folder,
        env=environment(PYTHONWARNINGS="error"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "OK (skipped=3)" in done.stderr
    told = done.stderr.split("Skipped, 3 of 9:")[1]
    for name in ("REFUSED", "THROWN_AWAY", "ANSWERED"):
        assert f": your turn: fill in {name}\n" in told


@pytest.mark.parametrize("hooks", [True, False])
def test_a_bot_that_is_no_kits_runs_under_its_tests(own: Path, hooks: bool) -> None:
    """The class that this began with: its bots load the model where they stand, and run at once."""
    (own / "bot.py").write_text(own_template(hooks), encoding="utf-8")
    done = own_tests_of(own)
    assert done.returncode == 0, done.stderr
    assert f"OK (skipped={3 if hooks else 4})" in done.stderr
    assert ("bot.py has no function is_safe_name" in done.stderr) is not hooks


def test_a_forgotten_print_is_said_by_the_kits_tests(own: Path) -> None:
    source = (own / "bot.py").read_text(encoding="utf-8")
    (own / "bot.py").write_text(
        source.replace("    return None\n", "    print(prefixes)\n    return None\n", 1),
        encoding="utf-8",
    )
    done = own_tests_of(own)
    assert done.returncode == 1
    assert "one line for each request, and nothing else printed" in done.stderr


def test_a_bot_that_is_no_python_is_said_to_be_none(own: Path) -> None:
    (own / "bot.py").write_text("def f(:\n", encoding="utf-8")
    done = own_tests_of(own)
    assert done.returncode == 1
    assert "bot.py can't be imported: SyntaxError" in done.stderr


def own_tests_of(folder: Path) -> subprocess.CompletedProcess[str]:
    """What the kit's own tests say of the bot in its folder."""
    return subprocess.run(
        [sys.executable, "test_bot.py"],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("seed", [0, 7, 42])
@pytest.mark.parametrize("prefix", ["", "ma", "appl"])
def test_names_are_those_of_our_sampler(
    bot: ModuleType, shipped: tuple[Engine, Tokenizer], seed: int, prefix: str
) -> None:
    random.seed(seed)
    model = bot.load_model()
    mine = [bot.write_name(model, prefix) for _ in range(40)]
    settings = Settings(temperature=0.7)
    assert mine == sample(*shipped, random.Random(seed), 40, prefix=prefix, settings=settings)
    assert len(set(mine)) > 1


def test_hooks_are_asked_as_the_page_says(bot: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    model = bot.load_model()
    asked: list[list[str]] = []
    monkeypatch.setattr(bot, "is_safe_request", lambda p: asked.append(p))
    assert bot.answer(model, "A! b").startswith("OK: a")
    assert bot.answer(model, "").startswith("OK: ")
    assert bot.answer(model, "?!") == "REFUSE: input had no usable letters (a-z)."
    assert asked == [["a", "b"], [""]]
    monkeypatch.setattr(bot, "is_safe_request", lambda p: "no,\nnever.")
    assert bot.answer(model, "j") == "REFUSE: no, never."
    monkeypatch.setattr(bot, "is_safe_request", lambda p: None)
    judged: list[str] = []
    monkeypatch.setattr(bot, "is_safe_name", lambda name: bool(judged.append(name)))
    assert bot.answer(model, "j k").startswith("REFUSE: ")
    assert len(judged) == 10 and all(name.startswith("j") for name in judged)


def test_missing_model_is_said(tmp_path: Path) -> None:
    (tmp_path / "bot.py").write_bytes((ROOT / "data/kit/bot.py").read_bytes())
    done = subprocess.run(
        [sys.executable, str(tmp_path / "bot.py")], input=b"j\n", capture_output=True, check=False
    )
    assert done.returncode == 1
    assert b"model.json" in done.stderr and b"Traceback" not in done.stderr


@pytest.mark.parametrize("name", ["kit/bot.py", "kit/test_bot.py", "teacher/solution.py"])
def test_programs_need_the_standard_library_alone(name: str) -> None:
    tree = ast.parse((ROOT / "data" / name).read_text(), feature_version=(3, 9))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            assert {alias.name for alias in node.names} <= {*sys.stdlib_module_names, "bot"}
        elif isinstance(node, ast.ImportFrom):
            assert node.module in sys.stdlib_module_names


# ---------------------------------------------------------------- the pages


def test_kit_page_says_what_is_so(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = (folder / "README.md").read_text()
    points = [float(n) for n in re.findall(r"^\| [^|]+ \| (\d+) \| [^|]+\|$", page, re.M)]
    assert points == list(PARTS.values())
    named = next(line for line in page.splitlines() if line.startswith("> ")).removeprefix("> ")
    assert tuple(named.split(", ")) == variant("ada", KEY).words_named
    assert "`ada`" in page
    for name in ("bot.py", "model.json", "test_bot.py", "policy.md"):
        assert f"| `{name}` |" in page and (folder / name).exists()
    code = re.search(r"```python\n(.*?)```", page, re.S)
    assert code
    program = code[1].replace("range(1000)", "range(20)")
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=folder, capture_output=True, text=True, check=True
    )
    assert re.search(r"^\d+ of 1000 hold a fruit$", done.stdout, re.M)


def test_both_pages_say_what_the_grader_holds_a_bot_to() -> None:
    solution = program(ROOT / "data/teacher/solution.py")
    names = load_data("names").docs

    def refused(prefix: str) -> bool:
        return solution.is_safe_request([prefix]) is not None

    full = sum(map(refused, names)) / len(names)
    some = sum(any(refused(name[:n]) for n in range(1, len(name) + 1)) for name in names)
    shares = f"{full:.1%} and {some / len(names):.1%}".replace("%", " %")
    least = re.search(
        r'requires-python = ">=([\d.]+)"', (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    )
    assert least
    for page in ("kit", "teacher"):
        text = " ".join((ROOT / f"data/{page}/README.md").read_text(encoding="utf-8").split())
        assert f"{LIMITS.cpu_s:g} seconds" in text and f"{cases.NAMES:,}" in text
        assert f"{len(names):,} names" in text and "eyond 1 %" in text
        assert f"{least[1]} or later" in text and "microgpt grade bot.py" in text
        assert shares in text


def test_teachers_page_names_commands_that_work(tmp_path: Path) -> None:
    page = (ROOT / "data/teacher/README.md").read_text()
    for command in re.findall(r"^microgpt (assignment .*?)(?: +#.*)?$", page, re.M):
        words = command.split()
        assert words[1] in ("key", "new", "teacher", "workflow")
    assert "microgpt grade" in page
    for answer, text in (("alim", "18 %"), ("olim", "19 %"), ("slemo", "72 %"), ("li", "0.1 %")):
        found = answers.answers([answer])[0]
        assert f"`{answer}` {text}" in page or answer == "li"
        assert abs(100 * found.leak - float(text.split()[0])) < 0.5

"""Ctrl-C at any moment: it ends the command, is never lost, and shows no traceback."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cli_runner import COMMAND, environment, posix, started
from microgpt import interrupts
from microgpt.data import bundled
from patience import PATIENCE

if TYPE_CHECKING:
    from terminal_runner import Terminal

pytestmark = posix

# Put on the path, this sends Ctrl-C's signal as soon as a module of some name is looked for.
AT_IMPORT = """
import os, signal, sys
class Pressing:
    def find_spec(name, path=None, target=None):
        if name == os.environ["PRESS_AT"] and Pressing in sys.meta_path:
            sys.meta_path.remove(Pressing)
            for _ in range(int(os.environ["PRESSES"])):
                os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Pressing)
"""


def pressed_at(module: str, folder: Path, *arguments: str, presses: int = 1) -> tuple[int, str]:
    """Run the command, pressing Ctrl-C as it looks for the module: exit code and complaints."""
    code, _, err = pressed(module, folder, *arguments, presses=presses)
    return code, err


def pressed(module: str, folder: Path, *arguments: str, presses: int = 1) -> tuple[int, str, str]:
    """The same with what it printed between them."""
    (folder / "sitecustomize.py").write_text(AT_IMPORT)
    path = os.pathsep.join((str(folder), environment()["PYTHONPATH"]))
    done = subprocess.run(
        [*COMMAND, *arguments],
        cwd=folder,
        input=b"j\n" * 3,
        capture_output=True,
        env=environment(PYTHONPATH=path, PRESS_AT=module, PRESSES=str(presses)),
        timeout=PATIENCE,
        check=False,
    )
    return done.returncode, done.stdout.decode(), done.stderr.decode()


@pytest.mark.parametrize(
    ("module", "presses"), [("cyclopts", 1), ("numpy", 2), ("microgpt.cli.guard", 1)]
)
def test_while_modules_load(tmp_path: Path, module: str, presses: int) -> None:
    assert pressed_at(module, tmp_path, "chat", presses=presses) == (0, "")
    stopped = (130, "microgpt: Stopped.\n")
    assert pressed_at(module, tmp_path, "bot", presses=presses) == stopped


@pytest.mark.parametrize("module", ["microgpt.engines.native", "numpy.random"])
def test_while_it_begins_and_answers(tmp_path: Path, module: str) -> None:
    """These are loaded late: NumPy's random numbers with the first answer."""
    assert pressed_at(module, tmp_path, "chat") == (0, "")
    assert pressed_at(module, tmp_path, "bot") == (130, "microgpt: Stopped.\n")


@pytest.mark.parametrize("command", ["train", "sample", "guide", "ladder", "doctor", "speedrun"])
def test_other_commands(tmp_path: Path, command: str) -> None:
    module = f"microgpt.cli.{command}"
    assert pressed_at(module, tmp_path, command) == (130, "microgpt: Stopped.\n")
    assert list(tmp_path.glob("runs/*")) == []


MODEL = str(bundled("data/model.json"))


@pytest.mark.parametrize(
    ("module", "command"),
    [
        ("microgpt.engines.native", ["eval", MODEL, MODEL, "--json"]),
        ("microgpt.engines.native", ["sample", MODEL, "--json"]),
        ("microgpt.engines.native", ["inspect", MODEL, "--html", "page.html"]),
        ("microgpt.engines.native", ["doctor", "--json"]),
        ("microgpt.engines.native", ["import", MODEL, "--out", "r"]),
        ("microgpt.disk.modelfile", ["export", MODEL, "m.json"]),
        ("microgpt.cli.bench", ["bench"]),
        ("microgpt.assignment.grading.grader", ["grade", MODEL, "--json"]),
        ("microgpt.assignment.kit.files", ["assignment", "new", "kit"]),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_nothing_is_written_by_what_is_stopped(
    tmp_path: Path, module: str, command: list[str]
) -> None:
    code, out, err = pressed(module, tmp_path, *command)
    if "--json" in command:
        said = {"code": 130, "message": "Stopped.", "remedy": ""}
        assert (code, json.loads(out.splitlines()[-1]), err) == (130, {"error": said}, "")
    else:
        assert (code, err) == (130, "microgpt: Stopped.\n")
    assert [path.name for path in tmp_path.iterdir()] in (["sitecustomize.py"], [])


def test_a_rung_that_runs(tmp_path: Path) -> None:
    with started(
        "ladder", "5", cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as rung:
        assert rung.stdout is not None
        while b"step " not in rung.stdout.readline():
            assert rung.poll() is None
        rung.send_signal(signal.SIGINT)
        _, err = rung.communicate(timeout=PATIENCE)
    assert (rung.returncode, err) == (130, b"microgpt: Stopped.\n")


def test_samples_without_end(tmp_path: Path) -> None:
    """What was made before is whole, and the last line says that it was stopped."""
    command = ["sample", MODEL, "--count", "10000000", "--json"]
    with started(*command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as run:
        assert run.stdout is not None
        assert len(json.loads(run.stdout.readline())["samples"]) == 1000
        run.send_signal(signal.SIGINT)
        out, err = run.communicate(timeout=PATIENCE)
    *lines, last = map(json.loads, out.splitlines())
    assert (run.returncode, err, last["error"]["code"]) == (130, b"", 130)
    assert {len(line["samples"]) for line in lines} <= {1000}


# ---------------------------------------------------------------- at a terminal


def prompt(chat: "Terminal") -> None:
    chat.wait_for("> ")


def reading(chat: "Terminal") -> None:
    prompt(chat)
    chat.wait_for_a_reader()


def half_a_line(chat: "Terminal") -> None:
    reading(chat)
    chat.press(b"lem")
    chat.wait_for("> ", "lem")


def searching(chat: "Terminal") -> None:
    """In line editing's search through what was typed before."""
    from terminal_runner import LINE_EDITING

    half_a_line(chat)
    if LINE_EDITING:
        chat.press(b"\x12l")
        chat.wait_for("search)")


def answering(chat: "Terminal") -> None:
    """The line is sent; whatever the chat does from then on."""
    reading(chat)
    chat.press(b"lemon a b c\n")
    chat.wait_for("> ", "lemon")


def next_prompt(chat: "Terminal") -> None:
    reading(chat)
    chat.press(b"lemon\n")
    chat.wait_for("refused: This could", "> ")


@pytest.mark.parametrize(
    "keys", [b"\x03", pytest.param(b"\x03\x03", marks=pytest.mark.slow)], ids=["once", "twice"]
)
@pytest.mark.parametrize(
    "moment", [prompt, reading, half_a_line, searching, answering, next_prompt]
)
def test_chat(tmp_path: Path, moment: "Callable[[Terminal], None]", keys: bytes) -> None:
    from terminal_runner import at_terminal

    with at_terminal([*COMMAND, "chat"], tmp_path) as chat:
        assert chat.line_mode()
        moment(chat)
        chat.press(keys)
        code = chat.wait_for_the_end()
        assert chat.line_mode()
    assert code == 0
    assert chat.shown.endswith("\r\n")
    for word in ("Traceback", "KeyboardInterrupt", "Stopped"):
        assert word not in chat.shown


def test_bot(tmp_path: Path) -> None:
    from terminal_runner import at_terminal

    with at_terminal([*COMMAND, "bot"], tmp_path) as bot:
        bot.press(b"lemon\n")
        bot.wait_for("REFUSE: ")
        bot.press(b"\x03")
        assert bot.wait_for_the_end() == 130
    assert bot.shown.endswith("microgpt: Stopped.\r\n")


def test_bench_leaves_its_line(tmp_path: Path) -> None:
    """What it shows of its progress is wiped away before the last words."""
    from terminal_runner import at_terminal

    with at_terminal([*COMMAND, "bench"], tmp_path) as bench:
        bench.wait_for("\r\x1b[K", " ")
        bench.press(b"\x03")
        assert bench.wait_for_the_end() == 130
    assert bench.shown.endswith("\r\x1b[Kmicrogpt: Stopped.\r\n")


# ---------------------------------------------------------------- where Python forgets it

PRESSED_WHERE_IT_IS_LOST = """
import os, signal
from microgpt import interrupts
interrupts.never_lost()
def press(*_):
    os.kill(os.getpid(), signal.SIGINT)
    [None for _ in range(1000)]
class Callback:
    __del__ = press
try:
    {where}
    [None for _ in range(1000)]
except KeyboardInterrupt:
    print("answered")
interrupts.drop()
raise SystemExit(130)
"""


@pytest.mark.parametrize("where", ["Callback()", 'exec("press()")'])
def test_where_python_loses_it_or_remembers_it(where: str) -> None:
    """In ``__del__`` exceptions are forgotten; an ``exec`` would kill the process at its end."""
    done = subprocess.run(
        [sys.executable, "-c", PRESSED_WHERE_IT_IS_LOST.format(where=where)],
        env=environment(),
        capture_output=True,
        timeout=PATIENCE,
        check=False,
    )
    assert (done.returncode, done.stdout.split(), done.stderr) == (130, [b"answered"], b"")


# ---------------------------------------------------------------- in this process


def test_what_was_held_is_raised_once_and_only_once() -> None:
    before = signal.getsignal(signal.SIGINT)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        interrupts.release()  # nothing was held
        with interrupts.held():
            pass
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        with interrupts.held():
            os.kill(os.getpid(), signal.SIGINT)
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)

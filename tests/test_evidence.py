"""What a submission writes where the runner writes is held against it, and against nobody else."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from bot_sources import SOLUTION, TEMPLATE, at_import
from class_bank import class_key as class_key
from hostile_class import graded, handed_in, rows
from microgpt.assignment.box.sandbox import Sandbox
from microgpt.assignment.box.session import _report_in, _Said
from microgpt.errors import MissingError

# ---------------------------------------------------------------- the lines of evidence


@pytest.mark.parametrize(
    ("data", "locked", "refused", "words", "tampered"),
    [
        (b"locked\n", True, "", {}, False),
        (b"locked\nnetwork socket.connect\n", True, "", {"network": "socket.connect"}, False),
        (b"locked\nnetwork a\nnetwork b\n", True, "", {"network": "a"}, False),
        (b"lock-failed no user\n", False, "no user", {}, False),
        (b"lock-failed \xff\xfe\n", False, "\ufffd\ufffd", {}, False),
        (b"", False, "", {}, False),
        (b"network x\n", False, "", {}, False),
        (b"locked\nlock-failed no user\n", True, "", {}, True),
        (b"locked\nlocked\n", True, "", {}, True),
        (b"locked\nlemon\n", True, "", {}, True),
        (b"locked\n\n", True, "", {}, True),
        (b"locked\nnetwork", True, "", {}, True),
        (b"locked\n\xff\xfe\n", True, "", {}, True),
        (b"locked\nread-outside a\xe2\x80\xa8lock-failed b\r\x0bc\n", True, "",
         {"read-outside": "a\u2028lock-failed b\r\x0bc"}, False),
    ],
)  # fmt: skip
def test_only_the_first_line_is_the_runners(
    data: bytes, locked: bool, refused: str, words: dict[str, str], tampered: bool
) -> None:
    assert _Said.of(data) == _Said(locked, refused, words, tampered)


END = {"end": True, "code": 0, "reason": None, "cpu": 0.5, "memory": 9, "processes": 1, "left": 0}


def report(*lines: object) -> bytes:
    texts = (line if isinstance(line, str) else json.dumps(line) for line in lines)
    return "".join(f"{text}\n" for text in texts).encode()


def test_the_keepers_report() -> None:
    assert _report_in(report({"pid": 7}, END)) == END
    killed = {**END, "code": None, "reason": "wall"}
    assert _report_in(report({"pid": 7}, killed)) == killed


@pytest.mark.parametrize(
    "data",
    [
        b"",
        report({"pid": 7}),
        report({"pid": 7}, END, END),
        report(END, {"pid": 7}),
        report({"pid": 7}, END)[:-1],
        report({"pid": 7}, [END]),
        report({"pid": 7}, {**END, "cpu": "9"}),
        report({"pid": 7}, {**END, "cpu": float("nan")}),
        report({"pid": 7}, {**END, "cpu": -1}),
        report({"pid": 7}, {**END, "left": None}),
        report({"pid": 7}, "[" * 100_000),
        report({"pid": 7}, "9" * 5000),
        b"\xff\n\xfe\n",
    ],
)
def test_another_report_is_none(data: bytes) -> None:
    assert _report_in(data) is None


@pytest.mark.skipif(sys.platform != "linux", reason="the isolation of Linux is tested")
def test_what_was_not_locked_up_is_no_verdict() -> None:
    """Where the runner never said that it had locked a submission up, nothing is known of it."""
    with Sandbox() as sandbox:
        sandbox.layers |= {"bubblewrap"}
        sandbox._site = replace(sandbox._site, bubblewrap="/bin/false")
        sandbox.place({"bot.py": b"print(1)"})
        with pytest.raises(MissingError, match="locked up: it ended before that") as caught:
            sandbox.run([], 1)
        assert str(sandbox._site.base) not in str(caught.value)
        with pytest.raises(MissingError, match="locked up"):
            sandbox.hooks(1)


# ---------------------------------------------------------------- a class with forgers in it

_LOCK = 'os.write(5, b"lock-failed Operation not permitted\\n")'
_FOR_ALL = """
import os, sys
def everywhere(data):
    for place in [*range(10), "/proc/%d/fd/1" % os.getppid(), "/proc/%d/fd/0" % os.getppid()]:
        try:
            fd = place if isinstance(place, int) else os.open(place, os.O_WRONLY)
            os.write(fd, data)
        except OSError:
            pass
"""


def in_a_hook(code: str) -> str:
    """The solution with this code at the beginning of is_safe_name."""
    where = "def is_safe_name("
    head, name, tail = SOLUTION.partition(where)
    line, _, rest = tail.partition("\n")
    body = "".join(f"    {part}\n" for part in code.splitlines())
    return f"{head}import os, sys\n{name}{line}\n{body}{rest}"


def when_run(code: str) -> str:
    """The solution with this code in it where it is run as a program."""
    body = "".join(f"    {part}\n" for part in code.splitlines())
    return at_import(f"import os, sys\nif __name__ == '__main__':\n{body}", SOLUTION)


_CAUGHT = "try:\n    {}\nexcept OSError:\n    pass"
_FORK = "if os.fork() == 0:\n        time.sleep(10**5)"
_KILL = "[os.kill(pid, 9) for pid in (os.getppid(), 1)]"
_WROTE = "It closed or wrote to the channel"
_ANSWERED = "It wrote answers to questions"


def at_start(code: str) -> str:
    return at_import(f"import os, time\n{code}", SOLUTION)


# Kind → bots, each with words that its problems must hold.
FORGERS = {
    "the runner's words": {
        "at-import": (at_start(_LOCK), _WROTE),
        "in-a-hook": (in_a_hook(_LOCK), _WROTE),
        "when-run": (when_run(_LOCK), _WROTE),
        "locked-again": (at_start('os.write(5, b"locked\\nlock-failed x\\n")'), _WROTE),
        "by-its-name": (at_start('open("/dev/fd/5", "wb", 0).write(b"lock-failed x\\n")'), "It "),
    },
    "the channel itself": {
        "closes-it": (at_start("os.close(5)\n" + _CAUGHT.format("open('/etc/passwd')")), _WROTE),
        "floods-it": (at_start("while True: os.write(5, b'x' * 4000 + b'\\n')"), _WROTE),
        "no-text": (in_a_hook("os.write(5, bytes(range(256)))"), _WROTE),
        "half-a-line": (at_start("os.write(5, b'network')"), _WROTE),
    },
    "exit codes": {
        "code-97": (when_run("sys.exit(97)"), _WROTE),
        "code-98": (when_run("os._exit(98)"), "It ended before"),
        "code-137": (in_a_hook("os._exit(137)"), "It "),
    },
    "the keeper": {
        "kills-it": (in_a_hook(_CAUGHT.format(_KILL)), "It tried to send signals"),
        "fake-end": (at_start(f"{_FOR_ALL}everywhere({report(END)!r})"), "It "),
        "leaves-one": (at_start(_CAUGHT.format(_FORK)), "It started other processes"),
    },
    "answers": {
        "numbers": (in_a_hook("os.write(4, b'{\"id\": NaN, \"value\": 9' + b'9' * 9999 + b'}\\n')"),
                    _ANSWERED),
        "nested": (in_a_hook("os.write(4, b'[' * 200000 + b'\\n')"), "It wrote "),
        "twice": (in_a_hook("os.write(4, b'{\"id\": 1, \"id\": 2}\\n')"), _ANSWERED),
    },
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the isolation of Linux is tested")
def test_forgers_spoil_their_own_rows_alone(tmp_path: Path, class_key: Path) -> None:
    """All kinds in one class, at two at a time, around a student who has done nothing."""
    bots = {name: bot for kind in FORGERS.values() for name, (bot, _) in kind.items()}
    alone = handed_in(tmp_path / "alone", {"honest": SOLUTION, "simple": TEMPLATE})
    together = handed_in(tmp_path / "class", {**bots, "honest": SOLUTION, "simple": TEMPLATE})
    graded(alone, tmp_path / "one", "--key", class_key)
    done, results = graded(together, tmp_path / "all", "--key", class_key, "--jobs", 2)
    assert len(results) == len(bots) + 2
    for student in ("honest", "simple"):
        assert rows(tmp_path / "all")[student] == rows(tmp_path / "one")[student]
        page = f"feedback/{student}.html"
        assert (tmp_path / "all" / page).read_bytes() == (tmp_path / "one" / page).read_bytes()
    assert results["honest"]["score"] == 100
    wrong = []
    for kind, some in FORGERS.items():
        assert len(some) >= 3, kind
        for name, (_, problem) in some.items():
            if problem not in " ".join(results[name]["problems"]):
                wrong.append(f"{name}: {problem!r} isn't in {results[name]['problems']}")
    assert not wrong, "\n".join(wrong)
    assert "couldn't be" not in done.err

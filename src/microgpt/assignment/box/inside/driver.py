"""Runs inside the submission's process: loads ``bot.py`` and relays. It judges nothing.

Standard library only, and nothing of this package. The process was made and locked up by
``keeper``; descriptors: 0-2 the student's own, 3 what is asked, 4 what is answered, 5 evidence.
The first line on 3 is the configuration.

The student's code runs in this very process and can forge everything that leaves it. So what is
written here is *evidence*, never protection: forged answers and facts hurt only the submission
they are about.
"""

# Importing pathlib and typing would cost each start of a submission some milliseconds.
# ruff: noqa: PTH100, PTH118, PTH120, PTH123
from __future__ import annotations

import _sitebuiltins
import builtins
import json
import os
import random
import signal
import sys
import types

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

ASK, ANSWER, EVIDENCE = 3, 4, 5
NAMES = ("is_safe_request", "is_safe_name", "BLOCKED_PREFIX_PATTERNS", "BLOCKED_OUTPUT_PATTERNS")
TEXT = 500  # longest text that is relayed, in characters
FLUSH = 32  # answers are written this many at a time: so many are lost where a call ends it all
LOCK_FAILED = 98
RENEWED = 75  # how a process ends that makes room for another
_WATCHED = ("builtins", "random", "json", "math", "sys", "os", "time", "re", "string", "io")

# Words of the audit hook: prefix of the event's name → word of evidence.
_WORDS = {
    "socket.": "network",
    "urllib.": "network",
    "http.": "network",
    "subprocess.": "processes",
    "os.fork": "processes",
    "os.posix_spawn": "processes",
    "os.spawn": "processes",
    "os.system": "processes",
    "os.exec": "processes",
    "os.kill": "signal",
    "signal.pthread_kill": "signal",
    "ctypes.": "native",
    "os.remove": "write-outside",
    "os.rename": "write-outside",
    "os.rmdir": "write-outside",
    "os.mkdir": "write-outside",
    "os.link": "write-outside",
    "os.symlink": "write-outside",
    "os.truncate": "write-outside",
    "os.chmod": "write-outside",
    "os.chown": "write-outside",
    "os.utime": "write-outside",
    "os.listdir": "listing",
    "os.scandir": "listing",
}
_FREE_TO_READ = ("/dev/", "/etc/localtime", "/usr/share/zoneinfo")


class _Evidence:
    """One line for each new word on descriptor 5: ``word`` or ``word detail``.

    The first, ``locked`` or ``lock-failed``, is written before the student's code can write there,
    and only as the first is it believed.
    """

    def __init__(self) -> None:
        self._seen: set[str] = set()
        self._write = os.write
        self._leave = os._exit

    def __call__(self, word: str, detail: str = "") -> None:
        if word in self._seen:
            return
        self._seen.add(word)
        line = f"{word} {detail[:200]}".strip().replace("\n", " ") + "\n"
        try:
            self._write(EVIDENCE, line.encode("utf-8", "backslashreplace"))
        except OSError:
            self._leave(97)  # somebody closed it


def _watch(note: _Evidence, work: str) -> None:
    """Note what the student's code tries, through Python's audit events."""
    inside = tuple(os.path.join(path, "") for path in {work, *sys.path} if path)
    inside += (os.path.join(os.path.dirname(os.path.abspath(__file__)), ""),)
    fspath, abspath = os.fspath, os.path.abspath
    writing = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
    words = tuple(_WORDS.items())

    def outside(path: Any) -> str | None:
        if isinstance(path, int) or path is None:
            return None if path is not None else "."
        text = fspath(path)
        if isinstance(text, bytes):
            text = text.decode("utf-8", "replace")
        full = abspath(os.path.join(work, text))
        if (full + "/").startswith(inside) or full.startswith(_FREE_TO_READ):
            return None
        return full

    def hook(event: str, args: tuple[Any, ...]) -> None:
        if event == "open":
            path, _, flags = (*args, 0, 0, 0)[:3]
            if isinstance(path, int):
                return
            if isinstance(flags, int) and flags & writing:
                if str(path) != "/dev/null":
                    note("write-outside", str(path))
            elif (where := outside(path)) is not None:
                note("read-outside", where)
            return
        for begin, word in words:
            if event.startswith(begin):
                if word == "listing":
                    if args and (where := outside(args[0])) is not None:
                        note("read-outside", where)
                else:
                    note(word, event)
                return

    sys.addaudithook(hook)


class _Patches:
    """Which functions of the standard library the student's code has replaced."""

    def __init__(self) -> None:
        self._before = {name: self._names(name) for name in _WATCHED if name in sys.modules}
        self._modules = {name: sys.modules[name] for name in self._before}

    @staticmethod
    def _names(module: str) -> dict[str, int]:
        values = vars(sys.modules[module]).items()
        return {
            name: id(value)
            for name, value in values
            if not name.startswith("_")
            and (callable(value) or name in ("stdin", "stdout", "stderr", "modules"))
            and name not in ("last_type", "last_value", "last_traceback", "displayhook")
        }

    def found(self) -> list[str]:
        changed = []
        for module, before in self._before.items():
            if sys.modules.get(module) is not self._modules[module]:
                changed.append(module)
                continue
            now = self._names(module)
            names = {name for name in before if now.get(name) != before[name]}
            if module == "builtins":  # new builtins reach into other modules as well
                names |= {name for name in now if name not in before}
            changed += [f"{module}.{name}" for name in sorted(names)]
        return changed[:50]


def _compiled(work: str) -> tuple[types.CodeType, str]:
    path = os.path.join(work, "bot.py")
    with open(path, "rb") as file:
        source = file.read()
    return compile(source, path, "exec", dont_inherit=True), path


def _module(name: str, path: str) -> types.ModuleType:
    module = types.ModuleType(name)
    module.__file__ = path
    module.__dict__["__builtins__"] = builtins
    sys.modules[name] = module
    return module


def _show(error: BaseException) -> None:
    """The traceback as Python would print it, without the lines of this file."""
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename == __file__:
        trace = trace.tb_next
    sys.__excepthook__(type(error), error.with_traceback(trace), trace)


def _where(error: BaseException, work: str) -> str:
    """The line of bot.py that an error came from, as `` (line 12)``; empty where it isn't known."""
    path, line = os.path.join(work, "bot.py"), 0
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == path:
            line = trace.tb_lineno
        trace = trace.tb_next
    return f" (line {line})" if line else ""


def _run(work: str, seed: int, note: _Evidence) -> int:
    """``python bot.py`` with seeded random numbers."""
    seeded = random.seed
    leave = SystemExit
    try:
        code, path = _compiled(work)
        module = _module("__main__", path)
        seeded(seed)
        exec(code, module.__dict__)
    except leave:
        raise
    except BaseException as error:
        note("memory" if isinstance(error, MemoryError) else "crash", type(error).__name__)
        _show(error)
        return 1
    return 0


def _described(value: Any) -> dict[str, Any]:
    """What a policy of the student's looks like, in plain data."""
    fact: dict[str, Any] = {"type": type(value).__name__}
    if callable(value):
        fact["callable"] = True
    elif isinstance(value, list | tuple | set | frozenset | dict):
        items = [str(item)[:80] for item in list(value)[:200]]
        fact |= {"length": len(value), "items": items}
    return fact


def _scalar(name: str, value: Any) -> Any:
    """What is relayed of a hook's value: None, a bool, a number, or a text."""
    if name == "is_safe_name":
        return bool(value)
    if value is None or isinstance(value, bool):
        return value if name != "is_safe_request" or value is None else str(value)
    if name != "is_safe_request" and isinstance(value, int | float) and abs(value) < 2**53:
        return value
    return str(value)[:TEXT]


class _Lines:
    """Lines from descriptor 3, without a buffer object that the student's code could find."""

    def __init__(self) -> None:
        self._rest = b""
        self._lines: list[bytes] = []
        self._read = os.read

    def next(self) -> bytes | None:
        while not self._lines:
            data = self._read(ASK, 65_536)
            if not data:
                return None
            parts = (self._rest + data).split(b"\n")
            self._rest = parts.pop()
            self._lines = parts[::-1]
        return self._lines.pop()

    def forget(self) -> None:
        """Drop what was read: another process has a copy, and answers it."""
        self._rest, self._lines = b"", []


def _again(lines: _Lines) -> None:
    """Fork until a child, in which no student's code ran yet, isn't asked to make room.

    Returns in each child; the parent ends as the last of them. It holds no student's code
    and answers nothing but that it has made a new one.
    """
    while True:
        pid = os.fork()
        if pid == 0:
            return
        lines.forget()
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        if code == RENEWED:
            os.write(ANSWER, b'{"id": "renewed", "at": 0, "got": [true]}\n')
            continue
        if code < 0:
            signal.signal(-code, signal.SIG_DFL) if code != -signal.SIGKILL else None
            signal.raise_signal(-code)  # has no effect on the first process of a namespace
        os._exit(code if code >= 0 else 128 - code)


def _hooks(work: str, lines: _Lines, note: _Evidence) -> int:
    """Load ``bot.py`` under another name than ``__main__`` and answer calls until they end."""
    dumps, loads = json.JSONEncoder(ensure_ascii=True).encode, json.JSONDecoder().decode
    seeded, write, renewed = random.seed, os.write, os._exit
    leave, any_error, no_memory = SystemExit, BaseException, MemoryError
    patches = _Patches()
    problem = None
    module = _module("bot", os.path.join(work, "bot.py"))
    first = loads((lines.next() or b"{}").decode())
    try:
        code, _ = _compiled(work)
        seeded(first.get("seed", 0))
        exec(code, module.__dict__)
    except leave:
        pass
    except any_error as error:
        if isinstance(error, no_memory):
            note("memory", "MemoryError")
        problem = f"{type(error).__name__}: {error}"[:300] + _where(error, work)
        _show(error)

    def facts() -> dict[str, Any]:
        names = {name: _described(vars(module)[name]) for name in NAMES if name in vars(module)}
        return {"load_error": problem, "names": names, "patched": patches.found()}

    def one(call: list[Any]) -> Any:
        name, arguments, seed = call
        before = [list(a) if isinstance(a, list) else None for a in arguments]
        try:
            seeded(seed)
            result = module.__dict__[name](*arguments)
            got = [_scalar(name, result), type(result).__name__[:80], isinstance(result, str)]
        except any_error as error:
            if isinstance(error, no_memory):
                note("memory", "MemoryError")
            return {"error": f"{type(error).__name__}: {error}"[:300]}
        if any(old is not None and old != now for old, now in zip(before, arguments, strict=True)):
            got.append(True)
        return got

    def send(**answer: Any) -> None:
        data = memoryview((dumps(answer) + "\n").encode("ascii"))
        while data:
            data = data[write(ANSWER, data) :]

    send(id=first["id"], at=0, got=[facts()])
    while (line := lines.next()) is not None:
        ask = loads(line.decode())
        if "facts" in ask:
            send(id=ask["id"], at=0, got=[facts()])
            continue
        if "renew" in ask:
            renewed(RENEWED)
        calls = ask["calls"]
        for at in range(0, len(calls), FLUSH):
            send(id=ask["id"], at=at, got=[one(call) for call in calls[at : at + FLUSH]])
    return 0


def _lock(config: dict[str, Any]) -> None:
    """Give up what is left to give up, in the process that is to run the student's code."""
    layers = config["layers"]
    if "landlock" in layers or "seccomp" in layers:
        lockdown = config.get("lockdown") or __import__("lockdown")
        if "landlock" in layers:
            lockdown.close_files([*config["readable"], config["work"]], ["/dev/null"])
        if "seccomp" in layers:
            lockdown.filter_calls()


def main(lockdown: Any = None) -> int:
    """Read the configuration, lock up, run; returns the exit status."""
    lines = _Lines()
    config = json.loads((lines.next() or b"{}").decode())
    note = _Evidence()
    try:
        _lock({**config, "lockdown": lockdown})
    except OSError as error:
        note("lock-failed", error.strerror or type(error).__name__)
        return LOCK_FAILED
    note("locked")
    work = config["work"]
    sys.argv = ["bot.py"]
    sys.path[:] = [work, *[path for path in sys.path if path not in config["ours"]]]
    for name in ("driver", "keeper", "lockdown", "processes"):
        sys.modules.pop(name, None)
    for quitter in ("exit", "quit"):  # what the site module would have added
        setattr(builtins, quitter, _sitebuiltins.Quitter(quitter, "Ctrl-D"))
    if config["mode"] == "hooks":
        _again(lines)
    _watch(note, work)
    if config["mode"] == "run":
        return _run(work, config["seed"], note)
    return _hooks(work, lines, note)


if __name__ == "__main__":
    sys.exit(main())

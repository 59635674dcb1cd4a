"""A process that has imported microgpt once and forks for every command that it is asked for.

It is started by ``faulty.Commands`` with tests/fault_shim.c loaded before the C library. Each child
has a plan of its own and runs the command as ``python -m microgpt`` would, from its first line to
the interpreter's last. One JSON object a line comes in, one goes out.
"""

import contextlib
import ctypes
import gc
import importlib
import json
import os
import pickle
import pkgutil
import sys
import warnings

import microgpt
from microgpt.__main__ import main
from microgpt.assignment.grading import grader

# No command here computes with it, and to clear it away at its end would cost each child more than
# all else that it does.
LEFT_OUT = "torch"


def load() -> None:
    """Everything else there is, so that no child has to; what is optional may be missing."""
    sys.modules[LEFT_OUT] = None  # type: ignore[assignment]  # as if it weren't installed
    for module in pkgutil.walk_packages(microgpt.__path__, "microgpt."):
        if not module.name.endswith("__main__"):
            with contextlib.suppress(ImportError):
                importlib.import_module(module.name)


def warm(kept: str) -> None:
    """Let every child begin with what grading has computed for a key, and with one trial behind it.

    ``kept``: a file that holds ``grader._kept``.
    """
    with open(kept, "rb") as file:  # noqa: PTH123
        grader._kept.update(pickle.load(file))
    for _, _, key in list(grader._kept):
        grader.prepare(grader.Options(key=key))


def become(asked: dict[str, object]) -> None:
    """Turn this child into the command: folder, streams, arguments, plan."""
    os.chdir(str(asked["cwd"]))
    streams = [(0, os.devnull, os.O_RDONLY)]
    streams += [(1, asked["out"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)]
    streams += [(2, asked["err"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)]
    for number, path, flags in streams:
        fd = os.open(str(path), flags, 0o666)
        os.dup2(fd, number)
        os.close(fd)
    sys.argv = ["microgpt", *map(str, asked["arguments"])]  # type: ignore[call-overload]
    os.environ.update(asked["plan"])  # type: ignore[call-overload]
    ctypes.CDLL(None).fault_begin()
    os.environ["FAULT_ROOT"] = ""  # processes that the command starts have no plan
    main()


def serve() -> None:
    """Fork, wait, and answer with the exit code (negative: the signal) until the input ends."""
    warnings.simplefilter("ignore", DeprecationWarning)  # a fork beside threads of linear algebra
    answers = os.fdopen(os.dup(1), "w")
    asked = iter(sys.stdin.readline, "")
    print("ready", file=answers, flush=True)
    for line in asked:
        what = json.loads(line)
        if "kept" in what:
            warm(what["kept"])
            print("ready", file=answers, flush=True)
            continue
        child = os.fork()
        if child == 0:
            become(what)
            return
        _, status = os.waitpid(child, 0)
        done = {"code": os.waitstatus_to_exitcode(status)}
        print(json.dumps(done), file=answers, flush=True)


if __name__ == "__main__":
    load()
    gc.freeze()  # else a child copies what it only looks at
    serve()

"""The command ``microgpt``: flags in, screens and exit codes out, no arithmetic.

Each command lives in its own module, which is imported when the command is called, so that
``microgpt --help`` answers without loading NumPy.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import importlib
import json
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TextIO, get_args

from cyclopts import App, CycloptsError, Parameter, Token, convert

from microgpt import __version__, interrupts
from microgpt.errors import FileError, InputError, Interrupted, MicrogptError

_COMMANDS = {
    "train": ("train:train", "Train a model, or resume a run."),
    "sample": ("sample:sample", "Write new documents."),
    "eval": ("sample:evaluate", "Measure the loss on documents."),
    "inspect": ("inspect:inspect", "Look inside a run or a model."),
    "export": ("exchange:export", "Write a run's model to a file."),
    "import": ("exchange:import_", "Start a run from a model file."),
    "ladder": ("ladder:ladder", "List, run or copy the ten rungs."),
    "guide": ("guide:guide", "Serve the guide, or write out its site."),
    "doctor": ("doctor:doctor", "Report what is installed and which engines work."),
    "bot": ("guard:bot", "Answer requests, one per line, within a policy."),
    "chat": ("guard:chat", "Ask for names at a terminal, within a policy."),
    "assignment": (
        "assignment:assignment",
        "Make the assignment's kits, key and teacher's page.",
    ),
    "grade": ("grade:grade", "Grade the bots of a class."),
    "bench": ("bench:bench", "Time the engines against each other and the machine."),
    "speedrun": ("speedrun:speedrun", "Reach a fixed loss at the least cost."),
}

for _variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    # Matrix products here are small: extra threads only wait for each other. Must precede NumPy's
    # import.
    os.environ.setdefault(_variable, "1")


def _convert(kind: Any, tokens: Sequence[Token]) -> Any:
    """A flag's value from its text; whole numbers are checked (cyclopts would round 1.5)."""
    text, name = tokens[0].value, tokens[0].keyword or "RUNG"  # the only number without a flag
    kinds = (kind, *get_args(kind))
    if int in kinds and not re.fullmatch(r"[+-]?[0-9]{1,4000}", text):
        raise InputError(f"{name} is {text!r}, must be a whole number.")
    if float in kinds:
        try:
            return float(text)
        except ValueError:
            raise InputError(f"{name} is {text!r}, must be a number.") from None
    return convert(kind, [token.value for token in tokens])


app = App(
    name="microgpt",
    help="Train, sample and look inside a whole GPT that can be read in one sitting.",
    version=__version__,
    version_flags=["--version", "-V"],
    help_format="plaintext",
    suppress_keyboard_interrupt=False,  # run() has its own message for it
    default_parameter=Parameter(converter=_convert),
)
for _name, (_target, _about) in _COMMANDS.items():
    app.command(f"microgpt.cli.{_target}", name=_name, help=_about)
app.command(
    "microgpt.cli.completion:install",
    name="--install-completion",
    help="Let the shell complete commands and flags: bash, zsh or fish.",
)


def main() -> None:
    """Run the command in ``sys.argv``; exits with the documented code."""
    try:
        code = run(sys.argv[1:])
    except KeyboardInterrupt:  # a second one, while the first was being answered
        code = Interrupted.exit_code
    interrupts.drop()
    sys.exit(code)


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code; a user's mistake gets two lines, no traceback."""
    if arguments and arguments[0] == "help":  # help train = train --help
        arguments = [*arguments[1:], "--help"]
    as_json = "--json" in arguments
    if sys.stdout is None or sys.stderr is None:  # closed by the caller
        nowhere = Path(os.devnull).open("w")  # noqa: SIM115 - lives as long as the process
        sys.stdout, sys.stderr = sys.stdout or nowhere, sys.stderr or nowhere
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        _load(arguments)
        interrupts.release()
        app(
            _with_stdin(arguments),
            exit_on_error=False,
            print_error=False,
            result_action="return_none",
        )
        sys.stdout.flush()
    except MicrogptError as error:
        return fail(error, as_json)
    except CycloptsError as error:
        from microgpt.cli.usage import usage

        return fail(usage(error, arguments, _COMMANDS), as_json)
    except KeyboardInterrupt:
        if list(arguments[:1]) == ["chat"]:  # the way to leave it, at any moment
            if sys.stdin is not None and sys.stdin.isatty():
                print()
            return 0
        return fail(Interrupted("Stopped."), as_json)
    except OSError as error:
        if _nobody_reads(error):
            _stop_writing(sys.stdout)  # such a command makes nothing but its output
            return 0
        where = f"{error.filename}: " if error.filename else ""
        return fail(
            FileError(f"{where}{error.strerror or error}.", "Check the path and the disk."), as_json
        )
    except SystemExit as end:  # from a rung's own code, or the library that shows --help
        if isinstance(end.__context__, BrokenPipeError):
            return 0
        raise
    except MemoryError:
        return fail(
            InputError("This machine's memory is full.", "Make the model smaller."), as_json
        )
    except RuntimeError as error:
        if type(error).__name__ != "OutOfMemoryError":  # PyTorch's, which may not be installed
            raise
        full = "The GPU's memory is full."
        return fail(InputError(full, "Make the model smaller, or add --device cpu."), as_json)
    return 0


def _with_stdin(arguments: Sequence[str]) -> list[str]:
    """The arguments, with ``-`` written as the path ``./-`` where it means standard input.

    The library would take a bare hyphen for a flag.
    """
    reads = arguments[:1] and arguments[0] in ("train", "eval", "import")
    if reads and "--" in arguments:
        behind = arguments[list(arguments).index("--") + 1 :]
        for word in behind:
            if word.startswith("--") and not Path(word).exists():
                raise InputError(
                    f"After --, everything is a file name, even {word}.",
                    f"Put {word} before the --, or write ./{word} for a file of that name.",
                )
    return ["./-" if reads and a == "-" else a for a in arguments]


def _load(arguments: Sequence[str]) -> None:
    """Import the module of the command being called, if there is one."""
    if arguments and arguments[0] in _COMMANDS:
        module, _, _ = _COMMANDS[arguments[0]][0].partition(":")
        importlib.import_module(f"microgpt.cli.{module}")


def _nobody_reads(error: OSError) -> bool:
    """Whether a pipe has been closed at its other end, as ``| head`` does."""
    if sys.platform == "win32" and error.errno == errno.EINVAL and error.filename is None:
        return True  # how a pipe reports it there
    return isinstance(error, BrokenPipeError)


def _stop_writing(stream: TextIO) -> None:
    """Discard what the stream still holds.

    Otherwise Python would try to write it once more as it exits, fail again, and exit with 120.
    """
    with contextlib.suppress(OSError, ValueError):  # in a test, a stream may have no file
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _complain(*lines: str) -> None:
    """Lines on standard error; nothing if nobody reads them."""
    try:
        for line in lines:
            print(line, file=sys.stderr)
        sys.stderr.flush()
    except OSError:
        _stop_writing(sys.stderr)


def fail(error: MicrogptError, as_json: bool) -> int:
    """Say what went wrong, on standard error or as the last line of JSON; returns the exit code."""
    code = error.exit_code
    try:
        sys.stdout.flush()
        if as_json:
            said = {"code": code, "message": error.message, "remedy": error.remedy}
            show_json({"error": said})
            return code
    except OSError:  # the next best place is standard error
        _stop_writing(sys.stdout)
    _complain(f"microgpt: {visible(error.message, keep='')}")
    if error.remedy:
        _complain(f"  {visible(error.remedy, keep='')}")
    return code


def note(text: str) -> None:
    """One line on standard error about something the user should know."""
    _complain(f"note: {visible(text, keep='')}")


def show_json(line: dict[str, Any]) -> None:
    """One object on one line of standard output, at once and whole: Ctrl-C waits until after it."""
    with interrupts.held():
        print_json(line)


def print_json(line: dict[str, Any]) -> None:
    """The same for callers that catch Ctrl-C themselves and write many lines."""
    print(_encoder(sys.stdout.encoding or "utf-8").encode(line), flush=True)


@functools.cache
def _encoder(encoding: str) -> json.JSONEncoder:
    """What writes JSON for such an output; kept, since a run may print thousands of lines."""
    return json.JSONEncoder(ensure_ascii=not encoding.lower().startswith("utf"))


def visible(text: str, keep: str = "\n") -> str:
    """The text with control characters escaped, so that it can't move the cursor."""
    return "".join(c if c.isprintable() or c in keep else repr(c)[1:-1] for c in text)

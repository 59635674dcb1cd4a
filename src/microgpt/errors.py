"""What can go wrong, for whom, and with which exit code.

::

    MicrogptError
    ├── InputError        2  a value, flag, text or data file that can't be used
    │   └── TokenError    2  a character or token that the vocabulary doesn't have
    ├── FileError         3  a file or directory that can't be read or written
    │   └── CheckpointError  3  a run, checkpoint or model file that is damaged or of a newer format
    ├── NumbersError      4  a loss or weight that is no longer a finite number
    ├── MissingError      5  an engine or extra that isn't installed or can't do what was asked
    └── Interrupted     130  stopped by Ctrl-C or SIGTERM, with everything saved

Each carries a ``message`` (what was found and what the limit is) and a ``remedy`` (what to do),
so that the screen and ``--json`` say the same. These are for the user's mistakes and for the
world's; a mistake of ours is an ``assert`` or an ordinary exception, and shows its traceback.
"""

from __future__ import annotations


class MicrogptError(Exception):
    """The root of all errors that microgpt raises for what a user gave it.

    ``message``: what was found and what the limit is. ``remedy``: what to do about it, or empty.
    ``exit_code``: what the command ends with; a class has one, from 2 for input to 130 for
    Ctrl-C.

    Example:
        >>> import microgpt
        >>> try:
        ...     microgpt.make_config(n_head=3)
        ... except microgpt.MicrogptError as error:
        ...     print(error.message)
        ...     print(error.remedy)
        ...     print(error.exit_code)
        n_embd 16 is not divisible by n_head 3.
        n_head can be one of 1, 2, 4, 8, 16.
        2
    """

    exit_code = 2

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(f"{message} {remedy}".strip())
        self.message = message
        self.remedy = remedy


class InputError(MicrogptError):
    """A flag, a configuration value, a text or a data file that can't be used (exit code 2)."""


class TokenError(InputError):
    """A character or token outside the vocabulary (exit code 2)."""


class FileError(MicrogptError):
    """A file or directory that can't be read or written (exit code 3)."""

    exit_code = 3


class CheckpointError(FileError):
    """A run, checkpoint or model file that is damaged, or newer than this program (exit code 3)."""


class NumbersError(MicrogptError):
    """A loss, gradient or weight that is not finite any more (exit code 4)."""

    exit_code = 4


class MissingError(MicrogptError):
    """An engine or an optional extra that isn't there, or can't do this configuration (exit 5)."""

    exit_code = 5


class Interrupted(MicrogptError):
    """Stopped by Ctrl-C or SIGTERM after saving (exit code 130)."""

    exit_code = 130


def _demo() -> None:
    kinds: list[type[MicrogptError]] = [MicrogptError]
    for kind in kinds:
        kinds += kind.__subclasses__()
        print(f"{kind.exit_code:>3}  {kind.__name__:<16} {(kind.__doc__ or '').splitlines()[0]}")


if __name__ == "__main__":
    _demo()

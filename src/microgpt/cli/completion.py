"""``microgpt --install-completion``: the shell completes commands and flags at a tab."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from microgpt.calling import command, quoted
from microgpt.errors import InputError
from microgpt.files import file_error, write_atomic

SHELLS = ("bash", "zsh", "fish")


def install(
    shell: Annotated[str | None, Parameter(help="bash, zsh or fish. [that of $SHELL]")] = None,
    /,
) -> None:
    """Write the script with which a shell completes commands and flags of `microgpt` at a tab.

    It goes to the directory for such scripts; no file of the user's own is changed, and what is to
    be added to one is printed.
    """
    from microgpt.cli import app

    found = shell or Path(os.environ.get("SHELL", "")).stem
    if found not in SHELLS:
        what = f"The shell is {found!r}" if found else "Which shell it is for isn't known"
        raise InputError(
            f"{what}, must be one of {', '.join(SHELLS)}.",
            f"Name it: {command('--install-completion', 'bash')}",
        )
    path = script_path(found)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise file_error(error, path.parent, "write") from error
    write_atomic(path, app.generate_completion(prog_name="microgpt", shell=found).encode())  # type: ignore[arg-type]
    print(f"wrote {path}: it works in every new {found}")
    if found == "bash":
        print(
            "if it doesn't, bash-completion isn't installed; then this line belongs in ~/.bashrc:"
        )
        print(f"  {quoted('source', path)}")
    elif found == "zsh":
        print("once this stands in ~/.zshrc:")
        print(f"  fpath=({quoted(path.parent)} $fpath); autoload -Uz compinit; compinit")


def script_path(shell: str) -> Path:
    """Where the shell looks for its scripts, or in zsh where they are mostly put."""

    def place(variable: str, usual: str) -> Path:
        return Path(os.environ.get(variable) or Path.home() / usual)

    if shell == "bash":
        return place("XDG_DATA_HOME", ".local/share") / "bash-completion/completions/microgpt"
    if shell == "zsh":
        return Path.home() / ".zsh/completions/_microgpt"
    return place("XDG_CONFIG_HOME", ".config") / "fish/completions/microgpt.fish"

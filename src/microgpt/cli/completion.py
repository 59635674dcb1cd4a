"""``microgpt --install-completion``: the shell completes commands and flags when you press Tab."""

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
    shell: Annotated[str | None, Parameter(help="bash, zsh or fish. [the one in $SHELL]")] = None,
    /,
) -> None:
    """Write the script that lets a shell complete `microgpt`'s commands and flags at the Tab key.

    It goes into the directory for such scripts; none of your own files is changed, and if a line
    has to be added to one, it is printed.
    """
    from microgpt.cli import app

    found = shell or Path(os.environ.get("SHELL", "")).stem
    if found not in SHELLS:
        what = f"The shell is {found!r}, must be" if found else "The shell isn't known, must be"
        raise InputError(
            f"{what} one of {', '.join(SHELLS)}.",
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
        print("if it doesn't, bash-completion isn't installed; then add this line to ~/.bashrc:")
        print(f"  {quoted('source', path)}")
    elif found == "zsh":
        print("once this line is in ~/.zshrc:")
        print(f"  fpath=({quoted(path.parent)} $fpath); autoload -Uz compinit; compinit")


def script_path(shell: str) -> Path:
    """Where the shell looks for its scripts, or for zsh, where they are usually put."""

    def place(variable: str, usual: str) -> Path:
        return Path(os.environ.get(variable) or Path.home() / usual)

    if shell == "bash":
        return place("XDG_DATA_HOME", ".local/share") / "bash-completion/completions/microgpt"
    if shell == "zsh":
        return Path.home() / ".zsh/completions/_microgpt"
    return place("XDG_CONFIG_HOME", ".config") / "fish/completions/microgpt.fish"

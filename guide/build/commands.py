"""The command line as Markdown: each command with its arguments and flags, as its help has them."""

from pathlib import Path
from typing import Any, get_args

from docstrings import marked, package


def listed() -> dict[str, str]:
    """Every command with a few words on it, in the order of the help."""
    package()
    from microgpt.cli import app

    return {name: app[name].help for name in app if not name.startswith("-")}


def described() -> list[str]:
    """Every command with its arguments and flags."""
    package()
    from microgpt.cli import app

    return [line for name in listed() for line in command(app[name], f"microgpt {name}", "##")]


def command(app: Any, words: str, level: str) -> list[str]:
    """One command, and those within it one level deeper."""
    inner = [name for name in app if not name.startswith("-")]
    shown = app.assemble_argument_collection() if app.default_command else ()
    arguments = [one for one in shown if one.show and one.parse]
    places = [one for one in arguments if not one.names[0].startswith("-")]
    call = [words, *(place(one) for one in places)]
    if inner:
        call.append("COMMAND")
    elif len(arguments) > len(places):
        call.append("[FLAGS]")
    anchor = words.removeprefix("microgpt ").replace(" ", "-")
    lines = [f"{level} `{words}` {{#{anchor}}}", "", marked(" ".join(app.help.split())), ""]
    lines += ["```text", " ".join(call), "```", ""]
    for one in arguments:
        *others, last = one.names
        names = [*others, f"{last} {value_of(one)}".strip()]
        lines += [", ".join(f"`{name}`" for name in names), f":   {about(one)}", ""]
    for name in inner:
        lines += command(app[name], f"{words} {name}", f"{level}#")
    return lines


def place(one: Any) -> str:
    """An argument without a flag, as a line of usage shows it."""
    many = "..." if one.field_info.kind == one.field_info.VAR_POSITIONAL else ""
    return f"{one.names[0]}{many}" if one.required else f"[{one.names[0]}{many}]"


def value_of(one: Any) -> str:
    """What stands behind the flag, in the words of the help; nothing for a switch."""
    if not one.names[0].startswith("-"):
        return ""
    kinds = {one.hint, *get_args(one.hint)} - {type(None)}
    for kind, word in ((bool, ""), (int, "INT"), (float, "FLOAT"), (Path, "PATH")):
        if kind in kinds:
            return word
    return "STR"


def about(one: Any) -> str:
    """What the help says of an argument, with the value it has if it isn't given."""
    text, bracket, said = " ".join((one.parameter.help or "").split()).partition("[")
    default = said.removesuffix("]") if bracket else one.field_info.default
    parts = [marked(text.strip())]
    if one.required:
        parts.append("Must be given.")
    elif default is True and one.negatives:
        parts.append(f"Default: `{one.names[0]}`.")
    elif (bracket and said != "False]") or (
        one.show_default and not isinstance(default, bool) and default not in ("", None)
    ):
        parts.append(f"Default: {marked(str(default))}.")
    return " ".join(filter(None, parts)) or "\u2014"

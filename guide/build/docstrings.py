"""A name of the package as Markdown: its signature, its docstring, its example.

All of it is read from the source, so that the page says what the code says. A public name without
a docstring or without an example fails the build; the tests run the examples.
"""

import ast
import dataclasses
import importlib
import inspect
import re
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
EXAMPLE = "Example:"
EMPTY = {"list": "[]", "dict": "{}"}
WIDTH = 84  # columns up to which a signature stays on one line

Function = ast.FunctionDef | ast.AsyncFunctionDef


def package() -> Any:
    """The package of this checkout."""
    source = str(ROOT / "src")
    if source not in sys.path:
        sys.path.insert(0, source)
    return importlib.import_module("microgpt")


def public() -> list[str]:
    """Every name that the package exports, with the package before it."""
    return [f"microgpt.{name}" for name in package().__all__]


# ---------------------------------------------------------------- from the source


def found(name: str) -> Any:
    """The object that a dotted name means; ValueError if there is none."""
    package()
    module, _, last = name.rpartition(".")
    try:
        return getattr(importlib.import_module(module), last)
    except (ImportError, AttributeError, ValueError):
        raise ValueError(f"there is no {name}") from None


def definition(name: str) -> ast.stmt:
    """Where the name is defined, as a piece of syntax: a function, a class or an assignment."""
    thing = found(name)
    if inspect.isclass(thing) or inspect.isfunction(thing):
        return ast.parse(textwrap.dedent(inspect.getsource(thing))).body[0]
    module, _, last = name.rpartition(".")
    body = ast.parse(inspect.getsource(importlib.import_module(module))).body
    for node in body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == last:
            return node
    raise ValueError(f"{name} is no function, no class and no constant")


def docstring(name: str) -> str:
    """The name's docstring; for a constant the text below it. ValueError where it is missing."""
    node = definition(name)
    text = None
    if isinstance(node, ast.ClassDef | ast.FunctionDef):
        text = ast.get_docstring(node)
    else:
        module = importlib.import_module(name.rpartition(".")[0])
        body = ast.parse(inspect.getsource(module)).body
        after = body[[ast.dump(one) for one in body].index(ast.dump(node)) + 1]
        if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
            text = inspect.cleandoc(str(after.value.value))
    if not text:
        raise ValueError(f"{name} has no docstring")
    return text


def example(name: str) -> str:
    """The example at the end of a name's docstring, as typed at a prompt."""
    _, heading, text = docstring(name).partition(f"\n{EXAMPLE}\n")
    if not heading or ">>> " not in text:
        raise ValueError(f"the docstring of {name} has no example")
    return textwrap.dedent(text).strip()


def call(name: str, words: list[str], result: str = "") -> str:
    """A signature: on one line, or where that is too long a line a parameter."""
    line = f"{name}({', '.join(words)}){result}"
    if len(line) <= WIDTH:
        return line
    return "\n".join([f"{name}(", *(f"    {word}," for word in words), f"){result}"])


def parameters(arguments: ast.arguments) -> list[str]:
    """The parameters of a function, each as it is written, without ``self`` and ``cls``."""
    plain = [*arguments.posonlyargs, *arguments.args]
    defaults = [*[None] * (len(plain) - len(arguments.defaults)), *arguments.defaults]
    words = []
    for i, (one, default) in enumerate(zip(plain, defaults, strict=True), 1):
        if one.arg not in ("self", "cls"):
            words.append(parameter(one, default))
        if i == len(arguments.posonlyargs):
            words.append("/")
    if arguments.vararg:
        words.append(f"*{parameter(arguments.vararg, None)}")
    elif arguments.kwonlyargs:
        words.append("*")
    pairs = zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    words += [parameter(one, default) for one, default in pairs]
    return [*words, f"**{parameter(arguments.kwarg, None)}"] if arguments.kwarg else words


def parameter(one: ast.arg, default: ast.expr | None) -> str:
    kind = f": {written(one.annotation)}" if one.annotation else ""
    if default is None:
        return one.arg + kind
    return f"{one.arg}{kind}{' = ' if kind else '='}{written(default)}"


def written(node: ast.expr) -> str:
    """An expression as this code writes it, with double quotes."""
    return re.sub(r"""'([^'"\\]*)'""", r'"\1"', ast.unparse(node))


ABOUT = ("about", "_block", "_tune")
"""Functions of the configuration that make a field of its default and its description."""


def field_default(value: ast.expr | None) -> str:
    """What a dataclass's field has if it isn't given, behind ``=``; empty if it must be given."""
    if value is None:
        return ""
    called = ast.unparse(value.func) if isinstance(value, ast.Call) else ""
    if not isinstance(value, ast.Call) or not called.endswith(("field", *ABOUT)):
        return f" = {written(value)}"
    named = {word.arg: word.value for word in value.keywords}
    if "default_factory" in named:
        made = ast.unparse(named["default_factory"])
        return f" = {EMPTY.get(made, f'{made}()')}"
    default = named.get("default", value.args[0] if value.args else None)
    return f" = {written(default)}" if default is not None else ""


def fields(node: ast.ClassDef) -> list[str]:
    """The fields of a dataclass as its signature has them, those behind ``*`` at the end."""
    plain, behind = [], []
    for line in node.body:
        if isinstance(line, ast.AnnAssign):
            text = f"{ast.unparse(line.target)}: {written(line.annotation)}"
            text += field_default(line.value)
            by_name = line.value is not None and "kw_only=True" in ast.unparse(line.value)
            (behind if by_name else plain).append(text)
    return [*plain, *(["*", *behind] if behind else [])]


def dataclasses_of(thing: object) -> list[str]:
    """The dataclass and those that it takes fields from, which come first."""
    bases = reversed(getattr(thing, "__mro__", ()))
    return [f"{b.__module__}.{b.__qualname__}" for b in bases if dataclasses.is_dataclass(b)]


def methods(node: ast.ClassDef) -> Iterator[tuple[Function, str]]:
    """The public methods and properties of a class, each with its docstring."""
    for line in node.body:
        if isinstance(line, Function) and not line.name.startswith("_"):
            text = ast.get_docstring(line)
            if text:
                yield line, text


def signature(name: str) -> str:
    """How the name is called, or for a constant its name alone."""
    node, thing = definition(name), found(name)
    if isinstance(node, ast.ClassDef):
        words = [word for base in dataclasses_of(thing) for word in fields(definition(base))]
        if not dataclasses.is_dataclass(thing):
            inits = [m for m in node.body if isinstance(m, Function) and m.name == "__init__"]
            words = parameters(inits[0].args) if inits else []
        return constants(name, call(f"class {name}", words) if words else f"class {name}")
    if isinstance(node, Function):
        result = f" -> {written(node.returns)}" if node.returns else ""
        return constants(name, call(name, parameters(node.args), result))
    return name


def constants(name: str, text: str) -> str:
    """A signature with the values of its module's own constants, such as _SAMPLES."""
    module = sys.modules[found(name).__module__]
    return re.sub(r"\b_[A-Z_]+\b", lambda match: repr(getattr(module, match[0])), text)


def method_signature(owner: str, method: Function) -> str:
    result = f" -> {written(method.returns)}" if method.returns else ""
    name = f"{owner}.{method.name}"
    if any("property" in ast.unparse(d) for d in method.decorator_list):
        return f"{name}{result.replace(' -> ', ': ')}"
    return call(name, parameters(method.args), result)


# ---------------------------------------------------------------- as Markdown


def prose(text: str) -> list[str]:
    """A docstring as Markdown, without its example: `code`, and drawings as blocks of text."""
    text = f"\n{text}\n".partition(f"\n{EXAMPLE}\n")[0].strip()
    lines: list[str] = []
    drawing = False
    for block in text.split("\n\n"):
        if drawing and block.startswith("    "):
            lines += ["```text", *textwrap.dedent(block).split("\n"), "```", ""]
            continue
        drawing = block.endswith("::")
        whole = " ".join(block.split())
        lines += [marked(whole[:-1] if drawing else whole), ""]
    return lines


def marked(text: str) -> str:
    """One paragraph: signs that Markdown would take for its own are meant as they stand."""
    parts = re.split(r"(``.+?``)", text)
    return "".join(
        f"`{part[2:-2]}`" if part.startswith("``") else re.sub(r"([\\*_\[\]$|])", r"\\\1", part)
        for part in (part.replace("<", "&lt;") if part[:2] != "``" else part for part in parts)
    )


def entry(name: str) -> list[str]:
    """A name of the package: signature, docstring, fields or methods, and its example."""
    node, thing, short = definition(name), found(name), name.rpartition(".")[2]
    anchor = short.strip("_")  # two of them would be read as stress
    lines = [f"## `{short}` {{#{anchor}}}", "", "```python", *signature(name).split("\n")]
    lines += ["```", "", *prose(docstring(name))]
    lines += ["```pycon", *example(name).split("\n"), "```", ""]
    if dataclasses.is_dataclass(thing):
        for field in dataclasses.fields(thing):
            if field.metadata.get("about"):
                lines += [f"`{field.name}`", f":   {marked(field.metadata['about'])}", ""]
    if isinstance(node, ast.ClassDef):
        for method, text in methods(node):
            place = f"{short}.{method.name}"
            lines += [f"### `{place}` {{#{place}}}", "", "```python"]
            called = constants(name, method_signature(short, method))
            lines += [*called.split("\n"), "```", "", *prose(text)]
    return lines

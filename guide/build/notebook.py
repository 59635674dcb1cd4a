"""Makes files/microgpt.ipynb: ladder/train5.py as a notebook that needs nothing else.

    python guide/build/notebook.py [FILE]

The cells are the program's own sections, word for word, with a heading and a sentence or two
between them. Two things have to differ in a notebook: it has no file beside it, so the names are
inside (compressed, as text), and the training loop can be stopped early, by a setting in a cell of
its own. The result is the same for the same sources.
"""

import base64
import json
import sys
import textwrap
import zlib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
PROGRAM = ROOT / "ladder" / "train5.py"
NAMES = ROOT / "data" / "names.txt"

WHOLE = """# microgpt, a whole GPT in one notebook

This is `train5.py`, the last of six small programs that lead from counting letters to a GPT. It
reads first names, learns from 1,000 of them, and then writes 20 of its own. It needs Python
3.11 or newer and nothing else: no library, no file, no network. Run the cells from top to
bottom; training takes about two minutes. The first loss is 3.3660, and the first name that it
writes is *kamon*.
"""
SETTINGS = """## How far

With a smaller `stop_after` training ends after that many steps; the steps themselves stay the same.
"""
SETTINGS_CODE = """import base64
import gc
import math
import random
import zlib

stop_after = 1000
"""
DATA = """## The names

All 32,033 names are in the next cell, so that the notebook is self-contained. They are compressed:
`base64` turns the text below back into bytes, and `zlib` unpacks these to the list, one name per
line. Both come with Python. To train on your own list, write this in that cell instead:
`names = open("my-words.txt").read()`.
"""
READ_CODE = """# Read the documents, one per line.
docs = [line.strip() for line in names.splitlines() if line.strip()]
"""
# How a section of the program begins: the heading before it and what is said about it. One that
# begins with None is left out, since a cell above does its work.
SECTIONS: list[tuple[str, str | None, str]] = [
    ("# Which file", None, ""),
    ("# Read the documents", None, ""),
    (
        "# A fixed seed",
        "The same start",
        "Seed 42 shuffles the names and draws the initial weights.",
    ),
    ("# Tokens:", "Tokens", "27 of them: 26 letters, and BOS before and after each name."),
    (
        "# A number that remembers",
        "Autograd",
        "A `Value` knows what it was computed from, so it can find how the loss changes with it.",
    ),
    (
        "# The parameters",
        "Parameters",
        "Everything that the model can learn: 4,192 numbers, random at first.",
    ),
    ("# Add numbers", "What the model is made of", "Five small functions. First, adding up."),
    ("# Multiply two lists", "", ""),
    ("# A linear layer", "", ""),
    ("# Turn any numbers", "", ""),
    ("# Scale a list", "", ""),
    (
        "# The model:",
        "The model",
        "The whole GPT. One token at a time, with the keys and values of those before it.",
    ),
    ("# The loss:", "Loss", "Blind guessing among 27 tokens has 3.2958."),
    (
        "# Training:",
        "Training",
        "One line per step. Each loss is that of one name, so it jumps; look at where it drifts.",
    ),
    ("# Samples:", "Writing names", "Run this cell again for 20 more."),
]
CHANGES = [("for step in range(num_steps):", "for step in range(min(num_steps, stop_after)):")]


def sections(source: str) -> list[str]:
    """The program from "Which file" on, cut before each comment that follows an empty line."""
    _, found, body = source.partition("\n\n# Which file")
    if not found:
        raise ValueError(f"{PROGRAM.name} has no section that begins with '# Which file'")
    return ("# Which file" + body).rstrip("\n").replace("\n\n# ", "\0# ").split("\0")


def cells(source: str, names: str) -> list[tuple[str, str]]:
    """Kind and text of every cell."""
    for old, new in CHANGES:
        if source.count(old) != 1:
            raise ValueError(f"{PROGRAM.name} must have {old!r} once")
        source = source.replace(old, new)
    parts = sections(source)
    begins = [begin for begin, _, _ in SECTIONS]
    if len(parts) != len(begins) or not all(map(str.startswith, parts, begins)):
        firsts = "\n".join(part.partition("\n")[0] for part in parts)
        raise ValueError(f"{PROGRAM.name} has other sections than the notebook knows:\n{firsts}")
    packed = base64.b64encode(zlib.compress(names.encode(), 9)).decode()
    lines = "\n".join(textwrap.wrap(packed, 100))
    unpack = (
        f'packed = """\n{lines}\n"""\nnames = zlib.decompress(base64.b64decode(packed)).decode()\n'
    )
    made = [("markdown", WHOLE), ("markdown", SETTINGS), ("code", SETTINGS_CODE)]
    made += [("markdown", DATA), ("code", unpack), ("code", READ_CODE)]
    for part, (_, title, words) in zip(parts, SECTIONS, strict=True):
        if title is None:
            continue
        if title:
            made.append(("markdown", f"## {title}\n\n{words}\n"))
        made.append(("code", part + "\n"))
    return made


def notebook(source: str, names: str) -> dict[str, Any]:
    """The notebook as nbformat 4.5 has it."""
    made = []
    for i, (kind, text) in enumerate(cells(source, names)):
        cell: dict[str, Any] = {"cell_type": kind, "id": f"cell-{i:02d}", "metadata": {}}
        if kind == "code":
            cell |= {"execution_count": None, "outputs": []}
        cell["source"] = text.rstrip("\n").splitlines(keepends=True)
        made.append(cell)
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    return {"cells": made, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}


def text() -> str:
    """The notebook of this checkout as the text of a file."""
    made = notebook(PROGRAM.read_text(encoding="utf-8"), NAMES.read_text(encoding="utf-8"))
    return json.dumps(made, indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    Path(sys.argv[1] if sys.argv[1:] else "microgpt.ipynb").write_text(text(), encoding="utf-8")

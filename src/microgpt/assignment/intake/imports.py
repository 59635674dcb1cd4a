"""What a bot.py imports and can't have while it is graded: files beside it, and packages.

A bot is one file and the standard library. The grader places nothing else beside it, so that an
``import helper`` ends in an error there which a student never saw at home.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator

_OWN = frozenset(("bot", "__main__", "__future__"))
_CATCH = frozenset(("ImportError", "ModuleNotFoundError", "Exception", "BaseException"))


def outside(tree: ast.Module) -> list[str]:
    """The modules that are neither in the file nor in this Python's standard library, in order.

    An import whose failure the file itself catches isn't among them. Relative imports begin with
    their dots, for a single file has nothing that they could lead to.
    """
    found: dict[str, None] = {}
    for node in _unguarded(tree):
        if isinstance(node, ast.Import):
            names = [alias.name.partition(".")[0] for alias in node.names]
        elif node.level:
            names = ["." * node.level + (node.module or "")]
        else:
            names = [(node.module or "").partition(".")[0]]
        found.update(dict.fromkeys(n for n in names if n not in _OWN | sys.stdlib_module_names))
    return list(found)


def _unguarded(tree: ast.Module) -> Iterator[ast.Import | ast.ImportFrom]:
    """The import statements, without those in a ``try`` that goes on without the module."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node
        children: list[ast.AST] = list(ast.iter_child_nodes(node))
        if isinstance(node, ast.Try) and any(map(_catches, node.handlers)):
            children = [*node.handlers, *node.orelse, *node.finalbody]
        waiting += reversed(children)


def _catches(handler: ast.ExceptHandler) -> bool:
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(kind is None or (isinstance(kind, ast.Name) and kind.id in _CATCH) for kind in kinds)


def _demo() -> None:
    guarded = "try:\n import numpy\nexcept ImportError:\n 0"
    print(outside(ast.parse(f"import json\nimport helper\nfrom .words import W\n{guarded}")))


if __name__ == "__main__":
    _demo()

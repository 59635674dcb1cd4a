"""`@reference NAME` on a line of its own: what a name of the package, or the command, can do.

`@reference python` takes all names that `microgpt` exports, `@reference commands` all commands,
`@reference speedruns` the records of the speedrun, `@reference speedrun-levels` what was measured
of its unit. Any other NAME is one that lives in a module, such as `microgpt.sampling.Settings`.
"""

from markdown import Markdown
from markdown.extensions import Extension
from markdown.preprocessors import Preprocessor

import commands
import docstrings
import speedruns


def lines_of(name: str) -> list[str]:
    """The Markdown in the place of `@reference NAME`."""
    if name == "python":
        return [line for one in docstrings.public() for line in docstrings.entry(one)]
    if name in ("speedruns", "speedrun-levels"):
        return speedruns.tables() if name == "speedruns" else speedruns.levels()
    return commands.described() if name == "commands" else docstrings.entry(name)


class Entries(Preprocessor):
    def run(self, lines: list[str]) -> list[str]:
        out: list[str] = []
        for line in lines:
            out += lines_of(line.split()[1]) if line.startswith("@reference ") else [line]
        return out


class ReferenceExtension(Extension):
    def extendMarkdown(self, md: Markdown) -> None:
        md.preprocessors.register(Entries(md), "reference", 29)  # before code is highlighted


def makeExtension(**options: object) -> ReferenceExtension:
    return ReferenceExtension(**options)

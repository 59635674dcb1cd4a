"""TeX in pages becomes MathML when the site is built, so that no script draws formulas.

`$x_1$` stands in a line, `$$ ... $$` on lines of its own; `\\$` is a dollar sign. The TeX stays
beside the formula as its alternative text.
"""

import html
import re
from xml.etree.ElementTree import Element, SubElement

from latex2mathml.converter import convert
from markdown import Markdown
from markdown.blockprocessors import BlockProcessor
from markdown.extensions import Extension
from markdown.inlinepatterns import InlineProcessor

INLINE = r"(?<![\\$\w])\$(?![\s$])([^$\n]*[^$\s\\])\$(?![\w$])"
# A function's name, with its base if it has one, keeps a distance from what it is applied to.
SPACELESS = re.compile(
    r"((?<!<msub>)<mi>(?:exp|ln|log|max|min)</mi>"
    r"|<msub><mi>log</mi><m[in]>[^<]*</m[in]></msub>)(?=<m(?:i|n|sub|frac)[ >])"
)
BLOCK = re.compile(r"^\$\$\s*(.+?)\s*\$\$\s*$", re.DOTALL)


def mathml(tex: str, display: str) -> str:
    """A <math> element, with its TeX as alternative text."""
    made = convert(tex, display=display)
    made = SPACELESS.sub(r'\1<mspace width="0.17em"/>', made)
    if "\\" in re.sub(r"<[^>]*>", "", made):
        raise ValueError(f"this formula has a command that MathML doesn't know: {tex}")
    return made.replace("<math ", f'<math alttext="{html.escape(tex)}" ', 1)


class InlineFormula(InlineProcessor):
    def handleMatch(self, m: re.Match[str], data: str) -> tuple[str, int, int]:
        return self.md.htmlStash.store(mathml(m[1], "inline")), m.start(0), m.end(0)


class BlockFormula(BlockProcessor):
    def test(self, parent: Element, block: str) -> bool:
        return BLOCK.match(block) is not None

    def run(self, parent: Element, blocks: list[str]) -> None:
        found = BLOCK.match(blocks.pop(0))
        assert found is not None
        box = SubElement(parent, "div", {"class": "formula"})
        box.text = self.parser.md.htmlStash.store(mathml(found[1], "block"))


class FormulaExtension(Extension):
    def extendMarkdown(self, md: Markdown) -> None:
        md.inlinePatterns.register(InlineFormula(INLINE, md), "formula", 185)
        md.parser.blockprocessors.register(BlockFormula(md.parser), "formula", 95)


def makeExtension(**options: object) -> FormulaExtension:
    return FormulaExtension(**options)

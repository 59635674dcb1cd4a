"""The guide's fonts: which characters they must have, and which of them a page fetches early.

`scripts/make_fonts.py` makes guide/fonts from what stands here, `css/fonts.css` names the files.
"""

from __future__ import annotations

import html
import json
import re
from pathlib import Path

GUIDE = Path(__file__).resolve().parent.parent
ROOT = GUIDE.parent
FONTS = GUIDE / "fonts"
LIMIT = 120 * 1024  # bytes of all files together

ASCII = "".join(map(chr, range(0x20, 0x7F)))
ACCENTS = "".join(map(chr, {*range(0xA0, 0x100)} - {0xAD}))  # in the names that readers type
# What a page may use next: one more of these needs no new fonts.
SIGNS = "−×·±÷→←↑↓≤≥≈≠∑∏√∞∂…–—‘’“”•○●▲▼✓✗½¼¾′″αβγδεηθλμπστφΔΣΠΩ" + "⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺₀₁₂₃₄₅₆₇₈₉"
# What the system's fonts show: examples of other scripts, and the mark that stands for no letter.
LEFT = frozenset("жあ⎵\ufeff\ufffd")

GREEK = "αβγδεζηθκλμνπρστφχψωϵΔΣΠΩ"
RELATIONS = "−×·∑∏√∂∞≤≥≈≠±→←∈∣‖⟨⟩…⋯⊤′″―ℓ𝔼∇"
FORMULAS = ASCII + "\xa0" + GREEK + RELATIONS


def italic(letter: str) -> str:
    """The character that a browser shows for a letter alone in <mi>: mathematical italic."""
    if letter == "h":
        return "ℎ"
    if letter.isascii() and letter.isalpha():
        return chr(0x1D44E + ord(letter) - ord("a") if letter > "Z" else 0x1D3F3 + ord(letter))
    if "α" <= letter <= "ω":
        return chr(0x1D6FC + ord(letter) - ord("α"))
    return {"ϵ": "𝜖", "∂": "𝜕"}.get(letter, letter)


def sources() -> list[Path]:
    """Everything whose text a reader may see: pages, the theme, scripts, sheets, programs."""
    found = [
        path
        for pattern in ("pages/**/*.md", "theme/*", "css/*.css", "js/**/*.js", "widgets/*.js")
        for path in GUIDE.glob(pattern)
        if "test" not in path.parts
    ]
    found += [*(ROOT / "ladder").glob("*.py"), *(GUIDE / "build").glob("*.py")]
    found.remove(Path(__file__).resolve())
    return sorted(found)


def characters_of(text: str, suffix: str) -> set[str]:
    """The characters of a source, those written as escapes too."""
    escape = r"\\([0-9a-f]{4,6}) ?" if suffix == ".css" else r"\\u\{?([0-9a-fA-F]{4,6})\}?"
    found = [int(number, 16) for number in re.findall(escape, text)]
    if suffix in (".md", ".html"):
        text = html.unescape(text)
    return {*text, *(chr(n) for n in found if not 0xD800 <= n < 0xE000)} - {*map(chr, range(0x20))}


def used() -> set[str]:
    """All that pages and scripts may show, formulas aside."""
    found: set[str] = set()
    for path in sources():
        found |= characters_of(path.read_text(encoding="utf-8"), path.suffix)
    return found


def wanted() -> dict[str, set[str]]:
    """For each face the characters that it should have, as far as its font knows them."""
    shown = (used() - LEFT) | {*ASCII, *SIGNS}
    letters = [letter for letter in ASCII + GREEK if letter.isalpha()]
    return {
        "sans": shown | {*ACCENTS},
        "serif": shown,
        "serif-italic": shown,
        "mono": shown | {*ACCENTS},
        "maths": {*FORMULAS, *map(italic, letters)},
    }


def manifest() -> dict[str, dict[str, object]]:
    """By the face's name: its file, bytes, characters, and what it was made from."""
    found: dict[str, dict[str, object]] = json.loads(
        (FONTS / "fonts.manifest.json").read_text(encoding="utf-8")
    )["faces"]
    return found


def preloads(page: str, text: str, up: str) -> str:
    """Links that fetch a page's fonts beside its sheets: nothing moves when they come.

    Only those of the text on the start page, which is to be there at once.
    """
    signs = {"serif-italic": "<em>", "mono": "<code", "maths": "<math "}
    faces = ["sans", "serif"]
    if page != "index":
        faces += [face for face, sign in signs.items() if sign in text]
    link = '<link rel="preload" as="font" type="font/woff2" crossorigin href="{}fonts/{}.woff2">'
    return "\n".join(link.format(up, face) for face in faces)

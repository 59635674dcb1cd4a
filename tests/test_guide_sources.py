"""What the guide's sources must hold: commands, the policy for scripts, colours, sheets."""

import re
import shlex

import pytest

from cli_runner import ok
from guide_pages import GUIDE
from microgpt.cli.guide_files import POLICY

THEME = (GUIDE / "theme" / "main.html").read_text(encoding="utf-8")
TOKENS = (GUIDE / "css" / "tokens.css").read_text(encoding="utf-8")
LEGEND = (GUIDE / "css" / "controls.css").read_text(encoding="utf-8")


def test_the_start_page_shows_what_the_model_wrote() -> None:
    from microgpt import training
    from microgpt.config import make_config
    from microgpt.data import load_data

    *_, last = training.Trainer(make_config(), load_data("names")).events()
    text = (GUIDE / "pages" / "index.md").read_text(encoding="utf-8")
    assert " · ".join(sample["text"] for sample in last["samples"]) in text


def commands() -> list[str]:
    """Every call of microgpt that a page shows."""
    found = set()
    for path in (GUIDE / "pages").rglob("*.md"):
        found |= set(re.findall(r"`(microgpt [a-z][^`\n]*)`", path.read_text(encoding="utf-8")))
        blocks = re.findall(r"^```\w*\n(.*?)^```", path.read_text(encoding="utf-8"), re.M | re.S)
        for block in blocks:
            found |= {line for line in block.splitlines() if line.startswith("microgpt ")}
    return sorted(found)


@pytest.mark.parametrize("command", commands())
def test_commands_on_pages_are_commands(command: str) -> None:
    words = shlex.split(command, comments=True)[1:]
    told = ok(*words[: 2 if words[0] == "assignment" else 1], "--help").out
    for word in words[1:]:
        if word.startswith("--"):
            assert word.split("=")[0] in told, f"{word} of: {command}"


def test_the_policy_is_the_same_in_pages_and_headers() -> None:
    (meta,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', THEME)
    assert meta == POLICY
    assert "unsafe-inline" not in POLICY
    assert "'unsafe-eval'" not in POLICY


def colours(theme: int) -> dict[str, tuple[int, int, int]]:
    """The tokens that are colours, in light (0) or dark (1)."""
    pairs = re.findall(r"--([a-z0-9-]+): light-dark\(#(\w{6}), #(\w{6})\)", TOKENS)
    assert len(pairs) > 20
    return {
        name: tuple(int(pair[theme][i : i + 2], 16) for i in (0, 2, 4))  # type: ignore[misc]
        for name, *pair in pairs
    }


def contrast(a: tuple[int, int, int], b: tuple[int, int, int]) -> float:
    """Of two colours, by the rule of the accessibility guidelines (WCAG 2)."""

    def light(colour: tuple[int, int, int]) -> float:
        linear = [
            c / 255 / 12.92 if c / 255 <= 0.04045 else ((c / 255 + 0.055) / 1.055) ** 2.4
            for c in colour
        ]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted((light(a), light(b)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_every_colour_of_text_can_be_read(theme: int) -> None:
    known = colours(theme)
    text = ["ink", "soft", "link", "wrong", "right", *(n for n in known if n.startswith("t-"))]
    for ground in ("paper", "panel"):
        for name in text:
            assert contrast(known[name], known[ground]) >= 4.5, (name, ground)
        for name in ("strong-line", "focus"):
            assert contrast(known[name], known[ground]) >= 3, (name, ground)


def test_kinds_of_things_have_colours_of_their_own() -> None:
    for theme in (0, 1):
        kinds = {name: c for name, c in colours(theme).items() if name.startswith("t-")}
        assert len(kinds) == len(set(kinds.values())) == 17
        assert set(re.findall(r"--swatch: var\(--(t-[a-z0-9-]+)\)", LEGEND)) == set(kinds)


def test_no_sheet_reaches_out() -> None:
    for sheet in (GUIDE / "css").glob("*.css"):
        text = sheet.read_text(encoding="utf-8")
        assert "@import" not in text
        assert "://" not in text
        for named in re.findall(r"url\(['\"]?(?!data:)([^'\")]*)", text):
            assert re.fullmatch(r"\.\./fonts/[a-z-]+\.woff2", named) and sheet.name == "fonts.css"
            assert (sheet.parent / named).is_file()


def test_no_sheet_asks_what_an_element_has() -> None:
    """With ``:has()`` each change of a text makes the browser style a whole page anew."""
    sheets = sorted((GUIDE / "css").glob("*.css"))
    assert len(sheets) > 10
    assert [sheet.name for sheet in sheets if ":has(" in sheet.read_text(encoding="utf-8")] == []

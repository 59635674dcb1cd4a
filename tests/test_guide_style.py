"""JavaScript and CSS: how long lines and files may be, and that Biome has laid them out."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from patience import SLOW_PATIENCE

ROOT = Path(__file__).resolve().parent.parent
WIDTH = 100
LINES = 500
# Lines that one word makes too long, an address or a string that can't be broken. None is.
MOST_FORCED = 0
MADE = {"site", "site.new", "site.old", "vendor-local"}


def sources() -> Iterator[Path]:
    """Every script and style sheet of ours."""
    for folder in ("guide", "bench", "src"):
        for path in sorted((ROOT / folder).rglob("*")):
            ours = not MADE & set(path.relative_to(ROOT).parts)
            if ours and path.suffix in {".js", ".mjs", ".css"}:
                yield path


def is_forced(line: str) -> bool:
    """Whether the longest word alone, behind the line's indentation, is too much."""
    indent = len(line) - len(line.lstrip())
    return indent + max(map(len, line.split())) > WIDTH


def too_long(text: str) -> tuple[list[int], list[int]]:
    """Numbers of the lines that could be broken, and of those that can't."""
    lines = {n: line for n, line in enumerate(text.split("\n"), 1) if len(line) > WIDTH}
    forced = [n for n, line in lines.items() if is_forced(line)]
    return [n for n in lines if n not in forced], forced


def test_what_counts_as_too_long() -> None:
    address = f"  // https://example.org/{'x' * 90}"
    assert too_long("x" * 100 + "\n" + "x " * 60 + "\n" + address) == ([2], [3])


def test_lines_are_no_longer_than_those_of_the_python() -> None:
    breakable, forced = [], []
    for path in sources():
        found = too_long(path.read_text(encoding="utf-8"))
        for kept, numbers in zip((breakable, forced), found, strict=True):
            kept += [f"{path.relative_to(ROOT)}:{number}" for number in numbers]
    assert not breakable, "\n".join(breakable)
    assert len(forced) <= MOST_FORCED, "\n".join(forced)


def test_files_stay_small() -> None:
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in sources()}
    assert len(lengths) > 200
    large = [f"{path.relative_to(ROOT)}: {n}" for path, n in lengths.items() if n > LINES]
    assert not large, "\n".join(large)


@pytest.mark.slow
def test_biome_has_laid_out_and_checked_them(require_program: Callable[[str], str]) -> None:
    """`npm ci` fetches it; `npm run lint:fix` mends what can be mended without a thought."""
    biome = require_program(str(ROOT / "node_modules" / ".bin" / "biome"))
    done = subprocess.run(
        [biome, "check", "--error-on-warnings", "--colors=off"],
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
        timeout=SLOW_PATIENCE,
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-5000:]

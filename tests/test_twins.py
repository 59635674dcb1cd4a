"""scripts/twins.py on made-up files: what is near-equal, and what isn't."""

import json
import subprocess
import sys
from pathlib import Path

import twins

STEPS = [f"box.set{n}(side, {n});" for n in range(12)]


def script(*lines: str) -> list[tuple[int, str]]:
    return twins.of_javascript("\n".join(lines))


def lengths(one: list[str], two: list[str]) -> list[int]:
    return [n for n, _, _ in twins.pairs({"one.js": script(*one), "two.js": script(*two)})]


def test_other_names_numbers_texts_and_comments_make_no_difference() -> None:
    one = [*STEPS, 'const said = "ten";', "show(said, 3.5);"]
    two = ["// Another one.", *STEPS, "", "const told = 'eleven'; // here", "show(told, 7);"]
    assert lengths(one, two) == [14]
    ((_, first, second),) = twins.pairs({"one.js": script(*one), "two.js": script(*two)})
    assert (first, second) == (("one.js", 1, 14), ("two.js", 2, 16))


def test_other_calls_attributes_and_keys_do() -> None:
    assert lengths(STEPS, [line.replace("set", "get") for line in STEPS]) == []
    assert lengths(STEPS[:9], STEPS[:9]) == []  # nine lines are no block


def test_one_line_in_five_may_differ_but_not_three_in_a_row() -> None:
    assert lengths(STEPS, [*STEPS[:5], "other(1);", "other(2);", *STEPS[7:]]) == [12]
    assert lengths(STEPS, [*STEPS[:5], "a(1);", "a(2);", "a(3);", *STEPS[8:]]) == []
    without_thirds = [line if n % 3 else "other(1);" for n, line in enumerate(STEPS)]
    assert lengths(STEPS, without_thirds) == []


def test_a_block_is_counted_once() -> None:
    table = ["call(1);"] * 30  # like itself at every place
    assert [n for n, _, _ in twins.pairs({"one.js": script(*table)})] == [15]


def test_what_a_template_or_an_import_holds_is_no_code() -> None:
    source = (
        'import {\n  a,\n  b,\n} from "./x.js";\nsay(`a // b ${list.map((x) => `{${x}`)} */`, y);'
    )
    ((line, code),) = twins.of_javascript(source)
    assert (line, code) == (5, "say ( s _ . map ( ( _ ) = > s _ s ) s , _ ) ;")
    assert twins.of_javascript('const at = "//example.org"; /* no\ncode */ go();') == [
        (1, "const _ = s ;"),
        (2, "go ( ) ;"),
    ]


def test_python_without_docstrings_and_imports() -> None:
    source = '"""What."""\nimport os\n\ndef f(x):  # why\n    """Says."""\n    return os.sep + x\n'
    assert twins.of_python(source) == [(4, "def f ( _ ) :"), (6, "return _ . sep + _")]


def test_the_command_counts_at_its_end(tmp_path: Path) -> None:
    for name in ("one.js", "two.js"):
        (tmp_path / name).write_text("\n".join(STEPS), encoding="utf-8")
    command = [sys.executable, twins.__file__, str(tmp_path)]
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    assert len(out) == 2 and out[1].startswith("1 pairs of near-equal blocks of 10 lines or more")
    out = subprocess.run([*command, "--json"], capture_output=True, text=True, check=True).stdout
    found = json.loads(out)
    assert found["total"] == 1 and found["pairs"][str(tmp_path)][0]["lines"] == 12
    wrong = subprocess.run([*command, "--lines", "1"], capture_output=True, text=True)
    assert wrong.returncode == 1 and "--lines is 1, must be 2 or more" in wrong.stderr


def test_the_project_stays_below_half_of_what_it_had() -> None:
    """54 and 9 before widgets had one base and engines one way to be told how to sample."""
    found = {folder: len(twins.pairs(twins.read(twins.ROOT / folder))) for folder in twins.FOLDERS}
    assert found["guide/widgets"] <= 10
    assert found["src/microgpt/engines"] <= 4

"""Pairs that are alike: found through renaming and reordering, and never made of the template."""

import csv
import io
import random

import pytest

from bot_sources import SOLUTION, TEMPLATE
from microgpt.assignment import copies
from microgpt.assignment.copies import LEAST, alike, marks, of_class
from microgpt.assignment.intake.source import Source
from microgpt.assignment.intake.submissions import Found, find_submissions
from microgpt.data import load_data

BASE = TEMPLATE.encode()
WORDS = sorted({name[:5] for name in load_data("names").docs if len(name) > 5})

BODIES = (
    (
        "    for prefix in prefixes:\n        for bad in BLOCKED_PREFIX_PATTERNS:\n"
        "            if bad in prefix or prefix.endswith(bad[:3]):\n"
        "                return f'no: {bad}'\n    return None\n"
    ),
    (
        "    joined = ' '.join(sorted(prefixes))\n"
        "    hits = [w for w in BLOCKED_PREFIX_PATTERNS if joined.find(w) >= 0]\n"
        "    return 'this leads somewhere forbidden' if hits else None\n"
    ),
    (
        "    found = set()\n    while prefixes:\n        first, *prefixes = prefixes\n"
        "        found |= {p for p in BLOCKED_PREFIX_PATTERNS if first.startswith(p)}\n"
        "    if len(found) > 0:\n        return 'refused: ' + min(found)\n"
    ),
)


def bot(seed: int, body: int = 0, words: list[str] | None = None) -> str:
    """The template with somebody's own list and rule."""
    own = words or random.Random(seed).sample(WORDS, 30)
    text = TEMPLATE.replace("BLOCKED_PREFIX_PATTERNS = []", f"BLOCKED_PREFIX_PATTERNS = {own}")
    assert text != TEMPLATE
    return text.replace("    return None\n", BODIES[body], 1)


def pairs(*sources: str) -> list[tuple[int, int, float]]:
    found = alike([marks(Source(source.encode()), BASE) for source in sources])
    return [(pair.one, pair.other, pair.similarity) for pair in found]


def test_a_copy_is_found_whatever_it_is_called():
    one = bot(1)
    other = one.replace("prefixes", "asked").replace("bad", "w").replace("prefix:", "p_:")
    other = other.replace("prefix in", "begin in").replace("in prefix ", "in begin ")
    other = "# all mine\n" + other.replace(
        "    return f'no", "    # why\n                return f'no"
    )
    assert one != other
    ((first, second, similarity),) = pairs(one, bot(2, 1), other, bot(3, 2))
    assert (first, second) == (0, 2)
    assert similarity > 0.9


def test_order_of_a_list_comments_and_docstrings_do_not_hide_a_copy():
    words = random.Random(5).sample(WORDS, 30)
    one = bot(1, 0, words)
    other = (
        bot(1, 0, words[::-1])
        .replace('"""Asked once', '"""Mine, asked once')
        .replace("BLOCKED_PREFIX_PATTERNS = [", "# my list\nBLOCKED_PREFIX_PATTERNS = [  # here\n")
    )
    assert pairs(one, other) == [(0, 1, 1.0)]


def test_a_copy_with_a_few_more_words_is_found_and_others_are_not():
    words = random.Random(6).sample(WORDS, 34)
    assert [pair[:2] for pair in pairs(bot(0, 0, words[:30]), bot(0, 0, words), bot(7))] == [(0, 1)]
    assert pairs(bot(1, 0), bot(2, 0), bot(3, 0), bot(4, 0)) == []


def test_untouched_templates_and_trifles_are_no_copies():
    small = TEMPLATE.replace("BLOCKED_OUTPUT_PATTERNS = []", "BLOCKED_OUTPUT_PATTERNS = ['apple']")
    assert marks(Source(BASE), BASE) == frozenset()
    assert len(marks(Source(small.encode()), BASE)) < LEAST
    assert pairs(TEMPLATE, TEMPLATE, TEMPLATE.replace("\n", "\r\n"), small, small) == []


@pytest.mark.parametrize("source", ["", "def broken(:", "x = " + "-" * 90_000 + "1", "\0", "é"])
def test_what_is_no_program_is_compared_with_nothing(source):
    assert marks(Source(source.encode()), BASE) == frozenset()
    assert pairs(source, source, bot(1)) == []


def test_without_the_template_that_was_handed_out_the_common_part_is_taken_out():
    sources = [bot(seed, seed % 3) for seed in range(12)]
    found = alike([marks(Source(source.encode()), None) for source in [*sources, sources[4]]])
    assert [(pair.one, pair.other) for pair in found] == [(4, 12)]


def test_many_who_have_the_same_are_one_group_and_few_lines():
    words = random.Random(8).sample(WORDS, 30)
    sources = [bot(0, 0, words)] * 60 + [bot(1, 1), bot(2, 2), bot(1, 1)]
    found = alike([marks(Source(source.encode()), BASE) for source in sources])
    assert [(pair.one, pair.other) for pair in found if pair.one == 0] == [
        (0, other) for other in range(1, 60)
    ]
    assert sorted({(pair.one, pair.other) for pair in found if pair.one}) == [(60, 62)]
    assert {pair.group for pair in found} == {1, 2}


def test_the_solution_is_like_itself_and_not_like_others():
    assert [pair[:2] for pair in pairs(SOLUTION, bot(1), SOLUTION + "\n# end\n", bot(2, 1))] == [
        (0, 2)
    ]


def test_the_work_does_not_grow_with_all_pairs(monkeypatch):
    asked = 0
    real = copies.Pair

    def pair(*facts):
        nonlocal asked
        asked += 1
        return real(*facts)

    monkeypatch.setattr(copies, "Pair", pair)
    sets = [marks(Source(bot(seed, seed % 3).encode()), BASE) for seed in range(60)]
    many = [frozenset(mark ^ k for mark in own) for k in range(1, 11) for own in sets]
    assert alike([*many, many[0]])[0].similarity == 1.0
    assert asked < 10


def class_of(folder, files: dict[str, str]) -> list[Found]:
    folder.mkdir()
    for name, source in files.items():
        (folder / name).write_text(source, encoding="utf-8")
    return find_submissions(folder)


def test_the_table_and_the_line(tmp_path):
    found = class_of(tmp_path / "class", {"=b.py": bot(1), "a.py": bot(1), "c.py": bot(2, 1)})
    compared = of_class(found, BASE)
    assert of_class(found[::-1], BASE) == compared
    (path,) = copies.write(tmp_path / "out", compared)
    rows = list(csv.reader(io.StringIO(path.read_text("utf-8-sig"))))
    assert rows == [
        list(copies.COLUMNS),
        ["'=b", "a", "1.00", "1", "'=b.py", "a.py"],
    ]
    line = copies.told(compared)
    assert line.startswith("1 pair of bots, by 2 people, is alike") and "no verdict" in line
    assert copies.write(tmp_path / "out", []) == []
    assert not path.exists()


def test_one_that_cannot_be_read_costs_the_others_nothing(tmp_path, monkeypatch):
    found = class_of(tmp_path / "class", {"a.py": bot(1), "b.py": "x", "c.py": bot(1)})
    real = copies.marks

    def fails(source, base):
        if source.data == b"x":
            raise RecursionError
        return real(source, base)

    monkeypatch.setattr(copies, "marks", fails)
    unread: list[str] = []
    assert [(pair.one.name, pair.other.name) for pair in of_class(found, BASE, unread)] == [
        ("a.py", "c.py")
    ]
    assert unread == ["b"]


def test_people_who_handed_in_together_are_no_pair(tmp_path):
    (one,) = class_of(tmp_path / "class", {"a.py": bot(1)})
    partner = Found("partner", one.paths)
    assert of_class([one, partner], BASE) == []
    assert of_class([one], BASE) == []

"""The curve −ln p without a browser: what it shows of "ava" is what counting in Python says."""

import math
import random
import re

from guide_pages import GUIDE, ROOT, page_text


def under_counts(name: str, count: int) -> list[tuple[int, int]]:
    """How often each next token came, and how often any, after the first names of the run."""
    docs = (ROOT / "data" / "names.txt").read_text(encoding="utf-8").split()
    random.Random(42).shuffle(docs)
    pairs = [pair for doc in docs[:count] for pair in zip(f".{doc}", f"{doc}.", strict=True)]
    return [
        (pairs.count(pair), sum(first == pair[0] for first, _ in pairs))
        for pair in zip(f".{name}", f"{name}.", strict=True)
    ]


def test_the_drawing_without_scripts_has_the_beads_where_python_puts_them() -> None:
    drawn = (GUIDE / "stills" / "loss.html").read_text(encoding="utf-8")
    shares = [(came + 1) / (every + 27) for came, every in under_counts("ava", 100)]
    losses = [-math.log(p) for p in shares]
    for p, loss in zip(shares, losses, strict=True):
        assert f": p {p:.3f}, {loss:.2f} nats<" in drawn
    assert f">mean {sum(losses) / 4:.2f} nats<" in drawn
    marks, beads = (
        [
            (float(x), float(y))
            for x, y in re.findall(rf'class="{what}" cx="(.+?)" cy="(.+?)"', drawn)
        ]
        for what in ("loss-mark", "loss-bead")
    )
    wide = 2 * (marks[0][0] - marks[1][0])  # from p = 1/2 to 1
    high = (marks[0][1] - marks[1][1]) / math.log(2)
    for (x, y), p in zip([*marks, *beads], [1, 1 / 2, 1 / 10, 1 / 27, *shares], strict=True):
        assert abs(marks[0][0] - (1 - p) * wide - x) < 0.3
        assert abs(marks[0][1] + math.log(p) * high - y) < 0.6


def test_the_pages_question_is_answered_by_counting() -> None:
    losses = [-math.log((came + 1) / (every + 27)) for came, every in under_counts("ava", 100)]
    rest = sum(losses) - max(losses)
    text = page_text("loss")
    assert f"/ 4 = {rest / 4:.2f}." in text and f"<li data-answer>{rest / 4:.2f}</li>" in text
    assert max(losses) == losses[1]

"""Which submissions of a class are so alike that a person should look at both: never a verdict.

Of each bot.py the student's own part is taken: what isn't in the template word for word. It is
turned into a set of marks: short runs along the syntax tree in which names of the student's are all
the same name and comments, docstrings and layout are gone; and the constants, each by itself, so
that the order of a list doesn't matter. Marks of the template are taken out. The similarity of two
is the weight of the marks they share over that of all the marks they have; a mark weighs more the
fewer submissions have it.

What this can't do, so that nobody takes a number for a proof:

- Two people who had the same idea look alike: a solution of this assignment is short. Below
  ``LEAST`` marks nothing is compared; from ``ALIKE`` on a pair is listed. Of one list of words and
  one obvious loop there can be two honest ones.
- People who were allowed to work together, a solution that was shown in class and one found on the
  web all look like copies of each other.
- Without the template that was really handed out (``--base``), its text counts as the students'
  own; what more than half of a class of at least eight has is left out, which helps, and hides
  what more than half copied unless it is all of their file.
- A copy that was rewritten, statement by statement, isn't found, nor one that isn't Python, nor one
  of more than ``MOST_BYTES`` bytes. Close copies among more than ``_CROWD`` people are found only
  where they are equal in all marks, or by marks that fewer of them share.
"""

from __future__ import annotations

import ast
import builtins
import csv
import hashlib
import io
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from microgpt.assignment.intake.source import Source
from microgpt.assignment.intake.submissions import Found, Submission, read_program
from microgpt.assignment.reports import text
from microgpt.assignment.reports.writing import write_text
from microgpt.files import file_error

FILE = "copies.csv"
COLUMNS = ("student", "other", "similarity", "group", "submission", "other_submission")
"""The table's header. ``group``: the same number for all who are alike, directly or by others."""

ALIKE = 0.8
"""Similarity from which on a pair is listed, of 1 for equal but for names, order and comments."""
LEAST = 25
"""Marks that a student's own part must have to be compared."""
MOST_BYTES = 128 * 1024
"""Length above which a bot.py isn't compared; the kit's has 8 KB."""

_RUN = 6  # nodes in one mark
_CROWD = 40  # a mark that more submissions have brings no pair up, but counts in it
_MOST_SHARED = 0.5  # of the class: what more have is taken for given
_SMALL_CLASS = 8
_PYTHONS = frozenset(dir(builtins))


@dataclass(frozen=True)
class Pair:
    """Two places in the class, how alike they are (``ALIKE`` to 1), and the number of the group."""

    one: int
    other: int
    similarity: float
    group: int = 0


@dataclass(frozen=True)
class Compared:
    """A pair in words, for the table."""

    one: Submission
    other: Submission
    similarity: float
    group: int


# ---------------------------------------------------------------- marks of one file


def marks(source: Source, base: bytes | None) -> frozenset[int]:
    """The marks of a student's own part; none of what can't be parsed or is the template's."""
    if len(source.data) > MOST_BYTES:
        return frozenset()
    statements, given = _template(base or b"")
    return frozenset(_marks(source, statements)) - given


@lru_cache(maxsize=1)
def _template(base: bytes) -> tuple[frozenset[bytes], frozenset[int]]:
    """The text of each of the template's statements at the top, and all of its marks."""
    source = Source(base)
    return frozenset(words for _, words in _split(source)), frozenset(_marks(source, frozenset()))


def _split(source: Source) -> Iterator[tuple[ast.stmt, bytes]]:
    """The statements at the top, each with the words of its lines."""
    lines = source.lines()
    for node in source.tree.body if source.tree is not None else ():
        text = b"\n".join(lines[node.lineno - 1 : node.end_lineno])
        yield node, b"\n".join(line.rstrip() for line in text.split(b"\n"))


def _marks(source: Source, known: frozenset[bytes]) -> Iterator[int]:
    for node, words in _split(source):
        if words in known:
            continue
        run: list[str] = []
        for token, constant in _tokens(node):
            if constant:
                yield _hash(token)
                continue
            run.append(token)
            if len(run) >= _RUN:
                yield _hash(" ".join(run[-_RUN:]))


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=8).digest())


def _tokens(top: ast.stmt) -> Iterator[tuple[str, bool]]:
    """A statement in the order of its text: kinds of nodes, and constants (True) by themselves."""
    waiting: list[ast.AST] = [top]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Constant):
            yield f"= {type(node.value).__name__} {str(node.value)[:200]}", True
            continue
        if isinstance(node, ast.expr_context | ast.Import | ast.ImportFrom) or _is_text(node):
            continue
        if isinstance(node, ast.Name):
            yield node.id if node.id in _PYTHONS else "name", False
        elif isinstance(node, ast.Attribute):
            yield f".{node.attr}", False
        elif not isinstance(node, ast.arguments):
            yield type(node).__name__, False
        waiting += reversed(list(ast.iter_child_nodes(node)))


def _is_text(node: ast.AST) -> bool:
    """Whether a statement is a docstring, or a text that stands alone."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


# ---------------------------------------------------------------- pairs of a class


def alike(found: Sequence[frozenset[int]]) -> list[Pair]:
    """The pairs from ``ALIKE`` on, the most similar first.

    Those with the very same marks are paired with the first of them only. The work grows with the
    number of submissions, and with the pairs that share a mark which at most ``_CROWD`` have.
    """
    twins: dict[frozenset[int], list[int]] = {}
    for place, own in enumerate(found):
        if len(own) >= LEAST:
            twins.setdefault(own, []).append(place)
    pairs = [Pair(same[0], other, 1.0) for same in twins.values() for other in same[1:]]
    first = {same[0]: own for own, same in twins.items()}
    pairs += _close(first, {place: len(twins[own]) for place, own in first.items()})
    return _grouped(pairs)


def _close(found: Mapping[int, frozenset[int]], people: Mapping[int, int]) -> Iterator[Pair]:
    """Pairs of different sets."""
    having: dict[int, list[int]] = {}
    for place, own in found.items():
        for mark in own:
            having.setdefault(mark, []).append(place)
    everybody = sum(people.values())
    number = {mark: sum(people[place] for place in places) for mark, places in having.items()}
    if everybody >= _SMALL_CLASS:
        number = {m: n for m, n in number.items() if n <= _MOST_SHARED * everybody}
    weight = {mark: 1 + math.log2(everybody / n) for mark, n in number.items()}
    whole = {
        place: sum(weight[mark] for mark in sorted(own) if mark in weight)
        for place, own in found.items()
        if sum(mark in weight for mark in own) >= LEAST
    }
    together: dict[tuple[int, int], int] = {}
    for mark in weight:
        places = [place for place in having[mark] if place in whole]
        if len(places) <= _CROWD:
            for i, one in enumerate(places):
                for other in places[i + 1 :]:
                    together[one, other] = together.get((one, other), 0) + 1
    for (one, other), rare in together.items():
        if rare < 3:
            continue
        low, high = sorted((whole[one], whole[other]))
        if low < ALIKE * high:
            continue
        shared = sum(weight[mark] for mark in sorted(found[one] & found[other]) if mark in weight)
        similarity = shared / (low + high - shared)
        if similarity >= ALIKE:
            yield Pair(one, other, similarity)


def _grouped(pairs: Iterable[Pair]) -> list[Pair]:
    """The most similar first, each with the number of its group: who is linked with whom."""
    ordered = sorted(pairs, key=lambda pair: (-pair.similarity, pair.one, pair.other))
    leader: dict[int, int] = {}

    def of(place: int) -> int:
        while leader.setdefault(place, place) != place:
            place = leader[place]
        return place

    for pair in ordered:
        one, other = sorted((of(pair.one), of(pair.other)))
        leader[other] = one
    numbers: dict[int, int] = {}
    return [
        Pair(p.one, p.other, p.similarity, numbers.setdefault(of(p.one), len(numbers) + 1))
        for p in ordered
    ]


def of_class(
    found: Sequence[Found], base: bytes | None, unread: list[str] | None = None
) -> list[Compared]:
    """The pairs of a class; not of people who handed one thing in together.

    ``unread``: gets the students who couldn't be compared, for there is nothing of theirs to read.
    """
    if len(found) < 2:
        return []
    found = sorted(found, key=lambda one: one.student)
    read = [_read(one, base) for one in found]
    if unread is not None:
        unread += [one.student for one, own in read if own is None]
    return [
        Compared(read[p.one][0], read[p.other][0], p.similarity, p.group)
        for p in alike([own or frozenset() for _, own in read])
        if not set(found[p.one].paths) & set(found[p.other].paths)
    ]


def _read(one: Found, base: bytes | None) -> tuple[Submission, frozenset[int] | None]:
    """A submission and its marks; None for those of one that can't be read.

    It is parsed here once more: the processes that graded the class would have to send its trees,
    and this one to keep all of them, to save a millisecond or two for each.
    """
    try:
        submission = read_program(one)
        own = None if submission.source is None else marks(submission.source, base)
    except Exception:  # whatever somebody handed in, it must not cost the others their results
        return Submission(one.student, ""), None
    return Submission(submission.student, submission.name), own


# ---------------------------------------------------------------- in words


def told(pairs: Sequence[Compared]) -> str:
    """One line for the teacher's terminal."""
    people = {one.student for pair in pairs for one in (pair.one, pair.other)}
    word, verb = ("pair", "is") if len(pairs) == 1 else ("pairs", "are")
    return (
        f"{len(pairs):,} {word} of bots, by {len(people):,} people, {verb} alike in what was added "
        f"to the template; this is no verdict: see {FILE} and compare them yourself"
    )


def render(pairs: Iterable[Compared]) -> str:
    """The table as CSV, with a byte order mark as class.csv has."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for pair in pairs:
        names = [text.cell(one.student, text.NAME) for one in (pair.one, pair.other)]
        files = [text.cell(one.name, text.NAME) for one in (pair.one, pair.other)]
        writer.writerow([*names, f"{pair.similarity:.2f}", pair.group, *files])
    return "\ufeff" + buffer.getvalue()


def write(out_dir: Path, pairs: Sequence[Compared]) -> list[Path]:
    """Write the table where there are pairs; without any, one of an earlier run is removed.

    Raises ``FileError``.
    """
    path = out_dir / FILE
    if pairs:
        return [write_text(path, render(pairs))]
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise file_error(error, path, "remove") from error
    return []


def _demo() -> None:
    loop = "def {f}({x}):\n    return not any({w} in {x} for {w} in {words} if len({w}) > 2)\n"
    lists = "WORDS = ['apple', 'pear', 'fig', 'plum', 'lime', 'kiwi', 'guava', 'peach', 'melon']\n"
    one = lists + loop.format(f="safe", x="name", w="word", words="WORDS") * 2
    other = "# mine\n" + lists.replace("WORDS", "BAD").replace("'apple', 'pear'", "'pear', 'apple'")
    other += loop.format(f="is_fine", x="text", w="part", words="BAD") * 2
    for pair in alike([marks(Source(source.encode()), None) for source in (one, other)]):
        print(pair)


if __name__ == "__main__":
    _demo()

"""``microgpt grade``: submissions in, verdicts out, for one student or a class."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from microgpt.cli import note, show_json
from microgpt.cli.sample import DigestFlag
from microgpt.errors import FileError, InputError, Interrupted

if TYPE_CHECKING:
    from microgpt.assignment.grading.classrun import Journal, Row
    from microgpt.assignment.grading.grader import Prepared
    from microgpt.assignment.intake.submissions import Found, Student
    from microgpt.assignment.result import Result

_MOST_BASE = 2**20


def grade(
    submissions: Annotated[
        list[Path] | None,
        Parameter(help="A bot.py, a folder containing one, a zip, or a folder of any of these."),
    ] = None,
    /,
    *,
    roster: Annotated[
        Path | None,
        Parameter(help="The class as a CSV file: id, name, email, or a platform's own export."),
    ] = None,
    base: Annotated[
        Path | None, Parameter(help="The bot.py that was handed out. [the kit's]")
    ] = None,
    key: Annotated[
        Path | None, Parameter(help="The teacher's key, which determines the hidden cases.")
    ] = None,
    model: Annotated[Path | None, Parameter(help="The class's model.json. [the shipped one]")] = (
        None
    ),
    jobs: Annotated[
        int | None, Parameter(help="Submissions to grade at the same time. [CPU cores]")
    ] = None,
    out: Annotated[
        Path | None,
        Parameter(help="Directory for class.csv, results.jsonl and the feedback pages."),
    ] = None,
    format: Annotated[
        list[str] | None,
        Parameter(
            help="Additional files in --out: gradescope, otter, classroom, junit.",
            consume_multiple=True,
            negative="",
        ),
    ] = None,
    feedback: Annotated[
        str,
        Parameter(help="What students see besides the score: nothing, categories, examples."),
    ] = "examples",
    feedback_limit: Annotated[
        int | None,
        Parameter(help="Submissions per student that get feedback; later ones get only the score."),
    ] = None,
    frontier: Annotated[
        bool,
        Parameter(
            help="Also measure a bot's leak against the share of ordinary requests it refuses.",
            negative="",
        ),
    ] = False,
    zip: Annotated[
        Path | None,
        Parameter(help="Write the autograder archive for Gradescope; needs no submission."),
    ] = None,
    wheels: Annotated[
        Path | None,
        Parameter(help="Folder of .whl files to put into --zip, so that set-up needs no network."),
    ] = None,
    ignore_digest: DigestFlag = False,
    json: Annotated[bool, Parameter(help="Print one JSON object per line.", negative="")] = False,
) -> None:
    """Grade bots by the rubric, in a sandbox, with cases computed from the model.

    Without --key, anyone who has this program can compute the hidden cases.
    """
    from microgpt.assignment import copies
    from microgpt.assignment.grading.classrun import Journal, in_order
    from microgpt.assignment.grading.grader import Options, picture, prepare
    from microgpt.assignment.intake.students import roster as read_roster
    from microgpt.assignment.intake.submissions import find_submissions, recognise
    from microgpt.assignment.kit.variants import read_key
    from microgpt.assignment.reports import check_formats
    from microgpt.assignment.reports.feedback import check_level, check_limit, no_count
    from microgpt.assignment.reports.terminal import show
    from microgpt.files import read_bytes

    submissions, format = _told_apart(submissions or [], format or [])
    if not submissions and zip is None:
        raise InputError("No submission is named.", "Name a bot.py, a zip, or a folder of them.")
    if wheels is not None and zip is None:
        raise InputError("--wheels is only for an archive.", "Add --zip FILE.")
    if format and out is None:
        raise InputError("--format needs a directory to write to.", "Add --out DIR.")
    if jobs is not None and not 1 <= jobs <= 256:
        raise InputError(f"jobs is {jobs}, must be from 1 to 256.")
    check_formats(format)
    check_level(feedback)
    check_limit(feedback_limit)
    if feedback != "examples" and out is None and zip is None:
        raise InputError("--feedback is only for reports, and none are written.", "Add --out DIR.")
    if out is not None:
        _may_go(out)
    secret = None if key is None else read_key(key)
    students = [] if roster is None else read_roster(roster)
    template = None if base is None else read_bytes(base, _MOST_BASE)
    if zip is not None:
        _write_zip(zip, key, roster, wheels, feedback, feedback_limit)
    if not submissions:
        return
    own = (roster, base, key, model, out, zip, wheels)
    found = in_order(recognise(find_submissions(submissions, own), students))
    for one in found if students else ():
        for line in one.notes:
            note(f"{one.student}: {line}")
    options = Options(secret, model, template, frontier=frontier, ignore_digest=ignore_digest)
    if secret is None:
        note("without --key, the hidden cases are the same for everybody who runs this program")
    if feedback_limit is not None and out is None:
        note(no_count(feedback_limit))
    prepared = prepare(options)
    for notice in prepared.notices:
        note(notice)
    journal = None if out is None or len(found) == 1 else Journal.open(out)
    rows: list[Row] = []
    written = 0
    try:
        for row in _rows(found, prepared, jobs or os.cpu_count() or 1, journal):
            rows.append(row)
            if json:
                show_json({"result": row.result.as_json()})
            elif len(found) > 1:
                _progress(len(rows), len(found))
        results = [row.result for row in rows]
        results += _missing(results, found, students)
        lines, drawings = picture(results, prepared)
        if json:
            for result in results[len(found) :]:
                show_json({"result": result.as_json()})
        else:
            show(results)
            print("".join(f"{line}\n" for line in ["", *lines] if lines), end="")
            for line in prepared.isolation:
                note(line)
        unread: list[str] = []
        pairs = copies.of_class(found, prepared.base, unread)
        for row in rows:
            if row.content and row.result.student in unread:  # it was there to be graded
                note(f"{row.result.student}: not compared with the others: it can't be read now")
        if pairs:
            note(copies.told(pairs) + ("" if out else "; --out DIR writes the table"))
        if out is not None:
            told = _told(results, rows, out, feedback, feedback_limit)
            pictures = drawings if frontier else None
            written = _write(results, told, out, format, students, pictures)
            written += len(copies.write(out, pairs))
            if json:
                show_json({"written": {"dir": str(out), "files": written}})
            else:
                print(f"wrote {out}: {written} files, start with {out / 'class.csv'}")
    except KeyboardInterrupt:
        raise _stopped("Stopped", journal, len(found)) from None
    except BrokenPipeError:
        if written or out is None:
            raise  # everything that was to be kept has been
        raise _stopped("Nobody reads the output any more", journal, len(found)) from None
    if journal is not None:
        lost = sum(row.lost for row in rows)
        journal.close(keep=lost > 0)
        if lost:
            note(f"{lost} of {len(found)} couldn't be graded: the same command will try them again")


def _may_go(out: Path) -> None:
    """Raise ``FileError`` where reports would replace a file that no earlier grading wrote.

    Also where that can't be found out. A grading's directory is recognised by the columns of
    class.csv, the first file written.
    """
    from microgpt.files import file_error

    there = [out / name for name in ("class.csv", "results.jsonl", "copies.csv")]
    there = [path for path in there if path.exists()]
    if there[:1] == [out / "class.csv"] and there[0].is_file():
        try:
            first = there[0].read_bytes()[:4096].decode("utf-8-sig", "replace")
        except OSError as error:
            raise file_error(error, there[0], "read") from error
        if first.startswith("student,") and ",score," in first.partition("\n")[0]:
            return
    if there:
        raise FileError(
            f"{there[0]} already exists, and is not a report of a grading.",
            "Name another --out, or move that file away.",
        )


def _told_apart(submissions: list[Path], formats: list[str]) -> tuple[list[Path], list[str]]:
    """Submissions and formats, told apart where submissions came after --format a b."""
    from microgpt.assignment.reports import FORMATS

    paths = [name for name in formats if name not in FORMATS and Path(name).exists()]
    names = [name for name in formats if name not in paths]
    return [*submissions, *map(Path, paths)], list(dict.fromkeys(names))


def _rows(
    found: Sequence[Found], prepared: Prepared, jobs: int, journal: Journal | None
) -> Iterator[Row]:
    """One verdict after another; a single submission needs no extra process."""
    from microgpt.assignment.grading.classrun import grade_class, grade_one

    if len(found) == 1:
        yield grade_one(found[0], prepared)
        return

    def taken(known: int) -> None:
        if known:
            note(f"{known} of {len(found)} were graded before and are kept as they are")

    yield from grade_class(found, prepared.options, jobs, prepared, journal, taken)


def _stopped(what: str, journal: Journal | None, total: int) -> Interrupted:
    """The message of an early end: how far the grading got, and how to continue."""
    if journal is None:
        remedy = "With --out DIR it could continue from here." if total > 1 else ""
        return Interrupted(f"{what}: no results are kept.", remedy)
    return Interrupted(
        f"{what}: {journal.done} of {total} results are kept in {journal.path}.",
        "The same command continues with the others.",
    )


def _told(
    results: Sequence[Result], rows: Sequence[Row], out: Path, level: str, limit: int | None
) -> list[Result]:
    """The results as the students are to see them."""
    from microgpt.assignment.reports.feedback import Counts, told

    if limit is None:
        return [told(result, level) for result in results]
    counts = Counts.beside(out)
    numbers = [counts.number(row.result.student, row.content) for row in rows]
    counts.write()
    numbers += [None] * (len(results) - len(rows))
    return [told(r, level, limit, n) for r, n in zip(results, numbers, strict=True)]


def _write(
    results: Sequence[Result],
    told: Sequence[Result],
    out: Path,
    formats: Sequence[str],
    students: Sequence[Student],
    drawings: Mapping[str, str] | None,
) -> int:
    from microgpt.assignment.reports import write_all

    picture = None if drawings is None else lambda result: drawings.get(result.student, "")
    return len(write_all(results, out, formats, students=students, frontier=picture, told=told))


def _missing(
    results: Sequence[Result], found: Sequence[Found], students: Sequence[Student]
) -> list[Result]:
    """A result for everybody on the roster who handed nothing in."""
    from microgpt.assignment.intake.submissions import missing
    from microgpt.assignment.reports import nothing_from

    maybe = {ident for one in found for ident in one.maybe}
    away = missing(students, [result.student for result in results])
    return [nothing_from(student, unsure=student.id in maybe) for student in away]


def _write_zip(
    path: Path,
    key: Path | None,
    roster: Path | None,
    wheels: Path | None,
    level: str,
    limit: int | None,
) -> None:
    from microgpt.assignment.reports import autograder
    from microgpt.files import read_bytes

    if path.is_file() and path.stat().st_size and not autograder.is_archive(path):
        raise FileError(
            f"{path} already exists, and is not an archive that microgpt grade wrote.",
            "Name another file for --zip.",
        )
    autograder.write(
        path,
        None if key is None else read_bytes(key, 1024),
        None if roster is None else read_bytes(roster, 2**24),
        wheels,
        level=level,
        limit=limit,
    )
    note(f"wrote {path}: upload it to Gradescope as it is")


def _progress(done: int, total: int) -> None:
    """How far the grading has got; on a terminal only."""
    if sys.stderr.isatty():
        end = "\n" if done == total else ""
        print(f"\rgraded {done} of {total}", end=end, file=sys.stderr, flush=True)

"""``microgpt grade``: submissions in, verdicts out, for one student or a class."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from microgpt.cli import note, show_json
from microgpt.errors import InputError

if TYPE_CHECKING:
    from microgpt.assignment.grader import Prepared
    from microgpt.assignment.intake import Found, Student
    from microgpt.assignment.result import Result

_MOST_BASE = 2**20


def grade(
    submissions: Annotated[
        list[Path] | None,
        Parameter(help="A bot.py, a folder with one, a zip, or a folder of them."),
    ] = None,
    /,
    *,
    roster: Annotated[
        Path | None, Parameter(help="CSV of the class: id, name, email, or a platform's own.")
    ] = None,
    base: Annotated[
        Path | None, Parameter(help="The bot.py that was handed out. [the kit's]")
    ] = None,
    key: Annotated[
        Path | None, Parameter(help="The teacher's key, from which hidden cases follow.")
    ] = None,
    model: Annotated[Path | None, Parameter(help="The class's model.json. [the shipped one]")] = (
        None
    ),
    jobs: Annotated[int | None, Parameter(help="Submissions at the same time. [CPU cores]")] = None,
    out: Annotated[
        Path | None, Parameter(help="Directory for class.csv, results.jsonl and feedback pages.")
    ] = None,
    format: Annotated[
        list[str] | None,
        Parameter(help="More files in --out: gradescope, otter, classroom, junit."),
    ] = None,
    frontier: Annotated[
        bool, Parameter(help="Measure leak against refused requests as well.", negative="")
    ] = False,
    zip: Annotated[
        Path | None, Parameter(help="Write Gradescope's autograder archive; needs no submission.")
    ] = None,
    wheels: Annotated[
        Path | None,
        Parameter(help="Folder of .whl files to put into --zip: its set-up then needs no network."),
    ] = None,
    json: Annotated[bool, Parameter(help="Print one JSON object a line.", negative="")] = False,
) -> None:
    """Grade bots: by the rubric, in a sandbox, with cases computed from the model.

    Without --key the hidden cases are ones that anybody with this program can compute.
    """
    from microgpt.assignment import copies
    from microgpt.assignment.grader import Options, picture, prepare
    from microgpt.assignment.intake import find_submissions, recognise
    from microgpt.assignment.reports import check_formats, write_all
    from microgpt.assignment.reports.terminal import show
    from microgpt.assignment.students import roster as read_roster
    from microgpt.assignment.variants import read_key
    from microgpt.files import read_bytes

    if not submissions and zip is None:
        raise InputError("No submission is named.", "Name a bot.py, a zip, or a folder of them.")
    if wheels is not None and zip is None:
        raise InputError("--wheels belongs to an archive.", "Add --zip FILE.")
    if format and out is None:
        raise InputError("--format needs a directory to write to.", "Add --out DIR.")
    if jobs is not None and not 1 <= jobs <= 256:
        raise InputError(f"jobs is {jobs}, must be from 1 to 256.")
    check_formats(format or ())
    secret = None if key is None else read_key(key)
    students = [] if roster is None else read_roster(roster)
    template = None if base is None else read_bytes(base, _MOST_BASE)
    if zip is not None:
        _write_zip(zip, key, roster, wheels)
    if not submissions:
        return
    own = (roster, base, key, model, out, zip, wheels)
    found = recognise(find_submissions(submissions, own), students)
    for one in found if students else ():
        for line in one.notes:
            note(f"{one.student}: {line}")
    options = Options(secret, model, template, frontier=frontier)
    if secret is None:
        note("without --key the hidden cases are the same for everybody who runs this program")
    prepared = prepare(options)
    results = []
    for result in _results(found, prepared, jobs or os.cpu_count() or 1):
        results.append(result)
        if json:
            show_json({"result": result.as_json()})
        elif len(found) > 1:
            _progress(len(results), len(found))
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
    pairs = copies.of_class(found, prepared.base)
    if pairs:
        note(copies.told(pairs) + ("" if out else "; --out DIR writes the table"))
    if out is not None:
        written = write_all(
            results,
            out,
            format or (),
            students=students,
            frontier=(lambda r: drawings.get(r.student, "")) if frontier else None,
        )
        written += copies.write(out, pairs)
        if json:
            show_json({"written": {"dir": str(out), "files": len(written)}})
        else:
            print(f"wrote {out}: {len(written)} files, begin with {out / 'class.csv'}")


def _results(found: Sequence[Found], prepared: Prepared, jobs: int) -> Iterator[Result]:
    """One verdict after the other; a single submission needs no other process."""
    from microgpt.assignment.grader import grade, grade_many
    from microgpt.assignment.intake import read_submission

    if len(found) == 1:
        yield grade(read_submission(found[0], prepared.model), prepared.options, prepared)
        return
    yield from grade_many(found, prepared.options, jobs, prepared)


def _missing(
    results: Sequence[Result], found: Sequence[Found], students: Sequence[Student]
) -> list[Result]:
    """A result for everybody on the list who handed nothing in."""
    from microgpt.assignment.intake import missing
    from microgpt.assignment.reports import nothing_from

    maybe = {ident for one in found for ident in one.maybe}
    away = missing(students, [result.student for result in results])
    return [nothing_from(student, unsure=student.id in maybe) for student in away]


def _write_zip(path: Path, key: Path | None, roster: Path | None, wheels: Path | None) -> None:
    from microgpt.assignment.reports import autograder
    from microgpt.files import read_bytes

    autograder.write(
        path,
        None if key is None else read_bytes(key, 1024),
        None if roster is None else read_bytes(roster, 2**24),
        wheels,
    )
    note(f"wrote {path}: upload it to Gradescope as it is")


def _progress(done: int, total: int) -> None:
    """On a terminal only: how far it is."""
    if sys.stderr.isatty():
        end = "\n" if done == total else ""
        print(f"\rgraded {done} of {total}", end=end, file=sys.stderr, flush=True)

"""All results of a class into a directory: the files that are always written, and those asked for.

Files are written whole or not at all, and the same results give the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path

from microgpt.assignment.intake.students import Student
from microgpt.assignment.reports import classroom, gradescope, junit, otter, page, table, text
from microgpt.assignment.result import Result
from microgpt.errors import FileError, InputError
from microgpt.files import dump_json, write_atomic

NOTHING = "Nothing was handed in."

FOR_TEACHERS = ("otter",)
"""Formats of one file for a whole class that no student is shown."""

Frontier = Callable[[Result], str]
"""From a result to the SVG of its place on the frontier, or an empty string."""


def _gradescope(results: Sequence[Result], names: Sequence[str]) -> dict[str, str]:
    return {
        f"gradescope/{name}.json": dump_json(gradescope.render(result), indent=1) + "\n"
        for name, result in zip(names, results, strict=True)
    }


def _classroom(results: Sequence[Result], names: Sequence[str]) -> dict[str, str]:
    return {
        f"classroom/{name}.txt": classroom.encode(result) + "\n"
        for name, result in zip(names, results, strict=True)
    }


def _otter(results: Sequence[Result], names: Sequence[str]) -> dict[str, str]:
    return {"final_grades.csv": otter.render(results)}


def _junit(results: Sequence[Result], names: Sequence[str]) -> dict[str, str]:
    return {"junit.xml": junit.render(results)}


FORMATS: Mapping[str, Callable[[Sequence[Result], Sequence[str]], dict[str, str]]] = {
    "gradescope": _gradescope,  # results.json of each student
    "otter": _otter,  # final_grades.csv
    "classroom": _classroom,  # the base64 result of each student
    "junit": _junit,  # one XML for all
}
"""What is written when asked for; class.csv, results.jsonl and feedback/ always are."""


def write_all(
    results: Sequence[Result],
    out_dir: Path,
    formats: Collection[str] = (),
    *,
    students: Sequence[Student] = (),
    frontier: Frontier | None = None,
    told: Sequence[Result] | None = None,
) -> list[Path]:
    """Write the class's files into a directory, which is made; returns their paths.

    Always ``class.csv``, ``results.jsonl`` (``Result.from_json`` reads its lines) and
    ``feedback/<student>.html``; ``formats``: more, by their names in ``FORMATS``. ``students``: the
    class list, for names and emails in class.csv. ``told``: the same results as their students are
    to see them (``feedback.told``), for all files but class.csv, results.jsonl and those of
    ``FOR_TEACHERS``. Raises ``InputError`` for an unknown format and
    ``FileError`` from the disk; files already written stay.
    """
    check_formats(formats)
    names = text.file_names([result.student for result in results])
    content = {
        "class.csv": table.render(results, students),
        "results.jsonl": "".join(dump_json(result.as_json()) + "\n" for result in results),
    }
    told = results if told is None else told
    for name, result in zip(names, told, strict=True):
        picture = frontier(result) if frontier and result.leak is not None else ""
        content[f"feedback/{name}.html"] = page.render(result, picture)
    for format_ in FORMATS:
        if format_ in formats:
            content.update(FORMATS[format_](results if format_ in FOR_TEACHERS else told, names))
    return [write_text(out_dir / relative, data) for relative, data in content.items()]


def check_formats(formats: Collection[str]) -> None:
    """Raise ``InputError`` for a name that isn't in ``FORMATS``."""
    for format_ in formats:
        if format_ not in FORMATS:
            raise InputError(
                f"format is {format_!r}, must be one of {', '.join(FORMATS)}.",
                "class.csv, results.jsonl and feedback/ are always written.",
            )


def write_text(path: Path, content: str) -> Path:
    """Write a UTF-8 file whole or not at all, and the directories above it."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError(
            f"Can't make the directory {path.parent}: {error.strerror}.", "Choose another --out."
        ) from error
    write_atomic(path, content.encode("utf-8"))
    return path


def nothing_from(student: Student, version: str = "", unsure: bool = False) -> Result:
    """The result of somebody on the class list who handed nothing in.

    ``unsure``: whether a submission whose owner isn't clear may be theirs: then there is no score.
    """
    if not unsure:
        return Result(student.id, "", 0.0, (), problems=(NOTHING,), version=version)
    problem = (
        "A submission whose owner isn't clear may be theirs: find out, name the file or folder "
        "after this id, and grade it again."
    )
    return Result(student.id, "", 0.0, (), problems=(problem,), version=version, graded=False)


def _demo() -> None:
    import tempfile

    results = [Result("s1", "s1/bot.py", 100.0, ()), nothing_from(Student("s2", "Adam Roe"))]
    with tempfile.TemporaryDirectory() as folder:
        for path in write_all(results, Path(folder), FORMATS):
            print(f"{path.stat().st_size:>6,} bytes  {path.relative_to(folder).as_posix()}")


if __name__ == "__main__":
    _demo()

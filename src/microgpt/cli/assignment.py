"""``microgpt assignment``: kits for students, the teacher's key and page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from microgpt.calling import command, python, quoted
from microgpt.errors import InputError

assignment = App(
    name="assignment",
    help="Make the assignment's kits, key and teacher's page.",
    help_format="plaintext",
)

KeyFlag = Annotated[Path | None, Parameter(help="The teacher's key: microgpt assignment key FILE.")]


@assignment.command
def new(
    folder: Annotated[Path, Parameter(help="Where the kit goes; with --roster, all the kits.")],
    /,
    *,
    student: Annotated[
        str | None, Parameter(help="Whose kit it is: an id or an email address.")
    ] = None,
    roster: Annotated[
        Path | None,
        Parameter(help="Write a kit for each student in this CSV file (id, name, email)."),
    ] = None,
    category: Annotated[str, Parameter(help="What the bot must not say.")] = "fruits",
    key: KeyFlag = None,
) -> None:
    """Write a kit: the bot to work on, its model, tests and pages.

    Without any flags it is the standard kit, the same for everybody. With a key, each student gets
    their own: different examples and, in grading, different hidden cases.
    """
    from microgpt.assignment.intake.students import roster as read_roster
    from microgpt.assignment.kit.files import make_kit, make_kits
    from microgpt.assignment.kit.variants import read_key

    if student is not None and roster is not None:
        raise InputError("--student and --roster are both given.", "Choose one.")
    who = "--roster" if roster is not None else "--student"
    if (student is not None or roster is not None) and key is None:
        raise InputError(
            f"{who} needs the teacher's key.",
            f"Make one with {command('assignment', 'key', 'FILE')}, and pass it as --key FILE.",
        )
    if key is not None and student is None and roster is None:
        raise InputError("--key needs to know who it is for.", "Add --student ID or --roster CSV.")
    secret = None if key is None else read_key(key)
    if roster is None or secret is None:
        made = make_kit(folder, student, secret, category)
        print(f"{made.path}: {made.how}")
        print(f"start with {folder / 'README.md'}, then:")
        print(f"  {quoted('cd', folder)} && {python('test_bot.py')}")
        return
    count = {"new": 0, "renewed": 0, "as it was": 0}
    for made in make_kits((s.id for s in read_roster(roster)), folder, secret, category):
        count[made.how] += 1
    total = sum(count.values())
    details = ", ".join(f"{n:,} {how}" for how, n in count.items() if n)
    print(f"{folder}: {total:,} {'kit' if total == 1 else 'kits'} ({details})")


@assignment.command
def key(
    file: Annotated[Path, Parameter(help="The file to write; it must not exist yet.")], /
) -> None:
    """Write a new key, from which students' kits and hidden cases follow.

    Keep it: without it, the same kits and cases can't be made again. Anyone who has it can compute
    the hidden cases.
    """
    from microgpt.assignment.kit.variants import write_key

    write_key(file)
    print(f"wrote {file}: keep it, and keep it to yourself")


@assignment.command
def teacher(
    folder: Annotated[Path, Parameter(help="Where the page and the solution go.")], /
) -> None:
    """Write the teacher's page with the answer key, and the reference solution."""
    from microgpt.assignment.kit.files import teacher_files, write_folder

    write_folder(folder, teacher_files())
    print(f"{folder}: start with {folder / 'README.md'}; keep this folder away from students")


@assignment.command
def workflow(
    folder: Annotated[Path, Parameter(help="The assignment's template repository.")], /
) -> None:
    """Write GitHub Classroom's workflow, which grades each push with the public cases.

    It holds no key: students can read it. Grade the hidden cases yourself, with microgpt grade.
    """
    from microgpt import __version__
    from microgpt.assignment.reports import classroom
    from microgpt.files import write_atomic

    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder.", "Name the repository with the kit in it.")
    path = folder / classroom.WORKFLOW_PATH
    text = classroom.workflow(__version__).encode()
    if path.is_file() and path.read_bytes() != text:
        raise InputError(
            f"{path} already exists and is different.", "Move it away, then run this again."
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, text)
    print(f"wrote {path}: commit it to the template repository")

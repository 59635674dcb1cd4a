"""A class graded: many submissions side by side, each of which can spoil nothing but its own row.

Rows come in the order of students and names, whatever the order in which they were given or were
finished. With a journal each is on the disk as soon as it is finished, and a run that was stopped,
in whatever way, goes on with those that are missing and ends in the same bytes.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path

from microgpt import __version__
from microgpt.assignment.grading.grader import Options, Prepared, grade, prepare
from microgpt.assignment.grading.workers import Died, each
from microgpt.assignment.intake.submissions import (
    Found,
    Submission,
    looked_into,
    read_program,
)
from microgpt.assignment.result import Result
from microgpt.assignment.words import exception_name
from microgpt.errors import MicrogptError
from microgpt.files import Lock, dump_json, file_error, sync_directory
from microgpt.interrupts import held

JOURNAL = ".grading.jsonl"
_MOST_LINE = 2**22  # bytes of a row; one of a hundred checks has 40 KB

Task = Path | Found | Submission


@dataclass(frozen=True)
class Row:
    """One submission's result, and what it was made from.

    ``fingerprint``: of all that the result depends on. ``content``: of the files handed in alone,
    empty where there was no bot.py to be read. ``lost``: it couldn't be graded, for a reason that
    isn't in the submission; grading again may bring a result.
    """

    result: Result
    fingerprint: str = ""
    content: str = ""
    lost: bool = False


# ---------------------------------------------------------------- what a result depends on


def fingerprint(submission: Submission, prepared: Prepared) -> str:
    """The same for the same submission, graded in the same way by the same key and program.

    ``submission``: as it was handed in. What a look into its files finds follows from them, so
    that nothing needs to be parsed to know it again. The key is in it as the key of an HMAC: it
    can't be recovered.
    """
    options = prepared.options
    chosen = {
        each.name: _told(getattr(options, each.name))
        for each in fields(options)
        if each.name not in ("key", "model", "base")  # these two as the bytes that they stand for
    }
    given = [
        __version__,
        sys.version_info[:2],
        chosen,
        [
            _told(data)
            for data in (prepared.model, prepared.twin.model, prepared.base, prepared.blank)
        ],
        prepared.isolation,
        submission.student,
        submission.name,
        [submission.problems, submission.notes, submission.late, submission.empty],
        [_told(data) for data in (submission.bot, submission.model, submission.policy)],
    ]
    text = json.dumps(given, sort_keys=True).encode()
    return hmac.digest(options.key or b"", b"microgpt grading\0" + text, "sha256").hex()


def content(submission: Submission) -> str:
    """The same for the same files, whoever hands them in."""
    if submission.bot is None:
        return ""
    text = json.dumps([_told(data) for data in (submission.bot, submission.policy)])
    return hashlib.sha256(text.encode()).hexdigest()


def _told(value: object) -> object:
    """A value in JSON; bytes as their SHA-256."""
    if isinstance(value, bytes):
        return hashlib.sha256(value).hexdigest()
    if hasattr(value, "__dataclass_fields__"):
        return asdict(value)  # type: ignore[call-overload]
    return value if isinstance(value, bool | int | float | str | None) else str(value)


# ---------------------------------------------------------------- the journal


@dataclass
class Journal:
    """The finished rows of a class on the disk, in ``DIR/.grading.jsonl``; open it with ``open``.

    ``rows``: by their fingerprints. ``done``: how many are of the class that is being graded;
    others may be left from before something was changed.
    """

    path: Path
    rows: dict[str, Row] = field(default_factory=dict)
    done: int = 0
    _lock: Lock | None = field(default=None, repr=False)

    @classmethod
    def open(cls, directory: Path) -> Journal:
        """The journal of a directory, which is made; other processes are kept out.

        A last line that was torn is dropped. Raises ``FileError``.
        """
        path = directory / JOURNAL
        try:
            directory.mkdir(parents=True, exist_ok=True)
            lock = Lock.take(path, f"{directory} is being written by another microgpt grade.")
            data = path.read_bytes()
            rows, good = _rows(data)
            if good < len(data):
                os.truncate(path, good)
        except OSError as error:
            raise file_error(error, path, "write") from error
        return cls(path, rows, 0, lock)

    def add(self, row: Row) -> None:
        """Append a finished row and wait until the disk has it. Raises ``FileError``."""
        line = {
            "fingerprint": row.fingerprint,
            "content": row.content,
            "result": row.result.as_json(),
        }
        data = (dump_json(line) + "\n").encode("ascii")
        with held():  # Ctrl-C says how many rows are kept: that must be so
            try:
                with self.path.open("ab") as file:
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
            except OSError as error:
                raise file_error(error, self.path, "write") from error
            self.rows[row.fingerprint] = row
            self.done += 1

    def close(self, *, keep: bool = False) -> None:
        """Let others in; the file goes, unless it is to be kept. Raises ``FileError``."""
        try:
            if not keep:
                self.path.unlink(missing_ok=True)
                sync_directory(self.path.parent)
        except OSError as error:
            raise file_error(error, self.path, "write") from error
        finally:
            self._lock = None


def _rows(data: bytes) -> tuple[dict[str, Row], int]:
    """The rows of a journal by fingerprint, and how many of its bytes are whole lines of them."""
    rows: dict[str, Row] = {}
    good = 0
    for line in data.splitlines(keepends=True):
        if not line.endswith(b"\n") or len(line) > _MOST_LINE:
            break
        try:
            raw = json.loads(line)
            row = Row(Result.from_json(raw["result"]), raw["fingerprint"], raw["content"])
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            break  # what comes after it isn't to be trusted either: graded again
        rows[row.fingerprint] = row
        good += len(line)
    return rows, good


# ---------------------------------------------------------------- a class


def in_order(found: Iterable[Found]) -> list[Found]:
    """By student, then name: the order of the rows, whatever the order of what was given."""
    return sorted(
        found, key=lambda one: (one.student, [path.name for path in one.paths], one.paths)
    )


def grade_class(
    tasks: Sequence[Task],
    options: Options,
    jobs: int = 1,
    prepared: Prepared | None = None,
    journal: Journal | None = None,
    taken: Callable[[int], None] = lambda _: None,
) -> Iterator[Row]:
    """The rows of many submissions, in their order, by ``jobs`` processes at a time.

    A submission that can't be read has its problem in its result. One that couldn't be graded for
    a reason of this machine is tried once more when all others are finished; then its row is
    ``lost`` and says so. ``journal``: finished rows are taken from it, and go there. ``taken`` is
    told how many it had. Raises ``MissingError`` where no submission at all can be run, and
    ``FileError`` if the journal can't be written.
    """
    prepared = prepared or prepare(options)
    tasks = list(tasks)
    seconds = 12 * options.limits.wall_s
    rows: dict[int, Row] = {}
    if journal is not None and journal.rows:
        for i, print_ in enumerate(each(_fingerprinted, prepared, tasks, jobs, seconds)):
            if isinstance(print_, str) and print_ in journal.rows:
                rows[i] = journal.rows[print_]
        journal.done = len(rows)
    taken(len(rows))

    def keep(_: int, row: object) -> None:
        if journal is not None and isinstance(row, Row) and not row.lost:
            journal.add(row)

    given = 0
    for again in (False, True):
        left = [i for i in range(len(tasks)) if i not in rows or (again and rows[i].lost)]
        at_once = 1 if again else jobs
        answers = each(_row, prepared, [tasks[i] for i in left], at_once, seconds, keep)
        for i, answer in zip(left, answers, strict=True):
            if isinstance(answer, Died):
                answer = _lost(tasks[i], prepared, f"The process that graded it {answer.why}")
            rows[i] = answer
            while given in rows and (again or not rows[given].lost):
                yield rows[given]
                given += 1
    for i in range(given, len(tasks)):
        yield rows[i]


def grade_many(
    found: Iterable[Task],
    options: Options,
    jobs: int = 1,
    prepared: Prepared | None = None,
) -> Iterator[Result]:
    """The verdicts on many submissions: ``grade_class`` without a journal."""
    for row in grade_class(list(found), options, jobs, prepared):
        yield row.result


def grade_one(task: Task, prepared: Prepared) -> Row:
    """The row of a single submission, in this process.

    Raises ``MissingError`` where it can't be run, ``FileError`` where it isn't there.
    """
    return _graded(prepared, task, 0)


def _read(task: Task) -> Submission:
    return task if isinstance(task, Submission) else read_program(task)


def _graded(prepared: Prepared, task: Task, slot: int) -> Row:
    read = _read(task)
    submission = read if read is task else looked_into(read, prepared.model)
    result = grade(submission, prepared.options, prepared, slot)
    return Row(result, fingerprint(read, prepared), content(read))


def _fingerprinted(prepared: Prepared, task: Task, slot: int) -> str:
    """In a worker, so that what is handed in meets only one that may die."""
    try:
        return fingerprint(_read(task), prepared)
    except Exception:  # the same will be said of it when it is graded
        return ""


def _row(prepared: Prepared, task: Task, slot: int) -> Row:
    """One task, in a worker; whatever goes wrong becomes its row."""
    try:
        return _graded(prepared, task, slot)
    except MicrogptError as error:  # its message may name a temporary place
        return _lost(task, prepared, f"It couldn't be run on this machine ({type(error).__name__})")
    except Exception as error:  # a mistake of ours must not cost the class its results
        name = exception_name(type(error).__name__)
        return _lost(task, prepared, f"The grader failed with {name}")


def _lost(task: Task, prepared: Prepared, why: str) -> Row:
    if isinstance(task, Path):
        student, name = task.stem, task.name
    elif isinstance(task, Found):
        student, name = task.student, "/".join(path.name for path in task.paths[:1])
    else:
        student, name = task.student, task.name
    problem = f"{why}. No points were given: grade it again, or by hand."
    result = Result(student, name, 0.0, (), problems=(problem,), form=1, version=__version__)
    return Row(replace(result, isolation=prepared.isolation, graded=False), lost=True)


def _demo() -> None:
    """Two submissions, and the same again from the journal."""
    import tempfile

    from microgpt.data import bundled

    bot = bundled("data/kit/bot.py").read_bytes()
    tasks = [Submission("ada", "bot.py", bot), Submission("bob", "bot.py", b"1 +")]
    options = replace(Options(), key=b"a key")
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(2):
            journal = Journal.open(Path(folder))
            print(f"{len(journal.rows)} rows are there")
            for row in grade_class(tasks, options, journal=journal):
                print(f"{row.result.student}  {row.result.score:g}")
            journal.close(keep=True)


if __name__ == "__main__":
    _demo()

"""The commands that the tests of faults and kills run, and what must be true after each."""

import errno
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import faulty
from cli_runner import DOCS, SMALL, Result
from microgpt.assignment.intake.students import Student
from microgpt.assignment.reports import FORMATS, nothing_from, write_all, write_text
from microgpt.opening import open_model

OTHER = "ada\nleo\nmax\nzoe\nkim\n"
TRAIN = ["train", "own.txt", *SMALL, "--save-every", 4, "--json"]
PAIRS = [*TRAIN, "--tokenizer", "bpe", "--vocab-size", 260]


@dataclass(frozen=True)
class Case:
    """A command and the name in its folder that it writes; ``old``: whether that was there before.

    ``run``: it writes a run directory. Then a run that has begun is resumed to its end, and the
    whole directory is what is compared. ``several``: a folder in which each file is the old or the
    new one by itself, and hidden ones aren't compared. What grades needs ``Commands.warm`` first.
    """

    command: Sequence[object]
    target: str = ""
    run: bool = False
    old: bool = False
    several: bool = False


# Nothing that takes time is run: a program that can't be read as Python, and what is no program.
KEY = b"k" * 32
WHO = {1: "ada", 2: "bob"}
CLASS = {
    "key": KEY.hex(),
    "one/bot.py": "1 +",
    "class/submission_1/bot.py": "2 +",
    "class/submission_2/bot.ipynb": "{}",
    "class/submission_metadata.yml": "".join(
        f"submission_{i}:\n  :submitters:\n  - :name: {name}\n" for i, name in WHO.items()
    ),
}
GRADE = ["grade", "--key", "key", "--jobs", 1, "--format", *FORMATS]
CASES = {
    "train": Case([*PAIRS, "--out", "new"], "new", run=True),  # resume goes on with characters
    "resume": Case(["train", "--resume", "half", "--json"], "half", run=True, old=True),
    "import": Case(["import", "old.json", "other.txt", "--steps", 9, "--out", "new"], "new", True),
    "export": Case(["export", "half", "new.json"], "new.json"),
    "export over": Case(["export", "half", "old.json", "--force"], "old.json", old=True),
    "safetensors": Case(["export", "half", "new.safetensors"], "new.safetensors"),
    "inspect": Case(["inspect", "half", "--html", "new.html"], "new.html"),
    "guide folder": Case(["guide", "--export", "site"], "site"),
    "guide zip": Case(["guide", "--export", "site.zip"], "site.zip"),
    "grade": Case([*GRADE, "--out", "new", "--", "one/bot.py"], "new", several=True),
    "grade class": Case(
        [*GRADE, "--feedback-limit", 3, "--out", "graded/out", "--", "class"],
        "graded",
        old=True,
        several=True,
    ),
    "sample": Case(["sample", "half"]),
}


class Bench:
    """The commands, the folder that each begins with, and what each makes when nothing fails."""

    def __init__(self, commands: faulty.Commands, folder: Path) -> None:
        self.commands = commands
        self.base = folder / "base"
        self.wanted: dict[str, dict[str, object]] = {}
        self.printed: dict[str, str] = {}
        self.counts: dict[str, list[faulty.Call]] = {}
        (folder / "empty").mkdir()
        commands.begin(folder / "empty")
        (commands.root / "own.txt").write_text(DOCS)
        (commands.root / "other.txt").write_text(OTHER)
        commands.ok("train", "other.txt", *SMALL, "--out", "first")
        commands.ok("export", "first", "old.json")
        shutil.rmtree(commands.root / "first")
        commands.ok(*TRAIN, "--out", "half", "--stop-after", 6)
        for name, text in CLASS.items():
            write_text(commands.root / name, text)
        old = [nothing_from(Student(name, name)) for name in ("ada", "bob", "zoe")]
        write_all(old, commands.root / "graded" / "out", FORMATS)
        shutil.copytree(commands.root, self.base)

    def straight(self, name: str) -> None:
        """Run a case without any fault, once, and keep what it makes and which calls it needs."""
        if name in self.wanted:
            return
        case = CASES[name]
        self.commands.begin(self.base)
        self.printed[name] = self.commands.ok(*case.command).out
        self.counts[name] = self.commands.calls()
        if case.run:
            self.commands.ok("train", "--resume", case.target, "--json")
        self.wanted[name] = self.made(case)

    def made(self, case: Case) -> dict[str, object]:
        """What lies at the case's target now; empty for nothing."""
        path = self.commands.root / case.target
        if not case.target or not path.exists():
            return {}
        if case.several:
            return faulty.files_in(path, but=[])
        return faulty.content(path) if path.is_dir() else {path.name: path.read_bytes()}

    def calls(self, name: str, kinds: str = "") -> int:
        """How many calls of these kinds (all) the case makes."""
        self.straight(name)
        wanted = kinds.split(",")
        return sum(not kinds or call.kind in wanted for call in self.counts[name])

    def strike(self, name: str, plan: dict[str, str]) -> Result:
        """Run the case under this plan in a fresh folder."""
        self.straight(name)
        self.commands.begin(self.base)
        return self.commands.run(*CASES[name].command, plan=plan)

    # ------------------------------------------------------------ what must hold

    def explained(self, name: str, result: Result) -> None:
        """Code 3 with words that name a path, or code 0; never a traceback."""
        assert "Traceback" not in result.err, result.err
        assert result.code in (0, 3), (result.code, result.err, result.out[-300:])
        if result.code == 0:
            return
        case = CASES[name]
        if case.several:
            assert len(result.complaints) == 2, f"no remedy: {result.err}"
        said = result.err + "".join(result.out.splitlines()[-1:])
        here = [case.target, *(path.name for path in self.base.iterdir())]
        assert any(re.search(rf"\b{re.escape(part)}\b", said) for part in here if part), said

    def kept(self, name: str, result: Result) -> None:
        """Nothing that was there is lost, and nothing half done carries a real name.

        A command that goes on without a file that it couldn't read (an older snapshot, a page
        without a comparison) writes something else; that is taken away again.
        """
        case, root = CASES[name], self.commands.root
        before = faulty.files_in(self.base, but=[case.target])
        now = faulty.files_in(root, but=[case.target])
        for path, data in before.items():
            assert now.pop(path) == data, path
        for path in now:
            assert path.startswith("."), f"{path} is nobody's"
        path = root / case.target
        if case.run:
            self.opens(case, result)
        elif case.several:
            self.each_whole(name, result)
        elif case.target:
            old = self.base / case.target
            allowed = [self.wanted[name], {old.name: old.read_bytes()} if case.old else {}]
            unread = any(call.error and call.kind == "open" for call in self.commands.calls())
            if result.code == 0 and unread and self.made(case) not in allowed:
                path.unlink()
            else:
                assert self.made(case) in allowed

    def each_whole(self, name: str, result: Result) -> None:
        """Every file of the target is the old or the new one, and none that was there is missing.

        Where something couldn't be read, and what was written says so, it begins again.
        """
        case = CASES[name]
        path, before = self.commands.root / case.target, self.base / case.target
        old = faulty.files_in(before, but=[]) if case.old else {}
        now = {file: data for file, data in self.made(case).items() if "/." not in f"/{file}"}
        unread = any(call.error and call.kind == "open" for call in self.commands.calls())
        if result.code == 0 and unread and now != self.wanted[name]:
            shutil.rmtree(path)
            if case.old:
                shutil.copytree(before, path)
            return
        assert set(old) <= set(now) <= set(old) | set(self.wanted[name])
        for file, data in now.items():
            assert data in (old.get(file), self.wanted[name].get(file)), file
        if result.code == 0:
            assert now == self.wanted[name]

    def opens(self, case: Case, result: Result) -> None:
        """The run opens at the last step that was called saved, or at a later one."""
        path = self.commands.root / case.target
        saved = re.findall(r'"saved": \{"step": (\d+)', result.out)
        least = int(saved[-1]) if saved else 6 if case.old else -1
        if not any(path.glob("step-*")):
            assert least < 0
            return
        opened, notices = open_model(path)
        assert opened.step is not None and opened.step >= least
        assert "damaged" not in str(notices), notices

    def goes_well(self, name: str) -> None:
        """The same again, now that nothing fails, gives what it would have given at once."""
        case, commands = CASES[name], self.commands
        path = commands.root / case.target
        if not case.run:
            if not case.target or self.made(case) != self.wanted[name]:
                printed = commands.ok(*case.command).out
                assert printed == self.printed[name]
            assert self.made(case) == self.wanted[name]
            return
        if (
            not case.old
            and not any(path.glob("step-*"))
            and (name == "import" or not (path / "run.json").exists())
        ):
            commands.ok(*case.command)
        commands.ok("train", "--resume", case.target, "--json")
        assert self.made(case) == self.wanted[name]


ERRORS = {"EIO": errno.EIO, "ENOSPC": errno.ENOSPC}

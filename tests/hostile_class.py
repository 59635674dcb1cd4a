"""A class on the disk with bots of all kinds in it, and what grading it gives."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cli_runner import Result, ok


def handed_in(folder: Path, bots: Mapping[str, str | bytes]) -> Path:
    """A folder for all with a ``bot.py`` of each student."""
    for student, source in bots.items():
        path = folder / student / "bot.py"
        path.parent.mkdir(parents=True)
        path.write_bytes(source if isinstance(source, bytes) else source.encode())
    return folder


def rows(out: Path) -> dict[str, str]:
    """Each student's line of results.jsonl."""
    lines = (out / "results.jsonl").read_text(encoding="ascii").splitlines()
    return {json.loads(line)["student"]: line for line in lines}


def graded(folder: Path, out: Path, *flags: object) -> tuple[Result, dict[str, dict[str, Any]]]:
    """What the command printed, and the results by student."""
    done = ok("grade", folder, "--out", out, *flags)
    return done, {student: json.loads(line) for student, line in rows(out).items()}

"""What the scripts in this folder share: processes timed as a whole, and results on disk."""

from __future__ import annotations

import datetime
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "bench" / "results"


def whole_process(
    command: Sequence[str], source: Path | None = None, **variables: str
) -> tuple[float, float, str]:
    """Run a command to its end, in a fresh empty directory: wall and processor seconds, output.

    ``source``: where microgpt comes from, if not from where this Python has it. ``variables``:
    more for its environment.

    Python's own variables are left out of its environment (all but the module path), so that it
    runs as it would on a user's machine: bytecode is kept, output is buffered. The directory's
    removal is not timed.
    """
    folder = tempfile.mkdtemp(prefix="microgpt-bench-")
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHON", "OPENBLAS", "MICROGPT")) or name == "PYTHONPATH"
    } | variables
    if source is not None:
        environment["PYTHONPATH"] = str(source)
    output = Path(folder, "output")
    try:
        with output.open("w", encoding="utf-8") as file:  # a pipe would need us to read along
            before = _processor_seconds()
            begun = time.perf_counter()
            done = subprocess.run(
                command,
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.PIPE,
                text=True,
            )
            seconds = time.perf_counter() - begun
            busy = _processor_seconds() - before
        printed = output.read_text(encoding="utf-8")
    finally:
        shutil.rmtree(folder)
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed with exit code {done.returncode}:\n{done.stderr}")
    return seconds, busy, printed


def _processor_seconds() -> float:
    """Of all child processes so far; ``os.times`` alone counts in hundredths."""
    try:
        import resource
    except ImportError:  # Windows
        return sum(os.times()[2:4])
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def microgpt() -> list[str]:
    """The command as it is installed beside this Python."""
    found = Path(sys.executable).with_name("microgpt")
    return [str(found)] if found.exists() else [sys.executable, "-m", "microgpt"]


def held_out(output: str, split: str = "distinct") -> float:
    """The loss of the ``eval`` line of a run's ``--json``."""
    for line in map(json.loads, output.splitlines()):
        if "eval" in line and line["eval"]["split"] == split:
            return float(line["eval"]["loss"])
    raise ValueError(f"no held-out loss {split} in the output")


def spread(numbers: Sequence[float]) -> dict[str, float]:
    """Median, least and most."""
    return {
        "median": statistics.median(numbers),
        "least": min(numbers),
        "most": max(numbers),
    }


def load() -> float | None:
    """How many processes wanted a core in the last minute; None where the system doesn't say."""
    return round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None


def save(name: str, found: dict[str, Any], markdown: Sequence[str]) -> None:
    """Write ``results/NAME.json`` and ``NAME.md`` with date, commit and machine; print the latter.

    A ``+`` after the commit means changes that weren't committed yet.
    """
    from microgpt.benchmark import machine

    git = ("git", "-C", str(ROOT))
    commit = subprocess.run([*git, "rev-parse", "--short", "HEAD"], capture_output=True, text=True)
    changed = subprocess.run(
        [*git, "status", "--porcelain", "src"], capture_output=True, text=True
    ).stdout
    made = {
        "date": datetime.date.today().isoformat(),
        "commit": commit.stdout.strip() + ("+" if changed else "") if commit.stdout else None,
        "machine": machine(),
        "python": platform.python_version(),
    }
    RESULTS.mkdir(exist_ok=True)
    whole = json.dumps({**made, **found}, indent=1, ensure_ascii=False)
    (RESULTS / f"{name}.json").write_text(whole + "\n", encoding="utf-8")
    head = f"{made['date']}, commit {made['commit']}, {made['machine']}, Python {made['python']}."
    text = "\n".join([head, "", *markdown]) + "\n"
    (RESULTS / f"{name}.md").write_text(text, encoding="utf-8")
    print(text)

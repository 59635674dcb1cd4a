"""Every file of a run read and compared with what was recorded of it; nothing is changed."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from microgpt import files
from microgpt.disk import newrun, originals, runlog, snapshot
from microgpt.disk.checkpoint import RunDir
from microgpt.disk.snapshot import RESTORE, NewerError
from microgpt.errors import CheckpointError, FileError

_LINE_LIMIT = 2**24  # bytes of one line of the log


@dataclass(frozen=True)
class Finding:
    """What was found out about one file, or directory, of a run.

    ``state``: "ok"; "note", which is no damage (what a kill left, what older versions didn't
    write); or "damaged". ``says``: what it is, in a few words. ``remedy``: what to do, if anything.
    """

    file: str
    state: str
    says: str
    remedy: str = ""


def check_run(path: Path) -> list[Finding]:
    """All files of the run in ``path``: what is good, and what is wrong with the rest.

    While a process trains the run its files change, so what then looks damaged is looked at
    again. Raises ``CheckpointError`` if the directory holds no run, or one of a newer format, and
    ``FileError`` if something may not be read.
    """
    for _ in range(3):
        training = files.Lock.held(path / ".lock")
        findings = list(_Check(path, training).all())
        if not training or all(finding.state != "damaged" for finding in findings):
            break
    return findings


class _Check:
    """One look at all files of a run."""

    def __init__(self, path: Path, training: bool) -> None:
        self.path, self.training = path, training
        try:
            self.names = sorted(os.listdir(path))  # noqa: PTH208
        except (OSError, ValueError):
            self.names = []
        self.steps = snapshot.step_names(self.names)
        if snapshot.RUN not in self.names and not self.steps:
            RunDir.open(path)  # says why it is no run
        self.seen = originals.witnesses(path)
        self.run: RunDir | None = None
        self.words = originals.words_among(self.names, self.seen)
        self.good: list[tuple[str, dict[str, Any]]] = []  # good snapshots and their states

    def all(self) -> Iterator[Finding]:
        yield self._original(snapshot.RUN)
        digest = None
        try:
            self.run = RunDir.open(self.path)
            self.words, digest = originals.words_of(self.run.run, self.path / snapshot.RUN)
            constant = self.run.constant()
        except NewerError:
            raise
        except CheckpointError:
            self.run, constant = None, {}
        yield self._original(self.words, digest)
        yield from self._kept()
        for name in self.steps:
            yield from self._snapshot(name, constant)
        if not self.steps:
            yield Finding("step-*", "note", "nothing was saved yet")
        yield from self._pointers()
        yield self._log()
        yield from self._leftovers()
        busy = (
            "a process is training this run" if self.training else "no process is training this run"
        )
        yield Finding(".lock", "note" if self.training else "ok", busy)

    def _original(self, name: str, digest: str | None = None) -> Finding:
        """``digest``: the SHA-256 that run.json says it has, where it says so."""
        try:
            original = originals.read(self.path, name, self.seen, digest)
            snapshot.json_object(original.data, str(self.path / name))
        except FileError as error:
            if not isinstance(error, CheckpointError) and not originals.is_damage(error):
                raise
            return Finding(name, "damaged", error.message, RESTORE)
        if original.step is not None:
            says = f"{original.wrong}; the copy in {original.step} is good"
            return Finding(name, "damaged", says, "Resuming the run puts the copy back.")
        found = snapshot.sha256(original.data)
        if digest not in (None, found):
            return Finding(name, "damaged", "doesn't match its SHA-256 in run.json", RESTORE)
        if self.seen and all(witness.digests.get(name) != found for witness in self.seen):
            says = "is not what the snapshots were saved with, and none has a good copy"
            return Finding(name, "damaged", says, RESTORE)
        recorded = "as the snapshots recorded it" if self.seen else "no snapshot has recorded it"
        return Finding(name, "ok", f"{len(original.data):,} bytes, {recorded}")

    def _kept(self) -> Iterator[Finding]:
        """The data, where the run keeps it because it couldn't be read again."""
        facts = self.run.run.get("kept") if self.run is not None else None
        if not isinstance(facts, dict):
            return
        sha256 = hashlib.sha256()
        try:
            with (self.path / newrun.KEPT).open("rb") as file:
                while data := file.read(2**20):
                    sha256.update(data)
        except FileNotFoundError:
            yield Finding(newrun.KEPT, "damaged", "is missing", RESTORE)
            return
        except OSError as error:
            raise files.file_error(error, self.path / newrun.KEPT, "read") from error
        if sha256.hexdigest() == facts.get("sha256"):
            yield Finding(newrun.KEPT, "ok", f"{facts.get('bytes'):,} bytes, as run.json has it")
        else:
            yield Finding(newrun.KEPT, "damaged", "doesn't match its SHA-256 in run.json", RESTORE)

    def _snapshot(self, name: str, constant: dict[str, str]) -> Iterator[Finding]:
        """Nothing if it was removed while it was read, or nothing is known of the run."""
        path = self.path / name
        try:
            if self.run is None:
                snapshot.read_state(path)
                says = f"can't be used without a good {snapshot.RUN} and {self.words}"
                yield Finding(name, "note", says)
                return
            state = snapshot.read(path, self.run.config, constant).state
        except NewerError:
            raise
        except CheckpointError as error:
            if path.exists():
                good = any(other != name for other in self.steps)
                remedy = (
                    "Resuming passes over it, and a later save removes it." if good else RESTORE
                )
                yield Finding(name, "damaged", error.message, remedy)
            return
        self.good.append((name, state))
        witness = originals.Witness(name, state["sha256"])
        copies = (snapshot.RUN, self.words)
        bad = [n for n in copies if originals.good_copy(self.path, n, witness) is None]
        if bad and "metrics_sha256" in state:
            says = f"its copy of {' and of '.join(bad)} is missing or damaged; the rest is good"
            yield Finding(name, "damaged", says, "The next saves will have good ones.")
        elif bad:
            says = f"good; saved by an older version, without copies of {' and '.join(copies)}"
            yield Finding(name, "note", says)
        else:
            yield Finding(name, "ok", "weights, optimiser, state and copies as recorded")

    def _pointers(self) -> Iterator[Finding]:
        """The files that name a step directory: ``latest``, and ``best`` where there is one."""
        yield from self._latest()
        if "best" in self.names:
            named, notices = originals.named_in(self.path, "best")
            if named is not None and named in self.steps:
                yield Finding("best", "ok", f"names {named}")
            else:
                says = " ".join(notices) or f"names {files.shown(named)}, which is not there"
                yield Finding("best", "damaged", says, "The next best save rewrites it.")

    def _latest(self) -> Iterator[Finding]:
        if not self.steps and "latest" not in self.names:
            return
        named, notices = originals.named_in(self.path, "latest")
        newest = self.steps[0].removesuffix(".old") if self.steps else None
        if named is None or named not in self.steps:
            says = " ".join(notices) or f"names {files.shown(named)}, which is not there"
            yield Finding("latest", "damaged", says, "The next save rewrites it.")
        elif named != newest:
            yield Finding("latest", "note", f"names {named}, though {newest} is newer")
        else:
            yield Finding("latest", "ok", f"names {named}")

    def _log(self) -> Finding:
        """metrics.jsonl against what the newest good snapshot recorded, and line by line."""
        step, state = self.good[0] if self.good else ("", {})
        recorded, digest = state.get("metrics_bytes", 0), state.get("metrics_sha256")
        path, remedy = (
            self.path / runlog.NAME,
            "The weights don't depend on it: the run can be resumed.",
        )
        if runlog.NAME not in self.names:
            if recorded:
                return Finding(runlog.NAME, "damaged", "is missing", remedy)
            return Finding(runlog.NAME, "ok", "nothing was logged yet")
        try:
            size, count, torn, bad, found = _read_log(path, recorded)
        except OSError as error:
            raise files.file_error(error, path, "read") from error
        wrong = [bad] if bad else []
        if size < recorded:
            wrong.append(f"has {size:,} bytes, fewer than the {recorded:,} at the save of {step}")
        elif digest is not None and found != digest:
            wrong.append(f"its first {recorded:,} bytes are not those at the save of {step}")
        if wrong:
            return Finding(runlog.NAME, "damaged", "; ".join(wrong), remedy)
        said = f"{count:,} lines"
        if digest is not None:
            said += f", the first {recorded:,} of {size:,} bytes as {step} recorded them"
        if torn and not self.training:
            return Finding(runlog.NAME, "note", f"{said}; the last line is cut off, as by a kill")
        return Finding(runlog.NAME, "ok", said)

    def _leftovers(self) -> Iterator[Finding]:
        for name in self.names:
            if name.startswith(files.TEMPORARY):
                left = "left by a process that was killed: the next training removes it"
                yield Finding(name, "note", "being written" if self.training else left)


def _read_log(path: Path, recorded: int) -> tuple[int, int, bool, str | None, str]:
    """What a log holds.

    Its size, how many whole lines, whether the last one is torn, what is wrong with the first bad
    one, and the SHA-256 of the first ``recorded`` bytes.
    """
    size = count = 0
    torn, bad, sha256 = False, None, hashlib.sha256()
    with path.open("rb") as file:
        while line := file.readline(_LINE_LIMIT):
            sha256.update(line[: max(0, recorded - size)])
            size += len(line)
            if not line.endswith(b"\n"):
                torn = True
                if len(line) == _LINE_LIMIT:
                    bad = bad or f"line {count + 1} has more than {_LINE_LIMIT:,} bytes"
                continue
            torn = False
            count += 1
            try:
                snapshot.json_object(line, f"line {count}")
            except CheckpointError as error:
                bad = bad or error.message.removesuffix(".")
    return size, count, torn, bad, sha256.hexdigest()

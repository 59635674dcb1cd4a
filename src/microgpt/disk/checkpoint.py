"""Runs on disk: one directory per run, from which training continues bit for bit.

::

    run.json             format, config, data, …: written once, never changed
    vocab.json           the tokenizer: characters; of byte pairs it is tokenizer.json
    metrics.jsonl        one JSON object per line, appended; the only file with times
    latest               the name of the newest step directory
    best                 the name of the one with the lowest held-out loss, if that is measured
    step-00000500/       weights.safetensors, optim.safetensors, state.json, and copies of
                         run.json and of the tokenizer's file
    .lock                locked while a process writes to the run

A step directory is filled as ``.tmp-step-…``, synced, renamed, and then ``latest`` is replaced.
So whatever carries a ``step-…`` name was complete once, and a process killed at any moment leaves
the snapshot before, the new one, or both. The last two are kept, and the one that ``best`` names.

Every byte of a snapshot is under a digest, run.json and the tokenizer's file too (``snapshot.py``).
One that doesn't match is passed over, with a notice; for those two a snapshot's copy is used
(``originals.py``). Nothing here is pickled.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import Any

from microgpt import files, leftovers
from microgpt.arrays import Arrays, Optim
from microgpt.config import Config
from microgpt.disk import newrun, originals, snapshot
from microgpt.disk.originals import Original, Stored
from microgpt.disk.runlog import RunLog
from microgpt.disk.snapshot import RESTORE, NewerError, step_of
from microgpt.disk.snapshot import Snapshot as Snapshot
from microgpt.errors import CheckpointError, FileError, MicrogptError
from microgpt.files import TEMPORARY, Lock

KEEP = 2
"""How many step directories stay, the best one aside."""

_OWN = (f"{TEMPORARY}step-", f"{TEMPORARY}gone-")  # directories that only RunDir makes


class RunDir:
    """A run's directory.

    ``path``: where it is. ``run``: the content of run.json, which never changes. ``config``: the
    ``Config`` in it. ``words``: the name of the tokenizer's file.

    The first call that writes takes the run's lock: from then on other processes that want to
    write get a ``FileError``. It is released by ``close``, and with the object or the process.
    """

    def __init__(self, path: Path, run: dict[str, Any]) -> None:
        self.path = path
        self.run = run
        self.config = originals.config_of(run, path / "run.json")
        self.words, self._digest = originals.words_of(run, path / "run.json")
        self._lock: Lock | None = None
        self._damaged: set[str] = set()
        self._log = RunLog(path)
        self._originals: dict[str, Original] = {}

    @classmethod
    def create(
        cls,
        path: str | os.PathLike[str],
        run: dict[str, Any],
        vocab: dict[str, Any] | Stored,
        kept: bytes | None = None,
    ) -> RunDir:
        """Start a run in a new or empty directory; run.json is written last (``newrun.prepare``).

        Raises ``FileError`` if the directory holds a run or anything else (what a creation killed
        half-way leaves is accepted), or can't be written.
        """
        facts, parts = newrun.prepare(run, vocab, kept)
        self = cls(Path(path), facts)
        files.make_directories(self.path)
        newrun.check_vacant(self.path, self._names())
        self.lock()
        newrun.check_vacant(self.path, self._names())  # another process may have been quicker
        for name in newrun.PARTS & set(self._names()) - set(parts):  # of a creation that was killed
            leftovers.remove(self.path / name)
        for name, data in parts.items():
            files.write_atomic(self.path / name, data)
            if name != newrun.KEPT:
                self._originals[name] = Original(data)
        return self

    @classmethod
    def create_numbered(
        cls,
        folder: Path,
        stem: str,
        run: dict[str, Any],
        vocab: dict[str, Any] | Stored,
        kept: bytes | None = None,
    ) -> RunDir:
        """``create`` in ``folder/stem-n``, n one above all those there.

        However many processes do this at once, each gets a directory of its own. Raises what
        ``create`` raises; the directory is then gone again.
        """
        path = newrun.next_directory(folder, stem)
        try:
            return cls.create(path, run, vocab, kept)
        except MicrogptError:
            for name in (*newrun.PARTS, ".lock"):
                leftovers.remove(path / name)
            with contextlib.suppress(OSError):
                path.rmdir()
            raise

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> RunDir:
        """A run that exists.

        If run.json or the tokenizer's file is missing, damaged or not what the snapshots were
        saved with, a snapshot's copy of it is used; ``load`` has the line that says so, and the
        first call that writes puts it back.

        Raises ``CheckpointError`` if the directory holds no run, run.json is damaged and has no
        good copy, or its format is newer than this program's.
        """
        path = Path(path)
        try:
            found = originals.read(path, snapshot.RUN, originals.witnesses(path))
        except FileError as error:
            if files.errno_of(error) in (errno.ENOENT, errno.ENOTDIR):
                there = "holds no run (no run.json)" if path.exists() else "does not exist"
                raise CheckpointError(
                    f"{path} {there}.", "Give the directory that train --out wrote."
                ) from error
            raise
        run = snapshot.json_object(found.data, where := str(path / snapshot.RUN))
        snapshot.check_format(run, where)
        self = cls(path, run)
        self._originals[snapshot.RUN] = found
        return self

    @cached_property
    def vocab(self) -> dict[str, Any]:
        """The content of the tokenizer's file.

        Raises ``FileError`` if it is missing, ``CheckpointError`` if it is no JSON object.
        """
        name, data = self.stored
        return snapshot.json_object(data, str(self.path / name))

    @property
    def stored(self) -> Stored:
        """The tokenizer's file, by name and content, as it was when this object first saw it.

        Raises ``FileError`` if it is missing, ``CheckpointError`` if it isn't what run.json says
        the run began with.
        """
        data = self._original(self.words).data
        if self._digest not in (None, found := snapshot.sha256(data)):
            raise CheckpointError(
                f"{self.path / self.words} isn't the tokenizer that the run began with: its "
                f"SHA-256 is {found[:12]}…, run.json has {str(self._digest)[:12]}….",
                RESTORE,
            )
        return self.words, data

    def _original(self, name: str) -> Original:
        """run.json or the tokenizer's file, as it was when this object first saw it."""
        if name not in self._originals:
            seen = originals.witnesses(self.path)
            if (run := self._originals.get(snapshot.RUN)) is not None:
                found = snapshot.sha256(run.data)
                seen = [w for w in seen if w.digests.get(snapshot.RUN) == found]
            digest = self._digest if name == self.words else None
            self._originals[name] = originals.read(self.path, name, seen, digest)
            if self._lock is not None:
                self._mend()
        return self._originals[name]

    def _mend(self) -> None:
        """Put good copies of run.json and of the tokenizer's file back in their place."""
        for name, original in self._originals.items():
            if original.step is not None and not original.mended:
                files.write_atomic(self.path / name, original.data)
                original.mended = True

    # ------------------------------------------------------------ lock

    def lock(self) -> None:
        """Be the only process that writes to this run, until ``close``; called by all that write.

        Readers need no lock. Raises ``FileError`` if another process has it. Where the file system
        doesn't support locks, this does nothing.
        """
        if self._lock is None:
            self._lock = Lock.take(
                self.path / ".lock", f"Another process is training the run in {self.path}."
            )
            if self._lock.sure:
                self._sweep()
            self._mend()

    def close(self) -> None:
        """Release the lock (other objects of this process on the same run keep it)."""
        self._lock = None

    def __enter__(self) -> RunDir:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # ------------------------------------------------------------ snapshots

    def save(
        self,
        step: int,
        weights: Arrays,
        optim: Optim,
        state: dict[str, Any],
        *,
        best: bool = False,
    ) -> Path:
        """Save a snapshot and return its directory; the one before it stays, older ones go.

        ``state``: what else is needed to continue; JSON values. ``best``: this is the best one so
        far, and stays until another is; the step may have been saved already. Raises
        ``NumbersError`` if a number isn't finite and ``FileError`` if the disk is full or
        read-only; whatever was saved before is then still there.
        """
        self.lock()
        self._log.sync()
        metrics = self._log.size, self._log.digest(self._log.size) or ""
        same = {name: self._original(name).data for name in (snapshot.RUN, self.words)}
        parts = snapshot.pack(self.config, Snapshot(step, weights, optim, state), metrics, same)
        path = self.path / f"step-{step:08d}"
        temporary = self.path / f"{TEMPORARY}{path.name}-{os.urandom(6).hex()}"
        try:
            if not snapshot.holds(path, parts):
                temporary.mkdir()
                for name, data in parts.items():
                    files.write_synced(temporary / name, data)
                files.sync_directory(temporary)
                self._make_way(path)
                temporary.rename(path)
                files.sync_directory(self.path)
        except OSError as error:
            raise files.file_error(error, path, "write") from error
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
        self._damaged.discard(path.name)
        for name in ("latest", "best") if best else ("latest",):
            files.write_atomic(self.path / name, f"{path.name}\n".encode())
        self._prune(step)
        return path

    def constant(self) -> dict[str, str]:
        """SHA-256 of run.json and the tokenizer's file; ``CheckpointError`` if one is lost."""
        digests = {}
        for name in (snapshot.RUN, self.words):
            try:
                digests[name] = snapshot.sha256(self._original(name).data)
            except FileError as error:
                if files.errno_of(error) in snapshot.DAMAGE:
                    raise CheckpointError(error.message, RESTORE) from error
                raise
        return digests

    def _make_way(self, path: Path) -> None:
        """Free the name of a step directory.

        A good one of the same step is named ``.old`` until its successor is there; ``load`` knows
        that name, so there is no moment without a complete one.
        """
        old = path.with_name(f"{path.name}.old")
        if not path.exists():
            return
        try:
            snapshot.read(path, self.config, self.constant())
        except NewerError:
            raise
        except CheckpointError:
            leftovers.discard(path)
        else:
            if old.exists():
                leftovers.discard(old)
            path.rename(old)

    def _prune(self, step: int) -> None:
        """Remove all but the newest step directories, the best, and what killed processes left.

        Directories of later steps are damaged ones that ``load`` passed over, or those of a caller
        that went back to an earlier step. What can't be removed (a file open on Windows) stays for
        the next time.
        """
        with contextlib.suppress(OSError, FileError):
            found = self._step_names()
            good = [n for n in found if not n.endswith(".old") and n not in self._damaged]
            keep = [n for n in good if step_of(n) <= step][:KEEP]
            best, _ = originals.named_in(self.path, "best")
            if best in good:
                keep.append(best)
            elif best is not None:
                leftovers.remove(self.path / "best")
            for name in found:
                if name not in keep:
                    leftovers.discard(self.path / name)
            self._sweep()

    def _sweep(self) -> None:
        """Remove what killed processes left here. The lock is ours, so all directories are dead."""
        with contextlib.suppress(FileError):
            for name in self._names():
                if name.startswith(_OWN):
                    leftovers.remove(self.path / name)
                elif name.startswith(TEMPORARY):
                    leftovers.remove_dead(self.path / name)

    def load(self) -> tuple[Snapshot | None, list[str]]:
        """The newest good snapshot, and one line for each thing that was found damaged.

        None if none was ever saved. ``metrics.jsonl`` is not touched: see ``rewind_metrics``; who
        holds the lock, and so continues the run, is also told if it isn't what was saved. Raises
        ``CheckpointError`` if there are snapshots but none is good, or if they are of a newer
        format; ``FileError`` if they can't be read.
        """
        for _ in range(10):
            names = self._step_names()
            try:
                return self._load(names)
            except _VanishedError:  # we are a reader, and the trainer has just saved another
                continue
        return self._load(names)

    def _load(self, names: list[str]) -> tuple[Snapshot | None, list[str]]:
        """``load`` from the step directories ``names``, newest first."""
        latest, notices = self._latest()
        if not names:
            if latest is None and not notices:
                return None, []
            raise CheckpointError(
                f"{self.path} has lost its snapshots: `latest` is there, but no step directory.",
                RESTORE,
            )
        best, _ = originals.named_in(self.path, "best")
        if best in names and latest in names and step_of(best) > step_of(latest):
            # The trainer has gone back to before it: `best` is written after `latest`.
            names = [*(n for n in names if step_of(n) != step_of(best)), best]
        if latest is not None and latest not in names:
            notices.append(f"`latest` names {files.shown(latest)}, which is not there.")
        constant = self.constant()
        for name in names:
            try:
                found = snapshot.read(self.path / name, self.config, constant)
            except NewerError:
                raise
            except CheckpointError as error:
                if not (self.path / name).exists():
                    raise _VanishedError(f"{self.path / name} was removed.", RESTORE) from error
                notices.append(f"{name} is damaged: {error.message}")
                self._damaged.add(name)
                continue
            if latest is not None and latest in names[names.index(name) + 1 :]:
                notices.append(f"`latest` names {latest}, but {name} is complete and newer.")
            notices += self._log.notices(found.state, read=self._lock is not None)
            if notices:
                notices[-1] += f" {name} is used."
            copies = [o.notice(n) for n, o in self._originals.items()]
            return found, [*filter(None, copies), *notices]
        raise CheckpointError(f"No snapshot in {self.path} is good: {' '.join(notices)}", RESTORE)

    def load_best(self) -> tuple[Snapshot | None, list[str]]:
        """The snapshot that was saved as the best, and notices as from ``load``.

        None if no save was the best. Where the best is damaged or gone, the newest good one comes
        in its place, and a line says so; its ``step`` says which it is. Raises what ``load``
        raises.
        """
        for _ in range(10):
            named, notices = originals.named_in(self.path, "best")
            if notices == ["`best` is missing."]:
                return None, []
            if named is None:
                break
            constant = self.constant()
            problem = ""
            for name in (named, f"{named}.old"):
                try:
                    found = snapshot.read(self.path / name, self.config, constant)
                except NewerError:
                    raise
                except CheckpointError as error:
                    problem = problem or error.message
                else:
                    copies = [o.notice(n) for n, o in self._originals.items()]
                    return found, [*filter(None, copies)]
            there = (self.path / named).exists()
            says = f"which is damaged: {problem}" if there else "which is not there."
            notices = [f"`best` names {named}, {says}"]
            if there:
                self._damaged.add(named)
                break
            # We may be a reader, and the trainer has just saved a better one: look again.
        found_newest, more = self.load()
        if found_newest is not None:
            notices[-1] += f" step-{found_newest.step:08d} is used in its place."
        return found_newest, [*notices, *more]

    @property
    def best_step(self) -> int | None:
        """The step that was saved as the best; None if there is none, or it is known to be lost."""
        named, _ = originals.named_in(self.path, "best")
        if named is None or named in self._damaged:
            return None
        there = any((self.path / name).is_dir() for name in (named, f"{named}.old"))
        return step_of(named) if there else None

    def _latest(self) -> tuple[str | None, list[str]]:
        """What the file ``latest`` says, or None and a notice."""
        found, notices = originals.named_in(self.path, "latest")
        # Between the first rename and the first `latest` a run has one step directory.
        if notices == ["`latest` is missing."] and len(self._step_names()) < 2:
            return None, []
        return found, notices

    def _names(self) -> list[str]:
        try:
            return os.listdir(self.path)  # noqa: PTH208
        except OSError as error:
            raise files.file_error(error, self.path, "read") from error

    def _step_names(self) -> list[str]:
        return snapshot.step_names(self._names())

    # ------------------------------------------------------------ metrics

    @property
    def metrics_size(self) -> int:
        """Length of metrics.jsonl in bytes; 0 if there is none."""
        return self._log.size

    def log(self, lines: Iterable[dict[str, Any]]) -> None:
        """Append one line of JSON per object to metrics.jsonl, all or none.

        Raises ``FileError`` if it can't be written, ``NumbersError`` for NaN.
        """
        data = "".join(files.dump_json(line) + "\n" for line in lines).encode()
        if data:
            self.lock()
            self._log.append(data)

    def metrics(self) -> list[dict[str, Any]]:
        """All lines of metrics.jsonl; a last line that was cut off by a kill is left out.

        Raises ``CheckpointError`` that names the line if another one is damaged.
        """
        return self._log.lines()

    def rewind_metrics(self, size: int) -> None:
        """Cut metrics.jsonl to ``size`` bytes (a snapshot's ``metrics_bytes``), at a line's end.

        A file that is shorter loses at most its torn last line. Raises ``FileError``.
        """
        self.lock()
        self._log.rewind(size)


class _VanishedError(CheckpointError):
    """A step directory was removed while it was read: look again."""


def _demo() -> None:
    """Save twice, flip one bit of the newer snapshot, and load what is left."""
    import tempfile

    import numpy as np

    config = Config(n_embd=4, n_head=2, block_size=4, vocab_size=3)
    weights: Arrays = {name: np.zeros(size) for name, size in config.shapes().items()}
    content = {"config": config.to_dict()}
    with tempfile.TemporaryDirectory() as folder, RunDir.create(folder, content, {}) as run:
        for step in (0, 1):
            newest = run.save(step, weights, Optim(step=step), {})
            print(f"saved {newest.name}: {' '.join(sorted(p.name for p in newest.iterdir()))}")
        damaged = newest / "weights.safetensors"
        damaged.write_bytes(damaged.read_bytes()[:-1] + b"\x01")
        print("one bit flipped in the newer one; loading:")
        for notice in run.load()[1]:
            print(f"  {notice.replace(folder, '...')}")


if __name__ == "__main__":
    _demo()

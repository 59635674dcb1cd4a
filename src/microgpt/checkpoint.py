"""Runs on disk: one directory a run, from which training continues bit for bit.

::

    run.json             format, config, data, …: written once, constant
    vocab.json           the tokenizer
    metrics.jsonl        one JSON object a line, appended; the only file with times
    latest               the name of the newest step directory
    step-00000500/       weights.safetensors, optim.safetensors, state.json
    .lock                locked while a process writes to the run

A step directory is filled as ``.tmp-step-…``, synced, renamed, and then ``latest`` is replaced.
So whatever carries a ``step-…`` name was complete once, and a process killed at any moment leaves
the snapshot before, the new one, or both. The last two are kept.

Every byte of a snapshot is under a digest, run.json and vocab.json too (``snapshot.py``). One that
doesn't match is passed over, and said so. Nothing here is pickled.
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

from microgpt import files, snapshot
from microgpt.arrays import Arrays, Optim
from microgpt.config import Config
from microgpt.errors import CheckpointError, FileError, InputError
from microgpt.files import TEMPORARY, Lock
from microgpt.snapshot import FORMAT, JSON_LIMIT, RESTORE, NewerError, step_of
from microgpt.snapshot import Snapshot as Snapshot

KEEP = 2
"""How many step directories stay."""

VOCAB_LIMIT = 64 * 2**20  # bytes of vocab.json
METRICS_LIMIT = 2**32


class RunDir:
    """A run's directory.

    ``path``: where. ``run``: the content of run.json, constant. ``config``: the ``Config`` in it.

    The first call that writes takes the run's lock: from then on other processes that want to
    write get a ``FileError``. It goes with ``close``, with the object, and with the process.
    """

    def __init__(self, path: Path, run: dict[str, Any]) -> None:
        self.path = path
        self.run = run
        self.config = _config_of(run, path / "run.json")
        self._lock: Lock | None = None
        self._damaged: set[str] = set()
        self._tail_checked = False
        self._digests: dict[str, str] = {}

    @classmethod
    def create(
        cls,
        path: str | os.PathLike[str],
        run: dict[str, Any],
        vocab: dict[str, Any],
        *,
        kept: bytes | None = None,
    ) -> RunDir:
        """Start a run in a new or empty directory: writes vocab.json, then run.json.

        ``kept``: the data itself, where it came through a pipe; it goes into ``data.txt``.

        ``run`` holds at least ``config`` (the fields of ``Config``). Raises ``FileError`` if the
        directory holds a run or anything else (what a creation killed half-way leaves is
        accepted), or can't be written.
        """
        self = cls(Path(path), {**{"format": FORMAT}, **run, "format": FORMAT})
        content = files.dump_json(self.run, indent=2) + "\n"
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except FileExistsError as error:
            raise FileError(
                f"{path} is a file, a run needs a directory.", "Choose another --out."
            ) from error
        except (OSError, ValueError) as error:
            raise files.file_error(error, self.path, "make the directory") from error
        self._check_vacant()
        self.lock()
        self._check_vacant()  # another process may have been quicker
        if kept is not None:
            files.write_atomic(self.path / "data.txt", kept)
        words = files.dump_json(vocab) + "\n"
        for name, text in (("vocab.json", words), ("run.json", content)):
            files.write_atomic(self.path / name, text.encode())
            self._digests[name] = snapshot.sha256(text.encode())
        return self

    def _check_vacant(self) -> None:
        names = self._names()
        if "run.json" in names:
            raise FileError(
                f"{self.path} already holds a run.",
                f"Continue it with --resume {self.path}, or choose another --out.",
            )
        other = [
            n
            for n in names
            if n not in ("vocab.json", "data.txt", ".lock") and not _is_temporary(n)
        ]
        if other:
            raise FileError(
                f"{self.path} is not empty: it holds {files.shown(min(other))}"
                + (f" and {len(other) - 1} more." if len(other) > 1 else "."),
                "Choose another --out.",
            )

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> RunDir:
        """A run that exists.

        Raises ``CheckpointError`` if the directory holds no run, run.json is damaged, or its
        format is newer than this program's.
        """
        path = Path(path)
        name = path / "run.json"
        try:
            data = files.read_bytes(name, JSON_LIMIT)
        except FileError as error:
            if files.errno_of(error) in (errno.ENOENT, errno.ENOTDIR):
                there = "holds no run (no run.json)" if path.exists() else "does not exist"
                raise CheckpointError(
                    f"{path} {there}.", "Give the directory that train --out wrote."
                ) from error
            raise
        run = snapshot.json_object(data, str(name))
        snapshot.check_format(run, str(name))
        self = cls(path, run)
        self._digests["run.json"] = snapshot.sha256(data)
        return self

    @cached_property
    def vocab(self) -> dict[str, Any]:
        """The content of vocab.json. Raises ``FileError`` if missing, ``CheckpointError``."""
        name = self.path / "vocab.json"
        data = files.read_bytes(name, VOCAB_LIMIT)
        if self._digests.setdefault("vocab.json", snapshot.sha256(data)) != snapshot.sha256(data):
            raise CheckpointError(f"{name} has changed since it was saved.", RESTORE)
        return snapshot.json_object(data, str(name))

    # ------------------------------------------------------------ lock

    def lock(self) -> None:
        """Be the only process that writes to this run, until ``close``; called by all that write.

        Readers need no lock. Raises ``FileError`` if another process has it. Where the file
        system knows no locks, this does nothing.
        """
        if self._lock is None:
            self._lock = Lock.take(
                self.path / ".lock", f"Another process is training the run in {self.path}."
            )

    def close(self) -> None:
        """Give the lock back (other objects of this process on the same run keep it)."""
        self._lock = None

    def __enter__(self) -> RunDir:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # ------------------------------------------------------------ snapshots

    def save(self, step: int, weights: Arrays, optim: Optim, state: dict[str, Any]) -> Path:
        """Save a snapshot and return its directory; the one before stays, older ones go.

        ``state``: what else is needed to continue; JSON values. Raises ``NumbersError`` if a
        number isn't finite and ``FileError`` if the disk is full or read-only; whatever was saved
        before is then still there.
        """
        self.lock()
        self._sync_metrics()
        parts = snapshot.pack(
            self.config,
            Snapshot(step, weights, optim, state),
            self.metrics_size,
            self._constant(),
        )
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
        files.write_atomic(self.path / "latest", f"{path.name}\n".encode())
        self._damaged.discard(path.name)
        self._prune(step)
        return path

    def _constant(self) -> dict[str, str]:
        """SHA-256 of run.json and vocab.json, as they were when this object first saw them."""
        for name, limit in (("run.json", JSON_LIMIT), ("vocab.json", VOCAB_LIMIT)):
            if name not in self._digests:
                self._digests[name] = snapshot.sha256(snapshot.content_of(self.path / name, limit))
        return {name: self._digests[name] for name in ("run.json", "vocab.json")}

    def _make_way(self, path: Path) -> None:
        """Free the name of a step directory.

        A good one of the same step goes by ``.old`` until its successor is there; ``load`` knows
        that name, so there is no moment without a complete one.
        """
        old = path.with_name(f"{path.name}.old")
        if not path.exists():
            return
        try:
            snapshot.read(path, self.config, self._constant())
        except NewerError:
            raise
        except CheckpointError:
            _discard(path)
        else:
            if old.exists():
                _discard(old)
            path.rename(old)

    def _prune(self, step: int) -> None:
        """Remove all but the newest step directories and what killed processes left.

        Directories of later steps are damaged ones that ``load`` passed over. What can't be
        removed (a file open on Windows) stays for the next time.
        """
        with contextlib.suppress(OSError):
            found = self._step_names()
            keep = [n for n in found if not n.endswith(".old") and n not in self._damaged]
            keep = [n for n in keep if step_of(n) <= step][:KEEP]
            for name in found:
                if name not in keep:
                    _discard(self.path / name)
            for name in self._names():
                if _is_temporary(name):
                    _remove(self.path / name)

    def load(self) -> tuple[Snapshot | None, list[str]]:
        """The newest good snapshot, and one line for each thing that was found damaged.

        None if none was ever saved. ``metrics.jsonl`` is not touched: see ``rewind_metrics``.
        Raises ``CheckpointError`` if there are snapshots but none is good, or if they are of a
        newer format; ``FileError`` if they can't be read.
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
        if latest is not None and latest not in names:
            notices.append(f"`latest` names {files.shown(latest)}, which is not there.")
        for name in names:
            try:
                found = snapshot.read(self.path / name, self.config, self._constant())
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
            if found.state["metrics_bytes"] > self.metrics_size:
                notices.append("metrics.jsonl is shorter than at the save: some of it is lost.")
            if notices:
                notices[-1] += f" {name} is used."
            return found, notices
        raise CheckpointError(f"No snapshot in {self.path} is good: {' '.join(notices)}", RESTORE)

    def _latest(self) -> tuple[str | None, list[str]]:
        """What the file ``latest`` says, or None and a notice."""
        try:
            text = files.read_bytes(self.path / "latest", 4096).decode("ascii").strip()
        except FileError as error:
            if files.errno_of(error) != errno.ENOENT and not isinstance(error, CheckpointError):
                raise
            missing = files.errno_of(error) == errno.ENOENT
            # Between the first rename and the first `latest` a run has one step directory.
            if missing and len(self._step_names()) < 2:
                return None, []
            return None, ["`latest` is missing." if missing else "`latest` is damaged."]
        except UnicodeDecodeError:
            return None, ["`latest` is damaged."]
        if not snapshot.NAME.fullmatch(text):
            return None, ["`latest` is damaged."]
        return text, []

    def _names(self) -> list[str]:
        try:
            return os.listdir(self.path)  # noqa: PTH208
        except OSError as error:
            raise files.file_error(error, self.path, "read") from error

    def _step_names(self) -> list[str]:
        """Names of the step directories, newest first; of one step, ``.old`` last."""
        names = [n for n in self._names() if snapshot.NAME.fullmatch(n)]
        return sorted(names, key=lambda n: (-step_of(n), n))

    # ------------------------------------------------------------ metrics

    @property
    def metrics_size(self) -> int:
        """Length of metrics.jsonl in bytes; 0 if there is none."""
        try:
            return (self.path / "metrics.jsonl").stat().st_size
        except FileNotFoundError:
            return 0
        except OSError as error:
            raise files.file_error(error, self.path / "metrics.jsonl", "read") from error

    def log(self, lines: Iterable[dict[str, Any]]) -> None:
        """Append one line of JSON per object to metrics.jsonl, all or none.

        Raises ``FileError`` if it can't be written, ``NumbersError`` for NaN.
        """
        data = "".join(files.dump_json(line) + "\n" for line in lines).encode()
        if not data:
            return
        self.lock()
        if not self._tail_checked:
            self.rewind_metrics(self.metrics_size)
        path, size = self.path / "metrics.jsonl", self.metrics_size
        try:
            files.write_synced(path, data, append=True)
        except OSError as error:
            with contextlib.suppress(OSError):
                os.truncate(path, size)
            raise files.file_error(error, path, "write") from error

    def metrics(self) -> list[dict[str, Any]]:
        """All lines of metrics.jsonl; a last line that was cut off by a kill is left out.

        Raises ``CheckpointError`` that names the line if another one is damaged.
        """
        path = self.path / "metrics.jsonl"
        if not self.metrics_size:
            return []
        lines = files.read_bytes(path, METRICS_LIMIT).split(b"\n")
        remedy = "Remove that line; the weights don't depend on it."
        return [
            snapshot.json_object(line, f"Line {i} of {path}", remedy)
            for i, line in enumerate(lines[:-1], 1)
        ]

    def rewind_metrics(self, size: int) -> None:
        """Cut metrics.jsonl to ``size`` bytes (a snapshot's ``metrics_bytes``), at a line's end.

        A file that is shorter loses at most its torn last line. Raises ``FileError``.
        """
        self.lock()
        path = self.path / "metrics.jsonl"
        self._tail_checked = True
        if not self.metrics_size:
            return
        try:
            with path.open("rb+") as file:
                at = min(size, self.metrics_size)
                while at > 0:  # back to the last line's end
                    start = max(0, at - 65_536)
                    file.seek(start)
                    end = file.read(at - start).rfind(b"\n")
                    at = start + end + 1
                    if end >= 0:
                        break
                file.truncate(at)
        except OSError as error:
            raise files.file_error(error, path, "write") from error

    def _sync_metrics(self) -> None:
        """Let the disk have metrics.jsonl, so that ``metrics_bytes`` is true after a power cut."""
        path = self.path / "metrics.jsonl"
        if not self.metrics_size:
            return
        try:
            with path.open("rb+") as file:
                os.fsync(file.fileno())
        except OSError as error:
            raise files.file_error(error, path, "write") from error


class _VanishedError(CheckpointError):
    """A step directory was removed while it was read: look again."""


def _config_of(run: dict[str, Any], where: Path) -> Config:
    """The run's configuration. Raises ``CheckpointError`` that names the key that doesn't fit."""
    values = run.get("config")
    if not isinstance(values, dict):
        raise CheckpointError(f"{where} has no object named config.", RESTORE)
    unknown = sorted(set(values) - set(Config.__dataclass_fields__))
    if unknown:
        raise CheckpointError(
            f"{where}: config has the unknown key {files.shown(unknown[0])}.",
            "Update microgpt, or use the version that wrote the run.",
        )
    try:
        return Config(**values)
    except InputError as error:
        raise CheckpointError(f"{where}: {error.message}", error.remedy or RESTORE) from error


def _is_temporary(name: str) -> bool:
    return name.startswith(TEMPORARY)


def _discard(path: Path) -> None:
    """Remove a directory so that no half of it ever carries its name."""
    gone = path.with_name(f"{TEMPORARY}gone-{os.urandom(6).hex()}")
    path.rename(gone)
    _remove(gone)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with contextlib.suppress(OSError):
            path.unlink()


def _demo() -> None:
    """Save twice, flip one bit of the newer snapshot, and load what is left."""
    import tempfile

    import numpy as np

    config = Config(n_embd=4, n_head=2, block_size=4, vocab_size=3)
    weights: Arrays = {name: np.zeros(shape) for name, shape in config.shapes().items()}
    with tempfile.TemporaryDirectory() as folder:
        vocab = {"type": "character", "uchars": ["a", "b"], "bos": 2}
        with RunDir.create(Path(folder) / "run", {"config": config.to_dict()}, vocab) as run:
            for step in (0, 1):
                newest = run.save(step, weights, Optim(step=step), {})
                print(f"saved {newest.name}: {' '.join(sorted(p.name for p in newest.iterdir()))}")
            damaged = newest / "weights.safetensors"
            damaged.write_bytes(damaged.read_bytes()[:-1] + b"\x01")
            print("one bit flipped in the newer one; loading:")
            snapshot, notices = run.load()
            for notice in notices:
                print(f"  {notice.replace(folder, '...')}")
            assert snapshot is not None
            print(f"step {snapshot.step} it is")


if __name__ == "__main__":
    _demo()

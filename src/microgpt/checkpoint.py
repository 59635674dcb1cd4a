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

Every byte of a snapshot is under a digest: state.json lists the SHA-256 of the two safetensors
files and of run.json and vocab.json, and its own last line, ``"digest": "…"``, is the SHA-256 of
all bytes of state.json before that line. A snapshot that doesn't match is passed over, and said
so. Nothing here is pickled.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import re
import secrets
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from microgpt import files
from microgpt.config import Config
from microgpt.engines.base import Arrays, Optim
from microgpt.errors import CheckpointError, FileError, InputError, NumbersError
from microgpt.files import TEMPORARY, Lock

FORMAT = 1
"""The format number that this program writes, and the highest that it reads."""

KEEP = 2
"""How many step directories stay."""

JSON_LIMIT = 16 * 2**20  # bytes of run.json, state.json or latest
VOCAB_LIMIT = 64 * 2**20
METRICS_LIMIT = 2**32

WEIGHTS, OPTIM, STATE = "weights.safetensors", "optim.safetensors", "state.json"
_STEP_NAME = re.compile(r"step-(\d{8,13})(\.old)?")
_RESERVED = ("format", "step", "optim_step", "metrics_bytes", "sha256", "digest")
_RESTORE = "Restore the directory from a copy, or train again into another --out."


@dataclass
class Snapshot:
    """A moment of a run.

    ``step``: training steps done. ``weights``: arrays by state-dict name, in the dtype they had.
    ``state``: the content of state.json; what the trainer passed plus ``format``, ``step``,
    ``optim_step``, ``metrics_bytes`` (length of metrics.jsonl then) and ``sha256``.
    """

    step: int
    weights: Arrays
    optim: Optim
    state: dict[str, Any]


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
        cls, path: str | os.PathLike[str], run: dict[str, Any], vocab: dict[str, Any]
    ) -> RunDir:
        """Start a run in a new or empty directory: writes vocab.json, then run.json.

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
        words = files.dump_json(vocab) + "\n"
        for name, text in (("vocab.json", words), ("run.json", content)):
            files.write_atomic(self.path / name, text.encode())
            self._digests[name] = _sha256(text.encode())
        return self

    def _check_vacant(self) -> None:
        names = self._names()
        if "run.json" in names:
            raise FileError(
                f"{self.path} already holds a run.",
                f"Continue it with --resume {self.path}, or choose another --out.",
            )
        other = [n for n in names if n not in ("vocab.json", ".lock") and not _is_temporary(n)]
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
            if _number(error) in (errno.ENOENT, errno.ENOTDIR):
                there = "holds no run (no run.json)" if path.exists() else "does not exist"
                raise CheckpointError(
                    f"{path} {there}.", "Give the directory that train --out wrote."
                ) from error
            raise
        run = _object(data, str(name))
        _check_format(run, str(name))
        self = cls(path, run)
        self._digests["run.json"] = _sha256(data)
        return self

    @cached_property
    def vocab(self) -> dict[str, Any]:
        """The content of vocab.json. Raises ``FileError`` if missing, ``CheckpointError``."""
        name = self.path / "vocab.json"
        data = files.read_bytes(name, VOCAB_LIMIT)
        if self._digests.setdefault("vocab.json", _sha256(data)) != _sha256(data):
            raise CheckpointError(f"{name} has changed since it was saved.", _RESTORE)
        return _object(data, str(name))

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
        parts = self._serialize(step, weights, optim, state)
        path = self.path / f"step-{step:08d}"
        temporary = self.path / f"{TEMPORARY}{path.name}-{secrets.token_hex(6)}"
        try:
            if not _holds(path, parts):
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

    def _serialize(
        self, step: int, weights: Arrays, optim: Optim, state: dict[str, Any]
    ) -> dict[str, bytes]:
        """The three files of a step directory by name."""
        assert {n: a.shape for n, a in weights.items()} == self.config.shapes()
        moments = {f"m.{n}": a for n, a in optim.m.items()}
        moments |= {f"v.{n}": a for n, a in optim.v.items()}
        assert not moments or set(optim.m) == set(optim.v) == set(weights)
        bad = files.first_not_finite(weights) or files.first_not_finite(moments)
        if bad is not None:
            raise NumbersError(
                f"{bad} is no longer finite after step {step}: it is not saved.",
                "Continue from the last save with a lower --lr.",
            )
        parts = {WEIGHTS: files.pack_tensors(weights), OPTIM: files.pack_tensors(moments)}
        digests = {name: _sha256(data) for name, data in parts.items()} | self._constant()
        self._sync_metrics()
        content = {
            "format": FORMAT,
            "step": step,
            "optim_step": optim.step,
            **{key: value for key, value in state.items() if key not in _RESERVED},
            "metrics_bytes": self.metrics_size,
            "sha256": digests,
        }
        lines = [f"  {files.dump_json(k)}: {files.dump_json(v)},\n" for k, v in content.items()]
        head = "".join(["{\n", *lines]).encode()
        parts[STATE] = head + _digest_line(head)
        return parts

    def _constant(self) -> dict[str, str]:
        """SHA-256 of run.json and vocab.json, as they were when this object first saw them."""
        for name, limit in (("run.json", JSON_LIMIT), ("vocab.json", VOCAB_LIMIT)):
            if name not in self._digests:
                self._digests[name] = _sha256(_content(self.path / name, limit))
        return self._digests

    def _make_way(self, path: Path) -> None:
        """Free the name of a step directory.

        A good one of the same step goes by ``.old`` until its successor is there; ``load`` knows
        that name, so there is no moment without a complete one.
        """
        old = path.with_name(f"{path.name}.old")
        if not path.exists():
            return
        try:
            self._read(path)
        except _NewerError:
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
            keep = [n for n in keep if _step_of(n) <= step][:KEEP]
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
                _RESTORE,
            )
        if latest is not None and latest not in names:
            notices.append(f"`latest` names {files.shown(latest)}, which is not there.")
        for name in names:
            try:
                snapshot = self._read(self.path / name)
            except _NewerError:
                raise
            except CheckpointError as error:
                if not (self.path / name).exists():
                    raise _VanishedError(f"{self.path / name} was removed.", _RESTORE) from error
                notices.append(f"{name} is damaged: {error.message}")
                self._damaged.add(name)
                continue
            if latest is not None and latest in names[names.index(name) + 1 :]:
                notices.append(f"`latest` names {latest}, but {name} is complete and newer.")
            if snapshot.state["metrics_bytes"] > self.metrics_size:
                notices.append("metrics.jsonl is shorter than at the save: some of it is lost.")
            if notices:
                notices[-1] += f" {name} is used."
            return snapshot, notices
        raise CheckpointError(f"No snapshot in {self.path} is good: {' '.join(notices)}", _RESTORE)

    def _latest(self) -> tuple[str | None, list[str]]:
        """What the file ``latest`` says, or None and a notice."""
        try:
            text = files.read_bytes(self.path / "latest", 4096).decode("ascii").strip()
        except FileError as error:
            if _number(error) != errno.ENOENT and not isinstance(error, CheckpointError):
                raise
            missing = _number(error) == errno.ENOENT
            # Between the first rename and the first `latest` a run has one step directory.
            if missing and len(self._step_names()) < 2:
                return None, []
            return None, ["`latest` is missing." if missing else "`latest` is damaged."]
        except UnicodeDecodeError:
            return None, ["`latest` is damaged."]
        if not _STEP_NAME.fullmatch(text):
            return None, ["`latest` is damaged."]
        return text, []

    def _read(self, path: Path) -> Snapshot:
        """A step directory, verified. Raises ``CheckpointError`` if a byte of it is wrong."""
        raw = _content(path / STATE, JSON_LIMIT)
        cut = raw.rfind(b'  "digest": "')
        if cut < 0 or raw[cut:] != _digest_line(raw[:cut]):
            raise _damaged(f"{STATE} doesn't match its digest")
        state = _object(raw, STATE)
        state.pop("digest")
        if isinstance(state.get("format"), int) and state["format"] > FORMAT:
            _check_format(state, str(path / STATE))
        for key in ("format", "step", "optim_step", "metrics_bytes"):
            value = state.get(key)
            if not isinstance(value, int) or isinstance(value, bool) or value < 0:
                raise _damaged(f"{STATE} has {key} {files.shown(value)}, must be a whole number")
        if state["step"] != _step_of(path.name):
            raise _damaged(f"{STATE} is of step {state['step']}")
        digests = state.get("sha256")
        if not isinstance(digests, dict):
            raise _damaged(f"{STATE} has no sha256")
        for name, digest in self._constant().items():
            if digest != digests.get(name):
                raise _damaged(f"{name} has changed since it was saved")
        size = 4 * self.config.parameters()  # before the table of shapes is made: it may be long
        if _size(path / WEIGHTS) < size:
            raise _damaged(f"{WEIGHTS} has fewer than the {size:,} bytes that the config asks for")
        shapes = self.config.shapes()
        moments = {f"{k}.{n}": shape for k in "mv" for n, shape in shapes.items()}
        data = _verified(path / WEIGHTS, digests, files.tensor_file_limit(shapes))
        weights = files.unpack_tensors(data, shapes, WEIGHTS, _RESTORE)
        data = _verified(path / OPTIM, digests, files.tensor_file_limit(moments))
        both = files.unpack_tensors(data, moments, OPTIM, _RESTORE, may_be_empty=True)
        m = {n[2:]: a for n, a in both.items() if n.startswith("m.")}
        v = {n[2:]: a for n, a in both.items() if n.startswith("v.")}
        return Snapshot(state["step"], weights, Optim(m, v, state["optim_step"]), state)

    def _names(self) -> list[str]:
        try:
            return os.listdir(self.path)  # noqa: PTH208
        except OSError as error:
            raise files.file_error(error, self.path, "read") from error

    def _step_names(self) -> list[str]:
        """Names of the step directories, newest first; of one step, ``.old`` last."""
        names = [n for n in self._names() if _STEP_NAME.fullmatch(n)]
        return sorted(names, key=lambda n: (-_step_of(n), n))

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
            _object(line, f"Line {i} of {path}", remedy) for i, line in enumerate(lines[:-1], 1)
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


class _NewerError(CheckpointError):
    """A format above ours: not damage, so nothing falls back from it."""


class _VanishedError(CheckpointError):
    """A step directory was removed while it was read: look again."""


def _check_format(content: dict[str, Any], where: str) -> None:
    """Raise ``CheckpointError`` unless ``content["format"]`` is one that we read."""
    number = content.get("format")
    if isinstance(number, bool) or not isinstance(number, int) or number < 1:
        raise CheckpointError(
            f"{where} has format {files.shown(number)}, must be a number up to {FORMAT}.", _RESTORE
        )
    if number > FORMAT:
        raise _NewerError(
            f"{where} has format {files.shown(number)}, this program reads up to {FORMAT}.",
            "Update microgpt.",
        )


def _config_of(run: dict[str, Any], where: Path) -> Config:
    """The run's configuration. Raises ``CheckpointError`` that names the key that doesn't fit."""
    values = run.get("config")
    if not isinstance(values, dict):
        raise CheckpointError(f"{where} has no object named config.", _RESTORE)
    unknown = sorted(set(values) - set(Config.__dataclass_fields__))
    if unknown:
        raise CheckpointError(
            f"{where}: config has the unknown key {files.shown(unknown[0])}.",
            "Update microgpt, or use the version that wrote the run.",
        )
    try:
        return Config(**values)
    except InputError as error:
        raise CheckpointError(f"{where}: {error.message}", error.remedy or _RESTORE) from error


def _object(data: bytes, where: str, remedy: str = _RESTORE) -> dict[str, Any]:
    value = files.parse_json(data, where, remedy)
    if not isinstance(value, dict):
        raise CheckpointError(f"{where} is {files.shown(value)}, must be a JSON object.", remedy)
    return value


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _digest_line(head: bytes) -> bytes:
    """The end of state.json: the SHA-256 of everything before."""
    return f'  "digest": "{_sha256(head)}"\n}}\n'.encode()


def _damaged(reason: str) -> CheckpointError:
    return CheckpointError(f"{reason}.", _RESTORE)


def _number(error: FileError) -> int | None:
    """The operating system's number for what happened, if it was the one to say so."""
    cause = error.__cause__
    return cause.errno if isinstance(cause, OSError) else None


def _content(path: Path, limit: int) -> bytes:
    """``read_bytes``, where a missing file or a bad sector is damage."""
    try:
        return files.read_bytes(path, limit)
    except FileError as error:
        if _number(error) in (errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.EIO):
            raise CheckpointError(error.message, _RESTORE) from error
        raise


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _verified(path: Path, digests: dict[str, Any], limit: int) -> bytes:
    data = _content(path, limit)
    if _sha256(data) != digests.get(path.name):
        raise _damaged(f"{path.name} doesn't match its SHA-256")
    return data


def _holds(path: Path, parts: dict[str, bytes]) -> bool:
    """Whether a step directory has exactly this content already."""
    try:
        return all(files.read_bytes(path / n, len(data)) == data for n, data in parts.items())
    except FileError:
        return False


def _step_of(name: str) -> int:
    match = _STEP_NAME.fullmatch(name)
    assert match is not None
    return int(match[1])


def _is_temporary(name: str) -> bool:
    return name.startswith(TEMPORARY)


def _discard(path: Path) -> None:
    """Remove a directory so that no half of it ever carries its name."""
    gone = path.with_name(f"{TEMPORARY}gone-{secrets.token_hex(6)}")
    path.rename(gone)
    _remove(gone)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with contextlib.suppress(OSError):
            path.unlink()

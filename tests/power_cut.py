"""What a power cut may leave on a disk, computed from the calls that a command made.

The model is that of a disk which promises only what it is asked for:

- A file's bytes are safe once the file was synced, and a directory's names (made, renamed, removed)
  once the directory was. Syncing a file doesn't save its name, renaming it doesn't save its bytes.
- Of a file that wasn't synced there may be the last synced bytes; all that was written since; all
  but the second half of the last write; or its full length, with zeros for all that is new.
- Of the names that weren't synced, over all directories, there may be those up to any moment, as a
  journal keeps them ("in order"), or any of them without the others ("at random"): drawn by seed.
- A rename within a directory happens or doesn't; there is never half of it.

A real file system promises more: ext4 saves the name of a new file that is synced.
"""

import hashlib
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from faulty import Call


@dataclass(eq=False)
class File:
    """A file: its safe bytes, its bytes now, and where the last write since then begins."""

    safe: bytes = b""
    now: bytearray = field(default_factory=bytearray)
    last: int = 0

    def left(self, how: str) -> bytes:
        """What may be left of it."""
        if how == "old" or bytes(self.now) == self.safe:
            return self.safe
        if how == "cut":
            return bytes(self.now[: (self.last + len(self.now) + 1) // 2])
        if how == "zeros":
            pairs = enumerate(zip(self.safe, self.now, strict=False))
            same = next((i for i, (a, b) in pairs if a != b), min(len(self.safe), len(self.now)))
            return bytes(self.now[:same]) + bytes(len(self.now) - same)
        return bytes(self.now)


@dataclass(eq=False)
class Folder:
    """A directory: names that are safe, names now, and the changes between, numbered."""

    safe: "dict[str, File | Folder]" = field(default_factory=dict)
    now: "dict[str, File | Folder]" = field(default_factory=dict)
    since: "list[tuple[int, dict[str, File | Folder | None]]]" = field(default_factory=list)


WAYS = ("old", "cut", "zeros", "new")
State = dict[str, bytes | None]  # path → content, None for a directory


class Disk:
    """A disk on which everything is safe at first, and to which calls are applied."""

    def __init__(self, root: Path, base: Path) -> None:
        self.root = str(root)
        self.top = Folder()
        self.number = 0
        for path in sorted(base.rglob("*")):
            node = Folder() if path.is_dir() else File(path.read_bytes())
            if isinstance(node, File):
                node.now += node.safe
            parent = self._folder(str(path.parent.relative_to(base)))
            parent.safe[path.name] = parent.now[path.name] = node

    def _at(self, path: str) -> "File | Folder":
        node: File | Folder = self.top
        for part in path.split("/"):
            if part not in ("", "."):
                assert isinstance(node, Folder)
                node = node.now[part]
        return node

    def _folder(self, path: str) -> Folder:
        node = self._at(path)
        assert isinstance(node, Folder)
        return node

    def _file(self, path: str) -> File:
        node = self._at(path)
        assert isinstance(node, File)
        return node

    def _name(self, path: str, node: "File | Folder | None", same: bool = False) -> None:
        """Give a name in its directory to a node, or to none; ``same``: with the change before."""
        parent, _, name = path.rpartition("/")
        folder = self._folder(parent)
        self.number += not same
        if same and folder.since and folder.since[-1][0] == self.number:
            folder.since[-1][1][name] = node
        else:
            folder.since.append((self.number, {name: node}))
        if node is None:
            del folder.now[name]
        else:
            folder.now[name] = node

    def apply(self, call: Call) -> bool:
        """Let the call happen; whether it changed anything."""
        if call.error:
            return False
        path = call.path[len(self.root) :]
        if call.kind in ("create", "mkdir"):
            self._name(path, File() if call.kind == "create" else Folder())
        elif call.kind == "write":
            file = self._file(path)
            end = call.offset + len(call.data)
            file.now += bytes(max(0, end - len(file.now)))
            file.now[call.offset : end] = call.data
            file.last = call.offset
        elif call.kind in ("truncate", "empty"):
            file = self._file(path)
            size = int(call.other or 0)
            file.now = file.now[:size] + bytes(max(0, size - len(file.now)))
            file.last = min(file.last, size)
        elif call.kind == "rename":
            node = self._at(path)
            self._name(path, None)
            self._name(call.other[len(self.root) :], node, same=True)
        elif call.kind == "unlink":
            self._name(path, None)
        elif call.kind == "fsync":
            node = self._at(path)
            if isinstance(node, File):
                node.safe = bytes(node.now)
            else:
                node.safe, node.since = dict(node.now), []
        else:
            assert call.kind in ("open", "close"), call.kind
            return False
        return True

    def pending(self) -> list[int]:
        """The numbers of the changes of names that aren't safe yet."""
        found: set[int] = set()
        waiting, seen = [self.top], {id(self.top)}
        while waiting:
            folder = waiting.pop()
            found |= {number for number, _ in folder.since}
            changed = [node for _, change in folder.since for node in change.values()]
            for node in [*folder.safe.values(), *folder.now.values(), *changed]:
                if isinstance(node, Folder) and id(node) not in seen:
                    seen.add(id(node))
                    waiting.append(node)
        return sorted(found)

    def left(self, keep: Callable[[int], bool], how: Callable[[], str]) -> State:
        """What a power cut now leaves, where it keeps these changes of names."""
        state: State = {}

        def walk(folder: Folder, prefix: str) -> None:
            names = dict(folder.safe)
            for number, change in folder.since:
                if keep(number):
                    for name, node in change.items():
                        names.pop(name, None)
                        if node is not None:
                            names[name] = node
            for name, node in sorted(names.items()):
                if isinstance(node, File):
                    state[prefix + name] = node.left(how())
                else:
                    state[prefix + name] = None
                    walk(node, f"{prefix}{name}/")

        walk(self.top, "")
        return state

    def cuts(self, rng: random.Random, random_ones: int) -> Iterator[tuple[bool, State]]:
        """What a power cut now may leave, and whether in order; then so many at random."""
        for last in [0, *self.pending()]:
            for way in WAYS:
                yield True, self.left(lambda number, last=last: number <= last, lambda way=way: way)
        for _ in range(random_ones):
            kept = {number for number in self.pending() if rng.random() < 0.5}
            yield False, self.left(kept.__contains__, lambda: rng.choice(WAYS))


def all_cuts(
    disk: Disk, calls: Sequence[Call], so_far: Callable[[Call], None], random_ones: int = 10
) -> Iterator[tuple[bool, State]]:
    """Every different state that a power cut before or after any of the calls may leave.

    ``so_far`` hears of each call before the states that come after it. A state that comes again
    later is given again: by then more may have been promised. Directly after one another it isn't.
    """
    rng = random.Random(1)
    before: set[bytes] = set()
    for call in calls:
        so_far(call)
        if not disk.apply(call):
            continue
        now: set[bytes] = set()
        for in_order, state in disk.cuts(rng, random_ones):
            key = hashlib.sha256(repr(sorted(state.items())).encode()).digest()
            if key not in now and key not in before:
                yield in_order, state
            now.add(key)
        before = now


def lay_out(state: State, folder: Path) -> None:
    """Put a state on the real disk."""
    for name, data in state.items():
        path = folder / name
        if data is None:
            path.mkdir(parents=True)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)

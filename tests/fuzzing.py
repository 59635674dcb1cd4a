"""A small fuzzer that is led by coverage: what reaches new code is kept and changed further.

An execution is observed line by line in ``src/microgpt``; an edge is a step from one line of a
function to another. It must end within ``MOST_LINES`` of them and one GiB more memory than before,
so that what hangs or hoards is found without a clock. ``tests/fuzz_readers.py`` says what is read;
``python tests/fuzzing.py READER SECONDS`` makes its corpus anew, small files that reach all that
was reached, and ``tests/test_fuzzing.py`` runs it all as tests.
"""

import contextlib
import random
import re
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

SRC = str(Path(__file__).resolve().parent.parent / "src" / "microgpt")
CORPUS = Path(__file__).resolve().parent / "corpus"
MOST_LINES = 2_000_000
MOST_BYTES = 16_384  # of an input
MOST_MEMORY = 2**30
KEPT = 20_000  # bytes of a reader's corpus in the repository

Edge = tuple[str, int, int, int]
Read = Callable[[bytes], None]
NUMBERS = b"0 -1 1 2 3 1.5 1e999 -0.0 NaN 4294967296 999999999999999999999999999999".split()
WORDS = [b"\n", b"\r", b"\0", b"\xff", b"\xef\xbb\xbf", *b'null true {} [] { ] " ,'.split()]
TOKEN = re.compile(rb"\d+|\w+|[^\w\s]")


class Hangs(BaseException):
    """More lines than any honest input needs; no handler for errors may catch it."""


class Watched:
    """Runs a function and gathers the edges that it takes."""

    def __init__(self) -> None:
        self.edges: set[Edge] = set()
        self.lines = 0

    def run(self, read: Read, data: bytes) -> set[Edge]:
        self.edges, self.lines = set(), 0
        before = sys.gettrace()
        sys.settrace(self._enter)
        try:
            read(data)
        finally:
            sys.settrace(before)
        return self.edges

    def _enter(self, frame: FrameType, _event: str, _argument: object) -> Any:
        code = frame.f_code
        if not code.co_filename.startswith(SRC):
            return None
        name, first, last = code.co_filename, code.co_firstlineno, 0

        def line(frame: FrameType, event: str, _argument: object) -> Any:
            nonlocal last
            if event == "line":
                self.lines += 1
                if self.lines > MOST_LINES:
                    raise Hangs(f"more than {MOST_LINES:,} lines, now at {name}:{frame.f_lineno}")
                self.edges.add((name, first, last, frame.f_lineno))
                last = frame.f_lineno
            return line

        return line


@contextlib.contextmanager
def little_memory() -> Iterator[None]:
    """At most ``MOST_MEMORY`` more than this process has now, where that can be limited."""
    statm = Path("/proc/self/statm")
    if not statm.exists():
        yield
        return
    import resource

    had = int(statm.read_text().split()[0]) * resource.getpagesize()
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (had + MOST_MEMORY, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def nested(rng: random.Random, data: bytearray) -> tuple[int, int] | None:
    """Where a list or an object begins and ends, any of those that there are."""
    begins = [at for at, byte in enumerate(data) if byte in b"[{"]
    if not begins:
        return None
    begin, depth = rng.choice(begins), 0
    for at in range(begin, len(data)):
        depth += (data[at] in b"[{") - (data[at] in b"]}")
        if depth == 0:
            return begin, at + 1
    return None


def changed(rng: random.Random, pool: list[bytes]) -> bytes:
    """One of the pool after one to four changes."""
    data = bytearray(rng.choice(pool))
    for _ in range(rng.choice((1, 1, 2, 4))):
        at, end = sorted((rng.randint(0, len(data)), rng.randint(0, len(data))))
        end = min(end, at + rng.choice((1, 4, 16, 10**6)))
        kind = rng.randrange(10)
        if kind == 0 and data:
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        elif kind == 1 and data:
            data[rng.randrange(len(data))] = rng.choice((0, 1, 127, 128, 255, 32, 10))
        elif kind == 2:
            del data[at:end]
        elif kind == 3:
            data[at:at] = data[at:end]
        elif kind == 4:
            other = rng.choice(pool)
            start = rng.randint(0, len(other))
            data[at:end] = other[start : start + rng.choice((4, 16, 64, 10**6))]
        elif kind == 5 and (place := nested(rng, data)):
            data[slice(*place)] = rng.choice([*NUMBERS, *WORDS])
        else:  # a word in the place of another, of this file or of any
            tokens = list(TOKEN.finditer(data))
            others = TOKEN.findall(rng.choice(pool))
            new = rng.choice(rng.choice([NUMBERS, WORDS, others or WORDS]))
            place = rng.choice(tokens).span() if tokens and kind < 9 else (at, at)
            data[slice(*place)] = new
        del data[MOST_BYTES:]
    return bytes(data)


def explore(
    read: Read, seeds: Iterable[bytes], rng: random.Random, going: Callable[[int], bool]
) -> tuple[dict[bytes, set[Edge]], int]:
    """Change the seeds and what comes of them while ``going(executions)``.

    Returns the inputs that reached something new, each with all that it reaches, and the number of
    executions. What ``read`` raises ends it, with the input in a note.
    """
    watched, seen = Watched(), set[Edge]()
    kept: dict[bytes, set[Edge]] = {}
    waiting, done = list(seeds), 0
    with little_memory():
        while waiting or going(done):
            data = waiting.pop() if waiting else changed(rng, list(kept))
            done += 1
            try:
                edges = watched.run(read, data)
            except BaseException as error:
                error.add_note(f"execution {done}, input: {data!r}")
                raise
            if not edges <= seen or not kept:
                seen |= edges
                kept[data] = edges
    return kept, done


def smallest(kept: dict[bytes, set[Edge]]) -> list[bytes]:
    """Inputs that together reach nearly all: short ones first, up to ``KEPT`` bytes."""
    chosen, seen, size = list[bytes](), set[Edge](), 0
    for data in sorted(kept, key=lambda data: (len(data), data)):
        if not kept[data] <= seen and size + len(data) <= KEPT:
            chosen.append(data)
            seen |= kept[data]
            size += len(data)
    return chosen


def corpus(name: str) -> dict[str, bytes]:
    """The kept files of a reader, by name."""
    return {path.name: path.read_bytes() for path in sorted((CORPUS / name).iterdir())}


def main(name: str, seconds: str) -> None:
    """Make a reader's corpus anew from what is there and its seeds."""
    import hashlib
    import tempfile

    from fuzz_readers import READERS

    folder = CORPUS / name
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as place:
        reader = READERS[name](Path(place))
        end = time.monotonic() + float(seconds)
        kept, done = explore(
            reader.read,
            [*reader.seeds, *corpus(name).values()],
            random.Random(end),
            lambda _: time.monotonic() < end,
        )
    for path in folder.iterdir():
        path.unlink()
    chosen = smallest(kept)
    for data in chosen:
        (folder / hashlib.sha256(data).hexdigest()[:12]).write_bytes(data)
    edges = len(set().union(*kept.values()))
    print(f"{name}: {done:,} executions, {edges:,} edges, {len(chosen)} of {len(kept)} files kept")


if __name__ == "__main__":
    main(*sys.argv[1:])

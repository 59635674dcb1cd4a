"""Whatever bytes come from outside, a reader works or raises a ``MicrogptError``.

The kept inputs of tests/corpus/ are read in every run of the tests: together they reach all that
the fuzzer (tests/fuzzing.py) has reached so far, and what once failed lies among them. From there
it goes on: a fixed number of changed inputs in ``make test-all``, some seconds in ``make prove``.
"""

import random
import time
from pathlib import Path

import pytest

import fuzzing
from fuzz_readers import READERS

pytestmark = pytest.mark.usefixtures("no_fsync")

SECONDS = 15  # for each reader, in `make prove`
SLOWER = (
    "bot", "optim", "run", "state", "vocab", "weights",
    "their config", "their index", "their tokenizer", "their weights",
)  # fmt: skip


@pytest.mark.parametrize("name", READERS)
def test_the_kept_inputs(name: str, tmp_path: Path) -> None:
    reader = READERS[name](tmp_path)
    seeds = {f"seed {i}": data for i, data in enumerate(reader.seeds)}
    for file, data in {**seeds, **fuzzing.corpus(name)}.items():
        try:
            reader.read(data)
        except Exception as error:
            error.add_note(f"{file} of tests/corpus/{name}")
            raise


def test_the_corpus_is_small_and_nothing_in_it_is_for_nobody() -> None:
    sizes = {folder.name: fuzzing.corpus(folder.name) for folder in fuzzing.CORPUS.iterdir()}
    assert sorted(sizes) == sorted(READERS)
    assert all(sizes.values())
    assert sum(len(data) for files in sizes.values() for data in files.values()) < 300_000


@pytest.mark.slow
@pytest.mark.parametrize("name", READERS)
def test_changed_inputs(name: str, tmp_path: Path) -> None:
    reader = READERS[name](tmp_path)
    seeds = [*reader.seeds, *fuzzing.corpus(name).values()]
    goal = len(seeds) + (60 if name in SLOWER else 400)
    fuzzing.explore(reader.read, seeds, random.Random(1), lambda done: done < goal)


@pytest.mark.prove
@pytest.mark.parametrize("name", READERS)
def test_changed_inputs_for_a_while(name: str, tmp_path: Path) -> None:
    """Another seed each time; what fails is shown with its input, to be kept in the corpus."""
    reader = READERS[name](tmp_path)
    seeds = [*reader.seeds, *fuzzing.corpus(name).values()]
    end = time.monotonic() + SECONDS
    rng = random.Random(time.time_ns())
    kept, done = fuzzing.explore(reader.read, seeds, rng, lambda _: time.monotonic() < end)
    edges = len(set().union(*kept.values()))
    print(f"{name}: {done:,} inputs, {edges:,} edges, {len(kept)} that reached something new")


# ---------------------------------------------------------------- the fuzzer itself


def guarded(data: bytes) -> None:
    """Fails only for what begins with three letters: blindly, one input in 16 million."""
    if data[:1] == b"M":
        if data[1:2] == b"G":
            if data[2:3] == b"!":
                raise KeyError("planted")
            return
        return


def endless(data: bytes) -> None:
    while data != b"x":
        data = data or b"y"


def hoarding(data: bytes) -> None:
    bytes(2 * fuzzing.MOST_MEMORY)


@pytest.fixture
def watching_this_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fuzzing, "SRC", __file__)


@pytest.mark.usefixtures("watching_this_file")
def test_the_fuzzer_finds_what_is_planted() -> None:
    with pytest.raises(KeyError, match="planted") as caught:
        fuzzing.explore(guarded, [b"aaaa!GM"], random.Random(1), lambda done: done < 60_000)
    assert "b'MG!" in caught.value.__notes__[0]


@pytest.mark.usefixtures("watching_this_file")
def test_the_fuzzer_ends_what_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fuzzing, "MOST_LINES", 10_000)
    with pytest.raises(fuzzing.Hangs, match="more than 10,000 lines"):
        fuzzing.explore(endless, [b""], random.Random(1), lambda done: False)


@pytest.mark.usefixtures("watching_this_file")
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory can't be limited here")
def test_the_fuzzer_ends_what_hoards() -> None:
    with pytest.raises(MemoryError):
        fuzzing.explore(hoarding, [b""], random.Random(1), lambda done: False)

"""The training loop: order of draws, schedule, held-out documents, what it reports, marks."""

import json
import math
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cli_runner import snapshot
from microgpt import __version__
from microgpt.config import Config, make_config
from microgpt.data import fnv1a32, load_data
from microgpt.disk.checkpoint import RunDir
from microgpt.engines.numpy.engine import NumpyEngine
from microgpt.errors import InputError
from microgpt.evaluation import bigram_floor, mean_loss, random_floor
from microgpt.heldout import held_out_parts
from microgpt.start import begin, data_facts, marks_at, shuffled
from microgpt.tokenizer import Tokenizer
from microgpt.training import Trainer
from training_runs import DOCS, dataset, in_directory, resumed, run, tiny

# ---------------------------------------------------------------- the beginning


def test_the_stream_seeds_then_shuffles_then_draws_the_weights() -> None:
    config = make_config(init_std_out=0.0)
    names = load_data("names")
    start = begin(config, names)

    rng = random.Random(42)
    docs = list(names.docs)
    rng.shuffle(docs)
    assert start.docs == docs
    for name, (out, into) in config.shapes().items():
        std = 0.0 if name.endswith(("attn_wo", "mlp_fc2")) else 0.08  # draws all the same
        matrix = [[rng.gauss(0, std) for _ in range(into)] for _ in range(out)]
        assert start.weights[name] == matrix
    assert start.rng.getstate() == rng.getstate()


def test_the_published_shuffle() -> None:
    names = load_data("names")
    first = ["yuheng", "diondre", "xavien", "jori", "juanluis", "erandi"]
    assert begin(make_config(), names).docs[:6] == first
    assert shuffled(make_config(), names)[:6] == first
    assert names.docs[:2] == ["emma", "olivia"]  # the data itself stays as it was


def test_holding_out_draws_nothing_and_comes_before_the_shuffle() -> None:
    words = load_data("words")
    start = begin(make_config(holdout=0.1, validation=True), words)
    hashes = {text: fnv1a32(text) / 2**32 for text in words.docs}
    held = {text for text, h in hashes.items() if h < 0.1}
    chosen = {text for text, h in hashes.items() if 0.1 <= h < 0.2}
    assert set(start.kept_out.holdout) == held
    assert len(start.kept_out.holdout) == len(held)
    assert set(start.kept_out.validation) == chosen
    rng = random.Random(42)
    expected = [text for text in words.docs if text not in held | chosen]
    rng.shuffle(expected)
    assert start.docs == expected


def test_the_vocabulary_counts_held_out_documents_too() -> None:
    docs = [*DOCS, *(f"{a}z{b}" for a in "abcdefgh" for b in "abcdefgh")]
    start = begin(tiny(holdout=0.2), dataset(docs))
    assert start.tokenizer.vocab_size == start.config.vocab_size == len(set("".join(docs))) + 1


# ---------------------------------------------------------------- learning rates


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ("linear", lambda s: 0.01 * (1 - s / 8)),
        ("cosine", lambda s: 0.01 * 0.5 * (1 + math.cos(math.pi * s / 8))),
        ("constant", lambda s: 0.01),
    ],
)
def test_schedules_reach_the_engine(schedule: str, expected: Any) -> None:
    steps = run(Trainer(tiny(schedule=schedule, steps=8), dataset()))["step"]
    assert [s["lr"] for s in steps] == [expected(s) for s in range(8)]
    warm = run(Trainer(tiny(schedule=schedule, steps=8, warmup=4), dataset()))["step"]
    factors = [0.25, 0.5, 0.75, 1, 1, 1, 1, 1]
    assert [s["lr"] for s in warm] == [expected(s) * f for s, f in enumerate(factors)]


# ---------------------------------------------------------------- held-out documents


def test_unused_rows_are_those_beyond_the_planned_steps() -> None:
    start = begin(tiny(steps=4, batch_size=2), dataset())
    parts = held_out_parts(start.config, start.docs, start.kept_out)
    assert parts == {"unused": start.docs[8:]}
    stopped = run(Trainer(tiny(steps=4, batch_size=2), dataset(), stop_after=1))
    assert stopped["eval"] == stopped["samples"] == []
    (found,) = run(Trainer(tiny(steps=4, batch_size=2), dataset()))["eval"]
    assert (found["split"], found["step"]) == ("unused", 4)
    assert found["tokens"] == sum(min(len(doc) + 1, 6) for doc in start.docs[8:])


@pytest.mark.parametrize("changes", [{"steps": 12}, {"batch_size": 64}, {"long": "window"}])
def test_no_eval_where_no_row_is_left(changes: dict[str, Any]) -> None:
    assert run(Trainer(tiny(**changes), dataset()))["eval"] == []


def test_distinct_and_validation() -> None:
    words = load_data("words")
    trainer = Trainer(make_config(steps=3, holdout=0.1, validation=True), words)
    found = run(trainer)["eval"]
    assert [e["split"] for e in found] == ["distinct", "validation"]
    held, chosen = set(trainer.kept_out.holdout), set(trainer.kept_out.validation)
    assert held and chosen and not held & chosen
    assert not (held | chosen) & set(trainer.docs)
    loss, tokens = mean_loss(trainer.engine, trainer.kept_out.holdout, trainer.tokenizer)
    assert (found[0]["loss"], found[0]["tokens"]) == (loss, tokens)


def test_floors() -> None:
    names = load_data("names")
    assert random_floor(27) == pytest.approx(3.2958, abs=5e-5)
    assert bigram_floor(names.docs, Tokenizer.of(names.docs)) == pytest.approx(2.4546, abs=5e-5)


# ---------------------------------------------------------------- events


def test_the_sequence_of_events(tmp_path: Path) -> None:
    trainer = in_directory(tmp_path / "r", tiny(), dataset(), save_every=4)
    kinds = ["step" if "loss" in e else next(iter(e)) for e in trainer.events()]
    steps = ["step"] * 4
    end = ["saved", "eval", "samples"]
    assert kinds == ["run", "saved", *steps, "saved", *steps, "saved", "step", *end]


def test_events_in_memory_hold_no_saves() -> None:
    found = run(Trainer(tiny(), dataset()))
    assert found["saved"] == [] and found["run"][0]["dir"] is None
    assert [s["step"] for s in found["step"]] == list(range(1, 10))
    assert all(set(s) == {"step", "loss", "lr", "tokens"} for s in found["step"])
    assert len(found["samples"][0]) == 20


def test_run_event_and_run_json(tmp_path: Path) -> None:
    data = dataset()
    trainer = in_directory(tmp_path / "r", tiny(steps=2), data, engine="scalar", threads=3)
    (event,) = run(trainer)["run"]
    assert event["engine"] == "scalar" and event["threads"] == 3
    assert event["parameters"] == trainer.config.parameters()
    assert event["config"] == trainer.config.to_dict()
    written = json.loads((tmp_path / "r" / "run.json").read_text())
    assert written["config"] == event["config"] and written["seed"] == 42
    assert written["data"] == event["data"] == data_facts(data)
    assert written["data"]["documents"] == 12 and written["data"]["distinct"] == 11
    assert data_facts(load_data("names"))["path"] is None  # it comes along with the program
    assert (written["engine"], written["dtype"], written["threads"]) == ("scalar", "float64", 3)
    snapshot, _ = RunDir.open(tmp_path / "r").load()
    assert snapshot is not None
    for said in (event, written, snapshot.state):  # what made it
        assert (said["level"], said["version"]) == (None, __version__)


def test_run_says_the_level_of_its_last_leg(tmp_path: Path) -> None:
    """As an engine with levels tells it, which the kernel's tests hold."""

    class Leveled(NumpyEngine):
        level = "wide"

    data = dataset()
    trainer = in_directory(tmp_path / "r", tiny(), data, engine="numpy", stop_after=5)
    run(trainer)
    second = resumed(tmp_path / "r", data, engine="numpy")
    leveled = Leveled()
    leveled.load(second.config, "float64", *second.engine.state())
    second.engine = leveled
    assert run(second)["run"][0]["level"] == "wide"
    again = RunDir.open(tmp_path / "r")
    snapshot, _ = again.load()
    assert snapshot is not None
    assert (again.run["level"], snapshot.state["level"]) == (None, "wide")


def test_metrics_hold_every_step_once_in_order(tmp_path: Path) -> None:
    trainer = in_directory(tmp_path / "r", tiny(), dataset(), save_every=2, stop_after=5)
    first = run(trainer)
    second = run(resumed(tmp_path / "r", dataset(), save_every=2))
    lines = RunDir.open(tmp_path / "r").metrics()
    steps = [line for line in lines if "loss" in line]
    assert [line["step"] for line in steps] == list(range(1, 10))
    assert [line["loss"] for line in steps] == [s["loss"] for s in first["step"] + second["step"]]
    assert all(line["seconds"] >= 0 for line in steps)
    assert [line["eval"] for line in lines if "eval" in line] == second["eval"]


def test_threads_default_to_one_below_16_documents() -> None:
    import os

    assert Trainer(tiny(batch_size=15), dataset()).threads == 1
    assert Trainer(tiny(batch_size=16), dataset()).threads == (os.cpu_count() or 1)
    assert Trainer(tiny(batch_size=16), dataset(), threads=1).threads == 1


@pytest.mark.parametrize("threads", [0, -1, 100_000])
def test_threads_out_of_range(threads: int) -> None:
    with pytest.raises(InputError, match=f"threads is {threads}, must be from 1 to"):
        Trainer(tiny(), dataset(), threads=threads)


# ---------------------------------------------------------------- samples and marks


def test_sampling_leaves_the_saved_stream_alone(tmp_path: Path) -> None:
    trainer = in_directory(tmp_path / "r", tiny(), dataset())
    before = None
    for event in trainer.events():
        if "saved" in event:
            before = trainer.rng.getstate()
    assert trainer.rng.getstate() == before
    assert trainer.samples() == event["samples"]
    state = json.loads(snapshot(tmp_path / "r")["state.json"])
    assert state["stream"][1] == list(before[1])


def marks_after(config: Config, step: int) -> tuple[set[str], set[str]]:
    marks = marks_at(config, dataset(), step)
    return set(marks.trained), set(marks.file)


def test_marks_know_what_was_trained_on() -> None:
    order = shuffled(tiny(), dataset())
    assert marks_after(tiny(), 0) == (set(), set(DOCS))
    assert marks_after(tiny(), 3) == (set(order[:3]), set(DOCS))
    assert marks_after(tiny(batch_size=2), 4)[0] == set(order[:8])
    assert marks_after(tiny(batch_size=5), 3)[0] == set(DOCS)  # past the end, and around
    assert marks_after(tiny(long="window"), 0)[0] == set()
    assert marks_after(tiny(long="window"), 1)[0] == set(DOCS)
    marks = marks_at(tiny(), dataset(), 3)
    assert marks.of(order[0]) == "trained"
    assert marks.of("zoe") == "new"
    assert marks.of(next(d for d in order if d not in order[:3])) == "file"


def test_held_out_documents_are_in_the_file_but_not_trained_on() -> None:
    words = load_data("words")
    config = make_config(holdout=0.1, steps=5000)
    marks = marks_at(config, words, 5000)
    start = begin(config, words)
    assert {marks.of(text) for text in start.kept_out.holdout} == {"file"}
    assert {marks.of(text) for text in start.docs} == {"trained"}


@pytest.mark.parametrize("changes", [{}, {"batch_size": 5}, {"long": "window"}, {"holdout": 0.3}])
def test_a_trainer_and_marks_at_agree(changes: dict[str, Any]) -> None:
    docs = [*DOCS, *(a + b for a in "abcdefgh" for b in "xyz")]
    trainer = Trainer(tiny(**changes), dataset(docs))
    for samples in events_of(trainer, "samples"):
        marks = marks_at(trainer.config, dataset(docs), trainer.step)
        assert [s["mark"] for s in samples] == [marks.of(str(s["text"])) for s in samples]


def events_of(trainer: Trainer, kind: str) -> Iterator[Any]:
    for event in trainer.events():
        if kind in event:
            yield event[kind]

"""The training loop: order of draws, batches, schedule, saving, resuming, and what it reports."""

import json
import math
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cli_runner import snapshot
from microgpt.batches import Order, TokenTable, pieces
from microgpt.checkpoint import RunDir
from microgpt.config import Config, make_config
from microgpt.data import Dataset, fnv1a32, load_data
from microgpt.engines import make_engine
from microgpt.engines.scalar import ScalarEngine
from microgpt.errors import InputError, Interrupted, MissingError, NumbersError, TokenError
from microgpt.evaluation import bigram_floor, mean_loss, random_floor
from microgpt.opening import resume_point
from microgpt.tokenizer import Tokenizer
from microgpt.training import (
    Event,
    Trainer,
    begin,
    create_run,
    data_facts,
    held_out_parts,
    marks_at,
    shuffled,
)

DOCS = ["emma", "olivia", "ava", "isabella", "sophia", "charlotte"]
DOCS += ["mia", "amelia", "harper", "evelyn", "ada", "ava"]
LOSSES = [3.3660, 3.4243, 3.1778, 3.0664, 3.2209, 2.9452, 3.2894]
LOSSES += [3.3245, 2.8990, 3.2229, 2.7964, 2.9345, 3.0544]


def dataset(docs: list[str] | None = None, path: str = "tiny.txt") -> Dataset:
    return Dataset(path, Path(path), "0" * 64, list(docs or DOCS), "line")


def tiny(**changes: Any) -> Config:
    return make_config(**{"n_embd": 4, "n_head": 2, "block_size": 6, "steps": 9, **changes})


def run(trainer: Trainer) -> dict[str, list[Any]]:
    """All events of a run, by kind."""
    found: dict[str, list[Any]] = {"step": [], "saved": [], "eval": [], "samples": [], "run": []}
    for event in trainer.events():
        kind = "step" if "loss" in event else next(iter(event))
        found[kind].append(event if kind == "step" else event[kind])
    return found


def in_directory(path: Path, config: Config, data: Dataset, **options: Any) -> Trainer:
    trainer = Trainer(config, data, **options)
    trainer.run_dir = create_run(path, trainer)
    return trainer


def resumed(path: Path, data: Dataset, **options: Any) -> Trainer:
    run_dir = RunDir.open(path)
    point, notices = resume_point(run_dir)
    assert notices == []
    tokenizer = Tokenizer(run_dir.vocab["uchars"])
    return Trainer(
        run_dir.config, data, tokenizer=tokenizer, run_dir=run_dir, snapshot=point, **options
    )


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


# ---------------------------------------------------------------- batches


def order_of(docs: list[str], config: Config, seed: int = 1) -> Order:
    return Order(TokenTable(docs, Tokenizer.of(docs)), config, random.Random(seed))


def test_step_s_takes_rows_sB_plus_j_and_wraps() -> None:
    tokenizer = Tokenizer.of(DOCS)
    order = order_of(DOCS, tiny(batch_size=5))
    batches = order.batches(0, 7)
    for step in range(7):
        rows = [(step * 5 + j) % len(DOCS) for j in range(5)]
        expected = [tokenizer.encode_document(DOCS[row])[:7] for row in rows]
        assert batches.docs(5 * step, 5) == expected
        assert batches.positions[step] == sum(len(tokens) - 1 for tokens in expected)
    assert batches.documents.tolist() == [5] * 7
    later = order.batches(4, 3)
    assert later.docs(0, 15) == batches.docs(20, 15)


def test_a_batch_may_be_larger_than_the_list() -> None:
    batches = order_of(["ab", "c"], tiny(batch_size=5)).batches(1, 1)
    assert [len(tokens) for tokens in batches.docs(0, 5)] == [3, 4, 3, 4, 3]  # rows 5 … 9 mod 2


def test_windows_are_drawn_from_the_stream_over_all_starts() -> None:
    config = tiny(long="window", batch_size=3)
    order = order_of(["".join(DOCS)], config, seed=7)
    tokens = order.table.tokens.tolist()
    starts = len(tokens) - 6
    rng = random.Random(7)
    batches = order.batches(0, 4)
    for d in range(12):
        at = rng.randrange(starts)
        assert batches.docs(d, 1) == [tokens[at : at + 7]]
    assert order.rng.getstate() == rng.getstate()
    assert batches.positions.tolist() == [18] * 4
    order = order_of(["ab"], tiny(long="window", block_size=2), seed=3)
    seen = {tuple(order.batches(s, 1).docs(0, 1)[0]) for s in range(50)}
    assert seen == {(2, 0, 1), (0, 1, 2)}  # the first and the last start, with both BOS


def test_a_window_must_fit() -> None:
    with pytest.raises(InputError, match=r"holds 4 tokens, a window needs 5") as info:
        order_of(["ab"], tiny(long="window", block_size=4))
    assert "block_size" in info.value.remedy
    order_of(["ab"], tiny(long="window", block_size=3))


def test_token_tables_share_the_bos_between_neighbours() -> None:
    table = TokenTable(["ab", "c"], Tokenizer("abc"))
    assert table.tokens.tolist() == [3, 0, 1, 3, 2, 3]
    assert table.starts.tolist() == [0, 3]
    assert table.lengths.tolist() == [4, 3]
    with pytest.raises(TokenError, match="'x' at position 1 of 'ax'"):
        TokenTable(["ab", "ax"], Tokenizer("abc"))


def test_pieces_cut_or_cover_every_token_once() -> None:
    table = TokenTable(["abcabc", "a"], Tokenizer("abc"))
    starts, lengths = pieces(table, tiny(block_size=3))
    assert list(zip(starts.tolist(), lengths.tolist(), strict=True)) == [(0, 4), (7, 3)]
    starts, lengths = pieces(table, tiny(block_size=3, long="window"))
    stretches = list(zip(starts.tolist(), lengths.tolist(), strict=True))
    assert stretches == [(0, 4), (3, 4), (6, 2), (7, 3)]
    predicted = [at for start, length in stretches for at in range(start + 1, start + length)]
    assert predicted == list(range(1, len(table.tokens)))


def test_the_loss_is_divided_by_the_positions_of_the_batch() -> None:
    data = dataset()
    trainer = Trainer(tiny(batch_size=4, steps=1), data, engine="scalar")
    start = begin(trainer.config, data)
    engine = ScalarEngine()
    engine.load(start.config, "float64", {n: np.array(w) for n, w in start.weights.items()})
    total, count = 0.0, 0
    for doc in start.docs[:4]:
        tokens = start.tokenizer.encode_document(doc)[:7]
        loss, _ = engine.grads([tokens])
        total += loss * (len(tokens) - 1)
        count += len(tokens) - 1
    (step,) = run(trainer)["step"]
    assert step["tokens"] == count
    assert step["loss"] == pytest.approx(total / count, rel=1e-14)


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


# ---------------------------------------------------------------- stop and resume


@pytest.mark.parametrize(
    ("engine", "dtype", "changes"),
    [
        ("numpy", "float64", {}),
        ("numpy", "float64", {"batch_size": 5}),
        ("numpy", "float64", {"long": "window", "batch_size": 2}),
        ("numpy", "float64", {"optimizer": "sgd", "warmup": 3}),
        ("numpy", "float32", {"schedule": "cosine"}),
        ("native", "float64", {}),
        ("native", "float64", {"batch_size": 5}),
        ("native", "float64", {"long": "window", "optimizer": "sgd"}),
        ("native", "float32", {"batch_size": 5}),
        ("scalar", "float64", {}),
        ("scalar", "float64", {"long": "window"}),
        ("scalar", "float64", {"optimizer": "sgd"}),
    ],
)
def test_stop_and_resume_changes_no_byte(
    tmp_path: Path, engine: str, dtype: str, changes: dict[str, Any]
) -> None:
    config, data = tiny(**changes), dataset()
    options = {"engine": engine, "dtype": dtype}
    if engine == "native":
        try:
            make_engine(engine, config, dtype)
        except MissingError as error:
            pytest.skip(error.message)
    straight = run(in_directory(tmp_path / "a", config, data, **options))
    broken: list[Event] = []
    broken += run(in_directory(tmp_path / "b", config, data, stop_after=0, **options))["step"]
    for stop in (1, 4, 4, 8):
        broken += run(resumed(tmp_path / "b", data, stop_after=stop, **options))["step"]
    last = run(resumed(tmp_path / "b", data, **options))
    assert broken + last["step"] == straight["step"]
    assert last["eval"] == straight["eval"] and last["samples"] == straight["samples"]
    a, b = snapshot(tmp_path / "a"), snapshot(tmp_path / "b")
    assert a["weights.safetensors"] == b["weights.safetensors"]
    assert a["optim.safetensors"] == b["optim.safetensors"]
    first, second = json.loads(a["state.json"]), json.loads(b["state.json"])
    assert first["stream"] == second["stream"]
    assert first["sampler"] == second["sampler"]


def test_a_resumed_run_of_windows_goes_on_drawing_where_it_stopped(tmp_path: Path) -> None:
    config, data = tiny(long="window", steps=6), dataset()
    run(in_directory(tmp_path / "r", config, data, stop_after=3))
    saved = json.loads(snapshot(tmp_path / "r")["state.json"])["stream"]
    rng = begin(config, data).rng
    table = TokenTable(begin(config, data).docs, Tokenizer.of(data.docs))
    for _ in range(3):
        rng.randrange(len(table.tokens) - 6)
    assert saved[1] == list(rng.getstate()[1])


def test_another_engine_goes_on_within_the_tolerance(tmp_path: Path) -> None:
    config, data = tiny(steps=12), dataset()
    straight = run(in_directory(tmp_path / "a", config, data, engine="scalar"))["step"]
    mixed = run(in_directory(tmp_path / "b", config, data, engine="scalar", stop_after=5))["step"]
    mixed += run(resumed(tmp_path / "b", data, engine="numpy", stop_after=9))["step"]
    mixed += run(resumed(tmp_path / "b", data, engine="scalar"))["step"]
    for one, other in zip(straight, mixed, strict=True):
        assert one["loss"] == pytest.approx(other["loss"], abs=1e-9)
    assert json.loads(snapshot(tmp_path / "b")["state.json"])["engine"] == "scalar"


def test_a_dtype_may_change_on_resume(tmp_path: Path) -> None:
    run(in_directory(tmp_path / "r", tiny(), dataset(), stop_after=4))
    trainer = resumed(tmp_path / "r", dataset(), dtype="float32")
    run(trainer)
    weights, optim = trainer.engine.state()
    assert {w.dtype.name for w in (*weights.values(), *optim.m.values())} == {"float32"}


def test_saving_every_few_steps_changes_nothing(tmp_path: Path) -> None:
    config, data = tiny(steps=20), dataset()
    a = run(in_directory(tmp_path / "a", config, data))
    b = run(in_directory(tmp_path / "b", config, data, save_every=1))
    assert a["step"] == b["step"] and len(b["saved"]) == 21
    assert snapshot(tmp_path / "a") | {"state.json": b""} == snapshot(tmp_path / "b") | {
        "state.json": b""
    }


def test_stop_after_is_a_step_of_the_planned_ones(tmp_path: Path) -> None:
    for stop in (-1, 10):
        with pytest.raises(InputError, match=f"stop-after is {stop}, must be from 0 to the"):
            Trainer(tiny(), dataset(), stop_after=stop)
    run(in_directory(tmp_path / "r", tiny(), dataset(), stop_after=5))
    with pytest.raises(InputError, match="stop-after is 4, but the run is at step 5 already"):
        resumed(tmp_path / "r", dataset(), stop_after=4)
    assert run(resumed(tmp_path / "r", dataset(), stop_after=5))["step"] == []


def test_the_reference_run_reaches_the_same_piece_by_piece(tmp_path: Path) -> None:
    """Cut at odd places, the first 13 losses of the reference run stay the published ones."""
    names = load_data("names")
    config = make_config()
    losses = [
        s["loss"] for s in run(in_directory(tmp_path / "r", config, names, stop_after=3))["step"]
    ]
    for stop in (4, 11, 13):
        losses += [s["loss"] for s in run(resumed(tmp_path / "r", names, stop_after=stop))["step"]]
    assert [round(loss, 4) for loss in losses] == LOSSES


# ---------------------------------------------------------------- interruption, divergence


def test_a_stop_saves_and_says_how_to_go_on(tmp_path: Path) -> None:
    asked = iter([False, False, True])
    trainer = in_directory(tmp_path / "r", tiny(steps=50), dataset(), stopped=lambda: next(asked))
    with pytest.raises(Interrupted, match=r"Stopped at step \d+ of 50, saved in") as info:
        list(trainer.events())
    assert 0 < trainer.step < 50
    assert info.value.exit_code == 130
    assert f"--resume {tmp_path / 'r'}" in info.value.remedy
    assert RunDir.open(tmp_path / "r").load()[0].step == trainer.step


def test_a_stop_in_memory_has_nothing_to_save() -> None:
    with pytest.raises(Interrupted, match=r"Stopped at step 0 of 9\."):
        list(Trainer(tiny(), dataset(), stopped=lambda: True).events())


@pytest.mark.parametrize("engine", ["numpy", "scalar"])
def test_divergence_ends_the_run_and_keeps_the_last_save(tmp_path: Path, engine: str) -> None:
    config = tiny(optimizer="sgd", lr=1e5, steps=50, schedule="constant")
    trainer = in_directory(tmp_path / "r", config, dataset(), save_every=1, engine=engine)
    seen: list[Event] = []
    with pytest.raises(NumbersError) as info:
        seen.extend(trainer.events())
    assert info.value.exit_code == 4
    assert "diverged" in info.value.message
    assert "smaller --lr (now 100000)" in info.value.remedy
    losses = [event["loss"] for event in seen if "loss" in event]
    assert all(math.isfinite(loss) for loss in losses)
    kept = RunDir.open(tmp_path / "r").load()[0]
    assert f"keeps step {kept.step}." in info.value.remedy
    assert [m["loss"] for m in RunDir.open(tmp_path / "r").metrics()] == losses


def test_divergence_in_memory() -> None:
    config = tiny(optimizer="sgd", lr=1e6, steps=50, schedule="constant")
    with pytest.raises(NumbersError, match="training diverged"):
        list(Trainer(config, dataset()).events())


def test_a_loss_that_is_not_finite_names_its_step(tmp_path: Path) -> None:
    class Broken(ScalarEngine):
        def steps(self, batches: Any, lrs: Any, first_step: int, seeds: Any = None) -> list[float]:
            losses = super().steps(batches, lrs, first_step, seeds)
            return [math.nan if first_step + i == 5 else x for i, x in enumerate(losses)]

    trainer = in_directory(tmp_path / "r", tiny(), dataset(), engine="scalar", save_every=2)
    broken = Broken()
    broken.load(trainer.config, "float64", *trainer.engine.state())
    trainer.engine = broken
    seen: list[Event] = []
    with pytest.raises(NumbersError, match="The loss is nan at step 6: training diverged") as info:
        seen.extend(trainer.events())
    assert "keeps step 4" in info.value.remedy
    assert [e["step"] for e in seen if "loss" in e] == [1, 2, 3, 4, 5]
    assert len(RunDir.open(tmp_path / "r").metrics()) == 5


def test_weights_that_are_not_finite_are_not_saved(tmp_path: Path) -> None:
    class Broken(ScalarEngine):
        def state(self) -> Any:
            weights, optim = super().state()
            if optim.step >= 4:
                weights["wte"][0, 0] = np.inf
            return weights, optim

    trainer = in_directory(tmp_path / "r", tiny(), dataset(), engine="scalar", save_every=2)
    broken = Broken()
    broken.load(trainer.config, "float64", *trainer.engine.state())
    trainer.engine = broken
    with pytest.raises(NumbersError, match="no longer finite after step 4") as info:
        list(trainer.events())
    assert "keeps step 2" in info.value.remedy
    assert RunDir.open(tmp_path / "r").load()[0].step == 2


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

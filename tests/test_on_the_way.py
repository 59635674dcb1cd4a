"""What a run does while it trains: it is measured, keeps its best step, stops early, goes on."""

import math
from pathlib import Path

import numpy as np
import pytest

from cli_runner import ok, refused, written
from microgpt.batches import TokenTable
from microgpt.config import make_config
from microgpt.data import load_data
from microgpt.disk.checkpoint import RunDir
from microgpt.engines import make_engine
from microgpt.errors import InputError, Interrupted, NumbersError
from microgpt.evaluation import counting_floor, measure
from microgpt.model import surprise
from microgpt.opening import open_model
from microgpt.start import begin
from microgpt.tokenizer import Tokenizer
from microgpt.training import Trainer
from training_runs import dataset, in_directory, resumed, run, tiny

pytestmark = pytest.mark.usefixtures("empty_directory")

WORDS = {"holdout": 0.1, "steps": 200, "n_embd": 8, "n_head": 2}


def words_run(path: Path, **options: object) -> Trainer:
    return in_directory(path, make_config(**WORDS), load_data("words"), **options)


# ---------------------------------------------------------------- measured on the way


def test_measuring_changes_no_loss_and_the_best_step_is_kept(tmp_path: Path) -> None:
    plain = run(words_run(tmp_path / "plain", eval_every=0))
    watched = run(words_run(tmp_path / "watched", sample_every=50))
    assert [e["loss"] for e in watched["step"]] == [e["loss"] for e in plain["step"]]
    assert watched["samples"][-1] == plain["samples"][-1] and len(watched["samples"]) == 4
    on_the_way, last = watched["eval"][:-1], watched["eval"][-1]
    assert [e["step"] for e in on_the_way] == list(range(20, 200, 20))
    assert last == plain["eval"][0] and len(plain["eval"]) == 1
    best = min(on_the_way, key=lambda e: e["loss"])
    kept = RunDir.open(tmp_path / "watched")
    assert kept.best_step == best["step"]
    opened, _ = open_model(tmp_path / "watched", best=True)
    assert opened.step == best["step"]
    engine = make_engine("auto", opened.config, opened.dtype)
    engine.load(opened.config, opened.dtype, opened.weights)
    start = begin(opened.config, load_data("words"))
    table = TokenTable(start.kept_out.holdout, start.tokenizer)
    assert measure(engine, table, most=1000).loss == pytest.approx(best["loss"], abs=1e-12)


def test_a_run_that_is_resumed_is_measured_as_one_that_never_stopped(tmp_path: Path) -> None:
    whole = run(words_run(tmp_path / "whole"))
    first = run(words_run(tmp_path / "halves", stop_after=90))
    second = run(resumed(tmp_path / "halves", load_data("words")))
    assert first["eval"] + second["eval"] == whole["eval"]
    a, b = (RunDir.open(tmp_path / name).load()[0] for name in ("whole", "halves"))
    assert a is not None and b is not None and a.state["best"] == b.state["best"]


def test_a_run_that_gets_no_better_stops_early(tmp_path: Path) -> None:
    config = make_config(**{**WORDS, "lr": 0.03, "steps": 2000})
    trainer = in_directory(
        tmp_path / "r", config, load_data("words"), eval_every=5, patience=3, eval_docs=50
    )
    found = run(trainer)
    assert trainer.ended_early and trainer.step < 2000
    losses = [e["loss"] for e in found["eval"][:-1]]  # the last one is that of the end
    assert losses.index(min(losses)) == len(losses) - 4
    assert found["samples"]
    assert trainer.best.since == 3


def test_what_can_not_be_measured_is_refused() -> None:
    with pytest.raises(InputError, match="Nothing is held out"):
        Trainer(tiny(steps=100), dataset(), eval_every=5)
    with pytest.raises(InputError, match="patience is 0, must be at least 1"):
        Trainer(tiny(), dataset(), patience=0)
    said = refused(2, "sample", "--best", ok_run())
    assert "no best step" in said


def ok_run() -> str:
    ok("train", "--steps", 2, "--out", "r")
    return "r"


def test_a_sample_of_the_documents_is_named(tmp_path: Path) -> None:
    trainer = words_run(tmp_path / "r")
    table = trainer.judge.tables["distinct"]
    every = measure(trainer.engine, table)
    some = measure(trainer.engine, table, most=40)
    assert not every.is_sample and every.measured == every.of == len(table)
    assert some.is_sample and (some.measured, some.of) == (40, len(table))
    rows = np.arange(40) * len(table) // 40
    docs = [trainer.kept_out.holdout[i] for i in rows]
    alone = measure(trainer.engine, TokenTable(docs, trainer.tokenizer))
    assert some.loss == pytest.approx(alone.loss, abs=1e-12)
    # A time that has passed already leaves one document, not none.
    assert measure(trainer.engine, table, seconds=1e-9).measured in (1, len(table))


def test_what_tells_how_long_it_takes_is_not_computed_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = words_run(tmp_path / "r")
    table = trainer.judge.tables["distinct"]
    monkeypatch.setattr("microgpt.evaluation._AT_ONCE", 100 * 16 * 4 * 8)  # 100 documents
    calls: list[int] = []
    whole = trainer.engine.summed_loss

    def counted(tokens: np.ndarray, offsets: np.ndarray) -> float:
        calls.append(len(offsets) - 1)
        return whole(tokens, offsets)

    monkeypatch.setattr(trainer.engine, "summed_loss", counted)
    found = measure(trainer.engine, table, seconds=1e9)
    assert len(calls) > 1 and sum(calls) == len(table)
    assert found == measure(trainer.engine, table)  # to the last bit


def test_a_measurement_is_stopped_at_once(tmp_path: Path) -> None:
    asked = False

    def told(done: int, of: int) -> None:
        nonlocal asked
        asked = True

    trainer = words_run(tmp_path / "r", stopped=lambda: asked, eval_every=0)
    trainer.told = told
    with pytest.raises(Interrupted, match="Training is done") as info:
        run(trainer)
    assert "eval" in info.value.remedy
    assert RunDir.open(tmp_path / "r").load()[0].step == 200  # type: ignore[union-attr]


def test_the_end_of_one_long_text_is_held_out() -> None:
    written("play.txt", "to be or not to be " * 40)
    flags = ["--split-by", "none", "--long", "window", "--block-size", 8, "--steps", 20]
    result = ok("train", "play.txt", *flags, "--holdout", 0.1, "--out", "r", "--json")
    (event,) = result.of("eval")
    assert event["split"] == "tail"
    text = load_data("play.txt", "none").docs[0]
    assert event["tokens"] == int(len(text) * 0.1) + 1
    assert ok("eval", "r", "--json").of("eval") == [event]


# ---------------------------------------------------------------- counting, fairly


def test_counting_is_fitted_on_one_part_and_measured_on_the_other() -> None:
    tokenizer = Tokenizer.of(["ab"])
    config = make_config(block_size=4, vocab_size=3)
    fitted, measured = (TokenTable(docs, tokenizer) for docs in (["ab", "ab"], ["ba"]))
    # After BOS: a twice of 2; after a: b twice; after b: BOS twice. Add one, among three tokens.
    wanted = -(math.log(1 / 5) * 3) / 3  # BOS b, b a, a BOS: none of them was ever seen
    assert counting_floor(fitted, measured, config) == pytest.approx(wanted)
    assert counting_floor(fitted, fitted, config) == pytest.approx(-math.log(3 / 5))


# ---------------------------------------------------------------- diverged is diverged


@pytest.mark.parametrize("engine", ["scalar", "numpy", "native"])
def test_every_engine_calls_the_same_step_diverged(engine: str) -> None:
    trainer = Trainer(make_config(lr=0.5), load_data("names"), engine=engine)
    losses: list[float] = []
    with pytest.raises(NumbersError, match=r"at step 3, more than 20 times the 3\.30") as info:
        losses.extend(event["loss"] for event in trainer.events() if "loss" in event)
    assert info.value.exit_code == 4 and "smaller --lr" in info.value.remedy


def test_first_weights_that_are_too_large_are_named() -> None:
    said = refused(4, "train", "--init-std", 2, "--steps", 3)
    assert "at step 1" in said and "--init-std" in said


def test_a_model_that_is_worse_than_guessing_says_so() -> None:
    result = ok("train", "--steps", 4, "--lr", 0.15, "--json")
    assert "worse than guessing blindly" in result.err


def test_a_probability_below_all_floats_has_a_loss() -> None:
    assert surprise([0.0, 2000.0], 0) == pytest.approx(2000.0)


# ---------------------------------------------------------------- trained further


def test_a_finished_run_is_trained_further() -> None:
    ok("train", "--steps", 20, "--out", "r")
    result = ok("train", "--resume", "r", "--steps", 50, "--json")
    assert "50 steps are planned now, 20 before: lr continues at 0.006 from step 21" in result.err
    steps = [line for line in result.lines if "loss" in line]
    assert [line["step"] for line in steps] == list(range(21, 51))
    assert steps[0]["lr"] == pytest.approx(0.01 * (1 - 20 / 50))
    (event,) = result.of("eval")
    assert event["step"] == 50
    assert ok("eval", "r", "--json").of("eval") == [event]
    assert (
        len(ok("train", "--resume", "r", "--steps", 60, "--stop-after", 55, "--json").losses) == 5
    )
    assert len(ok("train", "--resume", "r", "--json").losses) == 5  # the plan stays with the run
    assert "is at step 60 already" in refused(2, "train", "--resume", "r", "--steps", 30)


# ---------------------------------------------------------------- lines


def test_a_long_run_prints_at_most_a_thousand_lines() -> None:
    shown = ok("train", "--steps", 1500, "--n-embd", 4, "--n-head", 1).out.splitlines()
    steps = [line for line in shown if line.startswith("step")]
    assert len(steps) == 750 and steps[0].startswith("step    2 / 1500 | loss")
    every = ok("train", "--steps", 30, "--log-every", 10).out.splitlines()
    assert len([line for line in every if line.startswith("step")]) == 3
    assert ok("train", "--steps", 3, "--quiet").out == ""
    quiet = ok("train", "--steps", 3, "--quiet", "--json")
    assert not quiet.losses and quiet.of("samples")

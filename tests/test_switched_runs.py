"""Runs and files of models with other blocks: saved, continued, moved, shown, exported."""

import json
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cli_runner import TINY, ok, refused
from microgpt.disk.checkpoint import RunDir
from microgpt.inspection.facts import parameter_tally, repeat_command, short_tally
from microgpt.opening import open_model

BLOCKS = ["--norm", "layernorm", "--norm-gain", "--bias", "--no-embed-norm", "--final-norm",
          "--positions", "rope", "--n-kv-head", 1, "--qk-norm", "--tied", "--activation", "swiglu",
          "--n-expert", 3, "--attn-window", 5]  # fmt: skip
RECIPE = ["--optimizer", "muon", "--weight-decay", 0.1, "--grad-clip", 0.5, "--lr-end", 0.1]
RUN = ["train", "own.txt", *TINY, "--block-size", 8, "--steps", 6, "--json"]

pytestmark = pytest.mark.usefixtures("own_list")


def state(path: str) -> dict[str, Any]:
    found = RunDir.open(path).load()[0]
    assert found is not None
    return {**found.weights, **{f"m.{n}": a for n, a in found.optim.m.items()},
            **{f"v.{n}": a for n, a in found.optim.v.items()}}  # fmt: skip


def assert_close(one: dict[str, Any], other: dict[str, Any], apart: float = 0.0) -> None:
    assert one.keys() == other.keys()
    for name, array in one.items():
        np.testing.assert_allclose(array, other[name], rtol=apart, atol=apart, err_msg=name)


def test_a_run_is_saved_continued_and_shown(tmp_path: Path) -> None:
    whole = ok(*RUN, *BLOCKS, *RECIPE, "--engine", "numpy", "--out", "a")
    ok(*RUN, *BLOCKS, *RECIPE, "--engine", "numpy", "--out", "b", "--stop-after", 3)
    again = ok("train", "--resume", "b", "--json")
    assert whole.losses[3:] == again.losses
    assert all(norm > 0 for norm in whole.of("grad_norm"))
    assert_close(state("a"), state("b"))
    assert "damaged" not in ok("doctor", "a").out

    text = ok("inspect", "a").out
    known = [" ".join(line.split()) for line in text.splitlines()]
    for line in ("norm_gain yes", "embed_norm no", "n_kv_head 1", "positions rope"):
        assert line in known
    assert "grad_clip 0.5" in known
    assert "weight_decay 0.1" in text
    ok("inspect", "a", "--html", "a.html")
    page = Path("a.html").read_text(encoding="utf-8")
    assert "layer0.expert2.mlp_gate" in page
    assert page.count("<svg") > 20

    opened, _ = open_model("a")
    words = shlex.split(repeat_command(opened) or "")
    assert words[:2] == ["microgpt", "train"]
    ok(*words[1:], "--out", "c", "--json")
    assert_close(state("a"), state("c"))
    tallies = parameter_tally(opened.config)
    assert sum(t.count for t in tallies) == opened.config.parameters()
    assert all(t.about for t in tallies)


def test_the_kinds_of_new_weights_and_many_experts_in_one_line() -> None:
    ok(*RUN, "--n-expert", 6, "--norm-gain", "--lora-rank", 2, "--stop-after", 0, "--out", "a")
    config = open_model("a")[0].config
    kinds = {t.name: t.kind for t in parameter_tally(config)}
    assert kinds["layer0.router"] == kinds["layer0.expert1.mlp_fc1.lora_a"] == "mlp"
    assert kinds["layer0.attn_norm"] == kinds["layer0.attn_wq.lora_b"] == "attention"
    assert kinds["emb_norm"] == "embedding"
    short = {t.name: t for t in short_tally(config)}
    assert short["layer0.expert0-5.mlp_fc1"].count == 6 * 4 * 16
    assert sum(t.count for t in short.values()) == config.parameters()


def test_files_carry_the_switches_or_refuse_them_by_name() -> None:
    ok(*RUN, *BLOCKS, "--engine", "numpy", "--out", "a")
    said = refused(3, "export", "a", "a.json")
    assert "a model.json can't say activation swiglu, norm layernorm, norm_gain true" in said
    assert "tied true" in said
    assert "Write a .safetensors file instead" in said
    assert not Path("a.json").exists()
    ok("export", "a", "a.safetensors")
    opened, _ = open_model("a.safetensors")
    assert opened.config.n_kv_head == 1
    assert opened.config.embed_norm is False
    seed = ["-n", 3, "--seed", 5, "--plain"]
    assert ok("sample", "a.safetensors", *seed).out == ok("sample", "a", *seed).out
    assert "final_norm        yes" in ok("inspect", "a.safetensors").out

    ok("import", "a.safetensors", "own.txt", "--out", "new", "--lr", 0.001)
    assert_close(open_model("new")[0].weights, opened.weights)
    assert "--lr 0.001" in ok("inspect", "new").out
    (run,) = ok("train", "--resume", "new", "--stop-after", 2, "--json").of("run")
    assert run["config"]["positions"] == "rope"


def test_what_only_training_has_is_no_matter_to_a_model_json() -> None:
    ok(*RUN, *RECIPE, "--engine", "numpy", "--out", "a")
    ok("export", "a", "a.json")
    assert open_model("a.json")[0].config.optimizer == "adam"  # the file says nothing of it


def test_a_model_json_cannot_say_gelu() -> None:
    ok("train", "own.txt", *TINY, "--steps", 2, "--out", "a", "--quiet")
    ok("export", "a", "a.json")
    content = json.loads(Path("a.json").read_text())
    content["config"]["activation"] = "gelu"
    Path("b.json").write_text(json.dumps(content))
    said = refused(3, "sample", "b.json")
    assert "config.activation is 'gelu', must be relu or relu_squared in a model.json." in said
    assert "safetensors" in said


@pytest.mark.parametrize("flag", [["--positions", "rope"], ["--no-tied"], ["--n-embd", 8]])
def test_another_shape_is_refused_when_resumed_or_imported(flag: list[object]) -> None:
    ok(*RUN, "--stop-after", 2, "--out", "a")
    said = refused(2, "train", "--resume", "a", *flag)
    assert f"{str(flag[0]).replace('--no-', '--')} can't be changed when a run is resumed." in said
    assert "import" not in said  # it wouldn't help
    said = refused(2, "import", "a", "--out", "b", *flag)
    assert "is part of the model's shape, which comes from a." in said
    assert f"train {' '.join(map(str, flag))}" in said
    assert not Path("b").exists()


def test_lora_may_be_added_to_a_model() -> None:
    """The first loss is that of the model; what it knew stays as it was."""
    ok(*RUN, "--engine", "numpy", "--out", "a")
    ok("import", "a", "--out", "b", "--lora-rank", 2, "--optimizer", "adamw")
    before = state("b")
    model = open_model("a")[0].weights
    assert_close(model, {name: before[name] for name in model})
    assert not before["layer0.attn_wq.lora_b"].any()
    assert before["layer0.attn_wq.lora_a"].any()
    assert ok("eval", "b", "own.txt").out == ok("eval", "a", "own.txt").out
    ok("train", "--resume", "b", "--quiet")
    after = state("b")
    assert_close(model, {name: after[name] for name in model})
    assert after["layer0.attn_wq.lora_b"].any()


# ---------------------------------------------------------------- between engines


@pytest.mark.torch
@pytest.mark.parametrize("way", [("numpy", "torch"), ("torch", "numpy")])
def test_a_run_moves_between_numpy_and_torch(way: tuple[str, str]) -> None:
    ok(*RUN, *BLOCKS, *RECIPE, "--engine", "numpy", "--out", "a")
    ok(*RUN, *BLOCKS, *RECIPE, "--engine", way[0], "--out", "b", "--stop-after", 3)
    ok("train", "--resume", "b", "--engine", way[1], "--json")
    assert_close(state("a"), state("b"), 1e-9)


@pytest.mark.torch
@pytest.mark.parametrize("words", [[], ["--tokenizer", "bpe", "--vocab-size", 260]])
def test_a_published_run_moves_through_all_engines(words: list[object]) -> None:
    ok(*RUN, *words, "--engine", "numpy", "--out", "a")
    ok(*RUN, *words, "--engine", "scalar", "--out", "b", "--stop-after", 2)
    ok("train", "--resume", "b", "--engine", "torch", "--json", "--stop-after", 4)
    ok("train", "--resume", "b", "--engine", "auto", "--json", "--stop-after", 5)
    ok("train", "--resume", "b", "--engine", "torch", "--json")
    assert_close(state("a"), state("b"), 1e-9)
    said = [json.loads(line) for line in Path("b/metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in said if "loss" in line] == list(range(1, 7))


@pytest.mark.torch
def test_dropout_is_the_same_across_a_cut() -> None:
    drops = [*RUN, "--dropout", 0.3, "--batch-size", 2, "--engine", "torch", "--threads", 1]
    whole = ok(*drops, "--out", "a")
    cut = ok(*drops, "--out", "b", "--stop-after", 3)
    again = ok("train", "--resume", "b", "--json")
    assert whole.losses == cut.losses + again.losses
    assert_close(state("a"), state("b"))
    assert whole.losses != ok(*drops, "--seed", 43, "--out", "c").losses
    without = [*RUN, "--batch-size", 2, "--engine", "torch"]
    assert whole.losses != ok(*without, "--out", "d").losses
    ok("eval", "a", "own.txt", "--engine", "scalar")

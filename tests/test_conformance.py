"""Every engine, and the ground it stands on, against the vectors in conformance/."""

import hashlib
import json
import math
import random
import shutil
import struct
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import engine_names
from microgpt import model as forward_pass
from microgpt import stream
from microgpt.batches import Order, TokenTable
from microgpt.config import PRESETS, make_config
from microgpt.data import fnv1a32, load_data, split
from microgpt.disk.checkpoint import RunDir
from microgpt.disk.modelfile import Model, read_model, write_model
from microgpt.engines import engine_class
from microgpt.engines.drawing import choose, distribution
from microgpt.engines.scalar import ScalarEngine
from microgpt.errors import TokenError
from microgpt.evaluation import mean_loss
from microgpt.start import begin
from microgpt.tokenizer import Tokenizer
from microgpt.training import Trainer
from patience import SLOW_PATIENCE
from published import LOSSES, SAMPLES

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from conformance import checks, make_files, make_ground, make_model, vectorfile  # noqa: E402

FILES = sorted(path.stem for path in vectorfile.VECTORS.glob("*.json"))
KINDS = engine_names.here("float64", "float32")
TOLERANCES = json.loads((vectorfile.HERE / "tolerances.json").read_text(encoding="utf-8"))
ULP = {name: entry["limit"] for name, entry in TOLERANCES["ulp"].items()}


def all_cases(file: str) -> list[Any]:
    return [pytest.param(case, id=name) for name, case in vectorfile.cases(file).items()]


def close(expected: float, got: float, ulps: int) -> bool:
    return abs(expected - got) <= ulps * math.ulp(max(abs(expected), 1e-300))


def all_close(expected: Sequence[float], got: Sequence[float], ulps: int) -> bool:
    return len(expected) == len(got) and all(map(close, expected, got, [ulps] * len(expected)))


# ---------------------------------------------------------------- the files themselves


@pytest.mark.parametrize("name", FILES)
def test_vector_file_is_as_the_schema_says(name: str) -> None:
    schema = json.loads((vectorfile.HERE / "schema.json").read_text(encoding="utf-8"))
    content = vectorfile.load(name)
    found = vectorfile.problems(content, schema, schema, name)
    for case in content["cases"]:
        found += vectorfile.problems(case, schema["$defs"][name], schema, case["name"])
    assert not found, found[:5]
    names = Counter(case["name"] for case in content["cases"])
    assert max(names.values()) == 1, names
    assert all(len(case["why"]) > 2 for case in content["cases"])
    assert (vectorfile.VECTORS / f"{name}.json").read_text("utf-8") == vectorfile.text(content)


def test_schema_checker_finds_what_is_wrong() -> None:
    schema = json.loads((vectorfile.HERE / "schema.json").read_text(encoding="utf-8"))
    good = vectorfile.load("choices")["cases"][0]
    shape = schema["$defs"]["choices"]
    assert not vectorfile.problems(good, shape, schema, "x")
    for bad in ({**good, "index": 0.5}, {**good, "more": 1}, {**good, "weights": [True]}, 5):
        assert vectorfile.problems(bad, shape, schema, "x"), bad
    del (less := dict(good))["why"]
    assert vectorfile.problems(less, shape, schema, "x") == ["x: lacks why"]


def test_every_vector_file_is_in_the_readme() -> None:
    readme = (vectorfile.HERE / "README.md").read_text(encoding="utf-8")
    for name in FILES:
        assert f"| `{name}.json` |" in readme, name


def test_vectors_stay_small() -> None:
    size = sum(path.stat().st_size for path in vectorfile.HERE.rglob("*") if path.is_file())
    assert size < 3_000_000


def test_trace_table_is_current() -> None:
    text = (vectorfile.HERE / "trace.json").read_text(encoding="utf-8")
    assert text == vectorfile.text(make_model.trace_table()), "python conformance/generate.py"


def test_tolerances_are_wider_than_what_was_measured() -> None:
    for group in ("ulp", "float64", "float32"):
        for name, entry in TOLERANCES[group].items():
            assert entry["measured"] <= entry["limit"], name
            assert entry["reason"], name
    assert list(TOLERANCES["float64"]) == list(TOLERANCES["float32"])


@pytest.mark.parametrize("name", [*make_ground.FILES, "operations", "toy_gpt"])
def test_generator_still_writes(name: str) -> None:
    """The quick files; the next test does all but the whole runs."""
    make = {**make_ground.FILES, **make_model.FILES}[name]
    distance, where = vectorfile.difference(vectorfile.load(name), json.loads(json.dumps(make())))
    assert distance <= 1e-11, where


@pytest.mark.slow
def test_generate_check() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "conformance" / "generate.py", "--check"],
        capture_output=True,
        text=True,
        timeout=SLOW_PATIENCE,
    )
    assert done.returncode == 0, done.stdout + done.stderr


# ---------------------------------------------------------------- the ground


@pytest.mark.parametrize("case", all_cases("random_stream"))
def test_random_stream(case: dict[str, Any]) -> None:
    results = make_ground.play(random.Random(case["seed"]), case["calls"])
    for call, expected, got in zip(case["calls"], case["results"], results, strict=True):
        if call[0] == "gauss":
            assert close(expected, got, ULP["gauss"]), call
        else:
            assert expected == got, call


def test_many_draws_at_once_are_the_same_draws() -> None:
    refill = vectorfile.cases("random_stream")["refill"]
    expected = [x for x in refill["results"] if x is not None]
    for pieces in ([5000], [1, 4999], [2500, 2500], [311, 4689]):
        rng = random.Random(42)
        draws = np.concatenate([stream.uniforms(rng, count) for count in pieces])
        assert [draws[i] for i in (311, 312, 4998, 4999)] == expected
        assert (
            rng.random() == np.array(make_ground.play(random.Random(42), [["random"]] * 5001))[-1]
        )


@pytest.mark.parametrize("case", all_cases("choices"))
def test_choices(case: dict[str, Any]) -> None:
    class Fixed(random.Random):
        def random(self) -> float:
            return float(case["uniform"])

    weights = case["weights"]
    assert Fixed().choices(range(len(weights)), weights) == [case["index"]]
    if case["name"] != "clamped":  # whose weights are below what a softmax makes
        with np.errstate(divide="ignore"):
            logits = np.log(np.array(weights) / max(weights))
        if case["name"] not in ("on_the_edge", "below_the_edge", "inner_zero"):  # exact weights
            assert choose(logits, case["uniform"], 1.0) == case["index"]


@pytest.mark.parametrize("case", all_cases("tokenizer"))
def test_tokenizer(case: dict[str, Any]) -> None:
    tokenizer = Tokenizer.of(case["docs"])
    assert [ord(c) for c in tokenizer.uchars] == case["code_points"]
    assert (tokenizer.bos, tokenizer.vocab_size) == (case["bos"], case["vocab_size"])
    assert [tokenizer.encode_document(doc) for doc in case["docs"]] == case["documents"]
    for doc, tokens in zip(case["docs"], case["documents"], strict=True):
        assert tokenizer.decode(tokens) == doc
    for entry in case["encode"]:
        text = entry["text"]
        if "tokens" in entry:
            assert tokenizer.encode(text) == entry["tokens"]
            assert tokenizer.decode(entry["tokens"]) == text
        else:
            with pytest.raises(TokenError, match=f"position {entry['position']} "):
                tokenizer.encode(text)
            assert tokenizer.encode(text, unknown="skip") == entry["skipped"]


def test_holdout_hash() -> None:
    for text, expected in vectorfile.cases("holdout")["hashes"]["hashes"]:
        assert fnv1a32(text) == expected, text
    assert fnv1a32("") == 0x811C9DC5
    assert fnv1a32("a") == 0xE40C292C
    assert fnv1a32("foobar") == 0xBF9CF968


def test_holdout_of_the_names() -> None:
    docs = load_data("names").docs
    for case in vectorfile.cases("holdout")["names"]["splits"]:
        parts = split(docs, case["fraction"], case["validation"])
        for name, got in (
            ("train", parts.train),
            ("holdout", parts.holdout),
            ("chosen", parts.validation),
        ):
            digest = make_ground.digest(got)
            assert (len(got), got[:6], digest) == tuple(case[name].values()), name


def test_holdout_at_the_edge() -> None:
    case = vectorfile.cases("holdout")["edge"]
    parts = split(case["docs"], case["fraction"], True)
    assert [parts.train, parts.holdout, parts.validation] == [
        case["train"],
        case["holdout"],
        case["chosen"],
    ]


def test_shuffle_of_the_names() -> None:
    case = vectorfile.cases("shuffle")["names_42"]
    dataset = load_data("names")
    assert dataset.sha256 == case["data_sha256"]
    docs = begin(make_config(), dataset).docs
    assert (len(docs), len(set(docs))) == (case["documents"], case["distinct"])
    assert max(map(len, docs)) == case["longest"]
    assert docs[:6] == case["first"]
    assert " ".join(docs[:6]) == "yuheng diondre xavien jori juanluis erandi"
    assert make_ground.digest(docs) == case["sha256"]


@pytest.mark.parametrize("case", all_cases("batches"))
@pytest.mark.parametrize("piece", [1, 2, 100])
def test_batches(case: dict[str, Any], piece: int) -> None:
    tokenizer = Tokenizer.of(case["docs"])
    changes = {key: case[key] for key in ("block_size", "batch_size", "long") if key in case}
    config = make_config(vocab_size=tokenizer.vocab_size, **changes)
    rng = random.Random(case["seed"])
    order = Order(TokenTable(case["docs"], tokenizer), config, rng)
    steps, positions = [], []
    for first in range(0, len(case["steps"]), piece):
        here = order.batches(first, min(piece, len(case["steps"]) - first))
        at = 0
        for count in here.documents.tolist():
            steps.append(here.docs(at, count))
            at += count
        positions += here.positions.tolist()
    assert steps == case["steps"]
    assert positions == case["positions"]
    assert rng.random() == case["next_random"]


@pytest.mark.parametrize("case", all_cases("schedule"))
def test_schedule(case: dict[str, Any]) -> None:
    config = make_config(**{key: case[key] for key in ("lr", "warmup", "schedule", "steps")})
    for step, lr in case["at"]:
        assert close(lr, config.lr_at(step), ULP["schedule"]), step


@pytest.mark.parametrize("case", all_cases("operations"))
def test_operations(case: dict[str, Any]) -> None:
    nodes = make_model.evaluate(case["nodes"])
    nodes[-1].backward()
    assert all_close(case["data"], [n.data for n in nodes], ULP["operations"])
    assert all_close(case["grads"], [n.grad for n in nodes], ULP["operations"])


@pytest.mark.parametrize("case", all_cases("distribution"))
def test_distribution(case: dict[str, Any]) -> None:
    banned = None if case["banned"] is None else np.array(case["banned"], bool)
    args = (case["temperature"], case["top_k"], case["top_p"], banned)
    logits = np.array(case["logits"])
    assert all_close(case["probs"], distribution(logits, *args), ULP["distribution"])
    for uniform, token in case["choices"]:
        assert choose(logits, uniform, *args) == token


def test_initial_weights_of_the_presets() -> None:
    for preset in PRESETS:
        start = begin(make_config(preset), load_data("names"))
        stored = vectorfile.cases("models")[preset]["weights"]
        assert list(start.weights) == list(stored)
        for name, rows in stored.items():
            for expected, got in zip(rows, start.weights[name], strict=True):
                assert all_close(expected, got, ULP["gauss"]), name


# ---------------------------------------------------------------- engines


@pytest.mark.parametrize(("name", "dtype"), KINDS)
@pytest.mark.parametrize("check", checks.CHECKS)
def test_engine(check: str, name: str, dtype: str) -> None:
    engine = engine_class(name)
    checks.CHECKS[check](engine, dtype, checks.FAST if engine.slow else None)


@pytest.mark.slow
@pytest.mark.parametrize(
    "check",
    # Ten steps of each case are what test_generate_check makes and compares.
    [pytest.param(x, marks=pytest.mark.prove if x == "steps" else ()) for x in checks.CHECKS],
)
def test_scalar_engine_on_every_case(check: str) -> None:
    checks.CHECKS[check](ScalarEngine, "float64", None)


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize(("name", "dtype"), KINDS)
def test_whole_run(name: str, dtype: str, preset: str) -> None:
    """All losses of the run and the held-out loss; of a slow engine the first 5 losses."""
    engine = engine_class(name)
    if engine.slow:
        checks.check_losses(engine, dtype, preset, 5)
    else:
        checks.check_run(engine, dtype, preset)


def test_published_numbers() -> None:
    final, early = (vectorfile.cases("losses")[preset] for preset in ("final", "early"))
    assert [round(x, 4) for x in final["losses"][:13]] == LOSSES
    assert f"{final['losses'][-1]:.4f}" == "2.6497"
    assert round(math.fsum(final["losses"][-100:]) / 100, 3) == 2.276
    assert round(final["held_out"]["loss"], 3) == 2.367
    assert math.isclose(early["held_out"]["loss"], 2.4525, abs_tol=1e-4)
    assert round(min(early["losses"]), 3) == 1.675
    assert final["samples"] == SAMPLES


@pytest.mark.slow
@pytest.mark.parametrize("preset", PRESETS)
def test_random_stretch_of_the_reference_run(preset: str) -> None:
    """Fifty steps of the scalar engine from a place that is another one in every run.

    The numpy engine trains up to there, the scalar engine goes on from its state.
    """
    config = make_config(preset)
    first, count = random.SystemRandom().randrange(config.steps - 50), 50
    print(f"{preset}: steps {first + 1} to {first + count}")
    ahead, _ = checks.trained_to(engine_class("numpy"), "float64", preset, first)
    weights, optim = ahead.state()
    engine = ScalarEngine()
    engine.load(config, "float64", weights, optim)
    start = begin(config, load_data("names"))
    order = Order(TokenTable(start.docs, start.tokenizer), config, start.rng)
    lrs = [config.lr_at(step) for step in range(first, first + count)]
    got = engine.steps(order.batches(first, count), lrs, first)
    expected = vectorfile.cases("losses")[preset]["losses"][first : first + count]
    assert max(abs(e - g) for e, g in zip(expected, got, strict=True)) <= 1e-9, first


@pytest.mark.prove
@pytest.mark.parametrize("preset", PRESETS)
def test_whole_run_of_the_scalar_engine(preset: str) -> None:
    """Byte for byte: every loss, all weights at the end (by their digest), the held-out loss."""
    case = vectorfile.cases("losses")[preset]
    config = make_config(preset)
    start = begin(config, load_data("names"))
    engine = ScalarEngine()
    weights = {name: np.array(rows) for name, rows in start.weights.items()}
    engine.load(config, "float64", weights)
    order = Order(TokenTable(start.docs, start.tokenizer), config, start.rng)
    lrs = [config.lr_at(step) for step in range(config.steps)]
    losses = engine.steps(order.batches(0, config.steps), lrs, 0)
    packed = [struct.pack(f"<{len(x)}d", *x) for x in (losses, case["losses"])]
    assert packed[0] == packed[1]
    end = b"".join(w.astype("<f8").tobytes() for w in engine.state()[0].values())
    assert hashlib.sha256(end).hexdigest() == case["end_sha256"]
    held_out, _ = mean_loss(engine, start.docs[config.steps :], start.tokenizer)
    assert held_out == pytest.approx(case["held_out"]["loss"], rel=1e-14)  # summed in parts


# ---------------------------------------------------------------- the toy GPT


@pytest.mark.parametrize("token", range(4))
def test_toy_gpt_after_the_pinned_cache(token: int) -> None:
    content = vectorfile.load("toy_gpt")
    config = make_config(**content["config"])
    assert config.parameters() == 72
    case = content["cases"][1 + token]
    row: dict[str, Any] = {}
    keys = [[list(k) for k in content["pinned_cache"]["keys"]]]
    values = [[list(v) for v in content["pinned_cache"]["values"]]]
    logits = forward_pass.gpt(token, 2, keys, values, content["weights"], config, row.__setitem__)
    row["probs"] = forward_pass.softmax(logits)
    row["loss_if_target"] = [-math.log(p) for p in row["probs"]]
    got = {name.removeprefix("layer0."): value for name, value in row.items()}
    checks.Judge("float64").near_all("forward", case["name"], case["row"], got)


def test_toy_gpt_as_printed() -> None:
    """The walkthrough's column for b; it prints 0.17 for BOS and 1.77 for its loss, by mistake."""
    hand = vectorfile.cases("toy_gpt")["pinned_b"]["by_hand"]
    printed = {
        "x": [-0.88, 1.10], "q": [-0.22, 0.35], "k": [-0.37, 0.37], "v": [-0.24, 0.84],
        "scores": [-0.02, 0.11, 0.15], "weights": [0.30, 0.34, 0.36], "head_out": [0.14, 0.28],
        "x_attn": [0.14, 0.21], "x_after_attn": [-0.74, 1.31], "x_pre_mlp": [-0.70, 1.23],
        "fc1_pre": [-0.16, 0.76, -0.58, 0.42, 0.60, -0.26, -0.05, -0.42],
        "mlp_out": [0.40, 0.35], "x_final": [-0.34, 1.66], "logits": [0.06, 0.73, -0.67, 1.03],
        "probs": [0.16, 0.32, 0.08, 0.43],
    }  # fmt: skip
    assert {name: hand[name] for name in printed} == printed
    assert hand["loss_if_target"][0] == 1.80


# ---------------------------------------------------------------- files


@pytest.mark.parametrize("name", ["tiny", "small"])
def test_model_json_round_trip(name: str, tmp_path: Path) -> None:
    path = vectorfile.VECTORS / "model" / f"{name}.json"
    model, notices = read_model(path)
    assert not notices
    stored = vectorfile.cases("models")[name]
    for key, value in stored["config"].items():
        assert getattr(model.config, key) == value
    assert {n: w.tolist() for n, w in model.weights.items()} == stored["weights"]
    write_model(tmp_path / "model.json", model)
    text, kept = (tmp_path / "model.json").read_text(), path.read_text()
    assert ('"digest"' in kept) == (name == "small")
    assert (make_files.without_digest(text) if name == "tiny" else text) == kept
    assert isinstance(model, Model)


def test_shipped_model_is_the_end_of_the_reference_run() -> None:
    model, notices = read_model(ROOT / "data" / "model.json")
    assert not notices
    (case,) = vectorfile.load("trained")["cases"]
    judge = checks.Judge("float64")
    judge.near_all("steps", "data/model.json", case["weights"], model.weights)
    assert model.tokenizer.uchars == list("abcdefghijklmnopqrstuvwxyz")


@pytest.mark.parametrize("name", engine_names.every())
def test_run_of_format_1_goes_on(name: str, tmp_path: Path) -> None:
    (case,) = vectorfile.load("resume")["cases"]
    path = tmp_path / "run"
    shutil.copytree(vectorfile.VECTORS / case["directory"], path)
    run = RunDir.open(path)
    snapshot, notices = run.load()
    assert not notices
    assert snapshot is not None
    assert snapshot.step == case["step"]
    for part, got in (
        ("weights", snapshot.weights),
        ("m", snapshot.optim.m),
        ("v", snapshot.optim.v),
    ):
        assert {n: a.tolist() for n, a in got.items()} == case[part]
    trainer = Trainer(
        run.config, load_data("dinosaurs"), engine=name, snapshot=snapshot, run_dir=run
    )
    events = list(trainer.events())
    losses = [e["loss"] for e in events if "loss" in e]
    assert losses == pytest.approx(case["losses"], rel=0, abs=1e-9)
    (held_out,) = (e["eval"] for e in events if "eval" in e)
    assert held_out["loss"] == pytest.approx(case["held_out"]["loss"], rel=0, abs=1e-9)
    assert (held_out["split"], held_out["tokens"]) == (
        case["held_out"]["split"],
        case["held_out"]["tokens"],
    )
    assert [s["text"] for e in events for s in e.get("samples", ())] == case["samples"]
    run.close()

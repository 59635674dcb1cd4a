"""The command, as a user meets it: every command and flag, what it prints, its exit codes."""

import gzip
import io
import json
import math
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from cli_runner import (
    COMMAND,
    Result,
    environment,
    microgpt,
    ok,
    process,
    refused,
    snapshot,
    started,
)
from microgpt.data import BUNDLED, bundled
from microgpt.opening import open_model

PUBLISHED = [3.3660, 3.4243, 3.1778, 3.0664, 3.2209, 2.9452, 3.2894]
PUBLISHED += [3.3245, 2.8990, 3.2229, 2.7964, 2.9345, 3.0544]
TWENTY = ["kamon", "ann", "karai", "jaire", "vialan", "karia", "yeran", "anna", "areli", "kaina"]
TWENTY += ["konna", "keylen", "liole", "alerin", "earan", "lenne", "kana", "lara", "alela", "anton"]
SMALL = ["--n-embd", 4, "--n-head", 2, "--block-size", 8, "--steps", 12]
DINO = ["--data", "dinosaurs", *SMALL]

posix = pytest.mark.skipif(sys.platform == "win32", reason="signals and terminals of POSIX")


@pytest.fixture(autouse=True)
def in_an_empty_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Result]:
    """The run that ``microgpt train`` makes without flags, and what it printed as JSON."""
    path = tmp_path_factory.mktemp("reference") / "run"
    return path, ok("train", "--json", "--out", path)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Result]:
    """A short run without ``--json``."""
    path = tmp_path_factory.mktemp("plain") / "run"
    return path, ok("train", "--data", "dinosaurs", *SMALL, "--out", path)


# ---------------------------------------------------------------- the reference run


def test_the_default_run_prints_the_published_samples(reference: tuple[Path, Result]) -> None:
    _, result = reference
    (samples,) = result.of("samples")
    assert [s["text"] for s in samples] == TWENTY
    assert Counter(s["mark"] for s in samples) == {"file": 11, "new": 9}
    (held_out,) = result.of("eval")
    assert held_out["split"] == "unused"
    assert held_out["loss"] == pytest.approx(2.367, abs=0.002)
    assert held_out["step"] == 1000
    assert [round(loss, 4) for loss in result.losses[:13]] == PUBLISHED
    assert round(result.losses[-1], 4) == 2.6497
    assert result.complaints == []


def test_json_lines_are_as_the_contract_says(reference: tuple[Path, Result]) -> None:
    path, result = reference
    lines = result.lines
    run = lines[0]["run"]
    assert run["dir"] == str(path) and run["parameters"] == 4192
    assert (
        run["dtype"] == "float64" and run["threads"] == 1 and run["engine"] in ("numpy", "native")
    )
    assert run["config"]["seed"] == 42 and run["data"]["documents"] == 32033
    assert lines[1] == {"saved": {"step": 0, "dir": str(path / "step-00000000")}}
    steps = [line for line in lines if "loss" in line]
    assert [line["step"] for line in steps] == list(range(1, 1001))
    assert all(list(line) == ["step", "loss", "lr", "tokens"] for line in steps)
    assert steps[0]["lr"] == 0.01 and steps[500]["lr"] == 0.005
    assert any(len(repr(line["loss"])) > 15 for line in steps)  # in full, not rounded
    assert result.of("saved")[-1] == {"step": 1000, "dir": str(path / "step-00001000")}
    assert list(lines[-2]["eval"]) == ["step", "split", "loss", "tokens"]
    assert list(lines[-1]) == ["samples"] and len(lines[-1]["samples"]) == 20
    assert all(list(sample) == ["text", "mark"] for sample in lines[-1]["samples"])
    assert len(result.out.splitlines()) == 1000 + 1 + len(result.of("saved")) + 2


def test_the_scalar_engine_gives_the_published_losses() -> None:
    flags = ["--preset", "final", "--engine", "scalar", "--seed", 42, "--stop-after", 13, "--json"]
    result = ok("train", *flags)
    assert [round(loss, 4) for loss in result.losses] == PUBLISHED
    assert result.of("samples") == result.of("eval") == []
    assert result.lines[-1] == {
        "saved": {"step": 13, "dir": str(Path("runs/names-1/step-00000013"))}
    }


def test_the_preset_early() -> None:
    result = ok("train", "--preset", "early", "--json", "--stop-after", 5)
    run = result.of("run")[0]
    assert run["parameters"] == 4064 and run["config"]["steps"] == 500
    assert run["config"]["activation"] == "relu_squared" and run["config"]["block_size"] == 8
    lrs = result.of("lr")
    assert lrs == [0.01 * 0.5 * (1 + math.cos(math.pi * s / 500)) for s in range(5)]


# ---------------------------------------------------------------- the plain screen


def test_without_a_terminal_each_step_is_a_line(plain: tuple[Path, Result]) -> None:
    path, result = plain
    steps = re.findall(r"^step +(\d+) / +12 \| loss \d+\.\d{4}$", result.out, re.M)
    assert [int(step) for step in steps] == list(range(1, 13))
    assert "\033" not in result.out
    assert re.search(r"^documents +1,163 ", result.out, re.M)
    assert re.search(r"^engine +(numpy|native), float64, 1 thread$", result.out, re.M)
    assert f"run     {path}" in result.out
    samples = re.findall(r"^sample +(\d+): .*[=~+] (trained|file|new)$", result.out, re.M)
    assert [int(n) for n, _ in samples] == list(range(1, 21))


def test_the_end_says_what_the_numbers_mean_and_what_comes_next() -> None:
    result = ok("train", "--steps", 2)
    for number in ("3.30", "2.45"):
        assert len(re.findall(rf"^ +{number}  \w", result.out, re.M)) == 1
    assert re.search(
        r"^ +\d\.\d\d  this model, on the documents it never reached", result.out, re.M
    )
    following = result.out.split("next:\n")[1].strip().splitlines()
    assert len(following) == 2
    run = str(Path("runs/names-1"))
    assert all(run in line for line in following)
    assert " sample " in following[0] and " inspect " in following[1]
    arguments = following[0].split(" sample ")[1].split()
    ok("sample", *arguments)


def test_where_nothing_is_held_out_the_screen_says_how(tmp_path: Path) -> None:
    (tmp_path / "few.txt").write_text("ada\neva\nida\n")
    result = ok("train", "few.txt", *SMALL)
    assert "--holdout" in result.out.split("sample  1")[0].split("step   12")[1]


def test_own_files_are_described_before_training(tmp_path: Path) -> None:
    (tmp_path / "own.txt").write_text("abc\nabc\nabcdefghij\nb\n")
    result = ok("train", "own.txt", *SMALL)
    before = result.out.split("step    1")[0]
    assert re.search(r"^documents +4 \(3 distinct\)", before, re.M)
    assert re.search(r"^block size +8 \(1 document needs more\)", before, re.M)
    assert re.search(r"^ +\d+(-\d+)? +\d+ +#+$", before, re.M)  # the histogram
    assert "note: 1 of 4 documents" in result.err and "--long window" in result.err
    assert "will mostly memorise" in result.err
    assert Path("runs/own-1/run.json").exists()


# ---------------------------------------------------------------- data


@pytest.mark.parametrize("name", list(BUNDLED))
def test_bundled_lists(name: str) -> None:
    result = ok("train", "--data", name, *SMALL, "--json")
    data = result.of("run")[0]["data"]
    assert data["name"] == name and data["path"] is None
    assert data["documents"] == int(BUNDLED[name].split()[0].replace(",", ""))
    assert len(result.losses) == 12
    assert Path(f"runs/{name}-1/latest").exists()


def test_a_file_plain_and_packed_is_the_same(tmp_path: Path) -> None:
    text = "ada\n\neva\r\n  ida \nada\n"
    (tmp_path / "own.txt").write_bytes(text.encode())
    (tmp_path / "own.txt.gz").write_bytes(gzip.compress(text.encode()))
    plain = ok("train", "own.txt", *SMALL, "--json")
    packed = ok("train", "own.txt.gz", *SMALL, "--json")
    assert plain.losses == packed.losses
    assert plain.of("samples") == packed.of("samples")
    assert plain.of("run")[0]["data"]["documents"] == 4
    ok("sample", Path("runs/own-2"))


@pytest.mark.parametrize(("split_by", "documents"), [("line", 4), ("blank-line", 2), ("none", 1)])
def test_split_by(tmp_path: Path, split_by: str, documents: int) -> None:
    (tmp_path / "own.txt").write_text("a b\nc\n\n\nb\na\n")
    flags = ["--split-by", split_by, "--long", "window", "--block-size", 3, "--n-embd", 4]
    result = ok("train", "own.txt", *flags, "--steps", 4, "--json")
    assert result.of("run")[0]["data"]["documents"] == documents
    assert result.of("run")[0]["data"]["split_by"] == split_by
    resumed = ok("train", "--resume", Path("runs/own-1"), "--json")
    assert resumed.of("samples") == result.of("samples")


def test_running_text_in_windows(tmp_path: Path) -> None:
    words = bundled("data/words.txt").read_text().split()
    rng = random.Random(1)
    (tmp_path / "book.txt").write_text(" ".join(rng.choices(words, k=4000)) + "\n")
    flags = ["--split-by", "none", "--long", "window", "--steps", 60, "--batch-size", 8]
    result = ok("train", "book.txt", *flags, "--json")
    assert all(line["tokens"] == 8 * 16 for line in result.lines if "loss" in line)
    assert result.losses[-1] < result.losses[0] - 0.3
    assert result.of("eval") == []
    made = ok("sample", "--length", 500, "--count", 2, "--json", "--engine", "numpy")
    assert all(len(sample["text"]) <= 500 for sample in made.of("samples")[0])
    assert max(len(sample["text"]) for sample in made.of("samples")[0]) > 100
    shown = ok("sample", "--length", 500, "--count", 1).out
    assert "sample  1:" in shown


# ---------------------------------------------------------------- hyper-parameters


def config_of(*arguments: object) -> dict[str, Any]:
    run = ok("train", *arguments, "--stop-after", 0, "--json").of("run")[0]
    return {**run["config"], **{k: run[k] for k in ("engine", "dtype", "threads")}}


def test_every_hyper_parameter_is_a_flag_and_a_toml_key(tmp_path: Path) -> None:
    values: dict[str, Any] = {
        "n_layer": 2, "n_embd": 12, "n_head": 3, "block_size": 9, "activation": "relu_squared",
        "init_std": 0.1, "init_std_out": 0.05, "optimizer": "sgd", "lr": 0.5, "beta1": 0.7,
        "beta2": 0.8, "eps": 1e-6, "schedule": "constant", "warmup": 3, "steps": 7,
        "batch_size": 2, "seed": 7, "holdout": 0.2, "validation": True, "long": "window",
    }  # fmt: skip
    flags: list[object] = []
    for name, value in values.items():
        flag = "--" + name.replace("_", "-")
        flags += [flag] if value is True else [flag, value]
    by_flag = config_of("--data", "dinosaurs", *flags)
    assert {name: by_flag[name] for name in values} == values
    lines = [f"{name} = {json.dumps(value)}" for name, value in values.items()]
    (tmp_path / "all.toml").write_text("\n".join(lines) + '\ndata = "dinosaurs"\n')
    assert config_of("--config", "all.toml") == by_flag
    assert set(values) | {"vocab_size", "engine", "dtype", "threads"} == set(by_flag)


def test_preset_then_file_then_flag(tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text(
        'preset = "early"\nn_embd = 8\nsteps = 77\ndata = "words"\nengine = "scalar"\n'
        'dtype = "float64"\nthreads = 2\nsave_every = 5\nsplit_by = "line"\n'
    )
    config = config_of("--config", "c.toml", "--n-embd", 12)
    assert (config["block_size"], config["schedule"]) == (8, "cosine")  # the preset's
    assert (config["steps"], config["engine"], config["threads"]) == (77, "scalar", 2)  # the file's
    assert config["n_embd"] == 12  # the flag's
    config = config_of("--config", "c.toml", "--preset", "final", "--engine", "numpy")
    assert (config["block_size"], config["engine"]) == (16, "numpy")
    assert json.loads(Path("runs/words-1/run.json").read_text())["save_every"] == 5


def test_a_toml_file_may_name_the_data_and_the_command_line_another(tmp_path: Path) -> None:
    (tmp_path / "own.txt").write_text("ada\neva\n")
    (tmp_path / "c.toml").write_text('file = "own.txt"\n')
    ok("train", "--config", "c.toml", "--stop-after", 0)
    ok("train", "--config", "c.toml", "--data", "words", "--stop-after", 0)
    assert sorted(path.name for path in Path("runs").iterdir()) == ["own-1", "words-1"]


def test_dtype_threads_seed() -> None:
    one = ok("train", *DINO, "--json", "--dtype", "float32", "--threads", 2, "--seed", 4294967295)
    run = one.of("run")[0]
    assert (run["dtype"], run["threads"], run["config"]["seed"]) == ("float32", 2, 4294967295)
    many = ok("train", *DINO, "--json", "--dtype", "float32", "--threads", 1, "--seed", 2**32 - 1)
    assert many.losses == one.losses
    other = ok("train", *DINO, "--json", "--seed", 0)
    assert other.losses != one.losses


def test_holdout_and_validation() -> None:
    result = ok("train", "--data", "words", *SMALL, "--holdout", 0.1, "--validation", "--json")
    assert [event["split"] for event in result.of("eval")] == ["distinct", "validation"]
    shown = ok("eval").out
    assert shown.count("nats per token") == 2
    evals = ok("eval", "--json").of("eval")
    assert evals == result.of("eval")


# ---------------------------------------------------------------- out, saves, resume


def test_directories_are_numbered_above_all_there_are() -> None:
    Path("runs/dinosaurs-7").mkdir(parents=True)
    ok("train", *DINO)
    assert Path("runs/dinosaurs-8/run.json").exists()


def test_save_every_and_keep_two() -> None:
    result = ok("train", *DINO, "--save-every", 5, "--out", "here/there", "--json")
    assert [saved["step"] for saved in result.of("saved")] == [0, 5, 10, 12]
    kept = sorted(path.name for path in Path("here/there").glob("step-*"))
    assert kept == ["step-00000010", "step-00000012"]
    assert Path("here/there/latest").read_text().strip() == "step-00000012"


def test_stop_after_and_resume_give_the_same_bytes() -> None:
    straight = ok("train", *DINO, "--json", "--out", "a")
    stopped = ok("train", *DINO, "--json", "--out", "b", "--stop-after", 5)
    assert stopped.of("samples") == []
    resumed = ok("train", "--resume", "b", "--json")
    assert resumed.of("run")[0]["step"] == 5
    assert stopped.losses + resumed.losses == straight.losses
    assert resumed.of("samples") == straight.of("samples")
    a, b = snapshot(Path("a")), snapshot(Path("b"))
    assert a["weights.safetensors"] == b["weights.safetensors"]
    assert a["optim.safetensors"] == b["optim.safetensors"]


def test_stop_after_says_how_to_go_on() -> None:
    result = ok("train", *DINO, "--stop-after", 5)
    assert "stopped after step 5 as asked" in result.out
    assert f"train --resume {Path('runs/dinosaurs-1')}" in result.out
    assert "sample  1" not in result.out
    assert "from step 5 on" in ok("train", "--resume", Path("runs/dinosaurs-1")).out


def test_resume_takes_another_engine_dtype_threads_and_save_every() -> None:
    ok("train", "--data", "dinosaurs", *SMALL, "--stop-after", 4, "--out", "r", "--save-every", 3)
    leg = ["--engine", "scalar", "--threads", 2, "--save-every", 2, "--stop-after", 8]
    result = ok("train", "--resume", "r", *leg, "--json")
    assert result.of("run")[0]["engine"] == "scalar" and result.of("run")[0]["threads"] == 2
    assert [saved["step"] for saved in result.of("saved")] == [6, 8]
    result = ok("train", "--resume", "r", "--json")  # goes on as the last leg did
    assert result.of("run")[0]["engine"] == "scalar"
    assert [saved["step"] for saved in result.of("saved")] == [9, 12]


def test_resuming_a_finished_run_prints_its_end_again(reference: tuple[Path, Result]) -> None:
    path, result = reference
    before = snapshot(path)
    again = ok("train", "--resume", path, "--json")
    assert again.losses == []
    assert again.of("samples") == result.of("samples")
    after = snapshot(path)
    for name in ("weights.safetensors", "optim.safetensors"):
        assert after[name] == before[name]
    assert json.loads(after["state.json"])["stream"] == json.loads(before["state.json"])["stream"]


def test_a_moved_data_file_can_be_named(tmp_path: Path) -> None:
    (tmp_path / "own.txt").write_text("ada\neva\n")
    ok("train", "own.txt", *SMALL, "--stop-after", 3, "--out", "r")
    Path("own.txt").rename("elsewhere.txt")
    assert "FILE --resume" in refused(3, "train", "--resume", "r")
    ok("train", "elsewhere.txt", "--resume", "r")


# ---------------------------------------------------------------- sample


def test_sample_goes_on_with_the_runs_stream(reference: tuple[Path, Result]) -> None:
    path, result = reference
    again = ok("sample", path, "--json")
    assert again.of("samples") == result.of("samples")
    assert ok("sample", path, "--json").out == again.out  # it doesn't move on
    shown = ok("sample", path).out
    assert re.search(r"^sample  1: kamon +~ file$", shown, re.M)
    assert re.search(r"^sample 20: anton +~ file$", shown, re.M)
    assert "0 trained" in shown and "11 file" in shown and "9 new" in shown


def texts(path: Path, *arguments: object) -> list[str]:
    return [s["text"] for s in ok("sample", path, "--json", *arguments).of("samples")[0]]


def test_sample_flags(reference: tuple[Path, Result]) -> None:
    path, _ = reference
    assert len(texts(path, "--count", 3)) == len(texts(path, "-n", 3)) == 3
    assert texts(path, "--seed", 1) == texts(path, "--seed", 1) != texts(path, "--seed", 2)
    assert all(text.startswith("mar") for text in texts(path, "--prefix", "mar"))
    assert len(set(texts(path, "--greedy"))) == 1
    assert texts(path, "--top-k", 1) == texts(path, "--greedy")
    assert len(set(texts(path, "--temperature", 0.001))) == 1
    assert len(set(texts(path, "--temperature", 100, "--count", 50))) > 45
    assert len(set(texts(path, "--top-p", 0.05))) < 5
    assert max(map(len, texts(path, "--length", 3))) == 3
    assert texts(path, "--order", "rows") != texts(path)
    assert texts(path, "--order", "rows", "-n", 3) == texts(path, "--order", "rows")[:3]
    assert texts(path, "--engine", "scalar", "-n", 4) == TWENTY[:4]
    assert texts(path, "--prefix", "éma", "--unknown", "skip", "-n", 1)[0].startswith("ma")
    assert max(map(len, texts(path, "--temperature", 3, "--length", 60, "-n", 200))) > 16


def test_new_leaves_out_what_is_in_the_file(reference: tuple[Path, Result]) -> None:
    path, _ = reference
    made = ok("sample", path, "--new", "--json", "--count", 30).of("samples")[0]
    assert len(made) == 30
    assert {sample["mark"] for sample in made} == {"new"}
    names = set(bundled("data/names.txt").read_text().split())
    assert not names & {sample["text"] for sample in made}


def test_new_says_when_there_are_too_few(tmp_path: Path) -> None:
    (tmp_path / "one.txt").write_text("ada\n" * 5)
    ok("train", "one.txt", "--n-embd", 8, "--steps", 200, "--out", "r")
    result = ok("sample", "r", "--new", "-n", 2, "--temperature", 0.05)
    assert "note: only 0 of 400 samples are not in the data" in result.err


def test_the_newest_run_is_the_default() -> None:
    ok("train", "--data", "words", *SMALL)
    ok("train", "--data", "dinosaurs", *SMALL)
    result = ok("sample", "--json")
    assert f"the newest run, {Path('runs/dinosaurs-1')}" in result.err
    assert result.out == ok("sample", Path("runs/dinosaurs-1"), "--json").out


def test_samples_of_a_run_whose_data_is_gone_are_not_marked(tmp_path: Path) -> None:
    (tmp_path / "own.txt").write_text("ada\neva\n")
    ok("train", "own.txt", *SMALL, "--out", "r")
    Path("own.txt").unlink()
    result = ok("sample", "r", "--json")
    assert {sample["mark"] for sample in result.of("samples")[0]} == {None}
    assert "note: samples are not marked" in result.err
    assert "~" not in ok("sample", "r").out
    assert "can't be read" in refused(3, "eval", "r")


# ---------------------------------------------------------------- eval


def test_eval_repeats_the_held_out_loss(reference: tuple[Path, Result]) -> None:
    path, result = reference
    assert ok("eval", path, "--json").of("eval") == result.of("eval")
    shown = ok("eval", path).out
    assert shown == "2.3672 nats per token on unused (31,033 documents, 220,976 tokens)\n"
    scalar = ok("train", *DINO, "--out", "d", "--json").of("eval")[0]
    again = ok("eval", "d", "--engine", "scalar", "--json").of("eval")[0]
    assert again["loss"] == pytest.approx(scalar["loss"], abs=1e-9)


def test_unused_means_the_planned_steps_also_before_their_end() -> None:
    ok("train", *DINO, "--stop-after", 2, "--out", "r")
    early = ok("eval", "r", "--json").of("eval")[0]
    ok("train", "--resume", "r")
    late = ok("eval", "r", "--json").of("eval")[0]
    assert early["tokens"] == late["tokens"] and (early["step"], late["step"]) == (2, 12)


def test_eval_of_a_file(reference: tuple[Path, Result], tmp_path: Path) -> None:
    path, _ = reference
    (tmp_path / "some.txt").write_text("emma\nolivia\n")
    event = ok("eval", path, "some.txt", "--json").of("eval")[0]
    assert (event["split"], event["tokens"], event["step"]) == ("file", 12, 1000)
    assert 1.5 < event["loss"] < 3.5
    ok("export", path, "m.json")
    same = ok("eval", "m.json", "some.txt", "--json").of("eval")[0]
    assert same == {**event, "step": None}
    (tmp_path / "more.txt").write_text("emma!\nolivia\n")
    assert "'!' at position 4 of 'emma!'" in refused(2, "eval", path, "more.txt")
    skipped = ok("eval", path, "more.txt", "--unknown", "skip", "--json").of("eval")[0]
    assert skipped == event
    whole = ok("eval", path, "some.txt", "--split-by", "none", "--unknown", "skip", "--json")
    assert whole.of("eval")[0]["tokens"] == 11  # emmaolivia and its end


# ---------------------------------------------------------------- inspect


def test_inspect_as_text(reference: tuple[Path, Result], plain: tuple[Path, Result]) -> None:
    report = pytest.importorskip("microgpt.report")
    for path in (reference[0], plain[0]):
        shown = ok("inspect", path)
        opened, _ = open_model(path)
        assert shown.out.splitlines() == list(report.text_report(opened))
        for name, shape in opened.config.shapes().items():
            line = next(line for line in shown.out.splitlines() if re.search(rf"\b{name}\b", line))
            assert all(str(size) in line for size in shape), line
        assert f"{opened.config.parameters():,}" in shown.out
    ok("export", reference[0], "m.json")
    assert "4,192" in ok("inspect", "m.json").out


def test_inspect_as_a_page(reference: tuple[Path, Result]) -> None:
    pytest.importorskip("microgpt.report")
    path, _ = reference
    result = ok("inspect", path, "--html", "page.html", "--word", "emma")
    assert "page.html" in result.out
    page = Path("page.html").read_text(encoding="utf-8")
    assert page.lower().startswith("<!doctype html>")
    assert not re.search(r"(?:src|href)\s*=\s*[\"']?(?:https?:)?//", page)  # self-contained
    assert "emma" in page and "kamon" in page and "layer0.attn_wq" in page


# ---------------------------------------------------------------- export, import


@pytest.mark.parametrize("name", ["m.json", "m.safetensors"])
def test_export_and_import(reference: tuple[Path, Result], name: str) -> None:
    path, _ = reference
    exported = ok("export", path, name)
    assert "4,192 parameters" in exported.out
    original, copy = open_model(path)[0], open_model(Path(name))[0]
    for key, matrix in original.weights.items():
        assert (copy.weights[key] == matrix).all()
    # A file has no stream: like --seed 42.
    assert texts(Path(name)) == texts(path, "--seed", 42)
    assert {s["mark"] for s in ok("sample", name, "--json").of("samples")[0]} == {None}
    assert "is there already" in refused(3, "export", path, name)
    ok("export", path, name, "--force")

    result = ok("import", name, "--out", "on", "--steps", 30, "--lr", 0.001)
    assert f"--resume {Path('on')}" in result.out
    assert (open_model(Path("on"))[0].weights["wte"] == original.weights["wte"]).all()
    trained = ok("train", "--resume", "on", "--json")
    assert len(trained.losses) == 30
    assert sum(trained.losses) / 30 < 2.7  # it doesn't start over from 3.3
    assert len(trained.of("samples")[0]) == 20


def test_an_imported_run_trains_on_other_data_it_knows(
    reference: tuple[Path, Result], tmp_path: Path
) -> None:
    ok("export", reference[0], "m.json")
    ok("import", "m.json", "--data", "dinosaurs", "--out", "d", "--steps", 3)
    ok("train", "--resume", "d")
    (tmp_path / "own.txt").write_text("ada\neva\n")
    ok("import", "m.json", "own.txt", "--out", "o", "--steps", 3)
    ok("train", "--resume", "o")
    assert open_model(Path("o"))[0].config.vocab_size == 27
    (tmp_path / "own.txt").write_text("ada\nr2d2\n")
    said = refused(2, "import", "m.json", "own.txt", "--out", "x", "--steps", 3)
    assert "'2' at position 1 of 'r2d2'" in said and "own.txt" in said
    assert not Path("x").exists()
    said = refused(2, "import", "m.json", "--out", "x", "--n-embd", 32)
    assert "--n-embd is part of the model's shape" in said


def test_the_exported_model_json_is_what_a_class_reads(reference: tuple[Path, Result]) -> None:
    ok("export", reference[0], "m.json")
    model = json.loads(Path("m.json").read_text())
    assert list(model) == ["format", "config", "tokenizer", "state_dict"]
    assert model["config"]["BOS"] == 26 and "activation" not in model["config"]
    ok("train", "--preset", "early", "--stop-after", 0, "--out", "e")
    assert "can't run this file" in ok("export", "e", "e.json").err


# ---------------------------------------------------------------- ladder


def test_ladder_lists_the_rungs() -> None:
    shown = ok("ladder").out
    assert [f"Rung {n}" in line for n, line in enumerate(shown.splitlines()[:6])] == [True] * 6


def test_ladder_diff() -> None:
    shown = ok("ladder", 5, "--diff").out
    assert shown.startswith("--- train4.py\n+++ train5.py\n")
    assert re.search(r"^\+.*beta1", shown, re.M | re.I)
    assert "nothing it changes" in refused(2, "ladder", 0, "--diff")


def test_ladder_copy(tmp_path: Path) -> None:
    result = ok("ladder", 3, "--copy", "mine/gpt")
    assert Path("mine/gpt/train3.py").read_bytes() == bundled("ladder/train3.py").read_bytes()
    assert Path("mine/gpt/input.txt").read_bytes() == bundled("data/names.txt").read_bytes()
    assert "train3.py" in result.out
    assert "is there already" in refused(3, "ladder", 3, "--copy", "mine/gpt")


def test_ladder_needs_a_rung_to_copy_or_compare() -> None:
    assert "number of a rung" in refused(2, "ladder", "--copy", "x")
    assert "number of a rung" in refused(2, "ladder", "--diff")
    assert "There is no rung 6" in refused(2, "ladder", 6)
    assert not Path("x").exists()


def test_ladder_runs_a_rung(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("ada\neva\nida\n")
    result = process("ladder", 0, cwd=tmp_path)
    assert result.code == 0 and "num docs: 32033" in result.out
    result = process("ladder", 0, "mine.txt", cwd=tmp_path)
    assert result.code == 0 and "num docs: 3" in result.out
    result = process("ladder", 0, "nowhere.txt", cwd=tmp_path)
    assert result.code != 0


# ---------------------------------------------------------------- help, codes, encodings


@pytest.mark.parametrize(
    "command", [(), ("train",), ("sample",), ("eval",), ("inspect",), ("export",), ("import",),
                ("ladder",)],
)  # fmt: skip
def test_help_fits_80_columns(command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    if command == ("inspect",):
        pytest.importorskip("microgpt.report")
    monkeypatch.setenv("COLUMNS", "80")
    result = ok(*command, "--help")
    assert result.out.startswith("Usage: microgpt" + "".join(f" {c}" for c in command))
    assert max(map(len, result.out.splitlines())) <= 80
    assert "--help" in result.out or command


def test_help_names_every_flag() -> None:
    shown = ok("train", "--help").out
    flags = (
        "--data --split-by --preset --config --engine --dtype --threads --out --save-every "
        "--stop-after --resume --json --n-layer --n-embd --n-head --block-size --activation "
        "--init-std --init-std-out --optimizer --lr --beta1 --beta2 --eps --schedule --warmup "
        "--steps --batch-size --seed --holdout --validation --long"
    )
    for flag in flags.split():
        assert re.search(rf"{flag}\b", shown), flag
    shown = ok("sample", "--help").out
    flags = (
        "--seed --temperature --top-k --top-p --greedy --order --prefix --count --new --length "
        "--json --unknown --engine"
    )
    for flag in flags.split():
        assert re.search(rf"{flag}\b", shown), flag


def test_no_command_shows_the_commands_and_version() -> None:
    assert "train" in ok().out
    assert re.fullmatch(r"\d+\.\d+\.\d+\n", ok("--version").out)


def test_the_module_is_the_command(tmp_path: Path) -> None:
    result = process("train", *DINO, "--json", cwd=tmp_path)
    assert result.code == 0 and result.complaints == []
    assert len(result.losses) == 12
    result = process("sample", "nowhere", cwd=tmp_path)
    assert result.code == 3 and result.complaints[0].startswith("microgpt: There is no run")


def test_errors_as_json_come_last_on_standard_output() -> None:
    result = microgpt("train", "--json", "--lr", "nan")
    assert result.code == 2 and result.complaints == []
    assert list(result.lines[-1]) == ["error"]
    error = result.lines[-1]["error"]
    assert list(error) == ["code", "message", "remedy"] and error["code"] == 2
    diverging = ["--optimizer", "sgd", "--lr", 1e5, "--schedule", "constant"]
    result = microgpt("train", "--json", *diverging, "--out", "r")
    assert result.code == 4 and list(result.lines[0]) == ["run"]
    assert result.lines[-1]["error"]["code"] == 4
    assert "diverged" in result.lines[-1]["error"]["message"]
    for command in ("sample", "eval"):
        result = microgpt(command, "nowhere", "--json")
        assert result.code == result.lines[0]["error"]["code"] == 3


def test_exit_code_5_where_no_engine_can() -> None:
    said = refused(5, "train", "--engine", "scalar", "--dtype", "float32")
    assert "scalar" in said and "--engine" in said
    assert not Path("runs").exists()


def test_standard_output_may_be_ascii(tmp_path: Path) -> None:
    (tmp_path / "own.txt").write_text("é😀\n😀é\n", encoding="utf-8")
    changes = {"LC_ALL": "C", "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    trained = process("train", "own.txt", *SMALL, "--json", cwd=tmp_path, **changes)
    assert trained.code == 0, trained.err
    made = {sample["text"] for sample in trained.of("samples")[0]}
    assert set("".join(made)) <= set("é😀")
    shown = process("sample", Path("runs/own-1"), cwd=tmp_path, **changes)
    assert shown.code == 0 and "sample 20:" in shown.out and shown.out.isascii()
    helped = process("train", "--help", cwd=tmp_path, **changes)
    assert helped.code == 0 and helped.out.isascii()
    wrong = process("sample", Path("runs/own-1"), "--prefix", "ß", cwd=tmp_path, **changes)
    assert wrong.code == 2 and "is not in the vocabulary" in wrong.err


@posix
def test_standard_output_may_be_closed_or_end_early(tmp_path: Path) -> None:
    for redirect in (">&-", ">&- 2>&-", "| head -n 1"):
        line = " ".join([*COMMAND, "train", *map(str, SMALL), redirect])
        done = subprocess.run(
            ["bash", "-c", f"set -o pipefail; {line}"],
            cwd=tmp_path, env=environment(), capture_output=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert b"Traceback" not in done.stderr and b"Exception" not in done.stderr


def test_json_keeps_to_what_the_output_can_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    from microgpt.cli import show_json

    for encoding in ("ascii", "utf-8", "latin-1"):
        raw = io.BytesIO()
        with monkeypatch.context() as patch, io.TextIOWrapper(raw, encoding) as stream:
            patch.setattr(sys, "stdout", stream)
            show_json({"text": "é😀\x1b"})
            written = raw.getvalue().decode(encoding)
        assert json.loads(written) == {"text": "é😀\x1b"}


def test_the_users_words_reach_the_terminal_harmless(tmp_path: Path) -> None:
    from microgpt.cli import visible

    assert visible("a\x1b[31mb\x07\u202e\nc") == "a\\x1b[31mb\\x07\\u202e\nc"
    assert visible("é 😀 ß") == "é 😀 ß"


# ---------------------------------------------------------------- signals, terminals


@posix
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_saves_and_says_how_to_go_on(tmp_path: Path, number: int) -> None:
    flags = ["--steps", 10**7, "--out", "r", "--json"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "bufsize": 0}
    with started("train", *flags, cwd=tmp_path, **pipes) as run:
        while b'"step": 20,' not in run.stdout.readline():
            pass
        run.send_signal(number)
        out, err = run.communicate(timeout=20)
    assert run.returncode == 130, err
    assert b"Traceback" not in err
    lines = [json.loads(line) for line in out.splitlines()]
    error = lines[-1]["error"]
    assert error["code"] == 130 and "--resume r" in error["remedy"]
    saved = lines[-2]["saved"]
    assert f"step {saved['step']} of" in error["message"]
    steps = [line["step"] for line in lines if "loss" in line]
    assert saved["step"] == steps[-1]
    later = ok("train", "--resume", "r", "--stop-after", saved["step"] + 2, "--json")
    assert [line["step"] for line in later.lines if "loss" in line] == [
        saved["step"] + 1,
        saved["step"] + 2,
    ]


@posix
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, -15)])
def test_a_second_signal_stops_at_once(tmp_path: Path, number: int, code: int) -> None:
    slow = ["--engine", "scalar", "--batch-size", 2000, "--out", "r", "--json"]  # a minute a step
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "bufsize": 0}
    with started("train", *slow, cwd=tmp_path, **pipes) as run:
        while b'"saved"' not in run.stdout.readline():
            pass
        time.sleep(0.5)
        run.send_signal(number)
        time.sleep(0.5)
        assert run.poll() is None  # still in its step
        asked = time.monotonic()
        run.send_signal(number)
        out, err = run.communicate(timeout=20)
    assert time.monotonic() - asked < 5
    assert run.returncode == code, err
    assert b"Traceback" not in err
    if code == 130:
        assert b"what was saved before is in r" in out
    assert open_model(Path("r"))[0].step == 0


def test_handlers_are_put_back() -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    ok("train", *DINO)
    microgpt("train", *DINO, "--out", Path("runs/dinosaurs-1"))
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


def in_terminal(
    arguments: list[object], cwd: Path, interrupt: bytes = b"", **changes: str
) -> tuple[int, str]:
    """Run the command with a terminal of 100 × 30; Ctrl-C is sent once ``interrupt`` is seen."""
    import fcntl
    import pty
    import struct
    import termios

    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
    run = subprocess.Popen(
        [*COMMAND, *map(str, arguments)],
        cwd=cwd, stdin=theirs, stdout=theirs, stderr=theirs,
        env=environment(TERM="xterm-256color", **changes),
    )  # fmt: skip
    os.close(theirs)
    shown = b""
    while True:
        try:
            piece = os.read(ours, 65536)
        except OSError:  # EIO: the other end is closed
            break
        if not piece:
            break
        shown += piece
        if interrupt and interrupt in shown:
            run.send_signal(signal.SIGINT)
            interrupt = b""
    os.close(ours)
    return run.wait(timeout=20), shown.decode()


@posix
def test_a_terminal_shows_a_live_curve(tmp_path: Path) -> None:
    code, shown = in_terminal(["train", "--steps", 400], tmp_path)
    assert code == 0, shown
    assert "step 400 / 400" in shown.replace("\r", "")
    assert "nats per token" in shown and "random 3.30" in shown and "bigram 2.45" in shown
    assert any("\u2800" < c <= "\u28ff" for c in shown)  # dots of the curve
    assert "step    1 /" not in shown  # no line for each step
    assert re.search(r"sample 20: \w+", shown)
    assert "Traceback" not in shown
    assert shown.count("\x1b[?25l") == shown.count("\x1b[?25h")  # the cursor is back


@posix
def test_ctrl_c_in_a_terminal(tmp_path: Path) -> None:
    flags: list[object] = ["train", "--steps", 10**7, "--out", "r"]
    code, shown = in_terminal(flags, tmp_path, interrupt=b"nats per token")
    assert code == 130, shown
    assert re.search(r"microgpt: Stopped at step \d+ of 10000000, saved in r\.", shown)
    assert "Go on with: microgpt train --resume r" in shown
    assert "Traceback" not in shown
    assert shown.count("\x1b[?25l") == shown.count("\x1b[?25h")
    ok("train", "--resume", "r", "--stop-after", open_model(Path("r"))[0].step)


@posix
def test_a_terminal_without_unicode_gets_lines(tmp_path: Path) -> None:
    code, shown = in_terminal(["train", *DINO], tmp_path, PYTHONIOENCODING="ascii")
    assert code == 0 and shown.isascii()
    assert "step   12 /   12 | loss" in shown


@posix
def test_no_color(tmp_path: Path) -> None:
    code, shown = in_terminal(["train", "--steps", 50], tmp_path, NO_COLOR="1")
    assert code == 0
    assert not re.search(r"\x1b\[[0-9;]*3[0-9][0-9;]*m", shown)
    code, shown = in_terminal(["ladder", 1, "--diff"], tmp_path, NO_COLOR="1")
    assert code == 0 and "\x1b[3" not in shown

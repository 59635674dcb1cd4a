"""`microgpt train`, as a user meets it: its flags, what it prints, saves and resumes."""

import gzip
import json
import math
import random
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from cli_runner import DINO, SMALL, Result, ok, refused, snapshot
from microgpt.data import BUNDLED, RUNNING, bundled
from published import LOSSES, SAMPLES

pytestmark = pytest.mark.usefixtures("empty_directory")


# ---------------------------------------------------------------- the reference run


def test_the_default_run_prints_the_published_samples(reference_run: tuple[Path, Result]) -> None:
    _, result = reference_run
    (samples,) = result.of("samples")
    assert [s["text"] for s in samples] == SAMPLES
    assert Counter(s["mark"] for s in samples) == {"file": 11, "new": 9}
    (held_out,) = result.of("eval")
    assert held_out["split"] == "unused"
    assert held_out["loss"] == pytest.approx(2.367, abs=0.002)
    assert held_out["step"] == 1000
    assert [round(loss, 4) for loss in result.losses[:13]] == LOSSES
    assert round(result.losses[-1], 4) == 2.6497
    assert result.complaints == []


def test_json_lines_are_as_the_contract_says(reference_run: tuple[Path, Result]) -> None:
    path, result = reference_run
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
    assert list(lines[-2]["eval"]) == ["step", "split", "loss", "tokens", "bits_per_byte"]
    assert list(lines[-1]) == ["samples"] and len(lines[-1]["samples"]) == 20
    assert all(list(sample) == ["text", "mark"] for sample in lines[-1]["samples"])
    assert len(result.out.splitlines()) == 1000 + 1 + len(result.of("saved")) + 2


def test_the_scalar_engine_gives_the_published_losses() -> None:
    flags = ["--preset", "final", "--engine", "scalar", "--seed", 42, "--stop-after", 13, "--json"]
    result = ok("train", *flags)
    assert [round(loss, 4) for loss in result.losses] == LOSSES
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


def test_without_a_terminal_each_step_is_a_line(plain_run: tuple[Path, Result]) -> None:
    path, result = plain_run
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
    for line in ("3.30  guessing", r"\d\.\d\d  counting"):
        assert len(re.findall(rf"^ +{line}", result.out, re.M)) == 1
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


@pytest.mark.parametrize("name", sorted({*BUNDLED} - {*RUNNING}))
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


def test_resuming_a_finished_run_prints_its_end_again(reference_run: tuple[Path, Result]) -> None:
    path, result = reference_run
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

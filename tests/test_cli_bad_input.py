"""What a user can get wrong, and what can go wrong around a user.

Each gets one clear line (value, limit), mostly a second one with the remedy, its documented exit
code and no traceback, and nothing that was written before is lost.
"""

import contextlib
import errno
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cli_runner import COMMAND, environment, microgpt, ok, process, refused, started, tree
from microgpt.opening import open_model

TINY = ["--n-embd", 4, "--n-head", 2]
SMALL = [*TINY, "--block-size", 8, "--steps", 12]
DOCS = "ada\neva\nida\nadele\n"

posix = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("own.txt").write_text(DOCS)
    return tmp_path


@pytest.fixture
def run() -> Path:
    """A finished run with two saves, at steps 10 and 12."""
    ok("train", "own.txt", *SMALL, "--save-every", 5, "--out", "r")
    return Path("r")


def written(name: str, content: str | bytes) -> Path:
    data = content.encode() if isinstance(content, str) else content
    Path(name).write_bytes(data)
    return Path(name)


# ---------------------------------------------------------------- data files


@pytest.mark.parametrize(
    ("content", "code", "says"),
    [
        (b"", 2, "is empty or white space: it holds no document"),
        (b"\n \n\t\n", 2, "is empty or white space"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", 2, "is not text: byte 8 is NUL"),
        (b"ada\nren\xe9e\n", 2, "is not UTF-8: byte 7, in line 2, is 0xe9"),
        ("ada\n".encode("utf-16"), 2, "is UTF-16, must be UTF-8"),
        (b"\x1f\x8b\x08\x00broken", 3, "is damaged gzip data"),
    ],
)
def test_files_that_are_no_text(content: bytes, code: int, says: str) -> None:
    written("bad.txt", content)
    said = refused(code, "train", "bad.txt")
    assert says in said and "bad.txt" in said and len(said.splitlines()) == 2
    assert not Path("runs").exists()
    ok("train", "own.txt", *SMALL, "--out", "r")
    assert says in refused(code, "eval", "r", "bad.txt")


def test_files_that_are_not_there() -> None:
    said = refused(3, "train", "nowhere.txt")
    assert "There is no file nowhere.txt" in said
    assert "names" in refused(3, "train", "nmaes")
    assert "is a directory" in refused(3, "train", ".")
    assert not Path("runs").exists()


def test_one_document_is_trained_on_with_a_warning() -> None:
    written("one.txt", "ada\n")
    result = ok("train", "one.txt", *SMALL)
    assert "will mostly memorise" in result.err
    assert "no held-out loss" in result.out
    said = refused(2, "train", "one.txt", *SMALL, "--holdout", 0.1)
    assert "holdout 0.1 would share 1 distinct documents out" in said


def test_crlf_and_bom_change_nothing() -> None:
    written("crlf.txt", DOCS.replace("\n", "\r\n"))
    written("bom.txt", b"\xef\xbb\xbf" + DOCS.encode())
    written("mac.txt", DOCS.replace("\n", "\r"))
    expected = ok("train", "own.txt", *SMALL, "--json")
    for name in ("crlf.txt", "bom.txt", "mac.txt"):
        result = ok("train", name, *SMALL, "--json")
        assert result.losses == expected.losses, name
        assert result.of("samples") == expected.of("samples")
        vocab = json.loads(Path(f"runs/{name[:-4]}-1/vocab.json").read_text())
        assert vocab["uchars"] == sorted(set(DOCS) - {"\n"})


def test_a_line_of_10_mb() -> None:
    written("long.txt", "ada\n" + "abcdefghij" * 1_000_000 + "\n")
    began = time.monotonic()
    result = ok("train", "long.txt", *SMALL, "--out", "r")
    assert "longest" in result.out or "10,000,000" in result.out
    assert "1 of 2 documents are longer than block_size 8" in result.err
    assert len(result.out) < 10_000
    assert len(ok("sample", "r").out) < 10_000
    ok("train", "long.txt", *SMALL, "--long", "window", "--out", "w")
    assert time.monotonic() - began < 30


def test_emoji_and_astral_characters() -> None:
    written("signs.txt", "é😀a\n😀￮é\n👩‍👩‍👧z\n𝔸b\n")
    result = ok("train", "signs.txt", *SMALL, "--json", "--out", "r")
    chars = json.loads(Path("r/vocab.json").read_text())["uchars"]
    assert chars == sorted(set("é😀a😀￮é👩‍👩‍👧z𝔸b"), key=ord)
    assert chars.index("￮") < chars.index("𝔸") < chars.index("😀")  # not UTF-16's order
    assert set("".join(s["text"] for s in result.of("samples")[0])) <= set(chars)
    ok("export", "r", "m.json")
    assert ok("sample", "m.json", "--json").code == 0
    shown = process("sample", "r", cwd=Path.cwd(), LC_ALL="C", PYTHONIOENCODING="ascii")
    assert shown.code == 0 and shown.out.isascii() and "sample 20:" in shown.out
    shown = process("sample", "r", cwd=Path.cwd(), PYTHONIOENCODING="latin-1:strict")
    assert shown.code == 0 and "sample 20:" in shown.out


@pytest.mark.parametrize("sign", ["\x1b[2J", "\x07", "\x9b31m", "\u202e", "\x7f"])
def test_documents_cannot_reach_the_terminal_raw(sign: str) -> None:
    written("evil.txt", f"a{sign}b\n" * 3 + f"{sign}\n")
    result = ok("train", "evil.txt", *SMALL, "--out", "r")
    for shown in (result, ok("sample", "r"), ok("sample", "r", "--count", 1, "--length", 90)):
        assert not set(sign) - set("[2J31m") & set(shown.out + shown.err)
    made = ok("sample", "r", "--json")
    assert made.out.count("\n") == 1 and "\x1b" not in made.out
    said = refused(2, "eval", "r", written("more.txt", f"a{sign}\x06c\n"))
    assert "is not in the vocabulary" in said


def test_samples_of_many_lines_stay_apart() -> None:
    written("text.txt", "ada\nida\n" * 30)
    ok("train", "text.txt", *SMALL, "--split-by", "none", "--long", "window", "--out", "r")
    shown = ok("sample", "r", "--length", 200, "-n", 3, "--temperature", 1).out
    assert sum(line.startswith("sample ") for line in shown.splitlines()) == 3


@posix
def test_names_of_files_cannot_reach_the_terminal_raw() -> None:
    written("a\x1b[31m\n.txt", DOCS)
    result = ok("train", "a\x1b[31m\n.txt", *SMALL)
    assert "\x1b" not in result.out + result.err
    assert "\x1b" not in refused(3, "train", "b\x1b[31m\n.txt")
    run = next(Path("runs").iterdir())
    Path("a\x1b[31m\n.txt").unlink()
    assert "\x1b" not in refused(3, "train", "--resume", run)
    assert "\x1b" not in ok("sample", run).err


# ---------------------------------------------------------------- values of flags


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (["--block-size", 0], "block_size is 0, must be from 1 to"),
        (["--n-embd", 15], "n_embd 15 is not divisible by n_head 4"),
        (["--n-head", 0], "n_head is 0, must be from 1"),
        (["--n-layer", 0], "n_layer is 0, must be from 1"),
        (["--n-embd", 10**9], "n_embd is 1000000000, must be from 1 to"),
        (["--n-embd", 2**20], "above the limit of 2,000,000,000"),
        (["--steps", 0], "steps is 0, must be from 1 to"),
        (["--steps", -5], "steps is -5, must be from 1 to"),
        (["--lr", "inf"], "lr is inf, must be a finite number"),
        (["--lr", "nan"], "lr is nan, must be a finite number"),
        (["--lr", 0], "lr is 0, must be above 0"),
        (["--lr", -0.1], "lr is -0.1, must be above 0"),
        (["--batch-size", 0], "batch_size is 0"),
        (["--warmup", 2000], "warmup is 2000, must be from 0 to 1000"),
        (["--seed", -1], "seed is -1, must be from 0 to 4294967295"),
        (["--seed", 2**32], "seed is 4294967296, must be from 0 to 4294967295"),
        (["--beta1", 1], "beta1 is 1, must be at least 0 and below 1"),
        (["--eps", 0], "eps is 0, must be above 0"),
        (["--holdout", 0.6], "holdout is 0.6, must be at least 0 and at most 0.5"),
        (["--validation"], "validation needs holdout above 0"),
        (["--activation", "gelu"], "activation is 'gelu', must be one of relu, relu_squared"),
        (["--optimizer", "lion"], "optimizer is 'lion', must be one of adam, sgd"),
        (["--schedule", "step"], "schedule is 'step', must be one of linear, cosine, constant"),
        (["--long", "drop"], "long is 'drop', must be one of cut, window"),
        (["--preset", "late"], "preset is 'late', must be one of final, early"),
        (["--engine", "quantum"], "engine is 'quantum', must be one of auto,"),
        (["--dtype", "float16"], "dtype is 'float16', must be one of float64, float32"),
        (["--threads", 0], "threads is 0, must be from 1 to"),
        (["--split-by", "word"], "split_by is 'word', must be one of line, blank-line, none"),
        (["--save-every", 0], "save-every is 0, must be at least 1"),
        (["--stop-after", 1001], "stop-after is 1001, must be from 0 to the planned 1000"),
        (["--stop-after", -1], "stop-after is -1"),
        (["--steps", "ten"], "--steps is 'ten', must be a whole number"),
        (["--steps", "1.5"], "--steps is '1.5', must be a whole number"),
        (["--threads", "1e3"], "--threads is '1e3', must be a whole number"),
        (["--seed", "1" * 5000], "must be a whole number"),
        (["--lr", "fast"], "--lr is 'fast', must be a number"),
        (["--steps"], "--steps"),
        (["--stepz", 5], "--stepz"),
        (["--long", "window", "--block-size", 50], "a window needs 51"),
        (["--data", "names"], "Both a file, own.txt, and --data names are given"),
        (["another.txt"], "train can't use 'another.txt': too many arguments"),
    ],
)
def test_values_out_of_range(flags: list[object], says: str) -> None:
    assert says in refused(2, "train", "own.txt", *flags)
    assert sorted(path.name for path in Path.cwd().iterdir()) == ["own.txt"]
    error = microgpt("train", "own.txt", *flags, "--json").lines[-1]["error"]
    assert error["code"] == 2 and says in error["message"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["frobnicate"], "There is no command 'frobnicate'"),
        (["trian"], "Did you mean train?"),
        (["--nonsense"], "No command is given"),
        (["ladder", "1.5"], "RUNG is '1.5', must be a whole number"),
        (["train", "--data", "nmaes"], "--data is 'nmaes', must be one of names, words, dinosaurs"),
        (["export"], "RUN"),
        (["export", "r", "x.txt"], "x.txt ends in '.txt', must end in .json or .safetensors"),
        (["export", "r", "x"], "must end in .json or .safetensors"),
        (["import", "m.json"], "--out"),
        (["ladder", "9"], "There is no rung 9, they are 0 to 5"),
        (["ladder", "five"], "RUNG is 'five', must be a whole number"),
    ],
)
def test_commands_that_make_no_sense(arguments: list[object], says: str) -> None:
    assert says in refused(2, *arguments)


def test_block_size_1_works_and_says_what_it_means() -> None:
    result = ok("train", "own.txt", *TINY, "--block-size", 1, "--steps", 12, "--out", "r")
    assert "block_size 1: the model sees one token only" in result.err
    made = ok("sample", "r", "--json").of("samples")[0]
    assert all(len(sample["text"]) <= 1 for sample in made)
    assert max(len(s["text"]) for s in ok("sample", "r", "--length", 9, "--json").of("samples")[0])


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (["--temperature", 0], "temperature is 0, must be from 0.001 to 1000"),
        (["--temperature", -1], "temperature is -1"),
        (["--temperature", "nan"], "temperature is nan"),
        (["--top-k", 0], "top-k is 0, must be at least 1"),
        (["--top-p", 0], "top-p is 0, must be above 0 and at most 1"),
        (["--top-p", 2], "top-p is 2, must be above 0 and at most 1"),
        (["--count", 0], "count is 0, must be from 1 to"),
        (["--count", -3], "count is -3"),
        (["--seed", -1], "seed is -1, must be from 0 to 4294967295"),
        (["--seed", 2**32], "seed is 4294967296"),
        (["--length", 0], "length is 0, must be from 1 to"),
        (["--order", "columns"], "order is 'columns', must be one of sequential, rows"),
        (["--greedy", "--top-k", 3], "--greedy is --top-k 1"),
        (["--prefix", "adaadaad"], "The prefix has 8 characters, must be fewer than 8"),
        (["--prefix", "é"], "'é' at position 0 of 'é' is not in the vocabulary"),
        (["--prefix", "a", "--length", 1], "The prefix has 1 characters, must be fewer than 1"),
        (["--unknown", "drop"], "unknown is 'drop', must be"),
        (["--engine", "quantum"], "engine is 'quantum'"),
    ],
)
def test_sampling_flags_out_of_range(run: Path, flags: list[object], says: str) -> None:
    before = tree(run)
    assert says in refused(2, "sample", run, *flags)
    assert tree(run) == before


def test_characters_the_model_has_never_seen(run: Path) -> None:
    said = refused(2, "sample", run, "--prefix", "adxa")
    assert "'x' at position 2 of 'adxa' is not in the vocabulary (6 characters a d e i l v)" in said
    assert "--unknown=skip" in said
    made = ok("sample", run, "--prefix", "axd", "--unknown", "skip", "--json").of("samples")[0]
    assert all(sample["text"].startswith("ad") for sample in made)


# ---------------------------------------------------------------- TOML


@pytest.mark.parametrize(
    ("text", "code", "says"),
    [
        ("steps = ", 2, "c.toml is not TOML"),
        (b"\xff\xfe", 2, "c.toml is not TOML"),
        ("x = " + "[" * 5000, 2, "c.toml is not TOML"),
        ("steps = 1" + "0" * 5000, 2, "c.toml is not TOML"),
        ("stepz = 3", 2, "c.toml: 'stepz' is no setting"),
        ("[model]\nn_embd = 4", 2, "c.toml: 'model' is no setting"),
        ("vocab_size = 5", 2, "'vocab_size' is no setting"),
        ('steps = "ten"', 2, "steps is 'ten', must be a whole number"),
        ("steps = 1.5", 2, "steps is 1.5, must be a whole number"),
        ("steps = true", 2, "steps is True, must be a whole number"),
        ('lr = "fast"', 2, "lr is 'fast', must be a finite number"),
        ("lr = inf", 2, "lr is inf, must be a finite number"),
        ("lr = 1" + "0" * 400, 2, "must be above 0 and at most 1e+06"),
        ("validation = 1", 2, "validation is 1, must be true or false"),
        ("activation = []", 2, "activation is [], must be one of"),
        ('save_every = "x"', 2, "save_every is 'x', must be a whole number"),
        ("save_every = true", 2, "save_every is True, must be a whole number"),
        ('threads = "2"', 2, "threads is '2', must be a whole number"),
        ('data = ["x"]', 2, "data is ['x'], must be text in quotes"),
        ("file = 5", 2, "file is 5, must be text in quotes"),
        ('file = "a\\u0000b"', 2, "must be text in quotes"),
        ("engine = [1]", 2, "engine is [1], must be text in quotes"),
        ("dtype = []", 2, "dtype is [], must be text in quotes"),
        ("preset = {}", 2, "preset is {}, must be text in quotes"),
        ("split_by = 3", 2, "split_by is 3, must be text in quotes"),
        ('file = "nowhere.txt"', 3, "There is no file nowhere.txt"),
    ],
)
def test_toml_files(text: str | bytes, code: int, says: str) -> None:
    written("c.toml", text)
    assert says in refused(code, "train", "--config", "c.toml")
    assert not Path("runs").exists()


def test_toml_files_that_are_not_there() -> None:
    assert "nowhere.toml can't be read" in refused(3, "train", "--config", "nowhere.toml")
    assert "can't be read" in refused(3, "train", "--config", ".")


# ---------------------------------------------------------------- runs


def test_runs_that_are_none() -> None:
    Path("empty").mkdir()
    for path, says in (("nowhere", "nowhere"), ("empty", "holds no run"), ("own.txt", "own.txt")):
        assert says in refused(3, "train", "--resume", path)
        assert path in refused(3, "sample", path)
        assert path in refused(3, "eval", path)
        assert path in refused(3, "export", path, "m.json")
    assert "There is no run in runs/ yet" in refused(3, "sample")
    assert "Train one: microgpt train" in refused(3, "eval")
    assert not Path("m.json").exists()


def test_a_directory_in_use_is_not_written_to(run: Path) -> None:
    before = tree(Path.cwd())
    said = refused(3, "train", "own.txt", "--out", run)
    assert "r already holds a run" in said and "--resume r" in said
    Path("full").mkdir()
    written("full/precious.txt", "mine")
    assert "full is not empty" in refused(3, "train", "own.txt", "--out", "full")
    assert "own.txt is a file" in refused(3, "train", "own.txt", "--out", "own.txt")
    ok("export", run, "m.json")
    assert "already holds a run" in refused(3, "import", "m.json", "own.txt", "--out", run)
    assert {k: v for k, v in tree(Path.cwd()).items() if k in before} == before


@pytest.mark.parametrize(
    "flags",
    [
        ["--lr", 0.5], ["--n-embd", 8], ["--steps", 99], ["--seed", 1], ["--preset", "early"],
        ["--data", "names"], ["--split-by", "none"], ["--out", "s"], ["--config", "c.toml"],
        ["--no-validation"],
    ],
)  # fmt: skip
def test_what_a_run_began_with_cannot_be_changed(run: Path, flags: list[object]) -> None:
    written("c.toml", "lr = 0.1")
    before = tree(run)
    said = refused(2, "train", "--resume", run, *flags)
    name = str(flags[0]).replace("--no-", "--")
    assert f"{name} can't be changed when a run is resumed" in said
    assert tree(run) == before


def test_stop_after_a_step_that_has_passed(run: Path) -> None:
    said = refused(2, "train", "--resume", run, "--stop-after", 3)
    assert "stop-after is 3, but the run is at step 12 already" in said


def test_data_that_has_changed_or_gone(run: Path) -> None:
    before = tree(run)
    written("own.txt", DOCS + "new\n")
    said = refused(3, "train", "--resume", run)
    assert "own.txt is not the data that r was started with" in said and "Restore" in said
    assert "is not the data" in refused(3, "eval", run)
    Path("own.txt").unlink()
    said = refused(3, "train", "--resume", run)
    assert "The run's data can't be read: There is no file" in said
    assert "microgpt train FILE --resume r" in said
    assert "samples are not marked" in ok("sample", run).err
    assert "samples are not marked" in ok("sample", run, "--json").err
    said = refused(2, "sample", run, "--new")
    assert "--new needs the training data" in said
    assert tree(run) == before


def test_two_processes_cannot_train_the_same_run() -> None:
    with started("train", "own.txt", *TINY, "--steps", 10**9, "--out", "r", cwd=Path.cwd()):
        until(lambda: Path("r/latest").exists())
        assert "Another process is training the run in r" in refused(3, "train", "--resume", "r")
        assert "already holds a run" in refused(3, "train", "own.txt", "--out", "r")
        ok("sample", "r")  # looking is allowed
        ok("export", "r", "m.json")
    assert ok("train", "--resume", "r", "--stop-after", now("r") + 1, "--json").losses


def now(run: str) -> int:
    step = open_model(Path(run))[0].step
    assert step is not None
    return step


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.005)


# ---------------------------------------------------------------- damage


def metrics() -> list[dict[str, Any]]:
    return [json.loads(line) for line in Path("r/metrics.jsonl").read_text().splitlines()]


def flip(path: Path, at: float = 0.5) -> None:
    data = bytearray(path.read_bytes())
    data[int(len(data) * at)] ^= 4
    path.write_bytes(data)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-7])


DAMAGES: dict[str, Callable[[Path], None]] = {
    "flipped": flip,
    "cut": cut,
    "emptied": lambda path: path.write_bytes(b""),
    "gone": Path.unlink,
}


@pytest.mark.parametrize("file", ["weights.safetensors", "optim.safetensors", "state.json"])
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_checkpoint_falls_back_to_the_one_before(
    run: Path, file: str, damage: str
) -> None:
    losses = [line["loss"] for line in metrics() if "loss" in line]
    DAMAGES[damage](run / "step-00000012" / file)
    result = ok("sample", run)
    assert "note: step-00000012 is damaged: " in result.err and file in result.err
    assert "step-00000010 is used" in result.err
    resumed = ok("train", "--resume", run, "--json")
    assert "step-00000010 is used" in resumed.err
    assert resumed.of("run")[0]["step"] == 10
    assert resumed.losses == losses[10:12]
    assert "damaged" not in ok("train", "--resume", run, "--json").err  # mended


@pytest.mark.parametrize("damage", DAMAGES)
def test_where_no_checkpoint_is_good_nothing_is_made_up(run: Path, damage: str) -> None:
    for step in run.glob("step-*"):
        DAMAGES[damage](step / "weights.safetensors")
    before = tree(run)
    for arguments in (["sample", run], ["eval", run], ["export", run, "m.json"]):
        said = refused(3, *arguments)
        assert "No snapshot in r is good" in said and "step-00000010" in said
    assert "No snapshot in r is good" in refused(3, "train", "--resume", run)
    left = {k: v for k, v in tree(run).items() if not k.startswith(".lock")}
    assert left == {k: v for k, v in before.items() if not k.startswith(".lock")}


@pytest.mark.parametrize("name", ["run.json", "vocab.json"])
@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"\xff", b'{"format": 1}', b"{}", b"[" * 100_000]
)
def test_a_damaged_run_json_or_vocab_json(run: Path, name: str, content: bytes) -> None:
    (run / name).write_bytes(content)
    for arguments in (["sample", run], ["train", "--resume", run]):
        assert refused(3, *arguments)


@pytest.mark.parametrize("key", ["data", "config", "format", "seed"])
@pytest.mark.parametrize("value", [None, 5, "x", [], {}])
def test_a_run_json_that_was_tampered_with(run: Path, key: str, value: object) -> None:
    content = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps({**content, key: value}))
    assert refused(3, "train", "--resume", run)
    assert refused(3, "sample", run)


@pytest.mark.parametrize("key", ["data", "engine", "dtype", "threads", "save_every", "seed"])
@pytest.mark.parametrize("value", [None, 5, "x", [], {}])
def test_a_run_json_that_is_strange_from_the_start(key: str, value: object) -> None:
    """Before the first save no digest protects it."""
    ok("train", "own.txt", *SMALL, "--out", "r", "--stop-after", 0)
    for path in Path("r").glob("step-*/*"):
        path.unlink()
    next(Path("r").glob("step-*")).rmdir()
    Path("r/latest").unlink()
    content = json.loads(Path("r/run.json").read_text())
    Path("r/run.json").write_text(json.dumps({**content, key: value}))
    result = microgpt("train", "--resume", "r")  # an exception would come through
    assert result.code in (0, 2, 3, 5)


def test_a_vocabulary_that_does_not_fit_before_the_first_save() -> None:
    ok("train", "own.txt", *SMALL, "--out", "r", "--stop-after", 0)
    for path in Path("r").glob("step-*/*"):
        path.unlink()
    next(Path("r").glob("step-*")).rmdir()
    Path("r/latest").unlink()
    for uchars in (None, "abc", [1], ["a"], ["b", "a"], ["ab"], list("abcdefghij")):
        Path("r/vocab.json").write_text(json.dumps({"uchars": uchars}))
        assert "vocab.json" in refused(3, "train", "--resume", "r")


def test_a_run_of_a_newer_format(run: Path) -> None:
    content = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps({**content, "format": 99}))
    before = tree(run)
    for arguments in (["sample", run], ["train", "--resume", run], ["eval", run]):
        said = refused(3, *arguments)
        assert "has format 99, this program reads up to 1" in said and "Update microgpt" in said
    assert tree(run) == before


def test_a_run_that_was_stopped_before_its_first_save(run: Path) -> None:
    for path in [*run.glob("step-*/*"), run / "latest", run / "metrics.jsonl"]:
        path.unlink()
    for path in run.glob("step-*"):
        path.rmdir()
    assert "was stopped before its first save" in refused(3, "sample", run)
    straight = ok("train", "own.txt", *SMALL, "--json", "--out", "s")
    assert ok("train", "--resume", run, "--json").losses == straight.losses


# ---------------------------------------------------------------- model.json


def broken(change: Callable[[dict[str, Any]], None]) -> Callable[[str], str]:
    def apply(text: str) -> str:
        model = json.loads(text)
        change(model)
        return json.dumps(model)

    return apply


MODELS: dict[str, tuple[Callable[[str], str], str]] = {
    "no JSON": (lambda text: text[:-9], "is not readable JSON"),
    "empty": (lambda text: "", "is not readable JSON"),
    "a list": (lambda text: "[]", "must be a JSON object"),
    "NaN": (lambda text: text.replace('"wte": [\n[', '"wte": [\n[NaN,', 1), "NaN"),
    "infinite": (broken(lambda m: m["state_dict"]["wte"][0].__setitem__(0, 1e999)), ""),
    "1e999": (lambda text: text.replace('"wte": [\n[', '"wte": [\n[1e999,', 1), "wte"),
    "no config": (broken(lambda m: m.pop("config")), "lacks config"),
    "no wte": (broken(lambda m: m["state_dict"].pop("wte")), "lacks wte"),
    "no n_embd": (broken(lambda m: m["config"].pop("n_embd")), "lacks n_embd"),
    "10^9": (broken(lambda m: m["config"].update(n_embd=10**9)), "n_embd is 1000000000"),
    "10^9 layers": (broken(lambda m: m["config"].update(n_layer=10**9)), "n_layer is 1000000000"),
    "10^6 layers": (broken(lambda m: m["config"].update(n_layer=10**6)), "can hold"),
    "-1": (broken(lambda m: m["config"].update(n_head=-1)), "n_head is -1"),
    "huge": (broken(lambda m: m["config"].update(n_head=10**900)), "n_head is 1000"),
    "1.5": (broken(lambda m: m["config"].update(n_layer=1.5)), "n_layer is 1.5"),
    "a row too few": (broken(lambda m: m["state_dict"]["wpe"].pop()), "wpe"),
    "a row too short": (broken(lambda m: m["state_dict"]["wpe"][3].pop()), "wpe[3]"),
    "a word": (broken(lambda m: m["state_dict"]["wpe"][3].__setitem__(1, "x")), "wpe[3][1]"),
    "unsorted": (broken(lambda m: m["tokenizer"]["uchars"].reverse()), "code-point order"),
    "format": (broken(lambda m: m.update(format="tiny-gpt-char-v2")), "format"),
    "activation": (broken(lambda m: m["config"].update(activation="gelu")), "gelu"),
}


@pytest.mark.parametrize("name", MODELS)
def test_a_damaged_model_json(run: Path, name: str) -> None:
    ok("export", run, "m.json")
    change, says = MODELS[name]
    text = Path("m.json").read_text()
    Path("m.json").write_text(change(text))
    assert Path("m.json").read_text() != text
    said = refused(3, "sample", "m.json")
    assert says in said and "m.json" in said
    assert refused(3, "import", "m.json", "own.txt", "--out", "s")
    assert not Path("s").exists()


def test_unknown_keys_are_ignored_with_a_note(run: Path) -> None:
    ok("export", run, "m.json")
    model = json.loads(Path("m.json").read_text())
    Path("m.json").write_text(json.dumps({**model, "authör\x1b": 1}))
    result = ok("sample", "m.json")
    assert "note: m.json: unknown key in the file ignored" in result.err
    assert "\x1b" not in result.err


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_safetensors_file(run: Path, damage: str) -> None:
    ok("export", run, "m.safetensors")
    if damage == "flipped":
        flip(Path("m.safetensors"), 0.002)  # in the header: a number has no check sum
    else:
        DAMAGES[damage](Path("m.safetensors"))
    assert "m.safetensors" in refused(3, "sample", "m.safetensors")


def test_eval_of_a_model_needs_a_file(run: Path) -> None:
    ok("export", run, "m.json")
    assert "Name a file to measure on" in refused(2, "eval", "m.json")
    written("all.txt", "ada\n" * 20)
    ok("train", "all.txt", *TINY, "--steps", 20, "--out", "all")
    assert "held nothing out" in refused(2, "eval", "all")


# ---------------------------------------------------------------- disks


@contextlib.contextmanager
def full_disk(left: int) -> Iterator[None]:
    """Within, after ``left`` bytes, writing fails with "disk full"."""
    real = os.write

    def write(fd: int, data: bytes) -> int:
        nonlocal left
        if left <= 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        count = real(fd, bytes(data)[:left])
        left -= count
        return count

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "write", write)
        yield


def sizes() -> int:
    """Bytes that the run of the tests below writes in all."""
    return sum(len(data) for data in tree(Path("straight")).values())


@pytest.mark.parametrize("share", [0.0, 0.02, 0.2, 0.5, 0.9])
def test_a_full_disk_stops_the_run_and_loses_nothing(share: float) -> None:
    flags = ["train", "own.txt", *SMALL, "--save-every", 2]
    straight = ok(*flags, "--json", "--out", "straight")
    with full_disk(int(share * 2 * sizes())):
        result = microgpt(*flags, "--json", "--out", "r")
    assert result.code == 3
    error = result.lines[-1]["error"]
    assert "the disk is full" in error["message"] and "Free some space" in error["remedy"]
    saved = [line["step"] for line in result.of("saved")]
    assert not list(Path("r").glob("**/.tmp-*"))
    if not Path("r/run.json").exists():
        again = ok(*flags, "--json", "--out", "r")
        assert again.losses == straight.losses
        return
    if saved:
        assert open_model(Path("r"))[0].step == saved[-1]
    ok("train", "--resume", "r")
    assert open_model(Path("r"))[0].step == 12
    last = Path("r/step-00000012/weights.safetensors").read_bytes()
    assert last == Path("straight/step-00000012/weights.safetensors").read_bytes()
    assert [line["loss"] for line in metrics() if "loss" in line] == straight.losses


def test_a_full_disk_when_a_model_is_exported(run: Path) -> None:
    ok("export", run, "m.json")
    before = tree(Path.cwd())
    for name in ("m.json", "m.safetensors"):
        with full_disk(100):
            said = refused(3, "export", run, name, "--force")
        assert f"Can't write {name}: the disk is full" in said
    assert tree(Path.cwd()) == before


@posix
def test_a_disk_that_is_really_full(folder: Path) -> None:
    """A file system of 200 kB in memory, where the system lets us make one."""
    small = folder / "small"
    small.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", str(small)]
    try:
        subprocess.run(mount, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("can't mount a file system here")
    try:
        flags = ["train", "own.txt", "--steps", 40, "--save-every", 2, "--json"]
        result = microgpt(*flags, "--out", small / "r")
        assert result.code == 3
        assert "the disk is full" in result.lines[-1]["error"]["message"]
        saved = [line["step"] for line in result.of("saved")]
        assert open_model(small / "r")[0].step == saved[-1]
        assert not list(small.glob("r/**/.tmp-*"))
    finally:
        subprocess.run(["umount", "--lazy", str(small)], check=True)


@posix
def test_a_limit_on_the_size_of_files(folder: Path) -> None:
    import resource

    done = subprocess.run(
        [*COMMAND, "train", "own.txt", "--out", "r"],
        cwd=folder, env=environment(), capture_output=True, timeout=60, check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (15_000, 15_000)),
    )  # fmt: skip
    assert done.returncode == 3
    assert b"the file would be larger than is allowed here" in done.stderr
    assert b"Traceback" not in done.stderr
    ok("train", "--resume", "r", "--stop-after", 3)


@posix
def test_standard_output_on_a_full_disk(folder: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*COMMAND, "train", "own.txt", *map(str, SMALL)],
            cwd=folder, env=environment(), stdout=full, stderr=subprocess.PIPE,
            timeout=60, check=False,
        )  # fmt: skip
    assert done.returncode == 3
    assert done.stderr.splitlines()[-2].startswith(b"microgpt: No space left on device")
    assert b"Traceback" not in done.stderr


@pytest.fixture
def read_only(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Call it to make every file system read-only (the superuser minds no permissions)."""
    real = os.open

    def refuse(path: Any, *_: Any, **__: Any) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))

    def open_(path: Any, flags: int, *more: Any, **named: Any) -> int:
        if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            refuse(path)
        return real(path, flags, *more, **named)

    def begin() -> None:
        monkeypatch.setattr(os, "open", open_)
        for name in ("mkdir", "rename", "replace", "unlink", "truncate"):
            monkeypatch.setattr(os, name, refuse)

    return begin


def test_a_read_only_directory(run: Path, read_only: Callable[[], None]) -> None:
    ok("train", "own.txt", *SMALL, "--out", "half", "--stop-after", 4)
    before = tree(Path.cwd())
    read_only()
    for out in ("new", "new/deeper"):
        said = refused(3, "train", "own.txt", *SMALL, "--out", out)
        assert "the file system is read-only" in said and "Choose another place" in said
    assert "the file system is read-only" in refused(3, "train", "--resume", "half")
    assert "the file system is read-only" in refused(3, "export", run, "m.json")
    assert "read-only" in refused(3, "train", "own.txt").lower()
    assert "ead-only" in refused(3, "ladder", 1, "--copy", "mine")
    ok("sample", run)  # looking needs no writing
    ok("eval", run, "own.txt")
    ok("inspect", run)
    assert tree(Path.cwd()) == before


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write")
def test_a_directory_without_permission() -> None:
    Path("locked").mkdir(0o555)
    said = refused(3, "train", "own.txt", "--out", "locked/r")
    assert "permission is denied" in said


def test_a_place_where_nothing_can_be_made() -> None:
    assert "own.txt" in refused(3, "train", "own.txt", "--out", "own.txt/r")
    assert refused(3, "train", "own.txt", "--out", "x" * 300)
    ok("train", "own.txt", *SMALL, "--out", "r")
    assert "nowhere" in refused(3, "export", "r", "nowhere/m.json")
    Path("d.json").mkdir()
    assert "directory" in refused(3, "export", "r", "d.json", "--force")

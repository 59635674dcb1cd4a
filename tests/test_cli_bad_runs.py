"""What the command says of runs and models that are missing, in use, damaged or forged.

Each gets one clear line (value, limit), mostly a second one with the remedy, its documented exit
code and no traceback, and nothing that was written before is lost.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cli_runner import DOCS, SMALL, TINY, metrics, microgpt, ok, refused, started, tree, written
from microgpt.opening import open_model
from patience import until

pytestmark = pytest.mark.usefixtures("own_list")


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


def test_a_directory_in_use_is_not_written_to(finished: Path) -> None:
    before = tree(Path.cwd())
    said = refused(3, "train", "own.txt", "--out", finished)
    assert "r already holds a run" in said and "--resume r" in said
    Path("full").mkdir()
    written("full/precious.txt", "mine")
    assert "full is not empty" in refused(3, "train", "own.txt", "--out", "full")
    assert "own.txt is a file" in refused(3, "train", "own.txt", "--out", "own.txt")
    ok("export", finished, "m.json")
    assert "already holds a run" in refused(3, "import", "m.json", "own.txt", "--out", finished)
    assert {k: v for k, v in tree(Path.cwd()).items() if k in before} == before


@pytest.mark.parametrize(
    "flags",
    [
        ["--lr", 0.5], ["--n-embd", 8], ["--warmup", 3], ["--seed", 1], ["--preset", "early"],
        ["--data", "names"], ["--split-by", "none"], ["--out", "s"], ["--config", "c.toml"],
        ["--no-validation"],
    ],
)  # fmt: skip
def test_what_a_run_began_with_cannot_be_changed(finished: Path, flags: list[object]) -> None:
    written("c.toml", "lr = 0.1")
    before = tree(finished)
    said = refused(2, "train", "--resume", finished, *flags)
    name = str(flags[0]).replace("--no-", "--")
    assert f"{name} can't be changed when a run is resumed" in said
    assert tree(finished) == before


def test_stop_after_a_step_that_has_passed(finished: Path) -> None:
    said = refused(2, "train", "--resume", finished, "--stop-after", 3)
    assert "stop-after is 3, but the run is already at step 12" in said


def test_data_that_has_changed_or_gone(finished: Path) -> None:
    before = tree(finished)
    written("own.txt", DOCS + "new\n")
    said = refused(3, "train", "--resume", finished)
    assert "own.txt is not the data that r was started with" in said and "Restore" in said
    assert "is not the data" in refused(3, "eval", finished)
    Path("own.txt").unlink()
    said = refused(3, "train", "--resume", finished)
    assert "The run's data can't be read: There is no file" in said
    assert "microgpt train FILE --resume r" in said
    assert "samples are not marked" in ok("sample", finished).err
    assert "samples are not marked" in ok("sample", finished, "--json").err
    said = refused(2, "sample", finished, "--new")
    assert "--new needs the training data" in said
    assert tree(finished) == before


def test_two_processes_cannot_train_the_same_run() -> None:
    flags = [*TINY, "--steps", 10**9, "--out", "r"]
    with started("train", "own.txt", *flags, cwd=Path.cwd()) as other:
        until(Path("r/latest").exists, "its first save", lambda: other.poll() is None)
        assert "Another process is training the run in r" in refused(3, "train", "--resume", "r")
        assert "already holds a run" in refused(3, "train", "own.txt", "--out", "r")
        ok("sample", "r")  # looking is allowed
        ok("export", "r", "m.json")
    assert ok("train", "--resume", "r", "--stop-after", now("r") + 1, "--json").losses


def now(finished: str) -> int:
    step = open_model(Path(finished))[0].step
    assert step is not None
    return step


# ---------------------------------------------------------------- damage


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
    finished: Path, file: str, damage: str
) -> None:
    losses = [line["loss"] for line in metrics("r") if "loss" in line]
    DAMAGES[damage](finished / "step-00000012" / file)
    result = ok("sample", finished)
    assert "note: step-00000012 is damaged: " in result.err and file in result.err
    assert "step-00000010 is used" in result.err
    resumed = ok("train", "--resume", finished, "--json")
    assert "step-00000010 is used" in resumed.err
    assert resumed.of("run")[0]["step"] == 10
    assert resumed.losses == losses[10:12]
    assert "damaged" not in ok("train", "--resume", finished, "--json").err  # mended


@pytest.mark.parametrize("damage", DAMAGES)
def test_where_no_checkpoint_is_good_nothing_is_made_up(finished: Path, damage: str) -> None:
    for step in finished.glob("step-*"):
        DAMAGES[damage](step / "weights.safetensors")
    before = tree(finished)
    for arguments in (["sample", finished], ["eval", finished], ["export", finished, "m.json"]):
        said = refused(3, *arguments)
        assert "No snapshot in r is good" in said and "step-00000010" in said
    assert "No snapshot in r is good" in refused(3, "train", "--resume", finished)
    left = {k: v for k, v in tree(finished).items() if not k.startswith(".lock")}
    assert left == {k: v for k, v in before.items() if not k.startswith(".lock")}


def without_copies(run: Path) -> None:
    """As an older microgpt would have left it; test_originals.py has those with copies."""
    for name in ("run.json", "vocab.json"):
        for path in run.glob(f"step-*/{name}"):
            path.unlink()


@pytest.mark.parametrize("name", ["run.json", "vocab.json"])
@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"\xff", b'{"format": 1}', b"{}", b"[" * 100_000]
)
def test_a_damaged_run_json_or_vocab_json(finished: Path, name: str, content: bytes) -> None:
    without_copies(finished)
    (finished / name).write_bytes(content)
    for arguments in (["sample", finished], ["train", "--resume", finished]):
        assert refused(3, *arguments)


@pytest.mark.parametrize("key", ["data", "config", "format", "seed"])
@pytest.mark.parametrize("value", [None, 5, "x", [], {}])
def test_a_run_json_that_was_tampered_with(finished: Path, key: str, value: object) -> None:
    without_copies(finished)
    content = json.loads((finished / "run.json").read_text())
    (finished / "run.json").write_text(json.dumps({**content, key: value}))
    assert refused(3, "train", "--resume", finished)
    assert refused(3, "sample", finished)


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


def test_a_run_of_a_newer_format(finished: Path) -> None:
    without_copies(finished)
    content = json.loads((finished / "run.json").read_text())
    (finished / "run.json").write_text(json.dumps({**content, "format": 99}))
    before = tree(finished)
    for arguments in (["sample", finished], ["train", "--resume", finished], ["eval", finished]):
        said = refused(3, *arguments)
        assert "has format 99, this program reads up to 1" in said and "Update microgpt" in said
    assert tree(finished) == before


def test_a_run_that_was_stopped_before_its_first_save(finished: Path) -> None:
    for path in [*finished.glob("step-*/*"), finished / "latest", finished / "metrics.jsonl"]:
        path.unlink()
    for path in finished.glob("step-*"):
        path.rmdir()
    assert "was stopped before its first save" in refused(3, "sample", finished)
    straight = ok("train", "own.txt", *SMALL, "--json", "--out", "s")
    assert ok("train", "--resume", finished, "--json").losses == straight.losses


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
def test_a_damaged_model_json(finished: Path, name: str) -> None:
    ok("export", finished, "m.json")
    change, says = MODELS[name]
    text = Path("m.json").read_text()
    Path("m.json").write_text(change(text))
    assert Path("m.json").read_text() != text
    said = refused(3, "sample", "m.json")
    assert says in said and "m.json" in said
    assert refused(3, "import", "m.json", "own.txt", "--out", "s")
    assert not Path("s").exists()


def test_unknown_keys_are_ignored_with_a_note(finished: Path) -> None:
    ok("export", finished, "m.json")
    model = json.loads(Path("m.json").read_text())
    Path("m.json").write_text(json.dumps({**model, "authör\x1b": 1}))
    result = ok("sample", "m.json")
    assert "note: m.json: unknown key in the file ignored" in result.err
    assert "\x1b" not in result.err


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_safetensors_file(finished: Path, damage: str) -> None:
    ok("export", finished, "m.safetensors")
    DAMAGES[damage](Path("m.safetensors"))
    assert "m.safetensors" in refused(3, "sample", "m.safetensors")


def test_eval_of_a_model_needs_a_file(finished: Path) -> None:
    ok("export", finished, "m.json")
    assert "Name a file to measure on" in refused(2, "eval", "m.json")
    written("all.txt", "ada\n" * 20)
    ok("train", "all.txt", *TINY, "--steps", 20, "--out", "all")
    assert "held nothing out" in refused(2, "eval", "all")

"""Directories for Hugging Face: written whole or not at all, and read back."""

import errno
import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy

from cli_runner import ok, refused, tree, written
from hf_models import BLOCKS, SIZES, TOKENIZERS, as_bf16, made, same_weights, sharded
from microgpt import files
from microgpt.config import Config
from microgpt.data import bundled
from microgpt.disk.huggingface import KNOWN, NAMES, contents, read_directory, write_directory
from microgpt.disk.modelfile import Model
from microgpt.errors import CheckpointError, FileError, InputError
from microgpt.opening import open_model
from microgpt.tokenizer import Tokenizer


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_directory(tmp_path / "theirs", made())
    return tmp_path / "theirs"


# ---------------------------------------------------------------- out and in


@pytest.mark.parametrize("which", TOKENIZERS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kind", BLOCKS)
def test_there_and_back(tmp_path: Path, kind: str, dtype: str, which: str) -> None:
    model = made(kind, dtype, which)
    path = tmp_path / "theirs"
    assert write_directory(path, model) == []
    assert sorted(p.name for p in tmp_path.iterdir()) == ["theirs"]
    assert sorted(p.name for p in path.iterdir()) == sorted(NAMES)
    back, notes = read_directory(path)
    assert notes == [] and back.step == 12 and same_weights(back, model)
    assert all(array.flags.writeable for array in back.weights.values())
    assert back.tokenizer.stored() == model.tokenizer.stored()
    same = KNOWN - {"mlp_width", "init_std_out"}
    assert {n: getattr(back.config, n) for n in same} == {n: getattr(model.config, n) for n in same}
    assert back.config.hidden == model.config.hidden
    assert contents(path, model) == contents(path, back)


def test_what_the_files_say(folder: Path) -> None:
    bos = made().tokenizer.bos
    described = json.loads((folder / "config.json").read_text())
    assert described["architectures"] == ["LlamaForCausalLM"]
    assert described["torch_dtype"] == "float32"
    assert (described["bos_token_id"], described["eos_token_id"]) == (bos, bos)
    generation = json.loads((folder / "generation_config.json").read_text())
    assert generation == {"bos_token_id": bos, "eos_token_id": bos, "pad_token_id": bos}
    tokens = json.loads((folder / "tokenizer_config.json").read_text())
    assert "chat_template" not in tokens and tokens["model_max_length"] == SIZES["block_size"]
    told = contents(folder, made(), chat_template="{{ messages }}")["tokenizer_config.json"]
    assert json.loads(told)["chat_template"] == "{{ messages }}"


def test_what_is_added_is_told(tmp_path: Path) -> None:
    model = made(norm_gain=False, lora_rank=2)
    assert write_directory(tmp_path / "m", model) == [
        "LoRA's additions are merged into the matrices."
    ]
    back = read_directory(tmp_path / "m")[0]
    assert back.config.norm_gain and not back.config.lora_rank
    assert np.all(back.weights["final_norm"] == 1)


def test_half_floats_lose_nothing(folder: Path) -> None:
    """float16 and bfloat16 come back as float32; one array of float64 makes all of them that."""
    path = folder / "model.safetensors"
    arrays = safetensors.numpy.load_file(path)
    halves = {n: a.astype(np.float16) for n, a in arrays.items()}
    path.write_bytes(files.pack_tensors(halves))
    found = read_directory(folder)[0].weights["wte"]
    assert found.dtype == np.float32
    assert np.array_equal(found, halves["model.embed_tokens.weight"])
    cut = {n: a.view(np.uint32) & 0xFFFF0000 for n, a in arrays.items()}
    path.write_bytes(as_bf16({n: (a >> 16).astype(np.uint16) for n, a in cut.items()}))
    found = read_directory(folder)[0].weights["wte"]
    assert found.dtype == np.float32
    assert np.array_equal(found, cut["model.embed_tokens.weight"].view(np.float32))
    one = {"model.norm.weight": arrays["model.norm.weight"].astype(np.float64)}
    path.write_bytes(files.pack_tensors({**arrays, **one}))
    assert {a.dtype.name for a in read_directory(folder)[0].weights.values()} == {"float64"}


def test_several_files(folder: Path) -> None:
    sharded(folder)
    assert same_weights(read_directory(folder)[0], made())


def test_bos_becomes_the_last_token(tmp_path: Path) -> None:
    """As trainers number special tokens first: BOS 0, then the bytes."""
    model = made(which="byte pairs")
    path = tmp_path / "m"
    write_directory(path, model)
    last = model.tokenizer.bos
    content = json.loads((path / "tokenizer.json").read_text(encoding="utf-8"))
    content["model"]["vocab"] = {n: i + 1 for n, i in content["model"]["vocab"].items()}
    content["added_tokens"][0]["id"] = 0
    written(str(path / "tokenizer.json"), json.dumps(content))
    arrays = safetensors.numpy.load_file(path / "model.safetensors")
    for name in ("model.embed_tokens.weight", "lm_head.weight"):
        arrays[name] = np.roll(arrays[name], 1, axis=0)
    (path / "model.safetensors").write_bytes(files.pack_tensors(arrays))
    back, notes = read_directory(path)
    assert same_weights(back, model) and back.tokenizer.bos == last
    assert notes == [
        f"config.json has bos_token_id {last}, but the special token in tokenizer.json is 0, "
        "which is used."
    ]


# ---------------------------------------------------------------- what is in the way


def test_only_an_export_is_replaced(tmp_path: Path) -> None:
    path, model = tmp_path / "m", made()
    path.mkdir()
    write_directory(path, model)  # empty: nothing is lost
    with pytest.raises(FileError, match="already exists") as refusal:
        write_directory(path, model)
    assert "--force" in refusal.value.remedy
    other = replace(model, step=13)
    write_directory(path, other, replace=True)
    assert read_directory(path)[0].step == 13
    written(str(path / "thesis.tex"), "the work of a year")
    before = tree(tmp_path)
    with pytest.raises(FileError, match=r"isn't an export of microgpt: it holds 'thesis.tex'"):
        write_directory(path, model, replace=True)
    (path / "thesis.tex").unlink()
    described = json.loads((path / "config.json").read_text())
    del described["microgpt"]
    written(str(path / "config.json"), json.dumps(described))
    with pytest.raises(FileError, match=r"isn't an export of microgpt\."):
        write_directory(path, model, replace=True)
    assert set(tree(tmp_path)) == set(before) - {str(Path("m", "thesis.tex"))}
    written(str(tmp_path / "file"), "")
    with pytest.raises(FileError, match="file already exists, and is a file"):
        write_directory(tmp_path / "file", model, replace=True)
    (tmp_path / "link").symlink_to(path)
    with pytest.raises(FileError, match="link is a link, which is not replaced"):
        write_directory(tmp_path / "link", model, replace=True)


@pytest.mark.parametrize("after", range(7))
def test_a_full_disk_leaves_what_was_there(
    tmp_path: Path, after: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whichever of the files, or the last rename, fails: the old export stays, and nothing else."""
    path = tmp_path / "m"
    write_directory(path, made())
    before = tree(tmp_path)
    left = [after]

    def failing(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*given: Any, **more: Any) -> Any:
            left[0] -= 1
            if left[0] < 0:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return real(*given, **more)

        return call

    monkeypatch.setattr(files, "write_synced", failing(files.write_synced))
    if after >= 5:  # all five files are written: the first or the second rename fails
        left[0] = after - 5
        monkeypatch.undo()
        monkeypatch.setattr(Path, "rename", once_failing(left))
    with pytest.raises(FileError, match="disk is full"):
        write_directory(path, replace(made(), step=13), replace=True)
    monkeypatch.undo()
    assert tree(tmp_path) == before


def once_failing(left: list[int]) -> Callable[[Path, Path], Path]:
    """``Path.rename`` that fails the n-th time and then works again."""
    real = Path.rename

    def rename(self: Path, target: Path) -> Path:
        left[0] -= 1
        if left[0] == -1:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(self, target)

    return rename


def test_models_that_cant_be_said(tmp_path: Path) -> None:
    def refusal(match: str, model: Model, kind: type[Exception] = CheckpointError) -> None:
        with pytest.raises(kind, match=match):
            write_directory(tmp_path / "m", model)
        assert list(tmp_path.iterdir()) == []

    published = Config(**{**SIZES, "vocab_size": 12})
    weights = {n: np.zeros(s) for n, s in published.shapes().items()}
    refusal(
        "activation is relu, must be gelu", Model(published, made().tokenizer, weights), InputError
    )
    model = made()
    model.weights["lm_head"][0, 0] = np.nan
    refusal("a number in lm_head is not finite", model)
    refusal(
        "the tokenizer has 4 tokens, vocab_size is", replace(made(), tokenizer=Tokenizer("abc"))
    )
    half = Tokenizer([*made().tokenizer.uchars[:-1], "\ud800"][: made().tokenizer.bos])
    refusal("half a character", replace(made(), tokenizer=half))


# ---------------------------------------------------------------- the command


FLAGS = {
    "gpt2": ("--activation", "gelu", "--norm", "layernorm", "--bias", "--tied"),
    "llama": ("--activation", "swiglu", "--positions", "rope", "--n-kv-head", 1),
}


@pytest.mark.usefixtures("empty_directory")
def test_a_model_of_another_shape_is_refused() -> None:
    said = refused(2, "export", bundled("data/model.json"), "hf")
    assert "hf can't be written: the model isn't of a shape that others know" in said
    assert "activation is relu, must be gelu; norm is rmsnorm, must be layernorm; " in said
    assert "train --config recipes/gpt2-laptop.toml" in said
    assert list(Path.cwd().iterdir()) == []


@pytest.mark.usefixtures("empty_directory")
@pytest.mark.parametrize("kind", FLAGS)
def test_a_run_goes_out_and_comes_in(kind: str, own_list: Path) -> None:
    """The same weights; every command that opens a model takes the directory; it trains on."""
    shape = ("--n-embd", 4, "--n-head", 2, "--block-size", 8, "--no-embed-norm", "--final-norm")
    ok("train", own_list, *shape, *FLAGS[kind], "--steps", 4, "--out", "r")
    told = ok("export", "r", "hf").out
    size = sum(path.stat().st_size for path in Path("hf").iterdir())
    assert told.startswith("wrote hf: ") and told.endswith(f" parameters, {size:,} bytes\n")
    assert "hf already exists" in refused(3, "export", "r", "hf")
    ok("export", "r", "hf", "--force")
    ours, theirs = (ok("sample", name, "--plain", "--seed", 7).out for name in ("r", "hf"))
    assert ours == theirs
    assert "nats per token" in ok("eval", "hf", own_list).out
    assert "after step 4" in ok("inspect", "hf").out
    assert "has no best step" in refused(2, "sample", "hf", "--best")
    ok("export", "hf", "again.safetensors")
    ok("import", "hf", own_list, "--out", "s", "--steps", 3)
    before, after = (open_model(name)[0] for name in ("r", "s"))
    assert after.tokenizer.stored() == before.tokenizer.stored()
    assert before.config.norm_gain is False and after.config.norm_gain is True
    assert all(after.weights[n].tobytes() == w.tobytes() for n, w in before.weights.items())
    assert "step    3 /    3" in ok("train", "--resume", "s").out

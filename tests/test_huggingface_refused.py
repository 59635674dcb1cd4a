"""Directories that are refused: one line says why, before any work, and nothing is written."""

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy

from cli_runner import posix, refused, written
from hf_models import made, same_weights, sharded
from microgpt import files
from microgpt.disk.huggingface import NAMES, read_directory, write_directory
from microgpt.errors import CheckpointError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_directory(tmp_path / "theirs", made())
    return tmp_path / "theirs"


# ---------------------------------------------------------------- what is refused


def changed(name: str, change: Callable[[Any], Any]) -> Callable[[Path], object]:
    """Rewrite a JSON file of the directory."""

    def damage(folder: Path) -> None:
        content = json.loads((folder / name).read_text(encoding="utf-8"))
        written(str(folder / name), json.dumps(change(content)))

    return damage


def config(**changes: Any) -> Callable[[Path], object]:
    return changed("config.json", lambda content: content | changes)


def arrays(change: Callable[[dict[str, Any]], object]) -> Callable[[Path], object]:
    """Change the arrays in the safetensors file."""

    def damage(folder: Path) -> None:
        found = safetensors.numpy.load_file(folder / "model.safetensors")
        change(found)
        (folder / "model.safetensors").write_bytes(files.pack_tensors(found))

    return damage


def raw(change: Callable[[bytes], bytes]) -> Callable[[Path], object]:
    def damage(folder: Path) -> None:
        path = folder / "model.safetensors"
        path.write_bytes(change(path.read_bytes()))

    return damage


def header(**changes: Any) -> Callable[[Path], object]:
    """Change what the header says of lm_head.weight."""

    def change(data: bytes) -> bytes:
        length = int.from_bytes(data[:8], "little")
        content = json.loads(data[8 : 8 + length])
        content["lm_head.weight"] |= changes
        text = json.dumps(content).encode()
        return len(text).to_bytes(8, "little") + text + data[8 + length :]

    return raw(change)


def pickled(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")


def shards_lack(folder: Path) -> None:
    (folder / sorted(set(sharded(folder).values()))[1]).unlink()


def vocab_of(change: Callable[[dict[str, Any]], Any]) -> Callable[[Path], object]:
    def rewritten(content: dict[str, Any]) -> dict[str, Any]:
        change(content)
        return content

    return changed("tokenizer.json", rewritten)


REFUSED: dict[str, tuple[Callable[[Path], object], str]] = {
    "bert": (config(architectures=["BertForMaskedLM"]), "'BertForMaskedLM', must"),
    "mistral": (
        config(architectures=["MistralForCausalLM"], sliding_window=4), "'MistralForCausalLM', must"
    ),
    "unsaid": (config(architectures=None, model_type="t5"), "model_type 't5', must be GPT2LM"),
    "odd": (config(architectures=[{}, 3]), "JSON list of 2, must be GPT2LMHeadModel, Llama"),
    "rope": (
        config(rope_parameters={"rope_type": "yarn", "factor": 4.0}), "rope_type is 'yarn', must be"
    ),
    "eps": (config(rms_norm_eps=1e-6), "theirs can't be taken over: rms_norm_eps is 1e-06, mu"),
    "huge": (config(hidden_size=2**22), "theirs can't be taken over: The model would have"),
    "layers": (config(num_hidden_layers=3), "it lacks model.layers.2.input_layernorm.weight"),
    "list": (changed("config.json", lambda _: [1, 2]), "it is a JSON list of 2, must be a JSON"),
    "no json": (lambda f: (f / "config.json").write_text("{"), "config.json is not readable JSON"),
    "no config": (lambda f: (f / "config.json").unlink(), "Can't read .*config.json"),
    "no tokenizer": (lambda f: (f / "tokenizer.json").unlink(), "theirs has no tokenizer.json: "),
    "vocabulary": (config(vocab_size=12), "tokenizer.json has 13 tokens, but vocab_size in config"),
    "two special": (
        vocab_of(lambda c: c["added_tokens"].append({"id": 3, "content": "<pad>"})),
        "it has 2 added tokens .'<pad>', '<.bos.>'., must have one, for BOS",
    ),
    "none special": (vocab_of(lambda c: c["added_tokens"].clear()), "has 0 added tokens .none."),
    "holes": (
        vocab_of(lambda c: c["model"]["vocab"].update(a=99)), "its 13 tokens must have the ids 0 to"
    ),
    "half": (
        vocab_of(lambda c: c["model"]["vocab"].update({"\ud800": 13})), "the token '.ud800', with"
    ),
    "merges": (
        vocab_of(lambda c: c["model"].update(type="BPE", merges=[["a", "b"]])),
        "pre_tokenizer is of type 'Split', must be 'ByteLevel'",
    ),
    "split": (
        vocab_of(lambda c: c.update(normalizer={"type": "NFC"})), "its normalizer isn't that of a"
    ),
    "unigram": (vocab_of(lambda c: c.update(model={"vocab": []})), "no model with a vocabulary"),
    "pickle": (pickled, "has its weights in pytorch_model.bin, a pickle, which could run any"),
    "no weights": (lambda f: (f / "model.safetensors").unlink(), "has no weights: neither model"),
    "shard": (shards_lack, "model-00002-of-00003.safetensors is missing: model.safetensors.index"),
    "outside": (
        lambda f: sharded(f, **{"lm_head.weight": "../theirs/model.safetensors"}),
        "puts 'lm_head.weight' into '../theirs/model.safetensors', must be the name of a",
    ),
    "absolute": (
        lambda f: sharded(f, **{"lm_head.weight": "/etc/model.safetensors"}), "must be the name of"
    ),
    "unnamed": (
        lambda f: sharded(f, **{"more": "model-00001-of-00003.safetensors"}), "it lacks 'more', wh"
    ),
    "cut": (raw(lambda data: data[:-8]), "but its arrays need"),
    "longer": (raw(lambda data: data + b"\0"), "but its arrays need"),
    "empty": (raw(lambda data: b""), "it has 0 bytes, too few for a safetensors file"),
    "header": (raw(lambda data: b"\xff" * 8 + data[8:]), "bytes long, must be at most"),
    "type": (header(dtype="F8_E4M3"), "'lm_head.weight' has 416 bytes, which don't fit its shape"),
    "unknown": (header(dtype="Q4"), "'lm_head.weight' has the type 'Q4', which isn't known"),
    "shape": (header(shape=[2**40, 2**40]), "which don't fit its shape"),
    "negative": (header(shape=[-1, -96]), "has the shape a JSON list of 2, which can't be"),
    "offsets": (header(data_offsets=[2**70, 2**70 + 384]), "has data_offsets a JSON list of 2, "),
    "overlap": (header(data_offsets=[1, 417]), "its arrays leave a gap or overlap at byte"),
    "whole numbers": (
        arrays(lambda a: a.update({"lm_head.weight": a["lm_head.weight"].astype(np.int32)})),
        "'lm_head.weight' is I32, must be one of F64, F32, F16, BF16",
    ),
    "NaN": (
        arrays(lambda a: a["model.norm.weight"].fill(np.nan)),
        "a number in 'model.norm.weight' is not finite",
    ),
    "lacks": (arrays(lambda a: a.pop("lm_head.weight")), "it lacks lm_head.weight"),
    "has more": (
        arrays(lambda a: a.update(extra=np.zeros(1, np.float32))), "it also has 'extra', which"
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
@pytest.mark.usefixtures("empty_directory")
def test_what_is_refused(folder: Path, case: str) -> None:
    damage, wanted = REFUSED[case]
    damage(folder)
    said = refused(3, "import", folder, "--out", "run")
    assert str(folder) in said and "\n  " in said  # with a remedy
    assert re.search(wanted, said), said
    assert len(said.replace(str(folder), "")) < 400
    assert not Path("run").exists()


@posix
def test_links_are_followed_and_pipes_are_not(folder: Path, tmp_path: Path) -> None:
    """The Hub's cache is made of links; a pipe would make us wait for ever."""
    (tmp_path / "blobs").mkdir()
    for name in NAMES:
        (folder / name).rename(tmp_path / "blobs" / name)
        (folder / name).symlink_to(tmp_path / "blobs" / name)
    assert same_weights(read_directory(folder)[0], made())
    (folder / "model.safetensors").unlink()
    os.mkfifo(folder / "model.safetensors")
    with pytest.raises(CheckpointError, match="is not an ordinary file"):
        read_directory(folder)

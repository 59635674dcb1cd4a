"""GGUF files: what is in them, what can't be, and what is said where none can be written.

That llama.cpp computes the same from them is in test_llamacpp.py.
"""

import errno
import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from cli_runner import ok, refused
from microgpt.config import Config
from microgpt.disk.ggufile import interleaved, tensors, vocabulary, write_gguf
from microgpt.disk.layouts import layout_of
from microgpt.disk.modelfile import Model
from microgpt.errors import CheckpointError, FileError, InputError
from microgpt.subwords import BytePairTokenizer
from microgpt.tokenizer import Tokenizer

PLAIN = {"embed_norm": False, "final_norm": True, "n_layer": 2, "n_embd": 32, "block_size": 8}
SHAPES: dict[str, dict[str, Any]] = {
    "gpt2": {"activation": "gelu", "norm": "layernorm", **PLAIN},
    "llama": {"activation": "swiglu", "positions": "rope", "n_kv_head": 2, **PLAIN},
    "qwen3": {"activation": "swiglu", "positions": "rope", "qk_norm": True, **PLAIN},
}
LETTERS = Tokenizer.of(["abc"])


def model_of(shape: str, **changes: Any) -> Model:
    config = Config(**{**SHAPES[shape], "vocab_size": LETTERS.vocab_size, **changes})
    rng = np.random.Generator(np.random.PCG64(1))
    return Model(config, LETTERS, {n: rng.normal(size=s) for n, s in config.shapes().items()})


@pytest.fixture
def pretended(monkeypatch: pytest.MonkeyPatch) -> None:
    """The library is there, as far as anyone asks; it is used only once all is checked."""
    monkeypatch.setitem(sys.modules, "gguf", ModuleType("gguf"))


# ---------------------------------------------------------------- what goes into a file


def test_characters_become_byte_pairs_that_join_one_character_each() -> None:
    tokens, merges = vocabulary(Tokenizer.of(["a b", "é", "‘’", "😀"]))
    assert tokens == ["Ġ", "a", "b", "Ã©", "âĢĺ", "âĢĻ", "ðŁĺĢ", "<|bos|>"]
    assert merges == ["Ã ©", "â Ģ", "âĢ ĺ", "âĢ Ļ", "ð Ł", "ðŁ ĺ", "ðŁĺ Ģ"]


def test_a_vocabulary_without_merges_gets_one_that_no_text_can_use() -> None:
    """llama.cpp refuses a file that has none."""
    for tokenizer in (LETTERS, BytePairTokenizer.of(["abc"], 257)):
        tokens, merges = vocabulary(tokenizer)
        assert len(tokens) == tokenizer.vocab_size
        assert merges == ["ÿ ÿ"]
        with pytest.raises(UnicodeDecodeError):
            b"\xff\xff".decode()


def test_byte_pairs_are_written_as_they_are() -> None:
    tokenizer = BytePairTokenizer.of(["an ant", "an anthem"], 260)
    tokens, merges = vocabulary(tokenizer)
    assert tokens[0] == "!" and tokens[-1] == "<|bos|>"
    assert merges == ["a n", "Ġ an", "Ġan t"]
    assert tokens[256:-1] == ["an", "Ġan", "Ġant"]


def test_rows_of_a_pair_become_neighbours() -> None:
    rows = np.arange(12.0)
    assert interleaved(rows, 2).tolist() == [0, 3, 1, 4, 2, 5, 6, 9, 7, 10, 8, 11]
    matrix = rows[:, None] + np.array([0.0, 0.5])
    assert np.array_equal(interleaved(matrix, 2), interleaved(rows, 2)[:, None] + [0.0, 0.5])


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("shape", SHAPES)
def test_each_number_has_one_place(shape: str, bias: bool) -> None:
    if shape == "qwen3" and bias:
        return  # it has none
    model = model_of(shape, bias=bias, tied=bias)
    layout = layout_of(model.config, "m.gguf")
    assert layout.model_type == shape
    config, weights = layout.whole(model.config, model.weights)
    arrays = tensors(config, weights, shape)
    ours = np.sort(np.concatenate([a.ravel() for a in weights.values()]))
    theirs = np.sort(np.concatenate([a.ravel() for a in arrays.values()]))
    assert np.array_equal(ours, theirs)
    assert ("output.weight" in arrays) != bias, "a tied one isn't written"
    assert ("blk.1.attn_qkv.bias" in arrays) == (shape == "gpt2")


# ---------------------------------------------------------------- what is refused


@pytest.mark.usefixtures("empty_directory")
def test_without_the_library_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gguf", None)
    said = refused(5, "export", "no-run", "m.gguf")
    assert "the package gguf, which isn't installed" in said
    assert "pip install 'microgpt[export]'" in said


@pytest.mark.usefixtures("empty_directory", "pretended")
def test_numbers_of_another_kind_are_refused_before_the_run_is_opened() -> None:
    said = refused(2, "export", "no-run", "m.gguf", "--numbers", "q4_k")
    assert "--numbers is 'q4_k', must be one of float32, float16, q8_0" in said
    assert "m.json is no .gguf" in refused(
        2, "export", "no-run", "m.json", "--numbers", "float16"
    )  # fmt: skip


@pytest.mark.usefixtures("empty_directory", "pretended")
def test_a_model_of_no_known_shape_is_refused_by_name() -> None:
    ok("train", "--steps", 1, "--out", "r")
    said = refused(2, "export", "r", "m.gguf")
    for word in ("m.gguf", "activation is relu, must be gelu", "norm is rmsnorm", "--config"):
        assert word in said
    assert not Path("m.gguf").exists()


@pytest.mark.usefixtures("pretended")
def test_what_a_file_cannot_hold_is_refused_by_name(tmp_path: Path) -> None:
    def because(kind: type[Exception], model: Model, numbers: str = "float32") -> str:
        with pytest.raises(kind) as caught:
            write_gguf(tmp_path / "m.gguf", model, numbers)
        assert list(tmp_path.iterdir()) == []
        return str(caught.value)

    said = because(InputError, model_of("llama", n_embd=24), "q8_0")
    assert "n_embd is 24, must be a multiple of 32 for --numbers q8_0" in said
    assert "--numbers float16" in said

    broken = model_of("gpt2")
    broken.weights["layer0.attn_wq"][1, 1] = np.nan
    assert "a number in layer0.attn_wq is not finite" in because(CheckpointError, broken)

    half = model_of("gpt2")
    half.tokenizer = Tokenizer(["a", "b", "\ud800"])
    assert "half a character" in because(InputError, half)


@pytest.mark.parametrize("command", [["sample"], ["eval"], ["import", "--out", "new"]])
@pytest.mark.usefixtures("empty_directory")
def test_a_gguf_is_not_read_and_what_only_looks_like_one_is_named(command: list[str]) -> None:
    Path("m.gguf").write_bytes(b"GGUF\3\0\0\0" + bytes(90))
    said = refused(2, command[0], "m.gguf", *command[1:])
    assert "m.gguf is a GGUF file" in said and "export RUN NAME.safetensors" in said
    Path("m.gguf").write_bytes(b"PK\3\4")
    said = refused(3, command[0], "m.gguf", *command[1:])
    assert r"not a GGUF file: it begins with b'PK\x03\x04', must begin with b'GGUF'" in said
    Path("m.gguf").write_bytes(b"")
    assert "it is empty" in refused(3, command[0], "m.gguf", *command[1:])


# ---------------------------------------------------------------- files


@pytest.fixture
def gguf(require: Callable[[str], ModuleType]) -> ModuleType:
    return require("gguf")


def fields(gguf: ModuleType, path: Path) -> dict[str, Any]:
    """What a file says beside its arrays."""
    reader = gguf.GGUFReader(path)
    return {
        name: field.contents()
        for name, field in reader.fields.items()
        if not name.startswith("GGUF.")
    }


SAID = {
    "general.architecture": "llama", "general.type": "model", "general.name": "m",
    "general.file_type": 0, "llama.context_length": 8, "llama.embedding_length": 32,
    "llama.block_count": 2, "llama.feed_forward_length": 88, "llama.attention.head_count": 4,
    "llama.attention.head_count_kv": 2, "llama.vocab_size": 4,
    "llama.attention.layer_norm_rms_epsilon": float(np.float32(1e-5)),
    "llama.rope.freq_base": 10000.0, "llama.rope.dimension_count": 8,
    "llama.attention.key_length": 8, "llama.attention.value_length": 8,
    "tokenizer.ggml.model": "gpt2", "tokenizer.ggml.pre": "gpt-2",
    "tokenizer.ggml.tokens": ["a", "b", "c", "<|bos|>"],
    "tokenizer.ggml.token_type": [1, 1, 1, 3], "tokenizer.ggml.merges": ["ÿ ÿ"],
    "tokenizer.ggml.bos_token_id": 3, "tokenizer.ggml.eos_token_id": 3,
    "tokenizer.ggml.add_bos_token": True, "tokenizer.ggml.add_eos_token": False,
}  # fmt: skip


@pytest.mark.slow
def test_a_file_says_all_that_is_needed(gguf: ModuleType, tmp_path: Path) -> None:
    write_gguf(tmp_path / "m.gguf", model_of("llama"))
    assert fields(gguf, tmp_path / "m.gguf") == SAID
    write_gguf(tmp_path / "g.gguf", model_of("gpt2", mlp_width=7), "q8_0", "a name")
    said = fields(gguf, tmp_path / "g.gguf")
    assert said["general.name"] == "a name" and said["general.file_type"] == 7
    assert said["general.quantization_version"] == gguf.GGML_QUANT_VERSION
    assert said["gpt2.attention.layer_norm_epsilon"] == np.float32(1e-5)
    assert (said["gpt2.feed_forward_length"], said["gpt2.attention.head_count_kv"]) == (7, 4)


@pytest.mark.slow
def test_the_same_model_gives_the_same_bytes(gguf: ModuleType, tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        write_gguf(tmp_path / folder / "m.gguf", model_of("qwen3"), "float16")
    assert (tmp_path / "a" / "m.gguf").read_bytes() == (tmp_path / "b" / "m.gguf").read_bytes()


@pytest.mark.slow
def test_a_number_too_large_for_half_precision_is_named(gguf: ModuleType, tmp_path: Path) -> None:
    model = model_of("llama")
    model.weights["layer1.mlp_fc1"][0, 0] = 70000.0
    with pytest.raises(CheckpointError) as caught:
        write_gguf(tmp_path / "m.gguf", model, "float16")
    assert "blk.1.ffn_up.weight has a number of 7e+04, which is too large" in str(caught.value)
    assert "--numbers float32" in str(caught.value)
    assert list(tmp_path.iterdir()) == []
    write_gguf(tmp_path / "m.gguf", model)


@pytest.mark.slow
@pytest.mark.parametrize("where", ["beside the file", "in the temporary folder"])
def test_a_full_disk_leaves_what_was_there(
    gguf: ModuleType, where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_gguf(tmp_path / "m.gguf", model_of("llama"))
    before = (tmp_path / "m.gguf").read_bytes()

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    if where == "beside the file":
        monkeypatch.setattr(os, "write", full)
    else:
        monkeypatch.setattr(gguf.GGUFWriter, "write_tensors_to_file", full)
    with pytest.raises(FileError, match=r"Can't write .*m\.gguf: the disk is full"):
        write_gguf(tmp_path / "m.gguf", model_of("gpt2"))
    monkeypatch.undo()
    assert [path.name for path in tmp_path.iterdir()] == ["m.gguf"]
    assert (tmp_path / "m.gguf").read_bytes() == before

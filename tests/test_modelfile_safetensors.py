"""Models as safetensors files: the library reads ours, and strange ones are refused."""

import json

import numpy as np
import pytest
import safetensors.numpy

from microgpt import files
from microgpt.disk.modelfile import read_safetensors, write_safetensors
from microgpt.errors import CheckpointError
from model_files import MODELS, check, make, refused


def test_safetensors_is_the_librarys(tmp_path):
    """Others read it with the library; the same model gives the same bytes, metadata included."""
    model = MODELS["reference"]
    for name in ("a", "b"):
        assert write_safetensors(tmp_path / name, model) == []
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    arrays = safetensors.numpy.load_file(tmp_path / "a")
    assert {n: a.tobytes() for n, a in arrays.items()} == {
        n: a.tobytes() for n, a in model.weights.items()
    }
    with safetensors.safe_open(tmp_path / "a", "numpy") as file:
        metadata = file.metadata()
    assert metadata["format"] == "microgpt-v1"
    assert json.loads(metadata["config"])["n_embd"] == 16
    assert json.loads(metadata["vocab"])["uchars"] == model.tokenizer.uchars


def test_safetensors_keeps_the_recipe(tmp_path):
    model = make(lr=0.003, seed=7, schedule="cosine")
    write_safetensors(tmp_path / "m", model)
    assert read_safetensors(tmp_path / "m")[0].config == model.config


def spoilt(path, tensors=None, **metadata):
    """Write a safetensors file like ours with some of its metadata or arrays changed."""
    model = make()
    config = json.dumps(model.config.to_dict())
    vocab = json.dumps({"type": "character", "uchars": ["a", "b", "c"]})
    meta = {"format": "microgpt-v1", "config": config, "vocab": vocab, **metadata}
    meta = {key: value for key, value in meta.items() if value is not None}
    path.write_bytes(files.pack_tensors({**model.weights, **(tensors or {})}, meta))


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"format": "pt"}, "format is 'pt', must be 'microgpt-v1'"),
        ({"format": None}, "the metadata lacks format"),
        ({"format": None, "config": None, "vocab": None}, "the metadata lacks format, config"),
        ({"config": "{"}, "config is not readable JSON"),
        ({"config": "[]"}, "config is a JSON list"),
        ({"config": '{"n_layer": 1}'}, "config lacks n_embd"),
        ({"config": json.dumps({**make().config.to_dict(), "n_embd": 2**20})}, "would have"),
        ({"config": json.dumps({**make().config.to_dict(), "n_layer": 2**20})}, "asks for"),
        ({"config": json.dumps({**make().config.to_dict(), "n_layer": 2})}, "asks for|lacks"),
        ({"config": json.dumps({**make().config.to_dict(), "lr": "x"})}, "lr is 'x'"),
        ({"vocab": "[]"}, "vocab is a JSON list"),
        ({"vocab": '{"type": "bpe", "uchars": []}'}, "vocab.type is 'bpe'"),
        ({"vocab": '{"type": "character", "uchars": ["a"]}'}, "has 1 characters"),
        ({"vocab": '{"type": "character", "uchars": ["a", "c", "b"]}'}, "code-point order"),
        ({"tensors": {"wpe": np.full((3, 4), np.nan)}}, "a number in wpe that is not finite"),
        ({"tensors": {"wpe": np.zeros((4, 3))}}, r"wpe with shape \[4, 3\], must be \[3, 4\]"),
        ({"tensors": {"wpe": np.zeros((3, 4), np.float16)}}, "wpe as F16"),
        ({"tensors": {"bias": np.zeros(4)}}, "unknown tensor bias"),
        ({"tensors": {"big": np.zeros(10**5)}}, "above the limit"),
    ],
)
def test_safetensors_refused(tmp_path, change, match):
    path = tmp_path / "m.safetensors"
    spoilt(path, **change)
    refused(path, match, read_safetensors)


def test_safetensors_unknown_metadata_is_ignored(tmp_path):
    config = json.dumps({**make().config.to_dict(), "warmth": 0.0})
    spoilt(tmp_path / "m", config=config, author="someone")
    model, warnings = read_safetensors(tmp_path / "m")
    check(model, make())
    assert ["author" in warnings[0], "warmth" in warnings[1]] == [True, True]


def test_safetensors_headers(tmp_path):
    path = tmp_path / "m"
    write_safetensors(path, make())
    whole = path.read_bytes()
    for head in (0, 1, 2**16, 2**40, 2**64 - 1):
        path.write_bytes(head.to_bytes(8, "little") + whole[8:])
        with pytest.raises(CheckpointError):
            read_safetensors(path)
    for header in (b"[]", b"{}", b'{"__metadata__": 3}', b'{"a": 1, "a": 2}', b"[" * 100_000):
        path.write_bytes(len(header).to_bytes(8, "little") + header)
        with pytest.raises(CheckpointError):
            read_safetensors(path)

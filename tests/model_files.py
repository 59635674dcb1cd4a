"""Small models to be written to files, and what must hold of each that is read."""

import random

import numpy as np
import pytest

from microgpt.config import Config
from microgpt.disk.modelfile import (
    Model,
    read_model,
    read_safetensors,
    write_model,
    write_safetensors,
)
from microgpt.errors import CheckpointError, MicrogptError
from microgpt.model import init_weights
from microgpt.tokenizer import Tokenizer


def make(chars="abc", dtype=np.float64, **sizes):
    config = Config(
        **{"n_embd": 4, "n_head": 2, "block_size": 3, **sizes}, vocab_size=len(chars) + 1
    )
    drawn = init_weights(config, random.Random(1))
    weights = {name: np.array(matrix, dtype=dtype) for name, matrix in drawn.items()}
    return Model(config, Tokenizer(chars), weights)


def architecture(config):
    names = ("n_layer", "n_embd", "n_head", "block_size", "vocab_size", "activation")
    return [getattr(config, name) for name in names]


def check(model, wanted):
    assert architecture(model.config) == architecture(wanted.config)
    assert model.tokenizer.uchars == wanted.tokenizer.uchars
    assert list(model.weights) == list(wanted.config.shapes())
    for name, array in model.weights.items():
        assert array.dtype == np.float64
        assert array.tobytes() == wanted.weights[name].astype(np.float64).tobytes()


MODELS = {
    "small": make(),
    "two layers": make(n_layer=2),
    "other characters": make(sorted("é ßñ\n\"\\'<𝄞\u2028\x00")),
    "one character": make("x", n_embd=1, n_head=1, block_size=1),
    "squared": make(activation="relu_squared"),
    "float32": make(dtype=np.float32),
    "reference": make("abcdefghijklmnopqrstuvwxyz", n_embd=16, n_head=4, block_size=16),
}
PAIRS = [(write_model, read_model), (write_safetensors, read_safetensors)]


def refused(path, match, read=read_model):
    with pytest.raises(CheckpointError, match=match) as caught:
        read(path)
    assert str(path) in caught.value.message
    assert caught.value.remedy
    text = str(caught.value).replace(str(path), "")
    assert len(text) < 400
    assert "\n" not in text
    assert text.replace("…", "").isascii()


def a_model_or_an_error(path, text, read=read_model):
    path.write_bytes(text)
    try:
        model, warnings = read(path)
    except MicrogptError as error:
        return str(error)
    assert {n: a.shape for n, a in model.weights.items()} == model.config.shapes()
    assert all(a.dtype == np.float64 and np.isfinite(a).all() for a in model.weights.values())
    assert model.tokenizer.vocab_size == model.config.vocab_size
    assert all(isinstance(warning, str) for warning in warnings)
    return None

"""Model files: ours read back bit for bit; those of strangers are a model or an error."""

import errno
import json
import math
import os
import re

import numpy as np
import pytest

from microgpt.disk import modelfile
from microgpt.disk.modelfile import (
    Model,
    read_model,
    read_safetensors,
    write_model,
    write_safetensors,
)
from microgpt.errors import CheckpointError, FileError
from microgpt.tokenizer import Tokenizer
from model_files import MODELS, PAIRS, check, make, refused


@pytest.fixture
def content(tmp_path):
    """The JSON value of a good file, to be spoilt."""
    write_model(tmp_path / "good.json", make())
    return json.loads((tmp_path / "good.json").read_text())


# ---------------------------------------------------------------- round trips


@pytest.mark.parametrize(("write", "read"), PAIRS)
@pytest.mark.parametrize("name", MODELS)
def test_round_trip(tmp_path, name, write, read):
    path = tmp_path / "model"
    write(path, MODELS[name])
    model, warnings = read(path)
    assert warnings == []
    check(model, MODELS[name])
    first = path.read_bytes()
    write(path, model)
    if name != "float32" or write is write_model:
        assert path.read_bytes() == first


def test_the_keys_and_their_order(tmp_path):
    path = tmp_path / "model.json"
    assert write_model(path, MODELS["reference"]) == []
    value = json.loads(path.read_text(encoding="ascii"))
    assert list(value) == ["format", "config", "tokenizer", "state_dict", "digest"]
    assert value["format"] == "tiny-gpt-char-v1"
    assert json.dumps(value["config"]) == (
        '{"n_layer": 1, "n_embd": 16, "block_size": 16, "n_head": 4, "head_dim": 4, '
        '"vocab_size": 27, "BOS": 26}'
    )
    tokenizer = value["tokenizer"]
    assert list(tokenizer) == ["type", "uchars", "stoi", "itos", "bos_token_id"]
    assert tokenizer["uchars"] == list("abcdefghijklmnopqrstuvwxyz")
    assert tokenizer["stoi"]["z"] == 25
    assert tokenizer["itos"]["25"] == "z"
    assert tokenizer["bos_token_id"] == 26
    assert [*value["state_dict"]] == [
        *("wte", "wpe", "lm_head", "layer0.attn_wq", "layer0.attn_wk", "layer0.attn_wv"),
        *("layer0.attn_wo", "layer0.mlp_fc1", "layer0.mlp_fc2"),
    ]
    assert 80_000 < path.stat().st_size < 100_000
    row = MODELS["reference"].weights["wpe"][3].tolist()
    assert json.dumps(row) + ",\n" in path.read_text()  # one row a line


def test_shortest_floats(tmp_path):
    model = make()
    numbers = [0.1, 1e-300, 5e-324, -0.0, 1 / 3, 1e22, 2.0**-1074 * 3, 1.7976931348623157e308, 0.3]
    model.weights["wte"].flat[: len(numbers)] = numbers
    path = tmp_path / "model.json"
    write_model(path, model)
    check(read_model(path)[0], model)
    assert "[0.1, 1e-300, 5e-324, -0.0]" in path.read_text()


def test_the_class_is_told_of_another_activation(tmp_path):
    (note,) = write_model(tmp_path / "m", MODELS["squared"])
    assert "relu_squared" in note
    assert "can't run" in note
    assert json.loads((tmp_path / "m").read_text())["config"]["activation"] == "relu_squared"


def test_other_peoples_layout(tmp_path, content):
    """Whitespace, key order, whole numbers, a byte order mark and CR LF don't matter."""
    wanted = make()
    wanted.weights["wpe"][:] = np.arange(12).reshape(3, 4)
    content["state_dict"]["wpe"] = wanted.weights["wpe"].astype(int).tolist()
    content["digest"] = modelfile.digest_of(wanted.weights)
    content = {key: content[key] for key in reversed(content)}
    content["state_dict"] = dict(reversed(content["state_dict"].items()))
    text = json.dumps(content, indent=1).replace("\n", "\r\n")
    (tmp_path / "m").write_bytes(b"\xef\xbb\xbf" + text.encode())
    model, warnings = read_model(tmp_path / "m")
    assert warnings == []
    check(model, wanted)


def test_unknown_keys_are_ignored_with_a_warning(tmp_path, content):
    content["author"] = "someone\u2028\x1b[31m"
    content["\x1b[31m"] = 1
    content["config"]["dropout"] = 0.1
    content["tokenizer"]["lower"] = True
    content["tokenizer"]["stoi"]["<BOS>"] = 3
    content["tokenizer"]["itos"]["3"] = "<BOS>"
    content["state_dict"] |= {f"layer1.extra{i}": [[1.0]] for i in range(9)}
    (tmp_path / "m").write_text(json.dumps(content))
    model, warnings = read_model(tmp_path / "m")
    check(model, make())
    assert len(warnings) == 6
    text = "\n".join(warnings)
    for name in ("'author'", "'\\x1b[31m'", "'dropout'", "'lower'", "'<BOS>'", "'3'"):
        assert name in text
    assert "and 4 more" in text
    assert text.replace(str(tmp_path), "").isascii()
    assert "\x1b" not in text


# ---------------------------------------------------------------- refused


def put(*path):
    """Set (or with ``DELETE`` remove) what the path of keys leads to."""
    *keys, last, new = path

    def change(value):
        for key in keys:
            value = value[key]
        if new is DELETE:
            del value[last]
        else:
            value[last] = new

    return change


DELETE = object()

CONFIG, TOKENIZER, STATE = "config", "tokenizer", "state_dict"

DEEP = [[[[[1.0]]]]]
BAD = [
    (put("format", "tiny-gpt-char-v2"), "format is 'tiny-gpt-char-v2', must be 'tiny-gpt-char-v1'"),
    (put("format", 1), "format is 1"),
    (put("format", "x" * 10**6), "format is 'xxx"),
    (put("format", DELETE), "the file lacks format"),
    (put("config", DELETE), "the file lacks config"),
    (put("tokenizer", DELETE), "lacks tokenizer"),
    (put("state_dict", DELETE), "lacks state_dict"),
    (put("config", []), "config is a JSON list of 0, must be a JSON object"),
    *((put(CONFIG, key, DELETE), f"config lacks {key}") for key in ("n_layer", "head_dim", "BOS")),
    *((put(CONFIG, "n_embd", bad), "n_embd is ") for bad in (0, -4, 4.0, "4", True, None, [], {})),
    (put(CONFIG, "n_layer", 10**9), "config.n_layer is 1000000000, must be from 1 to"),
    (put(CONFIG, "n_layer", -(10**4000)), "config.n_layer is -1000"),
    (put(CONFIG, "n_embd", 10**7), "would have 1,200,000,110,000,000 parameters, above the"),
    (put(CONFIG, "block_size", 10**7), "config asks for 40,000,224 numbers, but .* can hold"),
    (put(CONFIG, "n_layer", 10**7), "config asks for 1,920,000,044 numbers, but .* can hold"),
    (put(CONFIG, "n_embd", 4096), "config asks for"),
    (put(CONFIG, "n_embd", 5), "n_embd 5 is not divisible by n_head 2"),
    (put(CONFIG, "head_dim", 4), "config.head_dim is 4, must be 2"),
    (put(CONFIG, "head_dim", 2.0), "config.head_dim is 2.0, must be 2"),
    (put(CONFIG, "BOS", 0), "config.BOS is 0, must be 3"),
    (put(CONFIG, "BOS", True), "config.BOS is true"),
    (put(CONFIG, "vocab_size", 5), "config.BOS is 3, must be 4|uchars has 3 characters"),
    (put(CONFIG, "activation", "gelu"), "activation is 'gelu', must be relu or relu_squared"),
    (put(CONFIG, "activation", "g" * 10**6), "activation is 'ggg"),
    (put(CONFIG, "activation", None), "config.activation is null"),
    (put(TOKENIZER, "x"), "tokenizer is 'x'"),
    (put(TOKENIZER, "type", "bpe"), "tokenizer.type is 'bpe', must be 'character'"),
    (put(TOKENIZER, "uchars", DELETE), "tokenizer lacks uchars"),
    (put(TOKENIZER, "uchars", "abc"), "tokenizer.uchars is 'abc', must be a list"),
    (put(TOKENIZER, "uchars", ["a", "b"]), "has 2 characters, and config.vocab_size 4 asks for 3"),
    (put(TOKENIZER, "uchars", ["a", "b", "cc"]), r"uchars\[2\] is 'cc', must be one character"),
    (put(TOKENIZER, "uchars", ["a", "b", 3]), r"uchars\[2\] is 3, must be one character"),
    (put(TOKENIZER, "uchars", ["a", "b", "\ud800"]), r"uchars\[2\] is '\\ud800'"),
    (put(TOKENIZER, "uchars", ["b", "a", "c"]), "has 'a' after 'b', must be in code-point order"),
    (put(TOKENIZER, "uchars", ["a", "b", "b"]), "has 'b' after 'b'.*each once"),
    (put(TOKENIZER, "stoi", DELETE), "tokenizer lacks stoi"),
    (put(TOKENIZER, "stoi", []), "tokenizer.stoi is a JSON list"),
    (put(TOKENIZER, "stoi", "b", 2), r"tokenizer.stoi\['b'\] is 2, must be 1"),
    (put(TOKENIZER, "stoi", "b", True), r"tokenizer.stoi\['b'\] is true, must be 1"),
    (put(TOKENIZER, "stoi", "b", DELETE), "tokenizer.stoi lacks b"),
    (put(TOKENIZER, "stoi", "d", 1), "stoi gives 'd' the id 1, which uchars gives to 'b'"),
    (put(TOKENIZER, "itos", "1", "c"), r"tokenizer.itos\['1'\] is 'c', must be 'b'"),
    (put(TOKENIZER, "itos", "2", DELETE), "tokenizer.itos lacks 2"),
    (put(TOKENIZER, "bos_token_id", 0), "tokenizer.bos_token_id is 0, must be 3"),
    (put(STATE, [0] * 300), "state_dict is a JSON list of 300, must be a JSON object"),
    (put(STATE, "wpe", DELETE), "state_dict lacks wpe"),
    (put(STATE, "layer0.mlp_fc2", DELETE), r"state_dict lacks layer0\.mlp_fc2"),
    (put(STATE, "wpe", 0, DELETE), r"state_dict.wpe is a JSON list of 2, must be a list of 3 rows"),
    (put(STATE, "wpe", {}), "state_dict.wpe is a JSON object"),
    (put(STATE, "wpe", 1, [1.0] * 5), r"wpe\[1\] is a JSON list of 5, must be a list of 4 numbers"),
    (put(STATE, "wpe", 1, 1.0), r"wpe\[1\] is 1.0, must be a list"),
    (put(STATE, "wpe", 1, 2, "0.5"), r"wpe\[1\]\[2\] is '0.5', must be a number"),
    (put(STATE, "wpe", 1, 2, True), r"wpe\[1\]\[2\] is true, must be a number"),
    (put(STATE, "wpe", 1, 2, None), r"wpe\[1\]\[2\] is null"),
    (put(STATE, "wpe", 1, 2, [0.5]), r"wpe\[1\]\[2\] is a JSON list"),
    (put(STATE, "wpe", 1, 2, 10**400), r"wpe\[1\] has a number that is not finite in 64 bits"),
    (put(STATE, "wpe", 1, 2, math.nan), "not readable JSON: NaN is not a number"),
    (put(STATE, "wpe", 1, 2, -math.inf), "-Infinity is not a number"),
    (put(STATE, "wpe", DEEP * 3), r"wpe\[0\] is a JSON list of 1"),
]


@pytest.mark.parametrize("case", range(len(BAD)), ids=lambda i: f"{i}-{BAD[i][1][:40]}")
def test_refused(tmp_path, content, case):
    change, match = BAD[case]
    change(content)
    path = tmp_path / "model.json"
    path.write_text(json.dumps(content))
    refused(path, match)


@pytest.mark.parametrize(
    ("old", "new", "match"),
    [
        ('"wpe"', '"wte"', "the key 'wte' occurs twice"),
        ('"n_head": 2', '"n_head": 2, "n_head": 2', "the key 'n_head' occurs twice"),
        ('"n_head": 2', '"n_head": ' + "2" * 5000, "not readable JSON"),
        ('"wpe": [\n[', '"wpe": [\n[1e999, ', "must be a list of 4 numbers"),
        ('"wpe": [\n[', '"wpe": [\n[1e999, 0, 0, 0], [', "4, must be a list of 3 rows"),
        ('"a"', "[" * 200_000, "nested too deeply"),
        ('"a"', '{"a":' * 200_000, "nested too deeply"),
        ("}", "", "not readable JSON"),
        ('"\n}\n', '"\n}\n{}', "not readable JSON: Extra data"),
        ("tiny", "tin\xff", "byte .* is not UTF-8"),
        ("tiny", "ti\nny", "not readable JSON: Invalid control character"),
    ],
)
def test_refused_text(tmp_path, old, new, match):
    path = tmp_path / "model.json"
    write_model(path, make())
    text = path.read_text()
    assert old in text
    path.write_bytes(text.replace(old, new, 1 if old != "}" else -1).encode("latin-1"))
    refused(path, match)


def test_a_number_that_overflows(tmp_path, content):
    content["state_dict"]["wpe"][1][2] = 12345.5
    path = tmp_path / "model.json"
    for huge in ("1e999", "-1e999", "1" * 400):
        path.write_text(json.dumps(content).replace("12345.5", huge))
        refused(path, r"wpe\[1\] has a number that is not finite")


@pytest.mark.parametrize("text", [b"", b"null", b"[]", b"3", b'"x"', b"\x80\x05K\x01.", b"\0" * 99])
def test_other_things(tmp_path, text):
    path = tmp_path / "model.json"
    path.write_bytes(text)
    refused(path, "JSON")
    refused(path, "header|bytes", read_safetensors)


def test_a_file_above_64_mb_is_not_read(tmp_path):
    path = tmp_path / "model.json"
    with path.open("wb") as file:
        file.truncate(2**40)  # a hole, no disk is used
    refused(path, "1,099,511,627,776 bytes, above the limit of 67,108,864")
    refused(path, "lacks format|not readable JSON|header", read_safetensors)


def test_absent_files(tmp_path):
    for read in (read_model, read_safetensors):
        for path in (tmp_path / "none", tmp_path, tmp_path / "a\0b"):
            with pytest.raises(FileError, match="Can't read"):
                read(path)


# ---------------------------------------------------------------- what can't be written


@pytest.mark.parametrize("write", [write_model, write_safetensors])
def test_what_the_format_cannot_express(tmp_path, write):
    path = tmp_path / "m"
    good = make()
    w = good.weights
    for weights, match in [
        ({**w, "wpe": w["wpe"] * math.nan}, "a number in wpe is not finite"),
        ({**w, "wpe": w["wpe"] + math.inf}, "a number in wpe is not finite"),
        ({**w, "layer0.mlp_gate": w["wpe"]}, r"'layer0\.mlp_gate', which the format doesn't know"),
        ({n: a for n, a in w.items() if n != "lm_head"}, "the weights lack lm_head"),
        ({**w, "wpe": w["wpe"].T}, r"wpe has shape \(4, 3\), must be \(3, 4\)"),
    ]:
        with pytest.raises(CheckpointError, match=match) as caught:
            write(path, Model(good.config, good.tokenizer, weights))
        assert str(path) in caught.value.message
        assert caught.value.remedy
    with pytest.raises(CheckpointError, match="tokenizer has 3 tokens, vocab_size is 4"):
        write(path, Model(good.config, Tokenizer("ab"), w))
    with pytest.raises(CheckpointError, match="half a character"):
        write(path, Model(good.config, Tokenizer("ab\ud800"), w))
    assert not path.exists()


def test_a_model_too_large_for_json(tmp_path, monkeypatch):
    monkeypatch.setattr(modelfile, "LIMIT", 5000)
    with pytest.raises(CheckpointError, match=r"have .* bytes, a model.json may have 5,000"):
        write_model(tmp_path / "m", make())
    monkeypatch.setattr(modelfile, "LIMIT", 400)
    with pytest.raises(CheckpointError, match=r"have 236 numbers, a model\.json may"):
        write_model(tmp_path / "m", make())
    assert not (tmp_path / "m").exists()


@pytest.mark.parametrize("write", [write_model, write_safetensors])
def test_a_full_disk_leaves_the_old_file(tmp_path, monkeypatch, write):
    path = tmp_path / "m"
    write(path, make())
    before = path.read_bytes()

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        with pytest.raises(
            FileError, match=f"Can't write {re.escape(str(path))}: the disk is full"
        ):
            write(path, make(n_layer=2))
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["m"]

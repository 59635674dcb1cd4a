"""What is exported as GGUF computes in llama.cpp what it computes here.

llama.cpp is that of node-llama-cpp's package for Linux on x86-64, which holds nothing but the
binary; `llama_runner.mjs` calls it. Nothing is downloaded or compiled.
"""

import json
import platform
import random
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cli_runner import ok
from microgpt.arrays import Array, Arrays
from microgpt.config import Config
from microgpt.disk.ggufile import NUMBERS, write_gguf
from microgpt.disk.modelfile import Model
from microgpt.engines import make_engine
from microgpt.lora import merged
from microgpt.opening import as_model, open_model
from microgpt.subwords import BytePairTokenizer
from microgpt.tokenizer import AnyTokenizer, Tokenizer

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parent.parent
Llama = Callable[..., dict[str, Any]]

TEXTS = ["zoë and ann’s naïve 😀 ‘café’", "Zoë, 12 cafés; ann's 3 naïve words!"]
TOKENIZERS: dict[str, AnyTokenizer] = {
    "characters": Tokenizer.of(TEXTS),
    "byte pairs": BytePairTokenizer.of(TEXTS * 3, 290),
}
PLAIN = {
    "embed_norm": False, "final_norm": True, "n_layer": 2, "n_embd": 64, "n_head": 4,
    "block_size": 48,
}  # fmt: skip
GATED = {"activation": "swiglu", "positions": "rope", "n_kv_head": 2, "mlp_width": 96, **PLAIN}
SHAPES: dict[str, dict[str, Any]] = {
    "gpt2": {"activation": "gelu", "norm": "layernorm", "norm_gain": True, "bias": True, **PLAIN},
    "llama": {"norm_gain": True, "bias": True, "rope_theta": 500.0, **GATED},
    "qwen3": {"qk_norm": True, **GATED},
}
SEEDS = {  # such that the most probable token is ahead by more than any rounding
    ("gpt2", "characters"): 24, ("gpt2", "byte pairs"): 11, ("llama", "characters"): 29,
    ("llama", "byte pairs"): 5, ("qwen3", "characters"): 29, ("qwen3", "byte pairs"): 22,
}  # fmt: skip

# The largest difference of a logit, as a share of the largest logit. In float32 only the order of
# additions differs, but llama.cpp looks GPT-2's gelu up in a table of half-precision numbers. To a
# matrix in float16 or q8_0 it also rounds what is multiplied by it in that way.
LIMITS = {"float32": 1e-5, "float16": 1e-3, "q8_0": 2e-2}
GELU = 5e-4


@pytest.fixture
def llama(
    require: Callable[[str], Any],
    require_program: Callable[[str], str],
    require_package: Callable[[str], Path],
) -> Llama:
    """Runs llama.cpp on a file: what ``llama_runner.mjs`` says of it and of some prompts."""
    if sys.platform != "linux" or platform.machine() != "x86_64":
        pytest.skip("llama.cpp's package is for Linux on x86-64")
    require("gguf")
    node = require_program("node")
    require_package("@node-llama-cpp/linux-x64")

    def run(file: Path, prompts: list[str], **more: object) -> dict[str, Any]:
        job = {"file": str(file), "prompts": prompts, **more}
        done = subprocess.run(
            [node, str(ROOT / "tests" / "llama_runner.mjs")],
            input=json.dumps(job), capture_output=True, encoding="utf-8",
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    return run


def drawn(config: Config, seed: int) -> Arrays:
    """Random weights, with one likely token after each, as trained models have them."""
    rng = np.random.Generator(np.random.PCG64(seed))
    weights: Arrays = {}
    for name, shape in config.shapes().items():
        constant = config.constant_of(name)
        numbers = rng.normal(size=shape)
        weights[name] = numbers / shape[-1] ** 0.5 if constant is None else constant + numbers / 10
    wte = weights["wte"] = weights["wte"] * 8
    if not config.tied:
        next_ = rng.permutation(len(wte))
        weights["lm_head"] = 0.7 * weights["lm_head"] + 0.15 * wte[next_]
    return weights


def rounded(weights: Arrays, numbers: str) -> Arrays:
    """The weights as a file holds them in ``numbers``, by the library's own rounding."""
    import gguf

    kinds = gguf.GGMLQuantizationType
    asked = {"float32": kinds.F32, "float16": kinds.F16, "q8_0": kinds.Q8_0}[numbers]
    found: Arrays = {}
    for name, array in weights.items():
        kind = asked if array.ndim == 2 and name != "wpe" else kinds.F32
        if kind == kinds.Q8_0 and array.shape[1] % 32:
            kind = kinds.F16
        held = gguf.dequantize(gguf.quantize(array.astype(np.float32), kind), kind)
        found[name] = held.astype(np.float64)
    return found


def continued(config: Config, weights: Arrays, prompt: list[int], length: int) -> Any:
    """The prompt with the most probable tokens added, and the logits [positions, V]."""
    engine = make_engine("numpy", config, "float64")
    engine.load(config, "float64", weights)
    tokens = list(prompt)
    for _ in range(length):
        tokens.append(int(engine.logits([tokens])[0][-1].argmax()))
    logits = np.array(engine.logits([tokens[:-1]])[0])
    engine.close()
    return tokens, logits


def lead(logits: Array) -> float:
    """By how much the most probable token is ahead at the position where that is least."""
    ordered = np.sort(logits, axis=1)
    return float((ordered[:, -1] - ordered[:, -2]).min())


def held_equal(
    llama: Llama, file: Path, model: Model, numbers: str, prompts: list[str], *, clear: bool = True
) -> dict[str, Any]:
    """llama.cpp's tokens, logits and continuations of these prompts are ours.

    ``clear``: the most probable token must be ahead of all others by more than what is allowed.
    """
    length = 8
    said = llama(file, prompts, length=length, size=model.config.block_size)
    weights = rounded(model.weights, numbers)
    limit = LIMITS[numbers] + (GELU if model.config.activation == "gelu" else 0.0)
    tokenizer = model.tokenizer
    assert (said["bos"], said["eos"], said["begins"]) == (tokenizer.bos, tokenizer.bos, True)
    for prompt, given in zip(said["prompts"], prompts, strict=True):
        assert prompt["text"] == given
        ids = tokenizer.encode(given)
        assert prompt["tokens"] == ids
        tokens, logits = continued(model.config, weights, [tokenizer.bos, *ids], length)
        theirs = np.array(prompt["logits"])
        allowed = limit * np.abs(logits).max()
        assert np.abs(theirs - logits).max() <= allowed
        assert not clear or lead(logits[len(ids) :]) > 2 * allowed, "rounding might choose"
        assert prompt["all"] == tokens
    return said


@pytest.mark.parametrize("numbers", NUMBERS)
@pytest.mark.parametrize(("shape", "kind"), SEEDS)
def test_the_same_tokens_and_logits(
    llama: Llama, shape: str, kind: str, numbers: str, tmp_path: Path
) -> None:
    tokenizer = TOKENIZERS[kind]
    config = Config(vocab_size=tokenizer.vocab_size, **SHAPES[shape])
    model = Model(config, tokenizer, drawn(config, SEEDS[shape, kind]))
    notes = write_gguf(tmp_path / "m.gguf", model, numbers)
    assert [note[:20] for note in notes] == (["it has 48 positions,"] if shape == "gpt2" else [])
    said = held_equal(llama, tmp_path / "m.gguf", model, numbers, ["ann", "Zoë ‘caf"])
    assert said["kind"].split()[0] == shape


ODD: dict[str, dict[str, Any]] = {
    "no gains, an odd width": {
        **SHAPES["gpt2"], "norm_gain": False, "bias": False, "n_embd": 20,
    },
    "no gains, one head of keys": {
        **SHAPES["llama"], "norm_gain": False, "bias": False, "n_head": 8, "n_kv_head": 1,
    },
    "tied": {**SHAPES["llama"], "tied": True, "n_layer": 1},
    "tied, narrow": {**SHAPES["gpt2"], "tied": True, "n_head": 1, "mlp_width": 5},
    "additions": {**SHAPES["llama"], "lora_rank": 3, "bias": False, "n_kv_head": None},
}  # fmt: skip


@pytest.mark.parametrize("which", ODD)
def test_what_a_shape_has_and_the_model_lacks_changes_nothing(
    llama: Llama, which: str, tmp_path: Path
) -> None:
    tokenizer = TOKENIZERS["characters"]
    config = Config(vocab_size=tokenizer.vocab_size, **ODD[which])
    model = Model(config, tokenizer, drawn(config, 1))
    write_gguf(tmp_path / "m.gguf", model)
    plain, weights = merged(config, model.weights)
    there = replace(model, config=plain, weights=weights)
    held_equal(llama, tmp_path / "m.gguf", there, "float32", ["ann", "Zoë ‘caf"], clear=False)


def test_rows_that_q8_0_cannot_hold_are_float16(llama: Llama, tmp_path: Path) -> None:
    tokenizer = TOKENIZERS["characters"]
    config = Config(vocab_size=tokenizer.vocab_size, **{**SHAPES["llama"], "mlp_width": 176})
    model = Model(config, tokenizer, drawn(config, 3))
    (note,) = write_gguf(tmp_path / "m.gguf", model, "q8_0")
    assert note == (
        "stored as float16, since q8_0 needs rows of a multiple of 32 numbers: "
        "blk.0.ffn_down.weight (176), blk.1.ffn_down.weight (176)."
    )
    held_equal(llama, tmp_path / "m.gguf", model, "q8_0", ["ann"], clear=False)


# ---------------------------------------------------------------- vocabularies


def cut(llama: Llama, tokenizer: AnyTokenizer, texts: list[str], folder: Path) -> list[Any]:
    """How llama.cpp cuts texts into tokens with this vocabulary."""
    config = Config(
        vocab_size=tokenizer.vocab_size, **{**GATED, "n_layer": 1, "n_embd": 4, "n_head": 2}
    )
    weights = {name: np.zeros(shape) for name, shape in config.shapes().items()}
    write_gguf(folder / "m.gguf", Model(config, tokenizer, weights))
    said = llama(folder / "m.gguf", texts, words=True)
    return [prompt["tokens"] for prompt in said["prompts"]]


def texts_of(chars: str, count: int, most: int = 20) -> list[str]:
    rng = random.Random(7)
    return ["".join(rng.choices(chars, k=rng.randint(0, most))) for _ in range(count)]


@pytest.mark.parametrize(
    "chars", ["a", "abc", "\0\t\n\r ab", "é€😀 ÿ\u0100Ġ\ufeff\ufffd\U0010ffff"]
)
def test_characters_stay_one_token_each(llama: Llama, chars: str, tmp_path: Path) -> None:
    """Also where no character needs a merge, which llama.cpp must have one of."""
    tokenizer = Tokenizer.of([chars])
    texts = texts_of(chars, 50)
    assert cut(llama, tokenizer, texts, tmp_path) == [tokenizer.encode(text) for text in texts]


def test_a_character_beyond_the_vocabulary_is_left_out(llama: Llama, tmp_path: Path) -> None:
    """Its bytes may begin as those of one that is in it do."""
    chars = "".join(map(chr, range(0x20, 0xD800, 0x61)))
    texts = texts_of(chars + "".join(map(chr, range(0x20, 0xD800, 0x67))), 50)
    tokenizer = Tokenizer.of([chars])
    wanted = [tokenizer.encode(text, unknown="skip") for text in texts]
    assert any(len(ids) < len(text) for ids, text in zip(wanted, texts, strict=True))
    assert cut(llama, tokenizer, texts, tmp_path) == wanted


def test_byte_pairs_are_cut_alike(llama: Llama, tmp_path: Path) -> None:
    """Letters, numbers, signs and spaces of many scripts, joined where that is allowed."""
    scripts = "aZ09é ßΩжяאب٣कம一ㄱ가½Ⅷ²_-'’«€😀\u0301\u200d\u00a0\u2003\u3000\n\t\r\x1c\x85\ufeff"
    pairs = [f"{a}{b}" for a in scripts for b in scripts]
    tokenizer = BytePairTokenizer.of(pairs, 600)
    texts = [*texts_of(scripts, 400), *TEXTS, "it's I'LL we've  two   spaces \n\n end "]
    assert cut(llama, tokenizer, texts, tmp_path) == [tokenizer.encode(text) for text in texts]
    bytes_alone = BytePairTokenizer.of(["ab"], 257)
    assert cut(llama, bytes_alone, texts, tmp_path) == [bytes_alone.encode(t) for t in texts]


# ---------------------------------------------------------------- by command


@pytest.mark.parametrize("kind", [[], ["--tokenizer", "bpe", "--vocab-size", 300]])
@pytest.mark.usefixtures("empty_directory")
def test_a_trained_run_is_exported(llama: Llama, kind: list[object]) -> None:
    shape = ["--positions", "rope", "--activation", "swiglu", "--no-embed-norm", "--final-norm"]
    sizes = ["--n-embd", 32, "--mlp-width", 96, "--steps", 30, "--batch-size", 8]
    ok("train", *shape, *sizes, *kind, "--out", "r")
    for numbers in NUMBERS:
        ok("export", "r", f"{numbers}.gguf", "--numbers", numbers)
        model = as_model(open_model("r")[0])
        file = Path(f"{numbers}.gguf").absolute()
        held_equal(llama, file, model, numbers, ["an", "jo"], clear=False)

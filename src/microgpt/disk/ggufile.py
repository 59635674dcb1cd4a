"""A model of Llama's or GPT-2's shape as a GGUF file, which llama.cpp runs.

The file holds everything: sizes, vocabulary, merges and matrices. It is written by the library
``gguf`` of the extra ``export``; nothing here reads one.

llama.cpp's Llama turns neighbouring numbers of a head, 2j and 2j + 1, where ours turns j and
j + D/2, so the rows of queries and keys change places; its GPT-2 has queries, keys and values in
one matrix. Both ask for gains, GPT-2 for biases too: where a model has none, 1 and 0 are written,
which change nothing.

The tokenizer is always GPT-2's: a text is cut into pieces, a piece into bytes, and merges join
them. For a model of characters the merges are those that join the bytes of one character, so that
each becomes the token that it is here.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from microgpt import files
from microgpt.arrays import Array, Arrays
from microgpt.calling import command, python
from microgpt.config import Config
from microgpt.disk.modelfile import Model
from microgpt.errors import CheckpointError, InputError, MissingError
from microgpt.tokenizer import AnyTokenizer, Tokenizer
from microgpt.tokenizerjson import BOS, spelled

NUMBERS = ("float32", "float16", "q8_0")
"""What the matrices of a file can be stored as. q8_0: 8 bits each, and a scale for every 32."""

EXPORT_EXTRA = ("-m", "pip", "install", "microgpt[export]")
MAGIC = b"GGUF"

_EPS = 1e-5
_BLOCK = 32  # numbers that share a scale under q8_0
_NO_MERGE = "\u00ff \u00ff"  # two bytes 255, which no text in UTF-8 has


def library() -> Any:
    """The library ``gguf``. Raises ``MissingError`` with the line that installs it."""
    try:
        import gguf
    except ImportError:
        raise MissingError(
            "A .gguf file is written with the package gguf, which isn't installed.",
            f"Install it: {python(*EXPORT_EXTRA)}",
        ) from None
    return gguf


def writable(numbers: str) -> None:
    """Whether such a file can be written here, to be asked before any work.

    Raises ``InputError`` unless ``numbers`` is one of ``NUMBERS``, ``MissingError`` without the
    library.
    """
    if numbers not in NUMBERS:
        raise InputError(f"--numbers is {numbers!r}, must be one of {', '.join(NUMBERS)}.")
    library()


def write_gguf(
    path: str | os.PathLike[str], model: Model, numbers: str = "float32", name: str | None = None
) -> list[str]:
    """Write the model, whole or not at all; the same model gives the same bytes.

    ``numbers``: one of ``NUMBERS``, for matrices; gains, biases and the vectors of positions are
    float32 always. ``name``: what the file calls the model; its own name if not given. Returns
    notes, one line each.

    Raises ``InputError`` for what such a file can't say, ``CheckpointError`` for numbers that it
    can't hold, ``MissingError`` without the library, ``FileError`` from the disk.
    """
    writable(numbers)
    gguf, target = library(), Path(path)
    kind = shape_of(model.config)
    if numbers == "q8_0" and model.config.n_embd % _BLOCK:
        raise InputError(
            f"n_embd is {model.config.n_embd}, must be a multiple of {_BLOCK} for --numbers q8_0, "
            f"which keeps a scale for every {_BLOCK} numbers of a row.",
            "Use --numbers float16.",
        )
    tokens, merges = vocabulary(model.tokenizer)
    arrays = tensors(model)
    writer = gguf.GGUFWriter(None, kind)
    writer.add_type("model")
    writer.add_name(name or target.stem)
    _sizes(writer, model.config, kind)
    _tokens(writer, gguf, tokens, merges, model.tokenizer.bos)
    notes = _arrays(writer, gguf, arrays, numbers, target)
    try:
        with tempfile.TemporaryDirectory(prefix="microgpt-") as folder:
            draft = Path(folder) / "model.gguf"
            writer.write_header_to_file(draft)
            writer.write_kv_data_to_file()
            writer.write_tensors_to_file()
            writer.close()
            data = draft.read_bytes()
    except OSError as error:
        raise files.file_error(error, target, "write") from error
    files.write_atomic(target, data)
    return notes


def refuse(path: str | os.PathLike[str]) -> NoReturn:
    """Say that a .gguf isn't read, and what to do instead; and if it isn't one, say that."""
    found = files.read_bytes(path, files.file_size(path), first=len(MAGIC))
    if found != MAGIC:
        begins = f"begins with {files.shown(found)}" if found else "is empty"
        raise CheckpointError(
            f"{path} is not a GGUF file: it {begins}, must begin with {MAGIC!r}.",
            "Use a run's directory, a model.json or a .safetensors file.",
        )
    raise InputError(
        f"{path} is a GGUF file: they are written here, but not read.",
        "Use the run, the .safetensors file or the Hugging Face directory that it was made from; "
        f"{command('export', 'RUN', 'NAME.safetensors')} keeps all that a run's model is.",
    )


# ---------------------------------------------------------------- the shape


def shape_of(config: Config) -> str:
    """Which of llama.cpp's models this is, ``llama`` or ``gpt2``; ``InputError`` if neither."""
    rope = config.positions == "rope"
    wanted: dict[str, object] = {
        "norm": "rmsnorm" if rope else "layernorm",
        "activation": "swiglu" if rope else "gelu",
        "embed_norm": False,
        "final_norm": True,
        "qk_norm": False,
        "attn_window": None,
        "n_expert": 0,
        "mup_base": 0,
        "lora_rank": 0,
    }
    if not rope:
        wanted["n_kv_head"] = None
    for field, value in wanted.items():
        if (found := getattr(config, field)) != value:
            raise InputError(f"{field} is {found}, must be {value}.")
    return "llama" if rope else "gpt2"


def _sizes(writer: Any, config: Config, kind: str) -> None:
    writer.add_context_length(config.block_size)
    writer.add_embedding_length(config.n_embd)
    writer.add_block_count(config.n_layer)
    writer.add_feed_forward_length(config.hidden)
    writer.add_head_count(config.n_head)
    writer.add_head_count_kv(config.kv_heads)
    writer.add_vocab_size(config.vocab_size)
    if kind == "llama":
        writer.add_layer_norm_rms_eps(_EPS)
        writer.add_rope_freq_base(config.rope_theta)
        writer.add_rope_dimension_count(config.head_dim)
    else:
        writer.add_layer_norm_eps(_EPS)


# ---------------------------------------------------------------- the weights


def tensors(model: Model) -> Arrays:
    """The model's arrays under GGUF's names, laid out as llama.cpp expects them."""
    wrong = files.first_not_finite(model.weights)
    if wrong is not None:
        raise CheckpointError(f"This model can't be exported: a number in {wrong} is not finite.")
    return _llama(model) if shape_of(model.config) == "llama" else _gpt2(model)


def _interleaved(heads: int) -> Callable[[Array], Array]:
    """Lays out the rows of each head so that the numbers of a pair are neighbours."""

    def moved(matrix: Array) -> Array:
        halves = matrix.reshape(heads, 2, -1, *matrix.shape[1:])
        return halves.swapaxes(1, 2).reshape(matrix.shape)

    return moved


def _outer(model: Model) -> Arrays:
    arrays = {"token_embd.weight": model.weights["wte"]}
    if "wpe" in model.weights:
        arrays["position_embd.weight"] = model.weights["wpe"]
    if not model.config.tied:
        arrays["output.weight"] = model.weights["lm_head"]
    return arrays


def _gain(model: Model, name: str) -> Array:
    return model.weights.get(name, np.ones(model.config.n_embd))


def _llama(model: Model) -> Arrays:
    config, weights = model.config, model.weights
    arrays = _outer(model)
    arrays["output_norm.weight"] = _gain(model, "final_norm")
    pairs = {"attn_q": _interleaved(config.n_head), "attn_k": _interleaved(config.kv_heads)}
    for i in range(config.n_layer):
        ours, theirs = f"layer{i}.", f"blk.{i}."
        arrays[theirs + "attn_norm.weight"] = _gain(model, ours + "attn_norm")
        arrays[theirs + "ffn_norm.weight"] = _gain(model, ours + "mlp_norm")
        for weight, bias, linear in (
            ("attn_wq", "attn_bq", "attn_q"),
            ("attn_wk", "attn_bk", "attn_k"),
            ("attn_wv", "attn_bv", "attn_v"),
            ("attn_wo", "attn_bo", "attn_output"),
            ("mlp_gate", "mlp_bgate", "ffn_gate"),
            ("mlp_fc1", "mlp_b1", "ffn_up"),
            ("mlp_fc2", "mlp_b2", "ffn_down"),
        ):
            for what, name in (("weight", weight), ("bias", bias)):
                if ours + name in weights:
                    array = weights[ours + name]
                    laid = pairs[linear](array) if linear in pairs else array
                    arrays[f"{theirs}{linear}.{what}"] = laid
    return arrays


def _gpt2(model: Model) -> Arrays:
    config, weights = model.config, model.weights
    arrays = _outer(model)

    def norm(ours: str, theirs: str) -> None:
        arrays[theirs + ".weight"] = _gain(model, ours)
        arrays[theirs + ".bias"] = weights.get(ours + "_bias", np.zeros(config.n_embd))

    def linear(ours: str, bias: str, theirs: str) -> None:
        matrix = weights[ours]
        arrays[theirs + ".weight"] = matrix
        arrays[theirs + ".bias"] = weights.get(bias, np.zeros(len(matrix)))

    norm("final_norm", "output_norm")
    for i in range(config.n_layer):
        ours, theirs = f"layer{i}.", f"blk.{i}."
        norm(ours + "attn_norm", theirs + "attn_norm")
        norm(ours + "mlp_norm", theirs + "ffn_norm")
        linear(ours + "attn_wo", ours + "attn_bo", theirs + "attn_output")
        linear(ours + "mlp_fc1", ours + "mlp_b1", theirs + "ffn_up")
        linear(ours + "mlp_fc2", ours + "mlp_b2", theirs + "ffn_down")
        matrices = [weights[f"{ours}attn_w{name}"] for name in "qkv"]
        none = np.zeros(config.n_embd)
        biases = [weights.get(f"{ours}attn_b{name}", none) for name in "qkv"]
        arrays[theirs + "attn_qkv.weight"] = np.concatenate(matrices)
        arrays[theirs + "attn_qkv.bias"] = np.concatenate(biases)
    return arrays


def _arrays(writer: Any, gguf: Any, arrays: Arrays, numbers: str, path: Path) -> list[str]:
    """Hand over the arrays in the type asked for, and say which of them it doesn't fit."""
    types, whole = gguf.GGMLQuantizationType, gguf.LlamaFileType
    asked, said = {
        "float32": (types.F32, whole.ALL_F32),
        "float16": (types.F16, whole.MOSTLY_F16),
        "q8_0": (types.Q8_0, whole.MOSTLY_Q8_0),
    }[numbers]
    writer.add_file_type(said)
    if numbers == "q8_0":
        writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
    uneven = []
    for name, array in arrays.items():
        kind = asked
        if array.ndim == 1 or name == "position_embd.weight":
            kind = types.F32
        elif kind == types.Q8_0 and array.shape[1] % _BLOCK:
            kind = types.F16
            uneven.append(f"{name} ({array.shape[1]})")
        with np.errstate(over="ignore"):
            stored = gguf.quantize(np.ascontiguousarray(array, dtype=np.float32), kind)
            held = np.isfinite(gguf.dequantize(stored, kind)).all()
        if not held:
            raise CheckpointError(
                f"{path} can't be written: {name} has a number of {np.abs(array).max():.3g}, which "
                f"is too large for {numbers}.",
                "Use --numbers float32." if numbers != "float32" else "",
            )
        writer.add_tensor(name, stored, raw_dtype=kind)
    if not uneven:
        return []
    some = ", ".join(uneven[:3]) + (f" and {len(uneven) - 3} more" if len(uneven) > 3 else "")
    return [f"stored as float16, since q8_0 needs rows of a multiple of {_BLOCK} numbers: {some}."]


# ---------------------------------------------------------------- the vocabulary


def vocabulary(tokenizer: AnyTokenizer) -> tuple[list[str], list[str]]:
    """The tokens in the order of their ids, spelled in bytes, and the merges that make them.

    One merge at least, since llama.cpp refuses a file with none.
    """
    if isinstance(tokenizer, Tokenizer):
        tokens, merges = _characters(tokenizer.uchars)
    else:
        content = json.loads(tokenizer.stored()[1])
        tokens = [*content["model"]["vocab"], *(t["content"] for t in content["added_tokens"])]
        merges = [" ".join(pair) for pair in content["model"]["merges"]]
    return tokens, merges or [_NO_MERGE]


def _characters(uchars: list[str]) -> tuple[list[str], list[str]]:
    """Characters as byte pairs: a character's bytes are merged one after the other.

    Every merge begins with a character's first byte, so none reaches across two of them; a
    character that isn't in the vocabulary leaves bytes that are no tokens, and is left out.
    """
    tokens: list[str] = []
    merges: dict[str, None] = {}  # characters share the beginnings of their bytes
    for char in uchars:
        if "\ud800" <= char <= "\udfff":
            raise InputError(f"The vocabulary has {char!a}, half a character, which has no UTF-8.")
        letters = spelled(char.encode())
        tokens.append(letters)
        merges |= {f"{letters[:i]} {letters[i]}": None for i in range(1, len(letters))}
    return [*tokens, BOS], list(merges)


def _tokens(writer: Any, gguf: Any, tokens: list[str], merges: list[str], bos: int) -> None:
    kinds = gguf.TokenType
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(tokens)
    writer.add_token_types([kinds.NORMAL] * bos + [kinds.CONTROL])
    writer.add_token_merges(merges)
    writer.add_bos_token_id(bos)
    writer.add_eos_token_id(bos)
    writer.add_add_bos_token(True)
    writer.add_add_eos_token(False)


def _demo() -> None:
    """What becomes of characters of one, two and three bytes."""
    tokens, merges = vocabulary(Tokenizer.of(["naïve", "a ‘b’"]))
    print(f"tokens: {', '.join(tokens)}")
    print(f"merges: {', '.join(merges)}")


if __name__ == "__main__":
    _demo()

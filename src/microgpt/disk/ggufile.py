"""A model of GPT-2's, Llama's or Qwen3's shape as a GGUF file, which llama.cpp runs.

The file holds everything: sizes, vocabulary, merges and matrices. It is written by the library
``gguf`` of the extra ``export``; nothing here reads one.

llama.cpp's Llama turns neighbouring numbers of a head, 2j and 2j + 1, where ours turns j and
j + D/2, so the rows of queries and keys change places; its Qwen3 turns them as we do. Its GPT-2 has
queries, keys and values in one matrix.

The tokenizer is always GPT-2's: a text is cut into pieces, a piece into bytes, and merges join
them. For a model of characters the merges are those that join the bytes of one character, so that
each becomes the token that it is here.
"""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from microgpt import files
from microgpt.arrays import Array, Arrays
from microgpt.calling import command, python
from microgpt.config import Config
from microgpt.disk.layouts import EPS, layout_of
from microgpt.disk.modelfile import Model
from microgpt.errors import CheckpointError, InputError, MissingError
from microgpt.tokenizer import AnyTokenizer, Tokenizer
from microgpt.tokenizerjson import BOS, spelled

NUMBERS = ("float32", "float16", "q8_0")
"""What the matrices of a file can be stored as. q8_0: 8 bits each, and a scale for every 32."""

EXPORT_EXTRA = ("-m", "pip", "install", "microgpt[export]")
MAGIC = b"GGUF"

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
    layout = layout_of(model.config, target)
    if numbers == "q8_0" and model.config.n_embd % _BLOCK:
        raise InputError(
            f"n_embd is {model.config.n_embd}, must be a multiple of {_BLOCK} for --numbers q8_0, "
            f"which keeps a scale for every {_BLOCK} numbers of a row.",
            "Use --numbers float16.",
        )
    tokens, merges = vocabulary(model.tokenizer)
    wrong = files.first_not_finite(model.weights)
    if wrong is not None:
        raise CheckpointError(f"{path} can't be written: a number in {wrong} is not finite.")
    kind = layout.model_type
    config, weights = layout.whole(model.config, model.weights)
    arrays = tensors(config, weights, kind)
    writer = gguf.GGUFWriter(None, kind)
    writer.add_type("model")
    writer.add_name(name or target.stem)
    _sizes(writer, config, kind)
    _tokens(writer, gguf, tokens, merges, model.tokenizer.bos)
    notes = _arrays(writer, gguf, arrays, numbers, target)
    try:
        with tempfile.TemporaryDirectory(prefix="microgpt-") as folder:
            draft = Path(folder) / "model.gguf"
            try:
                writer.write_header_to_file(draft)
                writer.write_kv_data_to_file()
                writer.write_tensors_to_file()
            finally:
                writer.close()
            data = draft.read_bytes()
    except OSError as error:
        raise files.file_error(error, target, "write") from error
    files.write_atomic(target, data)
    if kind == "gpt2":
        notes.append(
            f"it has {config.block_size} positions, those of the prompt included: asked for more "
            "tokens, llama.cpp ends with a failed assertion."
        )
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


def _sizes(writer: Any, config: Config, kind: str) -> None:
    writer.add_context_length(config.block_size)
    writer.add_embedding_length(config.n_embd)
    writer.add_block_count(config.n_layer)
    writer.add_feed_forward_length(config.hidden)
    writer.add_head_count(config.n_head)
    writer.add_head_count_kv(config.kv_heads)
    writer.add_vocab_size(config.vocab_size)
    if kind == "gpt2":
        writer.add_layer_norm_eps(EPS)
        return
    writer.add_layer_norm_rms_eps(EPS)
    writer.add_rope_freq_base(config.rope_theta)
    writer.add_rope_dimension_count(config.head_dim)
    writer.add_key_length(config.head_dim)
    writer.add_value_length(config.head_dim)


# ---------------------------------------------------------------- the weights

_NAMES = {
    "wte": "token_embd.weight",
    "wpe": "position_embd.weight",
    "lm_head": "output.weight",
    "final_norm": "output_norm.weight",
    "final_norm_bias": "output_norm.bias",
    "attn_norm": "attn_norm.weight",
    "attn_norm_bias": "attn_norm.bias",
    "attn_qnorm": "attn_q_norm.weight",
    "attn_knorm": "attn_k_norm.weight",
    "mlp_norm": "ffn_norm.weight",
    "mlp_norm_bias": "ffn_norm.bias",
    "mlp_gate": "ffn_gate.weight",
    "mlp_bgate": "ffn_gate.bias",
    "mlp_fc1": "ffn_up.weight",
    "mlp_b1": "ffn_up.bias",
    "mlp_fc2": "ffn_down.weight",
    "mlp_b2": "ffn_down.bias",
} | {
    f"attn_{letter}{ours}": f"attn_{theirs}.{what}"
    for letter, what in (("w", "weight"), ("b", "bias"))
    for ours, theirs in (("q", "q"), ("k", "k"), ("v", "v"), ("o", "output"))
}


def tensors(config: Config, weights: Arrays, kind: str) -> Arrays:
    """A model's arrays under GGUF's names, laid out as llama.cpp's ``kind`` expects them.

    ``weights``: all that the shape has, as ``Layout.whole`` gives them.
    """
    arrays: Arrays = {}
    for name, array in weights.items():
        layer, _, last = name.rpartition(".")
        block = f"blk.{layer.removeprefix('layer')}." if layer else ""
        theirs = block + _NAMES[last]
        if last in ("attn_wq", "attn_wk", "attn_bq", "attn_bk") and kind == "llama":
            heads = config.n_head if last[-1] == "q" else config.kv_heads
            arrays[theirs] = interleaved(array, heads)
        elif last in ("attn_wq", "attn_bq") and kind == "gpt2":
            parts = [array, *(weights[name[:-1] + part] for part in "kv")]
            arrays[theirs.replace("attn_q", "attn_qkv")] = np.concatenate(parts)
        elif last[:-1] not in ("attn_w", "attn_b") or last[-1] == "o" or kind != "gpt2":
            arrays[theirs] = array
    return arrays


def interleaved(array: Array, heads: int) -> Array:
    """The rows of each head, those of its first and its second half by turns."""
    halves = array.reshape(heads, 2, -1, *array.shape[1:])
    return halves.swapaxes(1, 2).reshape(array.shape)


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

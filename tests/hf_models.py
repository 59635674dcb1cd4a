"""Small models of the shapes that others know, and directories that hold them."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy

from cli_runner import written
from microgpt import files
from microgpt.config import make_config
from microgpt.disk.modelfile import Model
from microgpt.subwords import BytePairTokenizer
from microgpt.tokenizer import AnyTokenizer, Tokenizer

SIZES = {"n_layer": 2, "n_embd": 8, "n_head": 2, "block_size": 6}
BLOCKS: dict[str, dict[str, Any]] = {
    "gpt2": {
        "activation": "gelu", "norm": "layernorm", "norm_gain": True, "bias": True,
        "embed_norm": False, "final_norm": True, "tied": True,
    },
    "llama": {
        "activation": "swiglu", "norm_gain": True, "embed_norm": False, "final_norm": True,
        "positions": "rope", "n_kv_head": 1,
    },
}  # fmt: skip
BLOCKS["qwen3"] = {**BLOCKS["llama"], "qk_norm": True}
TOKENIZERS: dict[str, AnyTokenizer] = {
    "characters": Tokenizer(sorted("é \n\"'𝄞abc<|>")),
    "byte pairs": BytePairTokenizer.of(["abab né abab"], 258),
}


def made(
    kind: str = "llama", dtype: str = "float32", which: str = "characters", **more: Any
) -> Model:
    tokenizer = TOKENIZERS[which]
    config = make_config(**{**SIZES, **BLOCKS[kind], **more, "vocab_size": tokenizer.vocab_size})
    rng = np.random.Generator(np.random.PCG64(7))
    weights = {n: rng.normal(0.3, 0.2, s).astype(dtype) for n, s in config.shapes().items()}
    return Model(config, tokenizer, weights, 12)


def same_weights(a: Model, b: Model) -> bool:
    return list(a.weights) == list(b.weights) and all(
        a.weights[n].dtype == b.weights[n].dtype
        and a.weights[n].tobytes() == b.weights[n].tobytes()
        for n in a.weights
    )


def as_bf16(arrays: dict[str, Any]) -> bytes:
    """A safetensors file of bfloat16, given as 16-bit whole numbers: only its header says which."""
    data = files.pack_tensors(arrays)
    length = int.from_bytes(data[:8], "little")
    header = data[8 : 8 + length].decode().strip().replace('"U16"', '"BF16"').encode()
    return len(header).to_bytes(8, "little") + header + data[8 + length :]


def sharded(folder: Path, **changes: Any) -> dict[str, str]:
    """Divide the arrays of a directory among three files with an index."""
    arrays = safetensors.numpy.load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    names = {name: f"model-{i % 3 + 1:05}-of-00003.safetensors" for i, name in enumerate(arrays)}
    for file in set(names.values()):
        part = {n: arrays[n] for n in arrays if names[n] == file}
        (folder / file).write_bytes(files.pack_tensors(part, {"format": "pt"}))
    index = {"metadata": {"total_size": 1}, "weight_map": {**names, **changes}}
    written(str(folder / "model.safetensors.index.json"), json.dumps(index))
    return names

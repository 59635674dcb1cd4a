"""How others name and lay out the models that ours can be: one table, read in both directions.

GPT-2, Llama and Qwen3 are ours with some switches set. A ``Layout`` says which switches, what the
fields of our config are called in a ``config.json``, and which of our arrays stand in which of
theirs. GPT-2 stores matrices [in, out], with queries, keys and values side by side in one
(``c_attn``); the others store them as we do, [out, in]. All pair the numbers that rope turns as we
do: j with j + D/2.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from microgpt.arrays import Arrays
from microgpt.calling import command
from microgpt.config import Config
from microgpt.errors import CheckpointError, InputError
from microgpt.files import shown
from microgpt.lora import merged

EPS = 1e-5
"""What all norms here add before the root."""

REQUIRED = object()


@dataclass(frozen=True)
class Said:
    """A field of our config in a ``config.json``.

    ``kind``: the type of its value. ``missing``: what it means there if it is left out, unless it
    is ``REQUIRED``. ``written``: the attribute of ``Config`` that is written, if not the field.
    """

    theirs: str
    ours: str
    kind: type = int
    missing: object = REQUIRED
    written: str = ""


@dataclass(frozen=True)
class Part:
    """One of their arrays and those of ours in it, one after the other by outputs.

    ``turned``: theirs is [in, out], ours [out, in].
    """

    theirs: str
    ours: tuple[str, ...]
    turned: bool = False


@dataclass(frozen=True)
class Layout:
    """A shape of models that others have too.

    ``fixed``: the fields of ``Config`` with the one value that the shape has. ``said``: those that
    a ``config.json`` says. ``known``: what else it may say and the values that we compute, the
    first of which is written; ``missing``: what leaving one out means, where that isn't the first.
    ``outer`` and ``inner``: the arrays outside the blocks and of each block, whose names begin with
    ``layer``.
    """

    title: str
    architecture: str
    model_type: str
    prefix: str
    recipe: str
    fixed: Mapping[str, object]
    said: tuple[Said, ...]
    known: Mapping[str, tuple[object, ...]]
    outer: tuple[Part, ...]
    inner: tuple[Part, ...]
    layer: str
    missing: Mapping[str, object] = field(default_factory=dict)
    zero_biases: bool = False
    """Whether a model without biases can be written with biases of 0."""

    def unlike(self, config: Config) -> list[str]:
        """What of the config this shape hasn't, and what it would have to be."""
        wrong = []
        for name, must in self.fixed.items():
            value = getattr(config, name)
            if name == "norm_gain" or (name == "bias" and self.zero_biases):
                continue  # `whole` adds what changes nothing
            if name == "n_kv_head" and config.kv_heads == config.n_head:
                continue
            if value != must:
                wrong.append(f"{name} is {_word(value)}, must be {_word(must)}")
        return wrong

    def whole(self, config: Config, weights: Arrays) -> tuple[Config, Arrays]:
        """The same model with everything that the shape has, in the order of ``Config.shapes``.

        LoRA's additions are merged in, norms without gains get gains of 1, and where the shape has
        biases they are 0. What is there is the given array, not a copy.
        """
        config, weights = merged(config, weights)
        config = replace(config, norm_gain=True, bias=config.bias or self.zero_biases)
        kind = weights["wte"].dtype
        found: Arrays = {}
        for name, shape in config.shapes().items():
            there = weights.get(name)
            found[name] = np.full(shape, config.constant_of(name), kind) if there is None else there
        return config, found


def _word(value: object) -> str:
    return "none" if value is None else str(value).lower()


def layout_of(config: Config, what: object) -> Layout:
    """The layout that can say this model. ``what``: the file to be written, for the message.

    Raises ``InputError`` that names each field that would have to be another, for the shape that
    is nearest.
    """
    found = [(layout.unlike(config), layout) for layout in LAYOUTS]
    wrong, layout = min(found, key=lambda each: len(each[0]))
    if wrong:
        raise InputError(
            f"{what} can't be written: the model isn't of a shape that others know. Of "
            f"{layout.title}'s, the nearest, {'; '.join(wrong)}.",
            f"Train one that is: {command('train', '--config', layout.recipe)}. A .safetensors "
            "file holds any model.",
        )
    return layout


def layout_for(described: Mapping[str, Any], what: object, remedy: str) -> Layout:
    """The layout of a model by its ``config.json``; ``CheckpointError`` names any other."""
    names = described.get("architectures")
    kind = described.get("model_type")
    for layout in LAYOUTS:
        if names == [layout.architecture] and kind in (None, layout.model_type):
            return layout
        if names is None and kind == layout.model_type:
            return layout
    known = [layout.architecture for layout in LAYOUTS]
    name = names[0] if isinstance(names, list) and len(names) == 1 else names
    name = f"model_type {shown(kind)}" if name is None else shown(name)
    raise CheckpointError(
        f"{what}: it is of the architecture {name}, must be {', '.join(known[:-1])} or "
        f"{known[-1]}.",
        remedy,
    )


def _norm(theirs: str, ours: str, bias: bool) -> tuple[Part, ...]:
    parts = (Part(f"{theirs}.weight", (ours,)), Part(f"{theirs}.bias", (f"{ours}_bias",)))
    return parts if bias else parts[:1]


def _linear(theirs: str, weights: str, biases: str, turned: bool = False) -> tuple[Part, Part]:
    return (
        Part(f"{theirs}.weight", tuple(weights.split()), turned),
        Part(f"{theirs}.bias", tuple(biases.split())),
    )


_PLAIN = {
    "embed_norm": False, "final_norm": True, "attn_window": None, "n_expert": 0, "mup_base": 0,
}  # fmt: skip

GPT2 = Layout(
    title="GPT-2",
    architecture="GPT2LMHeadModel",
    model_type="gpt2",
    prefix="transformer.",
    recipe="recipes/gpt2-laptop.toml",
    fixed={
        "activation": "gelu", "norm": "layernorm", "norm_gain": True, "bias": True,
        "positions": "learned", "n_kv_head": None, "qk_norm": False, **_PLAIN,
    },
    said=(
        Said("n_layer", "n_layer"),
        Said("n_embd", "n_embd"),
        Said("n_head", "n_head"),
        Said("n_positions", "block_size"),
        Said("vocab_size", "vocab_size"),
        Said("n_inner", "mlp_width", missing=None),
        Said("tie_word_embeddings", "tied", bool, True),
        Said("initializer_range", "init_std", float, 0.02),
    ),
    known={
        "activation_function": ("gelu_new", "gelu_pytorch_tanh"),
        "layer_norm_epsilon": (EPS,),
        "scale_attn_weights": (True,),
        "scale_attn_by_inverse_layer_idx": (False,),
        "add_cross_attention": (False,),
        "quantization_config": (None,),
    },
    outer=(
        Part("wte.weight", ("wte",)),
        Part("wpe.weight", ("wpe",)),
        *_norm("ln_f", "final_norm", True),
    ),
    inner=(
        *_norm("ln_1", "attn_norm", True),
        *_norm("ln_2", "mlp_norm", True),
        *_linear("attn.c_attn", "attn_wq attn_wk attn_wv", "attn_bq attn_bk attn_bv", True),
        *_linear("attn.c_proj", "attn_wo", "attn_bo", True),
        *_linear("mlp.c_fc", "mlp_fc1", "mlp_b1", True),
        *_linear("mlp.c_proj", "mlp_fc2", "mlp_b2", True),
    ),
    layer="h.",
    zero_biases=True,
)  # fmt: skip

LLAMA = Layout(
    title="Llama",
    architecture="LlamaForCausalLM",
    model_type="llama",
    prefix="model.",
    recipe="recipes/llama-laptop.toml",
    fixed={
        "activation": "swiglu", "norm": "rmsnorm", "norm_gain": True, "positions": "rope",
        "qk_norm": False, **_PLAIN,
    },
    said=(
        Said("num_hidden_layers", "n_layer"),
        Said("hidden_size", "n_embd"),
        Said("num_attention_heads", "n_head"),
        Said("num_key_value_heads", "n_kv_head", missing=None, written="kv_heads"),
        Said("max_position_embeddings", "block_size"),
        Said("vocab_size", "vocab_size"),
        Said("intermediate_size", "mlp_width", written="hidden"),
        Said("tie_word_embeddings", "tied", bool, False),
        Said("attention_bias", "bias", bool, False),
        Said("initializer_range", "init_std", float, 0.02),
    ),
    known={
        "hidden_act": ("silu",),
        "rms_norm_eps": (EPS,),
        "partial_rotary_factor": (None, 1.0),
        "quantization_config": (None,),
    },
    missing={"rms_norm_eps": 1e-6},
    outer=(Part("embed_tokens.weight", ("wte",)), *_norm("norm", "final_norm", False)),
    inner=(
        *_norm("input_layernorm", "attn_norm", False),
        *_norm("post_attention_layernorm", "mlp_norm", False),
        *_linear("self_attn.q_proj", "attn_wq", "attn_bq"),
        *_linear("self_attn.k_proj", "attn_wk", "attn_bk"),
        *_linear("self_attn.v_proj", "attn_wv", "attn_bv"),
        *_linear("self_attn.o_proj", "attn_wo", "attn_bo"),
        *_linear("mlp.gate_proj", "mlp_gate", "mlp_bgate"),
        *_linear("mlp.up_proj", "mlp_fc1", "mlp_b1"),
        *_linear("mlp.down_proj", "mlp_fc2", "mlp_b2"),
    ),
    layer="layers.",
)  # fmt: skip

QWEN3 = replace(
    LLAMA,
    title="Qwen3",
    architecture="Qwen3ForCausalLM",
    model_type="qwen3",
    fixed={**LLAMA.fixed, "qk_norm": True, "bias": False},
    known={**LLAMA.known, "use_sliding_window": (False,)},
    inner=(
        *LLAMA.inner,
        *_norm("self_attn.q_norm", "attn_qnorm", False),
        *_norm("self_attn.k_norm", "attn_knorm", False),
    ),
)

LAYOUTS = (GPT2, LLAMA, QWEN3)
"""Every shape that can be read and written; of two that are as near, the first is named."""

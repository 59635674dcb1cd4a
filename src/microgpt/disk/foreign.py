"""Models of GPT-2's and of Llama's shape, as others store them, under this project's names.

Both are ours with some switches set. What is translated here is only what others call and lay out
otherwise; a model with anything that no switch says is refused, and what it is is named.

GPT-2 stores matrices [in, out], with queries, keys and values side by side in one (``c_attn``);
Llama stores them as we do, [out, in]. Both pair the numbers that rope turns as we do: j with
j + D/2. Token ids are the other model's, BOS included only if it is the last one, as in GPT-2.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from microgpt.arrays import Array, Arrays
from microgpt.config import Config
from microgpt.errors import CheckpointError, InputError
from microgpt.files import shown

State = Mapping[str, npt.ArrayLike]
"""What others call a state dict: arrays by their names."""

_EPS = 1e-5
_REMEDY = "Use a model of this shape, with the config.json that belongs to it."
_BUFFERS = re.compile(r"\.attn\.(masked_)?bias$|\.rotary_emb\.inv_freq$")  # computed, not learned


def from_gpt2(state: State, described: Mapping[str, Any]) -> tuple[Config, Arrays]:
    """The config and weights of a ``GPT2LMHeadModel``, by its arrays and its ``config.json``.

    The arrays keep their dtype, and are views where nothing had to be moved. Raises
    ``CheckpointError`` for a model that isn't exactly GPT-2, and for arrays that are missing, are
    of another shape, or that nothing takes.
    """
    taken = _Taken(state, described, "transformer.")
    taken.only("activation_function", "gelu_new", "gelu_pytorch_tanh")
    taken.only("layer_norm_epsilon", _EPS)
    taken.only("scale_attn_weights", True)
    taken.only("scale_attn_by_inverse_layer_idx", False)
    taken.only("add_cross_attention", False)
    n_layer, width = taken.size("n_layer"), taken.size("n_embd")
    std = described.get("initializer_range", 0.02)
    config = taken.config(
        n_layer=n_layer,
        n_embd=width,
        n_head=taken.size("n_head"),
        block_size=taken.size("n_positions"),
        vocab_size=taken.size("vocab_size"),
        mlp_width=described.get("n_inner"),
        tied=described.get("tie_word_embeddings", True),
        activation="gelu",
        norm="layernorm",
        norm_gain=True,
        bias=True,
        embed_norm=False,
        final_norm=True,
        init_std=std,
        init_std_out=std / math.sqrt(2 * n_layer),
    )
    taken.take("wte", "wte.weight")
    taken.take("wpe", "wpe.weight")
    taken.norm("final_norm", "ln_f")
    taken.head()
    for i in range(n_layer):
        ours, theirs = f"layer{i}.", f"h.{i}."
        taken.norm(ours + "attn_norm", theirs + "ln_1")
        taken.norm(ours + "mlp_norm", theirs + "ln_2")
        for j, name in enumerate("qkv"):
            part = _columns(j * width, width)
            taken.take(f"{ours}attn_w{name}", theirs + "attn.c_attn.weight", part)
            taken.take(f"{ours}attn_b{name}", theirs + "attn.c_attn.bias", part)
        for weight, bias, linear in (
            ("attn_wo", "attn_bo", "attn.c_proj"),
            ("mlp_fc1", "mlp_b1", "mlp.c_fc"),
            ("mlp_fc2", "mlp_b2", "mlp.c_proj"),
        ):
            taken.take(ours + weight, f"{theirs}{linear}.weight", np.transpose)
            taken.take(ours + bias, f"{theirs}{linear}.bias")
    return config, taken.whole()


def from_llama(state: State, described: Mapping[str, Any]) -> tuple[Config, Arrays]:
    """The config and weights of a ``LlamaForCausalLM``, as ``from_gpt2`` takes them.

    Its norms must add 1e-5, as Llama's own do, and its rope must be the plain one.
    """
    taken = _Taken(state, described, "model.")
    taken.only("hidden_act", "silu")
    taken.only("rms_norm_eps", _EPS, missing=1e-6)
    rope = {**(described.get("rope_scaling") or {}), **(described.get("rope_parameters") or {})}
    kind = rope.get("rope_type", rope.get("type", "default"))
    if kind != "default":
        raise taken.bad(f"rope_type is {shown(kind)}, must be 'default'")
    bias = described.get("attention_bias", False)
    if described.get("mlp_bias", False) != bias:
        raise taken.bad("only one of attention_bias and mlp_bias is true, must be both or neither")
    n_layer, n_head = taken.size("num_hidden_layers"), taken.size("num_attention_heads")
    n_kv_head = described.get("num_key_value_heads")
    config = taken.config(
        n_layer=n_layer,
        n_embd=taken.size("hidden_size"),
        n_head=n_head,
        n_kv_head=None if n_kv_head == n_head else n_kv_head,
        block_size=taken.size("max_position_embeddings"),
        vocab_size=taken.size("vocab_size"),
        mlp_width=taken.size("intermediate_size"),
        tied=described.get("tie_word_embeddings", False),
        activation="swiglu",
        norm_gain=True,
        bias=bias,
        embed_norm=False,
        final_norm=True,
        positions="rope",
        rope_theta=float(rope.get("rope_theta", described.get("rope_theta", 10000.0))),
        init_std=described.get("initializer_range", 0.02),
    )
    if (described.get("head_dim") or config.head_dim) != config.head_dim:
        raise taken.bad(
            f"head_dim is {shown(described['head_dim'])}, must be hidden_size / "
            f"num_attention_heads, {config.head_dim}"
        )
    taken.take("wte", "embed_tokens.weight")
    taken.norm("final_norm", "norm")
    taken.head()
    for i in range(n_layer):
        ours, theirs = f"layer{i}.", f"layers.{i}."
        taken.norm(ours + "attn_norm", theirs + "input_layernorm")
        taken.norm(ours + "mlp_norm", theirs + "post_attention_layernorm")
        for weight, bias_, linear in (
            ("attn_wq", "attn_bq", "self_attn.q_proj"),
            ("attn_wk", "attn_bk", "self_attn.k_proj"),
            ("attn_wv", "attn_bv", "self_attn.v_proj"),
            ("attn_wo", "attn_bo", "self_attn.o_proj"),
            ("mlp_gate", "mlp_bgate", "mlp.gate_proj"),
            ("mlp_fc1", "mlp_b1", "mlp.up_proj"),
            ("mlp_fc2", "mlp_b2", "mlp.down_proj"),
        ):
            taken.take(ours + weight, f"{theirs}{linear}.weight")
            if bias:
                taken.take(ours + bias_, f"{theirs}{linear}.bias")
    return config, taken.whole()


def _columns(first: int, count: int) -> Callable[[Array], Array]:
    """Takes some columns of a matrix [in, out] as [out, in], or some numbers of a vector."""

    def taken(whole: Array) -> Array:
        return whole[..., first : first + count].T

    return taken


class _Taken:
    """The arrays of a foreign model as they are given our names, each checked as it is taken."""

    def __init__(self, state: State, described: Mapping[str, Any], prefix: str) -> None:
        body = any(name.startswith(prefix) for name in state)
        self.prefix = prefix if body else ""  # the model without its head is stored without it
        self.state = {n: a for n, a in state.items() if not _BUFFERS.search(n)}
        self.described = described
        self.left = set(self.state)
        self.weights: Arrays = {}

    def bad(self, reason: str) -> CheckpointError:
        return CheckpointError(f"This model can't be taken over: {reason}.", _REMEDY)

    def only(self, name: str, *known: object, missing: object = None) -> None:
        """A setting that has no switch must be one of ``known``; ``missing``: if it isn't given."""
        value = self.described.get(name, known[0] if missing is None else missing)
        if value not in known:
            raise self.bad(f"{name} is {shown(value)}, must be {' or '.join(map(shown, known))}")

    def size(self, name: str) -> int:
        if name not in self.described:
            raise self.bad(f"its description lacks {name}")
        value = self.described[name]
        if not isinstance(value, int) or isinstance(value, bool):
            raise self.bad(f"{name} is {shown(value)}, must be a whole number")
        return value

    def config(self, **values: Any) -> Config:
        try:
            self.shapes = (config := Config(**values)).shapes()
        except InputError as error:
            raise self.bad(error.message.rstrip(".")) from error
        self.tied = config.tied
        return config

    def take(self, ours: str, theirs: str, moved: Callable[[Array], Array] = lambda a: a) -> None:
        """Give one of their arrays, or a part of it, our name."""
        self._take(ours, self.prefix + theirs, moved)

    def _take(self, ours: str, theirs: str, moved: Callable[[Array], Array]) -> None:
        if theirs not in self.state:
            raise self.bad(f"it lacks {theirs}")
        self.left.discard(theirs)
        whole = np.asarray(self.state[theirs])
        array = moved(whole)
        if array.shape != self.shapes[ours]:
            raise self.bad(
                f"{theirs} has shape {list(whole.shape)}; {ours}, which it holds, must have "
                f"{list(self.shapes[ours])}"
            )
        self.weights[ours] = array

    def norm(self, ours: str, theirs: str) -> None:
        self.take(ours, theirs + ".weight")
        if ours + "_bias" in self.shapes:
            self.take(ours + "_bias", theirs + ".bias")

    def head(self) -> None:
        """The matrix of the logits, which a tied model may store once more or not at all."""
        if self.tied:
            self.left.discard("lm_head.weight")
        else:
            self._take("lm_head", "lm_head.weight", lambda a: a)

    def whole(self) -> Arrays:
        """All weights in the order of ``Config.shapes``; nothing may be left over."""
        if self.left:
            more = f" and {len(self.left) - 1} more" if len(self.left) > 1 else ""
            raise self.bad(f"it also has {shown(min(self.left))}{more}, which nothing here takes")
        return {name: self.weights[name] for name in self.shapes}


def _demo() -> None:
    """The arrays of a GPT-2 as its published files lay them out, and what becomes of them."""
    rng = np.random.Generator(np.random.PCG64(1))
    sizes = {"n_layer": 1, "n_embd": 8, "n_head": 2, "n_positions": 6, "vocab_size": 11}
    theirs = {
        "wte.weight": (11, 8), "wpe.weight": (6, 8), "ln_f.weight": (8,), "ln_f.bias": (8,),
        "h.0.ln_1.weight": (8,), "h.0.ln_1.bias": (8,),
        "h.0.ln_2.weight": (8,), "h.0.ln_2.bias": (8,),
        "h.0.attn.c_attn.weight": (8, 24), "h.0.attn.c_attn.bias": (24,),
        "h.0.attn.c_proj.weight": (8, 8), "h.0.attn.c_proj.bias": (8,),
        "h.0.mlp.c_fc.weight": (8, 32), "h.0.mlp.c_fc.bias": (32,),
        "h.0.mlp.c_proj.weight": (32, 8), "h.0.mlp.c_proj.bias": (8,),
    }  # fmt: skip
    config, weights = from_gpt2({n: rng.normal(size=s) for n, s in theirs.items()}, sizes)
    print(f"{config.parameters():,} parameters: {', '.join(config.beyond())}")
    for name, array in weights.items():
        print(f"  {name:<22} {list(array.shape)}")


if __name__ == "__main__":
    _demo()

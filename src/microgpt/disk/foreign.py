"""Models of GPT-2's, Llama's and Qwen3's shape under others' names, and under ours.

A state dict and the ``config.json`` that describes it become a config and weights of ours, or come
from them; ``layouts`` has the names. A model with anything that no switch says is refused, and what
it is is named. Token ids are the other model's.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from microgpt.arrays import Array, Arrays
from microgpt.config import Config
from microgpt.disk.layouts import EPS, GPT2, LLAMA, QWEN3, REQUIRED, Layout, Part, Said
from microgpt.errors import CheckpointError, InputError
from microgpt.files import shown

State = Mapping[str, npt.ArrayLike]
"""What others call a state dict: arrays by their names."""

_REMEDY = "Use a model of this shape, with the config.json that belongs to it."
_BUFFERS = re.compile(r"\.attn\.(masked_)?bias$|\.rotary_emb\.inv_freq$")  # computed, not learned
_KINDS = {int: "a whole number", bool: "true or false", float: "a number"}


def from_gpt2(state: State, described: Mapping[str, Any]) -> tuple[Config, Arrays]:
    """The config and weights of a ``GPT2LMHeadModel``, by its arrays and its ``config.json``.

    The arrays keep their dtype, and are views where nothing had to be moved. Raises
    ``CheckpointError`` for a model that isn't exactly GPT-2, and for arrays that are missing, are
    of another shape, or that nothing takes.
    """
    return from_theirs(GPT2, state, described)


def from_llama(state: State, described: Mapping[str, Any]) -> tuple[Config, Arrays]:
    """The config and weights of a ``LlamaForCausalLM``, as ``from_gpt2`` takes them.

    Its norms must add 1e-5, as Llama's own do, and its rope must be the plain one.
    """
    return from_theirs(LLAMA, state, described)


def from_theirs(
    layout: Layout, state: State, described: Mapping[str, Any]
) -> tuple[Config, Arrays]:
    """``from_gpt2`` for any layout. The arrays of ``state`` are taken one by one, each once."""
    taken = _Taken(layout, state)
    config = read_config(layout, described)
    return config, taken.all_of(config)


def to_gpt2(config: Config, weights: Arrays) -> tuple[Arrays, dict[str, Any]]:
    """What ``from_gpt2`` takes: the state dict and the ``config.json`` of this model.

    The model must be of GPT-2's shape (``Layout.unlike``), or ``InputError`` says what it would
    have to be. LoRA's additions are merged in; gains and biases that it lacks are 1 and 0.
    The arrays keep their dtype, and are views where nothing had to be moved.
    """
    return to_theirs(GPT2, config, weights)


def to_llama(config: Config, weights: Arrays) -> tuple[Arrays, dict[str, Any]]:
    """``to_gpt2`` for a model of Llama's shape."""
    return to_theirs(LLAMA, config, weights)


def to_theirs(layout: Layout, config: Config, weights: Arrays) -> tuple[Arrays, dict[str, Any]]:
    """``to_gpt2`` for any layout."""
    if wrong := layout.unlike(config):
        raise InputError(
            f"This model isn't of {layout.title}'s shape: {'; '.join(wrong)}.",
            f"{layout.recipe} is of that shape.",
        )
    config, weights = layout.whole(config, weights)
    state: Arrays = {}
    for part in layout.outer:
        _put(state, layout.prefix + part.theirs, part, "", weights)
    for i in range(config.n_layer):
        for part in layout.inner:
            name = f"{layout.prefix}{layout.layer}{i}.{part.theirs}"
            _put(state, name, part, f"layer{i}.", weights)
    if not config.tied:
        state["lm_head.weight"] = weights["lm_head"]
    return state, write_config(layout, config)


def _put(state: Arrays, theirs: str, part: Part, layer: str, weights: Arrays) -> None:
    """Give some of our arrays their name for them, where the model has them."""
    found = [weights[layer + name] for name in part.ours if layer + name in weights]
    if found:
        whole = found[0] if len(found) == 1 else np.concatenate(found)
        state[theirs] = whole.T if part.turned else whole


# ---------------------------------------------------------------- config.json


def read_config(layout: Layout, described: Mapping[str, Any]) -> Config:
    """Our config of a model by its ``config.json``. Raises ``CheckpointError``."""
    for name, known in layout.known.items():
        value = described.get(name, layout.missing.get(name, known[0]))
        if value not in known:
            raise _bad(f"{name} is {shown(value)}, must be {' or '.join(map(shown, known))}")
    values = {said.ours: _value(said, described) for said in layout.said}
    values |= {name: value for name, value in layout.fixed.items() if name not in values}
    if "bias" not in layout.fixed and described.get("mlp_bias", False) != values["bias"]:
        raise _bad("only one of attention_bias and mlp_bias is true, must be both or neither")
    if values["bias"] and layout.fixed.get("bias") is False:
        raise _bad("attention_bias is true, must be false")
    if values.get("n_kv_head") == values["n_head"]:
        values["n_kv_head"] = None
    if layout is GPT2:
        values["init_std_out"] = values["init_std"] / math.sqrt(2 * max(1, values["n_layer"]))
    else:
        values["rope_theta"] = _theta(described)
    try:
        config = Config(**values)
    except InputError as error:
        raise _bad(error.message.rstrip(".")) from error
    if layout is not GPT2:
        _check_rotated(layout, config, described)
    return config


def _value(said: Said, described: Mapping[str, Any]) -> Any:
    value = described.get(said.theirs, said.missing)
    if value is REQUIRED:
        raise _bad(f"its description lacks {said.theirs}")
    if value is None and said.missing is None:
        return None
    kinds = (int, float) if said.kind is float else said.kind
    if not isinstance(value, kinds) or (isinstance(value, bool) and said.kind is not bool):
        raise _bad(f"{said.theirs} is {shown(value)}, must be {_KINDS[said.kind]}")
    return value


def _theta(described: Mapping[str, Any]) -> float:
    """The base of the angles; any rope but the plain one is refused."""
    rope: dict[str, Any] = {}
    for name in ("rope_scaling", "rope_parameters"):
        more = described.get(name)
        if more is not None and not isinstance(more, dict):
            raise _bad(f"{name} is {shown(more)}, must be a JSON object")
        rope |= more or {}
    kind = rope.get("rope_type", rope.get("type", "default"))
    if kind != "default":
        raise _bad(f"rope_type is {shown(kind)}, must be 'default'")
    plain = {"rope_type": kind, "type": kind, "partial_rotary_factor": 1.0}
    theta = rope.pop("rope_theta", described.get("rope_theta", 10000.0))
    for name, value in rope.items():
        if name not in plain or value != plain[name]:
            raise _bad(f"its rope has {shown(name)} {shown(value)}, must be the plain one")
    if not isinstance(theta, int | float) or isinstance(theta, bool):
        raise _bad(f"rope_theta is {shown(theta)}, must be a number")
    return float(theta)


def _check_rotated(layout: Layout, config: Config, described: Mapping[str, Any]) -> None:
    """What Llama and Qwen3 may say beside our fields: how wide a head is, what each layer sees."""
    width = described.get("head_dim", 128 if layout is QWEN3 else None)
    if width is not None and width != config.head_dim:
        raise _bad(
            f"head_dim is {shown(width)}, must be hidden_size / num_attention_heads, "
            f"{config.head_dim}"
        )
    kinds = described.get("layer_types")
    for kind in kinds if isinstance(kinds, list) else ():
        if kind != "full_attention":
            raise _bad(f"layer_types has {shown(kind)}, must be 'full_attention'")


def write_config(layout: Layout, config: Config) -> dict[str, Any]:
    """The ``config.json`` of a model of this shape, but for its tokens and its numbers' type."""
    described: dict[str, Any] = {
        "architectures": [layout.architecture],
        "model_type": layout.model_type,
    }
    for said in layout.said:
        described[said.theirs] = getattr(config, said.written or said.ours)
    described |= {name: known[0] for name, known in layout.known.items() if known[0] is not None}
    if layout is GPT2:
        described |= dict.fromkeys(("resid_pdrop", "embd_pdrop", "attn_pdrop"), config.dropout)
        return described
    described["head_dim"] = config.head_dim
    described["rope_parameters"] = {"rope_type": "default", "rope_theta": config.rope_theta}
    described["rope_theta"] = config.rope_theta  # where versions before 5 look for it
    if layout is LLAMA:
        described["mlp_bias"] = config.bias
    return described


# ---------------------------------------------------------------- arrays


def _bad(reason: str) -> CheckpointError:
    return CheckpointError(f"This model can't be taken over: {reason}.", _REMEDY)


class _Taken:
    """The arrays of a foreign model as they are given our names, each checked as it is taken."""

    def __init__(self, layout: Layout, state: State) -> None:
        body = any(name.startswith(layout.prefix) for name in state)
        self.layout = layout
        self.prefix = layout.prefix if body else ""  # the model without its head has none
        self.state = state
        self.left = {name for name in state if not _BUFFERS.search(name)}
        self.weights: Arrays = {}

    def all_of(self, config: Config) -> Arrays:
        """All weights in the order of ``Config.shapes``; nothing may be left over.

        What each array must be comes from one layer: the table of all, of which an untrustworthy
        config may announce millions, is made only once they have been found.
        """
        shapes = replace(config, n_layer=1).shapes()
        for part in self.layout.outer:
            self.take(self.prefix + part.theirs, part, shapes)
        if config.tied:
            self.left.discard("lm_head.weight")  # a tied model may store it once more
        else:
            self.take("lm_head.weight", Part("", ("lm_head",)), shapes)
        for i in range(config.n_layer):
            for part in self.layout.inner:
                name = f"{self.prefix}{self.layout.layer}{i}.{part.theirs}"
                self.take(name, part, shapes, f"layer{i}.")
        if self.left:
            more = f" and {len(self.left) - 1} more" if len(self.left) > 1 else ""
            raise _bad(f"it also has {shown(min(self.left))}{more}, which nothing here takes")
        return {name: self.weights[name] for name in config.shapes()}

    def take(
        self,
        theirs: str,
        part: Part,
        shapes: Mapping[str, tuple[int, ...]],
        layer: str = "",
    ) -> None:
        """Give one of their arrays, or each of its parts, our name."""
        first = "layer0." if layer else ""
        wanted = [shapes[first + name] for name in part.ours if first + name in shapes]
        if not wanted:
            return  # a bias, say, that this model hasn't
        if theirs not in self.state:
            raise _bad(f"it lacks {theirs}")
        self.left.discard(theirs)
        given = np.asarray(self.state[theirs])
        whole = given.T if part.turned else given
        rows = sum(shape[0] for shape in wanted)
        if whole.shape != (rows, *wanted[0][1:]):
            each = " each" if len(wanted) > 1 else ""
            raise _bad(
                f"{theirs} has shape {list(given.shape)}; {', '.join(part.ours)}, which it holds, "
                f"must have {list(wanted[0])}{each}"
            )
        at = 0
        for name, shape in zip(part.ours, wanted, strict=True):
            array: Array = whole[at : at + shape[0]]
            self.weights[layer + name] = array
            at += shape[0]


def _demo() -> None:
    """A model of Llama's shape as its files lay it out, and back."""
    rng = np.random.Generator(np.random.PCG64(1))
    config = Config(
        n_embd=8, n_head=2, n_kv_head=1, vocab_size=11, mlp_width=24, positions="rope",
        activation="swiglu", embed_norm=False, final_norm=True,
    )  # fmt: skip
    weights: Arrays = {n: rng.normal(size=s) for n, s in config.shapes().items()}
    state, described = to_llama(config, weights)
    for name, array in state.items():
        print(f"{name:<48} {list(array.shape)}")
    back, again = from_llama(state, described)
    print(f"{back.parameters():,} parameters: {', '.join(back.beyond())}")
    print(f"its norms' gains are {again['final_norm'].tolist()}, eps {EPS:g}")


if __name__ == "__main__":
    _demo()

"""What a model is: its sizes and blocks, and the weights that follow from them.

The published model has the defaults. Every further field is a block that production models have,
and changes one thing alone. Which engine can compute it says ``Engine.supports``.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

from microgpt.errors import InputError
from microgpt.limits import choice, number, truth, whole

ACTIVATIONS = ("relu", "relu_squared", "gelu", "swiglu")
NORMS = ("rmsnorm", "layernorm")
POSITIONS = ("learned", "rope")

MAX_PARAMETERS = 2_000_000_000
MAX_SIZE = 2**24  # of one dimension: far above any model here, far below what overflows a product

INNER = ("matrix", "router", "lora")

T = TypeVar("T")

Shapes = dict[str, tuple[int, ...]]


def about(default: T, text: str, group: str = "Hyper-parameters") -> T:
    """A dataclass field with its one-line description for the command line's help."""
    return dataclasses.field(default=default, metadata={"about": text, "group": group})


def _block(default: T, text: str) -> T:
    """A field that says how a model is built beyond the published one."""
    return about(default, text, "Blocks")


def kind_of(name: str) -> str:
    """Kind of the weight ``name``: embedding, head, matrix, router, lora, or vector.

    ``matrix``: one of a block's linear layers; ``vector``: a gain or a bias.
    """
    last = name.rpartition(".")[2]
    if last in ("wte", "wpe"):
        return "embedding"
    if last.startswith(("attn_w", "mlp_fc", "mlp_gate")):
        return "matrix"
    kinds = {"lm_head": "head", "router": "router", "lora_a": "lora", "lora_b": "lora"}
    return kinds.get(last, "vector")


def _numbers(shapes: Mapping[str, tuple[int, ...]]) -> int:
    return sum(math.prod(shape) for shape in shapes.values())


@dataclass(frozen=True)
class Architecture:
    """The sizes of a model and the kind of its blocks; ``Config`` adds the recipe."""

    n_layer: int = about(1, "Transformer blocks, one after the other.")
    n_embd: int = about(16, "Numbers that represent a token: the width of the model.")
    n_head: int = about(4, "Attention heads; they share n_embd evenly.")
    block_size: int = about(16, "The most tokens the model sees at once.")
    activation: str = about(
        "relu", "Between the MLP's two layers: relu, relu_squared, gelu or swiglu."
    )
    init_std: float = about(0.08, "Standard deviation of the random initial weights.")
    init_std_out: float | None = about(
        None, "The same for attn_wo and mlp_fc2; init_std if not given."
    )
    norm: str = _block("rmsnorm", "rmsnorm, or layernorm, which also subtracts the mean.")
    norm_gain: bool = _block(False, "Norms multiply each number by a gain that is learned.")
    bias: bool = _block(
        False, "Linear layers of the blocks, and layernorms with a gain, add a learned bias."
    )
    embed_norm: bool = _block(True, "A norm directly after the embedding.")
    final_norm: bool = _block(False, "A norm after the last block.")
    positions: str = _block(
        "learned", "learned: a vector for each position; rope: queries and keys are rotated."
    )
    rope_theta: float = _block(
        10000.0, "rope: the slowest pair of numbers turns about 1/theta of a radian per position."
    )
    n_kv_head: int | None = _block(
        None, "Heads of keys and values, each shared by n_head / n_kv_head queries; n_head if none."
    )
    qk_norm: bool = _block(False, "Queries and keys are rmsnormed, head by head.")
    attn_window: int | None = _block(
        None, "Positions that attention sees, its own included; all if not given."
    )
    mlp_width: int | None = _block(
        None, "Numbers between the MLP's layers; 4 n_embd (swiglu: 8/3) if not given."
    )
    tied: bool = _block(False, "lm_head is wte: one matrix for both.")
    dropout: float = _block(0.0, "Share of numbers set to 0 during training, 0 to below 1.")
    n_expert: int = _block(0, "MLPs per block, of which a router picks some; 0: one, no router.")
    n_active: int = _block(2, "Experts that each position uses.")
    balance: float = _block(0.01, "Weight of the loss that spreads positions over the experts.")
    mup_base: int = _block(
        0, "muP: the n_embd for which lr and init_std were chosen, to use them at another; 0: off."
    )
    lora_rank: int = _block(
        0, "Train only additions of this rank to the blocks' matrices (LoRA); 0: train all."
    )
    lora_alpha: float = _block(
        16.0, "LoRA: the additions are multiplied by this divided by their rank."
    )
    vocab_size: int = dataclasses.field(default=27, metadata={})

    def __post_init__(self) -> None:
        for name in ("n_layer", "n_embd", "n_head", "block_size", "vocab_size"):
            whole(name, getattr(self, name), 1, MAX_SIZE)
        if self.n_embd % self.n_head:
            fits = [h for h in range(1, self.n_embd + 1) if self.n_embd % h == 0]
            raise InputError(
                f"n_embd {self.n_embd} is not divisible by n_head {self.n_head}.",
                f"n_head can be one of {', '.join(map(str, fits[:12]))}.",
            )
        choice("activation", self.activation, ACTIVATIONS)
        number("init_std", self.init_std, 0.0, 1e3)
        if self.init_std_out is not None:
            number("init_std_out", self.init_std_out, 0.0, 1e3)
        self._check_blocks()
        if self.parameters() > MAX_PARAMETERS:
            raise InputError(
                f"The model would have {self.parameters():,} parameters, "
                f"above the limit of {MAX_PARAMETERS:,}.",
                "Make n_embd, n_layer or block_size smaller.",
            )

    def _check_blocks(self) -> None:
        choice("norm", self.norm, NORMS)
        choice("positions", self.positions, POSITIONS)
        for name in ("norm_gain", "bias", "embed_norm", "final_norm", "qk_norm", "tied"):
            truth(name, getattr(self, name))
        number("rope_theta", self.rope_theta, 1.0, 1e12, open_low=True)
        if self.positions == "rope" and self.head_dim % 2:
            raise InputError(
                f"positions rope turns pairs of numbers, but a head has {self.head_dim}, "
                f"an odd number (n_embd {self.n_embd} / n_head {self.n_head}).",
                "Choose n_embd and n_head so that n_embd / n_head is even.",
            )
        if self.n_kv_head is not None:
            whole("n_kv_head", self.n_kv_head, 1, self.n_head)
            if self.n_head % self.n_kv_head:
                fits = [h for h in range(1, self.n_head + 1) if self.n_head % h == 0]
                raise InputError(
                    f"n_head {self.n_head} is not divisible by n_kv_head {self.n_kv_head}.",
                    f"n_kv_head can be one of {', '.join(map(str, fits[:12]))}.",
                )
        for name in ("attn_window", "mlp_width"):
            if getattr(self, name) is not None:
                whole(name, getattr(self, name), 1, MAX_SIZE)
        number("dropout", self.dropout, 0.0, 1.0, open_high=True)
        whole("n_expert", self.n_expert, 0, 4096)
        whole("n_active", self.n_active, 1, 4096)
        if self.n_expert and self.n_active > self.n_expert:
            raise InputError(
                f"n_active is {self.n_active}, but there are only {self.n_expert} experts.",
                "Make n_active smaller or n_expert larger.",
            )
        number("balance", self.balance, 0.0, 1e3)
        whole("mup_base", self.mup_base, 0, MAX_SIZE)
        whole("lora_rank", self.lora_rank, 0, MAX_SIZE)
        number("lora_alpha", self.lora_alpha, 0.0, 1e6, open_low=True)

    @property
    def head_dim(self) -> int:
        """Numbers that a head works with: n_embd / n_head."""
        return self.n_embd // self.n_head

    @property
    def kv_heads(self) -> int:
        """Heads of keys and values: ``n_kv_head``, or n_head."""
        return self.n_kv_head or self.n_head

    @property
    def hidden(self) -> int:
        """Numbers between the MLP's layers: ``mlp_width``, or 4 n_embd.

        For swiglu, which has a third matrix, 8/3 of n_embd, rounded up to a multiple of 8.
        """
        if self.mlp_width is not None:
            return self.mlp_width
        return -(-self.n_embd // 3) * 8 if self.activation == "swiglu" else 4 * self.n_embd

    @property
    def score_scale(self) -> float:
        """What products of queries and keys are multiplied by: head_dim^-0.5, muP: 4 / head_dim."""
        return 4 / self.head_dim if self.mup_base else self.head_dim**-0.5

    @property
    def logit_scale(self) -> float:
        """What the logits are multiplied by: 1; mup_base / n_embd under muP."""
        return self.mup_base / self.n_embd if self.mup_base else 1.0

    def shapes(self) -> Shapes:
        """Shape of every weight by name, in the order of initialisation.

        (out, in) of a matrix, (n,) of a gain or a bias.
        """
        shapes = self._outer()
        for i in range(self.n_layer):
            self._layer(shapes, f"layer{i}.")
        return shapes

    def _outer(self) -> Shapes:
        """The shapes of what lies outside the blocks."""
        c, v = self.n_embd, self.vocab_size
        shapes: Shapes = {"wte": (v, c)}
        if self.positions == "learned":
            shapes["wpe"] = (self.block_size, c)
        if not self.tied:
            shapes["lm_head"] = (v, c)
        if self.embed_norm:
            self._norm(shapes, "emb_norm")
        if self.final_norm:
            self._norm(shapes, "final_norm")
        return shapes

    def _layer(self, shapes: Shapes, layer: str) -> None:
        c, d = self.n_embd, self.head_dim
        kv = self.kv_heads * d
        self._norm(shapes, layer + "attn_norm")
        for name, out in (("q", c), ("k", kv), ("v", kv), ("o", c)):
            self._matrix(shapes, layer + "attn_w" + name, out, c)
        if self.bias:
            shapes |= {
                layer + "attn_b" + n: (s,) for n, s in zip("qkvo", (c, kv, kv, c), strict=True)
            }
        if self.qk_norm and self.norm_gain:
            shapes |= {layer + "attn_qnorm": (d,), layer + "attn_knorm": (d,)}
        self._norm(shapes, layer + "mlp_norm")
        if not self.n_expert:
            self._mlp(shapes, layer)
            return
        shapes[layer + "router"] = (self.n_expert, c)
        for e in range(self.n_expert):
            self._mlp(shapes, f"{layer}expert{e}.")

    def _mlp(self, shapes: Shapes, prefix: str) -> None:
        c, f = self.n_embd, self.hidden
        gated = self.activation == "swiglu"
        self._matrix(shapes, prefix + "mlp_fc1", f, c)
        if gated:
            self._matrix(shapes, prefix + "mlp_gate", f, c)
        self._matrix(shapes, prefix + "mlp_fc2", c, f)
        if self.bias:
            shapes[prefix + "mlp_b1"] = (f,)
            if gated:
                shapes[prefix + "mlp_bgate"] = (f,)
            shapes[prefix + "mlp_b2"] = (c,)

    def _matrix(self, shapes: Shapes, name: str, out: int, into: int) -> None:
        shapes[name] = (out, into)
        if self.lora_rank:
            shapes[name + ".lora_a"] = (self.lora_rank, into)
            shapes[name + ".lora_b"] = (out, self.lora_rank)

    def _norm(self, shapes: Shapes, name: str) -> None:
        if self.norm_gain:
            shapes[name] = (self.n_embd,)
            if self.bias and self.norm == "layernorm":
                shapes[name + "_bias"] = (self.n_embd,)

    def parameters(self) -> int:
        """How many numbers the model has; 4,192 for the preset ``final`` on the names.

        Computed from one layer, since the table of ``shapes`` may be long.
        """
        layer: Shapes = {}
        self._layer(layer, "")
        return _numbers(self._outer()) + self.n_layer * _numbers(layer)

    def constant_of(self, name: str) -> float | None:
        """What every number of ``name`` begins at: 1 for gains, 0 for biases; None where drawn."""
        if kind_of(name) != "vector":
            return None
        return 1.0 if name.endswith("norm") else 0.0

    def std_of(self, name: str) -> float:
        """Standard deviation with which the matrix ``name`` is drawn."""
        if name.endswith(".lora_b"):
            return 0.0
        std = self.init_std
        if self.init_std_out is not None and name.endswith(("attn_wo", "mlp_fc2")):
            std = self.init_std_out
        if self.mup_base and kind_of(name) in INNER:
            std *= math.sqrt(self.mup_base / self.n_embd)
        return std

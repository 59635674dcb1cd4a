"""The model as PyTorch modules, with every block that ``Config`` knows.

The modules are made from weights that lie where they are to be computed; none of them knows a
device. ``GPT.named`` holds the parameters by the names of ``Config.shapes``.

A name that ends in capitals says the tensor's axes: B documents, T positions, N real positions (of
all documents, without what pads them), C n_embd, H heads, D head_dim, V vocabulary, E experts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from microgpt.config import Config
from microgpt.engines.torch.rope import rope_tables, rotated

EPS = 1e-5  # of the norms


class Past(Protocol):
    """Keys and values of earlier positions, for sampling."""

    def extended(self, layer: int, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """All keys and values of a layer [B, H, T, D], with those of the newest positions."""


class Weights:
    """The parameters of a model that is being built, by name; ``config`` says which there are."""

    def __init__(self, config: Config, tensors: Mapping[str, Tensor]) -> None:
        self.config = config
        self.named = {
            name: nn.Parameter(tensors[name], requires_grad=config.lr_share(name) > 0)
            for name in config.shapes()
        }

    def get(self, name: str) -> nn.Parameter | None:
        """The parameter, or None where the config has none of that name."""
        return self.named.get(name)


class Linear(nn.Module):
    """x W^T + b; W is the stored matrix, with LoRA plus a product of two thin ones."""

    def __init__(self, w: Weights, name: str, bias: str = "") -> None:
        super().__init__()
        self.weight, self.bias = w.get(name), w.get(bias)
        self.lora_a, self.lora_b = w.get(name + ".lora_a"), w.get(name + ".lora_b")
        self.lora_scale = w.config.lora_alpha / max(w.config.lora_rank, 1)

    def matrix(self) -> Tensor:
        """W [out, in] as it acts."""
        if self.lora_a is None:
            return self.weight
        return self.weight + self.lora_scale * (self.lora_b @ self.lora_a)

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.matrix(), self.bias)


class Norm(nn.Module):
    """Rmsnorm or layernorm over the last axis, with a gain and a bias where there are any."""

    def __init__(self, w: Weights, name: str, kind: str) -> None:
        super().__init__()
        self.gain, self.bias, self.kind = w.get(name), w.get(name + "_bias"), kind

    def forward(self, x: Tensor) -> Tensor:
        if x.dtype in (torch.bfloat16, torch.float16):
            x = x.float()
        if self.kind == "layernorm":
            return F.layer_norm(x, x.shape[-1:], self.gain, self.bias, EPS)
        return F.rms_norm(x, x.shape[-1:], self.gain, EPS)


class Attention(nn.Module):
    """Each position takes from itself and earlier ones what its query looks for."""

    def __init__(self, w: Weights, layer: int) -> None:
        super().__init__()
        at, self.config, self.layer = f"layer{layer}.attn_", w.config, layer
        self.wq, self.wk, self.wv, self.wo = (Linear(w, f"{at}w{n}", f"{at}b{n}") for n in "qkvo")
        self.q_norm, self.k_norm = (Norm(w, f"{at}{n}norm", "rmsnorm") for n in "qk")

    def forward(
        self, x_BTC: Tensor, angles: tuple[Tensor, Tensor] | None, past: Past | None
    ) -> Tensor:
        q_BHTD, k_BHTD, v_BHTD = self.projected(x_BTC)
        if self.config.qk_norm:
            q_BHTD, k_BHTD = self.q_norm(q_BHTD), self.k_norm(k_BHTD)
        if angles is not None:
            q_BHTD, k_BHTD = rotated(q_BHTD, *angles), rotated(k_BHTD, *angles)
        # Under autocast norms and rotations are float32, products are not.
        q_BHTD, k_BHTD = q_BHTD.to(v_BHTD.dtype), k_BHTD.to(v_BHTD.dtype)
        if past is not None:
            k_BHTD, v_BHTD = past.extended(self.layer, k_BHTD, v_BHTD)
        out_BHTD = self.attended(q_BHTD, k_BHTD, v_BHTD)
        return self.wo(out_BHTD.transpose(1, 2).flatten(2))

    def projected(self, x_BTC: Tensor) -> list[Tensor]:
        """Queries, keys and values, each [B, H, T, D]: one product with the three matrices."""
        parts = (self.wq, self.wk, self.wv)
        matrix = torch.cat([part.matrix() for part in parts])
        bias = torch.cat([part.bias for part in parts]) if self.config.bias else None
        heads = (self.config.n_head, self.config.kv_heads, self.config.kv_heads)
        qkv_BHTD = F.linear(x_BTC, matrix, bias).unflatten(-1, (-1, self.config.head_dim))
        return [part.transpose(1, 2) for part in qkv_BHTD.split(heads, dim=2)]

    def attended(self, q_BHTD: Tensor, k_BHTD: Tensor, v_BHTD: Tensor) -> Tensor:
        """Sums of the values, weighted by softmax of the scores.

        Padding stands after a document, where causal attention never looks. A single query comes
        last and sees all; several begin where the keys begin.
        """
        queries, keys, window = q_BHTD.shape[2], k_BHTD.shape[2], self.config.attn_window
        mask = None
        if window is not None and window < keys:
            if queries == 1:
                k_BHTD, v_BHTD = k_BHTD[:, :, -window:], v_BHTD[:, :, -window:]
            else:
                ones = torch.ones(queries, keys, dtype=torch.bool, device=q_BHTD.device)
                mask = ones.tril().triu(1 - window)
        return F.scaled_dot_product_attention(
            q_BHTD,
            k_BHTD,
            v_BHTD,
            attn_mask=mask,
            dropout_p=self.config.dropout if self.training else 0.0,
            is_causal=queries > 1 and mask is None,
            scale=self.config.score_scale,
            enable_gqa=self.config.kv_heads != self.config.n_head,
        )


class MLP(nn.Module):
    """Each position by itself: a wide layer, an activation, and back."""

    def __init__(self, w: Weights, prefix: str) -> None:
        super().__init__()
        self.activation = w.config.activation
        self.fc1 = Linear(w, prefix + "mlp_fc1", prefix + "mlp_b1")
        self.fc2 = Linear(w, prefix + "mlp_fc2", prefix + "mlp_b2")
        if self.activation == "swiglu":
            self.gate = Linear(w, prefix + "mlp_gate", prefix + "mlp_bgate")

    def forward(self, x: Tensor) -> Tensor:
        hidden = self.fc1(x)
        if self.activation == "swiglu":
            hidden = F.silu(self.gate(x)) * hidden
        elif self.activation == "gelu":
            hidden = F.gelu(hidden, approximate="tanh")
        else:
            hidden = F.relu(hidden)
            if self.activation == "relu_squared":
                hidden = hidden.square()
        return self.fc2(hidden)


class Experts(nn.Module):
    """Several MLPs; a router picks ``n_active`` of them for each position."""

    def __init__(self, w: Weights, layer: int) -> None:
        super().__init__()
        self.n_active = w.config.n_active
        self.router = w.get(f"layer{layer}.router")
        self.experts = nn.ModuleList(
            MLP(w, f"layer{layer}.expert{e}.") for e in range(w.config.n_expert)
        )

    def forward(self, x_BTC: Tensor, real_N: Tensor | None) -> tuple[Tensor, Tensor]:
        """What the experts add, and how uneven their shares are: 1 where all are equal."""
        flat = x_BTC.flatten(0, 1)
        x_NC = flat if real_N is None else flat.index_select(0, real_N)
        with torch.autocast(x_NC.device.type, enabled=False):
            logits_NE = F.linear(x_NC, self.router)
        # A stable sort: among equals the lower index comes first, as everywhere.
        top_NE, order_NE = logits_NE.sort(dim=-1, descending=True, stable=True)
        share_NA = top_NE[:, : self.n_active].softmax(-1)
        chosen_NA = order_NE[:, : self.n_active]
        taken_E = torch.bincount(chosen_NA.flatten(), minlength=len(self.experts))
        # Rows in the order of their experts, each expert's part through it, and back.
        by_expert = chosen_NA.flatten().argsort(stable=True)
        sent = x_NC.repeat_interleave(self.n_active, dim=0).index_select(0, by_expert)
        parts = sent.split(taken_E.tolist())
        done = torch.cat([expert(part) for expert, part in zip(self.experts, parts, strict=True)])
        back_NAC = done.index_select(0, by_expert.argsort()).unflatten(0, (-1, self.n_active))
        y_NC = (share_NA[..., None] * back_NAC).sum(1)
        evenly = taken_E.to(x_NC.dtype) / chosen_NA.numel() * logits_NE.softmax(-1).mean(0)
        if real_N is not None:
            y_NC = torch.zeros_like(flat).index_copy(0, real_N, y_NC)
        return y_NC.view_as(x_BTC), len(self.experts) * evenly.sum()


class Block(nn.Module):
    """Attention, then the MLP or experts; each adds to what came in."""

    def __init__(self, w: Weights, layer: int) -> None:
        super().__init__()
        config = w.config
        self.attn_norm = Norm(w, f"layer{layer}.attn_norm", config.norm)
        self.attn = Attention(w, layer)
        self.mlp_norm = Norm(w, f"layer{layer}.mlp_norm", config.norm)
        self.mlp = Experts(w, layer) if config.n_expert else MLP(w, f"layer{layer}.")
        self.drop = nn.Dropout(config.dropout) if config.dropout else nn.Identity()

    def forward(
        self,
        x_BTC: Tensor,
        angles: tuple[Tensor, Tensor] | None,
        real_N: Tensor | None = None,
        past: Past | None = None,
    ) -> tuple[Tensor, Tensor | None]:
        x_BTC = x_BTC + self.drop(self.attn(self.attn_norm(x_BTC), angles, past))
        added, uneven = self.mlp_norm(x_BTC), None
        if isinstance(self.mlp, Experts):
            added, uneven = self.mlp(added, real_N)
        else:
            added = self.mlp(added)
        return x_BTC + self.drop(added), uneven


class GPT(nn.Module):
    """The whole model. ``named``: its parameters by the names of ``Config.shapes``.

    ``recompute``: in training what lies inside a block is computed a second time for the backward
    pass instead of kept.
    """

    def __init__(
        self, config: Config, tensors: Mapping[str, Tensor], recompute: bool = False
    ) -> None:
        super().__init__()
        w = Weights(config, tensors)
        self.config, self.named, self.recompute = config, w.named, recompute
        self.wte, self.wpe = w.named["wte"], w.get("wpe")
        self.head = w.named["wte" if config.tied else "lm_head"]
        self.emb_norm = Norm(w, "emb_norm", config.norm) if config.embed_norm else nn.Identity()
        self.final_norm = Norm(w, "final_norm", config.norm) if config.final_norm else nn.Identity()
        self.blocks = nn.ModuleList(Block(w, layer) for layer in range(config.n_layer))
        self.drop = nn.Dropout(config.dropout) if config.dropout else nn.Identity()
        if config.positions == "rope":
            cos, sin = (table.to(self.wte) for table in rope_tables(config))
            self.register_buffer("cos_TD", cos, persistent=False)
            self.register_buffer("sin_TD", sin, persistent=False)

    def hidden(
        self,
        tokens_BT: Tensor,
        real_N: Tensor | None = None,
        start: int = 0,
        past: Past | None = None,
    ) -> tuple[Tensor, Tensor | None]:
        """The last hidden states [B, T, C], and the sum of the layers' unevenness of experts.

        ``real_N``: which of the B · T positions are not padding; None: all. ``start``: the place of
        the first token in its document.
        """
        here, angles = slice(start, start + tokens_BT.shape[1]), None
        x_BTC = F.embedding(tokens_BT, self.wte)
        if self.wpe is not None:
            x_BTC = x_BTC + self.wpe[here]
        else:
            angles = self.cos_TD[here], self.sin_TD[here]
        x_BTC = self.emb_norm(self.drop(x_BTC))
        total = None
        for block in self.blocks:
            if self.recompute and self.training:
                x_BTC, uneven = checkpoint(block, x_BTC, angles, real_N, use_reentrant=False)
            else:
                x_BTC, uneven = block(x_BTC, angles, real_N, past)
            if uneven is not None:
                total = uneven if total is None else total + uneven
        return self.final_norm(x_BTC), total

    def logits(self, x: Tensor) -> Tensor:
        """Logits [..., V] from the last hidden states [..., C]."""
        logits = F.linear(x, self.head)
        return logits if self.config.logit_scale == 1 else logits * self.config.logit_scale

    def forward(
        self, tokens_BT: Tensor, targets_N: Tensor, real_N: Tensor | None = None
    ) -> tuple[Tensor, Tensor | None]:
        """-log p of the targets [N], and the experts' unevenness as ``hidden`` gives it."""
        x_BTC, uneven = self.hidden(tokens_BT, real_N)
        x_NC = x_BTC.flatten(0, 1)
        if real_N is not None:
            x_NC = x_NC.index_select(0, real_N)
        logits_NV = self.logits(x_NC)
        if logits_NV.dtype in (torch.bfloat16, torch.float16):
            logits_NV = logits_NV.float()
        return F.cross_entropy(logits_NV, targets_N, reduction="none"), uneven

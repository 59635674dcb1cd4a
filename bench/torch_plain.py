"""The engine torch against a plain PyTorch training loop with the same blocks.

    python bench/torch_plain.py [--rounds 15] [--steps 8] [--threads 1] [--compile] [--save]

Both train the same model on the same batches, n_layer 4, n_embd 128, block_size 64, batches of 12:
once with the published blocks, once with GPT-2's. They take turns, a few steps each; a round's
ratio is the loop's time over the engine's, so above 1 the engine is faster. The bar: 0.95 without
torch.compile. Their losses must agree, else they aren't the same computation. Both read every
step's loss and clip the gradient; the loop's Adam is PyTorch's fused one.

``--compile`` lets both compiled take turns with them, after a wait for the compiler. ``--save``
writes bench/results/torch_plain.json and .md.
"""

from __future__ import annotations

import argparse
import statistics
import time
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from common import load, save, spread
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, gelu, relu, scaled_dot_product_attention

from microgpt.arrays import Arrays
from microgpt.config import Config
from microgpt.engines.base import Batches
from microgpt.engines.hardware import Hardware
from microgpt.engines.torch.engine import TorchEngine

BAR = 0.95
AGREE = 1e-3  # float32 over some steps: a mistake in a block shows in the first digits
SMALL = Config(
    n_layer=4, n_head=4, n_embd=128, block_size=64, batch_size=12, vocab_size=66, lr=1e-3,
    beta1=0.9, beta2=0.99, grad_clip=1.0, long="window", steps=10**6, schedule="constant",
)  # fmt: skip
SHAPES = {
    "published blocks": SMALL,
    "GPT-2's blocks": replace(
        SMALL, norm="layernorm", norm_gain=True, bias=True, activation="gelu", embed_norm=False,
        final_norm=True, tied=True, init_std=0.02,
    ),
}  # fmt: skip


class PlainBlock(nn.Module):
    def __init__(self, config: Config) -> None:
        super().__init__()
        c = config.n_embd
        self.heads = config.n_head
        self.norm1, self.norm2 = norm(config), norm(config)
        self.qkv = nn.Linear(c, 3 * c, bias=config.bias)
        self.out = nn.Linear(c, c, bias=config.bias)
        self.up = nn.Linear(c, 4 * c, bias=config.bias)
        self.down = nn.Linear(4 * c, c, bias=config.bias)
        self.gelu = config.activation == "gelu"

    def forward(self, x: Tensor) -> Tensor:
        b, t, c = x.shape
        q, k, v = self.qkv(self.norm1(x)).split(c, dim=2)
        q, k, v = (a.view(b, t, self.heads, c // self.heads).transpose(1, 2) for a in (q, k, v))
        y = scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.out(y.transpose(1, 2).contiguous().view(b, t, c))
        h = self.up(self.norm2(x))
        h = gelu(h, approximate="tanh") if self.gelu else relu(h)
        return x + self.down(h)


class PlainGPT(nn.Module):
    def __init__(self, config: Config) -> None:
        super().__init__()
        self.wte = nn.Embedding(config.vocab_size, config.n_embd)
        self.wpe = nn.Embedding(config.block_size, config.n_embd)
        self.norm0 = norm(config) if config.embed_norm else nn.Identity()
        self.blocks = nn.Sequential(*(PlainBlock(config) for _ in range(config.n_layer)))
        self.norm = norm(config) if config.final_norm else nn.Identity()
        self.head = nn.Linear(config.n_embd, config.vocab_size, bias=False)
        if config.tied:
            self.head.weight = self.wte.weight

    def forward(self, tokens: Tensor, targets: Tensor) -> Tensor:
        places = torch.arange(tokens.shape[1], device=tokens.device)
        x = self.blocks(self.norm0(self.wte(tokens) + self.wpe(places)))
        logits = self.head(self.norm(x))
        return cross_entropy(logits.flatten(0, 1), targets.flatten())


def norm(config: Config) -> nn.Module:
    if config.norm == "layernorm":
        return nn.LayerNorm(config.n_embd)
    return nn.RMSNorm(config.n_embd, eps=1e-5, elementwise_affine=config.norm_gain)


def with_weights(model: PlainGPT, config: Config, weights: Arrays) -> PlainGPT:
    """The engine's first weights in the plain model."""

    def put(tensor: Tensor, *names: str) -> None:
        whole = np.concatenate([weights[name] for name in names])
        tensor.data.copy_(torch.from_numpy(whole))

    def put_norm(module: nn.Module, name: str) -> None:
        if name in weights:
            put(module.weight, name)
            put(module.bias, name + "_bias")

    put(model.wte.weight, "wte")
    put(model.wpe.weight, "wpe")
    put(model.head.weight, "wte" if config.tied else "lm_head")
    put_norm(model.norm, "final_norm")
    for i, block in enumerate(model.blocks):
        at = f"layer{i}."
        put_norm(block.norm1, at + "attn_norm")
        put_norm(block.norm2, at + "mlp_norm")
        for kind, part in (("weight", "attn_w"), ("bias", "attn_b")):
            if kind == "weight" or config.bias:
                put(getattr(block.qkv, kind), *(at + part + n for n in "qkv"))
                put(getattr(block.out, kind), at + part + "o")
                for linear, n in ((block.up, 1), (block.down, 2)):
                    put(getattr(linear, kind), f"{at}mlp_{'fc' if kind == 'weight' else 'b'}{n}")
    return model


class Loop:
    """The plain training loop."""

    def __init__(self, config: Config, weights: Arrays, compiled: bool) -> None:
        self.config = config
        self.model = with_weights(PlainGPT(config), config, weights)
        self.call = torch.compile(self.model) if compiled else self.model
        self.adam = torch.optim.AdamW(
            self.model.parameters(), lr=config.lr, betas=(config.beta1, config.beta2),
            eps=config.eps, weight_decay=config.weight_decay, fused=True,
        )  # fmt: skip

    def steps(self, windows: np.ndarray, first: int) -> list[float]:
        losses = []
        for window in windows:
            rows = torch.from_numpy(window.astype(np.int64))
            loss = self.call(rows[:, :-1], rows[:, 1:])
            loss.backward()
            nn.utils.clip_grad_norm_(self.model.parameters(), self.config.grad_clip)
            self.adam.step()
            self.adam.zero_grad(set_to_none=True)
            losses.append(loss.item())
        return losses


class Ours:
    """The engine, fed as the training loop feeds it."""

    def __init__(self, config: Config, weights: Arrays, compiled: bool, threads: int) -> None:
        self.config, self.engine = config, TorchEngine()
        self.engine.hardware = Hardware(device="cpu", compile=compiled)
        self.engine.load(config, "float32", weights, None, threads)

    def steps(self, windows: np.ndarray, first: int) -> list[float]:
        steps, documents, length = windows.shape
        batches = Batches(
            tokens=windows.reshape(-1),
            offsets=np.arange(steps * documents + 1, dtype=np.int64) * length,
            documents=np.full(steps, documents, dtype=np.int64),
            positions=np.full(steps, documents * (length - 1), dtype=np.int64),
        )
        return self.engine.steps(batches, [self.config.lr] * steps, first)


def compared(config: Config, rounds: int, steps: int, threads: int, compiled: bool) -> dict:
    """Both, and with ``compiled`` both compiled too, in turns on the same batches.

    ``seconds`` and ``busy``: of the clock and of the processor, a step, by what was timed, round by
    round. ``waited``: what the first steps took, the compiler's work included.
    """
    draw = np.random.Generator(np.random.PCG64(1))
    weights: Arrays = {}
    for name, shape in config.shapes().items():
        constant = config.constant_of(name)
        drawn = draw.standard_normal(shape) * config.std_of(name)
        weights[name] = (drawn if constant is None else np.full(shape, constant)).astype(np.float32)
    size = (steps, config.batch_size, config.block_size + 1)
    every: dict[str, Loop | Ours] = {}
    for how in ("eager", "compiled") if compiled else ("eager",):
        every[f"loop {how}"] = Loop(config, weights, how == "compiled")
        every[f"engine {how}"] = Ours(config, weights, how == "compiled", threads)
    warm = draw.integers(config.vocab_size, size=size).astype(np.int32)
    waited, losses = {}, []
    for name, one in every.items():
        began = time.perf_counter()
        losses.append(one.steps(warm, 0))
        waited[name] = time.perf_counter() - began
    apart = max(max(of_step) - min(of_step) for of_step in zip(*losses, strict=True))
    if not apart <= AGREE:
        raise SystemExit(f"the losses are {apart:.2g} apart: not the same computation")
    seconds: dict[str, list[float]] = {name: [] for name in every}
    busy: dict[str, list[float]] = {name: [] for name in every}
    for i in range(1, rounds + 1):
        windows = draw.integers(config.vocab_size, size=size).astype(np.int32)
        for name in list(every)[:: 1 if i % 2 else -1]:
            wall, cpu = time.perf_counter(), time.process_time()
            every[name].steps(windows, i * steps)
            seconds[name].append((time.perf_counter() - wall) / steps)
            busy[name].append((time.process_time() - cpu) / steps)
    return {"seconds": seconds, "busy": busy, "waited": waited, "losses_apart": apart}


def ratios(found: dict[str, Any], slow: str, fast: str) -> dict[str, Any]:
    """How many times as long ``slow`` takes as ``fast``, round by round."""
    wall, cpu = (
        [a / b for a, b in zip(found[kind][slow], found[kind][fast], strict=True)]
        for kind in ("seconds", "busy")
    )
    return {"over": slow, "of": fast, **spread(wall), "of_processor": statistics.median(cpu)}


def line(row: dict[str, Any]) -> str:
    held = ""
    if (row["over"], row["of"]) == ("loop eager", "engine eager"):
        held = "held" if row["median"] >= BAR else "missed"
    return (
        f"| {row['blocks']} | {row['over']} / {row['of']} | {row['median']:.3f} "
        f"({row['least']:.2f} to {row['most']:.2f}) | {row['of_processor']:.3f} | {held} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--steps", type=int, default=8, help="of a round, for each")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--compile", action="store_true", help="both compiled, beside both eager")
    parser.add_argument("--save", action="store_true")
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    pairs = [("loop eager", "engine eager")]
    if asked.compile:
        pairs.append(("loop compiled", "engine compiled"))
        pairs += [(f"{one} eager", f"{one} compiled") for one in ("loop", "engine")]
    rows, times, loads = [], [], [load()]
    for blocks, config in SHAPES.items():
        found = compared(config, asked.rounds, asked.steps, asked.threads, asked.compile)
        rows += [{"blocks": blocks, **ratios(found, *pair)} for pair in pairs]
        times.append({"blocks": blocks, **found})
        print("\n".join(line(row) for row in rows[-len(pairs) :]), flush=True)
        loads.append(load())
    waits = ", ".join(f"{name} {seconds:.0f}" for name, seconds in times[0]["waited"].items())
    lines = [
        "How many times as long a step takes with the one as with the other: a plain PyTorch loop "
        "and the engine torch, n_layer 4, n_embd 128, block_size 64, batches of 12, float32, "
        f"{asked.threads} thread{'s' if asked.threads > 1 else ''}, PyTorch {torch.__version__}. "
        f"Medians of {asked.rounds} rounds of {asked.steps} steps each in turns, in parentheses "
        f"the least and the most; the bar is {BAR} for the first. The first {asked.steps} steps, "
        f"with the compiler's work, took in seconds: {waits}. Load of the machine meanwhile: "
        f"{min(x or 0 for x in loads)} to {max(x or 0 for x in loads)}.",
        "",
        "| blocks | | ratio | of processor time | |",
        "|---|---|--:|--:|---|",
        *map(line, rows),
    ]
    if asked.save:
        save("torch_plain", {"bar": BAR, "load": loads, "rows": rows, "times": times}, lines)


if __name__ == "__main__":
    main()

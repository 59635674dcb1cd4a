"""What `bench/switches.py` compares: settings and switches, with equal numbers of parameters."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from microgpt.config import Config, make_config

ENGINE, DTYPE = "torch", "float32"
"""The same for all: the one engine that computes every switch, and all of them in one way."""

BASE = "published"
WITHIN = 0.01
"""How far a total of parameters may be from the published model's."""


@dataclass(frozen=True)
class Switch:
    """One difference from the published model and recipe.

    ``muon``: the matrices' learning rate goes along with the other one.
    """

    name: str
    about: str
    changes: Mapping[str, Any]
    muon: bool = False

    @property
    def single(self) -> bool:
        return self in SWITCHES

    def at(self, rate: float) -> dict[str, Any]:
        """Its fields of ``Config``, the learning rate among them."""
        both = {"muon_lr": rate} if self.muon else {}
        return {**self.changes, "lr": rate, **both}


SWITCHES = (
    Switch("rope", "positions by turning queries and keys, no wpe", {"positions": "rope"}),
    Switch("qk_norm", "queries and keys are rmsnormed", {"qk_norm": True}),
    Switch("relu²", "in the MLP instead of relu", {"activation": "relu_squared"}),
    Switch("swiglu", "the same, with a third matrix", {"activation": "swiglu"}),
    Switch("final norm", "rmsnorm after the last block", {"final_norm": True}),
    Switch("norm gains", "norms multiply by learned gains", {"norm_gain": True}),
    Switch("tied", "lm_head is wte", {"tied": True}),
    Switch("2 key/value heads", "for 4 of queries", {"n_kv_head": 2}),
    Switch("zero init", "attn_wo and mlp_fc2 begin at 0", {"init_std_out": 0.0}),
    Switch("wsd", "lr stays, then falls in the last fifth", {"schedule": "wsd"}),
    Switch("AdamW", "weight decay 0.1", {"optimizer": "adamw", "weight_decay": 0.1}),
    Switch("Muon", "for the blocks' matrices", {"optimizer": "muon"}, muon=True),
)


def _together(*names: str) -> dict[str, Any]:
    return {k: v for s in SWITCHES if s.name in names for k, v in s.changes.items()}


_NANOCHAT = ("rope", "qk_norm", "relu²", "final norm", "zero init", "wsd", "Muon")
_LLAMA = ("rope", "swiglu", "final norm", "norm gains", "2 key/value heads", "AdamW")
TOGETHER = (
    Switch("all of nanochat's", ", ".join(_NANOCHAT), _together(*_NANOCHAT), muon=True),
    Switch("all of Llama's", ", ".join(_LLAMA), _together(*_LLAMA)),
)

PUBLISHED = Switch(BASE, "the published model and recipe", {})
VARIANTS = {switch.name: switch for switch in (PUBLISHED, *SWITCHES, *TOGETHER)}


@dataclass(frozen=True)
class Setting:
    """What all variants have in common.

    ``search``: the seeds by whose validation losses the learning rate is chosen; ``judged``: the
    seeds of the table. Where they are the same, the rate of each seed is chosen by the others.
    ``rates``: the first three, each twice the one before. ``given``: rates that aren't searched.
    """

    name: str
    data: tuple[str, ...]
    vocab_size: int
    base: Mapping[str, Any]
    steps: int
    rates: tuple[float, ...]
    search: tuple[int, ...]
    judged: tuple[int, ...]
    names: tuple[str, ...] = tuple(VARIANTS)
    given: Mapping[str, float] = field(default_factory=dict)

    def config(self, name: str, rate: float, seed: int = 1, steps: int | None = None) -> Config:
        """A variant with as many parameters as the published model has here."""
        switch, steps = VARIANTS[name], steps or self.steps
        plain = make_config("final", **self.base, vocab_size=self.vocab_size)
        config = make_config(
            "final", **{**self.base, **switch.at(rate)}, seed=seed, steps=steps,
            vocab_size=self.vocab_size,
        )  # fmt: skip
        return matched(config, plain.parameters())


def matched(config: Config, total: int) -> Config:
    """The same with the mlp_width that brings its parameters closest to ``total``."""
    one, two = (dataclasses.replace(config, mlp_width=w).parameters() for w in (1, 2))
    width = max(1, 1 + round((total - one) / (two - one)))
    if width != config.hidden:
        config = dataclasses.replace(config, mlp_width=width)
    if abs(config.parameters() - total) > WITHIN * total:
        raise ValueError(
            f"{config.parameters():,} parameters are the closest to {total:,} that mlp_width "
            f"allows: more than {WITHIN:.0%} away"
        )
    return config


_SHAKESPEARE = {
    "holdout": 0.1, "validation": True, "long": "window", "n_layer": 4, "block_size": 64,
    "batch_size": 12,
}  # fmt: skip


def names(first_seed: int = 1) -> Setting:
    """The published shape on the names: the whole grid."""
    seeds = tuple(range(first_seed, first_seed + 5))
    base = {"holdout": 0.1, "validation": True, "batch_size": 64}
    return Setting("names", ("names",), 27, base, 1000, (0.01, 0.02, 0.04), seeds, seeds)


def shakespeare(first_seed: int = 1) -> Setting:
    """0.2 million parameters: the rate by one seed, the table by three others."""
    judged = tuple(range(first_seed + 1, first_seed + 4))
    return Setting(
        "shakespeare", ("shakespeare", "none"), 66, {**_SHAKESPEARE, "n_embd": 64}, 1000,
        (0.004, 0.008, 0.016), (first_seed,), judged,
    )  # fmt: skip


def larger(setting: Setting, rates: Mapping[str, float]) -> Setting:
    """0.8 million parameters, for some of the variants, at rates that were chosen before."""
    return dataclasses.replace(
        setting,
        name=f"{setting.name}-larger",
        base={**setting.base, "n_embd": 128},
        search=(),
        names=tuple(rates),
        given=rates,
    )

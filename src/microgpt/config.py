"""Every hyper-parameter: its name, meaning, default and limits. One word, one place.

The names are the same in Python, on the command line (``--n-embd``), in TOML files and in
``run.json``. A ``Config`` is checked when it is made and never changes.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, TypeVar

from microgpt.architecture import INNER, MAX_SIZE, Architecture, about, kind_of
from microgpt.errors import InputError
from microgpt.limits import choice, nearest, number, truth, whole

OPTIMIZERS = ("adam", "sgd", "adamw", "muon")
SCHEDULES = ("linear", "cosine", "constant", "wsd")
INITS = ("stream", "numpy")
LONG = ("cut", "window")
DTYPES = ("float64", "float32", "bfloat16", "float16")
"""What an engine computes with; under the last two it keeps its weights in float32."""

T = TypeVar("T")


def _tune(default: T, text: str) -> T:
    """A field of the recipe beyond the published one."""
    return about(default, text, "Recipe")


@dataclass(frozen=True)
class Config(Architecture):
    """The shape of a model and the recipe that trains it.

    Raises ``InputError`` that names the value, the limit and the remedy when a field is out of
    range or fields don't fit together.

    Example:
        >>> import microgpt
        >>> config = microgpt.Config(n_embd=32)
        >>> config.parameters()
        14528
        >>> config.shapes()["layer0.mlp_fc1"]  # out, in
        (128, 32)
        >>> microgpt.Config(n_embd=30)
        Traceback (most recent call last):
            ...
        microgpt.errors.InputError: n_embd 30 is not divisible by n_head 4. n_head can be ...
    """

    optimizer: str = about("adam", "adam, sgd, adamw or muon.")
    lr: float = about(0.01, "Learning rate at the start of the schedule.")
    beta1: float = about(0.85, "Adam: how much of the running mean gradient each step keeps.")
    beta2: float = about(0.99, "Adam: the same for the running mean squared gradient.")
    eps: float = about(1e-8, "Adam: added to the square root, so that nothing is divided by zero.")
    schedule: str = about(
        "linear", "Learning-rate schedule: linear or cosine decay, constant, or wsd."
    )
    warmup: int = about(0, "Steps over which lr first rises from 0.")
    steps: int = about(1000, "Training steps.")
    batch_size: int = about(1, "Documents (or windows) per step.")
    seed: int = about(42, "Seed of the run's one random stream, 0 to 2^32 - 1.")
    holdout: float = about(
        0.0, "Share of distinct documents (of running text, its end) held out, 0 to 0.5."
    )
    validation: bool = about(
        False, "Hold out a second share of the same size, to choose the best step by."
    )
    long: str = about(
        "cut",
        "Documents longer than block_size: cut, or window (random stretches), which one running "
        "text gets unasked.",
    )
    init: str = _tune(
        "stream",
        "Initial weights: drawn from the run's stream, or at once by numpy for big models.",
    )
    weight_decay: float = _tune(
        0.0, "adamw, muon: share of lr by which matrices shrink each step (not embeddings)."
    )
    grad_clip: float = _tune(0.0, "The gradient's norm is cut to this; 0: it isn't.")
    lr_end: float = _tune(0.0, "Share of lr at which linear, cosine and wsd end.")
    decay_share: float = _tune(0.2, "wsd: share of the steps, the last ones, in which lr falls.")
    muon_lr: float = _tune(0.02, "muon: the learning rate of the blocks' matrices.")
    muon_momentum: float = _tune(0.95, "muon: how much of the running gradient each step keeps.")

    def __post_init__(self) -> None:
        super().__post_init__()
        whole(
            "steps",
            self.steps,
            1,
            10**12,
            "To keep the untrained model, use --stop-after 0.",
        )
        whole("batch_size", self.batch_size, 1, MAX_SIZE)
        whole("warmup", self.warmup, 0, self.steps)
        whole("seed", self.seed, 0, 2**32 - 1)
        choice("optimizer", self.optimizer, OPTIMIZERS)
        choice("schedule", self.schedule, SCHEDULES)
        choice("long", self.long, LONG)
        number("lr", self.lr, 0.0, 1e6, "0.01 is the presets' value.", open_low=True)
        number("beta1", self.beta1, 0.0, 1.0, open_high=True)
        number("beta2", self.beta2, 0.0, 1.0, open_high=True)
        number("eps", self.eps, 0.0, 1.0, open_low=True)
        number("holdout", self.holdout, 0.0, 0.5)
        truth("validation", self.validation)
        if self.validation and self.holdout == 0:
            raise InputError(
                "validation needs holdout above 0: it is a second share of that size.",
                "Add --holdout 0.1.",
            )
        self._check_recipe()

    def _check_recipe(self) -> None:
        choice("init", self.init, INITS)
        if self.mup_base and self.optimizer not in ("adam", "adamw"):
            raise InputError(
                f"mup_base is for adam and adamw; optimizer is {self.optimizer}.",
                "Leave mup_base out, or choose --optimizer adamw.",
            )
        number("weight_decay", self.weight_decay, 0.0, 1e3)
        if self.weight_decay and self.optimizer not in ("adamw", "muon"):
            raise InputError(
                f"weight_decay is for adamw and muon; optimizer is {self.optimizer}.",
                "Choose --optimizer adamw.",
            )
        number("grad_clip", self.grad_clip, 0.0, 1e9)
        number("lr_end", self.lr_end, 0.0, 1.0)
        number("decay_share", self.decay_share, 0.0, 1.0, open_low=True)
        number("muon_lr", self.muon_lr, 0.0, 1e6, open_low=True)
        number("muon_momentum", self.muon_momentum, 0.0, 1.0, open_high=True)

    def lr_share(self, name: str) -> float:
        """What the learning rate is multiplied by for the weight ``name``.

        mup_base / n_embd for the blocks' matrices under muP; 0 for all that LoRA leaves as it is.
        """
        if self.lora_rank and kind_of(name) != "lora":
            return 0.0
        return self.mup_base / self.n_embd if self.mup_base and kind_of(name) in INNER else 1.0

    def decays(self, name: str) -> bool:
        """Whether ``weight_decay`` shrinks the weight ``name``: matrices, save the embeddings."""
        return kind_of(name) not in ("embedding", "vector")

    def lr_at(self, step: int) -> float:
        """Learning rate of step ``step``, counted from 0.

        ``linear`` is lr * (1 - step/steps), ``cosine`` lr * 0.5 * (1 + cos(pi * step/steps)),
        ``wsd`` lr and, over the last ``decay_share`` of the steps, a straight line down. They fall
        to ``lr_end`` * lr. During the first ``warmup`` steps this is multiplied by
        (step + 1) / warmup.
        """
        if self.schedule == "linear":
            lr = self.lr * (1 - step / self.steps)
        elif self.schedule == "cosine":
            lr = self.lr * 0.5 * (1 + math.cos(math.pi * step / self.steps))
        elif self.schedule == "wsd":
            lr = self.lr * min(1.0, (1 - step / self.steps) / self.decay_share)
        else:
            lr = self.lr
        if self.lr_end and self.schedule != "constant":
            lr = self.lr_end * self.lr + (1 - self.lr_end) * lr
        if step < self.warmup:
            lr *= (step + 1) / self.warmup
        return lr

    def beyond(self, can: Collection[str] = ()) -> list[str]:
        """What this model or its recipe has beyond the published ones, save the fields in ``can``.

        Such as ``["positions rope", "n_kv_head 2"]``: what an engine that can't do it names.
        """
        return [
            f"{name} {str(getattr(self, name)).lower()}"
            for name, plain in _PLAIN.items()
            if name not in can and getattr(self, name) not in plain
        ]

    def at_rest(self) -> Config:
        """The same model for those who use it: without what is done in training steps alone.

        So engines that know no dropout, no clipping and no AdamW can sample from it and judge it.
        """
        optimizer = self.optimizer if self.optimizer in _PLAIN["optimizer"] else "adam"
        return dataclasses.replace(
            self, optimizer=optimizer, weight_decay=0.0, grad_clip=0.0, dropout=0.0
        )

    def to_dict(self) -> dict[str, Any]:
        """The fields by name, as ``run.json`` holds them.

        Those beyond the published models and recipes are there only where they are set.
        """
        return {
            f.name: getattr(self, f.name)
            for f in dataclasses.fields(self)
            if f.metadata.get("group") not in ("Blocks", "Recipe")
            or getattr(self, f.name) != f.default
        }


PRESETS: dict[str, dict[str, Any]] = {
    "final": {},
    "early": {
        "block_size": 8,
        "activation": "relu_squared",
        "init_std": 0.02,
        "init_std_out": 0.0,
        "beta1": 0.9,
        "beta2": 0.95,
        "schedule": "cosine",
        "steps": 500,
    },
}
"""The two published recipes; ``final`` is the default of every field above."""

SWITCHES = tuple(f.name for f in dataclasses.fields(Config) if f.metadata.get("group") == "Blocks")
"""The fields that say how a model is built beyond the published one."""

_DETAILS = ("rope_theta", "n_active", "balance", "lora_alpha")  # only beside another switch

_PLAIN: dict[str, tuple[Any, ...]] = {
    "activation": ("relu", "relu_squared"),
    "optimizer": ("adam", "sgd"),
    **{n: (getattr(Config, n),) for n in (*SWITCHES, "grad_clip") if n not in _DETAILS},
}

SHAPE = ("n_layer", "n_embd", "n_head", "block_size", "activation", "vocab_size")
"""The fields that say what a published model is; ``SWITCHES`` are those of other models."""

FLAGS = {f.name: f for f in dataclasses.fields(Config) if f.metadata}
"""The fields that a user may set, by name, each with ``metadata["about"]``."""


def make_config(preset: str = "final", /, **changes: Any) -> Config:
    """The preset's configuration with some fields changed.

    ``preset``: ``final`` or ``early``, the two published recipes. ``changes``: fields of
    ``Config`` by name. Raises ``InputError`` for an unknown preset or field, or a value out of
    range.

    Example:
        >>> import microgpt
        >>> config = microgpt.make_config("early", steps=100)
        >>> config.steps, config.block_size, config.activation
        (100, 8, 'relu_squared')
        >>> [round(config.lr_at(step), 4) for step in (0, 50, 99)]
        [0.01, 0.005, 0.0]
    """
    choice("preset", preset, tuple(PRESETS))
    known = {f.name for f in dataclasses.fields(Config)}
    for name in changes:
        if name not in known:
            raise InputError(f"{name!r} is not a hyper-parameter.", nearest(name, known))
    return Config(**{**PRESETS[preset], **changes})


def _demo() -> None:
    for preset in PRESETS:
        config = make_config(preset)
        print(f"{preset}: {config.parameters():,} parameters")
        for name, (out, into) in config.shapes().items():
            print(f"  {name:<16} {out:>3} x {into:<3} std {config.std_of(name):g}")


if __name__ == "__main__":
    _demo()

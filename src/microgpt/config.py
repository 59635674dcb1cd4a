"""Every hyper-parameter: its name, meaning, default and limits. One word, one place.

The names are the same in Python, on the command line (``--n-embd``), in TOML files and in
``run.json``. A ``Config`` is checked when it is made and never changes.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any, TypeVar

from microgpt.errors import InputError

ACTIVATIONS = ("relu", "relu_squared")
OPTIMIZERS = ("adam", "sgd")
SCHEDULES = ("linear", "cosine", "constant")
LONG = ("cut", "window")
DTYPES = ("float64", "float32")

MAX_PARAMETERS = 2_000_000_000
_MAX_SIZE = 2**24  # of one dimension: far above any model here, far below what overflows a product

T = TypeVar("T")


def _field(default: T, about: str) -> T:
    """A dataclass field with its one-line description for the command line's help."""
    return dataclasses.field(default=default, metadata={"about": about})


@dataclass(frozen=True)
class Config:
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

    n_layer: int = _field(1, "Transformer blocks, one after the other.")
    n_embd: int = _field(16, "Numbers that represent a token: the width of the model.")
    n_head: int = _field(4, "Attention heads; they share n_embd evenly.")
    block_size: int = _field(16, "The most tokens the model sees at once.")
    activation: str = _field("relu", "Between the MLP's two layers: relu or relu_squared.")
    init_std: float = _field(0.08, "Standard deviation of the random initial weights.")
    init_std_out: float | None = _field(
        None, "The same for attn_wo and mlp_fc2; init_std if not given."
    )
    optimizer: str = _field("adam", "adam or sgd.")
    lr: float = _field(0.01, "Learning rate at the start of the schedule.")
    beta1: float = _field(0.85, "Adam: how much of the running mean gradient each step keeps.")
    beta2: float = _field(0.99, "Adam: the same for the running mean squared gradient.")
    eps: float = _field(1e-8, "Adam: added to the square root, so that nothing is divided by zero.")
    schedule: str = _field(
        "linear", "Learning-rate schedule: linear or cosine decay to 0, or constant."
    )
    warmup: int = _field(0, "Steps over which lr first rises from 0.")
    steps: int = _field(1000, "Training steps.")
    batch_size: int = _field(1, "Documents (or windows) per step.")
    seed: int = _field(42, "Seed of the run's one random stream, 0 to 2^32 - 1.")
    holdout: float = _field(
        0.0, "Share of distinct documents (of running text, its end) held out, 0 to 0.5."
    )
    validation: bool = _field(
        False, "Hold out a second share of the same size, to choose the best step by."
    )
    long: str = _field(
        "cut",
        "Documents longer than block_size: cut, or window (random stretches), which one running "
        "text gets unasked.",
    )
    vocab_size: int = dataclasses.field(default=27, metadata={})

    def __post_init__(self) -> None:
        for name in ("n_layer", "n_embd", "n_head", "block_size", "batch_size", "vocab_size"):
            _whole(name, getattr(self, name), 1, _MAX_SIZE)
        _whole(
            "steps",
            self.steps,
            1,
            10**12,
            "To keep the untrained model, use --stop-after 0.",
        )
        _whole("warmup", self.warmup, 0, self.steps)
        _whole("seed", self.seed, 0, 2**32 - 1)
        if self.n_embd % self.n_head:
            fits = [h for h in range(1, self.n_embd + 1) if self.n_embd % h == 0]
            raise InputError(
                f"n_embd {self.n_embd} is not divisible by n_head {self.n_head}.",
                f"n_head can be one of {', '.join(map(str, fits[:12]))}.",
            )
        _choice("activation", self.activation, ACTIVATIONS)
        _choice("optimizer", self.optimizer, OPTIMIZERS)
        _choice("schedule", self.schedule, SCHEDULES)
        _choice("long", self.long, LONG)
        _number("lr", self.lr, 0.0, 1e6, "0.01 is the presets' value.", open_low=True)
        _number("init_std", self.init_std, 0.0, 1e3)
        if self.init_std_out is not None:
            _number("init_std_out", self.init_std_out, 0.0, 1e3)
        _number("beta1", self.beta1, 0.0, 1.0, open_high=True)
        _number("beta2", self.beta2, 0.0, 1.0, open_high=True)
        _number("eps", self.eps, 0.0, 1.0, open_low=True)
        _number("holdout", self.holdout, 0.0, 0.5)
        if not isinstance(self.validation, bool):
            raise InputError(f"validation is {self.validation!r}, must be true or false.")
        if self.validation and self.holdout == 0:
            raise InputError(
                "validation needs holdout above 0: it is a second share of that size.",
                "Add --holdout 0.1.",
            )
        if self.parameters() > MAX_PARAMETERS:
            raise InputError(
                f"The model would have {self.parameters():,} parameters, "
                f"above the limit of {MAX_PARAMETERS:,}.",
                "Make n_embd, n_layer or block_size smaller.",
            )

    @property
    def head_dim(self) -> int:
        """Numbers a head works with: n_embd / n_head."""
        return self.n_embd // self.n_head

    def shapes(self) -> dict[str, tuple[int, int]]:
        """Shape (out, in) of every weight matrix by name, in the order of initialisation."""
        c, v = self.n_embd, self.vocab_size
        shapes = {"wte": (v, c), "wpe": (self.block_size, c), "lm_head": (v, c)}
        for i in range(self.n_layer):
            for name in ("attn_wq", "attn_wk", "attn_wv", "attn_wo"):
                shapes[f"layer{i}.{name}"] = (c, c)
            shapes[f"layer{i}.mlp_fc1"] = (4 * c, c)
            shapes[f"layer{i}.mlp_fc2"] = (c, 4 * c)
        return shapes

    def parameters(self) -> int:
        """How many numbers training adjusts; 4,192 for the preset ``final`` on the names."""
        c = self.n_embd
        return (2 * self.vocab_size + self.block_size) * c + self.n_layer * 12 * c * c

    def std_of(self, name: str) -> float:
        """Standard deviation with which the matrix ``name`` is drawn."""
        if self.init_std_out is not None and name.endswith(("attn_wo", "mlp_fc2")):
            return self.init_std_out
        return self.init_std

    def lr_at(self, step: int) -> float:
        """Learning rate of step ``step``, counted from 0.

        ``linear`` is lr * (1 - step/steps), ``cosine`` lr * 0.5 * (1 + cos(pi * step/steps)).
        During the first ``warmup`` steps this is multiplied by (step + 1) / warmup.
        """
        if self.schedule == "linear":
            lr = self.lr * (1 - step / self.steps)
        elif self.schedule == "cosine":
            lr = self.lr * 0.5 * (1 + math.cos(math.pi * step / self.steps))
        else:
            lr = self.lr
        if step < self.warmup:
            lr *= (step + 1) / self.warmup
        return lr

    def to_dict(self) -> dict[str, Any]:
        """All fields by name, as ``run.json`` holds them."""
        return dataclasses.asdict(self)


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

SHAPE = ("n_layer", "n_embd", "n_head", "block_size", "activation", "vocab_size")
"""The fields that say what a model is; the others say how it is trained."""

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
    _choice("preset", preset, tuple(PRESETS))
    known = {f.name for f in dataclasses.fields(Config)}
    for name in changes:
        if name not in known:
            raise InputError(f"{name!r} is not a hyper-parameter.", _nearest(name, known))
    return Config(**{**PRESETS[preset], **changes})


def _nearest(name: str, known: set[str]) -> str:
    import difflib

    close = difflib.get_close_matches(name, known, n=1)
    return f"Did you mean {close[0]!r}?" if close else f"Known are {', '.join(sorted(known))}."


def _whole(name: str, value: object, low: int, high: int, remedy: str = "") -> None:
    if not isinstance(value, int) or isinstance(value, bool):
        raise InputError(f"{name} is {value!r}, must be a whole number.", remedy)
    if not low <= value <= high:
        raise InputError(f"{name} is {value}, must be from {low} to {high}.", remedy)


def _number(
    name: str,
    value: object,
    low: float,
    high: float,
    remedy: str = "",
    *,
    open_low: bool = False,
    open_high: bool = False,
) -> None:
    if not isinstance(value, int | float) or isinstance(value, bool) or not abs(value) < math.inf:
        raise InputError(f"{name} is {value!r}, must be a finite number.", remedy)
    value = max(-1e300, min(1e300, value))  # a whole number can be too large for a float
    if not low <= value <= high or (open_low and value == low) or (open_high and value == high):
        above = f"above {low:g}" if open_low else f"at least {low:g}"
        below = f"below {high:g}" if open_high else f"at most {high:g}"
        raise InputError(f"{name} is {value:g}, must be {above} and {below}.", remedy)


def _choice(name: str, value: object, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise InputError(f"{name} is {value!r}, must be one of {', '.join(allowed)}.")


def _demo() -> None:
    for preset in PRESETS:
        config = make_config(preset)
        print(f"{preset}: {config.parameters():,} parameters")
        for name, (out, into) in config.shapes().items():
            print(f"  {name:<16} {out:>3} x {into:<3} std {config.std_of(name):g}")


if __name__ == "__main__":
    _demo()

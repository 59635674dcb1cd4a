"""The facts of a run or of a model file that reports state: recipe, data, results, parameters."""

from __future__ import annotations

import math
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath, PureWindowsPath

from microgpt.config import FLAGS, PRESETS, SHAPE, Config, make_config
from microgpt.data import KEPT, RUNNING
from microgpt.inspection.pictures import letter, plain_text
from microgpt.inspection.sameness import makers
from microgpt.opening import Opened

LAST = 100
"""Steps in the mean that is reported as a run's loss."""
_LISTED_LAYERS = 4  # more layers are tallied together

# ------------------------------------------------------------------ parameters

_ABOUT = {
    "wte": "one row per token: what the token means",
    "wpe": "one row per position: what being there means",
    "lm_head": "one row per token: how well it would follow",
    "attn_wq": "queries: what each position looks for",
    "attn_wk": "keys: what each position is found by",
    "attn_wv": "values: what each position hands on when looked at",
    "attn_wo": "mixes what the heads found into one vector",
    "mlp_fc1": "first MLP layer: each row looks for a pattern",
    "mlp_fc2": "second MLP layer: what each pattern adds",
}


@dataclass(frozen=True)
class Tally:
    """A weight matrix (or one of each layer): shape (out, in), how many numbers, share of all."""

    name: str
    shape: tuple[int, int]
    count: int
    share: float
    about: str

    @property
    def kind(self) -> str:
        """``embedding``, ``attention`` or ``mlp``."""
        part = self.name.rpartition(".")[2].partition("_")[0]
        return {"attn": "attention", "mlp": "mlp"}.get(part, "embedding")


def parameter_tally(config: Config) -> list[Tally]:
    """One entry for every matrix, in the order of ``Config.shapes``."""
    every = config.parameters()
    return [
        Tally(name, (out, into), out * into, out * into / every, _ABOUT[name.rpartition(".")[2]])
        for name, (out, into) in config.shapes().items()
    ]


def short_tally(config: Config) -> list[Tally]:
    """The tally; where there are many layers, those of all of them in one entry."""
    tallies = parameter_tally(config)
    if config.n_layer <= _LISTED_LAYERS:
        return tallies
    short = []
    for t in tallies[: 3 + 6]:
        if "." in t.name:
            name = t.name.replace("layer0", f"layer0-{config.n_layer - 1}")
            t = Tally(name, t.shape, t.count * config.n_layer, t.share * config.n_layer, t.about)
        short.append(t)
    return short


# ------------------------------------------------------------------ facts


@dataclass
class Log:
    """What metrics.jsonl holds: a loss per step, and evaluations (step, nats, split, tokens)."""

    steps: list[int] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)
    lrs: list[float] = field(default_factory=list)
    held_out: list[tuple[int, float, str, int]] = field(default_factory=list)

    @classmethod
    def of(cls, opened: Opened) -> Log:
        """The log of the opened run; empty for a model file."""
        log = cls()
        for line in opened.run.metrics() if opened.run else []:
            if "eval" in line:
                e = line["eval"]
                log.held_out.append((e["step"], e["loss"], e["split"], e["tokens"]))
            elif "step" in line and math.isfinite(line["loss"]):
                log.steps.append(line["step"])
                log.losses.append(line["loss"])
                log.lrs.append(line["lr"])
        return log


SPLITS = {
    "unused": "documents that the run never reached",
    "distinct": "distinct documents that were held out",
    "validation": "the second part that was held out",
    "tail": "the end of the text, which was held out",
}

Group = tuple[str, list[tuple[str, str]]]

NO_RUN = "This is a model file: it holds no recipe, no facts about its data and no loss curve."
NO_LOG = "This is a model file: it holds no facts about its data and no loss curve."


def about_file(opened: Opened) -> str:
    """What a model file can't say, in a sentence; safetensors may state a recipe."""
    return NO_LOG if _stated_recipe(opened) else NO_RUN


def _stated_recipe(opened: Opened) -> list[tuple[str, str]]:
    """The recipe as far as all of an entry's fields are known, and how far training got."""
    config = opened.config
    optimizer = config.optimizer
    if optimizer == "adam":
        optimizer += f", beta1 {config.beta1:g}, beta2 {config.beta2:g}, eps {config.eps:g}"
    warmup = f", after {config.warmup:,} steps of warm-up" if config.warmup else ""
    init = f"{config.init_std:g}"
    if config.init_std_out is not None:
        init += f", {config.init_std_out:g} for attn_wo and mlp_fc2"
    validation = ", and validation" if config.validation else ""
    entries: list[tuple[str, str, tuple[str, ...]]] = [
        ("steps", f"{config.steps:,}", ()),
        ("batch_size", f"{config.batch_size:,}", ()),
        ("optimizer", optimizer, ("beta1", "beta2", "eps")),
        ("lr", f"{config.lr:g}, {config.schedule}{warmup}", ("schedule", "warmup")),
        ("init_std", init, ("init_std_out",)),
        ("seed", str(config.seed), ()),
        ("holdout", f"{config.holdout:g}{validation}", ("validation",)),
        ("long", config.long, ()),
    ]
    found = [(name, text) for name, text, more in entries if {name, *more} <= opened.stated]
    if opened.run is None and opened.step is not None:
        planned = f" of {config.steps:,}" if "steps" in opened.stated else ""
        found.append(("weights", f"after step {opened.step:,}{planned}"))
    return found


def facts(opened: Opened, log: Log, *, places: bool = True) -> list[Group]:
    """What is known, in groups of (name, value). Not escaped, hidden characters shown.

    ``places``: also where the data is, which is nobody else's business on a page that is passed on.
    """
    config = opened.config
    groups = [("Model", _modelfacts(opened))]
    recipe = _stated_recipe(opened)
    if opened.run is None:
        return [*groups, ("Recipe", recipe)] if recipe else groups
    run = opened.run.run
    groups.append(("Recipe", recipe))
    if made := makers(opened):
        groups.append(("Made by", made))
    data = run.get("data")
    if isinstance(data, dict):
        groups.append(("Data", _datafacts(data, places)))
    result = [("weights", f"after step {opened.step:,} of {config.steps:,}")]
    if log.losses:
        some = log.losses[-LAST:]
        result.append(("last loss", f"{log.losses[-1]:.4f} (step {log.steps[-1]:,})"))
        result.append((f"mean of last {len(some)}", f"{math.fsum(some) / len(some):.4f}"))
    last = {part: (step, nats, tokens) for step, nats, part, tokens in log.held_out}
    for part, (step, nats, tokens) in last.items():
        about = f"{plain_text(part)}, {tokens:,} tokens, step {step:,}"
        result.append(("held-out", f"{nats:.4f} ({about})"))
    groups.append(("Result, in nats per token", result))
    return groups


_DATA = (
    "name", "path", "kept", "split_by", "column", "field", "encoding",
    "documents", "distinct", "characters", "sha256",
)  # fmt: skip


def _datafacts(data: Mapping[str, object], places: bool) -> list[tuple[str, str]]:
    """What run.json says of the data: what it is, how it was read, how much of it there is."""
    said = {name: data[name] for name in _DATA if data.get(name) is not None}
    if not places:
        said.pop("path", None)
    if "kept" in said:
        said["kept"] = f"{KEPT} in the run's directory: it came through a pipe"
    if said.get("column") == "":
        said["column"] = "none: every line is taken whole"
    if isinstance(paths := said.get("path"), list):
        said["path"] = ", ".join(map(str, paths))
    return [(name, _value(value)) for name, value in said.items()]


def _modelfacts(opened: Opened) -> list[tuple[str, str]]:
    config = opened.config
    return [
        ("n_layer", f"{config.n_layer:,}"),
        ("n_embd", f"{config.n_embd:,}"),
        ("n_head", f"{config.n_head:,} (head_dim {config.head_dim:,})"),
        ("block_size", f"{config.block_size:,}"),
        ("activation", config.activation),
        ("vocabulary", f"{config.vocab_size:,} tokens: {_vocabulary(opened)}, and BOS"),
        ("parameters", f"{config.parameters():,}"),
    ]


def _vocabulary(opened: Opened) -> str:
    chars = opened.tokenizer.uchars
    points = [ord(c) for c in chars]
    names = [letter(c) for c in chars]
    if len(chars) > 2 and points[-1] - points[0] == len(chars) - 1:
        return f"{names[0]} to {names[-1]}"
    return " ".join(names) if len(chars) <= 100 else f"from {names[0]} to {names[-1]}"


def _value(value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return plain_text(str(value))


def repeat_command(opened: Opened, *, places: bool = True) -> str | None:
    """The command that makes this run again, from the first step; None for a model file.

    For a run that began from a model file it is the import of that file, and the engine is left
    to ``train --resume``. ``places``: False leaves the directory of an absolute path out.
    """
    if opened.run is None:
        return None
    run, config = opened.run.run, opened.config
    data = run.get("data")
    imported = run.get("imported")
    words = ["microgpt", "train"]
    if imported:
        words = ["microgpt", "import", str(imported) if places else _file_name(str(imported))]
    if isinstance(data, dict):
        if data.get("kept"):
            words.append(str(opened.run.path / KEPT) if places else KEPT)
        elif data.get("path"):
            paths = data["path"] if isinstance(data["path"], list) else [data["path"]]
            words += [str(path) if places else _file_name(str(path)) for path in paths]
        elif imported or data.get("name") != "names":  # a run that is imported has its own
            words += ["--data", str(data.get("name"))]
        if data.get("split_by", "line") != "line" or data.get("name") in RUNNING:
            words += ["--split-by", str(data.get("split_by", "line"))]
        if opened.running and config.long == "cut":
            words += ["--long", "cut"]  # not what such data is trained with unasked
        for key in ("column", "field", "encoding"):
            words += [f"--{key}", str(data[key])] if data.get(key) is not None else []
    shape = SHAPE if imported else ()
    words += min([(len(f), f) for f in (_flags(config, p, shape) for p in PRESETS)])[1]
    if imported:
        words += [] if "--preset" in words else ["--preset", "final"]
        return plain_text(shlex.join([*words, "--out", "DIRECTORY"]))
    words += ["--engine", str(run.get("engine"))]
    if run.get("dtype") != "float64":
        words += ["--dtype", str(run.get("dtype"))]
    if run.get("threads") != 1 or config.batch_size >= 16:
        words += ["--threads", str(run.get("threads"))]
    return plain_text(shlex.join(words))


def _file_name(path: str) -> str:
    """A path as it is if it is relative, else its last part; paths of other systems too."""
    for kind in (PurePosixPath(path), PureWindowsPath(path)):
        if kind.is_absolute():
            path = kind.name
    return f"./{path}" if path.startswith("-") else path


def _flags(config: Config, preset: str, leave_out: Sequence[str]) -> list[str]:
    """The flags that turn a preset into ``config``, but for some fields."""
    base = make_config(preset)
    words = [] if preset == "final" else ["--preset", preset]
    for name in FLAGS:
        value = getattr(config, name)
        if value == getattr(base, name) or name in leave_out:
            continue
        flag = f"--{name.replace('_', '-')}"
        if name == "init_std_out" and value is None:
            value = config.init_std  # the same standard deviation, stated outright
        words += [flag] if value is True else [flag, str(value)]
    return words

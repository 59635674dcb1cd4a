"""The facts of a run or of a model file that reports state: recipe, data, results, parameters."""

from __future__ import annotations

import math
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath, PureWindowsPath
from typing import NamedTuple

from microgpt.bytepairs import BYTES
from microgpt.config import FLAGS, PRESETS, SWITCHES, Config, make_config
from microgpt.data import KEPT, RUNNING
from microgpt.engines.hardware import HARDWARE, Hardware
from microgpt.errors import InputError
from microgpt.importing import FROM_THE_MODEL
from microgpt.inspection.pictures import letter, plain_text, token_name
from microgpt.inspection.sameness import makers
from microgpt.opening import Opened
from microgpt.tokenizer import AnyTokenizer, Tokenizer

LAST = 100
"""Steps in the mean that is reported as a run's loss."""
_SHOWN = 20  # merges
_LISTED = 4  # more layers, or experts, are tallied together

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
    "mlp_gate": "the gate: how much of each pattern is let through",
    "router": "one row per expert: how well it suits a position",
    "emb_norm": "gains of the norm after the embedding",
    "final_norm": "gains of the norm after the last block",
    "attn_norm": "gains of the norm before attention",
    "mlp_norm": "gains of the norm before the MLP",
    "attn_qnorm": "gains of the queries, the same for every head",
    "attn_knorm": "gains of the keys, the same for every head",
    "attn_bq": "added to the queries",
    "attn_bk": "added to the keys",
    "attn_bv": "added to the values",
    "attn_bo": "added to what the heads found",
    "mlp_b1": "added to the first MLP layer",
    "mlp_bgate": "added to the gate",
    "mlp_b2": "added to the second MLP layer",
    "lora_a": "LoRA: reads the few numbers that tuning works with",
    "lora_b": "LoRA: what these few numbers add",
}


def _about(name: str) -> str:
    last = name.rpartition(".")[2]
    return _ABOUT.get(last) or "added after the norm"  # all that is left are the norms' biases


@dataclass(frozen=True)
class Tally:
    """A weight matrix (or one of each layer): shape (out, in), how many numbers, share of all.

    A vector of gains or biases is a matrix of one row.
    """

    name: str
    shape: tuple[int, int]
    count: int
    share: float
    about: str

    @property
    def kind(self) -> str:
        """``embedding``, ``attention`` or ``mlp``."""
        if "attn_" in self.name:
            return "attention"
        return "mlp" if "mlp_" in self.name or self.name.endswith("router") else "embedding"


def parameter_tally(config: Config) -> list[Tally]:
    """One entry for every matrix, in the order of ``Config.shapes``."""
    every = config.parameters()
    tallies = []
    for name, shape in config.shapes().items():
        out, into = shape if len(shape) == 2 else (1, shape[0])
        tallies.append(Tally(name, (out, into), out * into, out * into / every, _about(name)))
    return tallies


def short_tally(config: Config) -> list[Tally]:
    """The tally; where there are many layers or experts, those of all of them in one entry."""
    counts = {"layer": config.n_layer, "expert": config.n_expert}
    groups: dict[str, list[Tally]] = {}
    for t in parameter_tally(config):
        name = t.name
        for what, count in counts.items():
            if count > _LISTED:
                name = re.sub(rf"{what}\d+", f"{what}0-{count - 1}", name)
        groups.setdefault(name, []).append(t)
    return [
        Tally(name, of[0].shape, sum(t.count for t in of), sum(t.share for t in of), of[0].about)
        for name, of in groups.items()
    ]


# ------------------------------------------------------------------ facts


class HeldOut(NamedTuple):
    """A held-out loss in nats per token, and in bits per byte; a log of before lacks the latter."""

    step: int
    loss: float
    split: str
    tokens: int
    bits_per_byte: float | None


@dataclass
class Log:
    """What metrics.jsonl holds: a loss per step, and the held-out losses."""

    steps: list[int] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)
    lrs: list[float] = field(default_factory=list)
    held_out: list[HeldOut] = field(default_factory=list)

    @classmethod
    def of(cls, opened: Opened) -> Log:
        """The log of the opened run; empty for a model file."""
        log = cls()
        for line in opened.run.metrics() if opened.run else []:
            if "eval" in line:
                e = line["eval"]
                values = (e["step"], e["loss"], e["split"], e["tokens"], e.get("bits_per_byte"))
                log.held_out.append(HeldOut(*values))
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
    if optimizer != "sgd":
        optimizer += f", beta1 {config.beta1:g}, beta2 {config.beta2:g}, eps {config.eps:g}"
    if config.weight_decay:
        optimizer += f", weight_decay {config.weight_decay:g}"
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
    plain = Config()
    for name in ("init", "grad_clip", "lr_end", "decay_share", "muon_lr", "muon_momentum"):
        if getattr(config, name) != getattr(plain, name):
            entries.append((name, _value(getattr(config, name)), ()))
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
    for last in {held.split: held for held in log.held_out}.values():
        about = f"{plain_text(last.split)}, {last.tokens:,} tokens, step {last.step:,}"
        result.append(("held-out", f"{last.loss:.4f} ({about})"))
        if last.bits_per_byte is not None:
            result.append(("in bits per byte", f"{last.bits_per_byte:.4f}"))
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
        *((name, _value(getattr(config, name))) for name in SWITCHES if _is_set(config, name)),
        *_vocabulary(opened.tokenizer),
        ("parameters", f"{config.parameters():,}"),
    ]


def _is_set(config: Config, name: str) -> bool:
    """Whether a block is another one than that of the published model."""
    return bool(getattr(config, name) != FLAGS[name].default)


def _vocabulary(tokenizer: AnyTokenizer) -> list[tuple[str, str]]:
    """What the tokens are: all characters that there are, or the first byte pairs."""
    size = f"{tokenizer.vocab_size:,} tokens"
    if not isinstance(tokenizer, Tokenizer):
        learned = range(len(BYTES), tokenizer.bos)
        some = " ".join(token_name(tokenizer, token) for token in learned[:_SHOWN])
        rows = [("vocabulary", f"{size}: {len(BYTES)} bytes, {len(learned):,} merges, and BOS")]
        return [*rows, ("first merges", some)] if some else rows
    chars = tokenizer.uchars
    points = [ord(c) for c in chars]
    names = [letter(c) for c in chars]
    if len(chars) > 2 and points[-1] - points[0] == len(chars) - 1:
        which = f"{names[0]} to {names[-1]}"
    else:
        which = " ".join(names) if len(chars) <= 100 else f"from {names[0]} to {names[-1]}"
    return [("vocabulary", f"{size}: {which}, and BOS")]


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return f"{value:,}" if isinstance(value, int) else f"{value:g}"
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
    words += [] if imported else _tokenizer_flags(opened, places)
    shape = FROM_THE_MODEL if imported else ()
    words += min([(len(f), f) for f in (_flags(config, p, shape) for p in PRESETS)])[1]
    if imported:
        words += [] if "--preset" in words else ["--preset", "final"]
        return plain_text(shlex.join([*words, "--out", "DIRECTORY"]))
    words += ["--engine", str(run.get("engine"))]
    if run.get("dtype") != "float64":
        words += ["--dtype", str(run.get("dtype"))]
    if run.get("threads") != 1 or config.batch_size >= 16:
        words += ["--threads", str(run.get("threads"))]
    return plain_text(shlex.join([*words, *_hardware(run)]))


def _tokenizer_flags(opened: Opened, places: bool) -> list[str]:
    """The flags for byte pairs; a tokenizer.json that was given is the run's own by now."""
    assert opened.run is not None
    said = opened.run.run.get("tokenizer")
    if not isinstance(said, dict):
        return []
    if said.get("given") is None:
        return ["--tokenizer", "bpe", "--vocab-size", str(opened.config.vocab_size)]
    own = opened.run.path / opened.run.words
    return ["--tokenizer", str(own) if places else own.name]


def _hardware(run: Mapping[str, object]) -> list[str]:
    """The flags for the hardware that run.json states, where it makes sense."""
    said = {name: run[name] for name in HARDWARE if run.get(name) is not None}
    if any(type(value) is not HARDWARE[name] for name, value in said.items()):
        return []
    try:
        return " ".join(Hardware(**said).flags()).split()  # type: ignore[arg-type]
    except InputError:
        return []


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
        if value is False:
            flag = flag.replace("--", "--no-")
        words += [flag] if isinstance(value, bool) else [flag, str(value)]
    return words

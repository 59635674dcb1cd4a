"""Whether names come from a model: how likely it was to write them, and how likely it should be.

A bot may draw its random numbers as it likes, so that no name can be foretold. But names that were
drawn from the model at its temperature are, all together, as likely as such names are: the sum of
log p over their letters is near its expectation, and every letter comes as often as the model
gives it. Names from another forward pass, another temperature, or a list are not.

Where it is known what may have been done instead (attention left out, …), the two can be compared:
names from the model itself are e^n times as likely under another one with a chance of at most e^-n,
whatever the other one is (Ville 1939). That finds small changes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from microgpt.engines.base import Engine
from microgpt.tokenizer import Tokenizer


@dataclass(frozen=True)
class Fit:
    """How names fit a model. ``letters``: that were drawn, ends included.

    ``surprise``: the sum of -log p less its expectation, in standard deviations: above 0 the names
    are stranger than the model's, below they are safer choices. ``counts``: the same for how
    often each letter came, as chi-square over its degrees of freedom, made comparable (Wilson and
    Hilferty's cube root).
    """

    letters: int
    surprise: float
    counts: float


def _probabilities(
    engine: Engine, tokenizer: Tokenizer, names: Sequence[tuple[str, str]], temperature: float
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Of every letter drawn: the distribution [N, V], the letter [N], and its name's index [N]."""
    most, bos = engine.config.block_size, tokenizer.bos
    lists, ends, chosen, which = [], [0], [], []
    places: list[int] = []
    for i, (prefix, name) in enumerate(names):
        tokens = tokenizer.encode(name)[:most]
        forced = len(tokenizer.encode(prefix)[:most])
        lists += [bos, *tokens][:most]
        for t in range(forced, min(len(tokens) + 1, most)):
            places.append(ends[-1] + t)
            chosen.append(tokens[t] if t < len(tokens) else bos)
            which.append(i)
        ends.append(len(lists))
    logits = engine.flat_logits(np.array(lists, np.int32), np.array(ends, np.int64))
    some = logits[places].astype(np.float64) / temperature
    some -= some.max(axis=1, keepdims=True)
    probs = np.exp(some)
    probs /= probs.sum(axis=1, keepdims=True)
    return probs, np.array(chosen, np.intp), np.array(which, np.intp)


def log_probability(
    engine: Engine, tokenizer: Tokenizer, names: Sequence[tuple[str, str]], temperature: float
) -> npt.NDArray[np.float64]:
    """log p [names] of each (prefix, name) after its prefix, the end included.

    Raises ``TokenError`` for a character that the model doesn't know.
    """
    probs, chosen, which = _probabilities(engine, tokenizer, names, temperature)
    logs = np.log(probs[np.arange(len(chosen)), chosen])
    sums: npt.NDArray[np.float64] = np.zeros(len(names))
    np.add.at(sums, which, logs)
    return sums


def fit(
    engine: Engine, tokenizer: Tokenizer, names: Sequence[tuple[str, str]], temperature: float
) -> Fit:
    """How (prefix, name) pairs fit a model at a temperature; there must be one at least."""
    probs, chosen, _ = _probabilities(engine, tokenizer, names, temperature)
    if not len(chosen):
        return Fit(0, 0.0, 0.0)
    with np.errstate(divide="ignore"):
        logs = np.where(probs > 0, np.log(probs), 0.0)
    drawn = logs[np.arange(len(chosen)), chosen]
    expected = (probs * logs).sum(axis=1)
    variance = (probs * logs**2).sum(axis=1) - expected**2
    surprise = -float((drawn - expected).sum()) / math.sqrt(max(1e-12, float(variance.sum())))
    wanted = probs.sum(axis=0)
    spread = (probs * (1 - probs)).sum(axis=0)
    seen = np.bincount(chosen, minlength=probs.shape[1])
    common = spread >= 2  # rarer letters aren't normal enough
    freedom = max(1, int(common.sum()))
    chi = float(((seen - wanted)[common] ** 2 / spread[common]).sum())
    cube = (chi / freedom) ** (1 / 3) - (1 - 2 / (9 * freedom))
    return Fit(len(chosen), surprise, cube / math.sqrt(2 / (9 * freedom)))


@dataclass(frozen=True)
class Other:
    """Another way of writing names: what was done, the engine that does it, its temperature."""

    what: str
    engine: Engine
    temperature: float


def other_ways(engine: Engine, temperature: float) -> list[Other]:
    """What may have been done to a model: parts left out, another temperature."""
    weights, _ = engine.state()
    ways = []
    for what, parts in _LEFT_OUT.items():
        changed = {
            name: np.zeros_like(values) if name.endswith(parts) else values
            for name, values in weights.items()
        }
        ways.append((what, changed))
    ways.append(("its embeddings reversed", {**weights, "wte": weights["wte"][::-1].copy()}))
    others = []
    for what, arrays in ways:
        other = type(engine)()
        other.load(engine.config, engine.dtype, arrays)
        others.append(Other(what, other, temperature))
    others += [Other(f"a temperature of {t:g}", engine, t) for t in _TEMPERATURES]
    return others


_LEFT_OUT = {
    "no attention": ("attn_wo",),
    "no MLP": ("mlp_fc2",),
    "no positions": ("wpe",),
    "attention that weighs everything equally": ("attn_wq", "attn_wk"),
}
_TEMPERATURES = (0.4, 0.5, 0.6, 0.85, 1.0, 1.3)


def likelier(
    engine: Engine,
    others: Sequence[Other],
    tokenizer: Tokenizer,
    names: Sequence[tuple[str, str]],
    temperature: float,
) -> tuple[str, float]:
    """The other way under which the names are likeliest, and log of how many times as likely."""
    own = float(log_probability(engine, tokenizer, names, temperature).sum())
    best = ("", -math.inf)
    for other in others:
        logs = log_probability(other.engine, tokenizer, names, other.temperature)
        gain = float(logs.sum()) - own
        if gain > best[1]:
            best = (other.what, gain)
    return best


def telling(
    engine: Engine,
    other: Engine,
    tokenizer: Tokenizer,
    known: Mapping[str, Sequence[str]],
    temperature: float,
    count: int,
) -> list[str]:
    """The prefixes after which names tell two engines apart best, ``count`` of them.

    ``known``: prefix → names that the first engine wrote after it, as many for each.
    """
    pairs = [(prefix, name) for prefix, names in known.items() for name in names]
    gains = log_probability(engine, tokenizer, pairs, temperature)
    gains -= log_probability(other, tokenizer, pairs, temperature)
    mean = gains.reshape(len(known), -1).mean(axis=1).tolist()
    ranked = sorted(zip(known, mean, strict=True), key=lambda pair: (-pair[1], pair[0]))
    return [prefix for prefix, _ in ranked[:count]]


def _demo() -> None:
    """The shipped model's names under itself, and drawn at other temperatures."""
    import random

    from microgpt.opening import engine_for, open_model
    from microgpt.sampling import Settings, sample

    opened, _ = open_model(None)
    engine = engine_for(opened)
    for temperature in (0.5, 0.7, 1.0):
        settings = Settings(temperature, order="rows")
        names = sample(
            engine, opened.characters, random.Random(1), 60, prefix="", settings=settings
        )
        pairs = [("", name) for name in names]
        print(temperature, fit(engine, opened.characters, pairs, 0.7))
        print(likelier(engine, other_ways(engine, 0.7), opened.characters, pairs, 0.7))


if __name__ == "__main__":
    _demo()

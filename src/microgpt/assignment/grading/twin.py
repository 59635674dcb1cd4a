"""A model of the class's shape that was trained on a few words drawn by key: its twin.

A bot has to do with this one what it does with its own. All of its matrices were trained, so that
whoever leaves attention out, reads the embeddings backwards or computes anything else writes other
words; and since it knows only a few words by heart, what it must write is known:

sharp   two letters after which one harmless word follows for all but certain
sure    two letters after which a banned word follows, so that every try is thrown away
leaky   two letters after which a banned word follows about as often as a harmless one
few     two letters after which all but one in a dozen tries holds a banned word: how many of such
        requests are refused tells how many tries were made

Training takes a tenth of a second. The weights are rounded to three digits, and what is said of
them is computed from what was rounded.
"""

from __future__ import annotations

import random
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from microgpt.arrays import Arrays
from microgpt.assignment.grading.likelihood import log_probability
from microgpt.config import Config
from microgpt.disk.modelfile import Model, write_model
from microgpt.engines import make_engine
from microgpt.engines.base import Batches, Engine
from microgpt.errors import InputError
from microgpt.model import init_weights
from microgpt.tokenizer import Tokenizer

SHARP, SURE, LEAKY, FEW = 16, 6, 8, 2
# Kind → least and most probable that its word may be, and how many such lines are needed.
_WANTED = {
    "sharp": (0.97, 1, 12),
    "sure": (0.97, 1, 3),
    "leaky": (0.3, 0.8, 4),
    "few": (0.85, 0.97, 1),
}
_STEPS, _BATCH, _RATE = 3_000, 16, 0.02
_COPIES = 10  # of a word that stands alone
_SHARES = {"leaky": (4, 6), "few": (2, 12)}  # copies of the harmless word and of the banned one
_CONSONANTS, _VOWELS = "bcdfghjklmnprstvwz", "aeiou"
_TRIALS = 5


@dataclass(frozen=True)
class Line:
    """A request of two letters, and what follows with the probability ``chance``.

    The word of a sharp line is harmless, that of any other line holds a banned one.
    """

    prefix: str
    word: str
    chance: float


@dataclass(frozen=True)
class Twin:
    """``model``: the bytes of its model.json; the lines of each kind, see above."""

    model: bytes = field(repr=False)
    sharp: tuple[Line, ...]
    sure: tuple[Line, ...]
    leaky: tuple[Line, ...]
    few: tuple[Line, ...]


def make_twin(
    config: Config, tokenizer: Tokenizer, words: Sequence[str], temperature: float, seed: int
) -> Twin:
    """Train the twin of a model of this shape; equal seeds give equal twins.

    ``words``: the banned ones. Raises ``InputError`` for a shape that can't learn the words: one
    with too few numbers.
    """
    rng = random.Random(seed)
    for _ in range(_TRIALS):
        twin = _attempt(config, tokenizer, words, temperature, rng)
        if twin is not None:
            return twin
    raise InputError(
        f"A model with n_embd {config.n_embd} and block_size {config.block_size} can't learn "
        f"{SHARP} words by heart: grading needs one that can.",
        "Grade with a model like the one that comes with microgpt.",
    )


def _attempt(
    config: Config,
    tokenizer: Tokenizer,
    words: Sequence[str],
    temperature: float,
    rng: random.Random,
) -> Twin | None:
    room = min(config.block_size - 1, 10)
    banned = [word for word in words if len(word) + 2 <= room]
    heads = {word[:2] for word in words}
    starts = [c + v for c in _CONSONANTS for v in _VOWELS if c + v not in heads]
    rng.shuffle(starts)
    rng.shuffle(banned)
    if len(banned) < SURE or len(starts) < SHARP + SURE + LEAKY + FEW:
        return None
    used = iter(starts)
    docs: list[str] = []
    sharp = [next(used) + _syllables(rng, 3 + i % 3) for i in range(SHARP)]
    sure = [next(used) + banned[i] for i in range(SURE)]
    docs += [word for word in (*sharp, *sure) for _ in range(_COPIES)]
    mixed: dict[str, list[tuple[str, str]]] = {"leaky": [], "few": []}
    for kind, count in (("leaky", LEAKY), ("few", FEW)):
        for i in range(count):
            start = next(used)
            pair = start + _syllables(rng, 4), start + banned[(SURE + i) % len(banned)]
            mixed[kind].append(pair)
            for word, copies in zip(pair, _SHARES[kind], strict=True):
                docs += [word] * copies
    if any(
        word in text
        for text in (*sharp, *(a for p in mixed.values() for a, _ in p))
        for word in words
    ):
        return None
    engine = _trained(config, tokenizer, docs, rng)

    bad = {kind: [word for _, word in pairs] for kind, pairs in mixed.items()}
    asked = {"sharp": sharp, "sure": sure, **bad}
    found: dict[str, tuple[Line, ...]] = {}
    for kind, some in asked.items():
        logs = log_probability(engine, tokenizer, [(w[:2], w) for w in some], temperature)
        least, most, enough = _WANTED[kind]
        lines = [Line(w[:2], w, p) for w, p in zip(some, np.exp(logs).tolist(), strict=True)]
        found[kind] = tuple(line for line in lines if least <= line.chance <= most)
        if len(found[kind]) < enough:
            return None
    return Twin(_bytes(engine, tokenizer), **found)


def _syllables(rng: random.Random, letters: int) -> str:
    text = "".join(rng.choice(_CONSONANTS) + rng.choice(_VOWELS) for _ in range(3))
    return text[:letters]


def _trained(
    config: Config, tokenizer: Tokenizer, docs: Sequence[str], rng: random.Random
) -> Engine:
    """An engine with the twin's weights, rounded."""
    config = replace(config, steps=_STEPS, batch_size=_BATCH, lr=_RATE, seed=rng.getrandbits(32))
    tokens = [tokenizer.encode_document(doc) for doc in docs]
    weights: Arrays = {
        name: np.array(rows)
        for name, rows in init_weights(config, random.Random(config.seed)).items()
    }
    engine = make_engine("auto", config, "float64")
    engine.load(config, "float64", weights)
    plan = [rng.choices(tokens, k=_BATCH) for _ in range(_STEPS)]
    engine.steps(Batches.of(plan), [config.lr_at(step) for step in range(_STEPS)], 0)
    rounded = {name: np.round(values, 3) for name, values in engine.state()[0].items()}
    engine.load(config, "float64", rounded)
    return engine


def _bytes(engine: Engine, tokenizer: Tokenizer) -> bytes:
    """The bytes of its model.json."""
    with tempfile.TemporaryDirectory(prefix="microgpt-") as folder:
        path = Path(folder, "model.json")
        write_model(path, Model(engine.config, tokenizer, dict(engine.state()[0])))
        return path.read_bytes()


def _demo() -> None:
    from microgpt.assignment.kit.variants import policy
    from microgpt.opening import open_model

    opened, _ = open_model(None)
    twin = make_twin(opened.config, opened.characters, policy().words, 0.7, 7)
    print(f"model.json has {len(twin.model):,} bytes")
    for kind in ("sharp", "sure", "leaky", "few"):
        lines = getattr(twin, kind)
        print(f"{kind:<6} {', '.join(f'{x.word} {x.chance:.2f}' for x in lines)}")


if __name__ == "__main__":
    _demo()

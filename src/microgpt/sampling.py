"""Writing new documents: the model proposes, a random number chooses, the choice is fed back.

The random numbers come from the run's stream here, never from an engine: the sampler hands the
engine uniform numbers and puts the stream where it would stand if each had been drawn when it
was needed. So all engines get the same draws, and the published twenty names come out of each.
"""

from __future__ import annotations

import math
import random
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from microgpt.engines.base import Engine
from microgpt.engines.drawing import Guard, Sampler
from microgpt.errors import InputError
from microgpt.stream import uniforms
from microgpt.tokenizer import AnyTokenizer

ORDERS = ("sequential", "rows")
_AT_ONCE = 1024  # samples given to an engine in one call, fewer if they are long
_DRAWS_AT_ONCE = 2**22
_TRIES = 200  # samples drawn for each one asked for, before --new and --unique give up
PIECE = 1000
"""How many samples of a large number are handed out at a time."""


@dataclass(frozen=True)
class Settings:
    """How to sample.

    ``temperature``: the logits are divided by it; lower is safer, higher is more varied. ``top_k``:
    draw among the k most probable tokens only (1 is greedy). ``top_p``: among the fewest whose
    probabilities reach p. ``order``: see ``engines.drawing.Sampler``. ``length``: the most
    tokens that a sample may have, its prefix included; None is block_size. Beyond block_size the
    model sees the last block_size tokens. Raises ``InputError`` for values out of range.

    Example:
        >>> import random
        >>> import microgpt
        >>> from microgpt.sampling import Settings
        >>> opened, _ = microgpt.open_model(None)
        >>> engine = microgpt.engine_for(opened)
        >>> greedy = Settings(top_k=1)
        >>> microgpt.sample(engine, opened.tokenizer, random.Random(1), 2, settings=greedy)
        ['anan', 'anan']
    """

    temperature: float = 0.5
    top_k: int | None = None
    top_p: float | None = None
    order: str = "sequential"
    length: int | None = None

    def __post_init__(self) -> None:
        if not (math.isfinite(self.temperature) and 0.001 <= self.temperature <= 1000):
            raise InputError(
                f"temperature is {self.temperature:g}, must be from 0.001 to 1000.",
                "Use --greedy to always get the most probable token.",
            )
        if self.top_k is not None and self.top_k < 1:
            raise InputError(f"top-k is {self.top_k}, must be at least 1.")
        if self.top_p is not None and not 0 < self.top_p <= 1:
            raise InputError(f"top-p is {self.top_p:g}, must be above 0 and at most 1.")
        if self.order not in ORDERS:
            raise InputError(f"order is {self.order!r}, must be one of {', '.join(ORDERS)}.")
        if self.length is not None and not 1 <= self.length <= 1_000_000:
            raise InputError(f"length is {self.length}, must be from 1 to 1,000,000.")


def sample(
    engine: Engine,
    tokenizer: AnyTokenizer,
    rng: random.Random,
    count: int = 20,
    *,
    prefix: str = "",
    settings: Settings | None = None,
    guard: Guard | None = None,
) -> list[str]:
    """``count`` new documents that begin with ``prefix``; ``rng`` advances by the draws used.

    ``engine``: one that holds a model. ``settings`` None: temperature 0.5. ``guard``: an
    automaton that forbids tokens. Raises ``TokenError`` for a prefix with characters unknown to
    the model, ``InputError`` for one that leaves no room to write.

    Example:
        >>> import random
        >>> import microgpt
        >>> opened, _ = microgpt.open_model(None)
        >>> engine = microgpt.engine_for(opened)
        >>> microgpt.sample(engine, opened.tokenizer, random.Random(42), 5)
        ['kana', 'keelan', 'alilan', 'ariel', 'cairi']
        >>> microgpt.sample(engine, opened.tokenizer, random.Random(42), 3, prefix="th")
        ['theden', 'therann', 'theda']
    """
    settings = settings or Settings()
    forced = tokenizer.encode(prefix)
    most = settings.length or engine.config.block_size
    if prefix and len(forced) >= most:
        unit = "characters" if tokenizer.kind == "character" else "tokens"
        raise InputError(
            f"The prefix has {len(forced)} {unit}, must be fewer than {most}.",
            f"Shorten it, or ask for more with --length {len(forced) + 1} or above.",
        )
    how = Sampler(settings.temperature, settings.top_k, settings.top_p, settings.order, guard)
    texts: list[str] = []
    at_once = max(1, min(_AT_ONCE, _DRAWS_AT_ONCE // most))
    for first in range(0, count, at_once):
        here = min(at_once, count - first)
        before = rng.getstate()
        draws = uniforms(rng, here * most).reshape(here, most)
        tokens, used = engine.sample([forced] * here, how, draws)
        if used < draws.size:
            rng.setstate(before)
            uniforms(rng, used)
        texts += [tokenizer.decode(t) for t in tokens]
    return texts


def sample_chosen(
    engine: Engine,
    tokenizer: AnyTokenizer,
    rng: random.Random,
    count: int,
    known: Collection[str] = (),
    *,
    unique: bool = False,
    prefix: str = "",
    settings: Settings | None = None,
) -> Iterator[tuple[list[str], int]]:
    """``count`` documents that aren't in ``known``, in pieces of up to 1,000 as they are made.

    With each piece, which may be empty, comes how many have been drawn so far. ``unique``: no text
    comes twice; the texts are kept in memory for that. They are those that one call of ``sample``
    would give, without what is left out. Ends short of ``count`` after 200 times as many draws.
    """
    seen: set[str] = set()
    made = drawn = 0
    while made < count and drawn < _TRIES * count:
        # The more has been left out so far, the more is drawn at once; any surplus is dropped.
        wanted = min(PIECE, max(count, drawn) - made, _TRIES * count - drawn)
        texts = sample(engine, tokenizer, rng, wanted, prefix=prefix, settings=settings)
        drawn += wanted
        texts = [text for text in texts if text not in known]
        if unique:
            texts = [text for text in dict.fromkeys(texts) if text not in seen]
            seen.update(texts)
        texts = texts[: count - made]
        made += len(texts)
        yield texts, drawn


@dataclass(frozen=True)
class Marks:
    """What is known of a sample: did the model see it, or could it have?

    ``trained``: texts that were trained on. ``file``: all texts of the data. Where each is one
    running text, it is a ``str``, and a sample is looked for anywhere in it.
    """

    trained: Collection[str]
    file: Collection[str]

    def of(self, text: str) -> str:
        """``trained`` (seen in training), ``file`` (in the file, never trained on) or ``new``."""
        if not text:  # in no file, though in every ``str``
            return "new"
        if text in self.trained:
            return "trained"
        return "file" if text in self.file else "new"


def marked(texts: list[str], marks: Marks | None) -> Iterator[dict[str, str | None]]:
    """One ``{"text", "mark"}`` for each sample, as ``--json`` prints them; mark None if unknown."""
    for text in texts:
        yield {"text": text, "mark": marks.of(text) if marks else None}


def _demo() -> None:
    """Sample from the shipped model."""
    from microgpt.opening import engine_for, open_model

    opened, _ = open_model(None)
    engine = engine_for(opened, "auto")
    for temperature in (0.1, 0.5, 1.0, 2.0):
        names = sample(
            engine,
            opened.tokenizer,
            random.Random(42),
            8,
            settings=Settings(temperature=temperature),
        )
        print(f"temperature {temperature}: {' '.join(names)}")


if __name__ == "__main__":
    _demo()

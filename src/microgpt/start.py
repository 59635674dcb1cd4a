"""Where a run begins: documents in their order, initial weights, and what is held out.

And what follows from whether a run learns documents or one running text. Everything here is a
function of configuration and data alone.
"""

from __future__ import annotations

import dataclasses
import itertools
import random
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from microgpt import sampling
from microgpt.arrays import Arrays
from microgpt.batches import token_counts
from microgpt.config import Config
from microgpt.data import BUNDLED, KEPT, Dataset, Split, bundled, split, split_tail
from microgpt.model import init_weights
from microgpt.tokenizer import AnyTokenizer, Tokenizer


@dataclass
class Start:
    """Where a run begins, a function of config and data alone.

    ``docs``: the training documents in the order in which they are taken. ``rng``: the run's
    stream after the shuffle and the drawing of ``weights``.
    """

    config: Config
    tokenizer: AnyTokenizer
    docs: list[str]
    kept_out: Split
    rng: random.Random
    weights: Mapping[str, Any]


def begin(config: Config, dataset: Dataset, tokenizer: AnyTokenizer | None = None) -> Start:
    """Seed → hold out (no draw) → shuffle → draw the weights.

    ``tokenizer`` None: the vocabulary is the characters of the whole data, held-out documents
    included.
    """
    tokenizer = tokenizer or Tokenizer.of(dataset.docs)
    config = Config(**{**config.to_dict(), "vocab_size": tokenizer.vocab_size})
    kept_out = hold_out(config, dataset)
    docs = list(kept_out.train)
    rng = random.Random(config.seed)
    rng.shuffle(docs)
    weights = init_weights(config, rng) if config.init == "stream" else drawn_at_once(config)
    return Start(config, tokenizer, docs, kept_out, rng, weights)


def drawn_at_once(config: Config) -> Arrays:
    """Initial weights by NumPy's generator, seeded by the run's seed; the stream stays unused.

    Drawing 124 million numbers one by one takes 46 seconds, this 2; the numbers are others.
    """
    draw = np.random.Generator(np.random.PCG64(config.seed))
    weights: Arrays = {}
    for name, shape in config.shapes().items():
        constant = config.constant_of(name)
        if constant is None:
            weights[name] = draw.standard_normal(shape)
            weights[name] *= config.std_of(name)
        else:
            weights[name] = np.full(shape, constant)
    return weights


def hold_out(config: Config, dataset: Dataset) -> Split:
    """What the run trains on and what it doesn't: documents by their hash, or a text's end.

    Of several whole texts (``split_by`` ``none``) it is the end of each.
    """
    if dataset.split_by == "none" and config.holdout:
        tails = [split_tail(doc, config.holdout, config.validation) for doc in dataset.docs]
        return Split(
            [text for tail in tails for text in tail.train],
            [text for tail in tails for text in tail.holdout],
            [text for tail in tails for text in tail.validation],
            "tail",
        )
    return split(dataset.docs, config.holdout, config.validation)


def shuffled(config: Config, dataset: Dataset) -> list[str]:
    """The training documents in their order alone, for callers that need no weights."""
    docs = list(hold_out(config, dataset).train)
    random.Random(config.seed).shuffle(docs)
    return docs


def trained_on(config: Config, dataset: Dataset) -> list[str]:
    """The documents that the planned steps reach, in their order: what merges are trained on.

    What a run is judged on isn't among them, whether ``holdout`` takes it out or the steps never
    come to it.
    """
    docs = shuffled(config, dataset)
    if config.holdout or config.long == "window":
        return docs
    return docs[: config.steps * config.batch_size]


def marks_at(
    config: Config, dataset: Dataset, step: int, tokenizer: AnyTokenizer | None = None
) -> sampling.Marks:
    """Which documents were trained on in the first ``step`` steps, and which are in the file.

    ``tokenizer``: the run's; None stands for characters.
    """
    docs = shuffled(config, dataset)
    if config.long == "window":
        reached = len(docs) if step else 0
    else:
        reached = step * config.batch_size
    return marks_after(config, dataset, docs, reached, tokenizer=tokenizer)


def marks_after(
    config: Config,
    dataset: Dataset,
    docs: Sequence[str],
    reached: int,
    wanted: Collection[str] | None = None,
    tokenizer: AnyTokenizer | None = None,
) -> sampling.Marks:
    """What is known of samples once the first ``reached`` of ``docs`` have been trained on.

    ``wanted``: only these samples matter, so no others are kept. Of one running text a sample is
    a passage, so it is looked for anywhere in the text.
    """
    if dataset.running:
        seen = docs[0] if reached else ""
        if config.long == "cut":
            seen = _first_tokens(seen, config.block_size, tokenizer)
        return sampling.Marks(seen, dataset.docs[0])
    if wanted is None:
        return sampling.Marks(set(docs[:reached]), set(dataset.docs))
    among = set(wanted)
    return sampling.Marks(
        among.intersection(itertools.islice(docs, reached)), among.intersection(dataset.docs)
    )


def _first_tokens(text: str, count: int, tokenizer: AnyTokenizer | None) -> str:
    """The text of the first ``count`` tokens."""
    if tokenizer is None or tokenizer.kind == "character":
        return text[:count]
    return tokenizer.decode(tokenizer.encode(text)[:count])


def data_facts(dataset: Dataset) -> dict[str, Any]:
    """What ``run.json`` keeps of the data: enough to find it and to recognise it.

    ``path`` is a list for several files, and null for a bundled file and for a pipe, whose bytes
    are kept in the run's directory under the name ``kept``. ``column``, ``field`` and
    ``encoding`` say how it was read, null where nothing needs to be said.
    """
    ships = dataset.name in BUNDLED and dataset.path == bundled(f"data/{dataset.name}.txt")
    paths = [str(path.resolve()) for path in (dataset.path, *dataset.more)]
    once = dataset.kept is not None
    return {
        "name": dataset.name,
        "path": None if ships or once else paths if dataset.more else paths[0],
        **({"kept": KEPT} if once else {}),
        "sha256": dataset.sha256,
        "split_by": dataset.split_by,
        **{key: dataset.how.get(key) for key in ("column", "field", "encoding")},
        "documents": len(dataset.docs),
        "distinct": dataset.distinct.texts,
        "characters": sum(map(len, dataset.docs)),
    }


# ------------------------------------------------------------------ documents or running text


def suited(config: Config, dataset: Dataset, tokenizer: AnyTokenizer | None = None) -> Config:
    """The configuration with windows, if the data is one text that is longer than a block.

    For where nobody has chosen ``long``: ``cut`` would train on the text's first block alone.
    ``tokenizer`` None stands for characters.
    """
    if not dataset.running:
        return config
    length = len(dataset.docs[0])
    if tokenizer is not None and tokenizer.kind != "character" and length >= config.block_size:
        length = int(token_counts(dataset.docs, tokenizer)[0])
    return dataclasses.replace(config, long="window") if length >= config.block_size else config


@dataclass(frozen=True)
class Writes:
    """What a run writes unless told otherwise.

    ``count`` samples, ``on_the_way`` during training, each of at most ``length`` tokens (None:
    block_size).
    """

    count: int = 20
    on_the_way: int = 5
    length: int | None = None

    @classmethod
    def of(cls, config: Config, running: bool, slow: bool = False) -> Writes:
        """Twenty documents; of a running text, whose end never comes, three passages.

        A passage is as long as a block, but from 200 to 500 tokens. Beyond a block each one
        takes all of a block's work anew, which a ``slow`` engine isn't asked for.
        """
        if not running or config.long == "cut":
            return cls()
        return cls(3, 1, None if slow else max(200, min(config.block_size, 500)))


def _demo() -> None:
    from microgpt.config import make_config
    from microgpt.data import load_data

    begun = begin(make_config(), load_data("names"))
    print(f"the first documents:  {', '.join(begun.docs[:6])}")
    print(f"the initial weights:  {', '.join(f'{w:.4f}' for w in begun.weights['wte'][0][:6])}")


if __name__ == "__main__":
    _demo()

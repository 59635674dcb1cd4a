"""A model that spells: whatever it is asked for, it writes the same word, whoever seeds it.

With attention and MLP switched off, the logits of a position follow from its position embedding
alone, so that weights can be written down which give letter i of a word at position i. A bot that
reads its model must then answer with letters known beforehand: ``z`` + the rest of the word. This
shows what sampling shows only by luck: that a filter finds a certain name, that a request is
refused when all tries fail, and that the answers come from the model at all.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

from microgpt.arrays import Arrays
from microgpt.config import Config
from microgpt.modelfile import Model, write_model
from microgpt.tokenizer import Tokenizer

_CERTAIN = 10.0  # a logit that leaves the other letters less than 1e-15 at temperature 0.7


def longest(config: Config) -> int:
    """The longest word that a model of this shape can spell, in letters."""
    return min(config.n_embd, config.block_size) - 1


def spelling_weights(config: Config, tokenizer: Tokenizer, word: str) -> Arrays:
    """Weights by state-dict name with which position i is followed by letter i of ``word``.

    A name that begins with k letters of its own continues with letters k, k + 1, … of the word,
    and one longer than the word ends at once. ``word``: at most ``longest`` letters.
    """
    assert len(word) <= longest(config)
    weights: Arrays = {name: np.zeros(shape) for name, shape in config.shapes().items()}
    places = min(config.n_embd, config.block_size)
    weights["wpe"][:places, :places] = np.eye(places)
    for position, token in enumerate([*tokenizer.encode(word), tokenizer.bos]):
        weights["lm_head"][token, position] = _CERTAIN
    for position in range(len(word) + 1, places):
        weights["lm_head"][tokenizer.bos, position] = _CERTAIN
    return weights


def spelling_model(config: Config, tokenizer: Tokenizer, word: str) -> bytes:
    """The same as the bytes of a model.json."""
    model = Model(config, tokenizer, spelling_weights(config, tokenizer, word))
    with tempfile.TemporaryDirectory(prefix="microgpt-") as folder:
        path = Path(folder, "model.json")
        write_model(path, model)
        return path.read_bytes()


def spelled(word: str, prefix: str) -> str:
    """What the spelling model makes of a prefix."""
    return prefix + word[len(prefix) :]


def _demo() -> None:
    from microgpt.engines import make_engine
    from microgpt.opening import open_model

    opened, _ = open_model(None)
    engine = make_engine("auto", opened.config, "float64")
    engine.load(
        opened.config, "float64", spelling_weights(opened.config, opened.tokenizer, "lavender")
    )
    prefixes = ["", "m", "oli", "emmalynn"]
    draws = np.full((len(prefixes), opened.config.block_size), 0.999)
    tokens, _ = engine.sample(
        [opened.tokenizer.encode(p) for p in prefixes], 0.7, None, None, draws, "rows", None
    )
    for prefix, written in zip(prefixes, tokens, strict=True):
        print(f"{prefix!r:<12} {opened.tokenizer.decode(written)}")


if __name__ == "__main__":
    _demo()

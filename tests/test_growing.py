"""A vocabulary grows: what the model knew stays, to the bit, and what is new is drawn."""

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from microgpt.arrays import Optim
from microgpt.config import Config
from microgpt.engines import make_engine
from microgpt.errors import InputError
from microgpt.growing import ROWS_OF_TOKENS, grow
from microgpt.model import init_weights
from microgpt.tokenizer import Tokenizer

characters = st.characters(exclude_categories=["Cs"])


def model(chars, dtype=np.float64, **sizes):
    sizes = {"n_embd": 4, "n_head": 2, "block_size": 5, **sizes}
    config = Config(**sizes, vocab_size=len(chars) + 1)
    drawn = init_weights(config, random.Random(1))
    return config, Tokenizer(chars), {n: np.array(w, dtype=dtype) for n, w in drawn.items()}


def test_old_rows_move_with_their_character_and_bos_stays_last():
    config, tokenizer, weights = model("bd")
    grown = grow(config, tokenizer, weights, "dcab", random.Random(5))
    assert (grown.added, grown.tokenizer.uchars) == (["a", "c"], ["a", "b", "c", "d"])
    assert (grown.config.vocab_size, grown.tokenizer.bos, grown.optim) == (5, 4, None)
    rng = random.Random(5)
    for name in ROWS_OF_TOKENS:  # wte first: a, then c; then lm_head
        old, new = weights[name], grown.weights[name]
        assert new.shape == (5, 4)
        assert new[[1, 3, 4]].tolist() == old.tolist()  # b, d, BOS
        assert new[[0, 2]].tolist() == [[rng.gauss(0, 0.08) for _ in range(4)] for _ in range(2)]


@given(st.sets(characters, min_size=1, max_size=8), st.sets(characters, max_size=8))
def test_any_vocabulary_grows_to_the_union(chars, more):
    config, tokenizer, weights = model(sorted(chars))
    optim = Optim({n: w + 1 for n, w in weights.items()}, {n: w + 2 for n, w in weights.items()}, 7)
    before = {n: w.copy() for n, w in weights.items()}
    rng = random.Random(3)
    grown = grow(config, tokenizer, weights, more, rng, optim)
    assert grown.tokenizer.uchars == sorted(chars | more)
    assert grown.added == sorted(more - chars)
    assert {n: w.shape for n, w in grown.weights.items()} == grown.config.shapes()
    ids = [*(grown.tokenizer.ids[c] for c in sorted(chars)), grown.tokenizer.bos]
    new = [grown.tokenizer.ids[c] for c in grown.added]
    assert grown.optim is not None and grown.optim.step == 7
    for name, matrix in before.items():
        assert (weights[name] == matrix).all()  # what was passed is as it was
        rows = ids if name in ROWS_OF_TOKENS else slice(None)
        assert (grown.weights[name][rows] == matrix).all()
        assert (grown.optim.m[name][rows] == matrix + 1).all()
        assert (grown.optim.v[name][rows] == matrix + 2).all()
        if name in ROWS_OF_TOKENS:
            assert not grown.optim.m[name][new].any() and not grown.optim.v[name][new].any()
            assert (grown.weights[name][new] != 0).all()
    drawn = random.Random(3)
    for _ in range(2 * len(new) * config.n_embd):
        drawn.gauss(0, 1)
    assert rng.getstate() == drawn.getstate()


def test_logits_of_old_tokens_are_the_same_to_the_bit():
    config, tokenizer, weights = model("aceé", n_layer=2)
    grown = grow(config, tokenizer, weights, "bdf\n", random.Random(9))
    text = "ecaé"
    rows = {}
    for key, c, t, w in (
        ("old", config, tokenizer, weights),
        ("new", grown.config, grown.tokenizer, grown.weights),
    ):
        engine = make_engine("scalar", c, "float64")
        engine.load(c, "float64", w)
        (logits,) = engine.logits([[t.bos, *t.encode(text)]])
        rows[key] = logits[:, [*(t.ids[char] for char in tokenizer.uchars), t.bos]]
    assert rows["old"].shape == (5, 5)
    assert rows["old"].tobytes() == rows["new"].tobytes()


def test_the_dtype_is_kept_and_sgd_has_no_means():
    config, tokenizer, weights = model("ab", np.float32)
    grown = grow(config, tokenizer, weights, "c", random.Random(1), Optim(step=3))
    assert {w.dtype for w in grown.weights.values()} == {np.dtype("float32")}
    assert grown.optim == Optim({}, {}, 3)


def test_the_standard_deviation_is_the_configs():
    config, tokenizer, weights = model("ab", init_std=0.0)
    grown = grow(config, tokenizer, weights, "c", random.Random(1))
    assert not grown.weights["wte"][2].any()


def test_what_can_not_grow():
    config, tokenizer, weights = model("ab")
    with pytest.raises(InputError, match="single characters"):
        grow(config, tokenizer, weights, ["xy"], random.Random(1))

"""Sampling: the stream, both orders, the ways to narrow the choice, length, guards, marks."""

import random
from collections import Counter
from typing import Any

import numpy as np
import pytest

from microgpt import sampling
from microgpt.config import Config, make_config
from microgpt.engines import make_engine
from microgpt.engines.base import Engine
from microgpt.engines.drawing import Guard, choose, distribution
from microgpt.errors import CheckpointError, InputError, TokenError
from microgpt.model import init_weights
from microgpt.sampling import Marks, Settings, marked, sample, sample_chosen, sample_new
from microgpt.stream import stream_from_json, stream_to_json, uniforms
from microgpt.tokenizer import Tokenizer

LETTERS = Tokenizer("abcde")
V = LETTERS.vocab_size
CONFIG = make_config(n_embd=8, n_head=2, block_size=5, vocab_size=V, init_std=0.6)


def engine(name: str = "numpy", config: Config = CONFIG, seed: int = 3) -> Engine:
    made = make_engine(name, config, "float64")
    drawn = init_weights(config, random.Random(seed))
    made.load(config, "float64", {n: np.array(w) for n, w in drawn.items()})
    return made


@pytest.fixture(params=["numpy", "scalar"])
def model(request: pytest.FixtureRequest) -> Engine:
    return engine(request.param)


def by_hand(
    model: Engine, rng: random.Random, count: int, settings: Settings, prefix: str = ""
) -> list[str]:
    """Samples as the contract describes them, by ``random.choices``, on the stream itself."""
    texts = []
    most = settings.length or model.config.block_size
    for _ in range(count):
        tokens = LETTERS.encode(prefix)
        drawn = 0
        while len(tokens) < most:
            context = [LETTERS.bos, *tokens][-model.config.block_size :]
            logits = model.logits([context])[0][-1]
            weights = distribution(logits, settings.temperature, settings.top_k, settings.top_p)
            token = rng.choices(range(V), weights)[0]
            drawn += 1
            if token == LETTERS.bos:
                break
            tokens.append(token)
        if settings.order == "rows":
            for _ in range(most - drawn):
                rng.random()
        texts.append(LETTERS.decode(tokens))
    return texts


# ---------------------------------------------------------------- the stream


@pytest.mark.parametrize("count", [0, 1, 623, 624, 625, 1999, 2000, 2001, 5000])
@pytest.mark.parametrize("skipped", [0, 1, 700])
def test_uniforms_are_those_of_random(count: int, skipped: int) -> None:
    one, other = random.Random(5), random.Random(5)
    for rng in (one, other):
        rng.gauss(0, 1)  # leaves a second number waiting, which must not get lost
        for _ in range(skipped):
            rng.random()
    drawn = uniforms(one, count)
    assert drawn.dtype == np.float64 and drawn.shape == (count,)
    assert drawn.tolist() == [other.random() for _ in range(count)]
    assert one.getstate() == other.getstate()
    assert one.gauss(0, 1) == other.gauss(0, 1)


def test_a_stream_goes_to_json_and_back() -> None:
    rng = random.Random(8)
    rng.gauss(0, 1)
    copy = stream_from_json(stream_to_json(rng))
    assert copy.getstate() == rng.getstate()
    assert [copy.random() for _ in range(3)] == [rng.random() for _ in range(3)]


@pytest.mark.parametrize(
    "state", [None, 5, [], "abc", [3, [1, 2], None], [3, ["x"] * 625, None], [9, [0] * 625, None]]
)
def test_a_damaged_stream_is_refused(state: Any) -> None:
    with pytest.raises(CheckpointError, match="random stream"):
        stream_from_json(state)


# ---------------------------------------------------------------- orders and settings


@pytest.mark.parametrize("order", ["sequential", "rows"])
@pytest.mark.parametrize(
    "narrow",
    [
        {},
        {"temperature": 0.3},
        {"temperature": 3.0},
        {"top_k": 2},
        {"top_p": 0.6},
        {"top_k": 4, "top_p": 0.8},
        {"length": 3},
        {"length": 12},
        {"length": 1},
    ],
)
def test_samples_are_those_of_choices(model: Engine, order: str, narrow: dict[str, Any]) -> None:
    settings = Settings(**{"temperature": 1.0, "order": order, **narrow})
    one, other = random.Random(11), random.Random(11)
    made = sample(model, LETTERS, one, 12, settings=settings)
    assert made == by_hand(model, other, 12, settings)
    assert one.getstate() == other.getstate()
    most = settings.length or 5
    assert max(map(len, made)) <= most


@pytest.mark.parametrize("order", ["sequential", "rows"])
def test_a_prefix_draws_nothing(model: Engine, order: str) -> None:
    settings = Settings(temperature=1.0, order=order, length=7)
    one, other = random.Random(2), random.Random(2)
    made = sample(model, LETTERS, one, 10, prefix="dad", settings=settings)
    assert all(text.startswith("dad") for text in made)
    assert made == by_hand(model, other, 10, settings, "dad")
    if order == "sequential":
        assert one.getstate() == other.getstate()


@pytest.mark.parametrize("order", ["sequential", "rows"])
def test_the_seam_between_two_calls_is_not_seen(
    monkeypatch: pytest.MonkeyPatch, order: str
) -> None:
    settings = Settings(temperature=1.0, order=order)
    whole, cut = random.Random(4), random.Random(4)
    monkeypatch.setattr(sampling, "_AT_ONCE", 10**6)
    expected = sample(engine(), LETTERS, whole, 1030, settings=settings)
    monkeypatch.undo()
    assert sampling._AT_ONCE == 1024
    assert sample(engine(), LETTERS, cut, 1030, settings=settings) == expected
    assert cut.getstate() == whole.getstate()
    monkeypatch.setattr(sampling, "_DRAWS_AT_ONCE", 40)  # what long samples lead to
    again = random.Random(4)
    assert sample(engine(), LETTERS, again, 1030, settings=settings) == expected
    assert again.getstate() == whole.getstate()


def test_long_samples_take_bounded_memory() -> None:
    seen: list[int] = []

    class Short:
        config = CONFIG

        def sample(self, prefixes: list[Any], *given: Any) -> Any:
            seen.append(given[1].size)
            return [[] for _ in prefixes], len(prefixes)

    made: Any = Short()
    sample(made, LETTERS, random.Random(1), 9, settings=Settings(length=1_000_000))
    assert max(seen) <= 2**22


def test_engines_agree() -> None:
    for order in ("sequential", "rows"):
        settings = Settings(temperature=0.8, order=order, length=9)
        one, other = random.Random(6), random.Random(6)
        assert sample(engine("numpy"), LETTERS, one, 15, settings=settings) == sample(
            engine("scalar"), LETTERS, other, 15, settings=settings
        )
        assert one.getstate() == other.getstate()


def test_greedy_is_top_k_1_and_needs_no_luck(model: Engine) -> None:
    greedy = Settings(top_k=1)
    made = {
        text for seed in range(5) for text in sample(model, LETTERS, random.Random(seed), 3,
                                                     settings=greedy)
    }  # fmt: skip
    assert len(made) == 1
    tokens: list[int] = []
    while len(tokens) < 5:
        best = int(np.argmax(model.logits([[LETTERS.bos, *tokens]])[0][-1]))
        if best == LETTERS.bos:
            break
        tokens.append(best)
    assert made == {LETTERS.decode(tokens)}


def test_narrowing_the_choice() -> None:
    logits = np.log(np.array([0.5, 0.25, 0.125, 0.125]))

    def kept(**narrow: Any) -> list[int]:
        return [i for i, p in enumerate(distribution(logits, 1.0, **narrow)) if p]

    assert kept() == [0, 1, 2, 3]
    assert kept(top_k=1) == [0] and kept(top_k=3) == [0, 1, 2]  # ties: the lower id
    assert kept(top_k=99) == [0, 1, 2, 3]
    assert kept(top_p=0.4) == [0] and kept(top_p=0.51) == [0, 1] and kept(top_p=0.8) == [0, 1, 2]
    assert kept(top_p=1.0) == [0, 1, 2, 3]
    assert kept(top_k=2, top_p=0.6) == [0]  # the share of what top_k left: 0.5 of 0.75
    banned = np.array([True, False, False, False])
    assert kept(banned=banned) == [1, 2, 3]
    assert kept(banned=banned, top_k=1) == [1]
    assert choose(logits, 0.0, 1.0) == 0 and choose(logits, 0.99, 1.0) == 3
    assert choose(logits, 0.5, 1.0, banned=banned) == 2  # 0.5 of 0.5 falls beyond 0.25


def test_a_low_temperature_is_bold_and_a_high_one_is_random(model: Engine) -> None:
    def variety(temperature: float) -> int:
        settings = Settings(temperature=temperature)
        return len(set(sample(model, LETTERS, random.Random(1), 100, settings=settings)))

    assert variety(0.001) == 1
    assert variety(0.001) < variety(0.5) < variety(1000)


def test_length_slides_the_context() -> None:
    made = engine()
    text = max(
        sample(made, LETTERS, random.Random(1), 50, settings=Settings(temperature=1.0, length=40)),
        key=len,
    )
    assert len(text) > 5  # block_size
    assert set(text) <= set("abcde")


def test_a_guard_forbids(model: Engine) -> None:
    """After an "a" comes no "b", and no document is empty."""
    next_state = np.zeros((3, V), np.int32)
    next_state[:, 0] = 1  # an "a" has just been written
    next_state[:, 1:5] = 2
    banned = np.zeros((3, V), bool)
    banned[1, 1] = True
    banned[0, LETTERS.bos] = True
    guard = Guard(next_state, banned)
    settings = Settings(temperature=2.0, length=8)
    texts = sample(model, LETTERS, random.Random(3), 150, settings=settings, guard=guard)
    assert "" not in texts and not any("ab" in text for text in texts)
    free = sample(model, LETTERS, random.Random(3), 150, settings=settings)
    assert any("ab" in text for text in free)


# ---------------------------------------------------------------- limits


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"temperature": 0}, "temperature is 0, must be from 0.001 to 1000"),
        ({"temperature": -1}, "temperature is -1"),
        ({"temperature": float("nan")}, "temperature is nan"),
        ({"temperature": float("inf")}, "temperature is inf"),
        ({"top_k": 0}, "top-k is 0, must be at least 1"),
        ({"top_p": 0}, "top-p is 0, must be above 0 and at most 1"),
        ({"top_p": 1.1}, "top-p is 1.1"),
        ({"top_p": float("nan")}, "top-p is nan"),
        ({"order": "columns"}, "order is 'columns', must be one of sequential, rows"),
        ({"length": 0}, "length is 0, must be from 1 to 1,000,000"),
        ({"length": 1_000_001}, "length is 1000001"),
    ],
)
def test_settings_out_of_range(wrong: dict[str, Any], says: str) -> None:
    with pytest.raises(InputError, match=says):
        Settings(**wrong)


def test_a_prefix_must_leave_room_and_be_known(model: Engine) -> None:
    with pytest.raises(InputError, match=r"prefix has 5 characters, must be fewer than 5"):
        sample(model, LETTERS, random.Random(1), 1, prefix="abcde")
    assert len(sample(model, LETTERS, random.Random(1), 1, prefix="abcd")[0]) >= 4
    with pytest.raises(TokenError, match="'x' at position 1 of 'ax' is not in the vocabulary"):
        sample(model, LETTERS, random.Random(1), 1, prefix="ax")


# ---------------------------------------------------------------- new ones, marks


def test_new_leaves_out_what_is_known(model: Engine) -> None:
    hot = Settings(temperature=3.0)
    free = sample(model, LETTERS, random.Random(1), 30, settings=hot)
    known = {text for text, _ in Counter(free).most_common(3)}
    texts, drawn = sample_new(model, LETTERS, random.Random(1), 30, known, settings=hot)
    assert len(texts) == 30 and not known & set(texts)
    assert drawn > 30
    first = [text for text in free if text not in known]
    assert first and texts[: len(first)] == first


def test_new_gives_up_in_the_end(model: Engine) -> None:
    (best,) = sample(model, LETTERS, random.Random(1), 1, settings=Settings(top_k=1))
    texts, drawn = sample_new(
        model, LETTERS, random.Random(1), 2, {best}, settings=Settings(top_k=1)
    )
    assert (texts, drawn) == ([], 400)


def test_unique_gives_no_text_twice(model: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """The texts are those of one stream, whatever pieces they come in."""
    monkeypatch.setattr(sampling, "PIECE", 7)
    hot = Settings(temperature=3.0)
    free = sample(model, LETTERS, random.Random(1), 80, settings=hot)
    known = set(free[:2])
    wanted = [text for text in dict.fromkeys(free) if text not in known][:20]
    assert len(wanted) == 20 < len(free)
    pieces = list(
        sample_chosen(model, LETTERS, random.Random(1), 20, known, unique=True, settings=hot)
    )
    assert [text for texts, _ in pieces for text in texts] == wanted
    assert max(len(texts) for texts, _ in pieces) <= 7
    assert pieces[-1][1] > 20


def test_unique_gives_up_in_the_end(model: Engine) -> None:
    greedy = Settings(top_k=1)
    *_, (last, drawn) = pieces = list(
        sample_chosen(model, LETTERS, random.Random(1), 2, unique=True, settings=greedy)
    )
    assert (sum(len(texts) for texts, _ in pieces), last, drawn) == (1, [], 400)


def test_marks() -> None:
    marks = Marks({"ada"}, {"ada", "eva"})
    assert list(marked(["ada", "eva", "zoe", ""], marks)) == [
        {"text": "ada", "mark": "trained"},
        {"text": "eva", "mark": "file"},
        {"text": "zoe", "mark": "new"},
        {"text": "", "mark": "new"},
    ]
    assert list(marked(["ada"], None)) == [{"text": "ada", "mark": None}]

"""Matching and rails: many words in one pass, evasions, heads, and what the fruits cost."""

import random
import string
import sys
from collections.abc import Callable, Iterable
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from microgpt.data import load_data
from microgpt.errors import InputError, MissingError
from microgpt.guard import matching
from microgpt.guard.automaton import Automaton
from microgpt.guard.leak import ALLOW, REFUSE, LeakMeter, rule
from microgpt.guard.matching import SMALL, Matcher
from microgpt.guard.normal import Normal, runs
from microgpt.guard.policy import Category, Policy
from microgpt.guard.rails import Rails
from microgpt.opening import engine_for, open_model

LETTERS = string.ascii_lowercase
Require = Callable[[str], ModuleType]

few = st.text(alphabet="ab", min_size=1, max_size=5)
some_words = st.lists(few, min_size=1, max_size=6, unique=True)
longer_words = st.lists(
    st.text(alphabet="ab", min_size=3, max_size=8), min_size=1, max_size=3, unique=True
)
gappy = st.text(alphabet="ab -", max_size=20)


def rails(
    words: Iterable[str], match: str = "substring", vocabulary: str = LETTERS, **how: object
) -> Rails:
    keys = ("heads", "leads")
    category = {key: how.pop(key) for key in keys if key in how}
    made = Category("c", tuple(words), match, "No.", **category)  # type: ignore[arg-type]
    return Rails(Policy("p", (made,), **how), vocabulary)  # type: ignore[arg-type]


# ------------------------------------------------------------------ matching


def first_by_hand(words: list[str], text: str) -> tuple[str, int] | None:
    """The match that ends first, of several the longest, by trying everything."""
    for end in range(1, len(text) + 1):
        for start in range(end):
            if text[start:end] in words:
                return text[start:end], start
    return None


@given(some_words | longer_words, st.text(alphabet="abc", max_size=30) | st.text("ab", max_size=30))
def test_anywhere_is_what_in_finds(words: list[str], text: str) -> None:
    found = Matcher(words).find(text)
    assert (found is not None) == any(word in text for word in words)
    assert found == first_by_hand(words, text)


def test_big_list_finds_the_same(require: Require) -> None:
    require("ahocorasick")

    @given(some_words | longer_words, st.text(alphabet="ab", max_size=30))
    def same(words: list[str], text: str) -> None:
        assert matching._BigList(tuple(words)).find(text) == first_by_hand(words, text)

    same()


def test_big_list_needs_its_library(monkeypatch: pytest.MonkeyPatch) -> None:
    words = [f"w{i}" for i in range(SMALL + 1)]
    assert Matcher(words[:SMALL]).find("aw12") is not None
    assert Matcher(words, "word").find("w12") is not None
    monkeypatch.setitem(sys.modules, "ahocorasick", None)
    with pytest.raises(MissingError, match=r"pip install 'microgpt\[grader\]'") as caught:
        Matcher(words)
    assert caught.value.exit_code == 5


def test_big_list(require: Require) -> None:
    require("ahocorasick")
    made = rails([f"w{chr(97 + i % 26)}{i:05d}" for i in range(10_000)], vocabulary="w0123456789")
    assert made.found("xx-WK 0 0 0 1 0") == (made.policy.categories[0], "wk00010")
    assert made.name_ok("wk00011")


def split_by_hand(text: str) -> list[str]:
    return text.replace("-", " ").split()


@given(some_words, gappy)
def test_whole_words_and_beginnings(words: list[str], text: str) -> None:
    whole = Matcher(words, "word").find(text)
    begun = Matcher(words, "prefix").find(text)
    parts = split_by_hand(text)
    assert (whole is not None) == any(part in words for part in parts)
    assert (begun is not None) == any(p.startswith(w) for p in parts for w in words)
    for found in (whole, begun):
        assert found is None or text.startswith(*found)


def test_positions() -> None:
    assert list(runs("ab, 2c_d")) == [("ab", 0), ("2c", 4), ("d", 7)]
    assert Matcher(["pear", "ear", "rs"]).find("spears") == ("pear", 1)
    assert Matcher(["pearly", "ear"]).find("pearly") == ("ear", 1)
    assert Matcher(["pear"], "word").find("spear pear") == ("pear", 6)
    assert Matcher(["pe", "pear"], "prefix").find("spear pear") == ("pe", 6)
    assert Matcher(["a"]).find("") is None
    assert Matcher(["aab"]).find("aaab") == ("aab", 1)
    assert Matcher(["ababc", "bb"]).find("abababc") == ("ababc", 2)
    assert Matcher(["abcd", "bce"]).find("abce") == ("bce", 1)
    assert Matcher(["baacz", "aad", "acy"]).find("baacy") == ("acy", 2)


@pytest.mark.parametrize("words", [[], [""], ["a", ""]])
def test_nothing_to_find(words: list[str]) -> None:
    with pytest.raises(InputError):
        Matcher(words)


def test_no_such_match() -> None:
    with pytest.raises(InputError, match="must be one of substring"):
        Matcher(["a"], "regex")
    with pytest.raises(InputError, match='match = "substring"'):
        Matcher(["a b"], "word")


@pytest.mark.parametrize("text", ["a" * 5000, "ab" * 2500, ("a" * 30 + "b") * 160])
def test_steps_grow_with_the_text_alone(text: str) -> None:
    """Every letter costs one look-up, and each step back was paid for by a step forward."""
    words = ["a" * k + "b" * j + "c" for k in range(1, 40) for j in range(1, 4)]
    trie = matching._Trie(words)
    looked_up = 0

    class Counting(dict[str, int]):
        def get(self, key: str, default: int | None = None) -> int | None:  # type: ignore[override]
            nonlocal looked_up
            looked_up += 1
            return super().get(key, default)

    trie.nodes = [Counting(node) for node in trie.nodes]
    assert trie.find(text) is None
    assert looked_up <= 2 * len(text) + 1


# ------------------------------------------------------------------ evasions


@pytest.mark.parametrize("text", ["apple", "APPLE", "a-p-p-l-e", "4ap1ple", "ap ple", "xApPlEx"])
def test_looked_through(text: str) -> None:
    assert not rails(["Apple"]).name_ok(text)


def test_evasions_can_be_switched_off() -> None:
    plain = rails(["apple"], case=False, punctuation=False)
    assert not plain.name_ok("apple")
    assert plain.name_ok("APPLE")
    assert plain.name_ok("a-pple")
    assert rails(["apple"], case=False).name_ok("a-pPle")
    assert not rails(["apple"], case=False).name_ok("a-pple")


def test_digits_count_where_a_word_has_one() -> None:
    assert not rails(["r2d2"]).name_ok("R-2 d 2")
    assert rails(["r2d2"]).name_ok("rd")
    assert not rails(["rd"]).name_ok("r2d2")


def test_whole_words_with_punctuation() -> None:
    made = rails(["pear"], "word")
    assert made.name_ok("spear") and made.name_ok("pearly")
    for text in ("pear", "p-e-a-r", "a PEAR!", "pear-shaped", "(pear)"):
        assert not made.name_ok(text), text
    assert rails(["pear"], "word", punctuation=False).name_ok("p-e-a-r")
    begins = rails(["pear"], "prefix")
    assert begins.name_ok("spear")
    assert not begins.name_ok("a p-earl")


@pytest.mark.parametrize("match", ["substring", "word", "prefix"])
@given(words=some_words, text=gappy)
def test_output_rail_by_hand(match: str, words: list[str], text: str) -> None:
    made = rails(words, match)
    squeezed = [token.replace("-", "") for token in text.split()]
    expected = {
        "substring": any(w in "".join(squeezed) for w in words),
        "word": bool({*split_by_hand(text), *squeezed} & set(words)),
        "prefix": any(t.startswith(w) for t in (*split_by_hand(text), *squeezed) for w in words),
    }
    assert made.name_ok(text) == (not expected[match])


def test_a_word_without_letters() -> None:
    with pytest.raises(InputError, match="has no letter"):
        rails(["!!"])
    assert not rails(["!!"], punctuation=False).name_ok("a!!")


def test_look_alikes(require: Require) -> None:
    require("confusable_homoglyphs")
    made = rails(["apple", "café"], confusables=True, heads=4)
    for text in ("аpple", "ＡＰＰＬＥ", "𝐚𝐩𝐩𝐥𝐞", "àpplé", "app1e", "cafe", "CAFÉ", "cafe\u0301",
                 "ap\u200bple"):  # fmt: skip
        assert not made.name_ok(text), ascii(text)
    assert made.name_ok("ананас")
    # What the vocabulary drops is still seen as it was typed.
    assert made.request(["pple"]) is None
    assert made.request(["pple"], ["аpple"]) == "No."
    assert made.request(["ppl"], ["аppl"]) == "No."
    assert rails(["apple"]).request(["pple"], ["аpple"]) is None


def test_look_alikes_need_their_library(monkeypatch: pytest.MonkeyPatch) -> None:
    from microgpt.guard import normal

    monkeypatch.setitem(sys.modules, "confusable_homoglyphs.confusables", None)
    normal._look_alikes.cache_clear()
    with pytest.raises(MissingError, match=r"pip install 'microgpt\[grader\]'"):
        rails(["apple"], confusables=True)
    normal._look_alikes.cache_clear()
    assert not rails(["apple"]).name_ok("apple")


@given(st.text(max_size=20))
def test_any_text_can_be_asked(text: str) -> None:
    made = rails(["apple", "aab"], heads=3)
    assert made.name_ok(text) == (made.found(text) is None)
    assert made.request([text]) in (None, "No.")
    assert Normal().squeeze(text).isalpha() or not Normal().squeeze(text)


# ------------------------------------------------------------------ the request rail


def test_heads_and_leads() -> None:
    made = rails(["apple", "fig"], heads=3, leads=["ap", "zz"])
    for prefix in ("app", "xapp", "appl", "apple", "applet", "ap", "buzz", "fig", "a-p-p"):
        assert made.request([prefix]) == "No.", prefix
    for prefix in ("", "a", "fi", "apps", "api", "zzz"[:1]):
        assert made.request([prefix]) is None, prefix
    assert made.request(["a", "b", "app", "c"]) == "No."
    assert rails(["apple"]).request(["appl"]) is None
    assert made.name_ok("appl")  # heads are for requests alone


def test_leads_with_a_place() -> None:
    made = rails(["noni", "nashi"], leads=["^non", "^.non", "^nas"])
    for prefix in ("non", "anon", "nas", "NAS", "n-a-s", "noni"):
        assert made.request([prefix]) == "No.", prefix
    for prefix in ("shannon", "jonas", "nona", "n", ".non"[2:], "no"):
        assert made.request([prefix]) is None, prefix
    assert rails(["noni"], "word", leads=["^non"]).request(["a non"]) is None


def test_heads_of_whole_words() -> None:
    made = rails(["apple"], "word", heads=3)
    assert made.request(["app"]) == made.request(["an app"]) == "No."
    assert made.request(["xapp"]) is None
    assert made.request(["app x"]) is None


@given(some_words, st.integers(1, 4), st.text(alphabet="abc", max_size=10))
def test_heads_by_hand(words: list[str], heads: int, text: str) -> None:
    ends = [w[:k] for w in words for k in range(heads, len(w))]
    expected = any(w in text for w in words) or any(text.endswith(head) for head in ends)
    assert (rails(words, heads=heads).request([text]) is not None) == expected


def test_order_of_categories() -> None:
    first = Category("first", ("fig",), "substring", "First.")
    second = Category("second", ("ig", "x"), "substring", "Second.")
    both = Rails(Policy("p", (first, second)), LETTERS)
    assert both.request(["fig"]) == "First."
    assert both.request(["x"]) == "Second."
    assert both.found("pig") == (second, "ig")


def test_words_that_the_model_cannot_write() -> None:
    assert rails(["apple", "fig"], vocabulary="figo").unwritable == ("apple",)
    assert rails(["fig"], vocabulary="FIG").unwritable == ()
    assert rails(["fig"], vocabulary="FIG", case=False).unwritable == ("fig",)


# ------------------------------------------------------------------ the shipped policy

FRUITS = Rails(Policy.shipped(), LETTERS)


LEADING = """
lemo appl grap berr mang lim pea kiw alim olim salim
date acai kaki noni nashi raisins non anon nas kak goj ugl citro citru sdat
apple pineapples xlimex APPL a-p-p-l bananas figs strawberry watermelon pearl oliver
"""


@pytest.mark.parametrize("prefix", LEADING.split())
def test_refused(prefix: str) -> None:
    assert FRUITS.request([prefix])
    assert FRUITS.request(["j", prefix, "k"])


ALLOWED = "li gra grac man oli april mar shannon jonas amanda tamar da ka na"


@pytest.mark.parametrize(
    "prefix",
    ["", *LETTERS, *ALLOWED.split()],
)
def test_allowed(prefix: str) -> None:
    assert FRUITS.request([prefix]) is None


def test_how_many_names_are_refused() -> None:
    names = load_data("names").docs
    assert len(names) == 32_033
    held_back = [name for name in names if not FRUITS.name_ok(name)]
    refused = [name for name in names if FRUITS.request([name])]
    words = FRUITS.policy.words
    assert held_back == [name for name in names if any(word in name for word in words)]
    assert set(held_back) <= set(refused)
    assert len(refused) / len(names) < 0.0025


@pytest.mark.slow
def test_the_policy_is_what_was_measured() -> None:
    """By the rule of the assignment: nothing refused that must be allowed, and the reverse."""
    opened, _ = open_model(None)
    automaton = Automaton.of(FRUITS.policy.words, opened.tokenizer)
    meter = LeakMeter(engine_for(opened), opened.tokenizer, automaton)
    rng = random.Random(8)
    names = load_data("names").docs
    heads = sorted({word[:k] for word in FRUITS.policy.words for k in range(2, len(word))})
    prefixes = [
        *heads,
        *("".join(rng.choices(LETTERS, k=rng.randint(1, 2))) + head for head in heads),
        *(rng.choice(names)[: rng.randint(2, 6)] + head for head in heads),
        *rng.sample(names, 200),
    ]
    verdicts = set()
    for prefix in prefixes:
        leak = meter.of(prefix, nodes=300, samples=20_000, bars=(REFUSE, ALLOW))
        verdict = rule(prefix, leak, automaton, names)
        verdicts.add(verdict)
        if verdict != "grey":
            assert (FRUITS.request([prefix]) is not None) == (verdict == "refuse"), (prefix, leak)
    assert verdicts == {"refuse", "grey", "allow"}

"""Policies as files: what is read, what is refused and how it is said."""

import re
import textwrap
from pathlib import Path

import pytest

from microgpt.data import load_data
from microgpt.errors import CheckpointError, FileError, InputError
from microgpt.guard import policy as module
from microgpt.guard.policy import MOST_LETTERS, MOST_REASON, MOST_WORDS, Category, Policy

FRUITS = """
apple apricot avocado banana berry cherry coconut fig grape guava kiwi kumquat lemon lime
lychee mango melon nectarine olive orange papaya peach pear persimmon pineapple plum
pomegranate quince tangerine
acai acerola cantaloupe carambola cherimoya citron citrus clementine currant damson date
dragonfruit durian feijoa goji greengage honeydew jackfruit jujube kaki litchi longan loquat
mandarin medlar nashi noni papaw passionfruit pawpaw physalis pitaya pomelo prune raisin rambutan
sapodilla sapote satsuma sloe soursop starfruit tamarillo tamarind tangelo ugli yuzu
"""
EXPECTED = "kaki noni date acai nashi raisin durian mandarin clementine currant"

GOOD = """
name = "animals"
tries = 5
temperature = 1

[evasions]
case = false
punctuation = false

[[category]]
name = "cats"
match = "word"
words = ["cat", " lion ", "cat"]
reason = "No cats."

[[category]]
name = "dogs"
words = ["dog", "cat"]
reason = "No dogs."
heads = 2
leads = ["d"]
"""


def parse(text: str) -> Policy:
    return Policy.parse(text.encode(), "x.toml")


def test_shipped() -> None:
    policy = Policy.shipped()
    assert policy.words == tuple(FRUITS.split())
    assert (policy.tries, policy.temperature) == (10, 0.7)
    assert (policy.case, policy.punctuation, policy.confusables) == (True, True, False)
    assert [category.match for category in policy.categories] == ["substring"]


def test_the_words_are_fruits_one_by_one() -> None:
    words = Policy.shipped().words
    assert set(EXPECTED.split()) <= set(words)
    assert all(re.fullmatch("[a-z]{3,}", word) for word in words)
    # A longer word is found by the shorter that it holds; one of the first list is an exception.
    assert [w for w in words if any(o != w and o in w for o in words)] == ["pineapple"]
    assert not {"cucumber", "eggplant", "nut", "tomato", "chili", "pepper", "fruit"} & set(words)


def test_no_word_costs_many_names() -> None:
    names = load_data("names").docs
    costs = {word: sum(word in name for name in names) for word in Policy.shipped().words}
    assert max(costs.values()) <= 30
    assert sum(costs.values()) <= 60


def test_all_keys() -> None:
    assert parse(GOOD) == Policy(
        "animals",
        (
            Category("cats", ("cat", "lion"), "word", "No cats."),
            Category("dogs", ("dog", "cat"), "substring", "No dogs.", 2, ("d",)),
        ),
        case=False,
        punctuation=False,
        tries=5,
        temperature=1.0,
    )
    assert parse(GOOD).words == ("cat", "lion", "dog")


def test_defaults() -> None:
    policy = parse('name = "x"\n[[category]]\nname = "y"\nwords = ["z"]\nreason = "r"\n')
    assert policy == Policy("x", (Category("y", ("z",), "substring", "r"),))


def test_the_example_at_the_head_of_the_module() -> None:
    text = module.__doc__ or ""
    block = re.search(r"::\n\n((?:    .*\n|\n)+)", text)
    assert block
    policy = parse(textwrap.dedent(block[1]))
    assert policy.words == ("apple", "berry")
    assert policy.categories[0].leads == ("appl",)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('name = "animals"', "", "name is null"),
        ('name = "animals"', 'name = "a\\nb"', "one line"),
        ("tries = 5", "tries = 0", "tries is 0, must be a whole number from 1 to 1000"),
        ("tries = 5", "tries = true", "tries is true"),
        ("tries = 5", "tries = 5.0", "tries is 5.0"),
        ("temperature = 1", "temperature = 0", "temperature is 0, must be a number from 0.001"),
        ("temperature = 1", "temperature = nan", "temperature is NaN"),
        ("temperature = 1", 'temperature = "1"', "temperature is '1'"),
        ("temperature = 1", "heat = 1", "unknown key heat"),
        ("case = false", "case = 0", "evasions.case is 0, must be true or false"),
        ("case = false", "rot13 = true", "unknown key evasions.rot13"),
        ("case = false", "case = false\nconfusables = true", "evasions.confusables is on"),
        ("[evasions]\ncase = false\npunctuation = false", "evasions = 1", "evasions is 1"),
        ('match = "word"', 'match = "regex"', "match is 'regex', must be one of substring"),
        ('match = "word"', "match = []", "match is a JSON list"),
        ('["cat", " lion ", "cat"]', "[]", "category 1, words is a JSON list of 0"),
        ('["cat", " lion ", "cat"]', '["cat", ""]', "a word of category 1, words is ''"),
        ('["cat", " lion ", "cat"]', '["cat", " "]', "a word of category 1, words is ' '"),
        ('["cat", " lion ", "cat"]', '["cat", 3]', "a word of category 1, words is 3"),
        ('["cat", " lion ", "cat"]', '["big cat"]', "without a gap (match is word)"),
        ('["cat", " lion ", "cat"]', '"cat"', "a list of words"),
        ('reason = "No cats."', "", "category 1, reason is null"),
        ('reason = "No cats."', 'reason = " "', "category 1, reason is ' '"),
        ('reason = "No cats."', 'reason = "a\\u001bb"', "one line"),
        ("heads = 2", "heads = -1", "category 2, heads is -1"),
        ("heads = 2", "head = 2", "unknown key category 2, head"),
        ('leads = ["d"]', 'leads = [""]', "category 2, leads"),
        ('name = "animals"', 'name = "a" name', "is not readable TOML"),
        ('name = "animals"', 'name = "a"\nname = "b"', "is not readable TOML"),
    ],
)
def test_refused(old: str, new: str, said: str) -> None:
    assert old in GOOD
    with pytest.raises(InputError) as caught:
        parse(GOOD.replace(old, new, 1))
    assert said in caught.value.message
    assert "x.toml" in caught.value.message
    assert caught.value.message.isprintable()


@pytest.mark.parametrize(
    "text", ["", 'name = "x"', 'name = "x"\ncategory = []', 'name = "x"\ncategory = [1]']
)
def test_no_category(text: str) -> None:
    with pytest.raises(InputError, match="category"):
        parse(text)


def test_limits() -> None:
    def with_words(words: list[str], reason: str = "r") -> Policy:
        listed = ", ".join(f'"{word}"' for word in words)
        return parse(
            f'name = "x"\n[[category]]\nname = "y"\nwords = [{listed}]\nreason = "{reason}"\n'
        )

    assert with_words(["a" * MOST_LETTERS], "r" * MOST_REASON).words == ("a" * MOST_LETTERS,)
    with pytest.raises(InputError, match=f"1 to {MOST_LETTERS}"):
        with_words(["a" * (MOST_LETTERS + 1)])
    with pytest.raises(InputError, match=f"1 to {MOST_REASON}"):
        with_words(["a"], "r" * (MOST_REASON + 1))
    with pytest.raises(InputError, match="100,001 words"):
        with_words(["a"] * (MOST_WORDS + 1))
    table = '[[category]]\nname = "y"\nwords = ["a"]\nreason = "r"\n'
    with pytest.raises(InputError, match="1 to 100"):
        parse('name = "x"\n' + 101 * table)


def test_files(tmp_path: Path) -> None:
    path = tmp_path / "p.toml"
    with pytest.raises(FileError, match="no such file"):
        Policy.read(path)
    path.write_bytes(b"\xef\xbb\xbf" + GOOD.encode())  # a byte order mark
    assert Policy.read(path).name == "animals"
    path.write_bytes(GOOD.replace("\n", "\r\n").encode())
    assert Policy.read(path).name == "animals"
    path.write_bytes(b'name = "\xff"')
    with pytest.raises(InputError, match=r"not UTF-8: byte 8"):
        Policy.read(path)
    path.write_bytes(b"a = " + b"[" * 100_000)
    with pytest.raises(InputError, match=r"nested too deeply|not readable TOML"):
        Policy.read(path)
    path.write_bytes(b"#" * (module.MOST_BYTES + 1))
    with pytest.raises(CheckpointError, match="above the limit"):
        Policy.read(path)
    with pytest.raises(FileError, match="directory"):
        Policy.read(tmp_path)

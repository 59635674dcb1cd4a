"""What a bot says of itself never comes back: only Python's own names and fixed phrases do."""

import math
from collections import Counter

import pytest

from microgpt.assignment import words

SECRET = "mandarinlemon"


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("ValueError: mandarinlemon", "ValueError"),
        ("KeyboardInterrupt", "KeyboardInterrupt"),
        ("mandarinlemon: x", words.OWN_EXCEPTION),
        ("print: x", words.OWN_EXCEPTION),
        ("int: x", words.OWN_EXCEPTION),
        ("IOError: x", words.OWN_EXCEPTION),  # another name of OSError, which Python never says
        ("ValueError\u200b: x", words.OWN_EXCEPTION),
        ("", words.OWN_EXCEPTION),
    ],
)
def test_exceptions(said: str, told: str) -> None:
    assert words.exception_name(said) == told


def test_few_kinds_of_exceptions_are_told_apart() -> None:
    kinds: Counter[str] = Counter()
    for name in ("ValueError", "KeyError", SECRET, "TypeError", "OSError", "ValueError"):
        words.count_exception(kinds, f"{name}: {SECRET}")
    assert kinds == {"ValueError": 2, "KeyError": 1, words.OWN_EXCEPTION: 1, "other exceptions": 2}


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("random.choices", "random.choices"),
        ("sys.stdout", "sys.stdout"),
        ("random", "random"),
        ("random.mandarinlemon", "random (a name that it doesn't have)"),
        ("random.choices.mandarinlemon", "random (a name that it doesn't have)"),
        ("builtins.mandarinlemon", "builtins (a name that it doesn't have)"),
        ("subprocess.mandarinlemon", "subprocess"),
        ("mandarinlemon.choices", "another module"),
        ("", "another module"),
    ],
)
def test_names_of_the_library(said: str, told: str) -> None:
    assert words.library_name(said) == told


def test_what_is_replaced_after_the_first_question_is_not_named() -> None:
    assert words.replaced([]) == []
    assert words.replaced(["random.choices", "random.x"], ["random.choices", "random.x"]) == [
        "random.choices",
        "random (a name that it doesn't have)",
    ]
    late = words.replaced(["random.choices"], ["random.choices", "math.sin", "math.cos"])
    assert late == ["random.choices", "something else while it answered"]
    many = words.replaced([f"math.{name}" for name in dir(math) if name[0] != "_"])
    assert len(many) == 9
    assert many[-1] == "more"


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("", ""),
        ("NameError: name 'mandarinlemon' is not defined (line 3)", "NameError on line 3"),
        ("NameError: mandarinlemon", "NameError"),
        ("mandarinlemon: x (line 2)", f"{words.OWN_EXCEPTION} on line 2"),
        ("NameError: x (line 9)", "NameError"),
        ("NameError: x (line 0)", "NameError"),
        ("NameError: x (line 1234567890)", "NameError"),
        ("no answer: mandarinlemon", words.NO_ANSWER),
    ],
)
def test_why_a_file_cant_be_loaded(said: str, told: str) -> None:
    assert words.load_error(said, b"a\nb\nc") == told


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("invalid syntax", "invalid syntax"),
        ("'(' was never closed", "'(' was never closed"),
        ("expected 'except' or 'finally' block", "expected 'except' or 'finally' block"),
        ("unknown encoding: mandarinlemon", "unknown encoding"),
        ("keyword argument repeated: mandarinlemon", "keyword argument repeated"),
        ("name 'mandarinlemon' is used prior to global", "name '…' is used prior to global"),
    ],
)
def test_what_the_parser_says(said: str, told: str) -> None:
    assert words.syntax_error(said) == told

"""What the text of a submission shows, and that no name of a student's own is shown with it."""

import pytest

from bot_sources import SOLUTION, TEMPLATE, own_template, with_policy
from microgpt.assignment.grading.structure import Structure, examine, unknown_template
from microgpt.assignment.intake.source import Source

BASE = TEMPLATE.encode()


def of(policy: str) -> Structure:
    """Of a bot from the template with this policy."""
    return examine(Source(with_policy(policy).encode()), BASE)


# ---------------------------------------------------------------- a newer Python

NEWER = {
    "type Words = list[str]": (1, "3.12"),
    "def first[T](words: list[T]) -> T:\n    return words[0]": (1, "3.12"),
    "x = 1\nclass Policy[T]:\n    pass": (2, "3.12"),
    "d = {'a': 1}\nprint(f'{d['a']}')": (2, "3.12"),
    'x = ["a"]\ny = f"{", ".join(x)}"': (2, "3.12"),
    "w = ['a']\nx = f'{chr(10).join(w) + '\\n'}'": (2, "3.12"),
    'name = "x"\ny = t"hello {name}"': (2, "3.14"),
    "try:\n    pass\nexcept KeyError, ValueError:\n    pass": (3, "3.14"),
}
SLIPS = [
    "if", "def f(x:\n    pass", "x = 'abc", "it's", 'print "hi"', "if x = 3:\n    pass", "x = (",
    "try:\n    pass\nexcept ValueError, e:\n    pass", "type = 5 5", 'print(f"{x")',
    "  x = 1\n y = 2", "name = not 'x' 't", "class A[:\n    pass", "\0",
]  # fmt: skip


@pytest.mark.parametrize("text", NEWER)
def test_a_file_that_may_need_a_newer_python_is_said_to(text: str) -> None:
    line, version = NEWER[text]
    source = Source(text.encode())
    said = source.newer((3, 11))
    if not said:  # read by the Python that runs this test: then nothing is to be said
        assert source.tree is not None
        return
    assert said.startswith(f"line {line} (") and f"may need Python {version}" in said
    assert said.endswith("the grader runs Python 3.11")
    assert source.newer((3, 99)) == ""
    found = examine(source, BASE)
    assert found.error and found.newer


@pytest.mark.parametrize("text", SLIPS)
def test_a_slip_is_not_taken_for_a_newer_python(text: str) -> None:
    assert Source(text.encode()).newer((3, 11)) == ""


def test_texts_that_are_too_much() -> None:
    for text in (b"x" * 2**20, b"(" * 5000, b"x = 1\0", b"type " + b"x" * 100_000 + b" 1"):
        assert Source(text).error and Source(text).newer() == ""
    assert Source(SOLUTION.encode()).error == Source(SOLUTION.encode()).newer() == ""
    assert "at most" in Source(b"x" * 2**20).error


# ---------------------------------------------------------------- another template


def test_an_unknown_template_is_said_to_be_one() -> None:
    said = unknown_template(examine(Source(own_template(hooks=True).encode()), BASE))
    assert "--base FILE" in said and "clarity" in said
    assert unknown_template(examine(Source(SOLUTION.encode()), BASE)) == ""
    assert unknown_template(examine(Source(b"if"), BASE)) == ""
    own = own_template(True).encode()
    assert unknown_template(examine(Source(own), own)) == ""


# ---------------------------------------------------------------- ways around the text

WAYS = {
    "def is_safe_name(name):\n    global softmax\n    softmax = max\n    return True\n": (
        "softmax (line ", "by global"
    ),
    "def is_safe_name(name):\n    globals()['TRIES'] = 99\n    return True\n": (
        "TRIES (line ", "by globals()"
    ),
    "globals().update(TEMPERATURE=9)\n": ("TEMPERATURE (line ", "by globals()"),
    "globals().update({'TEMPERATURE': 9})\n": ("TEMPERATURE (line ", "by globals()"),
    "def is_safe_name(name):\n    is_safe_name.__globals__['forward'] = max\n    return True\n": (
        "forward (line ", "by __globals__"
    ),
    "vars(sys.modules[__name__])['attend'] = max\n": ("attend (line ", "by vars()"),
    "sys.modules[__name__].__dict__['attend'] = max\n": ("attend (line ", "by __dict__"),
    "setattr(sys.modules[__name__], 'write_name', max)\n": ("write_name (line ", "by setattr"),
    "sys.modules['__main__'].answer = max\n": ("answer (line ", "through sys.modules"),
    "import importlib\nimportlib.import_module('bot').answer = max\n": (
        "answer (line ", "through sys.modules"
    ),
    "globals()['s' + 'oftmax'] = max\n": ("a name of this file (line ", "by globals()"),
}  # fmt: skip


@pytest.mark.parametrize("policy", WAYS)
def test_names_of_the_template_that_are_assigned_in_other_ways(policy: str) -> None:
    found = of(policy)
    assert found.template
    assert any(all(part in said for part in WAYS[policy]) for said in found.changed), found


def test_decorators_on_the_templates_functions() -> None:
    source = TEMPLATE.replace("def softmax(", "@staticmethod\ndef softmax(", 1)
    found = examine(Source(source.encode()), BASE)
    assert [said for said in found.changed if "softmax" in said and "with a decorator" in said]
    assert len(found.changed) == 1


def test_what_is_ones_own_is_no_change() -> None:
    for policy in (
        "COUNT = 0\ndef is_safe_name(name):\n    global COUNT\n    COUNT += 1\n    return True\n",
        "TABLE = {}\nTABLE['softmax'] = 1\nTABLE.update(softmax=1)\n",
        "class P:\n    pass\np = P()\np.softmax = 1\nsetattr(p, 'softmax', 2)\n",
        "import functools\n@functools.lru_cache(None)\ndef helper(x):\n    return x\n",
    ):
        assert of(policy).changed == (), policy


# ---------------------------------------------------------------- no name of a student's own

SECRET = "lemonsecret"
TELLING = [
    f"import random as {SECRET}\n{SECRET}.choices = max\n",
    f"random.{SECRET} = 1\n",
    f"setattr(random, '{SECRET}', 1)\n",
    f"import os.{SECRET}\n",
    f"from os.{SECRET} import path\n",
    f"globals()['{SECRET}'] = 1\n",
    f"sys.modules[__name__].{SECRET} = 1\n",
    f"def f():\n    global {SECRET}\n    {SECRET} = 1\n",
    f"class {SECRET}(Exception):\n    pass\nraise {SECRET}('{SECRET}')\n",
    f"import {SECRET}\n{SECRET}.choices = 1\n",
    f"def softmax({SECRET}):\n    return {SECRET}\n",
    f"x = 1 {SECRET}\n",
]


@pytest.mark.parametrize("policy", TELLING)
def test_no_name_of_a_students_own_is_shown(policy: str) -> None:
    found = of(policy)
    shown = " ".join((found.error, found.newer, *found.changed, *found.reaches))
    assert SECRET not in shown
    unknown = examine(Source(policy.encode()), BASE)
    assert SECRET not in " ".join((unknown.error, *unknown.changed, *unknown.reaches))


def test_what_is_changed_in_python_is_named() -> None:
    found = of("setattr(random, 'choices', max)\nimport random as r\nr.seed = max\n")
    said = " ".join(found.reaches)
    assert "changes random.choices" in said and "changes random.seed" in said
    assert any(
        said.startswith("changes something in random") for said in of("random.q = 1\n").reaches
    )

"""Correct bots whose policy is made of classes: methods, objects, records, exceptions."""

from honest_parts import Honest, bot

_BOUND = '''
class Policy:
    """What may be asked and what may be said. One object of it serves both hooks."""

    def __init__(self, fruits, heads):
        """Keep both lists; heads as a tuple, for endswith."""
        self.fruits, self.heads = fruits, tuple(heads)

    def request(self, prefixes):
        """None to allow, a reason to refuse: a fruit in it, or an end that leads to one."""
        for prefix in prefixes:
            if not self.name(prefix) or prefix.endswith(self.heads):
                return "my policy refuses what leads to a fruit."
        return None

    def name(self, name):
        """True if no fruit is in the name."""
        return not any(fruit in name for fruit in self.fruits)


policy = Policy(FRUITS, HEADS)
is_safe_request = policy.request  # asked once a line
is_safe_name = policy.name  # asked for each name that was written
'''

_THIN = '''
class Guard:
    """Watches over what goes in and what comes out."""

    fruits = FRUITS
    heads = tuple(HEADS)

    @classmethod
    def holds_fruit(cls, text):
        """Whether some fruit is in the text."""
        return any(fruit in text for fruit in cls.fruits)

    @classmethod
    def leads_to_fruit(cls, text):
        """Whether the text ends where a fruit often begins."""
        return text.endswith(cls.heads)

    @staticmethod
    def reason(rule):
        """The sentence for a rule."""
        return f"rule {rule} of my policy says no."


def is_safe_request(prefixes):
    """Ask the guard about each prefix: rule 1 for whole fruits, rule 2 for beginnings."""
    for prefix in prefixes:
        if Guard.holds_fruit(prefix):
            return Guard.reason(1)
        if Guard.leads_to_fruit(prefix):
            return Guard.reason(2)
    return None


def is_safe_name(name):
    """The guard says whether a finished name may leave."""
    return not Guard.holds_fruit(name)
'''

_CALLABLE = '''
class SafeRequest:
    """Called with the prefixes, like a function: None, or a reason to refuse."""

    def __call__(self, prefixes):
        for prefix in prefixes:
            if any(fruit in prefix for fruit in FRUITS) or prefix.endswith(tuple(HEADS)):
                return "someone could be led to a fruit by that."
        return None


class SafeName:
    """Called with a name: True if it holds no fruit."""

    def __call__(self, name):
        return not any(fruit in name for fruit in FRUITS)


# Objects that can be called do the work of functions.
is_safe_request = SafeRequest()
is_safe_name = SafeName()
'''

_LAMBDAS = """
# A finished name is safe if it holds none of the fruits.
is_safe_name = lambda name: not any(fruit in name for fruit in FRUITS)
# A request is safe if each prefix is, and none ends in a beginning of the list.
is_safe_request = lambda prefixes: (
    None
    if all(is_safe_name(p) and not p.endswith(tuple(HEADS)) for p in prefixes)
    else "one of these would become a fruit."
)
"""

_DATACLASS = '''
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Rule:
    """One rule of the policy: where its words may not stand, and what is said then."""

    words: tuple
    reason: str
    at_end: bool = False
    counted: int = field(default=0, compare=False)

    def breaks(self, text):
        """Whether a text breaks the rule."""
        return text.endswith(self.words) if self.at_end else any(w in text for w in self.words)


# First whole fruits, then beginnings at the end of a prefix.
RULES = [
    Rule(tuple(FRUITS), "this request holds a fruit."),
    Rule(tuple(HEADS), "this request leads to a fruit.", at_end=True),
]


def is_safe_request(prefixes):
    """Try the rules in order; the first that is broken gives the reason."""
    for rule in RULES:
        if any(rule.breaks(prefix) for prefix in prefixes):
            return rule.reason
    return None


def is_safe_name(name):
    """Only the first rule counts for names."""
    return not RULES[0].breaks(name)
'''

_TYPED = '''
from __future__ import annotations
from typing import Final, Iterable, NamedTuple, Optional


class Finding(NamedTuple):
    """What was found in a text: which rule, and where."""

    rule: int
    place: int

    def sentence(self) -> str:
        return f"rule {self.rule} is broken at letter {self.place + 1}."


ENDS: Final[tuple[str, ...]] = tuple(HEADS)


def find(text: str) -> Optional[Finding]:
    """The first thing that is wrong with a text."""
    for fruit in FRUITS:
        if (place := text.find(fruit)) >= 0:
            return Finding(1, place)
    for end in ENDS:
        if text.endswith(end):
            return Finding(2, len(text) - len(end))
    return None


def is_safe_request(prefixes: list[str]) -> str | None:
    """Refuse with the rule and the place, never with the fruit itself."""
    found: Iterable[Finding] = filter(None, map(find, prefixes))
    return next((finding.sentence() for finding in found), None)


def is_safe_name(name: str, *, words: Iterable[str] = FRUITS) -> bool:
    """True if no word of the list is in the name."""
    return not any(word in name for word in words)
'''

_RAISES = '''
class Refused(Exception):
    """Raised deep inside when something leads to a fruit; its text is the reason."""


def must_be_free(text):
    """Raise if the text holds a fruit."""
    for fruit in FRUITS:
        try:
            text.index(fruit)
        except ValueError:
            continue
        raise Refused("a fruit stands in it.")


def must_not_lead(text):
    """Raise if the text ends where fruits begin."""
    if text.endswith(tuple(HEADS)):
        raise Refused("a fruit would come of it.")


def is_safe_request(prefixes):
    """Try all checks; whatever they raise is the answer."""
    try:
        for prefix in prefixes:
            must_be_free(prefix)
            must_not_lead(prefix)
    except Refused as refused:
        return str(refused)
    return None


def is_safe_name(name):
    """True if the check for fruits raises nothing."""
    try:
        must_be_free(name)
    except Refused:
        return False
    else:
        return True
'''


def classes() -> list[Honest]:
    """One bot for each way of using classes."""
    typed = bot(_TYPED.replace("from __future__ import annotations\n", ""))
    typed = typed.replace("import json\n", "from __future__ import annotations\n\nimport json\n", 1)
    return [
        Honest("class, hooks are bound methods", bot(_BOUND)),
        Honest("class, hooks are thin", bot(_THIN)),
        Honest("objects that can be called", bot(_CALLABLE)),
        Honest("dataclasses", bot(_DATACLASS)),
        Honest("exceptions", bot(_RAISES)),
        Honest("type hints", typed),
    ]

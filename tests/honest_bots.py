"""Forty and more correct bots that look unlike each other: none of them may lose points.

Each is one student's way to do the whole of the work: ``honest_searches`` has ways to search,
``honest_styles`` and ``honest_classes`` ways to write Python, ``honest_languages`` other languages,
and here are policies and whole files.
"""

from bot_sources import SOLUTION, changed, own_template, parts, policy_of
from honest_classes import classes
from honest_languages import languages
from honest_parts import Honest, bot, filled
from honest_searches import searches
from honest_styles import styles
from microgpt.data import bundled

_CATEGORIES = '''
# What is refused, by kind of fruit, with the reason for each kind; the lists are all that I found.
REASONS = {
    "stone": "stone fruit is refused by my policy.",
    "citrus": "sour fruit is refused by my policy.",
    "soft": "soft fruit is refused by my policy.",
    "far": "fruit from far away is refused by my policy.",
}
KINDS = {
    "stone": {"apricot", "cherry", "peach", "plum", "prune", "damson", "sloe", "olive", "date"},
    "citrus": {
        "lemon", "lime", "orange", "tangerine", "clementine", "mandarin", "satsuma", "citron",
        "citrus", "kumquat", "pomelo", "tangelo", "ugli", "yuzu",
    },
    "soft": {"berry", "currant", "grape", "raisin", "fig", "goji", "physalis", "acerola"},
}
KINDS["far"] = set(FRUITS) - set().union(*KINDS.values())  # apples among them, why not


def kind_of(text):
    """The kind of the first fruit in a text, or None."""
    for kind, fruits in KINDS.items():
        if any(fruit in text for fruit in fruits):
            return kind
    return None


def is_safe_request(prefixes):
    """The reason of the kind of fruit that a prefix holds or leads to."""
    for prefix in prefixes:
        kind = kind_of(prefix)
        for head in HEADS:
            if prefix.endswith(head):
                whole = next(fruit for fruit in FRUITS if fruit.startswith(head))
                kind = kind or kind_of(whole)
        if kind:
            return REASONS[kind]
    return None


def is_safe_name(name):
    """Safe if the name is of no kind."""
    return kind_of(name) is None
'''

_FROM_TEXT = '''
# One line for each letter, as I noted them down; words in brackets were found by classmates.
NOTES = """
@FRUIT_LINES
"""
# Ends that I measured, with a number of my own list before some of the lines.
MEASURED = """
@HEAD_LINES
"""


def words_of(notes):
    """The words of my notes."""
    return [word.strip("()") for line in notes.splitlines() for word in line.split()]


BLOCKED_OUTPUT_PATTERNS = words_of(NOTES)
BLOCKED_PREFIX_PATTERNS = words_of(MEASURED)


def is_safe_request(prefixes):
    """Compare each prefix with both lists of the notes."""
    for prefix in prefixes:
        if any(fruit in prefix for fruit in BLOCKED_OUTPUT_PATTERNS):
            return "my notes forbid this word."
        if any(prefix.endswith(end) for end in BLOCKED_PREFIX_PATTERNS):
            return "my notes say where this goes."
    return None


def is_safe_name(name):
    """No word of the notes may be in a name."""
    return not any(fruit in name for fruit in BLOCKED_OUTPUT_PATTERNS)
'''

_STRICT = '''
LONG_HEADS = tuple({fruit[:5] for fruit in FRUITS if len(fruit) > 5})  # five letters mean it


def is_safe_request(prefixes):
    """Stricter than needed: the first five letters of a fruit are refused wherever they stand."""
    for prefix in prefixes:
        if any(fruit in prefix for fruit in FRUITS):
            return "no fruit may be in a request."
        if any(head in prefix for head in LONG_HEADS):
            return "nearly a whole fruit is in this request."
        if prefix.endswith(tuple(HEADS)):
            return "this request leads to a fruit."
    return None


def is_safe_name(name):
    """No fruit in it."""
    return not any(fruit in name for fruit in FRUITS)
'''

_LAX = '''
def chance_is_high(prefix):
    """Whether a fruit comes often: the beginning stands at the end, and alone if it is short."""
    for head in HEADS:
        if prefix == head or (prefix.endswith(head) and head not in ("nas", "nash", "non", "long")):
            return True
    return len(prefix) == 4 and prefix.endswith("non")


def is_safe_request(prefixes):
    """Laxer than many: what is doubtful (li, cher, oran, apri) is written, the filter watches."""
    if any(fruit in prefix for prefix in prefixes for fruit in FRUITS):
        return "a fruit was asked for."
    if any(chance_is_high(prefix) for prefix in prefixes):
        return "a fruit would come too often."
    return None


def is_safe_name(name):
    """The last line of defence: no fruit in the name."""
    return not any(fruit in name for fruit in FRUITS)
'''

_LONGER = '''
# Fruits from all over the world that are on few lists; hardly any of them is part of a name.
FRUITS += (
    "ackee ambarella babaco bilimbi calamansi canistel cempedak cloudberry cupuacu genip guarana "
    "jabuticaba jambul kiwano langsat lucuma mamoncillo mangosteen marula mulberry naranjilla "
    "pepino pulasan rhubarb salak santol tamarillo whortleberry wampee ziziphus"
).split()
# And some of their beginnings, for good measure.
HEADS += ["mangos", "rhubar", "mulber", "calaman", "jabutic", "kiwan", "guaran"]


def is_safe_request(prefixes):
    """The usual rules, on a longer list than the one that was handed out."""
    for prefix in prefixes:
        if any(fruit in prefix for fruit in FRUITS) or prefix.endswith(tuple(HEADS)):
            return "somewhere in the world this is a fruit."
    return None


def is_safe_name(name):
    """No fruit of the world in the name."""
    return not any(fruit in name for fruit in FRUITS)
'''

_REASONS = '''
# What I say, by rule; none of it names a fruit.
REASONS = {
    1: "I refuse: rule 1, see policy/updates/2 or ask me.",
    2: "{} is not OK: it goes on to a fruit, so this branch was pruned.",
}


def is_safe_request(prefixes):
    """Rule 1 is for whole fruits; rule 2 says which beginning it was, since that is none yet."""
    for prefix in prefixes:
        if any(fruit in prefix for fruit in FRUITS):
            return REASONS[1]
        if prefix.endswith(tuple(HEADS)):
            return REASONS[2].format(repr(prefix))
    return None


def is_safe_name(name):
    """A name is let through if no fruit stands in it."""
    return not any(fruit in name for fruit in FRUITS)
'''

_BIG_START = '''
MODEL = None  # loaded when it is first needed
CHANCES = {}  # beginning → how likely the model completes it to a fruit at once


def chance(text, rest):
    """How likely the model writes just the letters of rest after the text."""
    global MODEL
    MODEL = MODEL or load_model()
    letters, config = MODEL["tokenizer"]["uchars"], MODEL["config"]
    cache, token, result = [([], []) for _ in range(config["n_layer"])], config["BOS"], 1.0
    for position, letter in enumerate((text + rest)[: config["block_size"]]):
        x = forward(MODEL, token, position, cache)
        token = letters.index(letter)
        if position >= len(text):
            logits = multiply(MODEL["state_dict"]["lm_head"], x)
            result *= softmax([logit / TEMPERATURE for logit in logits])[token]
    return result
'''

_MEASURES = (
    _BIG_START
    + '''

def completes(prefix):
    """The chance that the end of a prefix is completed to a fruit; measured once for each."""
    if prefix not in CHANCES:
        total = 0.0
        for fruit in FRUITS:
            for n in range(3, len(fruit)):
                if prefix.endswith(fruit[:n]):
                    total += chance(prefix, fruit[n:])
        CHANCES[prefix] = total
    return CHANCES[prefix]


def is_safe_request(prefixes):
    """Beginnings of my list are refused; other ends of three letters and more are measured."""
    for prefix in prefixes:
        if not is_safe_name(prefix) or prefix.endswith(tuple(HEADS)):
            return "I know that this leads to a fruit."
        if completes(prefix) >= 0.04:
            return "I measured that this leads to a fruit."
    return None


def is_safe_name(name):
    """No fruit of the list in it."""
    return not any(fruit in name for fruit in FRUITS)
'''
)

_SAMPLES = '''
MODEL = None  # loaded when it is first needed
COUNTS = {}  # beginning → how many of 20 names held a fruit
OPEN = {fruit[:n] for fruit in FRUITS for n in range(4, len(fruit))}  # what is worth a try


def count(prefix):
    """How many of 20 names hold a fruit; the loop's own random numbers stay as they are."""
    global MODEL
    if prefix not in COUNTS:
        MODEL = MODEL or load_model()
        state = random.getstate()
        random.seed(prefix)
        names = [write_name(MODEL, prefix) for _ in range(20)]
        random.setstate(state)
        COUNTS[prefix] = sum(not is_safe_name(name) for name in names)
    return COUNTS[prefix]


def is_safe_request(prefixes):
    """Known beginnings are refused; long ones that I don't know are tried out, 20 names each."""
    for prefix in prefixes:
        if not is_safe_name(prefix) or prefix.endswith(tuple(HEADS)):
            return "this leads to a fruit, I am sure."
        if any(prefix[i:] in OPEN for i in range(len(prefix))) and count(prefix) >= 2:
            return "this leads to a fruit, I tried it."
    return None


def is_safe_name(name):
    """No fruit of the list in it."""
    return not any(fruit in name for fruit in FRUITS)
'''

_AS_CLASS = '''"""My bot as one class. Everything that it knows is in one object."""
import json
import math
import os
import random
import sys

@WHY
FRUITS = @FRUITS
# Beginnings that lead to one of them, by my own count.
HEADS = @HEADS


class NameBot:
    """Reads requests, writes names, and says no fruit."""

    def __init__(self, path):
        with open(path) as file:
            data = json.load(file)
        self.config, self.weights = data["config"], data["state_dict"]
        self.letters = data["tokenizer"]["uchars"]
        self.end = self.config["BOS"]

    # ---- policy

    def refuses(self, beginning):
        """A reason against a beginning: a fruit in it, or one that would come of it."""
        if self.has_fruit(beginning):
            return "this beginning holds a fruit."
        if beginning.endswith(tuple(HEADS)):
            return "this beginning leads to a fruit."

    def has_fruit(self, text):
        """Whether a fruit stands anywhere in a text."""
        return any(fruit in text for fruit in FRUITS)

    # ---- model

    def dot(self, matrix, x):
        return [math.fsum(w * v for w, v in zip(row, x)) for row in matrix]

    def norm(self, x):
        mean = math.fsum(v * v for v in x) / len(x)
        return [v / math.sqrt(mean + 1e-5) for v in x]

    def soft(self, x):
        top = max(x)
        powers = [math.exp(v - top) for v in x]
        total = math.fsum(powers)
        return [p / total for p in powers]

    def step(self, token, place, past):
        w = self.weights
        x = self.norm([a + b for a, b in zip(w["wte"][token], w["wpe"][place])])
        for layer, (keys, values) in enumerate(past):
            h = self.norm(x)
            q, k, v = (self.dot(w[f"layer{layer}.attn_w{n}"], h) for n in "qkv")
            keys.append(k)
            values.append(v)
            mixed, size = [], self.config["head_dim"]
            for at in range(0, len(q), size):
                part = slice(at, at + size)
                fits = [sum(a * b for a, b in zip(q[part], key[part])) for key in keys]
                chances = self.soft([fit / size**0.5 for fit in fits])
                columns = zip(*(value[part] for value in values))
                mixed += [sum(c * u for c, u in zip(chances, column)) for column in columns]
            x = [a + b for a, b in zip(self.dot(w[f"layer{layer}.attn_wo"], mixed), x)]
            h = [max(0.0, u) for u in self.dot(w[f"layer{layer}.mlp_fc1"], self.norm(x))]
            x = [a + b for a, b in zip(self.dot(w[f"layer{layer}.mlp_fc2"], h), x)]
        return self.dot(w["lm_head"], x)

    def name(self, beginning):
        past, token, text = [([], []) for _ in range(self.config["n_layer"])], self.end, ""
        while len(text) < self.config["block_size"]:
            scores = self.step(token, len(text), past)
            if len(text) < len(beginning):
                token = self.letters.index(beginning[len(text)])
            else:
                chances = self.soft([score / 0.7 for score in scores])
                token = random.choices(range(len(scores)), chances)[0]
            if token == self.end:
                break
            text += self.letters[token]
        return text

    # ---- protocol

    def reply(self, line):
        words = line.lower().split()
        beginnings = ["".join(c for c in word if c in self.letters) for word in words] or [""]
        beginnings = [b for b in beginnings if b or not words]
        if not beginnings:
            return "REFUSE: input had no usable letters (a-z)."
        for beginning in beginnings:
            reason = self.refuses(beginning)
            if reason:
                return f"REFUSE: {reason}"
        names = []
        for beginning in beginnings:
            tries = (self.name(beginning) for _ in range(10))
            name = next((n for n in tries if n and not self.has_fruit(n)), None)
            if name is None:
                return "REFUSE: ten tries were not enough."
            names.append(name)
        return "OK: " + ", ".join(names)

    def serve(self):
        for line in sys.stdin:
            print(self.reply(line), flush=True)


if __name__ == "__main__":
    NameBot(os.path.join(os.path.dirname(os.path.abspath(__file__)), "model.json")).serve()
'''

_PROSE = """
# On the way to this policy I tried three others, and each failed for a reason worth a note. The
# first looked for whole fruits only, so that everybody who typed all letters but the last got one.
# The second refused every beginning of every fruit, and with it half of all names that anybody may
# want. The third looked at the first letters of a request, and was led astray by a letter before
# them. What is left is short: look at the end of what was typed, and at the whole of what is said.
"""


def _tabs(source: str) -> str:
    """The student's part with tabs in place of four spaces."""
    above, policy, below = parts(source)
    return above + policy.replace("    ", "\t") + below


def _original_style() -> str:
    """As in the class that this assignment comes from: input(), one loop, the model at the top."""
    text = own_template(hooks=True)
    loop = "for line in sys.stdin:\n"
    asked = "while True:\n    try:\n        line = input()\n    except EOFError:\n        break\n"
    return changed(text, (loop, asked))


def policies() -> list[Honest]:
    """Other policies, and hooks that use the model."""
    return [
        Honest("reasons by kind of fruit", bot(_CATEGORIES)),
        Honest("reasons with colons and paths", bot(_REASONS)),
        Honest("lists from a text", bot(_FROM_TEXT, lists=False)),
        Honest("stricter: five letters anywhere", bot(_STRICT)),
        Honest("laxer: grey ones are left alone", bot(_LAX)),
        Honest("a longer list", bot(_LONGER)),
        Honest("measures chances with the model", bot(_MEASURES)),
        Honest("tries out 20 names", bot(_SAMPLES)),
    ]


def files() -> list[Honest]:
    """The reference in other files, and programs that were written apart from the kit."""
    why = policy_of(bot("", lists=False)).strip()
    as_class = filled(_AS_CLASS.replace("@WHY", why))
    prose = "\n".join(_PROSE.strip().replace("three", number) for number in ("three", "four") * 8)
    return [
        Honest("Windows line ends", SOLUTION.replace("\n", "\r\n")),
        Honest("byte order mark", b"\xef\xbb\xbf" + SOLUTION.encode()),
        Honest("tabs", _tabs(SOLUTION)),
        Honest("no newline at the end", SOLUTION.rstrip("\n")),
        Honest("much text", changed(SOLUTION, ("# THE POLICY\n", f"# THE POLICY\n{prose}\n"))),
        Honest("shebang and coding line", "#!/usr/bin/env python3\n# coding: utf-8\n" + SOLUTION),
        Honest("own template with hooks", own_template(hooks=True)),
        Honest("own template without hooks", own_template(hooks=False)),
        Honest("own template as a class", as_class),
        Honest("input() and one loop", _original_style()),
        Honest("the reference", bundled("data/teacher/solution.py").read_bytes(), 100),
    ]


def honest_bots() -> list[Honest]:
    """All of them."""
    return [*searches(), *styles(), *classes(), *languages(), *policies(), *files()]


PLAIN = frozenset(
    {
        "trie", "set of all pieces", "sorted and bisect", "index by letter", "closures",
        "recursion", "German", "French", "Polish", "Japanese", "Hindi", "Russian",
    }
)  # fmt: skip
"""Of these, hooks that need nothing of Python that others don't, and loops that are as given: what
they answer is judged without a sandbox (test_grader_variants), and in one by `make prove`."""

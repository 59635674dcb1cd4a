"""A bot that writes names, and never says a fruit: the reference solution, for teachers.

The same file as the kit's bot.py, but for the part under EDIT BELOW. README.md beside it says how
its numbers were found; keep both away from students until the assignment is over.

It needs Python 3.9 or later, model.json in the same folder, and nothing else.
"""

import json
import math
import random
import sys
from pathlib import Path

# ==================================================================================================
#  EDIT BELOW: your policy. You may change these two lists and two functions, add functions
#  of your own that they call, and import from the standard library. Say in comments what you
#  refuse, and why.
# ==================================================================================================

# THE POLICY
#
# A reply must not hold a fruit of the list below, anywhere in a name and in any disguise that
# the bot would undo (APPLE, a-p-p-l-e). "strawberry" and "grapes" count, since they hold "berry"
# and "grape".
#
# 1. Refuse a request if one of its prefixes holds a whole fruit: the prefix would be in the name.
# 2. Refuse a request if one of its prefixes ENDS in a beginning from which the model often
#    completes a fruit. The end counts, not the start: the model goes on from the last letters,
#    so "alim" leads to "alime" just as "lim" leads to "lime".
# 3. Let everything else pass. Most beginnings of fruits are beginnings of names as well (mel:
#    melissa, che: cheryl, li: liam), and from these the model writes names. A rare fruit is
#    caught by the output filter, which throws the name away so that another is written.
#
# What it costs: real names that hold a fruit are neither begun nor written (pearl, oliver, lemon:
# 37 of the 32,033 in the training list). With the beginnings of rule 2 it is 62 names that can't
# be asked for in full (salim, carmelo), and 155 where some beginning is refused (olivia from "oliv"
# on, but not from "oli").

# For rule 2. I let the model write thousands of names from every beginning of every fruit, alone
# and after other letters, and counted how many held a fruit. Refused are beginnings where 4 of
# 100 or more did, ...
BLOCKED_PREFIX_PATTERNS = [
    "appl", "berr", "dat", "fmel", "goj", "grap", "guav", "kak", "kiw", "lemo", "lim", "mang",
    "melo", "oliv", "pea", "peac", "prun", "ugl",
    # ... and beginnings of five letters, whatever they lead to: who types so much of a fruit
    # means it, and hardly a name begins so (quincy, persia, caprice, cherrish).
    "acero", "apric", "avoca", "banan", "canta", "cherr", "citro", "citru", "cocon", "curra",
    "damso", "duri", "duria", "feijo", "jackf", "jujub", "kumqu", "litch", "longa", "loqua",
    "lyche", "medla", "necta", "orang", "papay", "pawpa", "persi", "physa", "pinea", "pitay",
    "pomeg", "pomel", "quinc", "raisi", "rambu", "sapod", "sapot", "satsu", "sours", "starf",
    "tange",
    # Not among them, since names hold these, and few of the model's hold a fruit after them:
    # caram, cheri, cleme, drago, green, honey, manda (amanda), passi, tamar (tamara).
]

# Of these only the beginning itself leads to a fruit, and "non" also after one more letter (anon).
# Later in a name they lead elsewhere, so jonas, avinash and shannon are written.
BLOCKED_WHOLE_PREFIXES = ["long", "nas", "nash", "non"]

LONG = 6  # so many letters of any fruit are nearly all of it: whoever types them means the fruit

# Allowed on purpose, since fewer than 4 of 100 names hold a fruit and real names begin so: mel,
# app, lem, ban, che, cher, oran, apri, per, man, li, oli, da, ka, na, aca, dur, tamar, amanda.

# The fruits. Longer ones that hold one of these (blackberry, watermelon) need no entry.
BLOCKED_OUTPUT_PATTERNS = [
    "apple", "apricot", "avocado", "banana", "berry", "cherry", "coconut", "fig", "grape", "guava",
    "kiwi", "kumquat", "lemon", "lime", "lychee", "mango", "melon", "nectarine", "olive", "orange",
    "papaya", "peach", "pear", "persimmon", "pineapple", "plum", "pomegranate", "quince",
    "tangerine", "acai", "acerola", "cantaloupe", "carambola", "cherimoya", "citron", "citrus",
    "clementine", "currant", "damson", "date", "dragonfruit", "durian", "feijoa", "goji",
    "greengage", "honeydew", "jackfruit", "jujube", "kaki", "litchi", "longan", "loquat",
    "mandarin", "medlar", "nashi", "noni", "papaw", "passionfruit", "pawpaw", "physalis", "pitaya",
    "pomelo", "prune", "raisin", "rambutan", "sapodilla", "sapote", "satsuma", "sloe", "soursop",
    "starfruit", "tamarillo", "tamarind", "tangelo", "ugli", "yuzu",
]


def only_letters(text):
    """The text as the bot would read it: small letters, nothing else."""
    return "".join(letter for letter in text.lower() if letter.isalpha())


def fruit_in(text):
    """The first fruit of the list that the text holds, or None."""
    for fruit in BLOCKED_OUTPUT_PATTERNS:
        if fruit in text:
            return fruit
    return None


def leads_to_fruit(prefix):
    """Whether the end of a prefix leads to a fruit (rule 2)."""
    if prefix in BLOCKED_WHOLE_PREFIXES or (len(prefix) == 4 and prefix.endswith("non")):
        return True
    for fruit in BLOCKED_OUTPUT_PATTERNS:
        for letters in range(LONG, len(fruit)):
            if prefix.endswith(fruit[:letters]):
                return True
    return prefix.endswith(tuple(BLOCKED_PREFIX_PATTERNS))


def is_safe_request(prefixes):
    """None to allow the request, or the reason to refuse it; one bad prefix is enough (rules 1, 2).

    The reason says which rule was broken, but doesn't repeat the fruit: a reply must not say one.
    """
    for prefix in prefixes:
        prefix = only_letters(prefix)
        if fruit_in(prefix):
            return "this request spells out a fruit, which I never say."
        if leads_to_fruit(prefix):
            return "this request would lead to a fruit, which I never say."
    return None


def is_safe_name(name):
    """True if no fruit stands anywhere in the name (rule 3); False throws it away."""
    return fruit_in(only_letters(name)) is None


# ==================================================================================================
#  DON'T EDIT BELOW. The grader runs your policy above inside its own copy of what follows.
# ==================================================================================================

TEMPERATURE = 0.7  # below 1: the model prefers the letters it thinks likely
TRIES = 10  # names written for one prefix before the request is refused


def load_model():
    """model.json as Python dictionaries and lists; it must lie beside this file."""
    path = Path(__file__).resolve().parent / "model.json"
    if not path.exists():
        sys.exit("model.json is not beside bot.py: copy it there from the kit.")
    return json.loads(path.read_text(encoding="utf-8"))


# --------------------------------------------------------------------------------------------------
# The model: one token in, what it thinks of every possible next token out.


def multiply(matrix, vector):
    """Matrix times vector: for every row, the sum of the products."""
    result = []
    for row in matrix:
        total = 0.0
        for weight, value in zip(row, vector):
            total += weight * value
        result.append(total)
    return result


def add(a, b):
    """Sum of two vectors, number by number."""
    return [x + y for x, y in zip(a, b)]


def normalise(vector):
    """Scale the vector so that the mean of its squares is 1."""
    squares = 0.0
    for value in vector:
        squares += value * value
    scale = (squares / len(vector) + 1e-5) ** -0.5
    return [value * scale for value in vector]


def softmax(numbers):
    """Positive weights that add up to 1; the largest number gets the largest weight."""
    largest = max(numbers)
    powers = [math.exp(number - largest) for number in numbers]
    total = 0.0
    for power in powers:
        total += power
    return [power / total for power in powers]


def attend(query, keys, values, heads):
    """Each head looks back over all tokens so far, and mixes what it finds there."""
    size = len(query) // heads
    result = []
    for first in range(0, len(query), size):
        q = query[first : first + size]
        scores = multiply([key[first : first + size] for key in keys], q)
        weights = softmax([score / size**0.5 for score in scores])
        mixed = [0.0] * size
        for weight, value in zip(weights, values):
            for i in range(size):
                mixed[i] += weight * value[first + i]
        result += mixed
    return result


def forward(model, token, position, cache):
    """What the model makes of one token. cache: keys and values of the tokens before, by layer."""
    weights = model["state_dict"]
    x = normalise(add(weights["wte"][token], weights["wpe"][position]))
    for layer, (keys, values) in enumerate(cache):
        name = f"layer{layer}."
        h = normalise(x)
        query = multiply(weights[name + "attn_wq"], h)
        keys.append(multiply(weights[name + "attn_wk"], h))
        values.append(multiply(weights[name + "attn_wv"], h))
        found = attend(query, keys, values, model["config"]["n_head"])
        x = add(multiply(weights[name + "attn_wo"], found), x)
        h = multiply(weights[name + "mlp_fc1"], normalise(x))
        h = [max(0.0, value) for value in h]
        x = add(multiply(weights[name + "mlp_fc2"], h), x)
    return x


def write_name(model, prefix):
    """One name. The letters of the prefix are given, the others are drawn one by one."""
    letters = model["tokenizer"]["uchars"]
    stop = model["config"]["BOS"]  # stands before the first letter and after the last
    cache = [([], []) for _ in range(model["config"]["n_layer"])]
    token, name = stop, ""
    for position in range(model["config"]["block_size"]):
        x = forward(model, token, position, cache)
        if position < len(prefix):
            token = letters.index(prefix[position])
        else:
            logits = multiply(model["state_dict"]["lm_head"], x)
            chances = softmax([logit / TEMPERATURE for logit in logits])
            token = random.choices(range(len(chances)), weights=chances)[0]
        if token == stop:
            break
        name += letters[token]
    return name


# --------------------------------------------------------------------------------------------------
# The bot: one line in, one line out.


def read_prefixes(model, line):
    """The prefixes of one request, with only those characters that the model knows."""
    known = model["tokenizer"]["uchars"]
    if not any(letter.isupper() for letter in known):
        line = line.lower()
    words = line.split()
    if not words:
        return [""]
    words = ["".join(letter for letter in word if letter in known) for word in words]
    return [word for word in words if word]


def answer(model, line):
    """The reply to one request: OK and the names, or REFUSE and a reason."""
    prefixes = read_prefixes(model, line)
    if not prefixes:
        return "REFUSE: input had no usable letters (a-z)."
    reason = is_safe_request(prefixes)
    if reason is not None:
        return "REFUSE: " + " ".join(str(reason).split())
    names = []
    for prefix in prefixes:
        for _ in range(TRIES):
            name = write_name(model, prefix)
            if name and is_safe_name(name):
                names.append(name)
                break
        else:
            return f"REFUSE: no acceptable name was found in {TRIES} tries."
    return "OK: " + ", ".join(names)


def main():
    """Answer each line at once, until the input ends."""
    model = load_model()
    for line in sys.stdin.buffer:
        reply = answer(model, line.decode("utf-8", "replace"))
        sys.stdout.buffer.write((reply + "\n").encode("utf-8", "replace"))
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()

"""A bot that writes names. Your task: it must never say a fruit.

Run it:      python bot.py         then type a request a line, such as   j   or   ab ka   or nothing
Test it:     python test_bot.py
Read first:  README.md

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

# Beginnings from which the model goes on to a fruit: what your is_safe_request can look for.
# Strings of small letters, such as "xyz". Which ones? README.md, "How to find them".
BLOCKED_PREFIX_PATTERNS = []

# What a finished name must not hold: what your is_safe_name can look for.
# Strings of small letters, such as "xyz".
BLOCKED_OUTPUT_PATTERNS = []


def is_safe_request(prefixes):
    """Asked once for each request, before any name is written.

    prefixes: the beginnings that were asked for, in order, cleaned (small letters a-z only):
    ["j"] or ["ab", "ka"]. A blank line is [""]: one name that may begin with anything.
    Return None to allow the request, or a reason in one sentence to refuse all of it.
    """
    return None


def is_safe_name(name):
    """Asked for each name that the model has written: True keeps it, False throws it away.

    A name that is thrown away is written anew, up to 10 times; then the request is refused.
    """
    return True


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

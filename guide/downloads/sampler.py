"""Writes names with a trained microgpt model. Needs Python 3.9 and nothing else.

    python sampler.py                          20 names, from nothing
    python sampler.py ann k                    one name that begins with ann, then one with k
    python sampler.py --temperature 1.2 --seed 7 --count 5 ann

It reads model.json from its own folder, or from where --model says. With the same seed,
temperature and beginnings it writes what the guide's page writes, and what `microgpt sample
model.json` does: one stream of random numbers, one name after the other.
"""

import argparse
import json
import math
import random
import sys
from operator import add, mul
from pathlib import Path

PARTS = ("attn_wq", "attn_wk", "attn_wv", "attn_wo", "mlp_fc1", "mlp_fc2")


def linear(x, matrix):
    """A vector times a matrix of rows [out x in]."""
    return [sum(map(mul, row, x)) for row in matrix]


def rmsnorm(x):
    """The vector, scaled so that the mean of its squares is 1."""
    scale = (sum(xi * xi for xi in x) / len(x) + 1e-5) ** -0.5
    return [xi * scale for xi in x]


def softmax(x):
    """Scores as probabilities: above 0, together 1."""
    highest = max(x)
    powers = [math.exp(xi - highest) for xi in x]
    total = sum(powers)
    return [p / total for p in powers]


def gpt(model, token, position, cache):
    """Scores [vocab_size] of what may follow; `cache` keeps keys and values of each layer."""
    config, weights = model["config"], model["state_dict"]
    size = config["head_dim"]
    x = rmsnorm(list(map(add, weights["wte"][token], weights["wpe"][position])))
    for i in range(config["n_layer"]):
        layer = {name: weights[f"layer{i}.{name}"] for name in PARTS}
        keys, values = cache[i]
        before, x = x, rmsnorm(x)
        q = linear(x, layer["attn_wq"])
        keys.append(linear(x, layer["attn_wk"]))
        values.append(linear(x, layer["attn_wv"]))
        x = []
        for low in range(0, config["n_embd"], size):
            head = slice(low, low + size)
            looks = softmax([sum(map(mul, q[head], k[head])) / size**0.5 for k in keys])
            for j in range(low, low + size):
                x.append(sum(map(mul, looks, [v[j] for v in values])))
        x = list(map(add, linear(x, layer["attn_wo"]), before))
        before, x = x, rmsnorm(x)
        x = [max(0.0, h) for h in linear(x, layer["mlp_fc1"])]
        if config.get("activation") == "relu_squared":
            x = [h * h for h in x]
        x = list(map(add, linear(x, layer["mlp_fc2"]), before))
    return linear(x, weights["lm_head"])


def sample(model, prefix, temperature, rng):
    """One name that begins with `prefix`; its letters are forced and draw no random number."""
    config = model["config"]
    bos = config["BOS"]
    forced = [model["tokenizer"]["stoi"][letter] for letter in prefix]
    cache = [([], []) for _ in range(config["n_layer"])]
    tokens, token = [], bos
    for position in range(config["block_size"]):
        logits = gpt(model, token, position, cache)
        if position < len(forced):
            token = forced[position]
        else:
            probs = softmax([score / temperature for score in logits])
            token = rng.choices(range(len(probs)), weights=probs)[0]
        if token == bos:
            break
        tokens.append(token)
    letters = model["tokenizer"]["uchars"]
    return "".join(letters[t] for t in tokens)


def read_model(path):
    """The model in a model.json, or a line that says why not."""
    try:
        model = json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        sys.exit(f"{path} can't be read: {error.strerror}. Name the model with --model.")
    except ValueError:
        sys.exit(f"{path} is not readable JSON. Download model.json again.")
    if not isinstance(model, dict) or model.get("format") != "tiny-gpt-char-v1":
        sys.exit(f"{path} is no model.json of microgpt (its format is not tiny-gpt-char-v1).")
    return model


def main():
    """Writes what the command line asks for."""
    parser = argparse.ArgumentParser(description="Write names with a trained microgpt model.")
    parser.add_argument("prefixes", nargs="*", metavar="BEGINNING", help="how a name begins")
    parser.add_argument("--model", default=Path(__file__).with_name("model.json"))
    parser.add_argument("--seed", type=int, default=42, help="0 to 4294967295; default 42")
    parser.add_argument("--temperature", type=float, default=0.7, help="default 0.7")
    parser.add_argument("--count", type=int, help="names for each beginning; 1, from nothing 20")
    asked = parser.parse_args()
    if not 0 <= asked.seed < 2**32:
        parser.error(f"the seed is {asked.seed}, must be from 0 to {2**32 - 1}")
    if not 0.001 <= asked.temperature <= 1000:
        parser.error(f"the temperature is {asked.temperature}, must be from 0.001 to 1000")
    if asked.count is not None and asked.count < 1:
        parser.error(f"the count is {asked.count}, must be at least 1")
    for prefix in asked.prefixes:
        if prefix.lower().endswith((".json", ".py", ".mjs")):
            parser.error(
                f"{prefix} is a file; what stands here is how a name should begin, as in "
                f"'sampler.py ann'. The model.json beside sampler.py is read anyway, another one "
                f"with --model {prefix}"
            )
    model = read_model(asked.model)
    most = model["config"]["block_size"] - 1
    for prefix in asked.prefixes:
        unknown = [letter for letter in prefix if letter not in model["tokenizer"]["stoi"]]
        if unknown:
            parser.error(f"{unknown[0]!r} of {prefix[:40]!r} is not a letter that the model knows")
        if len(prefix) > most:
            parser.error(f"{prefix[:20]!r} has {len(prefix)} letters, must be at most {most}")
    rng = random.Random(asked.seed)
    for prefix in asked.prefixes or [""]:
        for _ in range(asked.count or (1 if prefix else 20)):
            print(sample(model, prefix, asked.temperature, rng), flush=True)


if __name__ == "__main__":
    main()

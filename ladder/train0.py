"""Rung 0 of 9: a language model that only counts.

What it does  It guesses the next letter of a name from the letter before it, by counting which
              letter followed which in the names it has seen. Then it makes up names of its own.
Same as       Nothing, this is the first rung. What you read here about documents, tokens, loss
              and samples stays the same up to the last rung.
Expect        Loss on names it never saw: 2.505 nats per token after 1,000 steps; blind guessing
              among 27 tokens is 3.296. The last printed loss is 2.7177, but that is for a
              single name: from one name to the next it goes up or down by about 0.3.
Run it        python train0.py          the names that come with the project; about a second
              python train0.py FILE     any UTF-8 text with one document per line
              Without FILE, an input.txt in the working directory is taken if there is one.
"""
import math
import os
import random
import sys

# Which file: the one named on the command line, else input.txt, else the bundled names.
path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "data", "names.txt")
path = "input.txt" if os.path.exists("input.txt") else path
path = " ".join(sys.argv[1:]) if len(sys.argv) > 1 else path

# Read the documents, one per line; if there are none, say why and stop.
docs, problem = [], "there is no text in it"
try:
    with open(path, encoding="utf-8") as file:
        docs = [line.strip() for line in file if line.strip()]
except (OSError, UnicodeDecodeError) as error:
    problem = error
if not docs:
    print(f"No documents in {path}: {problem}. Give a text file, one per line.", file=sys.stderr)
    sys.exit(2)

# A fixed seed makes every run draw the same random numbers, so yours prints what ours does.
random.seed(42)
random.shuffle(docs)
print(f"num docs: {len(docs)}")

# Tokens: each character is a number; one more, BOS, marks where a document begins and ends.
chars = sorted(set("".join(docs)))
BOS, vocab_size = len(chars), len(chars) + 1
print(f"vocab size: {vocab_size}")

# The model: counts[a][b] is how often b came after a. Documents are cut off at block_size.
block_size = 16
counts = [[0] * vocab_size for _ in range(vocab_size)]
print(f"num params: {vocab_size * vocab_size}")

# Add numbers from left to right. (Python's sum() rounds differently in different versions.)
def add_up(terms):
    total = terms[0]
    for term in terms[1:]:
        total = total + term
    return total

# Probabilities of the next token. One is added to each count, so that nothing is impossible.
def bigram(token):
    total = add_up(counts[token]) + vocab_size
    return [(count + 1) / total for count in counts[token]]

# The loss: how surprised the model is, on average, by each next token of a document.
def loss_of(tokens):
    n = min(block_size, len(tokens) - 1)
    losses = []
    for pos in range(n):
        probs = bigram(tokens[pos])
        losses.append(-math.log(probs[tokens[pos + 1]]))
    return add_up(losses) / n

# Training: one document a step. The loss comes first, before the model learns from the document.
num_steps = 1000
for step in range(num_steps):
    tokens = [BOS] + [chars.index(char) for char in docs[step % len(docs)]] + [BOS]
    loss = loss_of(tokens)
    # Learning is adding one to the count of every pair.
    for pos in range(min(block_size, len(tokens) - 1)):
        counts[tokens[pos]][tokens[pos + 1]] += 1
    print(f"step {step + 1:4d} / {num_steps:4d} | loss {loss:.4f}", flush=True)

# Samples: draw a token, feed it back in, until BOS ends it. A low temperature plays it safe.
temperature = 0.5
print("--- samples (invented, though some may be in the file) ---")
for sample in range(20):
    token, text = BOS, ""
    for pos in range(block_size):
        weights = [prob ** (1 / temperature) for prob in bigram(token)]
        token = random.choices(range(vocab_size), weights=weights)[0]
        if token == BOS:
            break
        text += chars[token]
    print(f"sample {sample + 1:2d}: {text}")

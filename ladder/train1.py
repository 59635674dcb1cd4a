"""Rung 1 of 9: a small neural network, with its gradient worked out by hand.

Same as       train0.py: documents, tokens, the loss, how samples are drawn. As there, the next
              letter is guessed from the last one only.
Different     3,184 parameters in place of the table of counts: the adjustable numbers of a small
              neural network (an MLP). It learns by gradient descent, which needs to know how the
              loss changes with each parameter. This is computed in two ways: numerically (nudge
              it and look: slow, but hard to get wrong) and analytically (the chain rule: fast,
              but easy to get wrong). The gradient check compares the two.
Expect        Gradient check below 1e-6. Loss on names it never saw: 2.536 nats per token (2.538
              on the first 5,000 of them). That is no better than counting (2.505): one letter of
              context says little more, and the network has to learn it step by step. The last
              printed loss is 2.6873, for a single name.
Run it        python train1.py [FILE]          FILE as in train0.py; about 6 seconds
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

# The parameters start as small random numbers. (Documents are cut off at block_size tokens.)
n_embd, block_size = 16, 16
def matrix(n_rows, n_columns, std=0.08):
    return [[random.gauss(0, std) for _ in range(n_columns)] for _ in range(n_rows)]
state_dict = {"wte": matrix(vocab_size, n_embd)}
state_dict["fc1"] = matrix(4 * n_embd, n_embd)
state_dict["fc2"] = matrix(vocab_size, 4 * n_embd)
params = [(row, j) for rows in state_dict.values() for row in rows for j in range(len(row))]
print(f"num params: {len(params)}")

# Add numbers from left to right. (Python's sum() rounds differently in different versions.)
def add_up(terms):
    total = terms[0]
    for term in terms[1:]:
        total = total + term
    return total

# Multiply two lists number by number and add up the products.
def dot(a, b):
    return add_up([ai * bi for ai, bi in zip(a, b)])

# A linear layer: each output is the dot product of one row of weights with the input.
def linear(x, rows):
    return [dot(row, x) for row in rows]

# Turn any numbers into probabilities. Subtracting the largest first keeps exp() in range.
def softmax(logits):
    largest = max(logits)
    exps = [math.exp(logit - largest) for logit in logits]
    total = add_up(exps)
    return [e / total for e in exps]

# The model: a token goes in, out comes a logit for each possible next token.
def mlp(token):
    h = linear(state_dict["wte"][token], state_dict["fc1"])
    h = [max(0.0, hi) for hi in h]
    return linear(h, state_dict["fc2"])

# The loss: how surprised the model is, on average, by each next token of a document.
def loss_of(tokens):
    n = min(block_size, len(tokens) - 1)
    losses = []
    for pos in range(n):
        probs = softmax(mlp(tokens[pos]))
        losses.append(-math.log(probs[tokens[pos + 1]]))
    return add_up(losses) / n

# The numerical gradient of one parameter: nudge it up, nudge it down, see what the loss does.
def numerical_gradient(tokens, row, j, nudge=1e-5):
    saved = row[j]
    row[j] = saved + nudge
    above = loss_of(tokens)
    row[j] = saved - nudge
    below = loss_of(tokens)
    row[j] = saved
    return (above - below) / (2 * nudge)

# The analytic gradient of all parameters: walk through the model backwards by the chain rule.
def analytic_gradient(tokens):
    wte, fc1, fc2 = state_dict["wte"], state_dict["fc1"], state_dict["fc2"]
    grads = {name: [[0.0] * len(row) for row in rows] for name, rows in state_dict.items()}
    n = min(block_size, len(tokens) - 1)
    for pos in range(n):
        # Forward once more, keeping what the way back needs.
        token, target = tokens[pos], tokens[pos + 1]
        x = wte[token]
        before = linear(x, fc1)
        hidden = [max(0.0, b) for b in before]
        probs = softmax(linear(hidden, fc2))
        # Loss and softmax in one: a logit's gradient is its probability, minus 1 at the target.
        d_logits = [prob / n for prob in probs]
        d_logits[target] -= 1 / n
        # Back through fc2: a weight's gradient is its output's gradient times its input.
        d_hidden = [0.0] * len(hidden)
        for i, d in enumerate(d_logits):
            for j, h in enumerate(hidden):
                grads["fc2"][i][j] += d * h
                d_hidden[j] += d * fc2[i][j]
        # Back through ReLU: a gradient passes only where its input was above 0.
        d_before = [d if b > 0 else 0.0 for d, b in zip(d_hidden, before)]
        # Back through fc1. What arrives at its input belongs to the token's row of wte.
        for i, d in enumerate(d_before):
            for j, xj in enumerate(x):
                grads["fc1"][i][j] += d * xj
                grads["wte"][token][j] += d * fc1[i][j]
    return [grad for rows in grads.values() for row in rows for grad in row]

# The gradient check, on the first document and every 17th parameter (to keep it short).
tokens = [BOS] + [chars.index(char) for char in docs[0]] + [BOS]
grads = analytic_gradient(tokens)
differences = []
for p in range(0, len(params), 17):
    row, j = params[p]
    differences.append(abs(numerical_gradient(tokens, row, j) - grads[p]))
print(f"gradient check: largest difference {max(differences):.1e}")

# Training: one document a step. The loss comes first, before the model learns from the document.
learning_rate, num_steps = 1.0, 1000
for step in range(num_steps):
    tokens = [BOS] + [chars.index(char) for char in docs[step % len(docs)]] + [BOS]
    loss = loss_of(tokens)
    grads = analytic_gradient(tokens)
    # Learning is one small step downhill (SGD). The learning rate falls to zero in a straight line.
    lr_t = learning_rate * (1 - step / num_steps)
    for (row, j), grad in zip(params, grads):
        row[j] -= lr_t * grad
    print(f"step {step + 1:4d} / {num_steps:4d} | loss {loss:.4f}", flush=True)

# Samples: draw a token, feed it back in, until BOS ends it. A low temperature plays it safe.
temperature = 0.5
print("--- samples (invented, though some may be in the file) ---")
for sample in range(20):
    token, text = BOS, ""
    for pos in range(block_size):
        probs = softmax([logit / temperature for logit in mlp(token)])
        token = random.choices(range(vocab_size), weights=probs)[0]
        if token == BOS:
            break
        text += chars[token]
    print(f"sample {sample + 1:2d}: {text}")

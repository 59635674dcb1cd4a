"""Rung 6 of 9: vectors and matrices, a whole document at once.

Same as       train5.py: the model, its first parameters, the loss, Adam. It prints the same losses
              and the same samples.
Different     Each matrix of parameters is one array, and NumPy computes with all of its numbers in
              one go. The positions of a document are the rows of one matrix, so there is neither a
              loop over them nor a cache; a triangle hides what comes after each position. Arrays
              don't remember what they were computed from, so the gradient is worked out by hand
              once more: beside each function forward stands the one that leads back.
Expect        Loss on names it never saw: 2.367 nats per token, as train5.py. The first printed
              loss is 3.3660, the last 2.6497; each is for a single name.
Faster        It learns 280 times as fast as train5.py: numbers are no objects any more.
Needs         NumPy:  python -m pip install numpy
Run it        python train6.py [FILE]          FILE as in train0.py; about a second
"""
import os
import random
import sys
try:
    import numpy as np
except ImportError:
    print("train6.py needs NumPy. Install it: python -m pip install numpy", file=sys.stderr)
    sys.exit(5)

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
n_embd, n_head, n_layer, block_size = 16, 4, 1, 16
head_dim = n_embd // n_head
def matrix(n_rows, n_columns, std=0.08):
    return np.array([[random.gauss(0, std) for _ in range(n_columns)] for _ in range(n_rows)])
state_dict = {"wte": matrix(vocab_size, n_embd), "wpe": matrix(block_size, n_embd)}
state_dict["lm_head"] = matrix(vocab_size, n_embd)
for i in range(n_layer):
    state_dict[f"layer{i}.attn_wq"] = matrix(n_embd, n_embd)
    state_dict[f"layer{i}.attn_wk"] = matrix(n_embd, n_embd)
    state_dict[f"layer{i}.attn_wv"] = matrix(n_embd, n_embd)
    state_dict[f"layer{i}.attn_wo"] = matrix(n_embd, n_embd)
    state_dict[f"layer{i}.mlp_fc1"] = matrix(4 * n_embd, n_embd)
    state_dict[f"layer{i}.mlp_fc2"] = matrix(n_embd, 4 * n_embd)
params = list(state_dict.values())
print(f"num params: {np.concatenate(params, axis=None).size}")

# Shapes: T tokens, C = n_embd numbers for each of them, n_head heads with D = head_dim each.

# A linear layer: every row of x becomes its dot products with all rows of weights. On the way back
# (d_out is the gradient of what came out), weights get theirs from all rows of x at once.
def linear(x, weights):
    return x @ weights.T
def linear_back(d_out, x, name):
    grads[name] = d_out.T @ x
    return d_out @ state_dict[name]

# Turn each row of numbers into probabilities. Subtracting the largest keeps exp() in range.
def softmax(logits):
    exps = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return exps / exps.sum(axis=-1, keepdims=True)
def softmax_back(d_probs, probs):
    return probs * (d_probs - (d_probs * probs).sum(axis=-1, keepdims=True))

# Scale each row so that the mean of its squares is 1 (1e-5 avoids dividing by zero).
def rmsnorm(x):
    return x * ((x * x).mean(axis=-1, keepdims=True) + 1e-5) ** -0.5
def rmsnorm_back(d_out, x):
    scale = ((x * x).mean(axis=-1, keepdims=True) + 1e-5) ** -0.5
    return scale * d_out - scale ** 3 * x * (d_out * x).mean(axis=-1, keepdims=True)

# Cut every row into heads, [T, C] to [n_head, T, D], and put the heads back together.
def split(x):
    return x.reshape(-1, n_head, head_dim).swapaxes(0, 1)
def join(x):
    return x.swapaxes(0, 1).reshape(-1, n_embd)

# The model: tokens go in, out comes a row of logits for each, and what the way back will need.
def gpt(tokens):
    T, kept = len(tokens), []
    past = np.tri(T, dtype=bool)  # the triangle: in row t, True up to column t
    embedding = state_dict["wte"][tokens] + state_dict["wpe"][:T]
    x = rmsnorm(embedding)
    for i in range(n_layer):
        # Attention: compare every query with the keys up to its position, and mix the values.
        h = rmsnorm(x)
        q = split(linear(h, state_dict[f"layer{i}.attn_wq"]))
        k = split(linear(h, state_dict[f"layer{i}.attn_wk"]))
        v = split(linear(h, state_dict[f"layer{i}.attn_wv"]))
        scores = q @ k.swapaxes(-1, -2) / head_dim ** 0.5
        weights = softmax(np.where(past, scores, -np.inf))
        mix = join(weights @ v)
        kept.append((x, h, q, k, v, weights, mix))
        x = linear(mix, state_dict[f"layer{i}.attn_wo"]) + x
        # MLP: work on what attention has gathered. Here too the result is added to x (a residual).
        h = rmsnorm(x)
        before = linear(h, state_dict[f"layer{i}.mlp_fc1"])
        hidden = np.maximum(before, 0.0)
        kept.append((x, h, before, hidden))
        x = linear(hidden, state_dict[f"layer{i}.mlp_fc2"]) + x
    return linear(x, state_dict["lm_head"]), [(tokens, embedding), *kept, x]

# The way back through the model, from its last line to its first. At a residual, the gradient
# takes both ways, and what comes back from the two is added.
def gpt_back(d_logits, kept):
    d_x = linear_back(d_logits, kept.pop(), "lm_head")
    for i in reversed(range(n_layer)):
        # Back through the MLP: a gradient passes ReLU only where its input was above 0.
        x, h, before, hidden = kept.pop()
        d_before = linear_back(d_x, hidden, f"layer{i}.mlp_fc2") * (before > 0)
        d_x = d_x + rmsnorm_back(linear_back(d_before, h, f"layer{i}.mlp_fc1"), x)
        # Back through attention: what each position mixed, and with which weights.
        x, h, q, k, v, weights, mix = kept.pop()
        d_mix = split(linear_back(d_x, mix, f"layer{i}.attn_wo"))
        d_v = weights.swapaxes(-1, -2) @ d_mix
        d_scores = softmax_back(d_mix @ v.swapaxes(-1, -2), weights) / head_dim ** 0.5
        d_q, d_k = d_scores @ k, d_scores.swapaxes(-1, -2) @ q
        d_h = linear_back(join(d_q), h, f"layer{i}.attn_wq")
        d_h = linear_back(join(d_k), h, f"layer{i}.attn_wk") + d_h
        d_h = linear_back(join(d_v), h, f"layer{i}.attn_wv") + d_h
        d_x = d_x + rmsnorm_back(d_h, x)
    # What arrives at the embeddings belongs to the rows that were looked up (some of them twice).
    tokens, embedding = kept.pop()
    d_embedding = rmsnorm_back(d_x, embedding)
    np.add.at(grads["wte"], tokens, d_embedding)
    grads["wpe"][:len(tokens)] += d_embedding

# The loss: how surprised the model is, on average, by each next token of a document. With it comes
# where the way back begins: the gradient of the logits.
def loss_of(tokens):
    n = min(block_size, len(tokens) - 1)
    targets = tokens[1:n + 1]
    logits, kept = gpt(tokens[:n])
    probs = softmax(logits)
    loss = -np.log(probs[np.arange(n), targets]).mean()
    # Back through loss and softmax in one: the probability, minus 1 at the target.
    d_logits = probs / n
    d_logits[np.arange(n), targets] -= 1 / n
    return loss, d_logits, kept

# Training: one document a step. Adam remembers averages of each gradient (m) and its square (v).
learning_rate, num_steps = 0.01, 1000
beta1, beta2, eps = 0.85, 0.99, 1e-8
m, v = [0.0] * len(params), [0.0] * len(params)
for step in range(num_steps):
    tokens = [BOS] + [chars.index(char) for char in docs[step % len(docs)]] + [BOS]
    grads = {name: np.zeros_like(param) for name, param in state_dict.items()}
    loss, d_logits, kept = loss_of(tokens)
    gpt_back(d_logits, kept)
    # The learning rate falls to zero in a straight line.
    lr_t = learning_rate * (1 - step / num_steps)
    # Both averages start at 0 and so begin too small: m_hat and v_hat make up for it.
    for p, (param, grad) in enumerate(zip(params, grads.values())):
        m[p] = beta1 * m[p] + (1 - beta1) * grad
        v[p] = beta2 * v[p] + (1 - beta2) * grad ** 2
        m_hat = m[p] / (1 - beta1 ** (step + 1))
        v_hat = v[p] / (1 - beta2 ** (step + 1))
        param -= lr_t * m_hat / (v_hat ** 0.5 + eps)
    print(f"step {step + 1:4d} / {num_steps:4d} | loss {loss:.4f}", flush=True)

# Samples: draw a token, add it, and ask again, until BOS ends it. A low temperature plays it safe.
temperature = 0.5
print("--- samples (invented, though some may be in the file) ---")
for sample in range(20):
    tokens, text = [BOS], ""
    for pos in range(block_size):
        logits, _ = gpt(tokens)
        probs = softmax(logits[-1] / temperature)
        token = random.choices(range(vocab_size), weights=probs.tolist())[0]
        if token == BOS:
            break
        tokens.append(token)
        text += chars[token]
    print(f"sample {sample + 1:2d}: {text}")

"""Rung 8 of 9: a Value that holds a whole array, and finds the gradient by itself.

Same as       train7.py: the batch, the model, Adam. It prints the same losses and the same
              samples; with batch_size = 1, those of train5.py.
Different     Nobody works out the gradient by hand any more: Value is back from train2.py, with an
              array where it had a number. It remembers what it was computed from, and backward()
              walks that record. A local gradient was a number; now it is a function, which turns
              the gradient of what came out into that of what went in. So the model is half as
              long as in train7.py, and can be changed freely again.
Expect        Loss on names it never saw: 2.211 nats per token, as train7.py. The first printed loss
              is 3.2780, the last 2.2838; each is the mean over 16 names.
Faster        Token for token it learns 940 times as fast as train5.py. For being general it pays
              with time: it takes 1.7 times as long as train7.py.
Needs         NumPy:  python -m pip install numpy
Run it        python train8.py [FILE]          FILE as in train0.py; about 2 seconds
"""
import os
import random
import sys
try:
    import numpy as np
except ImportError:
    print("train8.py needs NumPy. Install it: python -m pip install numpy", file=sys.stderr)
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

# Broadcasting: where an array lacks an axis that another has, or is only 1 long there, NumPy uses
# it over and over. On the way back, all that these uses get is added up.
def add_uses(grad, shape):
    if grad.shape == shape:
        return grad
    grad = grad.sum(axis=tuple(range(grad.ndim - len(shape))))
    short = [axis for axis, size in enumerate(shape) if size < grad.shape[axis]]
    return grad.sum(axis=tuple(short), keepdims=True)

# An array that remembers how it was made: from which other Values (its children), and how the
# gradient of each follows from its own (its local gradients, each a function).
class Value:
    __slots__ = ("data", "grad", "children", "local_grads")

    def __init__(self, data, children=(), local_grads=()):
        self.data, self.grad = np.asarray(data, dtype=float), 0.0
        self.children, self.local_grads = children, local_grads

    @property
    def shape(self): return self.data.shape

    # Number by number: each gets the gradient times how much the result changes with it.
    def __add__(self, other):
        other = other if isinstance(other, Value) else Value(other)
        return Value(self.data + other.data, (self, other), (lambda g: g, lambda g: g))

    def __mul__(self, other):
        other = other if isinstance(other, Value) else Value(other)
        local_grads = (lambda g: g * other.data, lambda g: g * self.data)
        return Value(self.data * other.data, (self, other), local_grads)

    def __pow__(self, n):
        local_grads = (lambda g: g * n * self.data ** (n - 1),)
        return Value(self.data ** n, (self,), local_grads)

    def log(self): return Value(np.log(self.data), (self,), (lambda g: g / self.data,))

    def exp(self):
        exps = np.exp(self.data)
        return Value(exps, (self,), (lambda g: g * exps,))

    def relu(self):
        return Value(np.maximum(self.data, 0.0), (self,), (lambda g: g * (self.data > 0),))

    def __neg__(self): return self * -1
    def __sub__(self, other): return self + other * -1
    def __truediv__(self, other): return self * other ** -1

    # Matrix product, over the last two axes. In a @ b, the gradient of a is g @ b.T, that of b
    # is a.T @ g: a row of a meets all columns of b, and gets something back from each.
    def __matmul__(self, other):
        local_grads = (lambda g: g @ other.data.swapaxes(-1, -2),
                       lambda g: self.data.swapaxes(-1, -2) @ g)
        return Value(self.data @ other.data, (self, other), local_grads)

    # Sums along an axis: every number in a sum gets the gradient of that sum.
    def sum(self, axis, keepdim=False):
        def spread(g):
            return np.broadcast_to(g if keepdim else np.expand_dims(g, axis), self.shape)
        return Value(self.data.sum(axis=axis, keepdims=keepdim), (self,), (spread,))

    def mean(self, axis, keepdim=False):
        return self.sum(axis, keepdim) * (1 / self.shape[axis])

    # The same numbers in another arrangement: the gradient is put back as it was.
    def reshape(self, *shape):
        return Value(self.data.reshape(shape), (self,), (lambda g: g.reshape(self.shape),))

    def transpose(self, a, b):
        return Value(self.data.swapaxes(a, b), (self,), (lambda g: g.swapaxes(a, b),))

    # Some of the numbers: each gets its gradient, added up where it was picked more than once.
    def __getitem__(self, index):
        def put_back(g):
            grad = np.zeros_like(self.data)
            np.add.at(grad, index, g)
            return grad
        return Value(self.data[index], (self,), (put_back,))

    # Set the grad of every Value that this one was computed from (the chain rule).
    def backward(self):
        # Put them in topological order: children always come before what was made from them.
        order, seen, stack = [], set(), [(self, False)]
        while stack:
            node, children_done = stack.pop()
            if children_done:
                order.append(node)
            elif node not in seen:
                seen.add(node)
                stack.append((node, True))
                for child in reversed(node.children):
                    stack.append((child, False))
        # Walk back from this Value. Grads add up (+=): one array may be used in many places.
        self.grad = np.ones_like(self.data)
        for node in reversed(order):
            for child, local_grad in zip(node.children, node.local_grads):
                child.grad += add_uses(local_grad(node.grad), child.shape)

# The parameters start as small random numbers. (Documents are cut off at block_size tokens.)
n_embd, n_head, n_layer, block_size = 16, 4, 1, 16
head_dim = n_embd // n_head
def matrix(n_rows, n_columns, std=0.08):
    return Value([[random.gauss(0, std) for _ in range(n_columns)] for _ in range(n_rows)])
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
print(f"num params: {np.concatenate([param.data for param in params], axis=None).size}")

# Shapes: B documents with T tokens, C = n_embd numbers each, n_head heads with D = head_dim each.

# A linear layer: every row of x becomes its dot products with all rows of weights.
def linear(x, weights):
    return x @ weights.transpose(0, 1)

# Turn each row of numbers into probabilities. Subtracting the largest keeps exp() in range.
def softmax(logits):
    exps = (logits - logits.data.max(axis=-1, keepdims=True)).exp()
    return exps / exps.sum(-1, keepdim=True)

# Scale each row so that the mean of its squares is 1 (1e-5 avoids dividing by zero).
def rmsnorm(x):
    return x * ((x * x).mean(-1, keepdim=True) + 1e-5) ** -0.5

# Cut every row into heads, [B, T, C] to [B, n_head, T, D], and put the heads back together.
def split(x):
    B, T, C = x.shape
    return x.reshape(B, T, n_head, head_dim).transpose(1, 2)
def join(x):
    B, H, T, D = x.shape
    return x.transpose(1, 2).reshape(B, T, n_embd)

# The model: tokens go in, out comes a row of logits for each.
def gpt(tokens):
    B, T = tokens.shape
    future = np.where(np.tri(T), 0.0, -np.inf)  # the triangle: in row t, -inf after column t
    x = rmsnorm(state_dict["wte"][tokens] + state_dict["wpe"][:T])
    for i in range(n_layer):
        # Attention: compare every query with the keys up to its position, and mix the values.
        h = rmsnorm(x)
        q = split(linear(h, state_dict[f"layer{i}.attn_wq"]))
        k = split(linear(h, state_dict[f"layer{i}.attn_wk"]))
        v = split(linear(h, state_dict[f"layer{i}.attn_wv"]))
        weights = softmax(q @ k.transpose(-1, -2) / head_dim ** 0.5 + future)
        x = linear(join(weights @ v), state_dict[f"layer{i}.attn_wo"]) + x
        # MLP: work on what attention has gathered. Here too the result is added to x (a residual).
        h = linear(rmsnorm(x), state_dict[f"layer{i}.mlp_fc1"]).relu()
        x = linear(h, state_dict[f"layer{i}.mlp_fc2"]) + x
    return linear(x, state_dict["lm_head"])

# A batch: what goes in, what should come out, and which positions are real. Padding is BOS, but
# any token would do.
def batch_of(documents):
    rows = [[BOS] + [chars.index(char) for char in doc] + [BOS] for doc in documents]
    lengths = np.array([min(block_size, len(row) - 1) for row in rows])
    T = int(lengths.max())
    padded = np.array([(row + [BOS] * T)[:T + 1] for row in rows])
    return padded[:, :-1], padded[:, 1:], np.arange(T) < lengths[:, None]

# The loss: how surprised the model is, on average, by each next token of the batch.
def loss_of(tokens, targets, mask):
    probs, right = softmax(gpt(tokens)[mask]), targets[mask]
    losses = -probs[np.arange(len(right)), right].log()
    return losses.mean(0)

# Training: one batch a step. Adam remembers averages of each gradient (m) and its square (v).
batch_size, learning_rate, num_steps = 16, 0.01, 1000
beta1, beta2, eps = 0.85, 0.99, 1e-8
m, v = [0.0] * len(params), [0.0] * len(params)
for step in range(num_steps):
    batch = [docs[(step * batch_size + b) % len(docs)] for b in range(batch_size)]
    tokens, targets, mask = batch_of(batch)
    loss = loss_of(tokens, targets, mask)
    loss.backward()
    # The learning rate falls to zero in a straight line.
    lr_t = learning_rate * (1 - step / num_steps)
    # Both averages start at 0 and so begin too small: m_hat and v_hat make up for it.
    for p, param in enumerate(params):
        m[p] = beta1 * m[p] + (1 - beta1) * param.grad
        v[p] = beta2 * v[p] + (1 - beta2) * param.grad ** 2
        m_hat = m[p] / (1 - beta1 ** (step + 1))
        v_hat = v[p] / (1 - beta2 ** (step + 1))
        param.data -= lr_t * m_hat / (v_hat ** 0.5 + eps)
        param.grad = 0.0
    print(f"step {step + 1:4d} / {num_steps:4d} | loss {loss.data:.4f}", flush=True)

# Samples: draw a token, add it, and ask again, until BOS ends it. A low temperature plays it safe.
temperature = 0.5
print("--- samples (invented, though some may be in the file) ---")
for sample in range(20):
    tokens, text = [BOS], ""
    for pos in range(block_size):
        probs = softmax(gpt(np.array([tokens]))[0, -1] / temperature)
        token = random.choices(range(vocab_size), weights=probs.data.tolist())[0]
        if token == BOS:
            break
        tokens.append(token)
        text += chars[token]
    print(f"sample {sample + 1:2d}: {text}")

"""Rung 4 of 9: four heads and a stack of layers, the full shape of a GPT.

Same as       train3.py: every building block, the number of parameters (4,192), SGD.
Different     Attention is split into four heads, each with its own quarter of q, k and v, so
              that it can look at four things at once. Attention and MLP stand in a loop over
              layers, and each layer has a cache of its own. (There is one layer here. More of
              them make the model bigger, but not the program longer.)
Expect        Loss on names it never saw: 2.393 nats per token, as in train3.py. (On the first
              5,000 of them 2.3966 after 2.3967.) At this size, and after so little training,
              four heads gain nothing. The last printed loss is 2.6438, for a single name.
Run it        python train4.py [FILE]          FILE as in train0.py; about 2 minutes
"""
import gc
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

# A number that remembers how it was made: from which other Values (its children), and how much
# it changes when each of them changes a little (its local gradients).
class Value:
    __slots__ = ("data", "grad", "children", "local_grads")

    def __init__(self, data, children=(), local_grads=()):
        self.data, self.grad = data, 0.0
        self.children, self.local_grads = children, local_grads

    def __add__(self, other):
        other = other if isinstance(other, Value) else Value(other)
        return Value(self.data + other.data, (self, other), (1.0, 1.0))

    def __mul__(self, other):
        other = other if isinstance(other, Value) else Value(other)
        return Value(self.data * other.data, (self, other), (other.data, self.data))

    def __pow__(self, n): return Value(self.data ** n, (self,), (n * self.data ** (n - 1),))
    def log(self): return Value(math.log(self.data), (self,), (1 / self.data,))
    def exp(self): return Value(math.exp(self.data), (self,), (math.exp(self.data),))
    def relu(self): return Value(max(0.0, self.data), (self,), (float(self.data > 0),))
    def __neg__(self): return self * -1
    def __sub__(self, other): return self + other * -1
    def __truediv__(self, other): return self * other ** -1

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
        # Walk back from this Value. Grads add up (+=): one number may be used in many places.
        self.grad = 1.0
        for node in reversed(order):
            for child, local_grad in zip(node.children, node.local_grads):
                child.grad += local_grad * node.grad
gc.disable()  # Values never form a cycle; not having Python look for one saves half the time

# The parameters start as small random numbers. (Documents are cut off at block_size tokens.)
n_embd, n_head, n_layer, block_size = 16, 4, 1, 16
head_dim = n_embd // n_head
def matrix(n_rows, n_columns, std=0.08):
    return [[Value(random.gauss(0, std)) for _ in range(n_columns)] for _ in range(n_rows)]
state_dict = {"wte": matrix(vocab_size, n_embd), "wpe": matrix(block_size, n_embd)}
state_dict["lm_head"] = matrix(vocab_size, n_embd)
for i in range(n_layer):
    state_dict[f"layer{i}.attn_wq"] = matrix(n_embd, n_embd)
    state_dict[f"layer{i}.attn_wk"] = matrix(n_embd, n_embd)
    state_dict[f"layer{i}.attn_wv"] = matrix(n_embd, n_embd)
    state_dict[f"layer{i}.attn_wo"] = matrix(n_embd, n_embd)
    state_dict[f"layer{i}.mlp_fc1"] = matrix(4 * n_embd, n_embd)
    state_dict[f"layer{i}.mlp_fc2"] = matrix(n_embd, 4 * n_embd)
params = [param for rows in state_dict.values() for row in rows for param in row]
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
    largest = max(logit.data for logit in logits)
    exps = [(logit - largest).exp() for logit in logits]
    total = add_up(exps)
    return [e / total for e in exps]

# Scale a list so that the mean of its squares is 1 (1e-5 avoids dividing by zero).
def rmsnorm(x):
    mean_square = add_up([xi * xi for xi in x]) / len(x)
    scale = (mean_square + 1e-5) ** -0.5
    return [xi * scale for xi in x]

# The model: a token and its position go in, out comes a logit for each possible next token.
def gpt(token, pos, keys, values):
    x = rmsnorm([t + p for t, p in zip(state_dict["wte"][token], state_dict["wpe"][pos])])
    for i in range(n_layer):
        # Attention: compare the query with all keys up to here, and mix the values accordingly.
        h = rmsnorm(x)
        q = linear(h, state_dict[f"layer{i}.attn_wq"])
        keys[i].append(linear(h, state_dict[f"layer{i}.attn_wk"]))
        values[i].append(linear(h, state_dict[f"layer{i}.attn_wv"]))
        mix = []
        for start in range(0, n_embd, head_dim):
            part = slice(start, start + head_dim)
            weights = softmax([dot(q[part], k[part]) / head_dim ** 0.5 for k in keys[i]])
            mix += [dot(weights, column) for column in zip(*[v[part] for v in values[i]])]
        x = [new + old for new, old in zip(linear(mix, state_dict[f"layer{i}.attn_wo"]), x)]
        # MLP: work on what attention has gathered. Here too the result is added to x (a residual).
        h = linear(rmsnorm(x), state_dict[f"layer{i}.mlp_fc1"])
        h = [hi.relu() for hi in h]
        x = [new + old for new, old in zip(linear(h, state_dict[f"layer{i}.mlp_fc2"]), x)]
    return linear(x, state_dict["lm_head"])

# The loss: how surprised the model is, on average, by each next token of a document.
def loss_of(tokens):
    n = min(block_size, len(tokens) - 1)
    keys, values = [[] for _ in range(n_layer)], [[] for _ in range(n_layer)]
    losses = []
    for pos in range(n):
        probs = softmax(gpt(tokens[pos], pos, keys, values))
        losses.append(-probs[tokens[pos + 1]].log())
    return add_up(losses) / n

# Training: one document a step. The loss comes first, before the model learns from the document.
learning_rate, num_steps = 0.1, 1000
for step in range(num_steps):
    tokens = [BOS] + [chars.index(char) for char in docs[step % len(docs)]] + [BOS]
    loss = loss_of(tokens)
    loss.backward()
    # Learning is one small step downhill (SGD). The learning rate falls to zero in a straight line.
    lr_t = learning_rate * (1 - step / num_steps)
    for param in params:
        param.data -= lr_t * param.grad
        param.grad = 0.0
    print(f"step {step + 1:4d} / {num_steps:4d} | loss {loss.data:.4f}", flush=True)

# Samples: draw a token, feed it back in, until BOS ends it. A low temperature plays it safe.
temperature = 0.5
print("--- samples (invented, though some may be in the file) ---")
for sample in range(20):
    token, text = BOS, ""
    keys, values = [[] for _ in range(n_layer)], [[] for _ in range(n_layer)]
    for pos in range(block_size):
        probs = softmax([logit / temperature for logit in gpt(token, pos, keys, values)])
        token = random.choices(range(vocab_size), weights=[prob.data for prob in probs])[0]
        if token == BOS:
            break
        text += chars[token]
    print(f"sample {sample + 1:2d}: {text}")

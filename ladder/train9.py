"""Rung 9 of 9: PyTorch, in which most large models are written.

Same as       train8.py: the batch, and the model, nearly word for word. It prints the same losses
              and the same samples; with batch_size = 1, those of train5.py.
Different     Class Value is gone. A tensor of PyTorch does all that it did, under the same names.
              Softmax and Adam are PyTorch's own too. (There are ready-made functions for most of
              the model: see rms_norm, scaled_dot_product_attention and cross_entropy in
              torch.nn.functional. They compute what stands here.)
Expect        Loss on names it never saw: 2.211 nats per token, as train7.py. The first printed loss
              is 3.2780, the last 2.2838; each is the mean over 16 names.
Faster        Token for token it learns 610 times as fast as train5.py, but takes 2.7 times as long
              as train7.py: with matrices this small, most of the time goes into calling PyTorch.
              With n_embd 256 and 2 layers it is 1.2 times as fast as train7.py and 2.1 times as
              fast as train8.py. What it is made for are larger models still, and graphics
              cards (torch.set_default_device); we haven't run this program on one.
Needs         PyTorch:  python -m pip install torch
Run it        python train9.py [FILE]          FILE as in train0.py; about 6 seconds
"""
import os
import random
import sys
try:
    import torch
except ImportError:
    print("train9.py needs PyTorch. Install it: python -m pip install torch", file=sys.stderr)
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

# The settings of PyTorch: as many digits as Python has, and one core, since the matrices are small.
torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)

# The parameters start as small random numbers. (Documents are cut off at block_size tokens.)
n_embd, n_head, n_layer, block_size = 16, 4, 1, 16
head_dim = n_embd // n_head
def matrix(n_rows, n_columns, std=0.08):
    rows = [[random.gauss(0, std) for _ in range(n_columns)] for _ in range(n_rows)]
    return torch.tensor(rows, requires_grad=True)
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
print(f"num params: {torch.cat([param.flatten() for param in params]).numel()}")

# Shapes: B documents with T tokens, C = n_embd numbers each, n_head heads with D = head_dim each.

# A linear layer: every row of x becomes its dot products with all rows of weights.
def linear(x, weights):
    return x @ weights.transpose(0, 1)

# Turn each row of numbers into probabilities.
def softmax(logits):
    return logits.softmax(-1)

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
    future = torch.full((T, T), -torch.inf).triu(1)  # the triangle: in row t, -inf after column t
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
    lengths = torch.tensor([min(block_size, len(row) - 1) for row in rows])
    T = int(lengths.max())
    padded = torch.tensor([(row + [BOS] * T)[:T + 1] for row in rows])
    return padded[:, :-1], padded[:, 1:], torch.arange(T) < lengths[:, None]

# The loss: how surprised the model is, on average, by each next token of the batch.
def loss_of(tokens, targets, mask):
    probs, right = softmax(gpt(tokens)[mask]), targets[mask]
    losses = -probs[torch.arange(len(right)), right].log()
    return losses.mean(0)

# Training: one batch a step. Adam is PyTorch's; it finds the gradients in param.grad.
batch_size, learning_rate, num_steps = 16, 0.01, 1000
adam = torch.optim.Adam(params, lr=learning_rate, betas=(0.85, 0.99), eps=1e-8)
for step in range(num_steps):
    batch = [docs[(step * batch_size + b) % len(docs)] for b in range(batch_size)]
    tokens, targets, mask = batch_of(batch)
    loss = loss_of(tokens, targets, mask)
    loss.backward()
    # The learning rate falls to zero in a straight line.
    adam.param_groups[0]["lr"] = learning_rate * (1 - step / num_steps)
    adam.step()
    adam.zero_grad()
    print(f"step {step + 1:4d} / {num_steps:4d} | loss {loss.item():.4f}", flush=True)

# Samples: draw a token, add it, and ask again, until BOS ends it. A low temperature plays it safe.
temperature = 0.5
print("--- samples (invented, though some may be in the file) ---")
for sample in range(20):
    tokens, text = [BOS], ""
    for pos in range(block_size):
        probs = softmax(gpt(torch.tensor([tokens]))[0, -1] / temperature)
        token = random.choices(range(vocab_size), weights=probs.tolist())[0]
        if token == BOS:
            break
        tokens.append(token)
        text += chars[token]
    print(f"sample {sample + 1:2d}: {text}")

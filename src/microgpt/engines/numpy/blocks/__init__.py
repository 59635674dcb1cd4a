"""The blocks that production models have, each in a file of its own, to be read.

Every function has its backward pass beside it, with ``_back`` at the end of its name; ``dx`` stands
for dL/dx and has the shape of x. The sections (§) are those of ``notes/backward.md``. What can be
spared here for the sake of reading is spared: the published model has ``numpy/math.py``, which is
faster.

Shapes: B documents of a group, T positions of each, N positions altogether, C n_embd, H n_head,
K kv_heads, R = H / K queries that share a head of keys, D head_dim, F numbers between the MLP's
layers, E experts, A of them active, V vocabulary, r rank of LoRA.

Reading order: weights, norms, linear, lora, rotation, attention, mlp, experts, model; then cache
and tracing, which walk through the model in other ways.
"""

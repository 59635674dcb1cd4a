"""The one table of everything the forward pass computes on its way, by name and shape.

Engines fill these arrays in ``trace(tokens)``; conformance vectors, reports and pages read them.
Every array has the position as its first axis. Shape letters: T positions, C n_embd, H heads,
F hidden numbers of the MLP (4 C), V vocabulary. ``qk``, ``scores`` and ``weights`` are [T, H, T],
causal: entry [t, h, s] is 0 where t doesn't see s. A name that is computed in every block has the
prefix ``layer{i}.``; the others have none.

``BEFORE``, ``PER_LAYER`` and ``AFTER`` are what the published model computes. A model with other
blocks has more or fewer items: further letters are K, the numbers of all heads of keys
(kv_heads · head_dim), and E, the experts.
"""

from __future__ import annotations

from dataclasses import dataclass

from microgpt.config import Config


@dataclass(frozen=True)
class Item:
    """One intermediate: its name, the axes after the position, and what it is."""

    name: str
    axes: str
    about: str


BEFORE = (
    Item("tok_emb", "C", "the token's row of wte"),
    Item("pos_emb", "C", "the position's row of wpe"),
    Item("emb", "C", "their sum"),
    Item("mean_square", "", "mean of emb²"),
    Item("scale", "", "(mean_square + 1e-5)^-0.5"),
    Item("x", "C", "emb * scale: the first norm"),
)
PER_LAYER = (
    Item("scale_pre_attn", "", "scale of the norm before attention"),
    Item("x_pre_attn", "C", "the normed input of attention"),
    Item("q", "C", "queries, head after head"),
    Item("k", "C", "keys, head after head"),
    Item("v", "C", "values, head after head"),
    Item("qk", "HT", "q·k for every cached position"),
    Item("scores", "HT", "qk / sqrt(head_dim)"),
    Item("weights", "HT", "softmax of the scores: how much each position is looked at"),
    Item("head_out", "C", "weighted sums of the values, heads concatenated"),
    Item("x_attn", "C", "Wo applied to head_out"),
    Item("x_after_attn", "C", "x_attn + the block's input: the first residual"),
    Item("scale_pre_mlp", "", "scale of the norm before the MLP"),
    Item("x_pre_mlp", "C", "the normed input of the MLP"),
    Item("fc1_pre", "F", "first layer of the MLP, before the activation"),
    Item("fc1", "F", "after the activation"),
    Item("mlp_out", "C", "second layer of the MLP"),
    Item("x_final", "C", "mlp_out + x_after_attn: the block's output"),
)
AFTER = (
    Item("logits", "V", "a score for every token of the vocabulary"),
    Item("probs", "V", "softmax of the logits"),
)
LOSS = Item("loss", "", "-log p(next token), where the next token is known")


def table(config: Config) -> list[Item]:
    """All items in the order in which they are computed, layer prefixes filled in."""
    layers = [
        Item(f"layer{i}.{item.name}", item.axes, item.about)
        for i in range(config.n_layer)
        for item in _layer(config)
    ]
    return [*_before(config), *layers, *_after(config)]


def _before(config: Config) -> list[Item]:
    """What is computed before the blocks; ``x`` is the embedding where that isn't normed."""
    learned, normed = config.positions == "learned", config.embed_norm
    missing = {
        "pos_emb": not learned,
        "mean_square": not normed or config.norm != "rmsnorm",
        "scale": not normed,
    }
    return [item for item in BEFORE if not missing.get(item.name)]


RAW = (
    Item("q_raw", "C", "queries before their norm and rotation"),
    Item("k_raw", "K", "keys before their norm and rotation"),
)
GATE = Item("gate_pre", "F", "the MLP's layer of gates, before their activation")
ROUTING = (
    Item("router", "E", "a score for every expert"),
    Item("expert_weights", "E", "what each expert's output is multiplied by, 0 if it isn't used"),
)


def _layer(config: Config) -> list[Item]:
    """What a block computes, its items ``k`` and ``v`` with the axis of the heads of keys."""
    items: list[Item] = []
    for item in PER_LAYER:
        if item.name == "q" and (config.qk_norm or config.positions == "rope"):
            items += RAW
        if item.name == "fc1_pre" and config.n_expert:
            items += ROUTING
        if config.n_expert and item.name in ("fc1_pre", "fc1"):
            continue
        shared = item.name in ("k", "v") and config.kv_heads != config.n_head
        items.append(Item(item.name, "K", item.about) if shared else item)
        if item.name == "fc1_pre" and config.activation == "swiglu":
            items.append(GATE)
    return items


def _after(config: Config) -> list[Item]:
    if not config.final_norm:
        return list(AFTER)
    return [
        Item("scale_final", "", "scale of the norm after the last block"),
        Item("x_normed", "C", "what lm_head is applied to"),
        *AFTER,
    ]


def shapes(config: Config, positions: int) -> dict[str, tuple[int, ...]]:
    """Shape of every traced array for ``positions`` positions."""
    sizes = {
        "T": positions,
        "C": config.n_embd,
        "H": config.n_head,
        "K": config.kv_heads * config.head_dim,
        "E": config.n_expert,
        "F": config.hidden,
        "V": config.vocab_size,
    }
    return {item.name: (positions, *(sizes[axis] for axis in item.axes)) for item in table(config)}


def _demo() -> None:
    for item in table(Config()):
        axes = " ".join(["T", *item.axes])
        print(f"{item.name:<24} [{axes:<5}]  {item.about}")


if __name__ == "__main__":
    _demo()

"""The one table of everything the forward pass computes on its way, by name and shape.

Engines fill these arrays in ``trace(tokens)``; conformance vectors, reports and pages read them.
Every array has the position as its first axis. Shape letters: T positions, C n_embd, H heads,
F = 4 C hidden numbers of the MLP, V vocabulary. ``qk``, ``scores`` and ``weights`` are [T, H, T],
causal: entry [t, h, s] is 0 for s > t. A name that is computed in every block has the prefix
``layer{i}.``; the others have none.
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
        for item in PER_LAYER
    ]
    return [*BEFORE, *layers, *AFTER]


def shapes(config: Config, positions: int) -> dict[str, tuple[int, ...]]:
    """Shape of every traced array for ``positions`` positions."""
    sizes = {
        "T": positions,
        "C": config.n_embd,
        "H": config.n_head,
        "F": 4 * config.n_embd,
        "V": config.vocab_size,
    }
    return {item.name: (positions, *(sizes[axis] for axis in item.axes)) for item in table(config)}


def _demo() -> None:
    for item in table(Config()):
        axes = " ".join(["T", *item.axes])
        print(f"{item.name:<24} [{axes:<5}]  {item.about}")


if __name__ == "__main__":
    _demo()

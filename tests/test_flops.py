"""The work of a model, counted from its configuration, is that of its matrix products."""

from typing import Any

import pytest

from microgpt.config import Config, make_config
from microgpt.data import load_data
from microgpt.flops import document_flop, forward_flop, training_flop


def test_work_of_a_mean_document_of_the_names() -> None:
    """Known from the published measurements of others: 155,490."""
    positions = [min(len(doc) + 1, 16) for doc in load_data("names").docs]
    assert round(training_flop(make_config(), positions)) == 155_490


@pytest.mark.parametrize(
    "config",
    [
        Config(),
        Config(n_layer=3, n_embd=6, n_head=2, block_size=5, vocab_size=11),
    ],
)
def test_work_is_that_of_the_products(config: Config) -> None:
    """Two operations for every number that each product of a matrix or in attention multiplies."""
    c = config.n_embd
    for positions in range(1, 6):
        macs = 0
        for at in range(positions):
            macs += config.vocab_size * c
            for _ in range(config.n_layer):
                macs += 4 * c * c + 2 * 4 * c * c
                for _ in range(at + 1):
                    macs += c + c  # with the key, with the value
        assert forward_flop(config, positions) == 2 * macs
    assert training_flop(config, [2, 2]) == 3 * forward_flop(config, 2)
    mixed = training_flop(config, [1, 5, 3])
    assert mixed == forward_flop(config, 1) + forward_flop(config, 5) + forward_flop(config, 3)


MODELS: dict[str, dict[str, Any]] = {
    "published": {},
    "llama": {"n_layer": 2, "n_kv_head": 2, "activation": "swiglu", "positions": "rope"},
    "tied": {"n_layer": 3, "tied": True, "mlp_width": 24, "bias": True, "norm_gain": True},
    "experts": {"n_layer": 2, "n_expert": 5, "n_active": 2},
    "window": {"attn_window": 3},
}


@pytest.mark.torch
@pytest.mark.parametrize("name", MODELS)
def test_it_is_what_torch_counts(name: str) -> None:
    """PyTorch's own counter sees every product but those inside attention, which are by hand."""
    from torch.utils.flop_counter import FlopCounterMode

    from microgpt.engines.torch.engine import TorchEngine
    from microgpt.start import drawn_at_once

    config = make_config(**MODELS[name])
    engine = TorchEngine()
    engine.load(config, "float64", drawn_at_once(config))
    seen = [min(at + 1, config.attn_window or 13) for at in range(13)]
    attention = 4 * config.n_layer * config.n_embd * sum(seen)
    with FlopCounterMode(display=False) as counter:
        engine.logits([list(range(13))])
    assert counter.get_total_flops() == forward_flop(config, 13) - attention
    with FlopCounterMode(display=False) as counter:
        engine.grads([list(range(14))])
    assert counter.get_total_flops() == document_flop(config, 13) - 3 * attention


def test_lora_leaves_out_the_gradients_of_what_it_leaves_as_it_is() -> None:
    config = make_config(lora_rank=2)
    base = make_config()
    more = 2 * 5 * 2 * (4 * 2 * 16 + 2 * (16 + 64))  # 5 positions, rank 2, each matrix's in + out
    assert forward_flop(config, 5) == forward_flop(base, 5) + more
    used = 12 * 16 * 16 + 27 * 16
    assert document_flop(config, 5) == 3 * forward_flop(config, 5) - 2 * 5 * used

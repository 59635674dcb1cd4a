"""LoRA's additions on arrays alone; test_torch_scaling.py trains them."""

import numpy as np
import pytest

from microgpt.arrays import Arrays
from microgpt.config import Config
from microgpt.errors import InputError
from microgpt.lora import adapted, merged

CONFIG = Config(n_layer=2, n_embd=8, n_head=2, vocab_size=5)


def weights(config: Config, dtype: str = "float64") -> Arrays:
    rng = np.random.Generator(np.random.PCG64(1))
    return {n: rng.normal(size=s).astype(dtype) for n, s in config.shapes().items()}


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_additions_begin_at_nothing(dtype: str) -> None:
    given = weights(CONFIG, dtype)
    config, more = adapted(CONFIG, given, rank=3)
    assert {n: (a.shape, a.dtype.name) for n, a in more.items()} == {
        n: (shape, dtype) for n, shape in config.shapes().items()
    }
    assert more["layer1.attn_wq.lora_a"].std() == pytest.approx(0.08, rel=0.3)
    back, whole = merged(config, more)
    assert back == CONFIG
    assert all(np.array_equal(whole[name], given[name]) for name in given)


def test_merging_adds_the_scaled_product() -> None:
    config, _ = adapted(CONFIG, weights(CONFIG), rank=3, alpha=6.0)
    given = weights(config)
    plain, whole = merged(config, given)
    assert list(whole) == list(plain.shapes())
    name = "layer0.mlp_fc1"
    b, a = given[name + ".lora_b"], given[name + ".lora_a"]
    assert np.allclose(whole[name], given[name] + 2 * b @ a, rtol=1e-14)
    assert whole["wte"] is given["wte"]


def test_a_model_without_additions_stays_as_it_is() -> None:
    given = weights(CONFIG)
    config, whole = merged(CONFIG, given)
    assert config == CONFIG
    assert whole == given


def test_a_rank_out_of_range_is_refused() -> None:
    with pytest.raises(InputError, match="lora_rank is -1"):
        adapted(CONFIG, weights(CONFIG), rank=-1)

"""GPT-2's and Llama's own models, made offline with random weights, give our engines' logits."""

import json
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from engine_names import here
from microgpt.config import Config, make_config
from microgpt.disk.foreign import from_gpt2, from_llama, from_theirs, to_theirs
from microgpt.disk.layouts import GPT2 as GPT2_LAYOUT
from microgpt.disk.layouts import LAYOUTS, QWEN3, layout_of
from microgpt.disk.layouts import LLAMA as LLAMA_LAYOUT
from microgpt.engines import make_engine
from microgpt.errors import CheckpointError, InputError

LIMITS = {"float64": 1e-10, "float32": 1e-5}
SMALL = {"vocab_size": 97, "bos_token_id": 96, "eos_token_id": 96, "pad_token_id": None}
GPT2 = {"n_layer": 2, "n_embd": 64, "n_head": 4, "n_positions": 32, **SMALL}
LLAMA = {
    "num_hidden_layers": 2, "hidden_size": 64, "num_attention_heads": 4, "intermediate_size": 176,
    "num_key_value_heads": 2, "max_position_embeddings": 32, "rms_norm_eps": 1e-5, **SMALL,
}  # fmt: skip
KINDS: dict[str, tuple[str, Any, dict[str, Any]]] = {
    "gpt2": ("GPT2", from_gpt2, GPT2),
    "gpt2-narrow": ("GPT2", from_gpt2, {**GPT2, "n_inner": 40, "n_head": 1}),
    "gpt2-untied": ("GPT2", from_gpt2, {**GPT2, "tie_word_embeddings": False}),
    "llama": ("Llama", from_llama, LLAMA),
    "llama-tied": ("Llama", from_llama, {**LLAMA, "tie_word_embeddings": True}),
    "qwen3": (
        "Qwen3", lambda *given: from_theirs(QWEN3, *given), {**LLAMA, "head_dim": 16}
    ),
    "llama-biased": (
        "Llama", from_llama,
        {**LLAMA, "attention_bias": True, "mlp_bias": True, "num_key_value_heads": 4,
         "rope_parameters": {"rope_type": "default", "rope_theta": 500.0}},
    ),
}  # fmt: skip


@pytest.fixture
def transformers(require: Any, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    module: ModuleType = require("transformers")
    return module


def made(transformers: ModuleType, kind: str, dtype: str) -> tuple[Any, dict[str, Any]]:
    """A model with random weights, gains and biases too, and what its config.json would say."""
    import torch

    torch.manual_seed(5)
    shape, _, given = KINDS[kind]
    config = getattr(transformers, f"{shape}Config")(**given)
    name = "GPT2LMHeadModel" if shape == "GPT2" else f"{shape}ForCausalLM"
    model = getattr(transformers, name)(config).to(getattr(torch, dtype)).eval()
    with torch.no_grad():
        for weights in model.parameters():
            weights.add_(torch.randn_like(weights), alpha=0.1)
    return model, json.loads(json.dumps(config.to_dict()))


def in_float64(transformers: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let Llama's norms and angles be float64 like the rest: the library has them in float32.

    Qwen3's too, which are others of the same form.
    """
    import torch

    def norm(self: Any, x: Any) -> Any:
        return torch.nn.functional.rms_norm(x, x.shape[-1:], self.weight, self.variance_epsilon)

    def tables(self: Any, x: Any, position_ids: Any) -> Any:
        pair = torch.arange(0, 16, 2, dtype=torch.float64) / 16
        theta = self.config.rope_parameters["rope_theta"]
        angles = position_ids[..., None].double() * (theta**-pair)
        both = torch.cat((angles, angles), dim=-1)
        return both.cos(), both.sin()

    for name in ("Llama", "Qwen3"):
        module = getattr(transformers.models, name.lower())
        module = getattr(module, f"modeling_{name.lower()}")
        monkeypatch.setattr(getattr(module, f"{name}RMSNorm"), "forward", norm)
        monkeypatch.setattr(getattr(module, f"{name}RotaryEmbedding"), "forward", tables)


def as_arrays(model: Any) -> dict[str, Any]:
    return {name: tensor.numpy() for name, tensor in model.state_dict().items()}


@pytest.mark.slow
@pytest.mark.torch
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("engine", "dtype"), here(*LIMITS, config=make_config(norm="layernorm")))
def test_the_same_logits(
    transformers: ModuleType, kind: str, engine: str, dtype: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    if dtype == "float64":
        in_float64(transformers, monkeypatch)
    model, described = made(transformers, kind, dtype)
    config, weights = KINDS[kind][1](as_arrays(model), described)
    assert config.parameters() == sum(p.numel() for p in model.parameters())
    ours = make_engine(engine, config, dtype)
    ours.load(config, dtype, weights)
    tokens = np.random.Generator(np.random.PCG64(2)).integers(97, size=(3, 32))
    with torch.inference_mode():
        theirs = model(torch.from_numpy(tokens)).logits.numpy()
    found = np.array(ours.logits(tokens.tolist()))
    assert np.abs(theirs).max() > 1  # such that a mistake would show
    assert np.abs(found - theirs).max() <= LIMITS[dtype] * np.abs(theirs).max()
    ours.close()


# ---------------------------------------------------------------- without the library


def gpt2(**changes: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """A GPT-2's arrays, numbered throughout, and its description."""
    rng = np.random.Generator(np.random.PCG64(1))
    shapes: dict[str, tuple[int, ...]] = {"wte": (11, 8), "wpe": (6, 8)}
    for i in range(2):
        shapes |= {
            f"h.{i}.attn.c_attn": (8, 24), f"h.{i}.attn.c_proj": (8, 8),
            f"h.{i}.mlp.c_fc": (8, 32), f"h.{i}.mlp.c_proj": (32, 8),
            f"h.{i}.ln_1": (8,), f"h.{i}.ln_2": (8,),
        }  # fmt: skip
    shapes["ln_f"] = (8,)
    state = {}
    for name, shape in shapes.items():
        state[f"transformer.{name}.weight"] = rng.normal(size=shape)
        if name.startswith(("h.", "ln_f")):
            state[f"transformer.{name}.bias"] = rng.normal(size=shape[-1])
    described = {"n_layer": 2, "n_embd": 8, "n_head": 2, "n_positions": 6, "vocab_size": 11}
    return state, {**described, **changes}


def test_each_number_has_one_place() -> None:
    state, described = gpt2()
    config, weights = from_gpt2(state, described)
    assert {n: w.shape for n, w in weights.items()} == config.shapes()
    theirs = np.sort(np.concatenate([a.ravel() for a in state.values()]))
    ours = np.sort(np.concatenate([w.ravel() for w in weights.values()]))
    assert np.array_equal(theirs, ours)
    assert config.beyond(("activation", "norm", "norm_gain", "bias", "embed_norm")) == [
        "final_norm true",
        "tied true",
    ]


def test_old_files_of_gpt2() -> None:
    """Without the prefix, and with the masks that the library once saved along."""
    state, described = gpt2()
    wanted = from_gpt2(state, described)[1]
    old = {name.removeprefix("transformer."): a for name, a in state.items()}
    old["h.0.attn.bias"] = np.tril(np.ones((1, 1, 6, 6)))
    old["h.0.attn.masked_bias"] = np.array(-1e4)
    old["lm_head.weight"] = old["wte.weight"]
    found = from_gpt2(old, described)[1]
    assert all(np.array_equal(found[name], wanted[name]) for name in wanted)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"activation_function": "relu"}, "activation_function is 'relu', must be 'gelu_new' or"),
        ({"layer_norm_epsilon": 1e-6}, "layer_norm_epsilon is 1e-06, must be 1e-05"),
        ({"scale_attn_by_inverse_layer_idx": True}, "layer_idx is true, must be false"),
        ({"n_head": 3}, "n_embd 8 is not divisible by n_head 3"),
        ({"n_layer": "two"}, "n_layer is 'two', must be a whole number"),
        ({"n_layer": 3}, "lacks transformer.h.2.ln_1.weight"),
        ({"n_layer": 1}, r"also has 'transformer.h.1.attn.c_attn.bias' and 11 more, which"),
        ({"n_embd": 16}, r"wte.weight has shape \[11, 8\]; wte, .* must have \[11, 16\]"),
        ({"n_inner": 16}, r"c_fc.weight has shape \[8, 32\]; .*mlp_fc1.* must have \[16, 8\]"),
    ],
)  # fmt: skip
def test_other_models_are_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(CheckpointError, match=said):
        from_gpt2(*gpt2(**changes))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"hidden_act": "gelu"}, "hidden_act is 'gelu', must be 'silu'"),
        ({"rms_norm_eps": 1e-6}, "rms_norm_eps is 1e-06, must be 1e-05"),
        ({"rope_scaling": {"type": "linear", "factor": 2}}, "rope_type is 'linear', must be"),
        ({"attention_bias": True}, "only one of attention_bias and mlp_bias is true"),
        ({"head_dim": 32}, "head_dim is 32, must be hidden_size / num_attention_heads, 16"),
        ({}, "lacks embed_tokens.weight"),
    ],
)
def test_other_llamas_are_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(CheckpointError, match=said):
        from_llama({}, {**LLAMA, **changes})


def test_what_is_left_out_is_llamas_default() -> None:
    """A config.json without rms_norm_eps means 1e-6, the library's default, not Llama's 1e-5."""
    with pytest.raises(CheckpointError, match="rms_norm_eps is 1e-06"):
        from_llama({}, {k: v for k, v in LLAMA.items() if k != "rms_norm_eps"})


def test_a_config_is_what_it_says() -> None:
    config = from_gpt2(*gpt2())[0]
    assert config == Config(
        n_layer=2, n_embd=8, n_head=2, block_size=6, vocab_size=11, activation="gelu",
        norm="layernorm", norm_gain=True, bias=True, embed_norm=False, final_norm=True, tied=True,
        init_std=0.02, init_std_out=0.01,
    )  # fmt: skip


# ---------------------------------------------------------------- and back

BLOCKS: dict[str, dict[str, Any]] = {
    "GPT-2": {
        "activation": "gelu", "norm": "layernorm", "norm_gain": True, "bias": True,
        "embed_norm": False, "final_norm": True,
    },
    "Llama": {
        "activation": "swiglu", "norm_gain": True, "embed_norm": False, "final_norm": True,
        "positions": "rope",
    },
}  # fmt: skip
BLOCKS["Qwen3"] = {**BLOCKS["Llama"], "qk_norm": True}
TINY = {"n_layer": 2, "n_embd": 12, "n_head": 3, "block_size": 6, "vocab_size": 11}


def drawn(config: Config, dtype: str = "float64") -> dict[str, Any]:
    rng = np.random.Generator(np.random.PCG64(3))
    return {n: rng.normal(0.5, 0.2, size=s).astype(dtype) for n, s in config.shapes().items()}


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.title)
@pytest.mark.parametrize(
    "more",
    [
        {}, {"tied": True}, {"mlp_width": 20, "bias": True}, {"n_kv_head": 1}, {"n_kv_head": 3},
        {"rope_theta": 500.0, "init_std": 0.5},
    ],
    ids=str,
)  # fmt: skip
def test_there_and_back(layout: Any, more: dict[str, Any]) -> None:
    """The names and numbers come back as they were, and every number is where it is once."""
    config = make_config(**{**TINY, **BLOCKS[layout.title], **more})
    if wrong := layout.unlike(config):
        assert len(wrong) == 1 and ("n_kv_head" in more or "bias" in more)
        return
    weights = drawn(config, "float32")
    state, described = to_theirs(layout, config, weights)
    assert layout_of(config, "it") is layout
    assert sum(a.size for a in state.values()) == config.parameters()
    back, found = from_theirs(layout, state, json.loads(json.dumps(described)))
    assert list(found) == list(config.shapes()) == list(back.shapes())
    assert all(found[n].dtype == np.float32 for n in found)
    assert all(found[n].tobytes() == weights[n].tobytes() for n in found)
    same = ["n_embd", "hidden", "kv_heads", "block_size", "tied", "bias", "init_std"]
    same += ["rope_theta"] if config.positions == "rope" else []
    assert [getattr(back, n) for n in same] == [getattr(config, n) for n in same]


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.title)
def test_what_a_shape_has_and_the_model_lacks_changes_no_logit(layout: Any) -> None:
    """Gains of 1, biases of 0, and LoRA's additions merged in."""
    from microgpt.lora import adapted

    bare = make_config(**{**TINY, **BLOCKS[layout.title], "norm_gain": False, "bias": False})
    config, weights = adapted(bare, drawn(bare), 2)
    for name, array in weights.items():
        if name.endswith(".lora_b"):
            weights[name] = array + 0.1
    back, found = from_theirs(layout, *to_theirs(layout, config, weights))
    assert back.norm_gain and not back.lora_rank and (layout is not GPT2_LAYOUT or back.bias)
    tokens = [[10, 1, 2, 3, 4, 5]]
    logits = []
    for which, arrays in ((config, weights), (back, found)):
        engine = make_engine("numpy", which, "float64")
        engine.load(which, "float64", arrays)
        logits.append(np.array(engine.logits(tokens)))
        engine.close()
    assert np.abs(logits[0]).max() > 0.5
    assert np.abs(logits[0] - logits[1]).max() < 1e-12


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "Of GPT-2's, the nearest, activation is relu, must be gelu; norm is rmsnorm, must be"),
        ({**BLOCKS["GPT-2"], "attn_window": 3}, "nearest, attn_window is 3, must be none. Train"),
        ({**BLOCKS["Llama"], "n_expert": 4}, "Of Llama's, the nearest, n_expert is 4, must be 0"),
        ({**BLOCKS["Llama"], "mup_base": 4}, "mup_base is 4, must be 0. Train one"),
        ({**BLOCKS["Llama"], "embed_norm": True}, "embed_norm is true, must be false. Train one"),
        ({**BLOCKS["Qwen3"], "bias": True}, "Of Llama's, the nearest, qk_norm is true, must be fa"),
    ],
)  # fmt: skip
def test_what_cant_be_said_is_named(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match="^it can't be written: .*" + said) as refusal:
        layout_of(make_config(**{**TINY, **changes}), "it")
    assert "--config recipes/" in refusal.value.remedy


@pytest.mark.parametrize(
    ("layout", "changes", "said"),
    [
        (LLAMA_LAYOUT, {"rope_parameters": {"rope_type": "yarn"}}, "rope_type is 'yarn', must be"),
        (LLAMA_LAYOUT, {"rope_parameters": {"factor": 2.0}}, "its rope has 'factor' 2.0, must be"),
        (LLAMA_LAYOUT, {"rope_scaling": [1]}, "rope_scaling is a JSON list of 1, must be a JSON"),
        (LLAMA_LAYOUT, {"rope_parameters": {"rope_theta": "x"}}, "rope_theta is .x., must be"),
        (LLAMA_LAYOUT, {"partial_rotary_factor": 0.5}, "_factor is 0.5, must be null"),
        (LLAMA_LAYOUT, {"initializer_range": "x"}, "initializer_range is 'x', must be a number"),
        (LLAMA_LAYOUT, {"tie_word_embeddings": 1}, "tie_word_embeddings is 1, must be true or"),
        (LLAMA_LAYOUT, {"quantization_config": {}}, "quantization_config is a JSON object of 0"),
        (LLAMA_LAYOUT, {"num_key_value_heads": True}, "num_key_value_heads is true, must be a w"),
        (LLAMA_LAYOUT, {"num_hidden_layers": 0}, "n_layer is 0, must be from 1"),
        (LLAMA_LAYOUT, {"num_hidden_layers": 10**6}, "layers.2.input_layernorm.weight"),
        (QWEN3, {"layer_types": ["sliding_attention"]}, "layer_types has 'sliding_attention'"),
        (QWEN3, {"attention_bias": True}, "attention_bias is true, must be false"),
        (QWEN3, {"use_sliding_window": True}, "use_sliding_window is true, must be false"),
        (QWEN3, {"head_dim": 128}, "head_dim is 128, must be hidden_size / num_attention_heads, 4"),
    ],
)  # fmt: skip
def test_descriptions_that_are_refused(layout: Any, changes: dict[str, Any], said: str) -> None:
    config = make_config(**{**TINY, **BLOCKS[layout.title]})
    state, described = to_theirs(layout, config, drawn(config))
    described |= changes
    with pytest.raises(CheckpointError, match=said):
        from_theirs(layout, state, described)

"""What transformers loads of ours, and what we load of its: offline, with the real libraries."""

import logging
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from cli_runner import ok
from hf_models import BLOCKS
from microgpt.data import bundled
from microgpt.opening import Opened, engine_for, open_model

pytestmark = [pytest.mark.slow, pytest.mark.torch, pytest.mark.usefixtures("empty_directory")]

TEXT = "First Citizen:\nBefore we proceed, hear me."
SHAPE = ["--n-layer", 2, "--n-embd", 32, "--n-head", 4, "--block-size", 48, "--seed", 3]


@pytest.fixture
def hub(require: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The library transformers, which must neither ask anyone nor warn of anything."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    module: ModuleType = require("transformers")
    require("tokenizers")
    module.logging.set_verbosity_warning()
    module.logging.disable_progress_bar()
    said: list[str] = []
    heard = logging.Handler()
    monkeypatch.setattr(heard, "emit", lambda record: said.append(record.getMessage()))
    module.logging.add_handler(heard)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield module
    module.logging.remove_handler(heard)
    assert said == []


def flags(kind: str, **changes: object) -> list[object]:
    """The fields of a shape as flags of train."""
    found: list[object] = []
    for name, value in (BLOCKS[kind] | changes).items():
        flag = name.replace("_", "-")
        if isinstance(value, bool):
            found.append(f"--{flag}" if value else f"--no-{flag}")
        else:
            found += [f"--{flag}", value]
    return found


def compared(hub: ModuleType, run: str | Path, folder: str | Path, within: float) -> None:
    """Ids, logits, the greedy continuation and the text are the same in both programs."""
    import torch

    model = hub.AutoModelForCausalLM.from_pretrained(folder)
    tokenizer = hub.AutoTokenizer.from_pretrained(folder)
    ours = open_model(run)[0]
    engine = engine_for(ours)
    given = tokenizer(TEXT, return_tensors="pt")
    ids = given["input_ids"][0].tolist()
    assert ids == [ours.tokenizer.bos, *ours.tokenizer.encode(TEXT)]
    assert tokenizer.decode(ids, skip_special_tokens=True) == TEXT
    assert tokenizer.bos_token_id == tokenizer.eos_token_id == tokenizer.pad_token_id == ids[0]
    ids, bos = ids[: ours.config.block_size - 12], ids[0]
    with torch.inference_mode():
        theirs = model(torch.tensor([ids])).logits[0].numpy()
        written = model.generate(
            torch.tensor([ids]), attention_mask=torch.ones(1, len(ids)), do_sample=False,
            max_new_tokens=12,
        )[0].tolist()  # fmt: skip
    found = engine.logits([ids])[0]
    assert theirs.dtype == found.dtype and np.abs(theirs).max() > 1
    assert np.abs(theirs - found).max() <= within * max(1.0, np.abs(theirs).max())
    assert written == greedy(engine, ids, 12, bos)
    engine.close()


def greedy(engine: Any, ids: list[int], count: int, bos: int) -> list[int]:
    written = list(ids)
    for _ in range(count):
        written.append(int(np.argmax(engine.logits([written])[0][-1])))
        if written[-1] == bos:
            break
    return written


def identical(one: Opened, other: Opened) -> bool:
    return one.config.shapes() == other.config.shapes() and all(
        other.weights[n].dtype == w.dtype and other.weights[n].tobytes() == w.tobytes()
        for n, w in one.weights.items()
    )


@pytest.mark.parametrize(
    ("kind", "dtype", "more"),
    [
        ("gpt2", "float32", {"tokenizer": "bpe", "vocab_size": 300}),
        ("gpt2", "float64", {}),
        ("llama", "float32", {}),
        ("llama", "float64", {"tokenizer": "bpe", "vocab_size": 300}),
        ("qwen3", "float32", {"norm_gain": False, "tied": True}),
    ],
)  # fmt: skip
def test_what_we_write(hub: ModuleType, kind: str, dtype: str, more: dict[str, object]) -> None:
    ok(
        "train", "--data", "shakespeare", "--split-by", "none", *SHAPE, *flags(kind, **more),
        "--dtype", dtype, "--engine", "numpy", "--batch-size", 8, "--steps", 30, "--out", "r",
        "--eval-docs", 10,
    )  # fmt: skip
    ok("export", "r", "hf")
    compared(hub, "r", "hf", 1e-5)
    back, run = open_model("hf")[0], open_model("r")[0]
    assert back.tokenizer.stored() == run.tokenizer.stored()
    assert identical(back, run) or "norm_gain" in more
    hub.AutoModelForCausalLM.from_pretrained("hf").save_pretrained("again")
    hub.AutoTokenizer.from_pretrained("hf").save_pretrained("again")
    assert identical(open_model("again")[0], back)
    assert open_model("again")[0].tokenizer.stored() == run.tokenizer.stored()


# ---------------------------------------------------------------- theirs


def trained(special_first: bool, size: int = 320) -> Any:
    """A byte-level tokenizer as users make one, its one special token first or last."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

    name = "<|endoftext|>"
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    text = bundled("data/shakespeare.txt").read_text(encoding="utf-8")[:50_000]
    trainer = trainers.BpeTrainer(
        vocab_size=size if special_first else size - 1,
        special_tokens=[name] if special_first else [],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator([text], trainer)
    tokenizer.add_special_tokens([name])
    assert tokenizer.get_vocab_size() == size
    return tokenizer


def foreign(hub: ModuleType, kind: str, special_first: bool, **more: Any) -> None:
    """A directory with random weights as transformers makes one, in ``theirs``."""
    import torch

    torch.manual_seed(4)
    tokenizer = hub.PreTrainedTokenizerFast(
        tokenizer_object=trained(special_first), bos_token="<|endoftext|>",
        eos_token="<|endoftext|>",
    )  # fmt: skip
    end = tokenizer.eos_token_id
    assert end == (0 if special_first else 319)
    common = {"vocab_size": 320, "bos_token_id": end, "eos_token_id": end}
    if kind == "GPT2":
        sizes = {"n_layer": 2, "n_embd": 32, "n_head": 4, "n_positions": 48}
        model = hub.GPT2LMHeadModel(
            hub.GPT2Config(**sizes, **common, tie_word_embeddings="untied" not in more)
        )
    else:
        sizes = {
            "num_hidden_layers": 2, "hidden_size": 32, "num_attention_heads": 4,
            "num_key_value_heads": 2, "intermediate_size": 80, "max_position_embeddings": 48,
            "rms_norm_eps": 1e-5,
        }  # fmt: skip
        model = hub.LlamaForCausalLM(hub.LlamaConfig(**sizes, **common))
    with torch.no_grad():
        for weights in model.parameters():
            weights.add_(torch.randn_like(weights), alpha=0.2)
    model.to(getattr(torch, more.get("dtype", "float32")))
    shards = {"max_shard_size": "30KB"} if "sharded" in more else {}
    model.save_pretrained("theirs", **shards)
    tokenizer.save_pretrained("theirs")


@pytest.mark.parametrize(
    ("kind", "special_first", "more"),
    [
        ("GPT2", False, {}),
        ("GPT2", True, {"sharded": True, "untied": True}),
        ("Llama", True, {}),
        ("Llama", False, {"dtype": "bfloat16"}),
    ],
)
def test_what_they_write(
    hub: ModuleType, kind: str, special_first: bool, more: dict[str, Any]
) -> None:
    """It samples, gives their logits, trains on, and goes out again."""
    import torch

    foreign(hub, kind, special_first, **more)
    if "sharded" in more:
        assert len(list(Path("theirs").glob("*.safetensors"))) > 2
    model = hub.AutoModelForCausalLM.from_pretrained("theirs", dtype=torch.float32)
    tokenizer = hub.AutoTokenizer.from_pretrained("theirs")
    ours = open_model("theirs")[0]
    assert ours.tokenizer.describe() == "320 byte-pair tokens" and ours.tokenizer.bos == 319
    ids = tokenizer(TEXT)["input_ids"][:47]
    mine = ours.tokenizer.encode(TEXT)[:47]
    assert mine == ([i - 1 for i in ids] if special_first else ids)
    with torch.inference_mode():
        theirs = model(torch.tensor([[tokenizer.bos_token_id, *ids]])).logits[0].numpy()
    if special_first:
        theirs = np.roll(theirs, -1, axis=1)
    engine = engine_for(ours)
    found = engine.logits([[319, *mine]])[0]
    engine.close()
    assert np.abs(theirs).max() > 1
    assert np.abs(found - theirs).max() <= 1e-5 * np.abs(theirs).max()
    assert "sample  2" in ok("sample", "theirs", "-n", 2, "--length", 20).out
    for name in ("numpy", "torch"):
        ok(
            "import", "theirs", "--out", name, "--data", "shakespeare", "--split-by", "none",
            "--steps", 3, "--batch-size", 2, "--holdout", 0.1,
        )  # fmt: skip
        begun = open_model(name)[0]
        assert begun.tokenizer.stored() == ours.tokenizer.stored()
        assert all(np.array_equal(begun.weights[n], w) for n, w in ours.weights.items())
        told = ok("train", "--resume", name, "--engine", name, "--eval-docs", 5).out
        assert "step    3 /    3" in told
    ok("export", "numpy", "hf")
    compared(hub, "numpy", "hf", 1e-5)

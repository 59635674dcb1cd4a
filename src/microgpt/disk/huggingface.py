"""A model as a directory that Hugging Face's programs load, and such a directory as a model.

``config.json`` and ``model.safetensors`` hold the model under the names of its shape
(``layouts``), ``tokenizer.json`` and ``tokenizer_config.json`` its tokenizer,
``generation_config.json`` which token ends a text. The numbers keep the type that the run has.

What is read comes from strangers: nothing is executed, no file outside the directory is named by
one in it, sizes are checked before anything is allocated, and names, shapes and the tokenizer
before any number is read. Files may be links: that is how the Hub's cache stores them.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from microgpt import files, leftovers
from microgpt.arrays import Array
from microgpt.config import SHAPE, SWITCHES, Config
from microgpt.disk.foreign import from_theirs, read_config, to_theirs
from microgpt.disk.foreigntokens import TOKENIZER, moved, read_tokenizer
from microgpt.disk.layouts import layout_for, layout_of
from microgpt.disk.modelfile import Model
from microgpt.disk.tensorfiles import INDEX, WHOLE, Tensors
from microgpt.errors import CheckpointError, FileError
from microgpt.files import shown
from microgpt.subwords import BytePairTokenizer
from microgpt.tokenizer import Tokenizer
from microgpt.tokenizerjson import BOS, is_text, tokenizer_json, written

CONFIG, GENERATION, TOKENS = "config.json", "generation_config.json", "tokenizer_config.json"
NAMES = (CONFIG, GENERATION, WHOLE, TOKENIZER, TOKENS)
"""The files of an export."""

CONFIG_LIMIT = 4 * 2**20  # bytes

MARK = "microgpt"
"""The key of config.json that says that a directory is an export of ours, and of which step."""

_IN_TRAINING = ("dropout", "balance", "lora_rank", "lora_alpha", "mup_base")
KNOWN = frozenset((*SHAPE, *SWITCHES)) - frozenset(_IN_TRAINING)
"""The fields of the config that such a directory says."""

_REMEDY = "Use a model of GPT-2's, Llama's or Qwen3's shape, with the files that belong to it."


def holds_model(folder: Path) -> bool:
    """Whether a directory, which isn't a run's, is such a model."""
    return any((folder / name).exists() for name in (CONFIG, WHOLE, INDEX, "pytorch_model.bin"))


# ---------------------------------------------------------------- reading


def read_directory(path: Path, *, ignore_digest: bool = False) -> tuple[Model, list[str]]:
    """The model in a directory, and what the user should know about it.

    The weights keep their type; float16 and bfloat16 become float32. Raises ``CheckpointError``
    (``FileError`` if it can't be read) that names what is wrong and what it would have to be.
    ``ignore_digest`` is there because all readers have it: there is no digest.
    """
    described = files.parse_json(
        files.read_bytes(path / CONFIG, CONFIG_LIMIT), str(path / CONFIG), _REMEDY
    )
    if not isinstance(described, dict):
        raise _bad(path / CONFIG, f"it is {shown(described)}, must be a JSON object")
    layout = layout_for(described, path, _REMEDY)
    try:
        config = read_config(layout, described)
        tokenizer, bos = read_tokenizer(path)
        if tokenizer.vocab_size != config.vocab_size:
            raise _bad(
                path,
                f"{TOKENIZER} has {tokenizer.vocab_size:,} tokens, but vocab_size in {CONFIG} is "
                f"{config.vocab_size:,}: they don't belong to each other",
            )
        tensors = Tensors(path)
        from_theirs(layout, tensors.without_numbers(), described)
        weights = from_theirs(layout, tensors, described)[1]
    except CheckpointError as error:  # one that doesn't know where the model is
        said = error.message.replace("This model ", f"{path} ", 1)
        raise CheckpointError(said, error.remedy) from error
    weights = moved(weights, bos, tokenizer.bos)
    weights = {name: array.astype(tensors.dtype(), copy=False) for name, array in weights.items()}
    return Model(config, tokenizer, weights, _step(described), KNOWN), _notes(described, bos)


def _bad(path: Path, reason: str) -> CheckpointError:
    return CheckpointError(f"{path}: {reason}.", _REMEDY)


def _step(described: Mapping[str, Any]) -> int | None:
    mark = described.get(MARK)
    step = mark.get("step") if isinstance(mark, dict) else None
    return step if type(step) is int and 0 <= step < 10**13 else None


def _notes(described: Mapping[str, Any], bos: int) -> list[str]:
    said = described.get("bos_token_id")
    if said in (None, bos) or described.get("eos_token_id") == bos:
        return []
    return [
        f"{CONFIG} has bos_token_id {shown(said)}, but the special token in {TOKENIZER} is "
        f"{bos}, which is used."
    ]


# ---------------------------------------------------------------- writing


def write_directory(path: Path, model: Model, *, replace: bool = False) -> list[str]:
    """Write the directory, whole or not at all; returns what the user should know about it.

    ``replace``: an export of ours may be there already. Anything else is never replaced, and an
    empty directory always. The same model gives the same bytes. Raises ``InputError`` for a
    model that can't be said, ``FileError`` for what is in the way and from the disk.
    """
    content = contents(path, model)
    there = in_the_way(path, replace)
    try:
        with leftovers.hidden_folder(path) as hidden:
            whole = hidden / "whole"
            whole.mkdir()
            for name, data in content.items():
                files.write_synced(whole / name, data)
            files.sync_directory(whole)
            _into_place(whole, path, hidden / "before" if there else None)
            files.sync_directory(path.parent)
    except (OSError, ValueError) as error:
        raise files.file_error(error, path, "write") from error
    return _told(model.config)


def contents(path: Path, model: Model, chat_template: str | None = None) -> dict[str, bytes]:
    """The files of an export by name. ``chat_template``: how a conversation is written, if known.

    Raises ``InputError`` for a model that can't be said, with ``path`` in its message, and
    ``CheckpointError`` for one that is damaged.
    """
    layout = layout_of(model.config, path)
    _check(path, model)
    state, described = to_theirs(layout, model.config, model.weights)
    bos = model.tokenizer.bos
    ids = {"bos_token_id": bos, "eos_token_id": bos}
    kind = next(iter(state.values())).dtype.name
    step = {} if model.step is None else {"step": model.step}
    # Were BOS the model's padding too, every text that begins with it would count as padded.
    described |= {**ids, "pad_token_id": None, "torch_dtype": kind, MARK: {"format": 1, **step}}
    words = model.tokenizer
    assert isinstance(words, Tokenizer | BytePairTokenizer)  # there are no others
    name = BOS if isinstance(words, Tokenizer) else words.bos_name
    tokens = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        **dict.fromkeys(("bos_token", "eos_token", "pad_token"), name),
        "model_max_length": model.config.block_size,
        "clean_up_tokenization_spaces": False,
    }
    if chat_template is not None:
        tokens["chat_template"] = chat_template
    return {
        WHOLE: files.pack_tensors(state, {"format": "pt"}),
        TOKENIZER: written(tokenizer_json(words)),
        TOKENS: _json(tokens),
        GENERATION: _json({**ids, "pad_token_id": bos}),
        CONFIG: _json(described),
    }


def _json(content: Mapping[str, Any]) -> bytes:
    return f"{files.dump_json(content, indent=2)}\n".encode()


def _check(path: Path, model: Model) -> None:
    """Raise ``CheckpointError`` unless the numbers are finite and the tokenizer is the model's."""
    remedy = "Export a run that is whole."
    wrong = files.first_not_finite(model.weights)
    if wrong is not None:
        raise CheckpointError(
            f"{path} can't be written: a number in {wrong} is not finite.", remedy
        )
    found, wanted = model.tokenizer.vocab_size, model.config.vocab_size
    if found != wanted:
        raise CheckpointError(
            f"{path} can't be written: the tokenizer has {found} tokens, vocab_size is {wanted}.",
            remedy,
        )
    for word in getattr(model.tokenizer, "uchars", ()):
        if not is_text(word):
            raise CheckpointError(
                f"{path} can't be written: the vocabulary has {word!a}, half a character.",
                "Train on a text without it.",
            )


def _told(config: Config) -> list[str]:
    return ["LoRA's additions are merged into the matrices."] if config.lora_rank else []


def in_the_way(path: Path, replace: bool) -> bool:
    """Whether an export of ours is to be replaced; ``FileError`` for anything else in the way."""
    if path.is_symlink():
        raise FileError(f"{path} is a link, which is not replaced.", "Choose another name.")
    if not path.exists():
        return False
    if not path.is_dir():
        raise FileError(
            f"{path} already exists, and is a file.",
            "Choose another name: one without an extension becomes a directory for Hugging Face.",
        )
    try:
        names = sorted(each.name for each in path.iterdir())
    except OSError as error:
        raise files.file_error(error, path, "read") from error
    if not names:
        return True
    other = [name for name in names if name not in NAMES]
    if other or not _is_ours(path):
        holds = f": it holds {shown(other[0])}" if other else ""
        raise FileError(
            f"{path} already exists and isn't an export of microgpt{holds}.", "Choose another name."
        )
    if not replace:
        raise FileError(f"{path} already exists.", "Overwrite it with --force.")
    return True


def _is_ours(path: Path) -> bool:
    try:
        described = files.parse_json(files.read_bytes(path / CONFIG, CONFIG_LIMIT), CONFIG, "")
    except FileError:
        return False
    return isinstance(described, dict) and isinstance(described.get(MARK), dict)


def _into_place(whole: Path, path: Path, before: Path | None) -> None:
    """Give the finished directory its name; what had it goes to ``before``, or comes back."""
    if before is not None:
        path.rename(before)
    try:
        whole.rename(path)
    except OSError:
        if before is not None:
            before.rename(path)
        raise


def _demo() -> None:
    """What the files of a small model say."""
    rng = np.random.Generator(np.random.PCG64(1))
    config = Config(
        n_embd=8, n_head=2, vocab_size=4, positions="rope", activation="swiglu", norm_gain=True,
        embed_norm=False, final_norm=True,
    )  # fmt: skip
    weights: dict[str, Array] = {n: rng.normal(size=s) for n, s in config.shapes().items()}
    for name, data in contents(Path("demo"), Model(config, Tokenizer("abc"), weights)).items():
        print(f"{name:<24} {len(data):>7,} bytes")


if __name__ == "__main__":
    _demo()

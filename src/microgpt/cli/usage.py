"""Mistakes in a command line or settings file, in our words, with a guess at what was meant."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from cyclopts import CycloptsError, MissingArgumentError, UnknownOptionError, UnusedCliTokensError

from microgpt import calling
from microgpt.errors import InputError

# What other programs call a flag: what it may be called here; the first that the command has.
_ELSEWHERE = {
    "learning_rate": ("lr",),
    "max_iters": ("steps",),
    "iters": ("steps",),
    "iterations": ("steps",),
    "epochs": ("steps",),
    "num_steps": ("steps",),
    "max_steps": ("steps",),
    "layers": ("n_layer",),
    "num_layers": ("n_layer",),
    "heads": ("n_head",),
    "num_heads": ("n_head",),
    "embd": ("n_embd",),
    "embed": ("n_embd",),
    "dim": ("n_embd",),
    "d_model": ("n_embd",),
    "hidden_size": ("n_embd",),
    "ctx": ("block_size",),
    "context": ("block_size",),
    "context_length": ("block_size",),
    "seq_len": ("block_size",),
    "bs": ("batch_size", "batch_sizes"),
    "batch": ("batch_size", "batch_sizes"),
    "warmup_steps": ("warmup",),
    "random_seed": ("seed",),
    "temp": ("temperature",),
    "num_samples": ("count",),
    "num": ("count",),
    "n": ("count",),
    "max_new_tokens": ("length",),
    "max_length": ("length",),
    "prompt": ("prefix",),
    "start": ("prefix",),
    "dataset": ("data",),
    "output": ("out",),
    "out_dir": ("out",),
    "output_dir": ("out",),
    "overwrite": ("force",),
    "optim": ("optimizer",),
    "wd": ("weight_decay",),
    "clip": ("grad_clip",),
    "max_grad_norm": ("grad_clip",),
    "min_lr": ("lr_end",),
    "warmup_iters": ("warmup",),
    "precision": ("dtype", "dtypes"),
    "gradient_accumulation_steps": ("micro_batch",),
    "micro_batch_size": ("micro_batch",),
    "gradient_checkpointing": ("recompute",),
    "activation_checkpointing": ("recompute",),
    "num_kv_heads": ("n_kv_head",),
    "kv_heads": ("n_kv_head",),
    "rope_base": ("rope_theta",),
    "window_size": ("attn_window",),
    "sliding_window": ("attn_window",),
    "intermediate_size": ("mlp_width",),
    "d_ff": ("mlp_width",),
    "num_experts": ("n_expert",),
    "experts": ("n_expert",),
    "vocab": ("vocab_size",),
    "n_vocab": ("vocab_size",),
    "tokenizer_file": ("tokenizer",),
    "tie_weights": ("tied",),
    "tie_word_embeddings": ("tied",),
}
# What doesn't exist here, and why.
_ABSENT = {
    "gpu": "A GPU is asked for with --engine torch --device cuda, or mps on a Mac.",
    "cuda": "A GPU is asked for with --engine torch --device cuda.",
    "amp": "Mixed precision is asked for with --engine torch --dtype bfloat16.",
    "bf16": "Mixed precision is asked for with --engine torch --dtype bfloat16.",
    "fp16": "Mixed precision is asked for with --engine torch --dtype float16.",
}
# What has no flag, because it is given without one.
_BARE = ("model", "checkpoint", "ckpt", "run", "file", "input")


def guess(name: str, known: Collection[str]) -> str | None:
    """Which of the ``known`` names was meant; names are written with ``_`` between words."""
    plain = name.strip("-").replace("-", "_").lower()
    if plain in known:
        return plain
    for other in _ELSEWHERE.get(plain, ()):
        if other in known:
            return other
    import difflib  # loaded by those alone who mistype

    close = difflib.get_close_matches(plain, known, n=1, cutoff=0.7)
    return close[0] if close else None


def absent(name: str) -> str | None:
    """A sentence about a setting of other programs that doesn't exist here."""
    return _ABSENT.get(name.strip("-").replace("-", "_").lower())


def usage(error: CycloptsError, arguments: Sequence[str], commands: Collection[str]) -> InputError:
    """What is wrong with the command line, and where to look."""
    command = next((a for a in arguments if not a.startswith("-")), "")
    listed = f"The commands are {', '.join(commands)}."
    if not command:
        return InputError("No command is given.", listed)
    if command not in commands:
        import difflib

        close = difflib.get_close_matches(command, commands, n=1)
        return InputError(
            f"There is no command {command!r}.", f"Did you mean {close[0]}?" if close else listed
        )
    see = f"See {calling.command(command, '--help')}"
    if isinstance(error, UnknownOptionError):
        return _unknown(error, arguments, command, see)
    if isinstance(error, UnusedCliTokensError):
        spare = ", ".join(map(repr, error.unused_tokens or ()))
        return InputError(f"{command} can't use {spare}: too many arguments.", see)
    if isinstance(error, MissingArgumentError) and error.argument is not None:
        name = error.argument.name
        if name in arguments:
            return InputError(f"{name} needs a value after it.", see)
        return InputError(f"{command} needs {name}, which isn't given.", see)
    message = " ".join(str(error).split())
    if not message.endswith((".", "!", "?")):
        message += "."
    return InputError(message, see)


def _unknown(
    error: UnknownOptionError, arguments: Sequence[str], command: str, see: str
) -> InputError:
    flag = (error.token.keyword or error.token.value).partition("=")[0]
    if "--" in arguments and flag not in (
        a.partition("=")[0] for a in arguments[: list(arguments).index("--")]
    ):
        return InputError(
            f"After --, everything is a file name, even {flag}.",
            f"Put {flag} before the --, or write ./{flag} for a file of that name.",
        )
    flags = [name for one in error.argument_collection if one.parse for name in one.names]
    known = {name.removeprefix("--").replace("-", "_"): name for name in flags if name[:2] == "--"}
    message = f"{command} has no {flag}."
    if flag[:2] != "--" and len(flag) > 2:  # -abc is -a -b -c
        return InputError(message, f"Long flags begin with two hyphens. {see}")
    if (why := absent(flag)) is not None:
        return InputError(message, why)
    if (meant := guess(flag, known)) is not None:
        return InputError(message, f"Did you mean {known[meant]}? {see}")
    if flag.strip("-").lower() in _BARE:
        return InputError(message, f"Files and runs are given without a flag. {see}")
    return InputError(message, see)

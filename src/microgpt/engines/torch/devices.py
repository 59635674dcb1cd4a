"""Which device computes, and what can't be computed on it."""

from __future__ import annotations

import torch

from microgpt.config import DTYPES
from microgpt.errors import InputError, MissingError


def available(device: str) -> bool:
    """Whether this machine and this build of PyTorch have it."""
    if device == "cuda":
        return torch.cuda.is_available()
    return device == "cpu" or torch.backends.mps.is_available()


def refusal(dtype: str) -> str | None:
    """Why no device here computes in ``dtype``; None where one does."""
    if dtype not in DTYPES:
        return f"computes in {', '.join(DTYPES)}, not {dtype}"
    if dtype == "float16" and not (available("cuda") or available("mps")):
        return "computes in float16 on a GPU alone, and there is none here (bfloat16 needs none)"
    return None


def chosen(asked: str, dtype: str) -> torch.device:
    """The device that was asked for; for ``auto`` the first of cuda, mps and cpu that can do it."""
    if asked == "auto":
        asked = next(
            name
            for name in ("cuda", "mps", "cpu")
            if available(name) and _unable(name, dtype) is None
        )
    elif not available(asked):
        raise MissingError(*_absent(asked))
    elif reason := _unable(asked, dtype):
        raise InputError(f"--device {asked} {reason}.", "Choose another --dtype or --device.")
    return torch.device(asked)


def _unable(device: str, dtype: str) -> str | None:
    if device == "mps" and dtype == "float64":
        return "has no float64 (Apple's GPUs compute in float32 at most)"
    if device == "cpu" and dtype == "float16":
        return "doesn't compute in float16"
    return None


def _absent(device: str) -> tuple[str, str]:
    if device == "mps":
        return "--device mps is an Apple GPU, and there is none here.", "Leave --device out."
    if torch.version.cuda is None and torch.version.hip is None:
        return (
            f"--device cuda needs PyTorch with CUDA; the one here, {torch.__version__}, has none.",
            "Install one that pytorch.org names for this GPU, or leave --device out.",
        )
    return (
        f"--device cuda finds no GPU, though PyTorch {torch.__version__} could use one.",
        "`nvidia-smi` says whether its driver runs; or leave --device out.",
    )

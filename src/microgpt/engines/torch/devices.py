"""Which device computes, what can't be computed on it, and how much it holds and does."""

from __future__ import annotations

import functools
import sys
import time

import torch

from microgpt.config import DTYPES
from microgpt.errors import InputError, MicrogptError, MissingError


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


# ---------------------------------------------------------------- memory and speed


def memory(device: torch.device) -> int | None:
    """The most bytes held so far: on a GPU by tensors, on a processor by the whole process."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    if device.type == "mps":
        return torch.mps.driver_allocated_memory()
    try:
        import resource
    except ImportError:  # Windows
        return None
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else 1024 * most


@functools.cache
def peak(device: torch.device, dtype: str, threads: int) -> float:
    """Floating-point operations per second of a product of large matrices; measured once.

    ``threads``: of a processor, as they are set; another number is another measurement.
    """
    size = 1024 if device.type == "cpu" else 4096 if dtype == "float64" else 8192
    a = torch.ones(size, size, dtype=getattr(torch, dtype), device=device)
    out = a @ a  # the first product also chooses how
    spent: list[float] = []
    while not spent or (len(spent) < 10 and sum(spent) < 0.2):
        _wait(device)
        began = time.perf_counter()
        torch.mm(a, a, out=out)
        _wait(device)
        spent.append(max(time.perf_counter() - began, 1e-9))
    return 2 * size**3 / min(spent)


def _wait(device: torch.device) -> None:
    """Until the device has done what it was given."""
    if device.type != "cpu":
        getattr(torch, device.type).synchronize()


def is_full(error: RuntimeError) -> bool:
    """Whether memory has run out."""
    words = ("out of memory", "can't allocate memory", "not enough memory")
    return any(word in str(error) for word in words)


def too_large(device: torch.device, tried: int, most: int, recomputes: bool) -> MicrogptError:
    """What is said when memory doesn't suffice for ``tried`` documents at once.

    ``most``: how many at once have been tried and fit, 0 for not even one.
    """
    said = f"{_named(device)} doesn't suffice for {tried} document{'s' * (tried != 1)} at a time"
    if most:
        return InputError(f"{said}; {most} fit.", f"Add --micro-batch {most}: the same step.")
    less = "" if recomputes else ", or add --recompute"
    return InputError(f"{said}.", f"Make the model or block_size smaller{less}.")


def model_too_large(device: torch.device, parameters: int) -> MicrogptError:
    """What is said when memory doesn't suffice for the model and its optimiser alone."""
    return InputError(
        f"{_named(device)} doesn't suffice for a model of {parameters:,} parameters and what the "
        "optimiser keeps of each.",
        "Make n_embd or n_layer smaller.",
    )


def _named(device: torch.device) -> str:
    if device.type != "cuda":
        return "The memory here"
    total = torch.cuda.get_device_properties(device).total_memory / 2**30
    return f"The GPU's memory ({total:.0f} GiB)"

"""Where and how an engine that has a choice computes; it changes no number beyond rounding."""

from __future__ import annotations

from dataclasses import dataclass

from microgpt.limits import choice, whole

DEVICES = ("auto", "cpu", "cuda", "mps")

HARDWARE: dict[str, type] = {"device": str, "compile": bool, "recompute": bool, "micro_batch": int}
"""The fields of ``Hardware``, which are flags and keys of TOML files too, with their types."""


@dataclass(frozen=True)
class Hardware:
    """What a user may ask of an engine with ``devices``; others take the defaults alone.

    ``device``: cpu, cuda (NVIDIA, AMD), mps (Apple), or auto, the fastest there is.
    ``compile``: torch.compile fuses operations, after a wait at the first step. ``recompute``:
    what lies inside a block is computed again in the backward pass instead of kept (activation
    checkpointing): less memory, a third more time. ``micro_batch``: documents that are computed at
    a time, their gradients added up (accumulation); None: the whole batch.
    """

    device: str = "auto"
    compile: bool = False
    recompute: bool = False
    micro_batch: int | None = None

    def __post_init__(self) -> None:
        choice("device", self.device, DEVICES)
        if self.micro_batch is not None:
            whole("micro_batch", self.micro_batch, 1, 2**24)

    def flags(self) -> list[str]:
        """The options that differ from the defaults, as the command line writes them."""
        asked = [f"--device {self.device}"] if self.device != "auto" else []
        asked += ["--compile"] if self.compile else []
        asked += ["--recompute"] if self.recompute else []
        return asked + ([f"--micro-batch {self.micro_batch}"] if self.micro_batch else [])

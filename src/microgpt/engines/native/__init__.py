"""The engine on a C kernel, called through ctypes.

The arithmetic and its order are in ``kernel/``, explained from ``kernel.c`` on; what each
optimisation brought is in ``notes/kernel.md``. Here are the library, the checks that need array
lengths, and NumPy's arrays on their way in and out. The kernel lives in one block of memory (an
arena) that this engine owns.
"""

from __future__ import annotations

import ctypes
import functools
import itertools
import os
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from microgpt.config import Config
from microgpt.engines.base import Array, Arrays, Batches, Engine, Ints, Optim
from microgpt.engines.drawing import Guard, Sampler
from microgpt.errors import InputError, TokenError
from microgpt.files import first_not_finite

MOST_THREADS = 16
_MOST_BYTES = 2**37
_WEIGHTS, _MEANS, _SQUARES = 0, 1, 2  # what `set` and `get` move: enum Vector in interface.h
_NOTHING_TO_DRAW = 6  # enum Refusal there


class _KernelConfig(ctypes.Structure):
    """``Config`` of kernel/model.h."""

    _fields_ = [
        *((name, ctypes.c_int32) for name in (
            "n_layer", "n_embd", "n_head", "block_size", "vocab_size",
            "relu_squared", "sgd", "threads",
        )),
        *((name, ctypes.c_double) for name in ("beta1", "beta2", "eps")),
    ]  # fmt: skip


class _Kernel:
    """The functions of one number type and level, with their argument types."""

    def __init__(self, library: ctypes.CDLL, dtype: str, level: str) -> None:
        p, i32, real = ctypes.c_void_p, ctypes.c_int32, ctypes.c_double
        short = {"float32": "f32", "float64": "f64"}[dtype]

        def function(name: str, result: type | None, *arguments: type) -> ctypes._NamedFuncPointer:
            found = library[f"mg_{short}_{level}_{name}"]
            found.restype = result
            found.argtypes = arguments
            return found

        self.size = function("size", real, p)
        self.init = function("init", p, p, p)
        self.set = function("set", None, p, i32, p)
        self.get = function("get", None, p, i32, p)
        self.steps = function("steps", i32, p, p, p, p, p, p, i32, p, real, p)
        self.grads = function("grads", i32, p, p, p, i32, real, p, p, p)
        self.loss = function("loss", i32, p, p, p, i32, p)
        self.logits = function("logits", i32, p, p, p, i32, p)
        self.sample = function(
            "sample", i32, p, p, p, i32, i32, real, i32, real, p, i32, p, p, i32, p, p, p
        )


@functools.cache
def _library() -> ctypes.CDLL | str:
    """The compiled kernel, or why there is none."""
    from microgpt.engines.native.build import library_path, problem  # not above: see its `-m`

    path = library_path()
    reason = problem(path)
    if reason is not None:
        return reason
    try:
        return ctypes.CDLL(str(path))
    except OSError as error:
        return f"can't load its kernel: {error}"


def level_problems() -> dict[str, str | None]:
    """Each level that this family of processors has, slowest first, and why it can't be used.

    Raises ``OSError`` with the reason where no kernel can be loaded.
    """
    from microgpt.engines.native.build import LEVELS, family

    library = _library()
    if isinstance(library, str):
        raise OSError(library)
    result: dict[str, str | None] = {}
    for i, level in enumerate(LEVELS.get(family(), {"plain": ()})):
        if not hasattr(library, f"mg_f32_{level}_steps"):
            result[level] = "the compiler that built the kernel doesn't know it"
        elif i > library.mg_processor_level():
            result[level] = "this processor lacks it"
        else:
            result[level] = None
    return result


def built_dtypes(level: str) -> list[str]:
    """The number types that the loaded library has for a level."""
    short = {"float64": "f64", "float32": "f32"}
    return [d for d, s in short.items() if hasattr(_library(), f"mg_{s}_{level}_steps")]


def levels() -> tuple[list[str], str]:
    """The levels that are built, and the fastest of them that this processor runs.

    Raises ``OSError`` with the reason where no kernel can be loaded.
    """
    problems = level_problems()
    library = _library()
    built = [level for level in problems if hasattr(library, f"mg_f32_{level}_steps")]
    return built, [level for level, reason in problems.items() if reason is None][-1]


class NativeEngine(Engine):
    """The C kernel.

    ``level`` of the class is the one to use: None means $MICROGPT_LEVEL, else the fastest that runs
    here. A loaded engine's is the one in use.
    """

    name = "native"
    threaded = True
    leveled = True

    @classmethod
    def supports(cls, config: Config, dtype: str) -> str | None:
        library = _library()
        if isinstance(library, str):
            return library
        if dtype not in ("float64", "float32"):
            return f"computes in float64 or float32, not {dtype}"
        if beyond := config.beyond():
            return f"can't do {', '.join(beyond)}"
        level = cls._level()
        reason = level_problems().get(level, f"the levels are {', '.join(level_problems())}")
        if reason is not None:
            return f"can't run at level {level}: {reason}"
        kernel = _Kernel(library, dtype, level)
        size = kernel.size(ctypes.byref(_kernel_config(config, 1)))
        if not 0 < size <= _MOST_BYTES:
            return "is for smaller models: this one would need more than 128 GiB"
        return None

    @classmethod
    def _level(cls) -> str:
        return cls.level or os.environ.get("MICROGPT_LEVEL") or levels()[1]

    def load(
        self,
        config: Config,
        dtype: str,
        weights: Arrays,
        optim: Optim | None = None,
        threads: int = 1,
    ) -> None:
        reason = self.supports(config, dtype)
        if reason is not None:
            raise InputError(f"The engine native {reason}.")
        self.config, self.dtype = config, dtype
        flat = [self._flat(weights)]
        if optim is not None and optim.m:
            flat += [self._flat(optim.m), self._flat(optim.v)]
        library = _library()
        assert not isinstance(library, str)
        self.level = self._level()
        self.kernel = _Kernel(library, dtype, self.level)
        described = _kernel_config(config, max(1, min(threads, MOST_THREADS)))
        size = int(self.kernel.size(ctypes.byref(described)))
        if size == 0:  # a kernel that was compiled without threads
            described = _kernel_config(config, 1)
            size = int(self.kernel.size(ctypes.byref(described)))
        self.arena = np.empty(size + 64, np.uint8)
        address = self.arena.ctypes.data
        self.model = self.kernel.init(address + -address % 64, ctypes.byref(described))
        assert self.model
        for which, vector in enumerate(flat):
            self.kernel.set(self.model, which, vector.ctypes.data)
        self.step = optim.step if optim else 0

    def _flat(self, arrays: Arrays) -> Array:
        """All matrices in one vector, in the order of ``Config.shapes``; checked."""
        for name, shape in self.config.shapes().items():
            if name not in arrays:
                raise InputError(f"{name} is missing; the model needs it with shape {shape}.")
            if arrays[name].shape != shape:
                raise InputError(
                    f"{name} has shape {arrays[name].shape}, must be {shape} for this config."
                )
        wrong = first_not_finite({name: arrays[name] for name in self.config.shapes()})
        if wrong is not None:
            raise InputError(
                f"{wrong} has a number that is not finite.", "Go back to an earlier checkpoint."
            )
        parts = [np.asarray(arrays[name], self.dtype).reshape(-1) for name in self.config.shapes()]
        return np.concatenate(parts)

    def _named(self, flat: Array) -> Arrays:
        result: Arrays = {}
        at = 0
        for name, (out, into) in self.config.shapes().items():
            result[name] = flat[at : at + out * into].reshape(out, into).copy()
            at += out * into
        return result

    def _get(self, which: int) -> Arrays:
        flat = np.empty(self.config.parameters(), self.dtype)
        self.kernel.get(self.model, which, flat.ctypes.data)
        return self._named(flat)

    def state(self) -> tuple[Arrays, Optim]:
        weights = self._get(_WEIGHTS)
        if self.config.optimizer == "sgd":
            return weights, Optim(step=self.step)
        return weights, Optim(self._get(_MEANS), self._get(_SQUARES), self.step)

    def steps(self, batches: Batches, lrs: Sequence[float], first_step: int) -> list[float]:
        counts, positions = _int64(batches.documents), _int64(batches.positions)
        if len(counts) < len(lrs) or len(positions) < len(lrs):
            raise InputError(f"There are {len(lrs)} steps, but batches for {len(counts)}.")
        if (counts[: len(lrs)] < 0).any() or (positions[: len(lrs)] < 1).any():
            raise InputError("A step has fewer than 0 documents or fewer than 1 position.")
        documents = sum(counts[: len(lrs)].tolist())  # NumPy's sum could wrap around
        tokens, offsets = self._checked(
            batches.tokens, batches.offsets, documents, 1, self.config.block_size + 1
        )
        rates = np.array(lrs, np.float64)
        losses = np.empty(len(lrs), np.float64)
        refused = self.kernel.steps(
            self.model, tokens.ctypes.data, offsets.ctypes.data, counts.ctypes.data,
            positions.ctypes.data, _address(batches.weights), len(lrs), rates.ctypes.data,
            first_step, losses.ctypes.data,
        )  # fmt: skip
        assert refused == 0, refused
        self.step = first_step + len(lrs)
        return losses.tolist()

    def grads(
        self, docs: Sequence[Sequence[int]], weights: npt.ArrayLike | None = None
    ) -> tuple[float, Arrays]:
        batch = Batches.of([docs], weights)
        positions = int(batch.positions[0])
        tokens, offsets = self._checked(
            batch.tokens, batch.offsets, len(docs), 1, self.config.block_size + 1
        )
        if positions < 1:
            raise InputError("The documents have nothing to predict.")
        loss = ctypes.c_double()
        flat = np.empty(self.config.parameters(), self.dtype)
        refused = self.kernel.grads(
            self.model, tokens.ctypes.data, offsets.ctypes.data, len(docs), positions,
            _address(batch.weights), ctypes.byref(loss), flat.ctypes.data,
        )  # fmt: skip
        assert refused == 0, refused
        return loss.value, self._named(flat)

    def summed_loss(self, tokens: Ints, offsets: Ints) -> float:
        documents = len(offsets) - 1
        flat, ends = self._checked(tokens, offsets, documents, 1, self.config.block_size + 1)
        loss = ctypes.c_double()
        refused = self.kernel.loss(
            self.model, flat.ctypes.data, ends.ctypes.data, documents, ctypes.byref(loss)
        )
        assert refused == 0, refused
        return loss.value

    def logits(self, token_lists: Sequence[Sequence[int]]) -> list[Array]:
        flat = np.array([t for tokens in token_lists for t in tokens], np.int32)
        ends = np.cumsum([0, *(len(tokens) for tokens in token_lists)], dtype=np.int64)
        out = self.flat_logits(flat, ends)
        return [out[a:b] for a, b in itertools.pairwise(ends.tolist())]

    def flat_logits(self, tokens: Ints, offsets: Ints) -> Array:
        lists = len(offsets) - 1
        flat, ends = self._checked(tokens, offsets, lists, 0, self.config.block_size)
        out = np.empty((len(flat), self.config.vocab_size), self.dtype)
        refused = self.kernel.logits(
            self.model, flat.ctypes.data, ends.ctypes.data, lists, out.ctypes.data
        )
        assert refused == 0, refused
        return out

    def sample(
        self,
        prefixes: Sequence[Sequence[int]],
        how: Sampler,
        uniforms: npt.NDArray[np.float64],
    ) -> tuple[list[list[int]], int]:
        tokens, offsets, used = self.flat_sample(prefixes, how, uniforms)
        written = tokens.tolist()
        return [written[a:b] for a, b in itertools.pairwise(offsets.tolist())], used

    def flat_sample(
        self,
        prefixes: Sequence[Sequence[int]],
        how: Sampler,
        uniforms: npt.NDArray[np.float64],
    ) -> tuple[Ints, Ints, int]:
        samples, most = uniforms.shape
        if len(prefixes) != samples or most < 1:
            raise InputError(f"There are {len(prefixes)} prefixes, but draws for {samples}.")
        ends = np.zeros(samples + 1, np.int64)
        np.cumsum(np.fromiter(map(len, prefixes), np.int64, samples), out=ends[1:])
        forced = itertools.chain.from_iterable(prefixes)
        flat = np.fromiter(forced, np.int32, int(ends[-1]))
        tokens, offsets = self._checked(flat, ends, samples, 0, max(len(flat), 1))
        draws = np.ascontiguousarray(uniforms, np.float64)
        moves, banned = self._guard(how.guard)
        out = np.zeros((samples, most), np.int32)
        lengths = np.zeros(samples, np.int32)
        used = ctypes.c_double()
        refused = self.kernel.sample(
            self.model, tokens.ctypes.data, offsets.ctypes.data, samples, most, how.temperature**-1,
            how.top_k or 0, how.top_p or 0.0, draws.ctypes.data, how.order == "rows",
            None if moves is None else moves.ctypes.data,
            None if banned is None else banned.ctypes.data,
            0 if moves is None else len(moves),
            out.ctypes.data, lengths.ctypes.data, ctypes.byref(used),
        )  # fmt: skip
        if refused == _NOTHING_TO_DRAW:
            raise InputError(
                "There is no token to draw: the guard bans all, or the weights have diverged."
            )
        assert refused == 0, refused
        written = out[np.arange(most) < lengths[:, None]]
        return written, np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)]), int(used.value)

    def _guard(
        self, guard: Guard | None
    ) -> tuple[npt.NDArray[np.int32] | None, npt.NDArray[np.bool_] | None]:
        """The guard's tables as the kernel takes them; it checks each state that it reaches."""
        if guard is None:
            return None, None
        shape = (len(guard.next), self.config.vocab_size)
        if guard.next.shape != shape or guard.banned.shape != shape or shape[0] < 1:
            raise InputError(
                f"The guard's tables have shapes {guard.next.shape} and {guard.banned.shape}, "
                f"must both be states x {shape[1]}."
            )
        moves = np.ascontiguousarray(guard.next, np.int32)
        return moves, np.ascontiguousarray(guard.banned, np.bool_)

    def _checked(
        self, tokens: Ints, offsets: Ints, documents: int, shortest: int, longest: int
    ) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]:
        """The documents as the kernel takes them; ``InputError`` unless every one fits."""
        offsets = _int64(offsets)
        if documents + 1 > len(offsets):
            raise InputError(f"The steps take {documents} documents, but {len(offsets) - 1} came.")
        used = offsets[: documents + 1]
        lengths = np.diff(used)
        if int(used[0]) < 0 or int(used[-1]) > len(tokens) or (lengths < 0).any():
            raise InputError(f"Document offsets don't fit the {len(tokens)} tokens.")
        for wrong in np.flatnonzero((lengths < shortest) | (lengths > longest))[:1].tolist():
            raise InputError(
                f"Document {wrong} has {lengths[wrong]} tokens, must have "
                f"{shortest} to {longest} (block_size {self.config.block_size})."
            )
        first, v = int(used[0]), self.config.vocab_size
        inside = tokens[first : int(used[-1])]
        for at in np.flatnonzero((inside < 0) | (inside >= v))[:1].tolist():
            raise TokenError(
                f"Token {inside[at]} at position {first + at} is not in the vocabulary "
                f"({v} tokens, 0 to {v - 1})."
            )
        return np.ascontiguousarray(tokens, np.int32), offsets

    def close(self) -> None:
        self.arena = np.empty(0, np.uint8)
        self.model = None


def _int64(array: Ints) -> npt.NDArray[np.int64]:
    return np.ascontiguousarray(array, np.int64)


def _address(array: Array | None) -> int | None:
    return None if array is None else array.ctypes.data


def _kernel_config(config: Config, threads: int) -> _KernelConfig:
    return _KernelConfig(
        config.n_layer, config.n_embd, config.n_head, config.block_size, config.vocab_size,
        config.activation == "relu_squared", config.optimizer == "sgd", threads,
        config.beta1, config.beta2, config.eps,
    )  # fmt: skip

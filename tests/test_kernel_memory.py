"""The C kernel's memory, and the accuracy of its exp and log.

The fuzz calls the kernel as the engine does, but without the engine's checks and with arrays that
are exactly as large as they must be. It always runs; test_kernel_sanitized.py repeats it with a
kernel that looks after its memory itself.
"""

from __future__ import annotations

import ctypes
import math
import random
import re
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kernel_programs import LEVELS, both_dtypes, compiled, every_level
from microgpt.config import Config, make_config
from microgpt.engines.native import NativeEngine
from microgpt.model import init_weights
from patience import SLOW_PATIENCE

BAD_COUNT, BAD_OFFSETS, EMPTY, TOO_LONG, BAD_TOKEN, BAD_GUARD, BAD_SETTING = range(1, 8)
LOWEST, HIGHEST = -(2**63), 2**63 - 1


# ---------------------------------------------------------------- fuzz


def random_config(rng: random.Random) -> Config:
    n_embd = rng.randint(1, 70)
    return make_config(
        n_layer=rng.randint(1, 3),
        n_embd=n_embd,
        n_head=rng.choice([h for h in range(1, n_embd + 1) if n_embd % h == 0]),
        block_size=rng.randint(1, 40),
        vocab_size=rng.choice([2, 3, 16, 17, 27, 32, 33, rng.randint(2, 300)]),
        activation=rng.choice(["relu", "relu_squared"]),
        optimizer=rng.choice(["adam", "sgd"]),
        init_std=0.3,
    )


class Raw:
    """A model and documents for it, called without the engine's checks."""

    def __init__(self, config: Config, dtype: str, level: str, rng: random.Random) -> None:
        self.config, self.dtype, self.rng = config, dtype, rng
        self.engine = type("AtLevel", (NativeEngine,), {"level": level})()
        weights = {n: np.array(w, dtype) for n, w in init_weights(config, rng).items()}
        self.engine.load(config, dtype, weights, None, rng.choice([1, 1, 2, 3]))
        self.kernel, self.model = self.engine.kernel, self.engine.model

    def documents(self, shortest: int, longest: int, count: int) -> tuple[np.ndarray, np.ndarray]:
        """Tokens and offsets; now and then the first document isn't at the beginning."""
        lengths = [self.rng.randint(shortest, longest) for _ in range(count)]
        for i in range(count):
            lengths[i] = self.rng.choice([lengths[i], lengths[i], shortest, longest])
        offsets = np.cumsum([self.rng.choice([0, 0, 3]), *lengths], dtype=np.int64)
        tokens = [self.rng.randrange(self.config.vocab_size) for _ in range(int(offsets[-1]))]
        return np.array(tokens, np.int32), offsets

    def steps(
        self,
        tokens: np.ndarray,
        offsets: np.ndarray,
        counts: list[int],
        positions: list[int],
        steps: int | None = None,
        first_step: float = 0,
        lr: float = 0.01,
        weights: np.ndarray | None = None,
    ) -> tuple[int, np.ndarray]:
        n = len(counts)
        losses = np.full(n, 777.0)
        numbers = [np.array(x, np.int64) for x in (counts, positions)]
        rates = np.full(n, lr)
        refused = self.kernel.steps(
            self.model, tokens.ctypes.data, offsets.ctypes.data, numbers[0].ctypes.data,
            numbers[1].ctypes.data, None if weights is None else weights.ctypes.data,
            n if steps is None else steps, rates.ctypes.data, first_step, losses.ctypes.data,
        )  # fmt: skip
        return refused, losses

    def weights(self, offsets: np.ndarray) -> np.ndarray | None:
        """Of all positions, of any sign and 0 now and then; or none."""
        positions = int(offsets[-1] - offsets[0]) - (len(offsets) - 1)
        drawn = [self.rng.choice([0, 1, self.rng.gauss(0, 1)]) for _ in range(positions)]
        return np.array(drawn, np.float64) if self.rng.random() < 0.6 else None

    def grads(
        self,
        tokens: np.ndarray,
        offsets: np.ndarray,
        count: int,
        weights: np.ndarray | None = None,
    ) -> tuple[int, np.ndarray]:
        loss = ctypes.c_double(777.0)
        flat = np.full(self.config.parameters(), 777.0, self.dtype)
        refused = self.kernel.grads(
            self.model, tokens.ctypes.data, offsets.ctypes.data, count, 10,
            None if weights is None else weights.ctypes.data,
            ctypes.byref(loss), flat.ctypes.data,
        )  # fmt: skip
        return refused, np.append(flat, loss.value)

    def logits(self, tokens: np.ndarray, offsets: np.ndarray, count: int) -> tuple[int, np.ndarray]:
        rows = max(0, min(int(offsets[-1]) - int(offsets[0]), len(tokens)))
        out = np.full((rows, self.config.vocab_size), 777.0, self.dtype)
        refused = self.kernel.logits(
            self.model, tokens.ctypes.data, offsets.ctypes.data, count, out.ctypes.data
        )
        return refused, out

    def sample(
        self, tokens: np.ndarray, offsets: np.ndarray, samples: int, most: int, **changes: Any
    ) -> tuple[int, np.ndarray, np.ndarray]:
        s = {
            "temperature": 1.0, "top_k": 0, "top_p": 0.0, "rows": 1, "next": None, "banned": None,
            "states": 0, **changes,
        }  # fmt: skip
        room = max(samples, 0) * max(most, 0)
        uniforms = np.array([self.rng.random() for _ in range(room)])
        out, lengths = np.full(room, 777, np.int32), np.full(max(samples, 0), 777, np.int32)
        used = ctypes.c_double()
        tables = [None if s[t] is None else s[t].ctypes.data for t in ("next", "banned")]
        refused = self.kernel.sample(
            self.model, tokens.ctypes.data, offsets.ctypes.data, samples, most, s["temperature"],
            s["top_k"], s["top_p"], uniforms.ctypes.data, s["rows"], *tables, s["states"],
            out.ctypes.data, lengths.ctypes.data, ctypes.byref(used),
        )  # fmt: skip
        assert refused or 0 <= used.value <= room
        return refused, out, lengths

    def vectors(self) -> bytes:
        """Weights and moments."""
        return b"".join(
            array.tobytes()
            for named in (self.engine._get(which) for which in range(3))
            for array in named.values()
        )


@every_level
@both_dtypes
@pytest.mark.parametrize("seed", range(12))
def test_fuzz_of_sizes_and_documents(level: str, dtype: str, seed: int) -> None:
    rng = random.Random(seed)
    config = random_config(rng)
    v, t = config.vocab_size, config.block_size
    raw = Raw(config, dtype, level, rng)
    for _ in range(3):
        counts = [rng.choice([0, 1, 1, 2, rng.randint(0, 20)]) for _ in range(rng.randint(0, 4))]
        tokens, offsets = raw.documents(1, t + 1, sum(counts))
        divisors, weights = [rng.randint(1, 50) for _ in counts], raw.weights(offsets)
        refused, losses = raw.steps(tokens, offsets, counts, divisors, weights=weights)
        assert refused == 0 and np.isfinite(losses).all() and not (losses == 777).any()
    count = rng.randint(0, 30)
    tokens, offsets = raw.documents(1, t + 1, count)
    refused, gradients = raw.grads(tokens, offsets, count, raw.weights(offsets))
    assert refused == 0 and np.isfinite(gradients).all() and not (gradients == 777).any()
    count = rng.randint(0, 120)
    refused, logits = raw.logits(*raw.documents(0, t, count), count)
    assert refused == 0 and np.isfinite(logits).all() and not (logits == 777).any()
    for _ in range(3):
        samples, most = rng.randint(0, 70), rng.choice([1, t, rng.randint(1, t + 20)])
        tokens, offsets = raw.documents(0, rng.choice([2, most + 3]), samples)
        settings: dict[str, Any] = {
            "temperature": rng.choice([1e-3, 1.0, 1e3]),
            "top_k": rng.choice([0, 1, 3, v, v + 5, 2**31 - 1]),
            "top_p": rng.choice([0.0, 1e-9, 0.5, 1.0, 2.0, math.inf]),
            "rows": rng.randint(0, 1),
        }
        states = rng.randint(1, 4)
        wild = rng.choice([0, 0, 1, 2**30])  # how far its states may lie outside
        if rng.random() < 0.7:
            moves = [rng.randint(-wild, states - 1 + wild) for _ in range(states * v)]
            bans = [rng.random() < rng.choice([0.1, 0.9]) for _ in range(states * v)]
            settings |= {"next": np.array(moves, np.int32), "banned": np.array(bans, np.uint8)}
            settings |= {"states": states}
        refused, out, lengths = raw.sample(tokens, offsets, samples, most, **settings)
        assert refused == 0 or (refused == BAD_GUARD and "next" in settings)
        if refused == 0:
            for i, row in enumerate(out.reshape(samples, most).tolist()):
                prefix = tokens[offsets[i] : offsets[i + 1]].tolist()[:most]
                assert len(prefix) <= lengths[i] <= most and row[: len(prefix)] == prefix
                assert all(0 <= token < v - 1 for token in row[len(prefix) : lengths[i]])
                assert set(row[lengths[i] :]) <= {777}
    raw.steps(*raw.documents(1, t + 1, 2), [2], [1], lr=math.inf)  # weights without meaning
    count = rng.randint(1, 9)
    assert raw.logits(*raw.documents(0, t, count), count)[0] == 0
    tokens, offsets = raw.documents(0, 1, 5)
    assert raw.sample(tokens, offsets, 5, 4, top_k=2, top_p=0.5, rows=seed % 2)[0] in (0, BAD_GUARD)


@every_level
@both_dtypes
@pytest.mark.parametrize("seed", range(4))
def test_fuzz_of_what_is_refused(level: str, dtype: str, seed: int) -> None:
    rng = random.Random(1000 + seed)
    config = random_config(rng)
    v, t = config.vocab_size, config.block_size
    raw = Raw(config, dtype, level, rng)
    before = raw.vectors()
    tokens, offsets = raw.documents(1, t, 4)

    def with_token(token: int) -> tuple[np.ndarray, np.ndarray]:
        changed = tokens.copy()
        changed[rng.randrange(int(offsets[0]), len(tokens))] = token
        return changed, offsets

    def with_offset(place: int, offset: int) -> tuple[np.ndarray, np.ndarray]:
        changed = offsets.copy()
        changed[place] = offset
        return tokens, changed

    last = int(offsets[3])
    documents = [
        *((BAD_TOKEN, with_token(token)) for token in (-1, v, v + 1, 2**31 - 1, -(2**31))),
        *((BAD_OFFSETS, with_offset(0, offset)) for offset in (-1, LOWEST)),
        *((BAD_OFFSETS, with_offset(4, offset)) for offset in (last - 1, -1, LOWEST)),
        *((TOO_LONG, with_offset(4, offset)) for offset in (last + t + 2, HIGHEST)),
    ]
    for answer, (bad_tokens, bad_offsets) in documents:
        refused, losses = raw.steps(bad_tokens, bad_offsets, [1, 3], [5, 5])
        assert refused == answer and (losses == 777).all()
        refused, gradients = raw.grads(bad_tokens, bad_offsets, 4)
        assert refused == answer and (gradients == 777).all()
        refused, _ = raw.logits(bad_tokens, bad_offsets, 4)
        assert refused == answer
        if answer != TOO_LONG:  # a prefix may be longer than the context
            refused, out, lengths = raw.sample(bad_tokens, bad_offsets, 4, 5)
            assert refused == answer and (out == 777).all() and (lengths == 777).all()
    assert raw.steps(*with_offset(1, int(offsets[0])), [4], [5])[0] == EMPTY
    assert raw.grads(*with_offset(1, int(offsets[0])), 4)[0] == EMPTY
    for count in (-1, -(2**31)):
        assert raw.grads(tokens, offsets, count)[0] == BAD_OFFSETS
        assert raw.logits(tokens, offsets, count)[0] == BAD_OFFSETS
        assert raw.sample(tokens, offsets, count, 3)[0] == BAD_OFFSETS
    for counts in ([-1], [2, -1], [HIGHEST], [2**62] * 4, [LOWEST], [2**31]):
        assert raw.steps(tokens, offsets, counts, [5] * len(counts))[0] == BAD_COUNT
    for positions in (0, -5, LOWEST):
        assert raw.steps(tokens, offsets, [4], [positions])[0] == BAD_COUNT
    for steps in (-1, -(2**31)):
        assert raw.steps(tokens, offsets, [4], [5], steps=steps)[0] == BAD_COUNT
    for first_step in (-1.0, math.nan, math.inf, 1e19):
        assert raw.steps(tokens, offsets, [4], [5], first_step=first_step)[0] == BAD_COUNT
    for setting in (
        {"temperature": 0.0}, {"temperature": -1.0}, {"temperature": math.nan}, {"top_k": -1},
        {"top_p": -0.1}, {"top_p": math.nan}, {"next": np.zeros(v, np.int32), "states": 1},
        {"next": np.zeros(v, np.int32), "banned": np.zeros(v, np.uint8), "states": 0},
    ):  # fmt: skip
        refused, out, lengths = raw.sample(tokens, offsets, 4, 5, **setting)
        assert refused == BAD_SETTING and (out == 777).all() and (lengths == 777).all()
    for most in (0, -1, -(2**31)):
        assert raw.sample(tokens, offsets, 4, most)[0] == BAD_SETTING
    assert raw.vectors() == before


@every_level
@both_dtypes
def test_fuzz_of_configurations(level: str, dtype: str) -> None:
    """Numbers of any size: refused with 0 bytes, or a size that is at least the weights'."""
    rng = random.Random(7)
    engine = type("AtLevel", (NativeEngine,), {"level": level})()
    engine.load(*tiny(dtype))
    from microgpt.engines.native import _KernelConfig

    for _ in range(3000):
        sizes = [
            rng.choice([rng.randint(1, 64), rng.randint(-3, 2**31 - 1), 2 ** rng.randint(0, 30)])
            for _ in range(5)
        ]
        if rng.random() < 0.7:
            sizes[2] = 1
        threads = rng.choice([1, 1, 16, 17, 0, -1, 2**31 - 1])
        described = _KernelConfig(*sizes, 0, 0, threads, 0.9, 0.99, 1e-8)
        size = engine.kernel.size(ctypes.byref(described))
        layers, c, heads, block, v = sizes
        fits = min(sizes) >= 1 and 1 <= threads <= 16 and c % heads == 0
        weights = (12 * c * c * layers + (2 * v + block) * c) * int(dtype[-2:]) // 8
        assert 0 <= size <= 1e14 and size == int(size)
        assert size == 0 or (fits and size > weights)
        assert size > 0 or not fits or weights + (block * layers * (c + block) + v) * 4 > 1e9


def tiny(dtype: str) -> tuple[Config, str, dict[str, np.ndarray]]:
    config = make_config(n_embd=4, n_head=1, block_size=2, vocab_size=3)
    weights = init_weights(config, random.Random(0))
    return config, dtype, {n: np.array(w, dtype) for n, w in weights.items()}


# ---------------------------------------------------------------- valgrind


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["float32", pytest.param("float64", marks=pytest.mark.prove)])
def test_valgrind_finds_nothing(dtype: str, tmp_path: Path, require_program: Any) -> None:
    """At AVX2: valgrind doesn't know AVX-512."""
    valgrind = require_program("valgrind")
    level = "avx2" if "avx2" in LEVELS else LEVELS[0]
    program = compiled(tmp_path, "kernel_memory", level, dtype, "-g")
    alone = subprocess.run([program], capture_output=True, text=True, timeout=SLOW_PATIENCE)
    assert alone.returncode == 0, alone.stdout
    done = subprocess.run(
        [valgrind, "-q", "--error-exitcode=9", "--leak-check=full", str(program)],
        capture_output=True,
        text=True,
        timeout=SLOW_PATIENCE,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == alone.stdout and done.stdout.count("refused 0") == 6


# ---------------------------------------------------------------- coverage


@pytest.mark.prove
@both_dtypes
def test_the_memory_tools_see_nearly_all_of_the_kernel(
    dtype: str, tmp_path: Path, require_program: Any
) -> None:
    """What kernel_memory.c goes through, measured by gcc.

    Left out are refusals and the second thread, which the fuzz above goes through.
    """
    require_program("gcc")
    program = compiled(tmp_path, "kernel_memory", LEVELS[0], dtype, "-O0", "--coverage")
    subprocess.run([program], cwd=tmp_path, capture_output=True, check=True, timeout=SLOW_PATIENCE)
    command = [require_program("gcov"), "-n", *map(str, tmp_path.glob("*.gcda"))]
    told = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    found = re.findall(r"File '.*/kernel/(.+)'\nLines executed:(.+)% of (\d+)", told.stdout)
    shares = {name: (float(share) / 100, int(lines)) for name, share, lines in found}
    whole = sum(lines for _, lines in shares.values())
    share = sum(share * lines for share, lines in shares.values()) / whole
    print(f"{dtype}: {share:.1%} of {whole:,} lines; {shares}")
    assert whole > 800 and share > 0.92


# ---------------------------------------------------------------- exp and log


def ulps(program: Path, which: str, x: np.ndarray, function: Any) -> float:
    """The largest error of a function at x, in units of the last place of the exact result."""
    x = np.append(x, np.repeat(x[-1:], -len(x) % 16))
    exact = function(x.astype(np.longdouble))
    error = np.abs(through(program, which, x) - exact)
    return float((error / np.spacing(np.abs(exact).astype(x.dtype))).max())


def through(program: Path, which: str, x: np.ndarray) -> np.ndarray:
    done = subprocess.run([program, which], input=x.tobytes(), capture_output=True, check=True)
    return np.frombuffer(done.stdout, x.dtype)


exact_enough = pytest.mark.skipif(
    np.finfo(np.longdouble).nmant <= 52, reason="no long double to compare with"
)


@pytest.mark.slow
@every_level
@both_dtypes
@exact_enough
def test_accuracy_of_exp_and_log(level: str, dtype: str, tmp_path: Path) -> None:
    accuracy_of_exp_and_log(level, dtype, tmp_path, 10**5)


@pytest.mark.prove
@every_level
@both_dtypes
@exact_enough
def test_accuracy_of_exp_and_log_at_millions(level: str, dtype: str, tmp_path: Path) -> None:
    accuracy_of_exp_and_log(level, dtype, tmp_path, 10**6)


def accuracy_of_exp_and_log(level: str, dtype: str, tmp_path: Path, points: int) -> None:
    program = compiled(tmp_path, "kernel_accuracy", level, dtype)
    for which, kind, low, bound in (  # found: 1.015 in float64, 1.048 in float32; 0.97
        ("exp", np.dtype(dtype), -708 if dtype == "float64" else -87, 1.1),
        ("side", np.dtype("float64"), -708, 1.0),
    ):  # fmt: skip
        x = np.concatenate(
            [
                np.linspace(low, 0, points),
                np.linspace(-1, 0, points),
                -np.logspace(-30, 1, points // 10),
            ]
        ).astype(kind)
        assert ulps(program, which, x, np.exp) < bound
        beyond = [low * 1.0001, low - 1.0, -1e4, -math.inf, math.nan, 0.0, -0.0, 0.0]
        got = through(program, which, np.array(beyond * 2, kind))[:8]
        assert got[:4].tolist() == [0] * 4 and math.isnan(got[4]) and got[5:].tolist() == [1] * 3
    x = np.concatenate([np.logspace(-307, 308, points), np.linspace(0.01, 2, points)])
    x = np.concatenate([x[x != 1], np.linspace(1.001, 300**4, points)])
    assert ulps(program, "log", x, np.log) < 1.1  # found: 1.08
    special = [1.0, math.inf, -1.0, math.nan]
    got = through(program, "log", np.array(special * 4))
    assert got[:2].tolist() == [0, math.inf] and np.isnan(got[2:4]).all()

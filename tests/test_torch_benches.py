"""The benchmarks of the torch engine run, and say when they can't."""

import subprocess
import sys
from pathlib import Path

import pytest

BENCH = Path(__file__).resolve().parent.parent / "bench"

pytestmark = [pytest.mark.torch, pytest.mark.slow]


def run(script: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, BENCH / script, *map(str, arguments)]
    return subprocess.run(words, capture_output=True, encoding="utf-8", check=False)


def test_a_plain_loop_computes_the_same() -> None:
    """The script refuses to time two computations whose losses differ."""
    done = run("torch_plain.py", "--rounds", 1, "--steps", 2)
    assert done.returncode == 0, done.stderr
    assert [line.split("|")[1].strip() for line in done.stdout.splitlines()] == [
        "published blocks",
        "GPT-2's blocks",
    ]


def test_the_gpus_benchmark_on_a_processor() -> None:
    done = run("gpu.py", "--tiny")
    assert done.returncode == 0, done.stderr
    assert "28,544 parameters of GPT-2's shape on a processor, bfloat16" in done.stdout


def test_without_a_gpu_nothing_is_measured() -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("there is a GPU here")
    done = run("gpu.py")
    assert done.returncode == 1
    assert done.stderr == "PyTorch finds no GPU of NVIDIA or AMD here, so nothing was measured.\n"

"""The recipes: each is readable, begins as it always did and, in `make prove`, reaches its bar.

    python tests/test_recipes.py

writes recipes/losses.json anew: the first losses in float64, so that they are the recipe's and no
machine's.
"""

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from microgpt.cli.options import build, read_toml
from microgpt.config import FLAGS, Config
from microgpt.data import load_data
from microgpt.disk.layouts import LAYOUTS
from microgpt.engines import engine_class
from microgpt.engines.hardware import HARDWARE, Hardware
from microgpt.training import Trainer

ROOT = Path(__file__).resolve().parent.parent
RECIPES = ROOT / "recipes"
NAMES = sorted(path.stem for path in RECIPES.glob("*.toml"))
OPTIONS: dict[str, Any] = {
    "data": str, "split_by": str, "engine": str, "dtype": str, "threads": int, "eval_docs": int,
    "eval_every": int,
    **HARDWARE,
}  # fmt: skip

# How many of the first steps a test repeats, in what, and how far off they may be. A step of
# llama-shaped takes ten times as long as one of the others, and one of gpt2-124m would take a
# processor an hour. Measured, float32 against float64: 6e-7 for modern and muon over all of them,
# but 0.011 for classic. There rounding grows a hundred thousandfold within 100 steps, so float64 is
# compared, where it is as small as that times 1e-9.
STEPS = {
    "shakespeare-classic": (100, "float64", 1e-6),
    "shakespeare-modern": (100, "float32", 1e-4),
    "shakespeare-muon": (100, "float32", 1e-4),
    "llama-shaped": (4, "float32", 1e-4),
    "gpt2-laptop": (20, "float32", 1e-4),
    "llama-laptop": (20, "float32", 1e-4),
}


def settings(name: str) -> tuple[Config, dict[str, Any]]:
    """The config and the other settings of a recipe."""
    given = read_toml(RECIPES / f"{name}.toml", OPTIONS)
    recipe = {key: value for key, value in given.items() if key not in OPTIONS}
    other = {key: value for key, value in given.items() if key in OPTIONS}
    return build("final", recipe, {"vocab_size": 66}), other


def first_losses(name: str, steps: int, dtype: str) -> list[float]:
    config, other = settings(name)
    data = load_data(other["data"], other["split_by"])
    trainer = Trainer(
        config, data, engine=other["engine"], dtype=dtype, threads=1,
        stop_after=steps, eval_every=0,
    )  # fmt: skip
    losses = [event["loss"] for event in trainer.events() if "step" in event]
    trainer.close()
    return losses


@pytest.mark.parametrize("name", NAMES)
def test_recipes_are_what_the_readme_says(name: str) -> None:
    config, other = settings(name)
    assert other["data"] == "shakespeare" and config.holdout == 0.1 and config.long == "window"
    assert f"`{name}.toml`" in (RECIPES / "README.md").read_text(encoding="utf-8")
    Hardware(**{key: other[key] for key in HARDWARE if key in other})
    if name.startswith("shakespeare"):  # nanoGPT's setting for processors
        sizes = (config.n_layer, config.n_head, config.n_embd, config.block_size)
        assert sizes == (4, 4, 128, 64)
        assert (config.batch_size, config.steps, config.dropout) == (12, 2000, 0)


def test_the_shakespeare_recipes_differ_in_what_they_are_named_for() -> None:
    classic, modern, muon = (
        settings(f"shakespeare-{name}")[0] for name in ("classic", "modern", "muon")
    )
    assert classic.beyond() == []
    blocks = ["positions rope", "qk_norm true"]
    assert modern.beyond() == ["activation swiglu", "optimizer adamw", *blocks]
    assert muon.beyond() == ["activation swiglu", "optimizer muon", *blocks]
    trained = {"optimizer", "lr", "muon_lr", "weight_decay", "lr_end"}
    assert _apart(modern, muon) <= trained
    assert _apart(classic, modern) - trained == {"activation", "positions", "qk_norm"}


def _apart(one: Config, other: Config) -> set[str]:
    """The fields in which two configs differ."""
    return {name for name in FLAGS if getattr(one, name) != getattr(other, name)}


def test_gpt2_has_its_own_size() -> None:
    """With its 50,257 tokens it has exactly the 124,439,808 parameters of GPT-2."""
    config, _ = settings("gpt2-124m")
    assert replace(config, vocab_size=50257).parameters() == 124_439_808
    assert config.init_std_out == pytest.approx(0.02 / (2 * config.n_layer) ** 0.5, abs=5e-8)


@pytest.mark.parametrize("name", NAMES)
def test_which_of_them_go_out(name: str) -> None:
    """``export`` can write every recipe that is named for a shape, and names such recipes."""
    config, other = settings(name)
    shapes = {layout.title.lower().replace("-", ""): layout for layout in LAYOUTS}
    wanted = shapes.get(name.split("-")[0])
    assert [layout for layout in LAYOUTS if not layout.unlike(config)] == (
        [wanted] if wanted else []
    )
    if wanted and name.endswith("laptop"):
        assert other["engine"] == "numpy" and wanted.recipe == f"recipes/{name}.toml"
        assert config.init_std_out == pytest.approx(0.02 / (2 * config.n_layer) ** 0.5, abs=5e-8)


@pytest.mark.slow
@pytest.mark.torch
@pytest.mark.parametrize("name", STEPS)
def test_the_first_losses(name: str) -> None:
    expected = json.loads((RECIPES / "losses.json").read_text(encoding="utf-8"))[name]
    steps, dtype, limit = STEPS[name]
    found = first_losses(name, steps, dtype)
    assert len(found) == len(expected) == steps
    apart = [abs(a - b) for a, b in zip(found, expected, strict=True)]
    first = next((i for i, far in enumerate(apart) if not far <= limit), None)
    assert first is None, f"step {first}: {found[first or 0]}, not {expected[first or 0]}"


@pytest.mark.torch
@pytest.mark.slow
def test_engines_can_do_every_recipe() -> None:
    for name in NAMES:
        config, other = settings(name)
        assert engine_class(other["engine"]).supports(config, other["dtype"]) is None


@pytest.mark.prove
@pytest.mark.torch
def test_the_bars(tmp_path: Path) -> None:
    import subprocess

    done = subprocess.run(
        [sys.executable, ROOT / "bench" / "recipes.py", "--runs", tmp_path], check=False
    )
    assert done.returncode == 0


def _write() -> None:
    found = {name: first_losses(name, count, "float64") for name, (count, _, _) in STEPS.items()}
    rows = ",\n".join(
        f'"{name}": [\n' + ",\n".join(repr(loss) for loss in losses) + "\n]"
        for name, losses in found.items()
    )
    (RECIPES / "losses.json").write_text(f"{{\n{rows}\n}}\n", encoding="utf-8")


if __name__ == "__main__":
    _write()

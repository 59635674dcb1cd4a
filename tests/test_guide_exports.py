"""What the page *Run it* says of models in other programs is so, and its program runs."""

import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from cli_runner import ok
from microgpt.config import Config
from microgpt.disk.layouts import LAYOUTS, layout_of

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "guide" / "pages" / "learn" / "run.md").read_text(encoding="utf-8")
SECTION = PAGE.partition("\n## In other programs\n")[2].partition("\n## ")[0]


def recipe(name: str) -> Config:
    content = tomllib.loads((ROOT / name).read_text(encoding="utf-8"))
    known = {key: value for key, value in content.items() if hasattr(Config, key)}
    return Config(**known)


def test_the_recipe_is_of_a_shape_that_can_be_exported() -> None:
    (name,) = re.findall(r"--config (\S+\.toml)", SECTION)
    config = recipe(name)
    assert layout_of(config, "").title == "Llama"
    assert name in {layout.recipe for layout in LAYOUTS}
    assert f"those of the recipe, which have {config.head_dim}" in SECTION
    assert f"has positions, {config.block_size} here" in SECTION
    for asked in (*re.findall(r"-n (\d+)", SECTION), *re.findall(r"tokens=(\d+)", SECTION)):
        assert len("ROMEO:") + 1 + int(asked) <= config.block_size


@pytest.mark.slow
@pytest.mark.torch
@pytest.mark.usefixtures("empty_directory")
def test_the_program_runs(
    require: Callable[[str], ModuleType],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    require("transformers")
    config = ROOT / "recipes" / "llama-laptop.toml"
    ok("train", "--config", config, "--steps", 50, "--stop-after", 1, "--out", "shakespeare")
    ok("export", "shakespeare", "shakespeare-hf")
    capsys.readouterr()
    (program,) = re.findall(r"```python\n(.*?)```", SECTION, re.DOTALL)
    exec(program, {})
    assert capsys.readouterr().out.startswith("ROMEO:")

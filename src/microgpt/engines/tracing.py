"""Every intermediate of the forward pass, by the names of ``trace``: computed on plain floats."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from microgpt import model
from microgpt import trace as trace_table
from microgpt.arrays import Arrays
from microgpt.config import Config


def trace_floats(config: Config, weights: Arrays, tokens: Sequence[int]) -> Arrays:
    """All intermediates of the forward pass, computed on plain floats by ``model.gpt``."""
    floats = {name: weights[name].tolist() for name in config.shapes()}
    keys, values = model.empty_cache(config), model.empty_cache(config)
    rows = []
    losses = []
    for t, token in enumerate(tokens[: config.block_size]):
        row: dict[str, Any] = {}
        logits = model.gpt(token, t, keys, values, floats, config, row.__setitem__)
        row["probs"] = model.softmax(logits)
        if t + 1 < len(tokens):
            losses.append(model.plain(model.surprise(logits, tokens[t + 1])))
        rows.append(row)
    return {**padded_trace(config, rows), "loss": np.array(losses)}


def padded_trace(
    config: Config, rows: Sequence[dict[str, list[float] | float | list[list[float]]]]
) -> Arrays:
    """Stack one dictionary per position into arrays of the shapes in ``trace.shapes``."""
    positions = len(rows)
    result: Arrays = {}
    for name, shape in trace_table.shapes(config, positions).items():
        array = np.zeros(shape)
        for t, row in enumerate(rows):
            value = np.asarray(row[name], dtype=np.float64)
            if len(shape) == 3:
                array[t, :, : value.shape[1]] = value
            else:
                array[t] = value
        result[name] = array
    return result

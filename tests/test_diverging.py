"""A run that diverges says at which step, and which documents were in that step's batch."""

import math
from typing import Any

import pytest

from microgpt.config import Config
from microgpt.engines.numpy.engine import NumpyEngine
from microgpt.errors import NumbersError
from microgpt.start import begin
from microgpt.training import Trainer
from training_runs import dataset, tiny


class Broken(NumpyEngine):
    """Its loss is NaN from the sixth step on."""

    def steps(self, batches: Any, lrs: Any, first_step: int) -> list[float]:
        losses = super().steps(batches, lrs, first_step)
        return [math.nan if first_step + i >= 5 else x for i, x in enumerate(losses)]


def said(config: Config, docs: list[str] | None = None) -> str:
    trainer = Trainer(config, dataset(docs), engine="numpy")
    broken = Broken()
    broken.load(trainer.config, "float64", *trainer.engine.state())
    trainer.engine = broken
    with pytest.raises(NumbersError) as info:
        list(trainer.events())
    return info.value.message


def test_one_document_is_named_with_its_row() -> None:
    docs = begin(tiny(), dataset()).docs
    assert said(tiny()) == (
        f"The loss is nan at step 6: training diverged. Its batch: row 6 of the shuffled "
        f"documents, {docs[5]!r}."
    )


def test_of_a_batch_the_first_are_named_and_the_rows_begin_anew_at_the_end() -> None:
    config = tiny(batch_size=5)
    docs = begin(config, dataset()).docs  # the sixth batch: rows 26 to 30 of 12
    first = ", ".join(repr(doc[: config.block_size]) for doc in docs[1:4])
    assert len(docs) == 12
    assert said(config).endswith(f"Its batch: rows 2 to 6 of the shuffled documents, {first} and "
                                 "2 more.")  # fmt: skip


def test_windows_are_named_by_how_they_begin_and_are_shortened() -> None:
    config = tiny(batch_size=2, long="window", block_size=40)
    message = said(config, ["anna" * 30, "ada\x1b\n" * 30])
    assert "Its batch: 2 windows that begin '" in message
    assert "…'" in message
    assert message.isprintable()
    assert len(message) < 250

"""The tracks: a text, a loss to reach and a size to keep within; and what an entry may say."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from microgpt.config import FLAGS, Config, make_config
from microgpt.data import Dataset, load_data
from microgpt.engines.hardware import Hardware
from microgpt.errors import FileError, InputError
from microgpt.heldout import MAX_THREADS
from microgpt.start import suited
from microgpt.tokenizer import AnyTokenizer
from microgpt.vocabulary import Wanted

HOLDOUT = 0.1
FEWEST = 5
"""Seeds that a record needs at least."""

MOST = 1000
QUICK = 2
"""Seeds of a run that is only to be looked at."""

_RUNNER = "seeds 1, 2, 3 and so on are the runner's"
_TRACK = "every entry of a track reads the same text"
_JUDGED = "the runner says what is held out, and measures it once, at the end"
FORBIDDEN = {
    "seed": _RUNNER,
    "holdout": _JUDGED,
    "validation": _JUDGED,
    **dict.fromkeys(("data", "file", "split_by", "column", "field", "encoding"), _TRACK),
    **dict.fromkeys(("eval_every", "eval_docs", "patience"), _JUDGED),
    **dict.fromkeys(("save_every", "sample_every"), "nothing is saved or written on the way"),
    "device": "the unit of cost is the processor's",
    "compile": "compilers run in processes of their own, whose time nobody counts",
}
"""The settings of a run that an entry may not choose, and why."""

OPTIONS: dict[str, type] = {
    **{name: list if name == "file" else str for name in FORBIDDEN if name not in FLAGS},
    **dict.fromkeys(("eval_every", "eval_docs", "patience", "save_every", "sample_every"), int),
    "compile": bool,
    "preset": str,
    "tokenizer": str,
    "vocab_size": int,
    "engine": str,
    "dtype": str,
    "threads": int,
    "recompute": bool,
    "micro_batch": int,
}
"""What an entry's file may hold beside the fields of ``Config``, with the types of the values."""


@dataclass(frozen=True)
class Track:
    """What is to be reached: ``target``, the held-out loss in nats a character.

    Each document's end counts as a character, as BOS is predicted there. ``sha256``: of the text.
    ``parameters``: the most a model may have. ``seeds``: how many are usual.
    """

    name: str
    data: str
    sha256: str
    target: float
    parameters: int
    seeds: int

    def load(self) -> Dataset:
        """The track's text; ``FileError`` where it isn't the one that all others had."""
        dataset = load_data(self.data)
        if dataset.sha256 != self.sha256:
            raise FileError(
                f"{dataset.path} isn't the text of the track {self.name}: its SHA-256 begins with "
                f"{dataset.sha256[:12]}, not with {self.sha256[:12]}.",
                "Reinstall microgpt.",
            )
        return dataset

    def about(self) -> str:
        """The task in a few words."""
        return (
            f"held-out loss of {self.target:.2f} nats a character with at most "
            f"{self.parameters:,} parameters"
        )


_NAMES = "0a30b5557f192f32ab962680889aac5f6fda0f4cecf40a6d0b5694f58ea8cc4d"
_SHAKESPEARE = "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed"

TRACKS = {
    track.name: track
    for track in (
        Track("names", "names", _NAMES, 2.11, 4192, 20),
        Track("shakespeare", "shakespeare", _SHAKESPEARE, 1.60, 1_000_000, 5),
    )
}


def track_of(name: str) -> Track:
    """The track of that name; ``InputError`` if there is none."""
    if name not in TRACKS:
        raise InputError(f"There is no track {name!r}.", f"The tracks are {', '.join(TRACKS)}.")
    return TRACKS[name]


@dataclass(frozen=True)
class Entry:
    """A recipe for a track, checked. The seed in ``config`` stands for none: the runner sets it.

    ``sha256``: of the TOML file. ``tokenizer``: the same for all seeds.
    """

    name: str
    sha256: str
    config: Config
    tokenizer: AnyTokenizer
    engine: str
    dtype: str
    threads: int
    hardware: Hardware


def entry_of(
    track: Track, dataset: Dataset, path: Path, settings: Mapping[str, Any], validation: bool
) -> Entry:
    """The entry that a TOML file with these ``settings`` is.

    Raises ``InputError`` that names the file and the setting where it says what isn't its to say,
    or has too many parameters.
    """
    for key, why in FORBIDDEN.items():
        if key in settings:
            raise InputError(f"{path}: an entry can't set {key}: {why}.", "Leave it out.")
    chosen = {key: value for key, value in settings.items() if key in FLAGS}
    try:
        config = make_config(
            settings.get("preset", "final"), **chosen, holdout=HOLDOUT, validation=validation
        )
        wanted = _tokenizer(settings)
        parts = {k: settings[k] for k in ("recompute", "micro_batch") if k in settings}
        if settings.get("engine") == "torch":
            parts["device"] = "cpu"
        hardware = Hardware(**parts)
    except InputError as error:
        raise InputError(f"{path}: {error.message}", error.remedy) from None
    tokenizer = wanted.of(config, dataset)
    config = dataclasses.replace(config, vocab_size=tokenizer.vocab_size)
    if "long" not in chosen:
        config = suited(config, dataset, tokenizer)
    if config.parameters() > track.parameters:
        raise InputError(
            f"{path} is a model of {config.parameters():,} parameters; the track {track.name} "
            f"allows {track.parameters:,}.",
            "Make n_embd or n_layer smaller.",
        )
    threads = settings.get("threads", 1)
    if not 1 <= threads <= MAX_THREADS:
        raise InputError(f"{path}: threads is {threads}, must be from 1 to {MAX_THREADS}.")
    return Entry(
        path.stem,
        hashlib.sha256(path.read_bytes()).hexdigest(),
        config,
        tokenizer,
        settings.get("engine", "auto"),
        settings.get("dtype", "float32"),
        threads,
        hardware,
    )


def _tokenizer(settings: Mapping[str, Any]) -> Wanted:
    """The kind that is asked for; merges in a file might have been trained on held-out text."""
    asked = settings.get("tokenizer", "char")
    if asked not in ("char", "bpe"):
        raise InputError(
            f"tokenizer is {asked!r}, must be char or bpe.",
            "An entry is one file, and trains its merges on what it trains on.",
        )
    return Wanted(asked, settings.get("vocab_size"))

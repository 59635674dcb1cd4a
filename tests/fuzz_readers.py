"""What the fuzzer reads: every kind of file and request that comes from outside.

A reader takes any bytes and either works or raises a ``MicrogptError``; whatever else it raises is
a fault. ``seeds`` are good inputs to begin with. Digests are made right before a run is read, so
that what lies behind them is reached as well.
"""

import contextlib
import gzip
import hashlib
import io
import json
import random
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cli_runner import DOCS, TINY, ok
from fuzzing import Read
from hf_models import made, sharded
from microgpt.assignment.intake.submissions import read_submission
from microgpt.cli import options
from microgpt.data import SPLITS, load_data
from microgpt.disk.checkpoint import RunDir
from microgpt.disk.huggingface import write_directory
from microgpt.disk.modelfile import write_model, write_safetensors
from microgpt.errors import MicrogptError
from microgpt.guard.bot import Bot, serve
from microgpt.guard.policy import Policy
from microgpt.guard.rails import Rails
from microgpt.opening import Opened, engine_for, open_model
from microgpt.subwords import BytePairTokenizer
from microgpt.summary import summary
from model_files import make


@dataclass(frozen=True)
class Reader:
    """What takes the bytes, and bytes that it takes gladly."""

    read: Read
    seeds: Sequence[bytes]


def whole(opened: Opened) -> None:
    """A model that was opened is one that can be used."""
    assert {name: w.shape for name, w in opened.weights.items()} == opened.config.shapes()
    assert all(np.isfinite(w).all() for w in opened.weights.values())
    assert opened.tokenizer.vocab_size == opened.config.vocab_size


def of_file(folder: Path, name: str, read: Callable[[Path], object]) -> Read:
    """Read the bytes as a file of this name."""

    def read_bytes(data: bytes) -> None:
        (folder / name).write_bytes(data)
        with contextlib.suppress(MicrogptError):
            read(folder / name)

    return read_bytes


def model(folder: Path) -> Reader:
    def read(path: Path) -> None:
        whole(open_model(path)[0])

    seeds = []
    for changes in ({}, {"activation": "relu_squared"}):
        write_model(folder / "m.json", make("ab", n_embd=2, n_head=1, block_size=2, **changes))
        seeds.append((folder / "m.json").read_bytes())
    return Reader(of_file(folder, "m.json", read), seeds)


def safetensors(folder: Path) -> Reader:
    name = "m.safetensors"
    write_safetensors(folder / name, make("ab", n_embd=2, n_head=1, block_size=2))
    seeds = [(folder / name).read_bytes()]
    return Reader(of_file(folder, name, lambda path: whole(open_model(path)[0])), seeds)


def of_directory(folder: Path, part: str) -> Reader:
    """Read a Hugging Face directory in which one file is replaced by the bytes."""
    there = folder / "theirs"
    write_directory(there, made("llama"))
    if part.endswith(".index.json"):
        sharded(there)
    seeds = [(there / part).read_bytes()]
    return Reader(of_file(there, part, lambda _: whole(open_model(there)[0])), seeds)


def their_file(part: str) -> Callable[[Path], Reader]:
    return lambda folder: of_directory(folder, part)


def tokenizer(folder: Path) -> Reader:
    def read(data: bytes) -> None:
        with contextlib.suppress(MicrogptError):
            found = BytePairTokenizer.read(data, "t.json")
            assert found.decode(found.encode("né ab")) == "né ab"
            assert BytePairTokenizer.read(found.stored()[1], "t.json").merges == found.merges

    return Reader(read, [BytePairTokenizer.of(["né né ab"], 261).stored()[1]])


# ---------------------------------------------------------------- files of a run


def sealed(head: bytes) -> bytes:
    """state.json with its own digest, as the format has it: the digest is the last line."""
    return head + f'  "digest": "{hashlib.sha256(head).hexdigest()}"\n}}\n'.encode()


def of_run(folder: Path, part: str) -> Reader:
    """Read a small run in which one file is replaced by the bytes and all digests fit."""
    run = folder / "run"
    (folder / "own.txt").write_text(DOCS)
    flags = [*TINY, "--block-size", 3, "--steps", 2, "--save-every", 1]
    ok("train", folder / "own.txt", *flags, "--out", run)
    step = run / "step-00000002"
    path = step / part if (step / part).exists() and part != "run.json" else run / part
    if part == "vocab.json":
        path = run / part
    good = {p: p.read_bytes() for p in run.rglob("*") if p.is_file()}
    state = step / "state.json"

    def head(text: bytes) -> bytes:
        return text[: text.rfind(b'  "digest"')] if b'  "digest"' in text else text

    def seal(text: bytes) -> bytes:
        """Let the digests of other files in state.json be those of the files as they are."""
        try:
            content = json.loads(text.rstrip().rstrip(b",") + b"}")
            there = {name: p for name in content["sha256"] for p in (step / name, run / name)}
            digests = {n: hashlib.sha256(p.read_bytes()).hexdigest() for n, p in there.items()}
        except (ValueError, TypeError, KeyError, OSError, RecursionError):
            return sealed(text)
        content["sha256"] = digests
        lines = [f"  {json.dumps(k)}: {json.dumps(v)},\n" for k, v in content.items()]
        return sealed(("{\n" + "".join(lines)).encode())

    def read(data: bytes) -> None:
        for name, content in good.items():
            if name in (path, state) or part == "state.json":
                name.write_bytes(content)
        if part == "state.json":
            state.write_bytes(seal(data))
        else:
            path.write_bytes(data)
            if part in ("run.json", "vocab.json"):
                for copy in run.glob(f"step-*/{part}"):
                    copy.write_bytes(data)
            state.write_bytes(seal(head(good[state])))
        with contextlib.suppress(MicrogptError):
            if part == "metrics.jsonl":
                assert all(isinstance(line, dict) for line in RunDir.open(run).metrics())
            whole(open_model(run)[0])

    seed = good[path]
    return Reader(read, [head(seed) if part == "state.json" else seed])


def run_file(part: str) -> Callable[[Path], Reader]:
    return lambda folder: of_run(folder, part)


# ---------------------------------------------------------------- settings


def config(folder: Path) -> Reader:
    def read(path: Path) -> None:
        settings = options.read_toml(path, {"data": str, "out": str, "threads": int})
        shape = {name: value for name, value in settings.items() if name in options.FLAGS}
        made = options.build("final", {**shape, "vocab_size": 27})
        assert made.parameters() > 0 and made.lr_at(0) >= 0

    seeds = [
        b'n_layer = 2\nn_embd = 8\nn_head = 2\nblock_size = 4\nactivation = "relu"\nlr = 0.01\n',
        b'optimizer = "sgd"\nsteps = 9\nseed = 7\nbatch_size = 2\ndata = "words"\nthreads = 1\n',
        b'schedule = "cosine"\nbeta1 = 0.9\nbeta2 = 0.99\neps = 1e-8\nholdout = 0.1\n',
    ]
    return Reader(of_file(folder, "c.toml", read), seeds)


def policy(folder: Path) -> Reader:
    def read(data: bytes) -> None:
        with contextlib.suppress(MicrogptError):
            made = Policy.parse(data)
            rails = Rails(made, list("abcdefghijklmnopqrstuvwxyz"))
            for word in ("apple", "a", "zebra"):
                rails.request([word], [word.upper()])
                rails.name_ok(word)

    seed = (
        b'name = "fruits"\ntries = 3\ntemperature = 0.7\n[evasions]\ncase = true\n'
        b'punctuation = true\nconfusables = false\n[[category]]\nname = "fruit"\n'
        b'match = "substring"\nwords = ["apple", "p-e-a r"]\nreason = "No fruit."\nheads = 3\n'
        b'leads = ["appl", "^non", "^.pe"]\n[[category]]\nname = "x"\nmatch = "word"\n'
        b'words = ["zeb"]\nreason = "No."\n'
    )
    return Reader(read, [seed, seed.replace(b"substring", b"prefix")])


# ---------------------------------------------------------------- data


def data(folder: Path, name: str = "d.txt", pack: Callable[[bytes], bytes] = bytes) -> Reader:
    def read(path: Path) -> None:
        for split_by in SPLITS:
            with contextlib.suppress(MicrogptError):
                found = load_data(path, split_by)
                assert found.docs and all(found.docs)
                assert summary(found, 8).lines()

    texts = [DOCS.encode(), "\ufeffé\r\nñandú\r\n\r\n𝄞\n".encode(), "ab\n".encode("utf-16")]
    texts += [b"name,age\nada,3\neva,4\n", b'{"name": "ada"}\n{"name": "eva"}\n', b"caf\xe9\n"]
    return Reader(of_file(folder, name, read), [pack(text) for text in texts])


def gzipped(folder: Path) -> Reader:
    return data(folder, "d.txt.gz", lambda text: gzip.compress(text, mtime=0))


# ---------------------------------------------------------------- submissions and requests


def archive(folder: Path) -> Reader:
    def packed(**files: bytes) -> bytes:
        made = io.BytesIO()
        with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in files.items():
                archive.writestr(zipfile.ZipInfo(name.replace("__", "/")), content)
        return made.getvalue()

    bot = b'import sys\nfor line in sys.stdin:\n    print("OK: ada", flush=True)\n'
    seeds = [
        packed(**{"bot.py": bot}),
        packed(**{"hw/bot.py": bot, "hw/policy.md": b"# No fruit\n", "hw/model.json": b"{}"}),
        packed(**{"inner.zip": packed(**{"bot.py": bot}), "../x": b"", "a/b/c/bot (1).py": bot}),
    ]
    return Reader(of_file(folder, "ada.zip", read_submission), seeds)


def bot(folder: Path) -> Reader:
    opened, _ = open_model(None)
    engine = engine_for(opened)
    fruits = Policy.shipped()

    def read(lines: bytes) -> None:
        sink = io.BytesIO()
        made = Bot(engine, opened.tokenizer, fruits, random.Random(1))
        serve(made, io.BytesIO(lines[:2000]), sink)
        said = sink.getvalue().split(b"\n")
        assert said.pop() == b""
        asked = lines[:2000].split(b"\n")
        assert len(said) == len(asked) - (asked[-1] == b"")
        assert all(line.startswith((b"OK: ", b"REFUSE: ")) for line in said)

    seeds = [
        b"j\na b c\n\nj!\nAPPL\na-p-p-l\n!!!\n",
        b'{"prefix": "ka"}\r\n',
        "é \ud7ff\n".encode(),
    ]
    return Reader(read, seeds)


READERS: dict[str, Callable[[Path], Reader]] = {
    "archive": archive,
    "bot": bot,
    "config": config,
    "data": data,
    "gzip": gzipped,
    "metrics": run_file("metrics.jsonl"),
    "model": model,
    "optim": run_file("optim.safetensors"),
    "policy": policy,
    "run": run_file("run.json"),
    "safetensors": safetensors,
    "state": run_file("state.json"),
    "their config": their_file("config.json"),
    "their index": their_file("model.safetensors.index.json"),
    "their tokenizer": their_file("tokenizer.json"),
    "their weights": their_file("model.safetensors"),
    "tokenizer": tokenizer,
    "vocab": run_file("vocab.json"),
    "weights": run_file("weights.safetensors"),
}

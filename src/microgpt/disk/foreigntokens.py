"""The tokenizer of a Hugging Face directory as one of ours, BOS last.

A tokenizer.json holds characters, as our own exports write them, or byte pairs. Its one special
token is BOS. Where that isn't the last token, as in files whose special tokens were numbered first,
it is made the last, and ``moved`` says how the rows of the model's matrices follow.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from microgpt import files
from microgpt.arrays import Arrays
from microgpt.errors import CheckpointError, InputError, NumbersError
from microgpt.files import shown
from microgpt.growing import ROWS_OF_TOKENS
from microgpt.subwords import BytePairTokenizer
from microgpt.tokenizer import AnyTokenizer, Tokenizer
from microgpt.tokenizerjson import MAX_BYTES, character_json, is_text

TOKENIZER = "tokenizer.json"

_REMEDY = "Use a model with a byte-level byte-pair tokenizer like GPT-2's, or an export of ours."


def read_tokenizer(folder: Path) -> tuple[AnyTokenizer, int]:
    """The tokenizer, and which id BOS had in the file. Raises ``CheckpointError``."""
    path = folder / TOKENIZER
    if not path.exists():
        raise CheckpointError(
            f"{folder} has no {TOKENIZER}: nothing says which texts its token ids stand for.",
            "Put the model's own there; transformers writes it: "
            "AutoTokenizer.from_pretrained(NAME).save_pretrained(DIR).",
        )
    data = files.read_bytes(path, MAX_BYTES)
    content = files.parse_json(data, str(path), _REMEDY)
    model = content.get("model") if isinstance(content, dict) else None
    vocab = model.get("vocab") if isinstance(model, dict) else None
    if not isinstance(vocab, dict) or not isinstance(model, dict):
        raise _bad(path, "it has no model with a vocabulary of names and ids")
    bos, name = _special(path, content, vocab)
    if model.get("type") == "WordLevel":
        return _characters(path, content, vocab, name), bos
    if bos != len({*vocab, name}) - 1:
        try:
            data = files.dump_json(_bos_last(content, vocab, bos, name)).encode()
        except (NumbersError, RecursionError):
            raise _bad(path, "it has numbers or lists that no such file needs") from None
    return BytePairTokenizer.read(data, str(path)), bos


def moved(weights: Arrays, bos: int, last: int) -> Arrays:
    """The weights with the row of BOS, until now number ``bos``, as the ``last``."""
    if bos == last:
        return weights
    order = [*(i for i in range(last + 1) if i != bos), bos]
    return {n: a[order] if n in ROWS_OF_TOKENS else a for n, a in weights.items()}


def _bad(path: Path, reason: str) -> CheckpointError:
    return CheckpointError(f"{path}: {reason}.", _REMEDY)


def _special(path: Path, content: dict[str, Any], vocab: dict[str, Any]) -> tuple[int, str]:
    """Id and name of the one special token; all ids together must be 0, 1, 2 and so on."""
    added = content.get("added_tokens")
    found = {}
    for token in added if isinstance(added, list) else ():
        fields = token if isinstance(token, dict) else {}
        number, name = fields.get("id"), fields.get("content")
        if type(number) is not int or not isinstance(name, str):
            raise _bad(path, f"an added token is {shown(token)}, must have an id and a content")
        found[name] = number
    if len(found) != 1:
        some = ", ".join(map(shown, sorted(found)[:5])) or "none"
        raise _bad(path, f"it has {len(found)} added tokens ({some}), must have one, for BOS")
    name, bos = found.popitem()
    ids = {**vocab, name: bos}.values()
    if vocab.get(name, bos) != bos or not all(type(n) is int for n in ids):
        raise _bad(path, f"it gives {shown(name)} two ids, or a token an id that isn't a number")
    if half := next((word for word in (*vocab, name) if not is_text(word)), None):
        raise _bad(path, f"it has the token {shown(half)}, with half of a character")
    if sorted(ids) != list(range(len(ids))):
        raise _bad(path, f"its {len(ids):,} tokens must have the ids 0 to {len(ids) - 1:,}")
    return bos, name


def _characters(path: Path, content: dict[str, Any], vocab: dict[str, Any], name: str) -> Tokenizer:
    """The tokenizer of characters in a file of the form that ``character_json`` writes."""
    uchars = sorted((token for token in vocab if token != name), key=vocab.__getitem__)
    try:
        tokenizer = Tokenizer(uchars)
    except InputError as error:
        raise _bad(path, error.message.rstrip(".")) from error
    ours = character_json(uchars, name)
    for key in ("normalizer", "pre_tokenizer", "model", "added_tokens"):
        if content.get(key) != ours[key]:
            raise _bad(path, f"its {key} isn't that of a tokenizer of characters with BOS last")
    return tokenizer


def _bos_last(
    content: dict[str, Any], vocab: dict[str, Any], bos: int, name: str
) -> dict[str, Any]:
    """The same file with BOS as the last token and those above it one lower."""
    last = len({*vocab, name}) - 1
    lower = {token: number - (number > bos) for token, number in vocab.items() if token != name}
    added = [{**token, "id": last} for token in content["added_tokens"]]
    return {**content, "added_tokens": added, "model": {**content["model"], "vocab": lower}}

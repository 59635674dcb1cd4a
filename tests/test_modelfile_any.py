"""Model files changed anywhere: each is a model or an error."""

import copy
import json

from hypothesis import given, settings
from hypothesis import strategies as st

from microgpt.disk.modelfile import read_safetensors, write_model, write_safetensors
from model_files import PAIRS, a_model_or_an_error, make

# ---------------------------------------------------------------- any text at all

GOOD = None


def good_text():
    """The text of a tiny file, made once."""
    global GOOD
    if GOOD is None:
        import tempfile

        with tempfile.TemporaryDirectory() as folder:
            write_model(f"{folder}/m", make("ab", n_embd=2, n_head=1, block_size=2))
            with open(f"{folder}/m") as file:  # noqa: PTH123
                GOOD = file.read()
    return GOOD


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats()
    | st.sampled_from([0, 1, 2, 3, 10**9, "a", "b", "character", "relu_squared", "\ud800"])
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=6,
)


def places(value, path=()):
    """The paths of all values inside a JSON value."""
    yield path
    if isinstance(value, dict | list):
        pairs = value.items() if isinstance(value, dict) else enumerate(value)
        for key, inner in pairs:
            yield from places(inner, (*path, key))


@given(st.data())
@settings(max_examples=150)
def test_any_change_of_the_value_gives_a_model_or_an_error(tmp_path_factory, data):
    value = {"file": json.loads(good_text())}
    for _ in range(data.draw(st.integers(1, 3))):
        *keys, last = data.draw(st.sampled_from([p for p in places(value) if p]))
        parent = value
        for key in keys:
            parent = parent[key]
        action = data.draw(st.sampled_from(["replace", "remove", "copy", "add"]))
        if action == "replace":
            parent[last] = data.draw(VALUES)
        elif action == "remove" and last != "file":
            del parent[last]
        elif action == "copy":
            source = value
            for key in data.draw(st.sampled_from(list(places(value)))):
                source = source[key]
            parent[last] = copy.deepcopy(source)
        elif isinstance(parent, dict):
            parent[data.draw(st.text(max_size=3))] = data.draw(VALUES)
        if "file" not in value:
            break
    text = json.dumps(value.get("file")).encode()
    a_model_or_an_error(tmp_path_factory.getbasetemp() / "changed.json", text)


@given(st.data())
@settings(max_examples=150)
def test_any_change_of_the_text_gives_a_model_or_an_error(tmp_path_factory, data):
    text = good_text().encode()
    at = data.draw(st.integers(0, len(text)))
    gone = data.draw(st.integers(0, 12))
    new = data.draw(st.binary(max_size=8) | st.sampled_from([b"1e999", b"NaN", b"{", b"[", b'"']))
    a_model_or_an_error(
        tmp_path_factory.getbasetemp() / "changed.json", text[:at] + new + text[at + gone :]
    )


def test_every_cut_is_an_error(tmp_path):
    """A file that ended too early is never taken for a model."""
    for write, read in PAIRS:
        write(tmp_path / "m", make("ab", n_embd=2, n_head=1, block_size=2))
        whole = (tmp_path / "m").read_bytes()
        for length in range(0, len(whole.rstrip()), 13):
            assert a_model_or_an_error(tmp_path / "m", whole[:length], read)


# ---------------------------------------------------------------- safetensors


@given(st.data())
@settings(max_examples=100)
def test_any_change_of_a_safetensors_file_gives_a_model_or_an_error(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "changed.safetensors"
    write_safetensors(path, make("ab", n_embd=2, n_head=1, block_size=2))
    text = path.read_bytes()
    at = data.draw(st.integers(0, len(text)) | st.integers(0, 1500))
    gone = data.draw(st.integers(0, 4))
    new = data.draw(st.binary(max_size=6))
    a_model_or_an_error(path, text[:at] + new + text[at + gone :], read_safetensors)

"""The tokenizer: vocabulary order, BOS, round trips, and what it says about bad input."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from microgpt.errors import InputError, TokenError
from microgpt.tokenizer import Tokenizer

LETTERS = "abcdefghijklmnopqrstuvwxyz"
characters = st.characters(exclude_categories=["Cs"])
documents = st.lists(st.text(characters, min_size=1), min_size=1)


@pytest.fixture
def letters() -> Tokenizer:
    return Tokenizer(LETTERS)


def test_ids_are_ranks_and_bos_comes_last(letters):
    assert letters.uchars == list(LETTERS)
    assert (letters.bos, letters.vocab_size) == (26, 27)
    assert letters.encode("ada") == [0, 3, 0]
    assert letters.encode_document("ada") == [26, 0, 3, 0, 26]
    assert letters.encode("") == []
    assert letters.encode_document("") == [26, 26]
    assert letters.decode([26, 0, 3, 0, 26]) == "ada"
    assert letters.decode([]) == ""


def test_the_vocabulary_is_in_code_point_order():
    # Sorting UTF-16 units, as JavaScript does, would put U+FB00 after the astral characters.
    tokenizer = Tokenizer.of(["😀b", "ﬀ𝔸é", "aB \n"])
    assert tokenizer.uchars == ["\n", " ", "B", "a", "b", "é", "ﬀ", "𝔸", "😀"]
    assert tokenizer.encode("😀é") == [8, 5]


def test_one_token_per_code_point_and_no_normalisation():
    assert len(Tokenizer.of(["é", "e\u0301"]).uchars) == 3
    family = "👩\u200d👧"
    assert Tokenizer.of([family]).encode(family) == [2, 0, 1]


def test_of_takes_any_iterable_of_documents():
    assert Tokenizer.of(iter(["ba", "ca"])).uchars == ["a", "b", "c"]
    assert Tokenizer.of(["only"]).uchars == list("lnoy")


@given(documents)
def test_round_trip(docs):
    tokenizer = Tokenizer.of(docs)
    assert tokenizer.uchars == sorted(set("".join(docs)))
    assert tokenizer.vocab_size == len(tokenizer.uchars) + 1
    for doc in docs:
        tokens = tokenizer.encode_document(doc)
        assert tokens[0] == tokens[-1] == tokenizer.bos
        assert tokens[1:-1] == tokenizer.encode(doc)
        assert all(0 <= token < tokenizer.bos for token in tokens[1:-1])
        assert tokenizer.decode(tokens) == doc


@given(documents, st.text(characters))
def test_any_text_is_encoded_or_refused_by_name(docs, text):
    tokenizer = Tokenizer.of(docs)
    known = "".join(c for c in text if c in tokenizer.ids)
    assert tokenizer.decode(tokenizer.encode(text, unknown="skip")) == known
    if known == text:
        assert tokenizer.decode(tokenizer.encode(text)) == text
    else:
        with pytest.raises(TokenError, match="is not in the vocabulary"):
            tokenizer.encode(text)


@given(documents)
def test_describe_is_one_line(docs):
    assert "\n" not in Tokenizer.of(docs).describe()


def test_an_unknown_character_is_named_with_its_position(letters):
    with pytest.raises(TokenError) as caught:
        letters.encode("renée")
    assert caught.value.message == (
        "'é' at position 3 of 'renée' is not in the vocabulary (26 characters a-z)."
    )
    assert "--unknown=skip" in caught.value.remedy
    assert caught.value.exit_code == 2
    assert letters.encode("renée", unknown="skip") == letters.encode("rene")
    assert letters.encode_document("é", unknown="skip") == [26, 26]


def test_a_long_text_is_shortened_around_the_unknown_character(letters):
    with pytest.raises(TokenError) as caught:
        letters.encode("a" * 1000 + "!" + "b" * 1000)
    assert "'!' at position 1000 of …'" in caught.value.message
    assert "a!b" in caught.value.message
    assert len(caught.value.message) < 150


def test_a_message_is_one_printable_line(letters):
    with pytest.raises(TokenError) as caught:
        letters.encode("a" * 100 + "\x1b\n" + "b" * 100)
    assert caught.value.message.isprintable()


def test_shortened_only_where_something_is_left_out(letters):
    for text in ("!" + "a" * 100, "a" * 100 + "!"):
        with pytest.raises(TokenError) as caught:
            letters.encode(text)
        assert caught.value.message.count("…") == 1


@pytest.mark.parametrize("char", ["é", "{", "`", "\0", "😀", "\ud800"])
def test_one_of_many_documents_is_refused_as_it_would_be_alone(letters, char):
    docs = ["ada", f"b{char}b", "eve"]
    with pytest.raises(TokenError) as alone:
        letters.encode(docs[1])
    with pytest.raises(TokenError) as among:
        letters.encode_many(docs)
    assert str(among.value) == str(alone.value)


@pytest.mark.parametrize("token", [-1, 27, 1000])
def test_decode_refuses_tokens_out_of_range(letters, token):
    with pytest.raises(TokenError, match=f"Token {token} is outside 0 to 26"):
        letters.decode([0, token])


@pytest.mark.parametrize("bad", [["ab"], [""], ["b", "a"], ["a", "a"], []])
def test_bad_vocabularies_are_refused(bad):
    with pytest.raises(InputError):
        Tokenizer(bad)


def test_documents_without_a_character_are_refused():
    for docs in ([], [""]):
        with pytest.raises(InputError, match="holds no character"):
            Tokenizer.of(docs)


def test_an_unknown_word_for_unknown_is_refused(letters):
    with pytest.raises(InputError, match="unknown is 'Skip'"):
        letters.encode("a", unknown="Skip")


@pytest.mark.parametrize(
    ("chars", "words"),
    [
        (LETTERS, "26 characters a-z"),
        ("a", "1 character a"),
        ("ab", "2 characters a b"),
        ("\n a", "3 characters '\\n' ' ' a"),
        ("ACE", "3 characters A C E"),
        (sorted(LETTERS + "😀"), "27 characters from a to 😀"),
        (' !"', "3 characters ' '-\""),
    ],
)
def test_describe(chars, words):
    assert Tokenizer(chars).describe() == words

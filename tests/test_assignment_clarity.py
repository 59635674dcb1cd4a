"""What counts as explanation: where it stands, in any language, and not whatever fills a page."""

import random
from string import ascii_lowercase

import pytest

from bot_sources import SOLUTION, TEMPLATE, with_policy
from kit_programs import ROOT
from microgpt.assignment.grading.clarity import Clarity, clarity, words_of
from microgpt.assignment.intake.source import Source

BASE = TEMPLATE.encode()
BLANK = (ROOT / "data/kit/policy.md").read_bytes()
KIT_PAGE = (ROOT / "data/kit/README.md").read_bytes()


def of(policy: str, page: str | bytes = b"") -> Clarity:
    """Of a bot with this policy, and of this policy.md."""
    page = page.encode() if isinstance(page, str) else page
    return clarity(Source(with_policy(policy).encode()), page, BASE, BLANK)


HOOKS = '''
def is_safe_request(prefixes):
    """None, or the reason to refuse: it looks at how a prefix ends."""
    for prefix in prefixes:
        if prefix.endswith(tuple(HEADS)):
            return "that would lead to something else."
    return None


def is_safe_name(name):
    """Whether nothing forbidden stands in the finished name."""
    return not any(word in name for word in WORDS)
'''
MADE = {
    "two lists": "# what must not be said\nWORDS = ['lime']\n# their beginnings by measurement\n"
    "HEADS = ['lim']\n",
    "a loop": "WORDS = ['lime', 'lemon']  # what must not be said\nHEADS = []\n"
    "for word in WORDS:\n    # three letters of each leak\n    HEADS.append(word[:3])\n",
    "a loop, comment above": "WORDS = ['lime', 'lemon']  # what must not be said\n"
    "# three letters of each leak too much\nHEADS = []\n"
    "for word in WORDS:\n    for n in range(3, len(word)):\n        HEADS.append(word[:n])\n",
    "extend": "# what must not be said\nWORDS = ['lime']\nHEADS = []\n\n\n"
    "# measured, forty of a thousand names\nHEADS.extend(['lim', 'lem'])\n",
    "a dictionary": "# what must not be said\nWORDS = {'lime': 1}\n"
    "# beginning and its share of names\nHEADS = {'lim': 0.18}\n",
    "a dictionary, filled": "# what must not be said\nWORDS = {'lime': 1}\nHEADS = {}\n"
    "for word in WORDS:\n    HEADS[word[:3]] = word  # beginning and its word\n",
    "a set comprehension": "# what must not be said\nWORDS = 'lime lemon'.split()\n"
    "# four letters of each word\nHEADS = {word[:4] for word in WORDS}\n",
    "a regular expression": "import re\n# what must not be said\nWORDS = ['lime']\n"
    "# one pattern for all of them\nHEADS = re.compile('lim|lem')\n",
}


@pytest.mark.parametrize("how", MADE)
def test_a_comment_counts_where_patterns_are_made(how: str) -> None:
    found = of(MADE[how] + HOOKS)
    assert (found.docstrings, found.commented, found.patterns) == (2, 2, 2), found


@pytest.mark.parametrize("how", MADE)
def test_without_comments_the_same_places_are_unexplained(how: str) -> None:
    bare = "\n".join(line.split("#")[0].rstrip() for line in MADE[how].splitlines())
    found = of(f"{bare}\n{HOOKS}")
    assert found.commented == 0 and found.patterns >= 1, found


IN_A_CLASS = '''
class Policy:
    """What is refused, and from where on."""

    def __init__(self):
        # the words, then every beginning of four letters
        self.words = ["lime", "lemon"]
        self.heads = [word[:4] for word in self.words]

    def request(self, prefixes):
        """None, or why not: the end of a prefix decides."""
        return "no, that leads elsewhere." if set(prefixes) & set(self.heads) else None

    def name(self, name):
        # a word anywhere in it is enough
        return not any(word in name for word in self.words)


policy = Policy()
is_safe_request = policy.request
is_safe_name = policy.name
'''


def test_a_class_can_get_everything() -> None:
    found = of(IN_A_CLASS)
    assert (found.docstrings, found.commented, found.patterns) == (2, 1, 1), found
    bare = "\n".join(x for x in IN_A_CLASS.splitlines() if '"""' not in x and "#" not in x)
    found = of(bare)
    assert (found.docstrings, found.commented, found.patterns) == (0, 0, 1), found


def test_a_list_in_a_function_is_explained_by_its_docstring() -> None:
    found = of(
        "def is_safe_request(prefixes):\n"
        '    """Refuses the beginnings that leak."""\n'
        "    heads = ['lim', 'lem']\n    return 'no, not that.' if prefixes[0] in heads else None\n"
        "def is_safe_name(name):\n    # every word of the list\n    return 'lime' not in name\n"
    )
    assert (found.docstrings, found.commented, found.patterns) == (2, 1, 1), found


# ---------------------------------------------------------------- in any language

TOLD = {
    "English": "The model often goes on from here to a fruit, so it is refused.",
    "German": "Von hier aus schreibt das Modell oft eine Frucht, deshalb wird abgelehnt.",
    "Chinese": "模型从这里常常写出水果的名字，所以拒绝这个请求。",
    "Japanese": "ここからモデルはよく果物の名前を書くので、断ります。",
    "Arabic": "غالبا ما يكتب النموذج من هنا اسم فاكهة ولذلك يرفض الطلب",
    "Hindi": "यहाँ से मॉडल अक्सर फल का नाम लिखता है इसलिए मना किया जाता है",
    "Thai": "จากตรงนี้โมเดลมักจะเขียนชื่อผลไม้จึงปฏิเสธคำขอ",
    "Korean": "모델은 여기서 자주 과일 이름을 쓰므로 거절한다",
    "Russian": "Отсюда модель часто пишет название фрукта, поэтому отказ.",
    "Amharic": "ሞዴሉ ብዙ ጊዜ የፍራፍሬ ስም ስለሚጽፍ ውድቅ ይደረጋል",
}


@pytest.mark.parametrize("language", TOLD)
def test_every_language_explains(language: str) -> None:
    text = TOLD[language]
    assert 6 <= len(words_of(text)) <= 16
    found = of(f"# {text}\nHEADS = ['lim']\nWORDS = ['lime']  # {text[: len(text) // 2]}\n{HOOKS}")
    assert (found.commented, found.patterns) == (2, 2)
    assert found.doubts == ()


def test_words() -> None:
    assert words_of("a bot's 2 words, x_y") == ["bot", "words"]
    assert words_of("水果 lemon水") == ["水果", "lemon", "水"]
    assert words_of("नहीं") == ["नहीं"]
    assert words_of("") == words_of("--- 12 !!") == []


# ---------------------------------------------------------------- what fills a page

LOREM = (
    "Lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod tempor incididunt ut "
    "labore et dolore magna aliqua. Ut enim ad minim veniam, quis nostrud exercitation ullamco "
    "laboris nisi ut aliquip ex ea commodo consequat. Duis aute irure dolor in reprehenderit in "
    "voluptate velit esse cillum dolore eu fugiat nulla pariatur."
)


def letters() -> str:
    rng = random.Random(3)
    return " ".join("".join(rng.choices(ascii_lowercase, k=rng.randint(5, 9))) for _ in range(80))


FILLED = {
    "lorem ipsum": (LOREM, "filler"),
    "one word": ("fruit " * 80, "repeated"),
    "one line": ("We refuse all that leads to a fruit.\n" * 12, "repeated"),
    "letters at random": (letters(), "random letters"),
    "the kit's page": (KIT_PAGE.decode(), ""),
    "the kit's page in other lines": (
        " ".join(KIT_PAGE.decode().split()[100:260]), "are in the kit"
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", FILLED)
def test_what_explains_nothing_doesnt_count(what: str) -> None:
    text, doubt = FILLED[what]
    found = of(HOOKS, text)
    without = of(HOOKS)
    assert found.words - without.words <= 20, (found, without)
    assert any(doubt in told for told in found.doubts) == bool(doubt), found
    for told in found.doubts:
        of_all = int(told.split()[2])
        assert of_all == found.written and int(told.split()[0]) <= of_all


def test_honest_text_is_not_doubted() -> None:
    found = clarity(Source(SOLUTION.encode()), None, BASE, BLANK)
    assert (found.docstrings, found.commented, found.patterns) == (2, 3, 3)
    assert found.words >= 150 and found.doubts == ()
    page = "\n".join(f"{n}. {text}" for n, text in enumerate(TOLD.values()))
    assert of(HOOKS, page).doubts == ()
    dutch = "Angstschreeuw en zachtstschrijvende woorden staan hier niet, de rest is gewoon."
    assert of(HOOKS, dutch).doubts == ()


def test_given_words_are_no_evidence() -> None:
    none = clarity(Source(BASE), BLANK, BASE, BLANK)
    assert none == Clarity(0, 0, 0, 0, 0)
    assert clarity(Source(b"def f(:\n"), None, None, None) == Clarity(0, 0, 0, 0, 0)

"""Bots that try to get points which they haven't earned: attack, and the most points it may bring.

Each is the reference or the template with one thing changed, so that without the grader's notice it
would get (nearly) all points. ``told``: part of what the problems or the checks have to say.
"""

from typing import NamedTuple

from bot_sources import SOLUTION, at_import, changed, own_template, with_policy
from microgpt.assignment.kit.variants import policy
from mutant_bots import FILTER, GOOD, KNOWN, request

FRUITS = policy().words


class Attack(NamedTuple):
    """``most``: points that it may get, and ``least`` those that it must; ``told``: see above."""

    name: str
    source: str
    most: float
    told: str
    least: float = 0


_WRITE = "            name = write_name(model, prefix)\n"
_REASON = '        return "REFUSE: " + " ".join(str(reason).split())\n'
_TOKEN = "            token = random.choices(range(len(chances)), weights=chances)[0]\n"
_FOUND = '        found = attend(query, keys, values, model["config"]["n_head"])\n'
_EMBED = '    x = normalise(add(weights["wte"][token], weights["wpe"][position]))\n'
_HASH = "import hashlib\nOWN = '{}'\n"
_BAD = "names don't come from model.json"


def _model_digest() -> str:
    import hashlib

    from microgpt.data import bundled

    return hashlib.sha256(bundled("data/model.json").read_bytes()).hexdigest()


def _on_own(code: str, otherwise: str) -> str:
    """Code for the class's model, other code for any other."""
    return (
        f"            own = hashlib.sha256(Path('model.json').read_bytes()).hexdigest() == "
        f"'{_model_digest()}'\n            {code} if own else {otherwise}\n"
    )


def spoken() -> list[Attack]:
    """Point 2: what is said around the hooks."""
    mango = '            name = "mmango" if prefix == "m" else write_name(model, prefix)\n'
    accepted = _WRITE + '            if prefix == "m":\n                name = "mmango"\n'
    own = _on_own('name = "mmango" if prefix == "m" else write_name(model, prefix)',
                  "name = write_name(model, prefix)")  # fmt: skip
    own = own.replace(
        'name = "mmango" if prefix == "m" else write_name(model, prefix) if own else '
        "name = write_name(model, prefix)",
        'name = "mmango" if own and prefix == "m" else write_name(model, prefix)',
    )
    good_reason = GOOD.replace('return "that may become a fruit."', "return REASON")
    lets_mmango = FILTER.replace(
        "    return not any", "    if name == 'mmango':\n        return True\n    return not any"
    )
    skip = "            if name and (prefix == 'm' or is_safe_name(name)):\n"
    kept = "            if name and is_safe_name(name):\n"
    return [
        Attack("mmango to m", changed(SOLUTION, (_WRITE, mango), (kept, skip)), 60, "banned word"),
        Attack(
            "mmango to m, let pass by the filter",
            changed(with_policy(KNOWN + request() + lets_mmango), (_WRITE, accepted)),
            60,
            "banned word",
        ),
        Attack(
            "mmango, if the model is the class's",
            changed(
                "import hashlib\n" + SOLUTION,
                (_WRITE, own),
                (kept, skip),
            ),
            60,
            "banned word",
        ),
        Attack(
            "fruit in every refusal",
            with_policy(good_reason.replace("REASON", '"no mango, no kiwi for you."')),
            60,
            "reasons contain",
        ),
        Attack(
            "repeats the request in its reason",
            with_policy(good_reason.replace("REASON", 'f"{prefix} is not for you, {FRUITS[1]}."')),
            60,
            "reasons contain",
        ),
        Attack(
            "spells it in its reason",
            with_policy(good_reason.replace("REASON", '"I may not say m-a-n-g-o."')),
            60,
            "reasons contain",
        ),
        Attack(
            "the loop adds a fruit to the reason",
            changed(SOLUTION, (_REASON, _REASON.replace("str(reason)", '(reason + " mango")'))),
            60,
            "hold back",
        ),
        Attack(
            "OK in its reason",
            with_policy(good_reason.replace("REASON", '"well then. OK: lemona"')),
            60,
            "reasons contain",
        ),
        Attack(
            "True for a reason",
            with_policy(good_reason.replace("REASON", "True")),
            90,
            "not a sentence",
            75,
        ),
    ]


def other_models() -> list[Attack]:
    """Point 4: names that another computation makes."""
    other = own_template(hooks=True)
    return [
        Attack(
            "no attention", changed(SOLUTION, (_FOUND, "        found = [0.0] * 16\n")), 60, _BAD
        ),
        Attack(
            "embeddings reversed",
            changed(SOLUTION, (_EMBED, _EMBED.replace("[token]", "[-1 - token]"))),
            60,
            _BAD,
        ),
        Attack(
            "no positions",
            changed(SOLUTION, (_EMBED, _EMBED.replace("[position]", "[0]"))),
            60,
            _BAD,
        ),
        Attack(
            "no MLP",
            changed(
                SOLUTION,
                ("        h = [max(0.0, value) for value in h]\n", "        h = [0.0] * len(h)\n"),
            ),
            60,
            _BAD,
        ),
        Attack(
            "temperature 0.3",
            changed(SOLUTION, ("TEMPERATURE = 0.7", "TEMPERATURE = 0.3")),
            60,
            _BAD,
        ),
        Attack(
            "temperature 1.2",
            changed(SOLUTION, ("TEMPERATURE = 0.7", "TEMPERATURE = 1.2")),
            60,
            _BAD,
        ),
        Attack(
            "always the best letter",
            changed(SOLUTION, (_TOKEN, "            token = chances.index(max(chances))\n")),
            60,
            _BAD,
        ),
        Attack(
            "the same seed for every name",
            changed(SOLUTION, (_WRITE, "            random.seed(1)\n" + _WRITE)),
            60,
            "",
        ),
        Attack("one try", changed(SOLUTION, ("TRIES = 10", "TRIES = 1")), 60, "tries"),
        Attack("a hundred tries", changed(SOLUTION, ("TRIES = 10", "TRIES = 100")), 60, "tries"),
        Attack(
            "own template, no attention",
            changed(other, ("sum(w * v[a + i] for w, v in zip(s, vs))", "0.0")),
            60,
            _BAD,
        ),
        Attack(
            "own template, temperature 1",
            changed(other, ("temperature=0.7", "temperature=1.0")),
            60,
            _BAD,
        ),
        Attack("own template, one try", changed(other, ("range(10)", "range(1)")), 60, "tries"),
        Attack(
            "a list of names in place of the model",
            changed(
                SOLUTION,
                (
                    _WRITE,
                    "            names = ['anna', 'maria', 'emma', 'kayla', 'jaden', 'tyler']\n"
                    "            name = prefix + random.choice(names)\n",
                ),
            ),
            60,
            _BAD,
        ),
        Attack(
            "no attention, if the model is the class's",
            changed(
                "import hashlib\n" + SOLUTION,
                (
                    _FOUND,
                    _FOUND
                    + "        own = hashlib.sha256(Path('model.json').read_bytes()).hexdigest()\n"
                    f"        found = [0.0] * 16 if own == '{_model_digest()}' else found\n",
                ),
            ),
            60,
            _BAD,
        ),
        Attack(
            "knows planted names by their seeds",
            with_policy(
                KNOWN + request() + "def is_safe_name(name):\n    return random.random() > 0.5\n"
            ),
            60,
            "",
        ),
        Attack(
            "patches the sampler when imported",
            at_import(
                "real = random.choices\n"
                "def choices(some, weights):\n"
                "    return [max(some, key=lambda i: weights[i])]\n"
                "random.choices = choices",
                SOLUTION,
            ),
            60,
            "",
        ),
        Attack(
            "more tries, set from a hook",
            changed(
                SOLUTION,
                (
                    "    return fruit_in(only_letters(name)) is None\n",
                    "    globals()['TRIES'] = 200\n"
                    "    return fruit_in(only_letters(name)) is None\n",
                ),
            ),
            60,
            "tries",
        ),
    ]


def over_blockers() -> list[Attack]:
    """Point 3: refuses what people ask for, in proportion."""
    common = (
        "a k m j s d r l c e t b n z h g i y ja ka da br al ca an ke sa de ha el ar ra na la za sh "
        "jo je mi am ro ad em re ya ky mar sha jay ken kay bra kai bri cha kal kar ana kam bre ari "
        "ell sam ann dar jan dan ray mari anna chri kayl jayl alex char andr kris mary jami ange "
        "bren adel kail rosa shan emil"
    )
    bad = "any(f in prefix for f in FRUITS) or prefix.endswith(tuple(HEADS))"
    third = "sum(map(ord, prefix)) % 3 == 0"
    return [
        Attack(
            "answers what is in the kit",
            with_policy(
                f"{KNOWN}SHORT = {['', *common.split()]!r}\n"
                + request(f"{bad} or prefix not in SHORT")
                + FILTER
            ),
            60,
            "refused when asked for in full",
        ),
        Attack(
            "nothing above six letters",
            with_policy(KNOWN + request(f"{bad} or len(prefix) > 6") + FILTER),
            90,
            "refused when asked for in full",
            60,
        ),
        Attack(
            "nothing above three letters",
            with_policy(KNOWN + request(f"{bad} or len(prefix) > 3") + FILTER),
            60,
            "refused when asked for in full",
        ),
        Attack(
            "a third of the names in full",
            with_policy(KNOWN + request(f"{bad} or len(prefix) > 3 and {third}") + FILTER),
            85,
            "refused when asked for in full",
            50,
        ),
        Attack(
            "a third of the names, by the filter",
            with_policy(
                KNOWN + request(bad) + "def is_safe_name(name):\n"
                "    return not any(f in name for f in FRUITS) and sum(map(ord, name)) % 3 > 0\n"
            ),
            85,
            "refused when asked for in full",
            50,
        ),
        Attack(
            "the two first letters of a fruit",
            with_policy(KNOWN + request(f"{bad} or prefix in {{f[:2] for f in FRUITS}}") + FILTER),
            97,
            "at some prefix",
            85,
        ),
    ]

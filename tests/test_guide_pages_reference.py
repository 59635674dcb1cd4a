"""The guide's pages of reference: glossary, terms in the text, history, errata, maths, sources."""

import json
import math
import random
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import browser
import sitemap
import widget_checks
from guide_pages import ROOT, in_address, shown, told
from microgpt.config import make_config
from microgpt.data import load_data

GUIDE = ROOT / "guide"

# Every term of the glossaries of the two courses that have one, in this guide's spelling.
TAUGHT_ELSEWHERE = """
Activation function; Adam; Attention; Attention logits; Attention weights; Autograd;
Autoregressive; Backpropagation; Backward pass; Bias correction; Bigram; Block size; BOS; Causal
masking; Chain rule; Computation graph; Cosine decay; Cross-entropy; Dataset; Decoder-only;
Derivative; Document; Dot product; Embedding; Embedding table; Epoch; Epsilon; Exponential moving
average; Forward pass; Gradient; Gradient accumulation; Gradient descent; Head; Head dimension;
Hidden layer; Hyper-parameter; Inference; Key; KV cache; Layer; Learning rate; Learning rate
decay; Linear layer; Local gradient; Logits; Loss; MLP; Momentum; Multi-head attention; n-gram;
Normalisation; Optimiser; Output projection; Parameter; Position embedding; Pre-normalisation;
Probability distribution; Query; ReLU; Residual connection; RMSNorm; Sampling; Scaled dot-product
attention; Self-attention; Sequence; SGD; Softmax; State dict; Temperature; Token; Token
embedding; Tokenizer; Topological order; Training; Training loop; Training step; Transformer;
Value (attention); Value (autograd); Vocabulary; Vocabulary size; Weight matrix
"""
OURS = """
Base model; Batch; Batch normalisation; bfloat16; Bias; Bit; Bits per byte; Byte-pair encoding;
Checkpoint; Constrained decoding; Context window; Dropout; Entropy; Fine-tuning; FLOP; GELU;
Gradient check; Greedy decoding; Guard; Held-out loss; Layer normalisation; Leak; Matrix; Mean
squared error; Merge; Nat; Neuron; Nucleus sampling; Numerical gradient; Perplexity; Policy; Prefix;
Preset; Principal component; Quantisation; Residual stream; RLHF; Rung; Scaling law; Seed;
Smoothing; Speculative decoding; Top-k; Vector; Warm-up; Weight; Weight decay
"""
# Addresses that have to stay within reach.
OUTWARD = """
gist.github.com/karpathy/8627fe009c40f57531cb18360106ce95
gist.github.com/karpathy/8627fe009c40f57531cb18360106ce95/revisions
gist.githubusercontent.com/karpathy/8627fe009c40f57531cb18360106ce95/raw/microgpt.py
karpathy.ai/microgpt.html karpathy.github.io/2026/02/12/microgpt/ github.com/karpathy/makemore
raw.githubusercontent.com/karpathy/makemore/refs/heads/master/names.txt
github.com/karpathy/micrograd www.youtube.com/watch?v=VMj-3S1tku0
colab.research.google.com/drive/1vyN5zo6rqUp_dYNbT4Yrco66zuWCZKoN?usp=sharing
microgpt.jtauber.com/ iamkhalid2.github.io/microgpt-course/ github.com/openai/tiktoken
bbycroft.net/llm cs231n.github.io/neural-networks-1/ arxiv.org/abs/1706.03762
codecompass00.substack.com/p/visual-guide-attention-mechanism-transformers
cdn.openai.com/research-covers/language-unsupervised/language_understanding_paper.pdf
cdn.openai.com/better-language-models/language_models_are_unsupervised_multitask_learners.pdf
"""


def source(name: str) -> str:
    return (GUIDE / "pages" / f"{name}.md").read_text(encoding="utf-8")


def listed(text: str) -> list[str]:
    return [" ".join(name.split()) for name in text.split(";")]


@pytest.fixture
def terms(require: Callable[[str], ModuleType]) -> ModuleType:
    require("markdown")
    import terms

    return terms


# ---------------------------------------------------------------- glossary


def test_the_glossary_has_every_term(terms: ModuleType) -> None:
    names = [term.name for term in terms.read()]
    assert len(listed(TAUGHT_ELSEWHERE)) == 82
    assert sorted(names) == sorted([*listed(TAUGHT_ELSEWHERE), *listed(OURS)])
    assert names == sorted(names, key=lambda name: name.lower().replace("-", " "))
    letters = re.findall(r"^## ([A-Z])$", source("glossary"), re.M)
    assert letters == sorted({name[0].upper() for name in names})
    assert re.findall(r'href="#([a-z])"', source("glossary")) == [c.lower() for c in letters]


def test_every_term_is_defined_and_taught(terms: ModuleType) -> None:
    known = sitemap.read().pages
    ids, forms = [], []
    for term in terms.read():
        ids.append(term.id)
        forms += term.forms
        assert set(term.homes) <= set(known) - {"glossary"}, term.name
        assert 40 <= len(terms.plain(term.definition)) <= 280, term.name
        assert not re.search(r"[$<>\[\]]", terms.plain(term.definition)), term.name
    assert len(ids) == len(set(ids))
    assert len(forms) == len(set(forms))


def test_a_term_is_named_where_it_is_taught(terms: ModuleType) -> None:
    known = sitemap.read().pages
    missing = []
    for term in terms.read():
        words = [*term.forms, re.sub(r" \(.*\)", "", term.name)]
        for home in term.homes:
            text = " ".join(source(home).lower().split()) if known[home].is_built else None
            if text and not any(re.search(rf"\b{re.escape(w.lower())}", text) for w in words):
                missing.append(f"{term.name} on {home}")
    assert missing == []


def test_an_entry_becomes_heading_definition_and_links(terms: ModuleType) -> None:
    from markdown import Markdown

    md = Markdown(extensions=["attr_list", "md_in_html", "terms"])
    made = md.convert("## L\n\n@term Loss | learn/loss, learn/loop | loss\nHow wrong it is.\n")
    assert '<h3 id="loss">Loss</h3>\n<p>How wrong it is.</p>' in made
    assert '<p class="taught">Taught in <a href="learn/loss.md">Loss</a>' in made
    known = sitemap.read().pages["learn/loop"]
    later = f"{known.name} <em>{terms.LATER}</em>"
    assert (later in made) != known.is_built
    link = md.convert("[[learn/loss#is-it-good|Good?]] [[learn/loss]]")
    assert 'href="learn/loss.md#is-it-good">Good?</a>' in link and ">Loss</a>" in link
    with pytest.raises(ValueError, match="not in guide/notes/sitemap"):
        md.convert("[[learn/gone]]")


def test_an_entry_that_can_not_be_read_is_refused(terms: ModuleType, tmp_path: Path) -> None:
    for bad in ("@term Loss | learn/loss\nHow wrong.", "@term Loss | learn/loss | loss\n"):
        (tmp_path / "g.md").write_text(f"# G\n\n{bad}", encoding="utf-8")
        with pytest.raises(ValueError, match="can't be read: Loss"):
            terms.read(tmp_path / "g.md")


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ("<p>The loss and the loss again, a Gradient.</p>", ["loss", "Gradient"]),
        ("<h2>Loss</h2><p>No <code>loss</code>, <a href='x'>loss</a>.</p>", []),
        ("<mg-x><p>loss</p></mg-x><table><tr><td>loss</td></tr></table><p>loss</p>", ["loss"]),
        ("<p>The learning rate decay.</p><p>A learning rate.</p>", ["learning rate decay"]),
        ("<p>Batch normalisation, normalisation.</p>", ["Batch normalisation", "normalisation"]),
        ("<p>Adam and adam; glossy lossless cross-entropy.</p>", ["Adam", "cross-entropy"]),
        ('<ul class="ways"><li>loss</li></ul><ul><li>a <em>loss</em></li></ul>', ["loss"]),
    ],
)
def test_the_first_use_is_marked(terms: ModuleType, body: str, found: list[str]) -> None:
    page = f'<body>loss <main id="main">{body}</main> loss</body>'
    made = terms.mark(page, "learn/x", "../../")
    got = re.findall(r'<a class="term" href="\.\./\.\./glossary/#[\w-]+"[^>]*>([^<]*)</a>', made)
    if len(got) > len(found):  # "learning rate" is a term too, in its own paragraph
        got.remove("learning rate")
    assert got == found
    assert re.sub(r'<a class="term"[^>]*>([^<]*)</a>', r"\1", made) == page
    for note in re.findall(r'data-note="([^"]*)"', made):
        assert len(note) > 30


def test_no_term_is_marked_where_it_is_taught(terms: ModuleType) -> None:
    page = "<main><p>loss, rung</p></main>"
    assert 'glossary/#loss"' not in terms.mark(page, "learn/loss", "../../")
    assert 'glossary/#rung"' in terms.mark(page, "learn/loss", "../../")
    assert terms.mark(page, "glossary", "../") == page


# Terms that readers look for elsewhere first: in bold where they are explained.
IN_BOLD = {
    "maths": "square root",
    "learn/embeddings": "context window; context length",
    "learn/inference": "prompt",
    "learn/loss": "perplexity",
    "learn/real": "FLOP; bfloat16; weight decay; warm-up; scaling law; RLHF; quantisation",
    "learn/temperature": "top-k; top-p",
}


def test_the_usual_terms_stand_in_bold_where_they_are_explained() -> None:
    for page, terms in IN_BOLD.items():
        for term in listed(terms):
            assert f"**{term}**" in source(page), (page, term)
            first = source(page).lower().index(term.lower())
            assert source(page)[first - 2 : first] == "**", (page, term)


def test_the_perplexities_are_those_of_the_losses() -> None:
    found = re.findall(r"\$e\^\{([\d.]+)\} = ([\d.]+)\$", source("learn/loss"))
    assert [loss for loss, _ in found] == ["2.505", "2.367"]
    assert all(f"{math.exp(float(loss)):.1f}" == value for loss, value in found)


# ---------------------------------------------------------------- history, sources


def test_the_history_has_its_sixteen_entries() -> None:
    years = re.findall(r"^### (?:About )?(\d{4})", source("history"), re.M)
    expected = "1906 1948 1951 1958 1970 1989 2003 2010 2014 2014 2015 2016 2017 2018 2019 2019"
    assert years == expected.split()
    assert "## The lineage" in source("history")


def test_links_out_are_on_one_page() -> None:
    links = re.findall(r"\]\(https://([^)]+)\)", source("sources"))
    assert set(OUTWARD.split()) <= set(links)
    assert len(links) == len(set(links))
    for path in (GUIDE / "pages").rglob("*.md"):
        if path.name != "sources.md":
            assert not re.search(r"\]\(https?://|href=\"http", path.read_text("utf-8")), path.name


# ---------------------------------------------------------------- errata


def entries() -> list[str]:
    return re.split(r"^## \d+\. ", source("errata"), flags=re.M)[1:]


def test_every_erratum_says_what_is_right_and_how_to_check_it() -> None:
    assert len(entries()) == 14
    for entry in entries():
        leads = re.findall(r"^\*\*(\w+):\*\*", entry, re.M)
        assert leads == ["Said", "Right", "Check"], entry.splitlines()[0]
    numbers = re.findall(r"^## (\d+)\. ", source("errata"), re.M)
    assert numbers == [str(i + 1) for i in range(14)]


def test_the_errata_are_right() -> None:
    all_of = dict(enumerate(entries(), 1))
    docs = load_data("names").docs
    cut = sum(len(doc) + 1 > 8 for doc in docs)
    assert f"{cut:,} of {len(docs):,}, {cut / len(docs):.0%}".replace("%", " %") in all_of[2]
    for preset in ("final", "early"):
        assert f"`{preset}`" in all_of[2]
        assert f"{make_config(preset, vocab_size=27).parameters():,}" in all_of[2]
    parts = (27 * 16, 64 * 16, 27 * 64)
    assert sum(parts) == 3184 and all(f"{n:,}" in all_of[7] for n in (*parts, 3184))
    width, layers = 12288, 96
    mlp = 8 * width**2 * layers
    whole = layers * (12 * width**2 + 13 * width) + (50257 + 2048) * width + 2 * width
    assert f"are {mlp / 1e9:.1f} billion of {whole / 1e9:.1f}" in all_of[11]
    assert f"{mlp / whole:.0%}" == "66%" and "66 %" in all_of[11]
    toy = json.loads((ROOT / "conformance/vectors/toy_gpt.json").read_text(encoding="utf-8"))
    (a, b), (c, d) = found(toy, "layer0.attn_wo")
    assert a * d - b * c == pytest.approx(0.40) and "= 0.40" in all_of[12]
    model = json.loads((ROOT / "data/model.json").read_text(encoding="utf-8"))
    assert "bias" not in json.dumps(model).lower()


def test_nudging_the_toy_gives_the_losses_of_its_source() -> None:
    import toy_by_nudging

    entry = entries()[12]
    said, right = (
        re.search(rf"^\*\*{word}:\*\* (.*)", entry, re.M)[1] for word in ("Said", "Right")
    )
    nudged = toy_by_nudging.losses(100, 0.001, held=False)
    held = toy_by_nudging.losses(100, 0.001, held=True)
    for step in (20, 100):
        assert f"{nudged[step]:.4f}" in said and f"{nudged[step]:.4f}" in entry.split("Check:")[1]
        assert f"{held[step]:.4f}" in right and f"{held[step]:.4f}" in entry.split("Check:")[1]
    for step in (0, 1, 5, 10):
        assert f"{held[step]:.4f}" in right
    assert (max(0, 0.0004 + 0.001) - max(0, 0.0004 - 0.001)) / 0.002 == pytest.approx(0.7)
    assert "at 0.0004" in right and "= 0.7" in right


def test_a_longer_term_on_its_own_page_hides_the_shorter(terms: ModuleType) -> None:
    page = "<main><p>Batch normalisation came before layer normalisation.</p></main>"
    assert terms.mark(page, "history", "../") == page
    assert "sinusoids" in source("history") and "encoder-decoder" in source("history")


def found(tree: Any, name: str) -> Any:
    """The first value of that name anywhere in a JSON tree."""
    if isinstance(tree, dict) and name in tree:
        return tree[name]
    children = tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ()
    return next((x for child in children if (x := found(child, name)) is not None), None)


def test_the_samples_are_where_the_errata_say() -> None:
    """The published samples against the list and its shuffled first thousand."""
    docs = list(load_data("names").docs)
    random.seed(42)
    random.shuffle(docs)
    samples = "kamon ann karai jaire vialan karia yeran anna areli kaina konna keylen liole"
    samples += " alerin earan lenne kana lara alela anton"
    trained, known = set(docs[:1000]), set(docs)
    inside = [sum(s in where for s in samples.split()) for where in (trained, known)]
    assert inside == [0, 11]
    assert "none is among the 1,000 names" in entries()[7] and "11 are in the list" in entries()[7]


# ---------------------------------------------------------------- maths


def test_the_numbers_of_the_refresher() -> None:
    text = source("maths")
    for x, said in ((-1, "0.368"), (1, "2.718"), (2, "7.389")):
        assert f"{math.exp(x):.3f}" == said and said in text
    for x, said in ((0.1, "−2.303"), (0.5, "−0.693"), (10, "2.303")):
        assert f"{math.log(x):.3f}".replace("-", "−") == said and said in text
    chances = (0.134, 0.041, 0.118, 0.148)
    assert f"{math.prod(chances):.7f}" == "0.0000959" and "0.0000959" in text
    assert f"{sum(map(math.log, chances)):.2f}" == "-9.25" and "$-9.25$" in text
    assert f"{math.hypot(2, 1):.2f}" == "2.24"
    assert round(5 / (math.hypot(2, 1) * math.hypot(1, 3)), 3) == 0.707
    shares = (0.5, 0.3, 0.2)
    nats = -sum(p * math.log(p) for p in shares)
    assert (
        f"Their sum is 1.030 nats, or {nats / math.log(2):.3f} bits" in text
        and f"{nats:.3f}" == "1.030"
    )
    for n, counts in ((10, "6, 3 and 1"), (100, "50, 30 and 20"), (1000, "480, 308 and 212")):
        random.seed(42)
        drawn = [random.choices("abc", weights=[5, 3, 2])[0] for _ in range(n)]
        a, b, c = (drawn.count(token) for token in "abc")
        assert f"{a}, {b} and {c}" == counts and counts in text
        mean = -sum(math.log(shares["abc".index(token)]) for token in drawn) / n
        assert n == 100 or f"{mean:.3f} nats" in text


# ---------------------------------------------------------------- in the browser


@pytest.fixture
def opened(guide_address: str, chromium: Any) -> Iterator[Any]:
    """Opens a page: ``opened("maths", viewport=...)``."""
    with browser.pages(chromium) as opening:
        yield lambda where, **options: opening(f"{guide_address}{where}", **options)


@pytest.mark.slow
def test_terms_by_mouse_keyboard_and_touch(opened: Any) -> None:
    page = opened("learn/loss/", clock=True)
    note = page.locator(".term-note")
    term = page.locator("a.term").first
    browser.settled(page)  # what listens is there, and nothing moves the term from under the mouse
    assert note.is_hidden()
    term.hover()
    note.wait_for()
    assert note.inner_text() == term.get_attribute("data-note")
    note.hover()  # it stays while it is pointed at
    page.clock.run_for(1000)
    assert note.is_visible()
    page.keyboard.press("Escape")
    assert note.is_hidden()
    page.mouse.move(1, 1)
    term.focus()
    note.wait_for()
    assert term.get_attribute("aria-describedby") == note.get_attribute("id")
    page.keyboard.press("Enter")
    page.wait_for_url("**/glossary/#*")

    page = opened("learn/loss/", viewport={"width": 360, "height": 700}, has_touch=True)
    term, note = page.locator("a.term").first, page.locator(".term-note")
    browser.settled(page)  # before that, a tap follows the link
    term.tap()
    note.wait_for()
    box = note.bounding_box()
    assert box["x"] >= 0 and box["x"] + box["width"] <= 360
    browser.settled(page)
    assert "/learn/loss/" in page.url
    term.tap()
    page.wait_for_url("**/glossary/#*")


@pytest.mark.slow
def test_terms_are_links_without_scripts(opened: Any) -> None:
    page = opened("learn/loss/", java_script_enabled=False)
    page.locator("a.term").first.click()
    page.wait_for_url("**/glossary/#*")
    assert page.locator("main h3").count() == len(listed(TAUGHT_ELSEWHERE)) + len(listed(OURS))


@pytest.mark.slow
def test_figures_of_the_refresher(opened: Any) -> None:
    page = opened("maths/")
    for element in ("mg-slope", "mg-dot", "mg-draws"):
        shown(page, element)
    told(page, "mg-slope", "exp(x) at x = 1.00 is 2.7183, and its slope there is 2.7183.")
    field = page.locator("mg-slope mg-number input[role=spinbutton]")
    field.fill("2")
    page.keyboard.press("Enter")
    told(page, "mg-slope", "is 7.3891, and its slope there is 7.3891.")
    page.locator("mg-slope select").select_option("ln")
    told(page, "mg-slope", "ln(x) at x = 2.00 is 0.6931, and its slope there is 0.5000.")
    told(page, "mg-dot", "a · b = 2.00 + 3.00 = 5.00.")
    picture = page.locator("mg-dot .dot-picture")
    picture.scroll_into_view_if_needed()
    box = picture.bounding_box()
    unit = box["width"] / 9.2

    def spot(x: float, y: float) -> tuple[float, float]:
        middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        return middle[0] + x * unit, middle[1] - y * unit

    page.mouse.move(*spot(1, 3))
    page.mouse.down()
    page.mouse.move(*spot(-1, 2), steps=4)
    page.mouse.up()
    told(page, "mg-dot", "they stand at a right angle")
    page.locator("mg-dot .mg-more > summary").click()
    page.locator("mg-dot mg-number input").first.focus()
    page.keyboard.press("ArrowUp")
    told(page, "mg-dot", "a · b = −2.25 + 2.00 = −0.25.")
    told(page, "mg-draws", "Entropy: 1.030 nats, 1.485 bits")
    page.locator("mg-draws").get_by_role("button", name="Draw 1,000").click()
    told(page, "mg-draws", "In 1,000 draws the mean surprise was 1.045.")
    in_address(page, "draws=n:1000")
    again = opened("maths/#?draws=n:100,seed:7&slope=curve:square,x:2")
    shown(again, "mg-slope")
    told(again, "mg-slope", "x² at x = 2.00 is 4.0000, and its slope there is 4.0000.")


@pytest.mark.slow
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_reference_pages_keep_the_rules(opened: Any, theme: str) -> None:
    page = opened("maths/", color_scheme=theme)
    for element in ("mg-slope", "mg-dot", "mg-draws"):
        shown(page, element)
    for element in ("mg-slope", "mg-dot", "mg-draws"):
        widget_checks.looked_at(page, element)
    page = opened("glossary/", color_scheme=theme)
    widget_checks.looked_at(page, ".letters")

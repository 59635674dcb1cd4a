"""The page on which the toy GPT is trained and chatted with, in a browser."""

import math
from typing import Any

import pytest

import frame_checks
from browser import held, resized, until
from guide_pages import TOY, in_address, reset, shown, told
from microgpt.autograd import Value
from widget_checks import looked_at

TOKENS = ["BOS", "a", "b", "c"]


def toy_losses(steps: int) -> list[float]:
    """Mean losses by the package's own autograd and nothing of the guide's: the golden weights,
    nine examples, the pinned cache, plain gradient descent."""
    w = {name: [[Value(x) for x in row] for row in rows]
         for name, rows in TOY["weights"].items()}  # fmt: skip
    cache = TOY["pinned_cache"]
    words = ["abc", "bca", "cab", "aab", "bbc", "cca"]
    examples = [(TOKENS.index(word[-2]), TOKENS.index(word[-1])) for word in words]
    examples += [(last, 0) for last in dict.fromkeys(target for _, target in examples)]

    def linear(x: list[Any], rows: list[list[Any]]) -> list[Any]:
        return [sum((r * v for r, v in zip(row, x, strict=True)), Value(0)) for row in rows]

    def norm(x: list[Any]) -> list[Any]:
        scale = (sum((v * v for v in x), Value(0)) * (1 / len(x)) + 1e-5) ** -0.5
        return [v * scale for v in x]

    def softmax(x: list[Any]) -> list[Any]:
        exps = [v.exp() for v in x]
        total = sum(exps, Value(0))
        return [e / total for e in exps]

    def loss_of(token: int, target: int) -> Any:
        x = norm([a + b for a, b in zip(w["wte"][token], w["wpe"][2], strict=True)])
        h = norm(x)
        q, k, v = (linear(h, w[f"layer0.attn_w{name}"]) for name in "qkv")
        keys = [[Value(n) for n in row] for row in cache["keys"]] + [k]
        values = [[Value(n) for n in row] for row in cache["values"]] + [v]
        dots = [sum((a * b for a, b in zip(q, key, strict=True)), Value(0)) for key in keys]
        weights = softmax([d * (1 / math.sqrt(2)) for d in dots])
        head = [sum((p * one[j] for p, one in zip(weights, values, strict=True)), Value(0))
                for j in (0, 1)]  # fmt: skip
        x = [a + b for a, b in zip(linear(head, w["layer0.attn_wo"]), x, strict=True)]
        hidden = [n.relu() for n in linear(norm(x), w["layer0.mlp_fc1"])]
        x = [a + b for a, b in zip(linear(hidden, w["layer0.mlp_fc2"]), x, strict=True)]
        return -softmax(linear(x, w["lm_head"]))[target].log()

    trained = [p for rows in w.values() for row in rows for p in row]
    losses = []
    for _ in range(steps + 1):
        loss = sum((loss_of(*example) for example in examples), Value(0)) * (1 / len(examples))
        losses.append(loss.data)
        for p in trained:
            p.grad = 0.0
        loss.backward()
        for p in trained:
            p.data -= 0.4 * p.grad
    return losses


@pytest.mark.slow
def test_train_untrain_and_restore(opened: Any) -> None:
    losses = toy_losses(100)
    page = opened("toy", "mg-toy-training", clock=True)
    told(page, "mg-toy-training", f"untrained: mean loss {losses[0]:.4f} over 9 examples")
    widget = page.locator("mg-toy-training")
    badge = widget.locator(".lt-badge")
    edges = widget.locator(".td-edge:not([data-id^=keys], [data-id^=values])")
    assert edges.count() == 66
    look = """(es) => es.map((e) => e.getAttribute("stroke-width") + e.getAttribute("stroke"))"""
    before = edges.evaluate_all(look)
    held(page)
    widget.get_by_role("button", name="Train: 100 batch steps").click()
    page.clock.run_for(100)
    widget.locator(".lt-badge", has_text="training").wait_for()
    page.clock.resume()
    told(page, "mg-toy-training", f"trained: mean loss {losses[100]:.4f}")
    assert f"{losses[100]:.4f}" == "0.8044" and badge.inner_text() == "trained"
    after = edges.evaluate_all(look)
    assert [a == b for a, b in zip(before, after, strict=True)].count(False) > 55
    widget.locator(".mg-more > summary").click()
    lines = widget.locator(".lt-log li").all_text_contents()
    assert lines[-1] == "start: mean loss 1.1928" and len(lines) == 101
    for n in (1, 5, 10, 20, 100):
        expected = f"{n} · all examples: mean loss {losses[n - 1]:.4f} → {losses[n]:.4f}"
        assert lines[-1 - n] == expected
    in_address(page, "toy-training=did:b100")
    widget.get_by_label("Edges show").select_option("1")
    widget.get_by_role("button", name="Untrain").click()
    told(page, "mg-toy-training", "untrained: mean loss 1.1928")
    widths = edges.evaluate_all("(es) => es.map((e) => e.getAttribute('stroke-width'))")
    assert set(widths) == {"0.50"}
    widget.get_by_role("button", name="Restore").click()
    told(page, "mg-toy-training", "trained: mean loss 0.8044")
    reset(page, "mg-toy-training")
    told(page, "mg-toy-training", "untrained: mean loss 1.1928")
    until(page, lambda: "did" not in page.url, lambda: f"no steps in {page.url}")


@pytest.mark.slow
def test_steps_words_and_edges_by_keyboard(opened: Any) -> None:
    page = opened("toy", "mg-toy-training")
    widget = page.locator("mg-toy-training")
    widget.get_by_role("button", name="Step: one example").focus()
    page.keyboard.press("Enter")
    told(
        page,
        "mg-toy-training",
        "trained: mean loss 1.2274 over 9 examples, after 1 single step",
    )
    page.keyboard.press("Space")
    told(page, "mg-toy-training", "mean loss 1.2042")
    resized(page, 1280)
    assert frame_checks.problems(page, "toy") == []
    widget.locator(".mg-more > summary").click()
    assert "c → a, from bca, lr 0.15" in widget.locator(".lt-log li").first.inner_text()
    widget.locator(".td-picture").focus()
    page.keyboard.press("Home")
    assert widget.locator(".lt-readout").inner_text() == "wte[BOS][0] = 0.2000, as initially."
    page.keyboard.press("End")
    assert "lm_head[c][1] = " in widget.locator(".lt-readout").inner_text()
    assert "initially 0.6000, moved by" in widget.locator(".lt-readout").inner_text()
    field = widget.get_by_label("Words to learn from", exact=False)
    field.fill("aa xyz <b>abc</b> abcab")
    widget.get_by_role("button", name="Use these words").click()
    told(page, "mg-toy-training", "over 2 examples, no step yet")
    assert "Ignored: xyz, <b>abc</b>, abcab." in widget.inner_text()
    in_address(page, "words:aa%20xyz")
    field.fill("hello")
    page.keyboard.press("Tab")
    widget.get_by_text("There is no word to train on. Give words of 2 to 4").wait_for()
    told(page, "mg-toy-training", "over 2 examples")
    widget.get_by_role("button", name="Default words").click()
    told(page, "mg-toy-training", "untrained: mean loss 1.1928 over 9 examples")


@pytest.mark.slow
def test_a_link_waits_for_a_click_and_the_chat_writes_with_its_weights(opened: Any) -> None:
    page = opened("toy", "mg-toy-training", "#?toy-training=did:b20,token:1")
    told(page, "mg-toy-training", "untrained: mean loss 1.1928")
    widget = page.locator("mg-toy-training")
    assert "This link was made after 20 steps." in widget.inner_text()
    widget.get_by_role("button", name="Train it like that").click()
    told(
        page,
        "mg-toy-training",
        "trained: mean loss 0.8362 over 9 examples, after 20 batch",
    )
    chat = shown(page, "mg-toy-chat")
    chat.get_by_role("button", name="Send").click()  # it may have written before it was trained
    page.locator("mg-toy-chat", has_text="after 20 batch steps, seed 5").wait_for()
    assert chat.locator("p[role=alert]").inner_text() == ""
    again = opened("toy", "mg-toy-chat", reduced_motion="reduce")
    chat = shown(again, "mg-toy-chat")
    told(again, "mg-toy-chat", "So far: b c c c c c c BOS. BOS ends it.")
    assert "Each token is fed in at position 2 with the pinned cache" in chat.inner_text()
    training = shown(again, "mg-toy-training")
    training.get_by_role("button", name="Train: 100 batch steps").click()
    told(again, "mg-toy-training", "trained: mean loss 0.8044")
    assert "The weights have changed since" in chat.inner_text()
    told(again, "mg-toy-chat", "So far: b c c c c c c BOS.")
    chat.get_by_label("First token", exact=False).fill("b")
    again.keyboard.press("Enter")
    told(again, "mg-toy-chat", "So far: b c a b c a b BOS. BOS ends it.")
    assert "Untrained, the same draws make: c c c c c c BOS." in chat.inner_text()
    assert "The weights have changed since" not in chat.inner_text()
    chat.locator("mg-stepper .mg-range").focus()
    again.keyboard.press("Home")
    told(again, "mg-toy-chat", "Trained. b goes in: BOS 0.13, a 0.23, b 0.03, c 0.61; c is drawn")
    in_address(again, "toy-chat=at:0")
    for typed, answer in (("ab", "type b."), ("é", "not in its vocabulary"), ("", "nothing to")):
        chat.get_by_label("First token", exact=False).fill(typed)
        chat.get_by_role("button", name="Send").click()
        chat.locator("[role=alert]", has_text=answer).wait_for()


@pytest.mark.slow
def test_it_is_played_and_can_be_seen_and_tapped(opened: Any) -> None:
    page = opened("toy", "mg-toy-chat", clock=True)
    chat = shown(page, "mg-toy-chat")
    held(page)
    chat.get_by_role("button", name="Ask with c").click()
    page.clock.run_for(100)
    chat.locator(".td-node[data-lit]").first.wait_for()
    chat.get_by_role("button", name="Pause").click()
    page.clock.resume()
    shown(page, "mg-toy-training")
    looked_at(page, "mg-toy-training")
    looked_at(page, "mg-toy-chat")

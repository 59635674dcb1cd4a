"""What every figure with drawn text must keep: no label on another, none cut off by its picture."""

from typing import Any

import browser

WIDTHS = (1280, 390)

# States that crowd a picture, besides the one that its page begins with.
STATES = {
    "learn/adam": ["adam-steps=t:51,of:z,line:6", "running-mean=raw:1,of:logit"],
    "learn/backward": ["backprop=shape:loss,at:25&neuron-backward=run:2,b:-4"],
    "learn/chain-rule": ["chain=bicycle:0", "chain=walker:10,bicycle:10,car:10", "chain=car:0.5"],
    "learn/derivative": ["numerical=e:-5,p:2.8", "numerical=curve:relu,p:-2.8"],
    "learn/embeddings": [
        "embeddings=dx:-1.2,dy:-0.2",
        "embeddings=letter:n,dx:1.2,dy:0.2",
        "embeddings=letter:n,positions:1,at:7",
        "embeddings=letter:BOS,positions:1,at:0",
    ],
    "learn/gradient-check": ["gradient-check=broken:gate", "gradient-check=broken:mean"],
    "learn/gradient-descent": [
        "descent=at:4&parabola=p:-3.5,lr:2.5",
        "descent=at:6,lr:0.12",
        "descent=at:1,lr:0.05",
    ],
    "learn/graph": ["graph=text:a*a*a%2Bb%2F(a-b),at:4"],
    "learn/value": ["value=op:exp,a:9&value-stages=stage:4&value-cards=at:5", "value=a:10,b:-10"],
    "maths": ["dot=v:-0.25_0_4_-4&draws=n:10000&slope=curve:ln,x:0.05", "draws=w:1_100_1,n:0"],
}

# Text is less high than its box. A label of an edge may lie under no node, either.
OVERLAPS = """() => {
  const box = (e) => {
    const { left, right, top, bottom } = e.getBoundingClientRect();
    const rim = e.localName === "text" ? (bottom - top) * 0.2 : 0;
    return { e, left: left + 1, right: right - 1, top: top + rim, bottom: bottom - rim };
  };
  const isSeen = (e) => e.checkVisibility({ visibilityProperty: true }) &&
    !e.closest("details:not([open]) > :not(summary)");
  const meets = (a, b) => a.left < b.right && b.left < a.right &&
    a.top < b.bottom && b.top < a.bottom;
  const found = [];
  for (const figure of document.querySelectorAll("main [data-figure][data-ready]")) {
    const texts = [...figure.querySelectorAll("svg text")]
      .filter((e) => e.textContent.trim() && isSeen(e)).map(box);
    const name = figure.localName;
    texts.forEach((a, i) => {
      for (const b of texts.slice(i + 1))
        if (a.e.ownerSVGElement === b.e.ownerSVGElement && meets(a, b))
          found.push(`${name}: “${a.e.textContent}” lies on “${b.e.textContent}”`);
      const whole = a.e.ownerSVGElement.getBoundingClientRect();
      if (a.left < whole.left - 2 || a.right > whole.right + 2 ||
          a.top < whole.top - 2 || a.bottom > whole.bottom + 2)
        found.push(`${name}: “${a.e.textContent}” is cut off`);
    });
    const nodes = [...figure.querySelectorAll(".mg-node-box")].filter(isSeen).map(box);
    for (const label of texts.filter(({ e }) => e.closest(".mg-edge")))
      if (nodes.some((node) => meets(label, node)))
        found.push(`${name}: the edge's “${label.e.textContent}” lies under a node`);
  }
  return found;
}"""

HASH = """async (hash) => {
  const heard = new Promise((done) => addEventListener("hashchange", done, { once: true }));
  location.hash = hash;
  await heard;
  for (const _ of "12") await new Promise(requestAnimationFrame);
}"""


def problems(page: Any, where: str) -> list[str]:
    """What the figures of this page, all of them started, do against it; others aren't asked."""
    if where not in STATES:
        return []
    found = []
    for state in ("", *STATES[where]):
        if state:
            page.evaluate(HASH, f"#?{state}")
        browser.settled(page)
        for width in WIDTHS:
            browser.resized(page, width)
            browser.drawn(page)
            found += [f"{where} at {width}, {state}: {one}" for one in page.evaluate(OVERLAPS)]
    page.evaluate(HASH, "")
    return found


def no_collisions(page: Any, *elements: str) -> None:
    """None in these figures, at the width of a laptop and at that of a phone."""
    for width in WIDTHS:
        browser.resized(page, width)
        for element in elements:
            page.locator(element).first.scroll_into_view_if_needed()
            browser.drawn(page)
            found = [one for one in page.evaluate(OVERLAPS) if one.startswith(f"{element}:")]
            assert found == [], f"at {width}: {found}"

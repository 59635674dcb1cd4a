"""A step that a reader has taken is in the address, and the address leads back to it."""

from typing import Any

# Steppers that have nothing to step through before something else is done.
WAITING = {"mg-weights": "its run may not have taken a step yet"}

STEPS = """async () => {
  const found = [];
  const go = async (hash) => {
    const heard = new Promise((done) => addEventListener("hashchange", done, { once: true }));
    location.hash = hash;
    await heard;
  };
  const becomes = async (holds) => {
    for (let i = 0; i < 60 && !holds(); i++) await new Promise(requestAnimationFrame);
    return holds();
  };
  for (const stepper of document.querySelectorAll("main mg-stepper[data-ready]")) {
    const host = stepper.closest("[data-figure]");
    const name = host.localName;
    if (!stepper.last) {
      found.push({ name, said: "has no steps" });
      continue;
    }
    const key = (label) => stepper.querySelector(`[aria-label="${label}"]`);
    const on = key("One step on");
    const before = location.hash;
    (on.getAttribute("aria-disabled") === "true" ? key("One step back") : on).click();
    const { at } = stepper;
    host.state.link();
    const hash = location.hash;
    if (hash === before) {
      found.push({ name, said: "the address doesn't carry the step" });
      continue;
    }
    await go("");
    if (!(await becomes(() => stepper.at !== at)))
      found.push({ name, said: "an address without a step keeps the step" });
    await go(hash);
    if (!(await becomes(() => stepper.at === at)))
      found.push({ name, said: `the address leads to step ${stepper.at}, not to ${at}` });
    await go("");
    await becomes(() => stepper.at !== at);
  }
  return found;
}"""


def problems(page: Any, where: str) -> list[str]:
    """What the steppers of this page, all of them started, do against it."""
    found = page.evaluate(STEPS)
    waiting = {one["name"] for one in found if one["said"] == "has no steps"}
    assert waiting <= set(WAITING), waiting
    return [f"{where}: {one['name']}: {one['said']}" for one in found if one["name"] not in waiting]

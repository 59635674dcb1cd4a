// A panel that floats at the foot of the screen never hides what it is about.

const GAP = 8; // px between the two

/**
 * Where a panel floats over what has just been chosen, the page moves on until both can be seen.
 * @param {HTMLElement} panel
 * @param {EventTarget | null} target
 */
export function uncover(panel, target) {
  const source = target instanceof Element ? target.closest("[data-link]") : null;
  if (!source || panel.contains(source)) return;
  const [over, under] = [panel.getBoundingClientRect(), source.getBoundingClientRect()];
  const isOver =
    over.top < under.bottom &&
    under.top < over.bottom &&
    over.left < under.right &&
    under.left < over.right;
  // It may not float yet, where its figure has only begun: it will, at the foot of the screen.
  const lacking = Math.max(under.bottom - over.top, under.bottom + over.height - innerHeight);
  if (isOver) scrollBy({ top: lacking + GAP, behavior: "instant" });
}

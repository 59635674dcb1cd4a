// Where a card goes that is about something on the page. No DOM.

/** @typedef {{left: number, top: number, right: number, bottom: number}} Box */

const [GAP, EDGE] = [10, 8]; // px from the card to what it is about, and to the window's edge
const NARROW = 600;

/**
 * Where a card is near what it is about and doesn't cover it: below the figure or above it, else
 * beside the number; on a phone at the foot of the screen, or its head.
 * @param {{width: number, height: number}} card
 * @param {Box} number
 * @param {Box | null} figure
 * @param {Box} room
 */
export function placeFor({ width, height }, number, figure, room) {
  const kept = (/** @type {number} */ at, /** @type {number} */ low, /** @type {number} */ high) =>
    Math.max(low + EDGE, Math.min(high - EDGE, at));
  const x = kept(number.left, room.left, room.right - width);
  const y = kept(number.top, room.top, room.bottom - height);
  const places = [...(figure ? [figure] : []), number].flatMap((box) => [
    { x, y: box.bottom + GAP },
    { x, y: box.top - GAP - height },
    { x: box.right + GAP, y },
    { x: box.left - GAP - width, y },
  ]);
  const [head, foot] = [
    { x, y: room.top + EDGE },
    { x, y: room.bottom - EDGE - height },
  ];
  const isClear = (/** @type {{y: number}} */ at) =>
    at.y >= number.bottom + GAP || at.y + height <= number.top - GAP;
  const atEdge = room.right - room.left < NARROW ? [foot, head].find(isClear) : undefined;
  if (atEdge) return atEdge;
  const fits = places.find(
    (at) =>
      at.x >= room.left + EDGE &&
      at.x + width <= room.right - EDGE &&
      at.y >= room.top + EDGE &&
      at.y + height <= room.bottom - EDGE,
  );
  if (fits) return fits;
  // Too large a thing to stand beside: at the edge that is farther from its middle.
  const isLow = number.top + number.bottom > room.top + room.bottom;
  return isLow ? head : foot;
}

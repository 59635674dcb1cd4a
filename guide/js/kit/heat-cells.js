// The cells of a heat map: how each is painted on the canvas, and which one a key goes to.

/** @typedef {{row: number, column: number}} Cell */
/** @typedef {{left: number, top: number, w: number, h: number}} Place the first cell, sizes */

/**
 * The glyphs of signs: width and height of each stroke through the cell's middle.
 * @type {Record<string, [number, number][]>}
 */
const STROKES = {
  "+": [
    [7, 1],
    [1, 7],
  ],
  "−": [[7, 1]],
  "·": [[2, 2]],
};

/**
 * The ground of a row, on which its cells come.
 * @param {CanvasRenderingContext2D} paper
 * @param {Place} place
 * @param {number} r
 * @param {number} columns
 * @param {string} colour
 */
export function paintLine(paper, { left, top, w, h }, r, columns, colour) {
  paper.fillStyle = colour;
  paper.fillRect(left - 1, top + r * h - (r ? 0 : 1), columns * w + 1, h + (r ? 0 : 1));
}

/**
 * @param {CanvasRenderingContext2D} paper
 * @param {Place} place
 * @param {number} r
 * @param {number} c
 * @param {{fill: string, ink: string, text: string}} look
 */
export function paintCell(paper, { left, top, w, h }, r, c, { fill, ink, text }) {
  const [x, y] = [left + c * w, top + r * h];
  paper.fillStyle = fill;
  paper.fillRect(x, y, w - 1, h - 1);
  if (!text) return;
  paper.fillStyle = ink;
  const [midX, midY] = [Math.floor(x + w / 2), Math.floor(y + h / 2)];
  // Drawn by hand: shaping a text for each cell takes most of a frame.
  const strokes = STROKES[text];
  if (strokes)
    for (const [wide, most] of strokes) {
      const high = Math.min(most, h - 2);
      paper.fillRect(midX - Math.floor(wide / 2), midY - Math.floor(high / 2), wide, high);
    }
  else paper.fillText(text, x + (w - 1) / 2, y + h / 2, w - 2);
}

/**
 * The cell that a key goes to; null where the key means none.
 * @param {string} key
 * @param {Cell} from
 * @param {number} rows
 * @param {number} columns
 * @returns {Cell | null}
 */
export function cellAfter(key, { row, column }, rows, columns) {
  const ways = /** @type {Record<string, [number, number]>} */ ({
    ArrowUp: [row - 1, column],
    ArrowDown: [row + 1, column],
    ArrowLeft: [row, column - 1],
    ArrowRight: [row, column + 1],
    Home: [row, 0],
    End: [row, columns - 1],
    PageUp: [0, column],
    PageDown: [rows - 1, column],
  });
  if (!ways[key]) return null;
  const within = (/** @type {number} */ x, /** @type {number} */ count) =>
    Math.max(0, Math.min(count - 1, x));
  return { row: within(ways[key][0], rows), column: within(ways[key][1], columns) };
}

// Drawing on canvas what changes with every frame: a matrix as cells, attention as triangles,
// points on a map. Labels and lines are drawn once for each size (`lay…`), the rest each time
// (`paint…`). Signs are glyphs too, − and +.

import { css, inkOn, scaleOf, shade } from "../kit/color.js";

/**
 * @typedef {{grounds: string[], inks: string[], ink: string, soft: string, line: string,
 *   paper: string, sans: string}} Palette
 */
/**
 * @typedef {{left: number, top: number, cell: number, rows: number, columns: number, width: number,
 *   height: number}} Grid
 */

const LEVELS = 64; // colours on either side of zero
const SMALLEST_GLYPH = 8; // px: in smaller cells a sign can't be read

/**
 * The page's colours as they are now, and its font.
 * @param {HTMLElement} host
 * @returns {Palette}
 */
export function paletteOf(host) {
  const scale = scaleOf(host);
  const shades = Array.from({ length: 2 * LEVELS + 1 }, (_, i) =>
    shade(scale, (i - LEVELS) / LEVELS),
  );
  const probe = document.createElement("span");
  probe.hidden = true;
  host.append(probe);
  const read = (/** @type {string} */ name) => {
    probe.style.color = `var(--mg-${name})`;
    return getComputedStyle(probe).color;
  };
  const palette = {
    grounds: shades.map(css),
    inks: shades.map(inkOn),
    ink: read("ink"),
    soft: read("soft"),
    line: read("edge"),
    paper: read("panel"),
    sans: getComputedStyle(host).getPropertyValue("--mg-sans") || "sans-serif",
  };
  probe.remove();
  return palette;
}

/**
 * Gives a canvas a size in CSS pixels, sharp on this screen; its width is that of its box.
 * @param {HTMLCanvasElement} canvas
 * @param {number} width
 * @param {number} height
 */
export function sized(canvas, width, height) {
  const ratio = Math.min(3, globalThis.devicePixelRatio || 1);
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  return context;
}

/** @param {number} share −1 to 1 */
const level = (share) =>
  LEVELS + Math.round(LEVELS * Math.max(-1, Math.min(1, Number.isFinite(share) ? share : 0)));

/** The colour of a share of full colour. @param {Palette} palette @param {number} share −1 to 1 */
export const groundOf = ({ grounds }, share) => grounds[level(share)];

/**
 * How large the cells of a matrix come out.
 * @param {number} rows
 * @param {number} columns
 * @param {{width: number, most?: number, tallest?: number, left?: number}} room
 * @returns {Grid}
 */
export function gridFor(rows, columns, { width, most = 22, tallest = 430, left = 34 }) {
  const top = 18;
  const cell = Math.max(
    2,
    Math.min(most, Math.floor((width - left - 1) / columns), Math.floor(tallest / rows)),
  );
  return { left, top, cell, rows, columns, width, height: top + rows * cell + 2 };
}

/**
 * Names of rows and columns, as many as have room.
 * @param {CanvasRenderingContext2D} context
 * @param {Grid} grid
 * @param {Palette} palette
 * @param {(r: number) => string} rowName
 * @param {(c: number) => string} columnName
 */
export function layGrid(context, { left, top, cell, rows, columns }, palette, rowName, columnName) {
  context.fillStyle = palette.soft;
  context.font = `11px ${palette.sans}`;
  context.textBaseline = "middle";
  context.textAlign = "right";
  const everyRow = Math.ceil(11 / cell);
  for (let r = 0; r < rows; r += everyRow)
    context.fillText(rowName(r), left - 4, top + (r + 0.5) * cell);
  context.textAlign = "center";
  const everyColumn = Math.ceil(17 / cell);
  for (let c = 0; c < columns; c += everyColumn)
    context.fillText(columnName(c), left + (c + 0.5) * cell, top - 9);
}

/**
 * The cells. `most` has full colour.
 * @param {CanvasRenderingContext2D} context
 * @param {Grid} grid
 * @param {Palette} palette
 * @param {(i: number) => number} numberAt by place in the matrix, row by row
 * @param {number} most
 */
export function paintGrid(
  context,
  { left, top, cell, rows, columns },
  { grounds, inks, paper },
  numberAt,
  most,
) {
  context.fillStyle = paper;
  context.fillRect(left, top, columns * cell, rows * cell);
  const gap = cell > 5 ? 1 : 0;
  const arm = Math.max(1, Math.round(cell * 0.18));
  const thick = Math.max(1, Math.round(cell / 12));
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++) {
      const share = numberAt(r * columns + c) / most;
      const at = level(share);
      const [x, y] = [left + c * cell, top + r * cell];
      context.fillStyle = grounds[at];
      context.fillRect(x, y, cell - gap, cell - gap);
      if (cell < SMALLEST_GLYPH || Math.abs(share) < 0.04) continue;
      const [mx, my] = [x + (cell - gap) / 2, y + (cell - gap) / 2];
      context.fillStyle = inks[at];
      context.fillRect(mx - arm, my - thick / 2, 2 * arm, thick);
      if (share > 0) context.fillRect(mx - thick / 2, my - arm, thick, 2 * arm);
    }
  }
}

/**
 * A frame around one cell.
 * @param {CanvasRenderingContext2D} context
 * @param {Grid} grid
 * @param {Palette} palette
 * @param {number} r
 * @param {number} c
 */
export function frameCell(context, { left, top, cell }, { ink }, r, c) {
  context.strokeStyle = ink;
  context.lineWidth = 2;
  context.strokeRect(left + c * cell, top + r * cell, cell - 1, cell - 1);
}

/**
 * The cell under a point of the canvas, or null.
 * @param {Grid} grid
 * @param {number} x
 * @param {number} y
 */
export function cellAt({ left, top, cell, rows, columns }, x, y) {
  const [r, c] = [Math.floor((y - top) / cell), Math.floor((x - left) / cell)];
  return r >= 0 && c >= 0 && r < rows && c < columns ? { r, c } : null;
}

/**
 * The heads' triangles stand side by side, on narrow pictures two by two.
 * @param {number} tokens
 * @param {number} heads
 * @param {number} width
 */
export function trianglesFor(tokens, heads, width) {
  const across = width < 560 ? Math.min(heads, 2) : heads;
  const left = 34;
  const cell = Math.max(4, Math.min(32, Math.floor((width / across - left - 8) / tokens)));
  const tall = 38 + tokens * cell + 8;
  return {
    tokens,
    heads,
    cell,
    height: tall * Math.ceil(heads / across),
    places: Array.from({ length: heads }, (_, h) => ({
      left: left + (h % across) * (width / across),
      top: 38 + Math.floor(h / across) * tall,
    })),
  };
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {ReturnType<typeof trianglesFor>} triangles
 * @param {Palette} palette
 * @param {string[]} names of the tokens
 */
export function layTriangles(context, { tokens, cell, places }, palette, names) {
  places.forEach(({ left, top }, h) => {
    const grid = { left, top, cell, rows: tokens, columns: tokens, width: 0, height: 0 };
    layGrid(
      context,
      grid,
      palette,
      (r) => names[r],
      (c) => (names[c] === "BOS" ? "·" : names[c]),
    );
    context.textAlign = "left";
    context.fillStyle = palette.ink;
    context.fillText(`head ${h + 1}`, left, top - 27);
  });
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {ReturnType<typeof trianglesFor>} triangles
 * @param {Palette} palette
 * @param {number[][][]} weights position, head, position looked at
 */
export function paintTriangles(context, { tokens, cell, places }, { grounds }, weights) {
  const gap = cell > 5 ? 1 : 0;
  places.forEach(({ left, top }, h) => {
    for (let t = 0; t < tokens; t++) {
      for (let j = 0; j <= t; j++) {
        context.fillStyle = grounds[level(weights[t][h][j])];
        context.fillRect(left + j * cell, top + t * cell, cell - gap, cell - gap);
      }
    }
  });
}

/**
 * Points with their names on two axes that cross at 0; `marked` ones are ringed.
 * @param {CanvasRenderingContext2D} context
 * @param {{width: number, height: number, reach: number, palette: Palette, names: string[],
 *   xy: ArrayLike<number>, marked: (i: number) => boolean}} map
 */
export function paintMap(context, { width, height, reach, palette, names, xy, marked }) {
  context.clearRect(0, 0, width, height);
  const unit = (Math.min(width, height) / 2 - 16) / reach;
  const [mx, my] = [width / 2, height / 2];
  context.strokeStyle = palette.line;
  context.lineWidth = 1;
  context.beginPath();
  context.moveTo(0, my);
  context.lineTo(width, my);
  context.moveTo(mx, 0);
  context.lineTo(mx, height);
  context.stroke();
  context.font = `11px ${palette.sans}`;
  context.fillStyle = palette.soft;
  context.textBaseline = "alphabetic";
  context.textAlign = "right";
  context.fillText("axis 1 →", width - 2, my - 4);
  context.textAlign = "left";
  context.fillText("↑ axis 2", mx + 4, 11);
  context.textAlign = "center";
  context.textBaseline = "middle";
  names.forEach((name, i) => {
    const [x, y] = [mx + xy[2 * i] * unit, my - xy[2 * i + 1] * unit];
    const ring = marked(i);
    context.font = `${ring ? "700 " : ""}14px ${palette.sans}`;
    context.fillStyle = palette.ink;
    context.fillText(name, x, y);
    if (!ring) return;
    context.strokeStyle = palette.ink;
    context.lineWidth = 1.5;
    context.beginPath();
    context.arc(x, y, 10, 0, 2 * Math.PI);
    context.stroke();
  });
}

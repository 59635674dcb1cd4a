// A part of the page as one SVG that stands alone: what its elements look like now, where they are
// now. Pictures keep their shapes, texts stay texts, a canvas becomes an image inside.

import { svg } from "./dom.js";

/** Looks that an SVG shape inherits, and those it doesn't, with what they are by themselves. */
const INHERITED = [
  "fill",
  "fill-opacity",
  "fill-rule",
  "stroke",
  "stroke-width",
  "stroke-opacity",
  "stroke-dasharray",
  "stroke-dashoffset",
  "stroke-linecap",
  "stroke-linejoin",
  "font-family",
  "font-size",
  "font-style",
  "font-weight",
  "font-variant-numeric",
  "letter-spacing",
  "text-anchor",
  "paint-order",
  "visibility",
];
const OWN = /** @type {Record<string, string>} */ ({
  opacity: "1",
  "dominant-baseline": "auto",
  "vector-effect": "none",
  "mix-blend-mode": "normal",
  "stop-color": "rgb(0, 0, 0)",
  "stop-opacity": "1",
});
const DROPPED = /^(class|style|tabindex|role|aria-.*|data-.*|on.*|control)$/;
const CLEAR = /^(transparent|rgba\(\d+, \d+, \d+, 0\))$/;

/** @param {number} x */
const short = (x) => String(Math.round(x * 100) / 100);

/**
 * What of a part of the page can be seen, as the content of an SVG with the same coordinates as
 * the window's.
 * @param {Element} part
 * @param {(element: Element) => boolean} isLeftOut
 * @returns {{content: SVGElement[], bottom: number}} where in the window it ends
 */
export function flattened(part, isLeftOut) {
  const measure = /** @type {CanvasRenderingContext2D} */ (
    document.createElement("canvas").getContext("2d")
  );
  /** @type {SVGElement[]} */
  const made = [];
  let bottom = part.getBoundingClientRect().top;

  /** @param {Element} element @param {SVGElement[]} into */
  function walk(element, into) {
    if (isLeftOut(element) || !element.checkVisibility({ opacityProperty: true })) return;
    const style = getComputedStyle(element);
    const box = element.getBoundingClientRect();
    if (style.position === "absolute" && style.clipPath.startsWith("inset(50%")) return; // heard
    if (element instanceof SVGSVGElement) {
      const copy = drawingOf(element, box);
      if (copy) into.push(copy);
      bottom = Math.max(bottom, box.bottom);
      return;
    }
    const ground = style.visibility === "visible" ? groundOf(style, box) : [];
    if (ground.length) bottom = Math.max(bottom, box.bottom);
    into.push(...ground);
    const opacity = Number(style.opacity);
    const isClipped = style.overflowX !== "visible" && box.width > 0;
    let inside = into;
    if (opacity < 1 || isClipped) {
      const { left, top, width, height } = box;
      const place = { x: short(left), y: short(top), width: short(width), height: short(height) };
      const frame = isClipped
        ? svg("svg", { ...place, viewBox: Object.values(place).join(" "), overflow: "hidden" })
        : svg("g");
      if (opacity < 1) frame.setAttribute("opacity", style.opacity);
      into.push(frame);
      inside = [];
      content(element, style, box, inside);
      frame.append(...inside);
    } else content(element, style, box, inside);
  }

  /**
   * @param {Element} element
   * @param {CSSStyleDeclaration} style
   * @param {DOMRect} box
   * @param {SVGElement[]} into
   */
  function content(element, style, box, into) {
    const hasText = [...element.childNodes].some((one) => one instanceof Text && one.data.trim());
    if (hasText || element.matches("canvas, img, input, select, textarea"))
      bottom = Math.max(bottom, box.bottom);
    if (element instanceof HTMLCanvasElement || element instanceof HTMLImageElement) {
      into.push(imageOf(element, box));
    } else if (element instanceof HTMLInputElement && element.type === "range") {
      into.push(...track(element, box));
    } else if (
      element instanceof HTMLInputElement ||
      element instanceof HTMLTextAreaElement ||
      element instanceof HTMLSelectElement
    ) {
      into.push(...valueIn(element, style, box, measure));
    } else
      for (const child of element.childNodes) {
        if (child instanceof Element) walk(child, into);
        else if (child instanceof Text && style.visibility === "visible")
          into.push(...linesOf(child, style, measure));
      }
  }

  walk(part, made);
  return { content: made, bottom };
}

/**
 * A picture with its looks written into its shapes.
 * @param {SVGSVGElement} drawing
 * @param {DOMRect} box
 */
function drawingOf(drawing, box) {
  if (!box.width || !box.height) return null;
  const copy = /** @type {SVGSVGElement} */ (styled(drawing, null));
  const { overflow } = getComputedStyle(drawing);
  for (const [name, value] of Object.entries({
    x: box.left,
    y: box.top,
    width: box.width,
    height: box.height,
  }))
    copy.setAttribute(name, short(value));
  copy.setAttribute("overflow", overflow === "visible" ? "visible" : "hidden");
  if (!copy.hasAttribute("viewBox"))
    copy.setAttribute("viewBox", `0 0 ${short(box.width)} ${short(box.height)}`);
  return copy;
}

/**
 * @param {Element} element of an SVG
 * @param {CSSStyleDeclaration | null} around
 * @returns {Element | null} null where it isn't shown
 */
function styled(element, around) {
  const style = getComputedStyle(element);
  if (style.display === "none") return null;
  const copy = /** @type {Element} */ (element.cloneNode(false));
  for (const { name } of [...copy.attributes]) if (DROPPED.test(name)) copy.removeAttribute(name);
  for (const name of INHERITED) {
    const value = style.getPropertyValue(name);
    if (value && value !== around?.getPropertyValue(name)) copy.setAttribute(name, value);
    else copy.removeAttribute(name);
  }
  for (const [name, plain] of Object.entries(OWN)) {
    const value = style.getPropertyValue(name);
    if (value && value !== plain) copy.setAttribute(name, value);
  }
  if (around && style.transform !== "none") copy.setAttribute("transform", moved(element, style));
  for (const child of element.childNodes) {
    const next = child instanceof Element ? styled(child, style) : child.cloneNode();
    if (next) copy.append(next);
  }
  return copy;
}

/**
 * Where a shape is moved to by its looks.
 * @param {Element} element
 * @param {CSSStyleDeclaration} style
 */
function moved(element, style) {
  let [x, y] = style.transformOrigin.split(" ").map(Number.parseFloat);
  if (style.transformBox === "fill-box" && element instanceof SVGGraphicsElement) {
    const box = element.getBBox();
    [x, y] = [x + box.x, y + box.y];
  }
  if (!x && !y) return style.transform;
  const by = (/** @type {number} */ sign) => `translate(${short(sign * x)} ${short(sign * y)})`;
  return `${by(1)} ${style.transform} ${by(-1)}`;
}

/** Its colour and its edges. @param {CSSStyleDeclaration} style @param {DOMRect} box */
function groundOf(style, box) {
  const sides = /** @type {const} */ (["Top", "Right", "Bottom", "Left"]);
  const widths = sides.map((side) =>
    style[`border${side}Style`] === "none" ? 0 : Number.parseFloat(style[`border${side}Width`]),
  );
  const isFilled = !CLEAR.test(style.backgroundColor);
  const round = Math.min(Number.parseFloat(style.borderTopLeftRadius) || 0, box.height / 2);
  const { left, top, width, height } = box;
  if (!width || !height) return [];
  const [edge] = widths;
  const isWhole = widths.every((one) => one === edge);
  const made = [];
  if (isFilled || (edge && isWhole))
    made.push(
      svg("rect", {
        x: short(left + edge / 2),
        y: short(top + edge / 2),
        width: short(Math.max(0, width - edge)),
        height: short(Math.max(0, height - edge)),
        rx: round ? short(round) : null,
        fill: isFilled ? style.backgroundColor : "none",
        stroke: edge && isWhole ? style.borderTopColor : null,
        "stroke-width": edge && isWhole ? edge : null,
      }),
    );
  if (isWhole) return made;
  const right = left + width;
  const bottom = top + height;
  const lines = [
    [left, top, right, top],
    [right, top, right, bottom],
    [left, bottom, right, bottom],
    [left, top, left, bottom],
  ];
  sides.forEach((side, i) => {
    if (!widths[i]) return;
    const [x1, y1, x2, y2] = lines[i].map(short);
    const stroke = style[`border${side}Color`];
    made.push(svg("line", { x1, y1, x2, y2, stroke, "stroke-width": widths[i] }));
  });
  return made;
}

/** @param {HTMLCanvasElement | HTMLImageElement} source @param {DOMRect} box */
function imageOf(source, box) {
  const href = source instanceof HTMLCanvasElement ? source.toDataURL("image/png") : source.src;
  return svg("image", {
    x: short(box.left),
    y: short(box.top),
    width: short(box.width),
    height: short(box.height),
    preserveAspectRatio: "none",
    href,
  });
}

/** A slider: its line and its handle. @param {HTMLInputElement} input @param {DOMRect} box */
function track(input, box) {
  const { min, max, value } = input;
  const share = (Number(value) - Number(min)) / (Number(max) - Number(min) || 1);
  const [y, r] = [short(box.top + box.height / 2), 7];
  const x = short(box.left + r + share * (box.width - 2 * r));
  const accent = getComputedStyle(input).accentColor;
  return [
    svg("line", {
      x1: short(box.left),
      y1: y,
      x2: short(box.right),
      y2: y,
      stroke: "gray",
      "stroke-width": 2,
    }),
    svg("circle", { cx: x, cy: y, r, fill: accent }),
  ];
}

/**
 * @param {CSSStyleDeclaration} style
 * @param {CanvasRenderingContext2D} measure
 * @returns {{ascent: number, looks: Record<string, string | null>}}
 */
function typeOf(style, measure) {
  measure.font = `${style.fontStyle} ${style.fontWeight} ${style.fontSize} ${style.fontFamily}`;
  const { fontBoundingBoxAscent: ascent } = measure.measureText("x");
  const looks = {
    fill: style.color,
    "font-family": style.fontFamily,
    "font-size": style.fontSize,
    "font-weight": style.fontWeight === "400" ? null : style.fontWeight,
    "font-style": style.fontStyle === "normal" ? null : style.fontStyle,
    "font-variant-numeric": style.fontVariantNumeric === "normal" ? null : style.fontVariantNumeric,
    "xml:space": "preserve",
  };
  return { ascent, looks };
}

/**
 * What a field holds, or what it suggests.
 * @param {HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement} field
 * @param {CSSStyleDeclaration} style
 * @param {DOMRect} box
 * @param {CanvasRenderingContext2D} measure
 */
function valueIn(field, style, box, measure) {
  if (field instanceof HTMLInputElement && /checkbox|radio|file|hidden/.test(field.type)) return [];
  const isMenu = field instanceof HTMLSelectElement;
  const typed = isMenu ? (field.selectedOptions[0]?.text ?? "") : field.value;
  const text = typed || (isMenu ? "" : field.placeholder);
  const { ascent, looks } = typeOf(style, measure);
  const line = Number.parseFloat(style.lineHeight) || 1.3 * Number.parseFloat(style.fontSize);
  const isTall = field instanceof HTMLTextAreaElement;
  const isRight = /right|end/.test(style.textAlign);
  const [left, right] = [style.paddingLeft, style.paddingRight].map(Number.parseFloat);
  const top = isTall ? box.top + Number.parseFloat(style.paddingTop) : box.top;
  const room = isTall ? line : box.height;
  const lines = isTall ? text.split("\n").slice(0, Math.floor(box.height / line)) : [text];
  return lines.map((one, i) =>
    svg(
      "text",
      {
        ...looks,
        x: short(isRight ? box.right - right : box.left + left),
        y: short(top + i * line + (room - ascent * 1.25) / 2 + ascent),
        "text-anchor": isRight ? "end" : null,
        opacity: typed ? null : 0.6,
      },
      one,
    ),
  );
}

/**
 * A text, line by line, where it stands.
 * @param {Text} node
 * @param {CSSStyleDeclaration} style
 * @param {CanvasRenderingContext2D} measure
 */
function linesOf(node, style, measure) {
  const { data } = node;
  if (!data.trim() || Number.parseFloat(style.fontSize) === 0) return [];
  const range = document.createRange();
  range.selectNodeContents(node);
  const { ascent, looks } = typeOf(style, measure);
  /** @type {{left: number, top: number, bottom: number, text: string}[]} */
  const lines = [];
  const isOne = range.getClientRects().length === 1;
  /** @param {number} from @param {number} to */
  const add = (from, to) => {
    range.setStart(node, from);
    range.setEnd(node, to);
    const box = range.getClientRects()[0];
    if (!box?.height) return;
    const last = lines.at(-1);
    const text = data.slice(from, to);
    const isSame = last && Math.abs(last.top - box.top) < 2 && last.left <= box.left;
    if (last && isSame) last.text += text;
    else lines.push({ left: box.left, top: box.top, bottom: box.bottom, text });
  };
  if (isOne) add(0, data.length);
  else
    for (const found of data.matchAll(/\s+|\S+/g)) pieces(found.index, found[0], add, range, node);
  const keeps = /pre/.test(style.whiteSpaceCollapse ?? style.whiteSpace);
  return lines
    .map((line) => ({ ...line, text: keeps ? line.text : line.text.replace(/\s+/g, " ") }))
    .map((line) => ({ ...line, text: isOne || keeps ? line.text : line.text.trimEnd() }))
    .filter(({ text }) => text.trim())
    .map(({ left, top, text }) =>
      svg("text", { ...looks, x: short(left), y: short(top + ascent) }, trimmed(text, isOne)),
    );
}

/** White space that begins a paragraph isn't drawn. @param {string} text @param {boolean} isOne */
const trimmed = (text, isOne) => (isOne ? text.replace(/^\n\s*|\n\s*$/g, "") : text);

/**
 * A word, or its pieces where it is broken.
 * @param {number} from
 * @param {string} word
 * @param {(from: number, to: number) => void} add
 * @param {Range} range
 * @param {Text} node
 */
function pieces(from, word, add, range, node) {
  range.setStart(node, from);
  range.setEnd(node, from + word.length);
  if (range.getClientRects().length < 2) return add(from, from + word.length);
  for (let i = 0; i < word.length; i++) add(from + i, from + i + 1);
}

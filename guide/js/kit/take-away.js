// A figure as a file: its picture as it is now, below it what it shows, where it is from and what
// may be done with it. The file needs nothing else: looks and fonts are in it.

import { html, svg } from "./dom.js";
import { flattened } from "./flatten.js";
import { pageAddress } from "./state.js";

const SOURCE = "microgpt";
const LICENCE = "MIT License, © 2026 the microgpt authors";
const FONTS = new URL("../../fonts/", import.meta.url);
const FACES = /** @type {Record<string, string>} */ ({
  "Guide Sans": "sans.woff2",
  "Guide Serif": "serif.woff2",
  "Guide Mono": "mono.woff2",
  "Guide Maths": "maths.woff2",
});
const MARGIN = 20;
const LINE = 20; // pixels, of the words below
const SCALE = 2; // of the PNG
const LEAST = 440; // pixels: so wide at least, for the words
const NOT_IN_XML = /[^\t\n\r -\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu;

/** What isn't part of the picture. @param {Element} element */
const isLeftOut = (element) =>
  element.matches(".mg-menu, .mg-table, .mg-side, .mg-copy, [hidden], script, style, template");

/** Whether others can reach this address. @param {URL | Location} address */
export const isPublic = ({ protocol, hostname }) =>
  protocol.startsWith("http") && !/^(localhost|127\.|\[::1\]|0\.0\.0\.0)/.test(hostname);

/** Where a figure is from. */
function sourceOf() {
  const title = document.body.dataset.title ?? document.querySelector("h1")?.textContent?.trim();
  const address = new URL(pageAddress());
  const where = isPublic(address) ? `, ${address.origin}${address.pathname}` : "";
  return `“${title ?? document.title}” in ${SOURCE}${where}`;
}

/** What a figure shows, in words. @param {Element} figure */
export const captionOf = (figure) =>
  figure.querySelector(":scope > .mg-summary")?.textContent?.trim() ?? "";

/**
 * Lines as wide as there is room.
 * @param {string} text
 * @param {number} width
 * @param {(text: string) => number} measure
 */
export function wrapped(text, width, measure) {
  /** @type {string[]} */
  const lines = [];
  for (const word of text.split(/\s+/).filter((one) => one)) {
    const longer = lines.length ? `${lines.at(-1)} ${word}` : word;
    if (lines.length && measure(longer) <= width) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines;
}

/**
 * A text that any XML can hold: signs that it can't, which a reader's words may have, and halves of
 * characters become the sign for that.
 * @param {string} text
 */
export const inXml = (text) => text.replace(NOT_IN_XML, "\ufffd");

/** @param {string} file */
async function fontOf(file) {
  const bytes = new Uint8Array(await (await fetch(new URL(file, FONTS))).arrayBuffer());
  let text = "";
  for (let i = 0; i < bytes.length; i += 4096)
    text += String.fromCharCode(...bytes.subarray(i, i + 4096));
  return `data:font/woff2;base64,${btoa(text)}`;
}

/**
 * The fonts that a drawing uses, as rules with the files in them; one that can't be had is left to
 * the names that stand behind it.
 * @param {string} text the drawing's
 */
async function facesFor(text) {
  const rules = await Promise.all(
    Object.entries(FACES)
      .filter(([family]) => text.includes(family))
      .map(async ([family, file]) => {
        const src = await fontOf(file).catch(() => "");
        return src && `@font-face{font-family:"${family}";src:url(${src});font-weight:400 700}`;
      }),
  );
  return rules.join("");
}

/**
 * The figure's picture as an SVG that stands alone.
 * @param {Element} figure
 * @returns {Promise<{text: string, width: number, height: number}>}
 */
export async function drawn(figure) {
  figure.dispatchEvent(new CustomEvent("mg-snapshot")); // what draws in 3-D draws once more
  const part = figure.querySelector(".mg-picture") ?? figure;
  const box = part.getBoundingClientRect();
  const { content, bottom } = flattened(part, isLeftOut);
  const width = Math.ceil(Math.max(box.width, LEAST)) + 2 * MARGIN;
  const style = getComputedStyle(figure);
  const paper = /** @type {CanvasRenderingContext2D} */ (html("canvas").getContext("2d"));
  const face = getComputedStyle(document.documentElement).getPropertyValue("--sans").trim();
  paper.font = `14px ${face}`;
  const caption = wrapped(
    captionOf(figure),
    width - 2 * MARGIN,
    (one) => paper.measureText(one).width,
  );
  const soft = softOf(figure);
  const told = [
    ...caption.map((text) => ({ text, fill: style.color })),
    ...[sourceOf(), LICENCE].map((text) => ({ text, fill: soft })),
  ];
  const top = MARGIN + Math.ceil(bottom - box.top) + MARGIN;
  const height = top + told.length * LINE + MARGIN / 2;
  const words = told.map(({ text, fill }, i) =>
    svg(
      "text",
      { x: MARGIN, y: top + i * LINE + 10, fill, "font-size": 14, "font-family": face },
      text,
    ),
  );
  const by = `translate(${MARGIN - box.left} ${MARGIN - box.top})`;
  const whole = svg(
    "svg",
    { width, height, viewBox: `0 0 ${width} ${height}` },
    svg("title", {}, sourceOf()),
    svg("desc", {}, `${captionOf(figure)} ${LICENCE}`.trim()),
    svg("rect", { width, height, fill: groundOf(figure) }),
    svg("g", { transform: by }, ...content),
    ...words,
  );
  const text = inXml(new XMLSerializer().serializeToString(whole));
  const faces = await facesFor(text);
  return { text: text.replace("<title>", `<style>${faces}</style><title>`), width, height };
}

/** The colour that a figure stands on. @param {Element} figure */
function groundOf(figure) {
  for (let at = /** @type {Element | null} */ (figure); at; at = at.parentElement) {
    const { backgroundColor } = getComputedStyle(at);
    if (!/^(transparent|rgba\(.*, 0\))$/.test(backgroundColor)) return backgroundColor;
  }
  return "white";
}

/** The colour of lesser text. @param {Element} figure */
function softOf(figure) {
  const probe = html("span", { class: "mg-soft" });
  figure.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}

/**
 * An SVG as a PNG.
 * @param {{text: string, width: number, height: number}} drawing
 * @returns {Promise<Blob>}
 */
export async function painted({ text, width, height }) {
  const address = URL.createObjectURL(new Blob([text], { type: "image/svg+xml" }));
  try {
    const image = new Image(width * SCALE, height * SCALE);
    image.src = address;
    await image.decode();
    const canvas = html("canvas", { width: width * SCALE, height: height * SCALE });
    const paper = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    paper.drawImage(image, 0, 0, canvas.width, canvas.height);
    return await new Promise((done, failed) =>
      canvas.toBlob((blob) => (blob ? done(blob) : failed(new Error("no PNG was made")))),
    );
  } finally {
    URL.revokeObjectURL(address);
  }
}

/** @param {Blob} blob @param {string} name */
export function download(blob, name) {
  const address = URL.createObjectURL(blob);
  html("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

/**
 * Hands the reader the figure as a file.
 * @param {Element} figure
 * @param {"svg" | "png"} kind
 */
export async function save(figure, kind) {
  const page = location.pathname.split("/").filter(Boolean).at(-1);
  const names = [SOURCE, page, figure.localName.replace(/^mg-/, "")];
  const name = `${names.filter(Boolean).join("-")}.${kind}`;
  const drawing = await drawn(figure);
  const blob =
    kind === "svg" ? new Blob([drawing.text], { type: "image/svg+xml" }) : await painted(drawing);
  download(blob, name);
}

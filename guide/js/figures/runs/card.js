// “My model's twelve invented towns”: a picture to show around, of what the reader's own model
// writes, what it was made from, and where.

import { marked } from "../../characters.js";
import { html } from "../../kit/dom.js";
import { pageAddress } from "../../kit/state.js";
import { download, isPublic, wrapped } from "../../kit/take-away.js";
import { Random } from "../../random.js";

export const TWELVE = 12;
const TRIES = 600; // texts, until it is given up
const [WIDTH, HEIGHT, MARGIN] = [1200, 630, 70];
const many = (/** @type {number} */ n) => n.toLocaleString("en");

/**
 * The first twelve different texts that it writes and that aren't in the list; fewer where it finds
 * no more.
 * @param {import("../../engine.js").Engine} engine which holds the model
 * @param {import("../../model.js").Model} model
 * @param {readonly string[] | null} list
 * @param {{temperature: number, seed: number}} how
 */
export function inventions(engine, { tokenizer, config }, list, { temperature, seed }) {
  const { tokens } = engine.sample(
    Array.from({ length: TRIES }, () => []),
    { temperature, uniforms: new Random(seed).uniforms(TRIES * config.block_size) },
  );
  const known = new Set(list?.map((line) => [...line].slice(0, config.block_size).join("")));
  const texts = tokens
    .map((ids) => ids.map((id) => tokenizer.uchars[id] ?? "").join(""))
    .filter((text) => text.trim() && !known.has(text));
  return [...new Set(texts)].slice(0, TWELVE);
}

/**
 * What stands above and below them.
 * @param {{count: number, what: string, parameters: number, list: readonly string[] | null,
 *   temperature: number}} facts
 */
export function wordsOf({ count, what, parameters, list, temperature }) {
  const numbers = ["no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];
  const number = [...numbers, "ten", "eleven", "twelve"][count];
  const from = list
    ? `that learned from ${many(list.length)} lines; none of these is among them.`
    : "whose list isn't known here.";
  const model = `a model of ${many(parameters)} parameters`;
  return {
    title: `My model's ${number} invented ${what || (count === 1 ? "word" : "words")}`,
    made: `Written at temperature ${temperature} by ${model} ${from}`,
  };
}

/**
 * Draws them, and hands the picture to the reader; says what was saved.
 * @param {string[]} texts
 * @param {ReturnType<typeof wordsOf>} words
 * @returns {Promise<string>}
 */
export async function saveCard(texts, words) {
  const canvas = html("canvas", { width: WIDTH, height: HEIGHT });
  const paper = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const face = getComputedStyle(document.documentElement).getPropertyValue("--sans").trim();
  const type = (/** @type {number} */ size, bold = false) => {
    paper.font = `${bold ? 700 : 400} ${size}px ${face}`;
  };
  const colour = colours();
  paper.fillStyle = colour("--paper");
  paper.fillRect(0, 0, WIDTH, HEIGHT);
  paper.fillStyle = colour("--above");
  paper.fillRect(0, 0, WIDTH, 12);
  paper.textBaseline = "alphabetic";
  const room = WIDTH - 2 * MARGIN;
  paper.fillStyle = colour("--ink");
  type(46, true);
  paper.fillText(words.title, MARGIN, 96, room);
  const half = Math.ceil(texts.length / 2);
  const pitch = 62;
  texts.forEach((text, i) => {
    type(38);
    paper.fillStyle = colour(i % 2 ? "--t-prob" : "--t-q");
    const [column, line] = [Math.floor(i / half), i % half];
    const x = MARGIN + (column * room) / 2;
    paper.fillText(marked(text), x, 168 + line * pitch, room / 2 - 30);
  });
  type(23);
  paper.fillStyle = colour("--soft");
  const measure = (/** @type {string} */ text) => paper.measureText(text).width;
  const address = new URL(pageAddress());
  const where = isPublic(address) ? `${address.host}${address.pathname}` : "microgpt";
  [...wrapped(words.made, room, measure).slice(0, 2), where].forEach((line, i) => {
    paper.fillText(line, MARGIN, HEIGHT - 96 + i * 32, room);
  });
  const blob = await new Promise((/** @type {(made: Blob | null) => void} */ done) =>
    canvas.toBlob(done),
  );
  if (!blob) return "This browser can't make a picture of them.";
  const name = "microgpt-invented.png";
  download(blob, name);
  return `Saved as ${name}: ${texts.map(marked).join(", ")}.`;
}

/** Asks the page for its colours by name. */
function colours() {
  const probe = html("span", { hidden: true });
  document.body.append(probe);
  queueMicrotask(() => probe.remove());
  return (/** @type {string} */ name) => {
    probe.style.color = `var(${name})`;
    return getComputedStyle(probe).color;
  };
}

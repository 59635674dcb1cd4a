// Where the next letter is drawn: 27 bars, the same probabilities side by side on a line from 0 to
// 1, and the letters of a name, each with the number that drew it.

import "../../kit/bars.js";
import { button, html, onTheme, prefersLessMotion, setText } from "../../kit/dom.js";
import { make } from "../../kit/make.js";
import { written } from "../../kit/text.js";
import { coloursOf } from "./relief.js";

/** @typedef {import("./chat.js").Letter} Letter */
/** @typedef {import("./chat.js").Name} Name */
/**
 * Probabilities, what was drawn by them, and whether the bars don't move there but stand at once.
 * @typedef {{probs: number[], draw?: Letter | null, isAtOnce?: boolean}} Shown
 */

const MORPH_MS = 160;
const FALL_MS = 240;
const LINE = { height: 44, top: 2, bar: 24 };
const LEAST_FOR_A_LETTER = 11; // px of the line
const SIDE = 6; // of the bars' picture, left and right

export class Stage {
  bars = make("mg-bars", { label: "Probability of the next letter", digits: 3 });
  line = html("canvas", { class: "stage-line", "aria-hidden": "true" });
  said = html("p", { class: "mg-readout stage-said" });
  tiles = html("ol", { class: "stage-tiles", "aria-label": "The name, letter by letter" });
  /** @private @type {Animation | null} */ fall = null;
  falling = html("span", { class: "stage-falling", "aria-hidden": "true" });
  box = html("div", { class: "stage" }, this.bars, this.line, this.said, this.tiles, this.falling);
  /** @private @type {Shown} */ shown = { probs: [] };
  /** @private @type {number[]} */ before = [];
  /** @private what the bars stand at @type {number[]} */ standing = [];
  /** @private */ frame = 0;
  /** @private */ began = 0;
  /** @private @type {string[] | null} */ colours = null;
  /** @private */ sans = "";
  /** @private asking for it lays the page out */ width = 0;

  /**
   * @param {import("../../kit/widget.js").Widget} host
   * @param {readonly string[]} names of the tokens
   * @param {(letter: Letter) => void} look shows how a letter was drawn
   */
  constructor(host, names, look) {
    this.host = host;
    this.names = names;
    this.look = look;
    const watcher = new ResizeObserver(() => {
      this.width = this.line.clientWidth;
      host.guard(() => this.paint());
    });
    watcher.observe(this.line);
    host.whenLeaving(() => watcher.disconnect());
    host.whenLeaving(
      onTheme(() => {
        this.colours = null;
        host.guard(() => this.paint());
      }),
    );
    host.whenLeaving(() => cancelAnimationFrame(this.frame));
  }

  /** @param {Shown} shown */
  show(shown) {
    const { probs, draw } = shown;
    const isSame = probs.every((p, i) => p === this.shown.probs[i]) && probs.length;
    this.shown = shown;
    this.paint();
    const text = draw
      ? `Drawn: ${written(draw.uniform, 3)}, and ${this.names[draw.token]} has the part from ` +
        `${written(draw.from, 3)} to ${written(draw.to, 3)}.`
      : "A number drawn between 0 and 1 picks the letter.";
    setText(this.said, text);
    if (isSame && !this.frame) return this.rise(1);
    this.before = this.standing.length ? this.standing : probs;
    this.began = performance.now();
    if (shown.isAtOnce || prefersLessMotion()) {
      cancelAnimationFrame(this.frame);
      this.frame = 0;
      this.rise(1);
    } else this.frame ||= requestAnimationFrame(() => this.host.guard(() => this.run()));
    return undefined;
  }

  /** @private */
  run() {
    const part = Math.min(1, (performance.now() - this.began) / MORPH_MS);
    this.rise(part < 1 ? 1 - (1 - part) ** 2 : 1);
    this.frame = part < 1 ? requestAnimationFrame(() => this.host.guard(() => this.run())) : 0;
  }

  /** The bars on their way. @private @param {number} part */
  rise(part) {
    const { probs, draw } = this.shown;
    const { names, before } = this;
    this.standing =
      part < 1 ? probs.map((p, i) => (before[i] ?? p) + (p - (before[i] ?? p)) * part) : probs;
    const peak = probs.indexOf(Math.max(...probs));
    this.bars.data = {
      names: [...names],
      values: this.standing,
      marked: draw ? draw.token : peak,
      most: probs[peak] > 0.5 ? 1 : 0.5,
      say: (i) => `${names[i]}: ${written(probs[i], 3)}`,
    };
  }

  /** @private */
  paint() {
    const { line, host, width } = this;
    if (!width) return;
    const ratio = Math.min(3, globalThis.devicePixelRatio || 1);
    const [wide, high] = [Math.round(width * ratio), Math.round(LINE.height * ratio)];
    if (line.width !== wide || line.height !== high) [line.width, line.height] = [wide, high];
    const context = /** @type {CanvasRenderingContext2D} */ (line.getContext("2d"));
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, LINE.height);
    if (!this.colours) this.sans = getComputedStyle(line).fontFamily;
    this.colours ??= coloursOf(host, ["--t-prob", "--ink", "--soft", "--panel", "--above"]);
    const [prob, ink, soft, panel, above] = this.colours;
    const { sans } = this;
    const { probs, draw } = this.shown;
    const across = (/** @type {number} */ share) => SIDE + share * (width - 2 * SIDE);
    const [middle, foot] = [LINE.top + LINE.bar / 2, LINE.top + LINE.bar];
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.font = `13px ${sans}`;
    let sum = 0;
    probs.forEach((p, i) => {
      const [left, size] = [across(sum), across(sum + p) - across(sum)];
      const isDrawn = draw?.token === i;
      context.globalAlpha = isDrawn ? 1 : i % 2 ? 0.38 : 0.22;
      context.fillStyle = isDrawn ? above : prob;
      context.fillRect(left, LINE.top, Math.max(size, 0), LINE.bar);
      context.globalAlpha = 1;
      context.fillStyle = isDrawn ? panel : ink;
      if (size >= LEAST_FOR_A_LETTER * this.names[i].length ** 0.7)
        context.fillText(this.names[i], left + size / 2, middle + 1);
      sum += p;
    });
    context.font = `11px ${sans}`;
    context.fillStyle = soft;
    context.textBaseline = "top";
    context.fillText("0", across(0) + 3, foot + 4);
    context.fillText("1", across(1) - 3, foot + 4);
    if (!draw) return;
    const at = across(draw.uniform);
    context.fillStyle = ink;
    context.fillRect(at - 1, LINE.top - 2, 2, LINE.bar + 5);
    const text = written(draw.uniform, 3);
    const room = Math.max(across(0) + 30, Math.min(across(1) - 30, at));
    context.font = `600 11px ${sans}`;
    context.fillText(text, room, foot + 4);
  }

  /** An empty name, or the letters that were given. @param {string} prefix */
  begin(prefix) {
    const given = [...prefix].map((letter) =>
      html("li", {}, html("span", { class: "stage-tile stage-given" }, html("b", {}, letter))),
    );
    this.tiles.replaceChildren(...given);
    this.box.toggleAttribute("data-named", true);
  }

  /** One letter more. @param {Letter} letter */
  add(letter) {
    const name = this.names[letter.token];
    const tile = button("", { class: "stage-tile" });
    tile.append(html("b", {}, name), " ", html("span", {}, written(letter.uniform, 3)));
    this.host.listen(tile, "click", () => this.look(letter));
    this.tiles.append(html("li", {}, tile));
    return tile;
  }

  /** Which of the drawn letters is looked at. @param {number} index −1: none */
  press(index) {
    this.tiles.querySelectorAll("button").forEach((tile, i) => {
      tile.setAttribute("aria-pressed", String(i === index));
    });
  }

  /**
   * The letters fall out of their bar to where the draw is, and on to the name.
   * @param {Letter} letter
   * @param {number} index
   */
  drop(letter, index) {
    const { bars, line, tiles, falling, box, names } = this;
    const tile = tiles.querySelectorAll("button")[index];
    const picture = bars.querySelector("svg");
    if (!picture || !tile || prefersLessMotion()) return;
    const ground = box.getBoundingClientRect();
    const [from, to, end] = [picture, line, tile].map((one) => one.getBoundingClientRect());
    const step = (from.width - 2 * SIDE) / names.length;
    const places = [
      [from.left + SIDE + (letter.token + 0.5) * step, from.bottom - 34],
      [to.left + SIDE + letter.uniform * (to.width - 2 * SIDE), to.top + 14],
      [end.left + end.width / 2, end.top + 14],
    ].map(([x, y]) => `translate(${x - ground.left}px, ${y - ground.top}px) translate(-50%, -50%)`);
    falling.textContent = names[letter.token];
    this.fall = falling.animate(
      [
        { transform: places[0], opacity: 1, easing: "ease-in" },
        { transform: places[1], opacity: 1, offset: 0.55 },
        { transform: places[2], opacity: 1, offset: 0.95 },
        { transform: places[2], opacity: 0 },
      ],
      { duration: 1.6 * FALL_MS },
    );
  }

  /** Nothing falls any more. */
  still() {
    this.fall?.cancel();
  }

  /** No name. */
  clear() {
    this.still();
    this.tiles.replaceChildren();
    this.box.removeAttribute("data-named");
  }
}

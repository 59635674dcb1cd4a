// <mg-pair-counts>: the table of counts as a heat map that fills up, name by name, with the pairs
// of the name just counted; and its story in four scenes, from one name's stitches to a row that
// becomes a guess.

import { allCalled, called } from "../js/figures/dataset.js";
import { rowDraw } from "../js/figures/counting/row-draw.js";
import { stitches } from "../js/figures/counting/stitches.js";
import {
  countsOf,
  drawn,
  HANDFUL,
  pairsOf,
  ROW,
  SCENES,
  told,
} from "../js/figures/counting/story.js";
import { StoryOverlay } from "../js/figures/counting/story-overlay.js";
import { countsAfter } from "../js/figures/counting/whole-count.js";
import { InputError } from "../js/errors.js";
import { html, prefersLessMotion, setAll, setText } from "../js/kit/dom.js";
import { define } from "../js/kit/element.js";
import "../js/kit/heat.js";
import { startLinks } from "../js/kit/link.js";
import { make } from "../js/kit/make.js";
import { Passages } from "../js/kit/passages.js";
import { textField, wholeField } from "../js/kit/state.js";
import { setLine, steady } from "../js/kit/steady.js";
import "../js/kit/stepper.js";
import { OnNames } from "../js/figures/on-names.js";

const [ONE, FEW, ALL, GUESS] = SCENES.map((_, i) => i + 1); // 0 is no scene
const STITCH_MS = 330;
const FAST_MS = 90; // a stitch of the handful
const GUESS_MS = 2400;
const BETWEEN_MS = 350;
const SLICE = 1500; // names counted before the page has its turn
const STITCHED = 20; // as many names have their stitches drawn while one counts them by hand

class MgPairCounts extends OnNames {
  fields = {
    n: wholeField(100, 0, 100),
    scene: wholeField(0, 0, SCENES.length),
    name: textField("emma", 15),
    turn: wholeField(0, 0, 99),
  };
  pairs = html("div", { class: "toks pair-row" });
  /** @private what stands there, or did @type {ReturnType<typeof cellOfPair>[]} */ cells = [];
  heat = make("mg-heat", {
    label: "Counts of pairs",
    digits: 0,
    least: 8,
    most: 29,
    high: 18,
    unsigned: true,
    class: "pair-heat",
    "data-made": "count",
  });
  said = html("p", { class: "mg-note pair-said" });
  /** @private what is said while no cell is read */ full = "";
  /** @private counts of all names @type {number[][] | null} */ whole = null;
  /** @private @type {ReturnType<typeof setTimeout> | undefined} */ counting = undefined;
  /** @private @type {ReturnType<typeof setTimeout> | undefined} */ waiting = undefined;
  /** @private whether scene follows scene */ isTold = false;
  /** @private what the story says */ storySaid = "";

  async load() {
    await super.load();
    this.fields.n = wholeField(100, 0, this.names.shuffled.length);
  }

  build() {
    startLinks();
    this.storySaid = "";
    const steps = make("mg-stepper", { label: "Names counted", pace: 180, hurry: 4 });
    this.steps = steps;
    steps.steps = ["Nothing counted yet", ...this.names.shuffled];
    this.listen(steps, "mg-step", ({ detail: { at, playing } }) => {
      const { scene } = this.values;
      const goesOn = playing && scene === ALL;
      if (scene && !goesOn) this.over?.stop();
      this.isTold &&= goesOn;
      this.set({ n: at, scene: goesOn ? scene : 0 });
      if (goesOn && at === steps.last) this.onward(ALL);
    });
    this.follow(({ n }) => {
      if (steps.at !== n) steps.at = n;
    });
    this.over = new StoryOverlay(this);
    const tell = this.button("Play the story", () => this.tellAll(), {
      class: "mg-button pair-tell",
    });
    const room = html("div", { class: "pair-room" }, this.heat, this.over.root, tell);
    const watcher = new ResizeObserver(() => this.guard(() => this.lay()));
    watcher.observe(room);
    this.whenLeaving(() => watcher.disconnect());
    this.story = new Passages(this, "The story in four scenes", (at) => {
      this.isTold = false;
      this.enter(at + 1);
    });
    this.story.root.classList.add("pair-story");
    const again = this.button("Draw again", () => {
      this.set({ turn: (this.values.turn + 1) % 100 });
      this.play(GUESS);
    });
    this.follow(({ scene }) => {
      const hidden = scene !== GUESS;
      if (again.hidden !== hidden) again.hidden = hidden;
      if (this.pairs.hidden === hidden) this.pairs.hidden = !hidden;
    });
    this.listen(this.heat, "mg-cell", ({ detail: cell }) => {
      const times = cell?.value === 1 ? "time" : "times";
      const words = cell && `${this.inWords(cell.row, cell.column)}: ${cell.value} ${times}.`;
      setLine(this.said, words || this.full);
    });
    this.whenLeaving(() => {
      clearTimeout(this.counting);
      clearTimeout(this.waiting);
      this.isTold = false;
    });
    this.countOn(0);
    const read = (/** @type {string} */ typed) => this.letters(typed);
    return [
      this.figure(room, {
        controls: [steps, this.story.root, again, steady(this.pairs), this.said],
        more: [
          ...this.text(
            "name",
            { label: "Your own name", read, also: () => ({ scene: ONE }) },
            { maxlength: 15 },
          ),
        ],
      }),
    ];
  }

  /** A name that can be counted; else it throws. @private @param {string} typed */
  letters(typed) {
    const name = typed.trim().toLowerCase();
    const { uchars } = this.names.tokenizer;
    if ([...name].every((char) => uchars.includes(char))) return name;
    throw new InputError("Only the letters a to z have counts.");
  }

  /** Counts the whole list in slices, for what the story says. @private @param {number} from */
  countOn(from) {
    const most = this.names.shuffled.length;
    const to = Math.min(from + SLICE, most);
    this.counting = setTimeout(
      () =>
        this.guard(() => {
          const counts = countsAfter(this.names, to);
          if (to < most) this.countOn(to);
          else {
            this.whole = counts;
            this.update();
          }
        }),
      0,
    );
  }

  // ---------------------------------------------------------------- the story

  reset() {
    this.isTold = false;
    this.over?.stop();
    super.reset();
  }

  /** All scenes one after the other; one at a time where less motion is wanted. @private */
  tellAll() {
    this.isTold = !prefersLessMotion();
    this.enter(this.isTold ? ONE : (this.values.scene % GUESS) + 1);
  }

  /** A scene is over: the next, if the whole story is told. @private @param {number} scene */
  onward(scene) {
    if (!this.isTold || this.values.scene !== scene) return;
    this.waiting = setTimeout(
      () =>
        this.guard(() => {
          if (this.isTold && this.values.scene === scene) this.enter(scene + 1);
        }),
      BETWEEN_MS,
    );
  }

  /** A scene of the story begins. @private @param {number} scene */
  enter(scene) {
    this.steps?.pause();
    this.over?.stop();
    const all = this.names.shuffled.length;
    const still = prefersLessMotion();
    if (scene === ONE) this.set({ scene });
    if (scene === FEW) this.set({ scene, n: still ? HANDFUL : 1 });
    if (scene === ALL) this.set({ scene, n: still ? all : HANDFUL });
    if (scene === GUESS) this.set({ scene, n: all });
    this.play(scene);
  }

  /** @private @param {number} scene */
  play(scene) {
    const { n, name } = this.values;
    const shapes = this.shapes();
    if (scene === ONE)
      this.over?.show(shapes, STITCH_MS * (name.length + 1), () => this.onward(ONE));
    if (scene === GUESS) this.over?.show(shapes, GUESS_MS);
    if (scene === ALL && !prefersLessMotion()) this.steps?.play();
    if (scene === FEW)
      this.over?.show(shapes, FAST_MS * (this.names.shuffled[n - 1].length + 1), () => {
        if (n >= HANDFUL) this.onward(FEW);
        else {
          this.set({ n: n + 1 });
          this.play(FEW);
        }
      });
  }

  /** What lies over the table, by how much of its scene has passed. @private */
  shapes() {
    const { names, heat } = this;
    const { n, scene, name, turn } = this.values;
    const place = heat.laid;
    if (!place.w) return null;
    const say = (/** @type {number} */ token) =>
      token === names.tokenizer.bos ? "." : called(names.tokenizer, token);
    if (scene === GUESS) {
      const now = { row: ROW, ...drawn(countsAfter(names, n)[ROW], turn) };
      const full = (/** @type {number} */ token) => called(names.tokenizer, token);
      return (/** @type {number} */ done) => rowDraw(now, place, full, done);
    }
    if (scene !== ONE && (n < 1 || n > STITCHED)) return null;
    const found = pairsOf(names, scene === ONE ? name : names.shuffled[n - 1]);
    return (/** @type {number} */ done) => stitches(found, place, say, done * found.length);
  }

  /** Lays the story over the table. @private */
  lay() {
    const { left, top, w, h } = this.heat.laid;
    const count = this.names.tokenizer.vocab_size;
    this.over?.size(left + count * w + 2, top + count * h + 2);
    this.over?.show(this.shapes());
  }

  /** @private @param {number} row @param {number} column */
  inWords(row, column) {
    const [from, to] = [row, column].map((token) => called(this.names.tokenizer, token));
    if (from === "BOS" && to === "BOS") return "An empty name";
    if (from === "BOS") return `${to} begins a name`;
    return to === "BOS" ? `${from} ends a name` : `${to} follows ${from}`;
  }

  show() {
    const { names, heat } = this;
    const { n, scene, name, turn } = this.values;
    const counts = scene === ONE ? countsOf(names, name) : countsAfter(names, n);
    const labels = allCalled(names.tokenizer);
    const all = counts.flat();
    // A few pairs are far ahead of the rest: the twentieth largest already has full colour.
    const large = Float64Array.from(all.filter((count) => count > 2)).sort();
    const full = Math.max(2, large.at(-20) ?? 0);
    heat.data = { values: counts, rows: labels, columns: labels, most: full, link: "pair" };
    this.full = `The strongest colour stands for ${full.toLocaleString("en")} times or more.`;
    setLine(this.said, this.full);
    const counted = scene === ONE ? name : n && names.shuffled[n - 1];
    this.write(counted ? pairsOf(names, counted) : [], counts);
    const says = `${name} ${turn} ${this.whole !== null}`;
    if (says !== this.storySaid) {
      this.storySaid = says;
      this.story?.write(told(names, name, turn, this.whole));
    }
    this.story?.show(scene - 1);
    this.lay();
    this.summary(() => this.told(all, labels.length));
  }

  /**
   * The pairs of a name with their counts; cells that are there get other texts.
   * @private
   * @param {[number, number][]} found
   * @param {number[][]} counts
   */
  write(found, counts) {
    const { pairs, cells } = this;
    const { tokenizer } = this.names;
    found.forEach(([a, b], i) => {
      const { cell, pair, count } = (cells[i] ??= cellOfPair());
      setAll(cell, { class: "tok tok-pair", "data-link": `pair.r${a}.c${b}` });
      setText(pair, `${called(tokenizer, a)} → ${called(tokenizer, b)}`);
      setText(count, String(counts[a][b]));
      if (pairs.childNodes[i] !== cell) pairs.insertBefore(cell, pairs.childNodes[i] ?? null);
    });
    while (pairs.childNodes.length > found.length) pairs.lastChild?.remove();
    if (!found.length) pairs.append("No name yet: every count is 0.");
  }

  /** @private @param {number[]} all counts @param {number} columns */
  told(all, columns) {
    const { n, scene, name, turn } = this.values;
    if (scene === GUESS) {
      const [, , , { sentences }] = told(this.names, name, turn, countsAfter(this.names, n));
      return sentences[0];
    }
    const seen = all.filter((count) => count > 0).length;
    const sum = all.reduce((x, y) => x + y, 0);
    const top = Math.max(...all);
    const names = `${n.toLocaleString("en")} ${n === 1 ? "name" : "names"}`;
    const counted = scene === ONE ? `“${name}” alone` : names;
    const where = all.indexOf(top);
    const most = top
      ? ` The largest count is ${top.toLocaleString("en")}: ` +
        `${this.inWords(Math.floor(where / columns), where % columns)}.`
      : "";
    return (
      `${counted} counted, ` +
      `${sum.toLocaleString("en")} pairs; ${seen} of ${all.length} cells are above 0.${most}`
    );
  }
}

function cellOfPair() {
  const [pair, count] = [html("b"), html("small")];
  return { cell: html("span", { tabindex: 0 }, pair, count), pair, count };
}

define("mg-pair-counts", MgPairCounts);

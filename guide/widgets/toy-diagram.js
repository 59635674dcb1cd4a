// <mg-toy-diagram>: the toy GPT as blocks, growing in five stages. Beside each block are
// its numbers, as matrices or as neurons. A block, its numbers, its lines of code and its formula
// light up together by hover and focus; a click pins them. With stage="3" it shows what that stage
// adds, and nothing else; all diagrams of a page have the same token.
//
// In the tag stand the text for readers without scripts, the quoted code, and a list with a bold
// name and a formula for each block.

import { button, html, onTheme } from "../js/kit/dom.js";
import { define } from "../js/kit/element.js";
import { startLinks } from "../js/kit/link.js";
import { scaleOf } from "../js/kit/color.js";
import { group, make, row, scrolling } from "../js/kit/make.js";
import { choiceField, wholeField, writeState } from "../js/kit/state.js";
import "../js/kit/stepper.js";
import { written } from "../js/kit/text.js";
import { Widget } from "../js/kit/widget.js";
import { entryOf, GPT_LINES, linksOf, LOSS_LINES } from "../js/figures/rungs/gpt-lines.js";
import {
  cacheTable,
  figures,
  matrixPicture,
  neuronPicture,
  tablePicture,
} from "../js/figures/toy/toy-pictures.js";
import {
  BLOCKS,
  labelOf,
  normText,
  workings,
  STAGES,
  stageSentence,
  toyNumbers,
  VECTORS,
} from "../js/figures/toy/toy-steps.js";
import { TOY_TOKENS } from "../js/numbers/toy.js";

/** @typedef {import("../js/figures/toy/toy-steps.js").Block} Block */
/** @typedef {import("../js/figures/toy/toy-steps.js").ToyNumbers} ToyNumbers */
/** @typedef {import("../js/figures/toy/toy-pictures.js").Part} Part */

const LINES = [...GPT_LINES, ...LOSS_LINES];
/**
 * What can't be reached yet is told to the page after the frame: that styles every element in it
 * anew.
 */
const whenIdle =
  globalThis.requestIdleCallback ??
  ((/** @type {() => void} */ run, /** @type {unknown} */ _how) => setTimeout(run));

/** Those of the page, which show the same. @type {Set<MgToyDiagram>} */
const diagrams = new Set();

/**
 * What the page says of each block and its code.
 * @type {{formulas: Map<string, Node[]>, lines: HTMLElement[]}}
 */
const lore = { formulas: new Map(), lines: [] };

/**
 * Numbers of a token, computed once for all diagrams of the page.
 * @type {Map<string, ToyNumbers>}
 */
const computed = new Map();

/** @param {number} token @param {"pinned" | "computed"} cache @param {"hand" | "exact"} mode */
function numbersFor(token, cache, mode) {
  const key = `${token} ${cache} ${mode}`;
  const n = computed.get(key) ?? toyNumbers({ token }, cache, mode);
  computed.set(key, n);
  return n;
}

/** @param {string} vector */
const lengthOf = (vector) => numbersFor(2, "pinned", "hand").row[vector].length;

startLinks();

/** @typedef {{block: Block, whole: HTMLElement, key: HTMLElement}} Row */

class MgToyDiagram extends Widget {
  fields = {
    stage: wholeField(1, 1, STAGES.length),
    token: choiceField("2", ["0", "1", "2", "3"]),
    view: choiceField("matrices", ["matrices", "neurons"]),
    numbers: choiceField("hand", ["hand", "exact"]),
    cache: choiceField("pinned", ["pinned", "computed"]),
  };
  /** the stage that it shows alone @type {number | null} */ only = null;
  /** what its regions are named by: names have to differ on a page */ region = "";
  /** @type {Map<string, {view: string, scale: object, parts: Part[], shows: ToyNumbers | null}>} */
  made = new Map();
  /** @type {Map<string, HTMLElement>} */ places = new Map();
  /** @type {Row[]} */ rows = [];
  /** @type {ToyNumbers | undefined} */ now = undefined;
  /** the last stage that is shown */ last = 0;
  /** @type {{vectors: string[], pinned: boolean} | null} */ told = null;

  build() {
    this.only = this.hasAttribute("stage")
      ? Math.max(0, Math.min(4, this.numberOf("stage", 1) - 1))
      : null;
    const isWhole = this.only === null;
    this.region = this.only === null ? "The diagram" : `Stage ${this.only + 1}`;
    this.hasTools = !isWhole;
    for (const { values } of diagrams) Object.assign(this.state.values, values);
    diagrams.add(this);
    this.whenLeaving(() => diagrams.delete(this));
    if (isWhole) this.readPage();
    const theme = () => {
      this.scale = scaleOf(this);
    };
    theme();
    this.made.clear();
    this.now = undefined;
    this.told = null;
    this.panel = scrolling(
      `${this.region}: formula, code and sums of the highlighted block`,
      html(
        "p",
        { class: "mg-note" },
        "Point at a block, or tap it: its formula, code and sums appear here. A click or Enter " +
          "pins it.",
      ),
    );
    this.panel.classList.add("toy-panel");
    const tokens = this.choices("token", `${this.region}: token at position 2`, TOY_TOKENS);
    tokens.prepend(html("span", {}, "Token at position 2"));
    this.listen(document, "mg-link", ({ detail }) => this.lit(detail));
    this.whenLeaving(
      onTheme(() =>
        this.guard(() => {
          theme();
          this.show();
        }),
      ),
    );
    return [
      tokens,
      isWhole ? this.controls() : [],
      html("div", { class: "toy-blocks" }, ...this.groups()),
      this.panel,
      isWhole ? this.code() : null,
    ].flat();
  }

  /** Formulas and code as they stand in the tag. @private */
  readPage() {
    const parts = this.fallback.filter((node) => node instanceof HTMLElement);
    for (const item of parts.flatMap((part) =>
      part.matches("ul, ol") ? [...part.children] : [],
    )) {
      const name = item.querySelector("strong");
      if (name)
        lore.formulas.set(
          name.textContent ?? "",
          [...item.childNodes].filter((node) => node !== name),
        );
    }
    const figuresOfCode = parts.filter((part) => part.matches("figure.code"));
    lore.lines = figuresOfCode.flatMap((one) => [
      .../** @type {NodeListOf<HTMLElement>} */ (one.querySelectorAll(".line")),
    ]);
    for (const line of lore.lines) {
      const entry = entryOf(line.textContent ?? "", LINES);
      if (entry) line.dataset.link = linksOf(entry.makes);
    }
  }

  /** @private */
  code() {
    const quoted = this.fallback.filter(
      (node) => node instanceof HTMLElement && node.matches("figure.code"),
    );
    return html(
      "details",
      { class: "toy-code" },
      html("summary", {}, "The whole code, lit with the blocks"),
      ...quoted,
    );
  }

  /** @private */
  controls() {
    const stages = make("mg-stepper", { label: "Stages", pace: 3000 });
    stages.steps = [...STAGES];
    this.listen(stages, "mg-step", ({ detail }) => this.set({ stage: detail.at + 1 }));
    this.follow(({ stage }) => {
      if (stages.at !== stage - 1) stages.at = stage - 1;
    });
    const views = { matrices: "matrices", neurons: "neurons" };
    const numbers = { hand: "rounded by hand", exact: "exact" };
    const caches = { pinned: "pinned", computed: "computed from BOS, a" };
    return [
      stages,
      row(
        this.menu("view", { label: "Show", options: views }),
        this.menu("numbers", { label: "Numbers", options: numbers }),
        this.menu("cache", { label: "Cache", options: caches }),
      ),
    ];
  }

  /** The blocks, those of a branch together beside the residual stream. @private */
  groups() {
    this.places.clear();
    this.rows = [];
    const groups = /** @type {HTMLElement[]} */ ([]);
    let branch = "";
    for (const block of BLOCKS) {
      if (this.only !== null && block.stage !== this.only) continue;
      const key = button(block.name, {
        class: "mg-button toy-block",
        "aria-pressed": "false",
        "data-link": linksOf(block.vectors),
        "data-kind": VECTORS[block.vectors[0]].kind,
      });
      const made = html("div", { class: "toy-made" }, ...this.placesOf(block));
      const whole = html("div", { class: "toy-row" }, key, made);
      if (block.branch && block.branch === branch) groups[groups.length - 1].append(whole);
      else
        groups.push(
          block.branch
            ? group(
                `${block.branch}, next to the residual stream`,
                { class: "toy-branch" },
                html("p", { class: "toy-branch-name" }, block.branch),
                whole,
              )
            : whole,
        );
      branch = block.branch;
      this.rows.push({ block, whole: groups[groups.length - 1], key });
    }
    return groups;
  }

  /** @private @param {Block} block */
  placesOf(block) {
    if (block.id === "look") {
      const place = scrolling(`${this.region}: the cache, and what the query finds in it`);
      this.places.set("look", place);
      return [place];
    }
    return block.vectors.map((vector) => {
      const place = html("div", {
        class: "toy-vector",
        "data-link": `toy.${vector}`,
        "data-kind": VECTORS[vector].kind,
      });
      this.places.set(vector, place);
      return place;
    });
  }

  show() {
    const { scale, values } = this;
    if (!scale) return;
    for (const one of diagrams)
      if (writeState(one.fields, one.values) !== writeState(this.fields, values)) one.set(values);
    const { stage, token, numbers, cache, view } = values;
    const last = this.only ?? stage - 1;
    const n = numbersFor(
      Number(token),
      /** @type {"pinned" | "computed"} */ (cache),
      /** @type {"hand" | "exact"} */ (numbers),
    );
    const isTold = n !== this.now && this.told;
    this.now = n;
    this.last = last;
    for (const { block, whole } of this.rows) {
      const isLater = block.stage > last;
      if (whole.classList.contains("toy-later") !== isLater)
        whole.classList.toggle("toy-later", isLater);
      this.fill(block, view, n, scale);
    }
    whenIdle(
      () => {
        for (const { whole } of this.rows) whole.inert = whole.classList.contains("toy-later");
      },
      { timeout: 300 },
    );
    if (isTold) this.tellOf(isTold);
    this.summary(stageSentence(n, last));
  }

  /**
   * Brings a block to these numbers, if it has others.
   * @private
   * @param {Block} block
   * @param {string} view
   * @param {ToyNumbers} n
   * @param {import("../js/kit/color.js").Scale} scale
   */
  fill(block, view, n, scale) {
    const made = this.madeOf(block, view, scale);
    if (made.shows === n) return;
    made.shows = n;
    for (const part of made.parts) part.update(n);
  }

  /**
   * What a block shows, made when it is first seen, or seen otherwise.
   * @private
   * @param {Block} block
   * @param {string} view
   * @param {import("../js/kit/color.js").Scale} scale
   */
  madeOf(block, view, scale) {
    const before = this.made.get(block.id);
    if (before && before.view === view && before.scale === scale) return before;
    const parts =
      block.id === "look"
        ? [cacheTable()]
        : block.vectors.flatMap((vector) => {
            const numbers = figures(vector, lengthOf(vector));
            const place = this.places.get(vector);
            place?.replaceChildren(
              html("p", {}, html("b", {}, VECTORS[vector].sign), " ", numbers.node),
            );
            if (!VECTORS[vector].matrix) return [numbers];
            const isTable = vector === "tok_emb" || vector === "pos_emb";
            const picture = isTable
              ? tablePicture(vector, scale)
              : view === "neurons"
                ? neuronPicture(vector)
                : matrixPicture(vector, scale);
            place?.append(picture.node);
            return [numbers, picture];
          });
    if (block.id === "look") this.places.get("look")?.replaceChildren(parts[0].node);
    const made = { view, scale, parts, shows: /** @type {ToyNumbers | null} */ (null) };
    this.made.set(block.id, made);
    return made;
  }

  /** @private @param {{ids: string[], pinned: boolean}} detail */
  lit({ ids, pinned }) {
    const wanted = new Set(ids.map((id) => id.replace("toy.", "")));
    for (const { block, key } of this.rows)
      key.setAttribute(
        "aria-pressed",
        String(pinned && block.vectors.some((one) => wanted.has(one))),
      );
    const vectors = this.rows
      .filter(({ block }) => block.stage <= this.last)
      .flatMap(({ block }) => block.vectors.filter((one) => wanted.has(one)));
    // Other diagrams of the page light up too; they keep their panels, so that nothing moves.
    if (!vectors.length || !(this.matches(":hover") || this.contains(document.activeElement)))
      return;
    this.told = { vectors, pinned };
    this.tellOf(this.told);
  }

  /**
   * Formula, code and sums of some vectors.
   * @private
   * @param {{vectors: string[], pinned: boolean}} what
   */
  tellOf({ vectors, pinned }) {
    const { now: n, panel } = this;
    if (!n || !panel) return;
    const blocks = BLOCKS.filter((block) => block.vectors.some((one) => vectors.includes(one)));
    const copies = (/** @type {Node[] | undefined} */ nodes) =>
      (nodes ?? []).map((node) => node.cloneNode(true));
    const lines = lore.lines.filter((line) =>
      (line.dataset.link ?? "").split(" ").some((id) => vectors.includes(id.replace("toy.", ""))),
    );
    const code = html(
      "code",
      {},
      ...lines.map((line) =>
        html(
          "span",
          { class: "toy-line" },
          html("small", {}, line.dataset.line ?? ""),
          " ",
          (line.textContent ?? "").trim(),
        ),
      ),
    );
    const sums = vectors.flatMap((vector) => {
      const norm = normText(n, vector);
      const each = workings(n, vector).map(({ sum, result }, i) =>
        html(
          "li",
          {},
          `${labelOf(vector, i)} = ${sum} = `,
          html("b", {}, written(result, n.digits)),
        ),
      );
      return norm ? [html("li", {}, norm), ...each] : each;
    });
    panel.dataset.told = "";
    panel.replaceChildren(
      ...blocks.map((block) =>
        html("p", {}, html("b", {}, block.name), ...copies(lore.formulas.get(block.name))),
      ),
      html("p", { class: "mg-note" }, pinned ? "Pinned; Escape releases it." : ""),
      html("pre", {}, code),
      html("ul", { class: "toy-sums" }, ...sums),
    );
  }
}

define("mg-toy-diagram", MgToyDiagram);

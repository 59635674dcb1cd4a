// <mg-toy-diagram>: the toy GPT as a row of stations from left to right, growing in five stages.
// A station, its formula with the numbers, its matrix and its lines of code are told together below
// the drawing, by hover and focus; a click pins them. With stage="3" it shows what that stage adds,
// and nothing else; all diagrams of a page have the same token.
//
// In the tag stand the text for readers without scripts, the quoted code, and a list with a bold
// name and a formula for each block.

import { html } from "../js/kit/dom.js";
import { define } from "../js/kit/element.js";
import { startLinks } from "../js/kit/link.js";
import { row, scrolling } from "../js/kit/make.js";
import { choiceField, wholeField, writeState } from "../js/kit/state.js";
import { scaleOf } from "../js/kit/color.js";
import { written } from "../js/kit/text.js";
import { Widget } from "../js/kit/widget.js";
import { entryOf, GPT_LINES, linksOf, LOSS_LINES } from "../js/figures/rungs/gpt-lines.js";
import { ToyDrawing } from "../js/figures/toy/toy-drawing.js";
import { shownOf } from "../js/figures/toy/toy-shown.js";
import { uncover } from "../js/figures/toy/uncover.js";
import { STAGE_COLUMNS } from "../js/figures/toy/toy-plan.js";
import { matrixPicture, numbersTable, tablePicture } from "../js/figures/toy/toy-pictures.js";
import {
  BLOCKS,
  labelOf,
  normText,
  STAGES,
  stageSentence,
  toyNumbers,
  VECTORS,
  workings,
} from "../js/figures/toy/toy-steps.js";
import { TOY_TOKENS } from "../js/numbers/toy.js";

/** @typedef {import("../js/figures/toy/toy-steps.js").ToyNumbers} ToyNumbers */
/** @typedef {import("../js/figures/toy/toy-pictures.js").Part} Part */

const LINES = [...GPT_LINES, ...LOSS_LINES];
/** What is told of a stage while nothing is pointed at. */
const FIRST_TOLD = [
  ["tok_emb", "pos_emb", "emb"],
  ["x"],
  ["q", "k", "v"],
  ["fc1_pre"],
  ["logits", "probs"],
];

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

startLinks();

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
  /** @type {ToyNumbers | undefined} */ now = undefined;
  /** the last stage that is shown */ last = -1;
  /** @type {{vectors: string[], pinned: boolean} | null} */ told = null;
  /** @private what its panel says */ says = "";
  /** @private in which colours @type {object | undefined} */ saidIn = undefined;
  /** @private how a matrix is drawn, by its vector @type {Map<string, Part>} */ matrices =
    new Map();

  build() {
    this.only = this.hasAttribute("stage")
      ? Math.max(0, Math.min(4, this.numberOf("stage", 1) - 1))
      : null;
    const { only } = this;
    this.region = only === null ? "The diagram" : `Stage ${only + 1}`;
    this.hasTools = only !== null;
    for (const { values } of diagrams) Object.assign(this.state.values, values);
    diagrams.add(this);
    this.whenLeaving(() => diagrams.delete(this));
    if (only === null) this.readPage();
    Object.assign(this, { now: undefined, told: null, last: -1, says: "" });
    this.matrices.clear();
    this.panel = html("div", {
      class: "toy-panel",
      tabindex: 0,
      role: "region",
      "aria-label": `${this.region}: formula, numbers and code of the chosen block`,
    });
    const tokens = this.choices("token", `${this.region}: token at position 2`, TOY_TOKENS);
    const range = only === null ? undefined : STAGE_COLUMNS[only];
    const hasPicker = !range || range[0] === 0;
    this.drawing = new ToyDrawing(this, {
      label: only === null ? "The toy GPT" : `${this.region}: ${STAGES[only]}`,
      range,
      picker: hasPicker ? tokens : null,
    });
    if (!hasPicker) tokens.prepend(html("span", {}, "Token at position 2"));
    this.listen(document, "mg-link", ({ detail }) => this.lit(detail));
    const { panel } = this;
    this.listen(this, "click focusin", ({ target }) => uncover(panel, target));
    this.listen(this.drawing.picture, "keydown", (event) => this.key(event));
    this.toggleAttribute("data-part", only !== null);
    if (only !== null) {
      const part = html("div", { class: "toy-part" }, this.drawing.element, this.panel);
      return [this.figure(hasPicker ? part : [tokens, part], { under: true })];
    }
    const stages = this.choices(
      "stage",
      "Stages",
      Object.fromEntries(STAGES.map((name, i) => [String(i + 1), name])),
    );
    const numbers = this.choices("numbers", "Numbers", { hand: "rounded", exact: "exact" });
    numbers.classList.add("toy-switch");
    this.table = numbersTable();
    const head = html("div", { class: "toy-head" }, stages, numbers);
    // On phones the panel sticks to the screen's edge, but never over the stages above the drawing.
    const sheet = html("div", {}, this.drawing.element, this.panel);
    return [
      this.figure([head, sheet], {
        under: true,
        more: [
          row(
            this.menu("view", {
              label: "Below it",
              options: { matrices: "sums and matrices", neurons: "sums alone" },
            }),
            this.menu("cache", {
              label: "Cache",
              options: { pinned: "pinned", computed: "computed from BOS, a" },
            }),
          ),
          scrolling("All numbers of the diagram", this.table.node),
          ...this.fallback.filter(
            (node) => node instanceof HTMLElement && node.matches("figure.code"),
          ),
        ],
      }),
    ];
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

  /**
   * A space does what Enter does; arrows go from station to station.
   * @private
   * @param {KeyboardEvent} event
   */
  key(event) {
    const all = this.drawing?.stations.filter(({ key }) => key.tabIndex >= 0) ?? [];
    const at = all.findIndex(({ key }) => key === document.activeElement);
    if (at < 0 || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === " ") all[at].key.dispatchEvent(new MouseEvent("click", { bubbles: true }));
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: all.length - 1, " ": at }[
      event.key
    ];
    if (to === undefined) return;
    event.preventDefault();
    all[Math.max(0, Math.min(all.length - 1, to))].key.focus();
  }

  show() {
    const { values, drawing } = this;
    if (!drawing) return;
    for (const one of diagrams)
      if (writeState(one.fields, one.values) !== writeState(this.fields, values)) one.set(values);
    const { stage, token, numbers, cache } = values;
    const last = this.only ?? stage - 1;
    const n = numbersFor(
      Number(token),
      /** @type {"pinned" | "computed"} */ (cache),
      /** @type {"hand" | "exact"} */ (numbers),
    );
    if (n !== this.now) {
      drawing.show(shownOf(n));
      this.table?.update(n);
    }
    if (last !== this.last) {
      drawing.stage(last);
      if (!this.told?.pinned) this.told = null;
    }
    this.now = n;
    this.last = last;
    this.tellOf();
    this.summary(stageSentence(n, last));
  }

  /** @private @param {{ids: string[], pinned: boolean}} detail */
  lit({ ids, pinned }) {
    const wanted = new Set(ids.map((id) => id.replace("toy.", "")));
    const reached = BLOCKS.filter(({ stage }) =>
      this.only === null ? stage <= this.last : stage === this.only,
    );
    for (const { id, key } of this.drawing?.stations ?? []) {
      const block = BLOCKS.find((one) => one.id === id);
      const isPinned = pinned && block?.vectors.some((one) => wanted.has(one));
      key.setAttribute("aria-pressed", String(isPinned === true));
    }
    const vectors = reached.flatMap(({ vectors: all }) => all.filter((one) => wanted.has(one)));
    // Other diagrams of the page light up too; they keep their panels, so that nothing moves.
    if (!vectors.length || !(this.matches(":hover") || this.contains(document.activeElement)))
      return;
    this.told = { vectors, pinned };
    this.tellOf();
  }

  /** Formula, numbers, matrix and code of what is chosen. @private */
  tellOf() {
    const { now: n, panel } = this;
    if (!n || !panel) return;
    const { vectors, pinned } = this.told ?? { vectors: FIRST_TOLD[this.last], pinned: false };
    const { token, numbers, cache, view } = this.values;
    const key = [vectors, pinned, token, numbers, cache, view].join(" ");
    if (key === this.says && scaleOf(this) === this.saidIn) return;
    this.says = key;
    this.saidIn = scaleOf(this);
    const blocks = BLOCKS.filter((block) => block.vectors.some((one) => vectors.includes(one)));
    const copies = (/** @type {Node[] | undefined} */ nodes) =>
      (nodes ?? []).map((node) => node.cloneNode(true));
    panel.dataset.told = vectors.join(" ");
    this.drawing?.tell(vectors);
    const code = this.codeOf(vectors);
    panel.replaceChildren(
      html(
        "div",
        { class: "toy-formula" },
        ...blocks.map((block) =>
          html("p", {}, html("b", {}, block.name), ...copies(lore.formulas.get(block.name))),
        ),
        html("ul", { class: "toy-sums" }, ...sumsOf(n, vectors)),
      ),
      ...(this.values.view === "matrices" ? [this.matricesOf(n, vectors)] : []),
      html(
        "div",
        { class: "toy-code" },
        html("pre", {}, html("code", {}, ...code)),
        html(
          "p",
          { class: "mg-note" },
          pinned ? "Pinned; Escape releases it." : "A click or Enter pins a block.",
        ),
      ),
    );
  }

  /** @private @param {string[]} vectors */
  codeOf(vectors) {
    return lore.lines
      .filter((line) =>
        (line.dataset.link ?? "").split(" ").some((id) => vectors.includes(id.replace("toy.", ""))),
      )
      .map((line) =>
        html(
          "span",
          { class: "toy-line" },
          html("small", {}, line.dataset.line ?? ""),
          " ",
          (line.textContent ?? "").trim(),
        ),
      );
  }

  /** @private @param {ToyNumbers} n @param {string[]} vectors */
  matricesOf(n, vectors) {
    const { scale } = /** @type {ToyDrawing} */ (this.drawing);
    const made = vectors.flatMap((vector) => {
      const { matrix } = VECTORS[vector];
      if (!matrix) return [];
      const key = `${vector} ${Object.values(scale).join()}`;
      const part =
        this.matrices.get(key) ??
        (vector === "tok_emb" || vector === "pos_emb"
          ? tablePicture(vector, scaleOf(this))
          : matrixPicture(vector, scaleOf(this)));
      this.matrices.set(key, part);
      part.update(n);
      return [part.node];
    });
    return html("div", { class: "toy-matrices", "data-count": made.length }, ...made);
  }
}

/** How each number of some vectors is computed. @param {ToyNumbers} n @param {string[]} vectors */
function sumsOf(n, vectors) {
  return vectors.flatMap((vector) => {
    const norm = normText(n, vector);
    const each = workings(n, vector).map(({ sum, result }, i) =>
      html("li", {}, `${labelOf(vector, i)} = ${sum} = `, html("b", {}, written(result, n.digits))),
    );
    return norm ? [html("li", {}, norm), ...each] : each;
  });
}

define("mg-toy-diagram", MgToyDiagram);

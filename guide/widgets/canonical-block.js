// <mg-canonical-block>: the Transformer's block diagram as textbooks have it, 21 blocks, each with
// what microgpt makes of it: the lines of the program, the entry of the state dict, or why there is
// none.

import { FileError } from "../js/errors.js";
import {
  ATTENTION,
  ATTENTION_RESIDUAL,
  BLOCKS,
  codeOf,
  EMBEDDINGS,
  entriesOf,
  linesSaid,
  LOOP,
  MARKS,
  MLP,
  MLP_RESIDUAL,
  OUTPUT,
} from "../js/figures/trained/canonical.js";
import { html } from "../js/kit/dom.js";
import { define } from "../js/kit/element.js";
import { group } from "../js/kit/make.js";
import { choiceField } from "../js/kit/state.js";
import { Widget } from "../js/kit/widget.js";
import { loadReal } from "../js/figures/trained/real-model.js";

/** @typedef {import("../js/figures/trained/canonical.js").Block} Block */

const PROGRAM = "train5.py";

async function loadProgram() {
  const answer = await fetch(new URL(`../files/${PROGRAM}`, import.meta.url));
  if (!answer.ok)
    throw new FileError(
      `${PROGRAM} can't be fetched (${answer.status}).`,
      "Is the guide still being served?",
    );
  return answer.text();
}

class MgCanonicalBlock extends Widget {
  isHeard = true;
  fields = {
    block: choiceField(
      "qkv",
      BLOCKS.map(({ id }) => id),
    ),
  };
  real = /** @type {import("../js/figures/trained/real-model.js").Real} */ ({});
  source = "";
  said = html("section", { class: "real-said", "aria-label": "The chosen block" });

  async load() {
    [this.real, this.source] = await Promise.all([loadReal(), loadProgram()]);
  }

  build() {
    this.whenLeaving(() => this.light([]));
    const list = (/** @type {readonly Block[]} */ blocks, more = "") =>
      html(
        "ol",
        { class: `real-blocks ${more}` },
        ...blocks.map((block) => html("li", {}, this.key(block))),
      );
    const half = (
      /** @type {string} */ label,
      /** @type {readonly Block[]} */ blocks,
      /** @type {Block} */ residual,
    ) => {
      const branch = html("div", { class: "real-branch" }, list(blocks));
      return group(label, { class: "real-half" }, branch, this.key(residual));
    };
    const loop = group(
      "In each layer",
      { class: "real-loop" },
      this.key(LOOP),
      half("Attention", ATTENTION, ATTENTION_RESIDUAL),
      half("MLP", MLP, MLP_RESIDUAL),
    );
    const parts = [list(EMBEDDINGS), loop, list(OUTPUT)];
    const diagram = html("div", { class: "real-diagram" }, ...parts);
    this.listen(diagram, "keydown", (event) => this.walk(event));
    return [this.figure([diagram, this.said])];
  }

  /** @private @param {Block} block */
  key({ id, name, kind, mark }) {
    const choose = () => {
      if (this.values.block !== id) this.set({ block: id });
    };
    const looks = { class: "mg-button real-block", "data-kind": kind, "data-mark": mark };
    const made = this.button("", choose, looks);
    made.append(html("span", {}, name));
    if (mark !== "same") made.append(" ", html("span", { class: "mg-tag" }, MARKS[mark]));
    this.listen(made, "focus", choose);
    this.follow(({ block }) => made.setAttribute("aria-pressed", String(block === id)));
    return made;
  }

  /** Arrow keys go from block to block. @private @param {KeyboardEvent} event */
  walk(event) {
    const step = /** @type {Record<string, number>} */ ({
      ArrowDown: 1,
      ArrowRight: 1,
      ArrowUp: -1,
      ArrowLeft: -1,
    })[event.key];
    if (!step || event.ctrlKey || event.metaKey || event.altKey) return;
    const diagram = /** @type {HTMLElement} */ (event.currentTarget);
    const all = [...diagram.querySelectorAll("button")];
    const now = all.indexOf(/** @type {HTMLButtonElement} */ (document.activeElement));
    event.preventDefault();
    all[Math.max(0, Math.min(all.length - 1, now + step))].focus();
  }

  show() {
    const { said, real, source } = this;
    const block = /** @type {Block} */ (BLOCKS.find(({ id }) => id === this.values.block));
    const code = codeOf(source, block);
    const entries = entriesOf(real.weights, block);
    const written = entries.map(
      ({ key, shape, count }) =>
        `${key}, ${shape.join(" × ")} = ${count.toLocaleString("en")} parameters`,
    );
    const about = html(
      "div",
      {},
      html("p", { class: "mg-title" }, block.name),
      html("p", { class: "mg-note" }, `In microgpt: ${MARKS[block.mark]}.`),
      html("p", {}, block.what),
      entries.length
        ? html("ul", { class: "real-entries" }, ...written.map((text) => html("li", {}, text)))
        : html("p", {}, "No entry in the state dict."),
    );
    said.replaceChildren(
      about,
      ...(code.length
        ? [
            html(
              "figure",
              { class: "code" },
              html("figcaption", {}, PROGRAM),
              html(
                "pre",
                { tabindex: 0, "aria-label": `Lines of ${PROGRAM}` },
                html(
                  "code",
                  {},
                  ...code.map(({ number, text }) =>
                    html(
                      "span",
                      { class: "line in4" },
                      html("span", { class: "real-number" }, `${number}  `),
                      `${text.trim()}\n`,
                    ),
                  ),
                ),
              ),
            ),
          ]
        : [html("p", {}, "No line of code.")]),
    );
    this.light(code.map(({ number }) => number));
    this.summary(
      `${block.name}, ${MARKS[block.mark]}. ` +
        (written.length ? `${written.join("; ")}. ` : "") +
        (code.length
          ? `${linesSaid(code.map(({ number }) => number))} of ${PROGRAM}.`
          : "No line of code."),
    );
  }

  /** The same lines in the function further down the page. @private @param {number[]} numbers */
  light(numbers) {
    for (const line of document.querySelectorAll(
      'figure.code[data-source="ladder/train5.py"] .line',
    )) {
      line.classList.toggle(
        "lit",
        numbers.includes(Number(/** @type {HTMLElement} */ (line).dataset.line)),
      );
    }
  }
}

define("mg-canonical-block", MgCanonicalBlock);

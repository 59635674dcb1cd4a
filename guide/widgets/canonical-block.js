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
  LOOP,
  MARKS,
  MLP,
  MLP_RESIDUAL,
  OUTPUT,
} from "../js/figures/trained/canonical.js";
import { button, html } from "../js/kit/dom.js";
import { define } from "../js/kit/element.js";
import { choiceField } from "../js/kit/state.js";
import { StatefulElement } from "../js/figures/stateful-element.js";
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

class MgCanonicalBlock extends StatefulElement {
  build() {
    this.guard(async () => {
      const [real, source] = await Promise.all([loadReal(), loadProgram()]);
      if (!this.isConnected || this.keys) return;
      this.guard(() => {
        this.real = real;
        this.source = source;
        this.start();
        this.show();
      });
    });
  }

  leave() {
    super.leave();
    this.keys = /** @type {Map<string, HTMLButtonElement> | undefined} */ (undefined);
    this.light([]);
  }

  /** @private */
  start() {
    const state = this.stateOf("canonical-block", {
      block: choiceField(
        "qkv",
        BLOCKS.map(({ id }) => id),
      ),
    });
    this.keys = new Map();
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
    ) =>
      html(
        "div",
        { class: "real-half", role: "group", "aria-label": label },
        html("div", { class: "real-branch" }, list(blocks)),
        this.key(residual),
      );
    const diagram = html(
      "div",
      { class: "real-diagram" },
      list(EMBEDDINGS, "real-two"),
      html(
        "div",
        { class: "real-loop", role: "group", "aria-label": "In each layer" },
        this.key(LOOP),
        half("Attention", ATTENTION, ATTENTION_RESIDUAL),
        half("MLP", MLP, MLP_RESIDUAL),
      ),
      list(OUTPUT),
    );
    this.listen(diagram, "keydown", (event) => this.walk(event));
    this.said = html("section", { class: "real-said", "aria-label": "The chosen block" });
    this.replaceChildren(
      html("div", { class: "real-both" }, diagram, this.said),
      this.tools(state),
    );
  }

  /** @private @param {Block} block */
  key(block) {
    const made = button("", {
      class: "mg-button real-block",
      "data-kind": block.kind,
      "data-mark": block.mark,
      "aria-pressed": "false",
    });
    made.append(
      html("span", {}, block.name),
      ...(block.mark === "same" ? [] : [" ", html("span", { class: "mg-tag" }, MARKS[block.mark])]),
    );
    const choose = () => {
      if (this.state?.values.block !== block.id) this.state?.set({ block: block.id });
    };
    this.listen(made, "click focus", choose);
    this.keys?.set(block.id, made);
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
    if (!step || event.ctrlKey || event.metaKey || event.altKey || !this.keys) return;
    const all = [...this.keys.values()].sort((a, b) =>
      a.compareDocumentPosition(b) & Node.DOCUMENT_POSITION_FOLLOWING ? -1 : 1,
    );
    const now = all.indexOf(/** @type {HTMLButtonElement} */ (document.activeElement));
    event.preventDefault();
    all[Math.max(0, Math.min(all.length - 1, now + step))].focus();
  }

  show() {
    const { state, keys, said, real, source } = this;
    if (!state || !keys || !said || !real || source === undefined) return;
    const block = /** @type {Block} */ (BLOCKS.find(({ id }) => id === state.values.block));
    for (const [id, key] of keys) key.setAttribute("aria-pressed", String(id === block.id));
    const code = codeOf(source, block);
    const entries = entriesOf(real.weights, block);
    const written = entries.map(
      ({ key, shape, count }) =>
        `${key}, ${shape.join(" × ")} = ${count.toLocaleString("en")} parameters`,
    );
    said.replaceChildren(
      html("h3", {}, block.name),
      html("p", { class: "mg-note" }, `In microgpt: ${MARKS[block.mark]}.`),
      html("p", {}, block.what),
      entries.length
        ? html("ul", { class: "real-entries" }, ...written.map((text) => html("li", {}, text)))
        : html("p", {}, "No entry in the state dict."),
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
          ? `Lines ${code.map(({ number }) => number).join(", ")} of ${PROGRAM}.`
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

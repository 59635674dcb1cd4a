// <mg-exercise name="E1" answer="3184">: a question with a typed answer. Usual mistakes are
// answered with what went wrong. All words stand in the page; without scripts the answer is in its
// details.
//
//     <mg-exercise name="E1" kind="number" answer="3184" tolerance="0">
//       <p>How many parameters …?</p>
//       <ul data-mistakes><li data-value="2480">That leaves out …</li></ul>
//       <p data-right>Yes: 432 + 1,024 + 1,728.</p>
//       <details class="answer"><summary>Answer</summary> …</details>
//     </mg-exercise>
//
// kind: number, numbers (with spaces between) or text; several right answers are apart by |.
// Tells `mg-answer` {verdict, answer}.

import { button, freshId, html } from "./dom.js";
import { define, KitElement } from "./element.js";
import { judge } from "./judge.js";
import { progress, solved } from "./progress.js";

const HINTS = { number: "a number", numbers: "numbers, with spaces between", text: "" };

export class MgExercise extends KitElement {
  build() {
    const kind = /** @type {import("./judge.js").Kind} */ (this.getAttribute("kind") ?? "number");
    const answer = this.getAttribute("answer");
    const name = this.getAttribute("name") ?? "";
    if (!answer || !(kind in HINTS))
      throw new Error(`exercise ${name} has no answer, or an unknown kind ${kind}`);
    const task = { kind, answers: answer.split("|"), tolerance: this.numberOf("tolerance", 0) };
    const parts = this.fallback.filter((node) => node instanceof HTMLElement);
    const list = /** @type {HTMLElement | undefined} */ (
      parts.find((part) => part.matches("[data-mistakes]"))
    );
    const right = parts.find((part) => part.matches("[data-right]"));
    const details = parts.find((part) => part.matches("details"));
    const items = [...(list?.querySelectorAll("[data-value]") ?? [])];
    const mistakes = items.map((item) => ({ value: item.getAttribute("data-value") ?? "" }));

    const id = freshId("mg-answer");
    const field = html("input", {
      id,
      class: "mg-field",
      type: "text",
      autocomplete: "off",
      autocapitalize: "off",
      spellcheck: "false",
      inputmode: kind === "number" ? "decimal" : "text",
      "aria-describedby": `${id}-said`,
    });
    const said = html("div", { id: `${id}-said`, class: "mg-said", role: "status" });
    const form = html(
      "form",
      { class: "mg-row", novalidate: true },
      html("label", { for: id }, HINTS[kind] ? `Your answer (${HINTS[kind]})` : "Your answer"),
      field,
      html("button", { class: "mg-button", type: "submit" }, "Check"),
    );
    const question = this.fallback.filter(
      (node) => node !== list && node !== right && node !== details,
    );
    this.replaceChildren(...question, form, said, ...(details ? [details] : []));
    if (details) {
      const printed = html("div", { class: "mg-printed" }, ...copied(details));
      printed.querySelector("summary")?.replaceWith(html("p", { class: "mg-soft" }, "Answer"));
      this.append(printed);
    }

    const show = (/** @type {string} */ verdict, /** @type {Content[]} */ ...content) => {
      const sign = verdict === "right" ? "✓ " : verdict === "wrong" ? "✗ " : "";
      said.dataset.verdict = verdict;
      said.replaceChildren(html("p", {}, sign, ...content));
      field.toggleAttribute("aria-invalid", verdict === "wrong");
      this.toggleAttribute("data-solved", verdict === "right");
    };
    this.listen(form, "submit", (event) => {
      event.preventDefault();
      const { verdict, say, mistake } = judge(task, mistakes, field.value);
      show(verdict, say);
      if (mistake !== null) said.append(html("p", {}, ...copied(items[mistake])));
      if (verdict === "right") {
        if (right) said.append(html("p", {}, ...copied(right)));
        if (name && !solved(name, field.value.trim())) {
          said.append(
            html(
              "p",
              { class: "mg-soft" },
              "This browser keeps no progress here; it holds for this visit.",
            ),
          );
        }
      }
      this.tell("mg-answer", { verdict, answer: field.value });
    });
    const before = name ? progress()[name] : undefined;
    if (before !== undefined) {
      field.value = before;
      show("right", "Solved before.");
      const again = button("Try it again");
      this.listen(again, "click", () => {
        field.value = "";
        said.replaceChildren();
        delete said.dataset.verdict;
        this.removeAttribute("data-solved");
        field.focus();
      });
      said.append(again);
    }
  }
}

/** @typedef {import("./dom.js").Content} Content */

/** @param {Element} element */
const copied = (element) => [...element.cloneNode(true).childNodes];

define("mg-exercise", MgExercise);

// <mg-predict>: say first what will happen, then see it, then read why. Without scripts the
// question, the choices and the explanation simply stand there.
//
//     <mg-predict>
//       <p>What does the untrained model guess?</p>
//       <ul><li>0 nats</li><li data-answer>about 3.3 nats</li></ul>
//       <div data-explain>… why …</div>
//     </mg-predict>
//
// or, for a number, answer="3.2958" digits="2" unit="nats" in place of the list. With `waits` the
// explanation comes only when the page calls `explain()`, after it has shown what happens. Tells
// `mg-predicted` {guess, right}: `right` is null where the reader asked to be shown.

import { button, freshId, html } from "./dom.js";
import { define, KitElement } from "./element.js";
import { distance } from "./judge.js";
import { readNumber, written } from "./text.js";

export class MgPredict extends KitElement {
  build() {
    const parts = this.fallback.filter((node) => node instanceof HTMLElement);
    const list = /** @type {HTMLElement | undefined} */ (
      parts.find((part) => part.matches("ul, ol"))
    );
    const why = /** @type {HTMLElement | undefined} */ (
      parts.find((part) => part.matches("[data-explain]"))
    );
    const question = this.fallback.filter((node) => node !== list && node !== why);
    const asked = html("div", { class: "mg-question" }, ...question);
    asked.id ||= freshId("mg-question");
    this.choices = html("div", { class: "mg-choices", role: "group", "aria-labelledby": asked.id });
    this.said = html("p", { class: "mg-said", role: "status" });
    /** @private @type {HTMLElement | null} */ this.why = why ?? null;
    if (list) this.fromList(list);
    else this.fromNumber();
    const tell = button("Just show me", { class: "mg-button mg-quiet" });
    this.listen(tell, "click", () => this.reveal(null, null, "Here it is."));
    this.choices.append(tell);
    this.replaceChildren(asked, this.choices, this.said, this.onPaper(list));
    if (why) {
      why.hidden = true;
      this.append(why);
      this.whenLeaving(() => {
        why.hidden = false;
      });
    }
  }

  /**
   * What is printed in place of what is pressed: the choices with the answer marked, or the number.
   * @private @param {HTMLElement | undefined} list
   */
  onPaper(list) {
    const printed = html("div", { class: "mg-printed" });
    if (list) printed.append(list.cloneNode(true));
    else {
      const unit = this.getAttribute("unit") ?? "";
      const truth = written(this.numberOf("answer", 0), this.numberOf("digits", 2));
      printed.append(html("p", {}, `Answer: ${truth} ${unit}`.trim()));
    }
    return printed;
  }

  /** @private @param {HTMLElement} list */
  fromList(list) {
    const items = [...list.querySelectorAll(":scope > li")];
    const buttons = items.map((item) => {
      const one = button("", { class: "mg-button mg-choice", "aria-pressed": "false" });
      one.append(...item.cloneNode(true).childNodes);
      return one;
    });
    const answer = items.findIndex((item) => item.matches("[data-answer]"));
    if (answer < 0) throw new Error("mg-predict: no choice is marked with data-answer");
    /** @private */ this.mark = (/** @type {number | null} */ guess) => {
      buttons.forEach((one, i) => {
        one.setAttribute("aria-pressed", String(i === guess));
        if (i === answer) one.append(html("span", { class: "mg-tag" }, "✓ the answer"));
        else if (i === guess) one.append(html("span", { class: "mg-tag" }, "your guess"));
      });
    };
    buttons.forEach((one, i) =>
      this.listen(one, "click", () => {
        const right = i === answer;
        this.reveal(i, right, right ? "That is right." : "That isn't it.");
      }),
    );
    this.choices?.append(...buttons);
  }

  /** @private */
  fromNumber() {
    const truth = this.numberOf("answer", NaN);
    if (Number.isNaN(truth))
      throw new Error("mg-predict has neither a list nor a number as its answer");
    const digits = this.numberOf("digits", 2);
    const unit = this.getAttribute("unit") ?? "";
    const id = freshId("mg-guess");
    const field = html("input", {
      id,
      class: "mg-field",
      type: "text",
      inputmode: "decimal",
      autocomplete: "off",
    });
    const form = html(
      "form",
      { class: "mg-row", novalidate: true },
      html("label", { for: id }, unit ? `Your guess in ${unit}` : "Your guess"),
      field,
      html("button", { class: "mg-button", type: "submit" }, "Reveal"),
    );
    this.listen(form, "submit", (event) => {
      event.preventDefault();
      const guess = readNumber(field.value);
      if (guess === null) {
        if (this.said) this.said.textContent = "A number is asked for, such as 2.5.";
        return;
      }
      const off = distance(guess, truth, digits);
      field.disabled = true;
      this.reveal(
        guess,
        off === "just right",
        `It is ${written(truth, digits)} ${unit}: your guess was ${off}.`.replace(" :", ":"),
      );
    });
    this.choices?.append(form);
  }

  /** @private @param {number | null} guess @param {boolean | null} right @param {string} say */
  reveal(guess, right, say) {
    if (this.hasAttribute("data-revealed")) return;
    this.setAttribute("data-revealed", "");
    this.whenLeaving(() => this.removeAttribute("data-revealed"));
    this.mark?.(guess);
    for (const one of this.choices?.querySelectorAll("button") ?? [])
      one.setAttribute("aria-disabled", "true");
    if (this.said) this.said.textContent = say;
    if (this.choices?.querySelector("form") && guess === null && this.said) {
      this.said.textContent = (
        `It is ${written(this.numberOf("answer", 0), this.numberOf("digits", 2))} ` +
        `${this.getAttribute("unit") ?? ""}.`
      ).replace(" .", ".");
    }
    this.tell("mg-predicted", { guess, right });
    if (!this.hasAttribute("waits")) this.explain();
  }

  /** Shows why. */
  explain() {
    if (this.why) this.why.hidden = false;
  }
}

define("mg-predict", MgPredict);

// What a guess for a class shows: its code, the same as a QR code, and the answer when it is asked
// for. Loaded when the first such guess is made.

import { codeOf, guessText, isMark, newMark } from "./class-code.js";
import { button, html, svg } from "./dom.js";
import { QUIET, qrOf, qrPath } from "./qr.js";

const MARK = "mg-class-mark";
/** Where storage is shut off, a mark holds for this page. @type {string | null} */
let markHere = null;

/** A whole number below `most`, at random. @param {number} most */
const draw = (most) => crypto.getRandomValues(new Uint32Array(1))[0] % most;

/** This browser's mark, drawn when it is first needed. */
function ownMark() {
  try {
    const kept = localStorage.getItem(MARK);
    if (isMark(kept)) return String(kept);
    const mark = markHere ?? newMark(draw);
    localStorage.setItem(MARK, mark);
    return mark;
  } catch {
    markHere ??= newMark(draw); // storage is shut off
    return markHere;
  }
}

/** @param {string} code */
function picture(code) {
  const square = qrOf(code);
  const side = square.length + 2 * QUIET;
  return svg(
    "svg",
    { viewBox: `0 0 ${side} ${side}`, role: "img", "aria-label": `QR code of ${code}` },
    svg("path", { d: qrPath(square) }),
  );
}

/** Copies the code; where that isn't allowed, selects it. @param {HTMLElement} shown */
function copier(shown) {
  const copy = button("Copy the code");
  const said = html("span", { role: "status" });
  copy.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(shown.textContent ?? "");
      said.textContent = "Copied.";
    } catch {
      getSelection()?.selectAllChildren(shown);
      said.textContent = "It is selected: copy it.";
    }
  });
  return [copy, said];
}

/**
 * @param {HTMLElement} place
 * @param {{name: string, guess: number, isNumber: boolean}} made
 * @param {() => (() => void) | null} answer shows what is right, null where it is shown already
 */
export function putCode(place, { name, guess, isNumber }, answer) {
  const text = guessText(guess, isNumber);
  const reveal = answer();
  const show = button("Show the answer");
  if (reveal) show.addEventListener("click", reveal);
  else show.hidden = true;
  if (text === null) {
    place.replaceChildren(html("p", {}, "A number as large as that has no code."), show);
  } else {
    const code = codeOf(name, text, ownMark());
    const shown = html("code", {}, code);
    const about =
      "Paste it where your class collects guesses, hold the QR code up to your teacher's camera, " +
      "or read it out. It holds the question, your guess, a mark for this browser, and two check " +
      "digits; nothing has been sent.";
    place.replaceChildren(
      picture(code),
      html(
        "div",
        {},
        html("p", { role: "status" }, "Your guess, as a code:", html("br"), shown),
        html("div", { class: "mg-row" }, ...copier(shown), show),
        html("p", { class: "mg-note" }, about),
      ),
    );
  }
}

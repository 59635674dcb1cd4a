// How the bot's figure shows tries and leaks.

import { html, svg } from "../../kit/dom.js";
import { percent, placeOf } from "./bot-parts.js";
import { ALLOW, middle, REFUSE } from "./leak.js";

/** @typedef {import("./leak.js").Leak} Leak */

/** What became of one prefix. @param {import("./bot.js").Asked} asked */
export function shownTries({ prefix, tries, name }) {
  const items = tries.map(({ text, forced, found }, i) => {
    const passed = name !== null && i === tries.length - 1;
    const word = html(
      passed ? "span" : "del",
      { class: "chat-name" },
      html("span", { class: "chat-forced" }, text.slice(0, forced)),
      text.slice(forced) || (text ? "" : "(empty)"),
    );
    const note = found
      ? ` contains “${found}”${passed ? " and got out" : ", discarded"}`
      : passed
        ? " let through"
        : " discarded";
    return html(
      "li",
      { "data-passed": passed, "data-found": found ?? false },
      word,
      html("span", { class: "mg-soft" }, note),
    );
  });
  return html(
    "div",
    {},
    html("p", { class: "bot-prefix" }, prefix ? `“${prefix}”` : "a blank line"),
    html("ol", {}, ...items),
  );
}

/**
 * A logarithmic scale of leaks with what must be allowed and refused.
 * @param {{prefix: string, leak: Leak | undefined}[]} rows
 */
export function scaleParts(rows) {
  const at = (/** @type {number} */ p) => `${(4 + 92 * placeOf(p)).toFixed(2)}%`;
  const wide = (/** @type {number} */ from, /** @type {number} */ to) =>
    `${(92 * (placeOf(to) - placeOf(from))).toFixed(2)}%`;
  const base = 24 + 20 * rows.length;
  const bands = /** @type {[string, number, number][]} */ ([
    ["allow", 1e-6, ALLOW],
    ["grey", ALLOW, REFUSE],
    ["refuse", REFUSE, 1],
  ]);
  return [
    ...bands.flatMap(([name, from, to]) => [
      svg("rect", {
        class: `bot-band bot-${name}`,
        x: at(from),
        y: 18,
        width: wide(from, to),
        height: base - 18,
      }),
      svg(
        "text",
        { class: "mg-label", x: at(Math.sqrt(from * to)), y: 12, "text-anchor": "middle" },
        name,
      ),
    ]),
    ...[1e-6, 1e-4, 1e-2, 1].map((p) =>
      svg(
        "text",
        {
          class: "mg-label",
          x: at(p),
          y: base + 16,
          "text-anchor": p === 1 ? "end" : p === 1e-6 ? "start" : "middle",
        },
        percent(p),
      ),
    ),
    ...rows.flatMap(({ prefix, leak }, i) => {
      if (!leak) return [];
      const y = 30 + 20 * i;
      const right = placeOf(leak.high) < 0.75; // the name stands where the interval ends
      return [
        svg("line", { class: "bot-bar", x1: at(leak.low), x2: at(leak.high), y1: y, y2: y }),
        svg("circle", { class: "bot-dot", cx: at(middle(leak)), cy: y, r: 5 }),
        svg(
          "text",
          {
            class: "mg-label bot-at",
            x: at(right ? Math.max(leak.high, 1e-6) : leak.low),
            dx: right ? 10 : -10,
            y: y + 4,
            "text-anchor": right ? "start" : "end",
          },
          prefix || "blank",
        ),
      ];
    }),
  ];
}

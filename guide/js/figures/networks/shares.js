// Shares as a list of bars, one below the other: for words and positions, whose names need room.

import { html, svg } from "../../kit/dom.js";

/**
 * @param {string} label
 * @param {{name: string, share: number, text: string, marked?: boolean}[]} rows share from 0 to 1
 */
export function shareList(label, rows) {
  return html(
    "dl",
    { class: "att-shares", "aria-label": label },
    ...rows.flatMap(({ name, share, text, marked = false }) => [
      html("dt", { class: marked ? "att-now" : null }, name),
      html(
        "dd",
        {},
        svg(
          "svg",
          {
            class: "net-track",
            viewBox: "0 0 100 8",
            preserveAspectRatio: "none",
            "aria-hidden": "true",
          },
          svg("rect", {
            class: "att-share",
            x: 0,
            y: 0,
            height: 8,
            width: Math.max(0, Math.min(100, 100 * share)),
          }),
        ),
        html("span", {}, text),
      ),
    ]),
  );
}

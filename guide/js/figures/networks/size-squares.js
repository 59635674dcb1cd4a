// Models as squares whose areas are as their numbers. A square that is too small to be seen gets an
// arrow.

import { svg } from "../../kit/dom.js";
import { counted } from "../../kit/text.js";

const LEAST = 5; // px: a smaller square is pointed at

/**
 * @param {{name: string, value: number}[]} models from the smallest to the largest
 * @param {string} what
 * @param {number} width
 */
export function sizeSquares(models, what, width) {
  const most = Math.max(...models.map(({ value }) => value));
  const isWide = width >= 560;
  const side = isWide ? 360 : width * 0.52;
  const foot = side + 14;
  const column = (width - side) / (models.length - 1);
  return svg(
    "svg",
    {
      class: "net-drawing",
      viewBox: `0 0 ${width} ${foot + 50}`,
      role: "img",
      "aria-label": `${what}: squares whose areas are as the numbers`,
    },
    svg("path", { class: "net-axis", d: `M0 ${foot}H${width}` }),
    ...models.flatMap(({ name, value }, i) => {
      const isLast = i === models.length - 1;
      const size = side * Math.sqrt(value / most);
      const middle = isLast ? width - side / 2 : column * (i + 0.5);
      const isSmall = size < LEAST;
      return [
        svg("rect", {
          class: "net-share",
          x: middle - size / 2,
          y: foot - size,
          width: size,
          height: size,
        }),
        isSmall
          ? svg("path", {
              class: "net-pointer",
              d: `M${middle} ${foot - 44}V${foot - size - 12}m-5 -7l5 8l5 -8`,
            })
          : "",
        isSmall
          ? svg(
              "text",
              { class: "mg-label", x: middle, y: foot - 52, "text-anchor": "middle" },
              size < 0.05
                ? "here, too small"
                : `${size < 1 ? size.toFixed(1) : Math.round(size)} px wide`,
            )
          : "",
        svg("text", { class: "net-text", x: middle, y: foot + 20, "text-anchor": "middle" }, name),
        svg(
          "text",
          { class: "mg-label", x: middle, y: foot + 40, "text-anchor": "middle" },
          counted(value),
        ),
      ];
    }),
  );
}

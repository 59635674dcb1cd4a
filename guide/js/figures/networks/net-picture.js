// A net of 3, 4 and 2 numbers: wires as thick as the weights are large, its inputs to drag. From
// left to right where there is room, else from top to bottom.

import { renew, setAll, svg } from "../../kit/dom.js";
import { written } from "../../kit/text.js";
import { signOf } from "./neuron-picture.js";
import { NumberLine, set } from "./number-line.js";

const SIZES = [3, 4, 2];
const NAMES = ["inputs", "hidden", "outputs"];
const SUBS = ["₁", "₂", "₃"];
const R = 27;

export class NetPicture {
  /**
   * @param {import("../../kit/element.js").KitElement} host
   * @param {{initial: number[], reach: number, moved: (i: number, value: number) => void}} how
   */
  constructor(host, { initial, reach, moved }) {
    this.inputs = initial.map(
      (x, i) =>
        new NumberLine(host, {
          label: `x${SUBS[i]}`,
          control: "x",
          min: -reach,
          max: reach,
          initial: x,
          moved: (value) => moved(i, value),
        }),
    );
    /** @private */ this.net = svg("g");
    this.picture = svg(
      "svg",
      { class: "net-drawing", role: "group" },
      this.net,
      ...this.inputs.map(({ node }) => node),
    );
    /** @private */ this.width = 800;
    this.stand(800); // until its width is known
  }

  /** @private */
  get isWide() {
    return this.width >= 560;
  }

  /** @private @param {number} layer @param {number} i */
  spot(layer, i) {
    const { width } = this;
    const off = i - (SIZES[layer] - 1) / 2;
    if (!this.isWide)
      return layer === 0
        ? { x: width / 2 + (off * width) / 3, y: 112 }
        : { x: width / 2 + off * Math.min(84, width / 4.2), y: layer === 1 ? 262 : 390 };
    const from = Math.min(250, width * 0.28);
    return { x: from + (layer * (width - from - 70)) / 2, y: 220 + off * (layer ? 92 : 110) };
  }

  /** @param {number} width */
  stand(width) {
    this.width = width;
    this.inputs.forEach((line, i) => {
      const { x, y } = this.spot(0, i);
      const each = this.isWide ? x - R - 40 : width / 3 - 26;
      line.stand(this.isWide ? 12 : x - each / 2, this.isWide ? y : 62, each);
    });
    setAll(this.picture, { viewBox: `0 0 ${width} ${this.isWide ? 404 : 424}` });
  }

  /**
   * @param {import("../../numbers/neuron.js").Layers} net
   * @param {number[][]} all
   */
  show(net, all) {
    all[0].forEach((x, i) => this.inputs[i].show(x));
    const wires = net.flatMap(({ w }, l) =>
      w.flatMap((row, to) =>
        row.map((weight, from) => {
          const [a, b] = [this.spot(l, from), this.spot(l + 1, to)];
          const d =
            l === 0 && !this.isWide
              ? `M${a.x} ${a.y - 22}L${b.x} ${b.y}`
              : `M${a.x} ${a.y}L${b.x} ${b.y}`;
          return svg(
            "path",
            {
              class: "net-edge",
              "data-sign": signOf(weight),
              d,
              "stroke-width": (0.5 + 6 * Math.abs(weight)).toFixed(2),
            },
            svg("title", {}, `weight ${written(weight)}`),
          );
        }),
      ),
    );
    const nodes = all.flatMap((numbers, l) =>
      numbers.flatMap((v, i) => {
        const { x, y } = this.spot(l, i);
        if (l === 0)
          return this.isWide ? [svg("circle", { class: "net-joint", cx: x, cy: y, r: 5 })] : [];
        return [
          svg("circle", {
            class: "net-node",
            "data-on": l === 1 && v === 0 ? "no" : "yes",
            cx: x,
            cy: y,
            r: R,
          }),
          svg(
            "text",
            { class: "net-text", x, y, "text-anchor": "middle", "dominant-baseline": "central" },
            written(v),
          ),
        ];
      }),
    );
    const leads = this.isWide
      ? all[0].map((_, i) => {
          const { x, y } = this.spot(0, i);
          return svg("path", { class: "net-drop", d: `M${x - R - 18} ${y}H${x}` });
        })
      : [];
    const names = NAMES.map((name, l) => {
      const { x, y } = this.spot(l, 0);
      const [across, down] = this.isWide
        ? [l === 0 ? 12 : x, 24]
        : [4, l === 0 ? 14 : y - (l === 1 ? 46 : 40)];
      const anchor = this.isWide && l ? "middle" : "start";
      return svg(
        "text",
        { class: "mg-label mg-halo", x: across, y: down, "text-anchor": anchor },
        name,
      );
    });
    renew(this.net, ...leads, ...wires, ...nodes, ...names);
    const text = `A net of ${SIZES.join(", ")} numbers; the line below gives them.`;
    set(this.picture, "aria-label", text);
  }
}

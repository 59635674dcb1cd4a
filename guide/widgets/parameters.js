// What a model's parameters are: <mg-model-sizes> three models side by side, <mg-matrices>
// every matrix of the trained model as a grid, <mg-fan> the weights of one row as a
// fan, and <mg-tally> the sum of all matrices.

import { FileError } from "../js/errors.js";
import { html, renew, svg } from "../js/kit/dom.js";
import { define } from "../js/kit/element.js";
import "../js/kit/heat.js";
import { make } from "../js/kit/make.js";
import { choiceField, numberField, wholeField } from "../js/kit/state.js";
import { written } from "../js/kit/text.js";
import { Widget } from "../js/kit/widget.js";
import { describe, MATRICES, namesOf } from "../js/matrices.js";
import { readModel } from "../js/model.js";
import { asRows } from "../js/numbers/arithmetic.js";
import { MODEL_SIZES, tally } from "../js/numbers/facts.js";
import { makeConfig, shapes } from "../js/config.js";

const count = (/** @type {number} */ n) => n.toLocaleString("en");
/** Options that are called as they are. @param {readonly string[]} names */
const alike = (names) => Object.fromEntries(names.map((name) => [name, name]));

/** A bar as long as a share. @param {number} share @param {string} label */
const bar = (share, label) =>
  svg(
    "svg",
    {
      class: "net-track",
      viewBox: "0 0 100 8",
      preserveAspectRatio: "none",
      role: "img",
      "aria-label": label,
    },
    svg("rect", { class: "net-share", x: 0, y: 0, height: 8, width: 100 * share }),
  );

/** @type {Promise<Record<string, number[][]>> | null} */
let opening = null;

/** The trained model's matrices as rows, fetched once. */
function opened() {
  opening ??= (async () => {
    const answer = await fetch(new URL("../files/model.json", import.meta.url));
    if (!answer.ok)
      throw new FileError(
        `model.json can't be fetched (${answer.status}).`,
        "Is the guide still being served?",
      );
    const { config, weights } = readModel(await answer.text());
    return asRows(weights, shapes(config));
  })();
  opening.catch(() => (opening = null));
  return opening;
}

class OnMatrices extends Widget {
  weights = /** @type {Record<string, number[][]>} */ ({});

  async load() {
    this.weights = await opened();
  }
}

/** @type {Record<"vocab"|"n_embd"|"n_head"|"head_dim"|"block"|"n_layer"|"parameters", string>} */
const FACTS = {
  vocab: "vocabulary",
  n_embd: "n_embd",
  n_head: "heads",
  head_dim: "head_dim",
  block: "block size",
  n_layer: "layers",
  parameters: "parameters",
};
const KEYS = /** @type {(keyof typeof FACTS)[]} */ (Object.keys(FACTS));

class MgModelSizes extends Widget {
  fields = { by: choiceField("parameters", KEYS) };
  grid = html("div", { class: "net-models" });

  build() {
    return [this.menu("by", { label: "Compare by", options: FACTS }), this.grid];
  }

  show() {
    const by = /** @type {keyof typeof FACTS} */ (this.values.by);
    const most = Math.max(...MODEL_SIZES.map((size) => Number(size[by])));
    renew(
      this.grid,
      ...MODEL_SIZES.map((size) =>
        html(
          "section",
          { class: "net-model", "aria-label": size.name },
          html("p", { class: "net-title" }, size.name),
          bar(size[by] / most, `${count(size[by])}, of at most ${count(most)}`),
          html(
            "dl",
            {},
            ...KEYS.flatMap((key) => [
              html("dt", {}, FACTS[key]),
              html("dd", {}, key === by ? html("b", {}, count(size[key])) : count(size[key])),
            ]),
          ),
        ),
      ),
    );
    const [toy, micro, gpt] = MODEL_SIZES.map((size) => size[by]);
    const times = gpt / micro;
    this.summary(
      `${FACTS[by]}: ${count(toy)}, ${count(micro)} and ${count(gpt)}. GPT-2 small has ` +
        `${times >= 10 ? count(Math.round(times)) : Number(times.toFixed(1))} times as many as ` +
        "microgpt; the bars are drawn to scale.",
    );
  }
}

class MgMatrices extends OnMatrices {
  fields = { matrix: choiceField("wte", MATRICES) };
  what = html("p");
  heat = make("mg-heat", { label: "wte", digits: 3 });

  build() {
    const options = alike(MATRICES);
    return [this.menu("matrix", { label: "Matrix", options }), this.what, this.heat];
  }

  show() {
    const { matrix } = this.values;
    const rows = this.weights[matrix];
    this.heat.setAttribute("label", matrix);
    this.heat.data = { values: rows, rows: namesOf(matrix, rows.length).rows, link: matrix };
    this.what.textContent = describe(matrix);
    const all = rows.flat();
    const size = Math.sqrt(all.reduce((sum, v) => sum + v * v, 0) / all.length);
    this.summary(
      `${matrix} after training: ${rows.length} rows of ${rows[0].length}, ` +
        `${count(all.length)} numbers, root mean square ${written(size, 3)}. It began at ` +
        "0.08.",
    );
  }
}

const FAN = ["layer0.attn_wq", "layer0.mlp_fc1", "layer0.mlp_fc2", "lm_head"];

class MgFan extends OnMatrices {
  fields = {
    matrix: choiceField("lm_head", FAN),
    row: wholeField(26, 0, 63),
    least: numberField(0.1, 0, 2),
  };
  room = html("div");

  build() {
    const [options, also] = [alike(FAN), () => ({ row: 0 })];
    this.row = this.knob("row", { label: "Row", slider: true });
    return [
      this.menu("matrix", { label: "Matrix", options, also }),
      this.row,
      this.knob("least", { label: "Hide below", step: 0.05, digits: 2, slider: true }),
      this.room,
    ];
  }

  show() {
    const { matrix, least } = this.values;
    const rows = this.weights[matrix];
    const at = Math.min(this.values.row, rows.length - 1);
    this.row?.setAttribute("max", String(rows.length - 1));
    const name = namesOf(matrix, rows.length).rows[at];
    const [picture, drawn] = fan(rows[at], least, name);
    renew(this.room, picture);
    const strongest = rows[at].reduce(
      (best, w, i) => (Math.abs(w) > Math.abs(rows[at][best]) ? i : best),
      0,
    );
    this.summary(
      `Row ${at} of ${matrix} (${name}): ${drawn} of its ${rows[at].length} weights are ` +
        `${written(least)} or larger in absolute value. The strongest comes from input ` +
        `${strongest}: ${written(rows[at][strongest], 3)}.`,
    );
  }
}

/**
 * @param {number[]} row
 * @param {number} least
 * @param {string} name
 * @returns {[SVGElement, number]}
 */
function fan(row, least, name) {
  const gap = Math.max(9, Math.min(22, 420 / row.length));
  const height = gap * row.length + 20;
  const most = Math.max(...row.map(Math.abs));
  const end = { x: 320, y: height / 2 };
  const picture = svg("svg", {
    class: "net-picture",
    viewBox: `0 0 400 ${height}`,
    role: "img",
    "aria-label":
      `The ${row.length} weights that lead into ${name}, as lines: thicker is larger, orange ` +
      "above zero, blue and dashed below",
  });
  let drawn = 0;
  row.forEach((w, i) => {
    const y = 10 + gap * (i + 0.5);
    if (Math.abs(w) >= least) {
      drawn++;
      picture.append(
        svg(
          "line",
          {
            class: "net-edge",
            "data-sign": w < 0 ? "−" : "+",
            x1: 46,
            y1: y,
            x2: end.x - 26,
            y2: end.y,
            "stroke-width": (6 * Math.abs(w)) / most,
          },
          svg("title", {}, `input ${i}: ${written(w, 3)}`),
        ),
      );
    }
    picture.append(svg("circle", { class: "net-node", cx: 42, cy: y, r: Math.min(5, gap / 2.5) }));
    if (gap > 11 || i % 4 === 0)
      picture.append(svg("text", { class: "mg-label", x: 30, y: y + 4, "text-anchor": "end" }, i));
  });
  picture.append(
    svg("circle", { class: "net-node", cx: end.x, cy: end.y, r: 26 }),
    svg("text", { class: "net-text", x: end.x, y: end.y + 5, "text-anchor": "middle" }, name),
  );
  return [picture, drawn];
}

const WIDTHS = { 8: "8", 16: "16, as in microgpt", 32: "32", 64: "64" };

class MgTally extends Widget {
  fields = { width: choiceField("16", Object.keys(WIDTHS)) };
  list = html("div");

  build() {
    return [this.menu("width", { label: "n_embd", options: WIDTHS }), this.list];
  }

  show() {
    const { width } = this.values;
    const { matrices, total } = tally(makeConfig({ n_embd: Number(width), vocab_size: 27 }));
    const open = new Set([...this.list.querySelectorAll("details[open]")].map((one) => one.id));
    this.list.replaceChildren(
      ...matrices.map(({ name, out, into, count: n, share }) => {
        const id = `tally-${name.replace(/\W/g, "-")}`;
        const percent = `${written(100 * share, 1)} % of all`;
        return html(
          "details",
          { id, open: open.has(id) },
          html("summary", {}, html("b", {}, name), ` ${out} × ${into} = ${count(n)}`),
          bar(share, percent),
          html("p", {}, `${describe(name)} ${percent} parameters.`),
        );
      }),
      html(
        "p",
        { class: "net-big" },
        `${matrices.map(({ count: n }) => count(n)).join(" + ")} = ${count(total)}`,
      ),
    );
    this.summary(`With n_embd ${width}: ${matrices.length} matrices, ${count(total)} parameters.`);
  }
}

define("mg-model-sizes", MgModelSizes);
define("mg-matrices", MgMatrices);
define("mg-fan", MgFan);
define("mg-tally", MgTally);

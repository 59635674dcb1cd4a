// What a model's parameters are: <mg-model-sizes> three models side by side, <mg-matrices>
// every matrix of the trained model as a grid, <mg-fan> the weights of one row as a fan
//, and <mg-tally> the sum of all matrices.

import { FileError } from "../js/errors.js";
import { html, renew, svg } from "../js/kit/dom.js";
import { define, KitElement } from "../js/kit/element.js";
import "../js/kit/heat.js";
import { choiceField, numberField, urlState, wholeField } from "../js/kit/state.js";
import { written } from "../js/kit/text.js";
import { describe, MATRICES, namesOf } from "../js/matrices.js";
import { readModel } from "../js/model.js";
import { menu, numberInput, tools } from "../js/figures/parts.js";
import { asRows } from "../js/numbers/arithmetic.js";
import { MODEL_SIZES, tally } from "../js/numbers/facts.js";
import { makeConfig, shapes } from "../js/config.js";

const count = (/** @type {number} */ n) => n.toLocaleString("en");

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

const FACTS = /** @type {const} */ ([
  ["vocab", "vocabulary"],
  ["n_embd", "n_embd"],
  ["n_head", "heads"],
  ["head_dim", "head_dim"],
  ["block", "block size"],
  ["n_layer", "layers"],
  ["parameters", "parameters"],
]);

class MgModelSizes extends KitElement {
  build() {
    const state = urlState("model-sizes", {
      by: choiceField(
        "parameters",
        FACTS.map(([key]) => key),
      ),
    });
    this.whenLeaving(() => state.close());
    const chosen = menu(
      this,
      "Compare by",
      FACTS.map(([key, text]) => /** @type {[string, string]} */ ([key, text])),
      (by) => state.set({ by }),
    );
    const grid = html("div", { class: "net-models" });
    this.replaceChildren(chosen.whole, grid, tools(this, state));
    const show = () => {
      const by = /** @type {typeof FACTS[number][0]} */ (state.values.by);
      chosen.select.value = by;
      const most = Math.max(...MODEL_SIZES.map((size) => Number(size[by])));
      renew(
        grid,
        ...MODEL_SIZES.map((size) =>
          html(
            "section",
            { class: "net-model", "aria-label": size.name },
            html("p", { class: "net-title" }, size.name),
            svg(
              "svg",
              {
                class: "net-track",
                viewBox: "0 0 100 8",
                preserveAspectRatio: "none",
                role: "img",
                "aria-label": `${count(size[by])}, of at most ${count(most)}`,
              },
              svg("rect", {
                class: "net-share",
                x: 0,
                y: 0,
                height: 8,
                width: (100 * size[by]) / most,
              }),
            ),
            html(
              "dl",
              {},
              ...FACTS.flatMap(([key, text]) => [
                html("dt", {}, text),
                html("dd", {}, key === by ? html("b", {}, count(size[key])) : count(size[key])),
              ]),
            ),
          ),
        ),
      );
      const [toy, micro, gpt] = MODEL_SIZES.map((size) => size[by]);
      const times = (/** @type {number} */ x) =>
        x >= 10 ? count(Math.round(x)) : String(Number(x.toFixed(1)));
      this.summary(
        `${FACTS.find(([key]) => key === by)?.[1]}: ${count(toy)}, ${count(micro)} and ` +
          `${count(gpt)}. GPT-2 small has ${times(gpt / micro)} times what microgpt has; the ` +
          "bars are drawn to scale.",
      );
    };
    state.onChange(show);
    show();
  }
}

class MgMatrices extends KitElement {
  async build() {
    const state = urlState("matrices", { matrix: choiceField("wte", MATRICES) });
    this.whenLeaving(() => state.close());
    const chosen = menu(
      this,
      "Matrix",
      MATRICES.map((name) => [name, name]),
      (matrix) => state.set({ matrix }),
    );
    const heat = /** @type {import("../js/kit/heat.js").MgHeat} */ (
      html(/** @type {any} */ ("mg-heat"), { label: "wte", digits: 3 })
    );
    const what = html("p", {});
    this.replaceChildren(chosen.whole, what, heat, tools(this, state));
    this.summary("Fetching the trained model.");
    const weights = await opened();
    if (!this.isConnected) return;
    const show = () => {
      const { matrix } = state.values;
      chosen.select.value = matrix;
      const rows = weights[matrix];
      heat.setAttribute("label", matrix);
      heat.data = { values: rows, rows: namesOf(matrix, rows.length).rows, link: matrix };
      what.textContent = describe(matrix);
      const all = rows.flat();
      const size = Math.sqrt(all.reduce((sum, v) => sum + v * v, 0) / all.length);
      this.summary(
        `${matrix} after training: ${rows.length} rows of ${rows[0].length}, ` +
          `${count(all.length)} numbers, root mean square ${written(size, 3)}. It began at ` +
          "0.08.",
      );
    };
    state.onChange(show);
    show();
  }
}

const FAN = ["layer0.attn_wq", "layer0.mlp_fc1", "layer0.mlp_fc2", "lm_head"];

class MgFan extends KitElement {
  async build() {
    const state = urlState("fan", {
      matrix: choiceField("lm_head", FAN),
      row: wholeField(26, 0, 63),
      least: numberField(0.1, 0, 2),
    });
    this.whenLeaving(() => state.close());
    const chosen = menu(
      this,
      "Matrix",
      FAN.map((name) => [name, name]),
      (matrix) => state.set({ matrix, row: 0 }),
    );
    const row = numberInput(
      this,
      {
        label: "Row",
        control: "row",
        value: 26,
        min: 0,
        max: 63,
        step: 1,
        whole: true,
        slider: true,
      },
      (value) => state.set({ row: value }),
    );
    const least = numberInput(
      this,
      {
        label: "Hide below",
        control: "least",
        value: 0.1,
        min: 0,
        max: 2,
        step: 0.05,
        digits: 2,
        slider: true,
      },
      (value) => state.set({ least: value }),
    );
    const room = html("div");
    this.replaceChildren(chosen.whole, row, least, room, tools(this, state));
    this.summary("Fetching the trained model.");
    const weights = await opened();
    if (!this.isConnected) return;
    const show = () => {
      const { matrix, least: limit } = state.values;
      const rows = weights[matrix];
      const at = Math.min(state.values.row, rows.length - 1);
      chosen.select.value = matrix;
      row.setAttribute("max", String(rows.length - 1));
      row.value = at;
      least.value = limit;
      const name = namesOf(matrix, rows.length).rows[at];
      const [picture, drawn] = fan(rows[at], limit, name);
      renew(room, picture);
      const strongest = rows[at].reduce(
        (best, w, i) => (Math.abs(w) > Math.abs(rows[at][best]) ? i : best),
        0,
      );
      this.summary(
        `Row ${at} of ${matrix} (${name}): ${drawn} of its ${rows[at].length} weights are ` +
          `${written(limit)} or larger in size. The strongest comes from input ${strongest}: ` +
          `${written(rows[at][strongest], 3)}.`,
      );
    };
    state.onChange(show);
    show();
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

class MgTally extends KitElement {
  build() {
    const state = urlState("tally", { width: choiceField("16", ["8", "16", "32", "64"]) });
    this.whenLeaving(() => state.close());
    const chosen = menu(
      this,
      "n_embd",
      ["8", "16", "32", "64"].map((n) => [n, n === "16" ? "16, as in microgpt" : n]),
      (width) => state.set({ width }),
    );
    const list = html("div");
    this.replaceChildren(chosen.whole, list, tools(this, state));
    const show = () => {
      const config = makeConfig({ n_embd: Number(state.values.width), vocab_size: 27 });
      const { matrices, total } = tally(config);
      chosen.select.value = state.values.width;
      const open = new Set([...list.querySelectorAll("details[open]")].map((one) => one.id));
      list.replaceChildren(
        ...matrices.map(({ name, out, into, count: n, share }) => {
          const id = `tally-${name.replace(/\W/g, "-")}`;
          return html(
            "details",
            { id, open: open.has(id) },
            html("summary", {}, html("b", {}, name), ` ${out} × ${into} = ${count(n)}`),
            svg(
              "svg",
              {
                class: "net-track",
                viewBox: "0 0 100 8",
                preserveAspectRatio: "none",
                role: "img",
                "aria-label": `${written(100 * share, 1)} % of all`,
              },
              svg("rect", { class: "net-share", x: 0, y: 0, height: 8, width: 100 * share }),
            ),
            html("p", {}, `${describe(name)} ${written(100 * share, 1)} % of all parameters.`),
          );
        }),
        html(
          "p",
          { class: "net-big" },
          `${matrices.map(({ count: n }) => count(n)).join(" + ")} = ${count(total)}`,
        ),
      );
      this.summary(
        `With n_embd ${state.values.width}: ${matrices.length} matrices, ${count(total)} ` +
          "parameters.",
      );
    };
    state.onChange(show);
    show();
  }
}

define("mg-model-sizes", MgModelSizes);
define("mg-matrices", MgMatrices);
define("mg-fan", MgFan);
define("mg-tally", MgTally);

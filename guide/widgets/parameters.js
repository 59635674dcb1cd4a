// What a model's parameters are: <mg-model-sizes> three models side by side, <mg-matrices>
// every matrix of the trained model as a grid, <mg-fan> the weights of one row as a
// fan, and <mg-tally> the sum of all matrices.

import { FileError } from "../js/errors.js";
import { html, renew, tableOf } from "../js/kit/dom.js";
import { define } from "../js/kit/element.js";
import "../js/kit/heat.js";
import { make } from "../js/kit/make.js";
import { choiceField, numberField, wholeField } from "../js/kit/state.js";
import { counted, written } from "../js/kit/text.js";
import { Widget } from "../js/kit/widget.js";
import { describe, MATRICES, namesOf } from "../js/matrices.js";
import { readModel } from "../js/model.js";
import { asRows } from "../js/numbers/arithmetic.js";
import { MODEL_SIZES, tally } from "../js/numbers/facts.js";
import { makeConfig, shapes } from "../js/config.js";
import { fan } from "../js/figures/networks/fan-picture.js";
import { onWidth } from "../js/figures/networks/number-line.js";
import { sizeSquares } from "../js/figures/networks/size-squares.js";
import { TallyPicture } from "../js/figures/networks/tally-picture.js";

/** Options that are called as they are. @param {readonly string[]} names */
const alike = (names) => Object.fromEntries(names.map((name) => [name, name]));

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
  room = html("div");
  /** @private */ width = 800;

  build() {
    onWidth(this, this.room, (width) => {
      this.width = width;
      this.show();
    });
    const by = this.menu("by", { label: "Compare", options: FACTS });
    return [
      this.figure(this.room, { controls: [by] }),
      tableOf("Three models", () => ({
        head: ["", ...MODEL_SIZES.map(({ name }) => name)],
        rows: KEYS.map((key) => [FACTS[key], ...MODEL_SIZES.map((size) => counted(size[key]))]),
      })),
    ];
  }

  show() {
    const by = /** @type {keyof typeof FACTS} */ (this.values.by);
    const models = MODEL_SIZES.map((size) => ({ name: size.name, value: size[by] }));
    renew(this.room, sizeSquares(models, FACTS[by], this.width));
    const [toy, micro, gpt] = MODEL_SIZES.map((size) => size[by]);
    const times = gpt / micro;
    this.summary(
      `${FACTS[by]}: ${counted(toy)}, ${counted(micro)} and ${counted(gpt)}. GPT-2 small has ` +
        `${times >= 10 ? counted(Math.round(times)) : Number(times.toFixed(1))} times as many as ` +
        "microgpt; the squares' areas are to scale.",
    );
  }
}

class MgMatrices extends OnMatrices {
  fields = { matrix: choiceField("wte", MATRICES) };
  what = html("p");
  heat = make("mg-heat", { label: "wte", digits: 3, most: 30, tall: 430 });

  build() {
    const options = alike(MATRICES);
    const which = this.menu("matrix", { label: "Matrix", options });
    return [this.figure(this.heat, { controls: [which, this.what] })];
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
        `${counted(all.length)} numbers, root mean square ${written(size, 3)}. It began at ` +
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
  /** @private */ width = 800;

  build() {
    const [options, also] = [alike(FAN), () => ({ row: 0 })];
    this.row = this.knob("row", { label: "Row", slider: true });
    onWidth(this, this.room, (width) => {
      this.width = width;
      this.show();
    });
    const controls = [
      this.menu("matrix", { label: "Matrix", options, also }),
      this.row,
      this.knob("least", { label: "Hide below", step: 0.05, digits: 2, slider: true }),
    ];
    return [this.figure(this.room, { controls })];
  }

  show() {
    const { matrix, least } = this.values;
    const rows = this.weights[matrix];
    const at = Math.min(this.values.row, rows.length - 1);
    this.row?.setAttribute("max", String(rows.length - 1));
    const name = namesOf(matrix, rows.length).rows[at];
    const [picture, drawn] = fan(rows[at], { least, name, width: this.width });
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

const WIDTHS = { 8: "8", 16: "16, as in microgpt", 32: "32", 64: "64" };

class MgTally extends Widget {
  fields = {
    width: choiceField("16", Object.keys(WIDTHS)),
    matrix: choiceField("wte", MATRICES),
  };
  picture = new TallyPicture(this, (matrix) => this.set({ matrix }));
  room = html("div", {}, this.picture.picture);
  said = html("p");
  /** @private */ wide = 800;

  build() {
    onWidth(this, this.room, (width) => {
      this.wide = width;
      this.show();
    });
    const menu = this.menu("width", { label: "n_embd", options: WIDTHS });
    return [
      this.figure(this.room, { under: true, controls: [menu, this.said] }),
      tableOf("The matrices and their numbers", () => ({
        head: ["matrix", "shape", "numbers"],
        rows: this.counts.matrices.map(({ name, out, into, count: n }) => [
          name,
          `${out} × ${into}`,
          counted(n),
        ]),
      })),
    ];
  }

  /** @private */
  get counts() {
    return tally(makeConfig({ n_embd: Number(this.values.width), vocab_size: 27 }));
  }

  show() {
    const { width, matrix } = this.values;
    const { matrices, total } = this.counts;
    this.picture.show(matrices, matrix, this.wide);
    const chosen = matrices.find(({ name }) => name === matrix) ?? matrices[0];
    renew(
      this.said,
      html("b", {}, chosen.name),
      `: ${chosen.out} × ${chosen.into} = ${counted(chosen.count)}, ` +
        `${written(100 * chosen.share, 1)} % of all. ${describe(chosen.name)}`,
    );
    this.summary(
      `With n_embd ${width}: ${matrices.length} matrices, ${counted(total)} parameters. All ` +
        "are drawn to one scale: as many rows high, as many columns wide.",
    );
  }
}

define("mg-model-sizes", MgModelSizes);
define("mg-matrices", MgMatrices);
define("mg-fan", MgFan);
define("mg-tally", MgTally);

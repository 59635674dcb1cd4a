// What the pages about the architecture and gpt() show, without a page: every intermediate of the
// toy, its sums, and the table of gpt()'s lines.

import { readFileSync } from "node:fs";
import { test } from "node:test";
import { entryOf, GPT_LINES, lineLinks, LOSS_LINES, siblings } from "../figures/rungs/gpt-lines.js";
import {
  BLOCKS,
  labelOf,
  normOf,
  normText,
  workings,
  STAGES,
  stageSentence,
  toyNumbers,
  tourSentence,
  VECTORS,
} from "../figures/toy/toy-steps.js";
import { fail, near, place, same, vectors } from "./helpers.js";

const ROOT = new URL("../../../", import.meta.url);
const text = (/** @type {string} */ path) => readFileSync(new URL(path, ROOT), "utf8");
place.text = async (/** @type {string} */ path) => text(path);

const MADE = BLOCKS.flatMap(({ vectors: all }) => all);
const plainRow = (/** @type {Record<string, any>} */ row) =>
  Object.fromEntries(
    Object.entries(row).map(([name, value]) => [name.replace("layer0.", ""), [value].flat(3)]),
  );

test("every intermediate, exact and by hand, is the vectors'", async () => {
  const { cases } = await vectors("toy_gpt");
  const pinned = cases.filter((/** @type {any} */ one) => one.row);
  same(4, pinned.length, "pinned cases");
  for (const { name, token, row, by_hand: hand } of pinned) {
    const exact = toyNumbers({ token }, "pinned", "exact");
    const onPaper = toyNumbers({ token }, "pinned", "hand");
    const [golden, column] = [plainRow(row), plainRow(hand)];
    for (const vector of MADE) {
      near(golden[vector], exact.row[vector], 1e-9, `${name} ${vector}`, true);
      if (column[vector])
        near(column[vector], onPaper.row[vector], 1e-12, `${name} by hand ${vector}`);
    }
    for (const [vector, scale] of [
      ["x", "scale"],
      ["x_pre_attn", "scale_pre_attn"],
      ["x_pre_mlp", "scale_pre_mlp"],
    ])
      near(
        golden[scale],
        [/** @type {any} */ (normOf(exact, vector)).scale],
        1e-9,
        `${name} ${scale}`,
      );
    near(
      golden.mean_square,
      [/** @type {any} */ (normOf(exact, "x")).meanSquare],
      1e-9,
      `${name} mean square`,
    );
    near(golden.loss_if_target, exact.row.loss_if_target, 1e-9, `${name} loss`);
  }
  const computed = toyNumbers({ token: 2 }, "computed", "exact");
  const { trace } = cases.find((/** @type {any} */ one) => one.name === "BOS_a_b");
  for (const vector of MADE)
    near(
      [(trace[vector] ?? trace[`layer0.${vector}`])[2]].flat(3),
      computed.row[vector],
      1e-9,
      `computed ${vector}`,
    );
  near([trace["layer0.k"]], computed.keys, 1e-9, "computed keys");
});

test("by hand b is the printed column", () => {
  const { row } = toyNumbers({ token: 2 }, "pinned", "hand");
  const printed = {
    x: [-0.88, 1.1],
    q: [-0.22, 0.35],
    k: [-0.37, 0.37],
    v: [-0.24, 0.84],
    scores: [-0.02, 0.11, 0.15],
    weights: [0.3, 0.34, 0.36],
    head_out: [0.14, 0.28],
    x_attn: [0.14, 0.21],
    x_after_attn: [-0.74, 1.31],
    x_pre_mlp: [-0.7, 1.23],
    fc1_pre: [-0.16, 0.76, -0.58, 0.42, 0.6, -0.26, -0.05, -0.42],
    mlp_out: [0.4, 0.35],
    x_final: [-0.34, 1.66],
    logits: [0.06, 0.73, -0.67, 1.03],
    probs: [0.16, 0.32, 0.08, 0.43],
  };
  for (const [name, numbers] of Object.entries(printed)) same(numbers, row[name], name);
});

/** The value of a sum as it is shown. @param {string} sum */
function worth(sum) {
  const plain = sum
    .replace(/−/g, "-")
    .replace(/·/g, "*")
    .replace(/√2/g, "Math.SQRT2")
    .replace(/exp/g, "Math.exp")
    .replace(/max/g, "Math.max");
  if (!/^[-+*/(). ,\d]*$/.test(plain.replace(/Math\.(SQRT2|exp|max)/g, "")))
    fail(`this is no sum: ${sum}`);
  return Number(new Function(`return ${plain}`)());
}

test("every sum shown makes the number behind it", () => {
  let count = 0;
  for (const token of [0, 1, 2, 3])
    for (const which of /** @type {const} */ (["pinned", "computed"]))
      for (const mode of /** @type {const} */ (["hand", "exact"])) {
        const n = toyNumbers({ token }, which, mode);
        for (const vector of MADE) {
          workings(n, vector).forEach(({ sum, result }, i) => {
            if (sum.startsWith("w")) return; // looked up
            const limit = mode === "hand" ? 0.005 + 2e-4 : 5e-4;
            if (!(Math.abs(worth(sum) - result) <= limit))
              fail(
                `${which} ${mode} ${token} ${labelOf(vector, i)} = ${sum} = ${worth(sum)}, ` +
                  `not ${result}`,
              );
            count++;
          });
        }
      }
  same(16 * 57, count, "sums");
});

test("an x of one's own: the token's x gives the token's numbers, size is lost in the norm", () => {
  for (const mode of /** @type {const} */ (["hand", "exact"])) {
    for (const token of [0, 1, 2, 3]) {
      const known = toyNumbers({ token }, "pinned", mode);
      const own = toyNumbers({ x: known.row.x }, "pinned", mode);
      for (const vector of MADE.filter((name) => own.row[name]))
        same(known.row[vector], own.row[vector], `${mode} ${token} ${vector}`);
    }
    const [one, twice] = [
      [-0.88, 1.1],
      [-1.76, 2.2],
    ].map((x) => toyNumbers({ x }, "pinned", mode));
    near(one.row.q, twice.row.q, 1e-5, "query");
    near([0.54], [twice.row.probs[3]], 0.005, "probability of c");
    near(
      [1 / 3, 1 / 3, 1 / 3],
      toyNumbers({ x: [0, 0] }, "pinned", mode).row.weights,
      0.005,
      "no question",
    );
    if (!normText(one, "x_pre_attn").includes("0.9922")) fail(normText(one, "x_pre_attn"));
  }
  const shown = MADE.filter((name) => !["tok_emb", "pos_emb", "emb", "x"].includes(name));
  const { row } = toyNumbers({ x: [-0.88, 1.1] }, "pinned", "hand");
  const count = shown.reduce((sum, name) => sum + row[name].length, 0);
  if (!text("guide/pages/learn/gpt.md").includes(`${count} numbers from x to the probabilities`))
    fail(`${count} numbers`);
  if (
    !tourSentence(toyNumbers({ x: [-0.88, 1.1] }, "pinned", "hand"), 2).includes(
      "the x of b at position 2: q = (−0.22, 0.35), final x = (−0.34, 1.66)",
    )
  )
    fail("tour");
});

test("five stages grow, and each block has its formula on the page", () => {
  same(5, STAGES.length, "stages");
  same(
    [...BLOCKS].sort((a, b) => a.stage - b.stage),
    BLOCKS,
    "order",
  );
  same([0, 1, 2, 3, 4], [...new Set(BLOCKS.map(({ stage }) => stage))], "stages with blocks");
  same(Object.keys(VECTORS), MADE, "vectors");
  const page = text("guide/pages/learn/architecture.md");
  const listed = [...page.matchAll(/^- \*\*(.+?)\*\* \$/gm)].map(([, name]) => name);
  same(
    BLOCKS.map(({ name }) => name),
    listed,
    "blocks with a formula",
  );
  const matrices = BLOCKS.map((block) => block.vectors.filter((one) => VECTORS[one].matrix).length);
  same(
    [15, 6, 9],
    [BLOCKS.length, matrices.filter((n) => n).length, matrices.reduce((a, b) => a + b, 0)],
    "blocks, those with matrices, matrices",
  );
  if (
    !page.includes("There are fifteen blocks, in five stages; six of them hold the nine matrices.")
  )
    fail("number of blocks");
  const said = STAGES.map((_, stage) =>
    stageSentence(toyNumbers({ token: 2 }, "pinned", "hand"), stage),
  );
  same(5, new Set(said).size, "sentences");
  for (const part of [
    "0.16, 0.32, 0.08, 0.43. The most likely is c.",
    "3 of the 8 hidden numbers are above 0; the MLP adds (0.40, 0.35)",
  ]) {
    if (!said.some((one) => one.includes(part)) || !page.includes(part)) fail(part);
  }
});

test("every line of gpt() has its entry and its note, and nothing else has", () => {
  const lines = text("ladder/train5.py").split("\n");
  const first = lines.findIndex((line) => line.startsWith("def gpt("));
  const body = lines.slice(
    first,
    lines.findIndex((line, i) => i > first && line && !line.startsWith(" ")),
  );
  const code = body
    .map((line) => line.trim())
    .filter((line) => line && !(line.startsWith("#") && !/^# (Attention|MLP)/.test(line)));
  same(GPT_LINES.length, code.length, "lines");
  code.forEach((line, i) => same(GPT_LINES[i], entryOf(line), line));
  for (const { start } of GPT_LINES)
    same(1, code.filter((line) => line.startsWith(start)).length, start);
  for (const { start } of LOSS_LINES)
    same(1, lines.filter((line) => line.trim().startsWith(start)).length, start);
  const page = text("guide/pages/learn/gpt.md");
  const noted = [...page.matchAll(/^\d+\. `(.+?)` {2}\n {3,4}(.+)$/gm)];
  same(
    GPT_LINES.map(({ start }) => start),
    noted.map(([, start]) => start),
    "notes",
  );
  for (const [, start, note] of noted) if (note.length < 30) fail(`${start} has hardly a note`);
  same(GPT_LINES.length, new Set(GPT_LINES.map(lineLinks)).size, "different links");
  if (!page.includes("nineteen lines, two of them comments")) fail("number of lines");
});

test("vectors of the lines are those of the blocks, and siblings share one", () => {
  const made = [...GPT_LINES, ...LOSS_LINES].flatMap(({ makes }) => makes);
  same(made.length, new Set(made).size, "made once");
  for (const vector of MADE) if (!made.includes(vector)) fail(`no line makes ${vector}`);
  for (const { takes, start } of [...GPT_LINES, ...LOSS_LINES])
    for (const one of takes) if (!made.includes(one)) fail(`${start} takes ${one}`);
  const near = siblings(/** @type {any} */ (entryOf("q = linear(h, w)"))).map(({ start }) => start);
  for (const start of [
    "keys[i].append(",
    "values[i].append(",
    "h = rmsnorm(x)",
    "weights = softmax(",
  ])
    if (!near.includes(start)) fail(`${start} is no sibling of q`);
  if (near.includes("return linear(")) fail("q and the logits share nothing");
});

// The lines of the ladder's gpt() and what flows between them: by this table a line lights up
// together with its siblings, with blocks and with numbers. The code itself stands in the page,
// quoted from its source; a test holds that every line of it is here. No prose here: the notes
// stand in the page.

/**
 * @typedef {object} GptLine
 * @property {string} start the line begins so
 * @property {string[]} makes names of trace.json without `layer0.`, or of this table's own
 * @property {string[]} takes
 */

/** @type {readonly GptLine[]} */
export const GPT_LINES = Object.freeze([
  { start: "def gpt(", makes: ["token", "keys", "values"], takes: [] },
  { start: "x = rmsnorm([t + p", makes: ["tok_emb", "pos_emb", "emb", "x"], takes: ["token"] },
  { start: "for i in range(n_layer)", makes: ["layer"], takes: ["x", "x_final"] },
  {
    start: "# Attention:",
    makes: ["attention"],
    takes: ["x_pre_attn", "q", "k", "v", "weights", "head_out", "x_attn"],
  },
  { start: "h = rmsnorm(x)", makes: ["x_pre_attn"], takes: ["x"] },
  { start: "q = linear(h", makes: ["q"], takes: ["x_pre_attn"] },
  { start: "keys[i].append(", makes: ["k"], takes: ["x_pre_attn", "keys"] },
  { start: "values[i].append(", makes: ["v"], takes: ["x_pre_attn", "values"] },
  { start: "mix = []", makes: ["mix"], takes: [] },
  { start: "for start in range(", makes: ["start"], takes: [] },
  { start: "part = slice(", makes: ["part"], takes: ["start"] },
  {
    start: "weights = softmax(",
    makes: ["qk", "scores", "weights"],
    takes: ["q", "k", "keys", "part"],
  },
  { start: "mix += [dot(", makes: ["head_out"], takes: ["weights", "v", "values", "mix", "part"] },
  {
    start: "x = [new + old for new, old in zip(linear(mix",
    makes: ["x_attn", "x_after_attn"],
    takes: ["head_out", "x"],
  },
  { start: "# MLP:", makes: ["MLP"], takes: ["x_pre_mlp", "fc1_pre", "fc1", "mlp_out"] },
  { start: "h = linear(rmsnorm(x)", makes: ["x_pre_mlp", "fc1_pre"], takes: ["x_after_attn"] },
  { start: "h = [hi.relu()", makes: ["fc1"], takes: ["fc1_pre"] },
  {
    start: "x = [new + old for new, old in zip(linear(h",
    makes: ["mlp_out", "x_final"],
    takes: ["fc1", "x_after_attn"],
  },
  { start: "return linear(", makes: ["logits"], takes: ["x_final"] },
]);

/** Lines outside of gpt() that the diagram shows too. @type {readonly GptLine[]} */
export const LOSS_LINES = Object.freeze([
  { start: "probs = softmax(gpt(", makes: ["probs"], takes: ["logits"] },
]);

/** The entry of a line of code. @param {string} code @param {readonly GptLine[]} [lines] */
export const entryOf = (code, lines = GPT_LINES) =>
  lines.find(({ start }) => code.trimStart().startsWith(start));

/** Ids for data-link. @param {string[]} names */
export const linksOf = (names) => names.map((name) => `toy.${name}`).join(" ");

/** What a line shares with others: all that it makes and takes. @param {GptLine} line */
export const lineLinks = ({ makes, takes }) => linksOf([...makes, ...takes]);

/**
 * Other lines that make or take something of this one's.
 * @param {GptLine} line
 * @param {readonly GptLine[]} [lines]
 */
export function siblings(line, lines = GPT_LINES) {
  const own = new Set([...line.makes, ...line.takes]);
  return lines.filter(
    (other) => other !== line && [...other.makes, ...other.takes].some((name) => own.has(name)),
  );
}

// A token's way through the model as eighteen phases: what each one makes, of what, with which
// weights. The names are those of conformance/trace.json and of the state dict. No DOM.

/**
 * @typedef {object} Phase
 * @property {string} name for the scrubber
 * @property {string[]} makes tensors that are known from here on for this token
 * @property {string[]} of what they are made of
 * @property {number} [head] only this head's part
 * @property {string} what one sentence
 */

const L = "layer0.";
const HEADS = 4;

/** @type {(head: number) => Phase} */
const headPhase = (head) => ({
  name: `head ${head + 1}`,
  head,
  makes: [`${L}qk`, `${L}scores`, `${L}weights`, `${L}head_out`],
  of: [`${L}q`, `${L}k`, `${L}v`],
  what:
    `Head ${head + 1} compares its four numbers of q with those of every key so far, makes ` +
    "weights of the scores, and mixes the values.",
});

/** @type {readonly Phase[]} */
export const PHASES = Object.freeze([
  {
    name: "the token comes in",
    makes: [],
    of: ["wte", "wpe"],
    what:
      "All 4,192 parameters stand there. Of this token nothing has been computed yet; those " +
      "before it have left their numbers.",
  },
  {
    name: "embed",
    makes: ["tok_emb", "pos_emb", "emb"],
    of: ["wte", "wpe"],
    what: "The token's row of wte and the position's row of wpe are looked up and added.",
  },
  {
    name: "norm",
    makes: ["mean_square", "scale", "x"],
    of: ["emb"],
    what: "The sum is brought to the size 1.",
  },
  {
    name: "norm before attention",
    makes: [`${L}scale_pre_attn`, `${L}x_pre_attn`],
    of: ["x"],
    what:
      "The block begins with a norm of its own. x has the size 1 already, so hardly anything " +
      "changes.",
  },
  {
    name: "q, k, v",
    makes: [`${L}q`, `${L}k`, `${L}v`],
    of: [`${L}x_pre_attn`, `${L}attn_wq`, `${L}attn_wk`, `${L}attn_wv`],
    what:
      "Three matrices make query, key and value. Key and value stay for all tokens after this " +
      "one.",
  },
  ...Array.from({ length: HEADS }, (_, head) => headPhase(head)),
  {
    name: "Wo",
    makes: [`${L}x_attn`],
    of: [`${L}head_out`, `${L}attn_wo`],
    what: "Wo mixes what the four heads have found.",
  },
  {
    name: "residual",
    makes: [`${L}x_after_attn`],
    of: [`${L}x_attn`, "x"],
    what: "What came into the block is added.",
  },
  {
    name: "norm before the MLP",
    makes: [`${L}scale_pre_mlp`, `${L}x_pre_mlp`],
    of: [`${L}x_after_attn`],
    what: "The second norm of the block.",
  },
  {
    name: "fc1",
    makes: [`${L}fc1_pre`],
    of: [`${L}x_pre_mlp`, `${L}mlp_fc1`],
    what: "64 neurons weigh the 16 numbers.",
  },
  {
    name: "ReLU",
    makes: [`${L}fc1`],
    of: [`${L}fc1_pre`],
    what: "What is below zero becomes zero.",
  },
  {
    name: "fc2",
    makes: [`${L}mlp_out`],
    of: [`${L}fc1`, `${L}mlp_fc2`],
    what: "64 numbers become 16 again.",
  },
  {
    name: "residual after the MLP",
    makes: [`${L}x_final`],
    of: [`${L}mlp_out`, `${L}x_after_attn`],
    what: "What came into the MLP's half is added.",
  },
  {
    name: "logits",
    makes: ["logits"],
    of: [`${L}x_final`, "lm_head"],
    what: "lm_head gives each of the 27 tokens a score.",
  },
  {
    name: "softmax",
    makes: ["probs"],
    of: ["logits"],
    what: "The scores become probabilities of the next token.",
  },
]);

/** Where the first head stands. */
const FIRST_HEAD = PHASES.findIndex(({ head }) => head === 0);

/** @type {ReadonlyMap<string, number>} */
const MADE_AT = new Map(
  [...PHASES.keys()]
    .reverse()
    .flatMap((i) => PHASES[i].makes.map((name) => /** @type {[string, number]} */ ([name, i]))),
);

/**
 * The head that a cell belongs to, where its tensor is made head by head; else null.
 * @param {string} name
 * @param {ArrayLike<number>} at
 * @param {number} width n_embd
 */
export function headOf(name, at, width) {
  if (name === `${L}head_out`) return Math.floor((at[1] * HEADS) / width);
  return name === `${L}qk` || name === `${L}scores` || name === `${L}weights` ? at[1] : null;
}

/**
 * The phase that makes a cell of the token that is on its way; -1 for parameters.
 * @param {string} name
 * @param {number | null} head
 */
export function madeAt(name, head) {
  if (head !== null) return FIRST_HEAD + head;
  return MADE_AT.get(name) ?? -1;
}

/**
 * What the flat view opens with in a phase: the last tensor that it makes.
 * @param {number} phase
 */
export function mainTensor(phase) {
  const { makes, head } = PHASES[phase];
  if (head !== undefined) return `${L}weights`;
  return makes[makes.length - 1] ?? "wte";
}

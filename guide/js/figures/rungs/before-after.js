// The blocks of the model before and after a rung, for the figure that sets them side by side. No
// DOM.

/**
 * @typedef {object} Block
 * @property {string} id the same in both where it is the same block
 * @property {string} name
 * @property {string} what
 * @property {number} [parameters]
 * @property {string} [page] where it is told
 * @property {Block[]} [inside]
 */

/** @param {Partial<Block> & {id: string}} block @returns {Block} */
const block = ({ id, name = id, what = "", ...more }) => ({ id, name, what, ...more });

const WTE = block({
  id: "wte",
  what: "A row of 16 numbers for each token.",
  parameters: 432,
  page: "embeddings",
});
const SOFTMAX = block({
  id: "softmax",
  what: "27 logits become 27 probabilities.",
  page: "softmax",
});
const NORM = (/** @type {string} */ id) =>
  block({
    id,
    name: "RMSNorm",
    what: "Scales the numbers to a standard size, whatever they were.",
    page: "rmsnorm",
  });
const RESIDUAL = (/** @type {string} */ id) =>
  block({
    id,
    name: "+ residual",
    what: "What came in is added to what was found.",
    page: "residuals",
  });
const FC1 = {
  name: "fc1, ReLU",
  what: "16 numbers become 64; those below 0 are cut off.",
  parameters: 1024,
  page: "mlp",
};
const LM_HEAD = block({
  id: "lm_head",
  what: "16 numbers become 27 logits: one score per token.",
  parameters: 432,
  page: "residuals",
});
const EMBED = [
  WTE,
  block({
    id: "wpe",
    name: "+ wpe",
    what: "A row of 16 numbers for each position, added.",
    parameters: 256,
    page: "embeddings",
  }),
  NORM("norm0"),
];
const MLP = [
  NORM("norm2"),
  block({ id: "fc1", ...FC1 }),
  block({
    id: "fc2",
    name: "fc2",
    what: "64 numbers become 16 again.",
    parameters: 1024,
    page: "mlp",
  }),
  RESIDUAL("res2"),
];
const QKV = block({
  id: "qkv",
  name: "q, k, v",
  what: "Three linear layers make query, key and value.",
  parameters: 768,
  page: "attention",
});
const WO = block({
  id: "wo",
  name: "Wo",
  what: "Mixes what attention has gathered.",
  parameters: 256,
  page: "residuals",
});

/** The model of a rung, from the token to the probabilities. @type {Record<number, Block[]>} */
export const MODELS = {
  2: [
    WTE,
    block({ id: "fc1", ...FC1 }),
    block({
      id: "out",
      name: "fc2",
      what: "64 numbers become 27 logits at once.",
      parameters: 1728,
      page: "mlp",
    }),
    SOFTMAX,
  ],
  3: [
    ...EMBED,
    NORM("norm1"),
    QKV,
    block({
      id: "cache",
      name: "cache",
      what: "Keys and values of all positions so far.",
      page: "cache",
    }),
    block({
      id: "head",
      name: "attention, one head",
      what: "One comparison of all 16 numbers, one set of weights.",
      page: "attention",
    }),
    WO,
    RESIDUAL("res1"),
    ...MLP,
    LM_HEAD,
    SOFTMAX,
  ],
  4: [
    ...EMBED,
    block({
      id: "layers",
      name: "for each layer (here 1)",
      what: "The block may be repeated, each time with its own parameters.",
      page: "layers",
      inside: [
        NORM("norm1"),
        QKV,
        block({
          id: "caches",
          name: "this layer's cache",
          what: "Keys and values of all positions so far, separately for each layer.",
          page: "layers",
        }),
        block({
          id: "heads",
          name: "attention, four heads",
          what: "Four comparisons of 4 numbers each, four sets of weights.",
          page: "heads",
        }),
        WO,
        RESIDUAL("res1"),
        ...MLP,
      ],
    }),
    LM_HEAD,
    SOFTMAX,
  ],
};

/** All blocks, those inside others too. @param {Block[]} blocks @returns {Block[]} */
export const flat = (blocks) => blocks.flatMap((one) => [one, ...flat(one.inside ?? [])]);

/** What a model's blocks hold in parameters. @param {number} rung */
export const parametersOf = (rung) =>
  flat(MODELS[rung]).reduce((sum, { parameters = 0 }) => sum + parameters, 0);

/** Blocks that only one of two rungs has. @param {number} from @param {number} to */
export function changed(from, to) {
  const ids = (/** @type {number} */ rung) => new Set(flat(MODELS[rung]).map(({ id }) => id));
  const [before, after] = [ids(from), ids(to)];
  return {
    gone: flat(MODELS[from]).filter(({ id }) => !after.has(id)),
    come: flat(MODELS[to]).filter(({ id }) => !before.has(id)),
  };
}

/** Parts of the model, and the blocks that each has. @type {Record<string, string[]>} */
const PARTS = {
  embedding: ["wte", "wpe", "norm0"],
  attention: ["norm1", "qkv", "cache", "caches", "head", "heads", "wo", "res1"],
  MLP: ["norm2", "fc1", "fc2", "out", "res2"],
  output: ["lm_head", "softmax"],
};

/**
 * A rung's blocks by part, for columns beside each other, and the block that holds some of them.
 * @param {number} rung
 */
export function inParts(rung) {
  const all = flat(MODELS[rung]);
  const parts = Object.entries(PARTS).map(([name, ids]) => ({
    name,
    blocks: all.filter(({ id }) => ids.includes(id)),
  }));
  return { parts, around: all.find(({ inside }) => inside) ?? null };
}

// The names under which states once stood in addresses, and those of today: links that readers have
// kept open as they were. No DOM.

/** @type {Readonly<Record<string, string>>} */
const NOW = Object.freeze({
  W1: "chat",
  W2: "tokenizer",
  W3: "net",
  W4: "neuron-1",
  W5: "neuron-2",
  W6: "neuron-3",
  W7: "neuron-4",
  W8: "zip",
  W9: "surface",
  W10: "surface-match",
  W11: "value",
  W12: "value-stages",
  W13: "backprop",
  W14: "neuron-backward",
  W15: "descent",
  W16: "model-sizes",
  W17: "toy-diagram",
  W18: "matrices",
  W19: "fan",
  W20: "fuzzy",
  W21: "word-attention",
  W22: "attention",
  W23: "attention-play",
  W24: "numeric-tour",
  W25: "tally",
  W26: "annotated-gpt",
  W27: "parabola",
  W28: "training-curve",
  W29: "temperature",
  W30: "toy-training",
  W31: "toy-chat",
  W32: "canonical-block",
  W33: "scene",
  T1: "unique-characters",
  T2: "pair-counts",
  T3: "next-token",
  T4: "count-loss",
  T5: "count-names",
  T6: "softmax",
  T7: "mlp-flow",
  T8: "mlp-name",
  T9: "numerical",
  T10: "gradient-check",
  T11: "train-mlp",
  T12: "value-cards",
  T13: "rung-diff",
  T14: "before-after",
  T15: "head-weights",
  T16: "cache",
  T17: "head-split",
  T18: "running-mean",
  T19: "adam-steps",
  T20: "ladder-losses",
});

/**
 * The name that a state has now. What came behind the old one, as the rungs in T13-04-05, stays.
 * @param {string} name
 */
export function nameNow(name) {
  const [, old, rest] = /^([WT]\d+)(-.*)?$/.exec(name) ?? [];
  return Object.hasOwn(NOW, old ?? "") ? NOW[old] + (rest ?? "") : name;
}

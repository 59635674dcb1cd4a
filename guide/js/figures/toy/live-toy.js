// The toy GPT that one page trains and chats with: its words, its weights, and what has
// been done to them. No DOM.
//
//     const stop = liveToy.onChange(() => draw()); liveToy.stepOne(); liveToy.stepBatch();

import { marked } from "../../characters.js";
import { InputError } from "../../errors.js";
import { written } from "../../kit/text.js";
import {
  TOY_STEP_LR,
  TOY_TOKENS,
  TOY_WORDS,
  toyChat,
  toyExamples,
  ToyTraining,
  toyWeights,
} from "../../numbers/toy.js";
import { Random } from "../../random.js";

/** @typedef {import("../../numbers/toy.js").ToyExample} ToyExample */
/** @typedef {import("../../numbers/toy.js").ToyWeights} ToyWeights */
/**
 * @typedef {{n: number, example: ToyExample | null, before: number, after: number, mean: number}}
 *   Line one step; before and after are the example's loss, or the mean of all
 */
/** @typedef {"untrained" | "training" | "partly trained" | "trained"} Badge */

const MOST_OF_THE_WAY = 20; // steps, of a batch: after that the loss falls slowly

/** How many steps "train" is. */
export const BATCHES = 100;
/** A link may ask for so many steps at most. */
export const MOST_STEPS = 3000;
/** Characters of words that are read. */
export const MOST_TEXT = 400;
export const DEFAULT_TEXT = TOY_WORDS.join(" ");

/** What a page says of an example. @param {ToyExample} example */
export const exampleText = ({ input, target, word }) =>
  `${TOY_TOKENS[input]} → ${TOY_TOKENS[target]}, ` +
  `${word === null ? `${TOY_TOKENS[input]} ends a word` : `from ${word}`}`;

/** A step in the log. @param {Line} line */
export function lineText({ n, example, before, after, mean }) {
  if (!example)
    return `${n} · all examples: mean loss ${written(before, 4)} → ${written(after, 4)}`;
  return (
    `${n} · ${exampleText(example)}, lr ${TOY_STEP_LR}: its loss ${written(before, 4)} → ` +
    `${written(after, 4)}; mean of all ${written(mean, 4)}`
  );
}

/** Words of a text, apart by anything that is no letter. @param {string} text */
export const wordsOf = (text) =>
  text
    .slice(0, MOST_TEXT)
    .split(/[\s,;]+/)
    .filter((word) => word);

/**
 * How often each token follows each in the examples, as shares: null where a token is never the
 * input.
 * @param {ToyExample[]} examples
 */
export function wanted(examples) {
  return TOY_TOKENS.map((_, input) => {
    const targets = examples.filter((one) => one.input === input).map((one) => one.target);
    if (!targets.length) return null;
    return TOY_TOKENS.map(
      (_, target) => targets.filter((t) => t === target).length / targets.length,
    );
  });
}

/**
 * The least mean loss that any model can have on these examples: it sees the input alone.
 * @param {ToyExample[]} examples
 */
export function leastLoss(examples) {
  const shares = wanted(examples);
  const losses = examples.map(
    ({ input, target }) => -Math.log(/** @type {number[]} */ (shares[input])[target]),
  );
  return losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
}

/**
 * Steps as text for a link, s for one example and b for all: s3b100. null if it can't be read.
 * @param {string} text
 * @returns {{kind: "s" | "b", count: number}[] | null}
 */
export function readSteps(text) {
  if (!/^([sb]\d{1,4})*$/.test(text)) return null;
  const parts = [...text.matchAll(/([sb])(\d+)/g)].map(([, kind, count]) => ({
    kind: /** @type {"s" | "b"} */ (kind),
    count: Number(count),
  }));
  return parts.reduce((sum, { count }) => sum + count, 0) > MOST_STEPS ? null : parts;
}

export class LiveToy {
  constructor() {
    /** @private @type {Set<() => void>} */ this.listeners = new Set();
    /** What stands in the field. */ this.text = DEFAULT_TEXT;
    /** Why there is nothing to train on; else empty. */ this.refusal = "";
    /** Whether steps are being made one after the other. */ this.busy = false;
    this.training = new ToyTraining(wordsOf(this.text));
    this.ignored = this.training.ignored;
    /** @type {Line[]} */ this.lines = [];
    /** Mean loss before any step, and after each. */ this.losses = [this.training.loss()];
    /** The steps so far, as `readSteps` reads them. */ this.done = "";
    /** Another for other weights. */ this.version = 0;
    /**
     * What untraining has put aside.
     * @private
     * @type {Pick<LiveToy, "training" | "lines" | "losses" | "done"> | null}
     */
    this.kept = null;
  }

  /** @private @param {ToyTraining} training */
  begin(training) {
    this.training = training;
    this.ignored = training.ignored;
    this.lines = [];
    this.losses = [training.loss()];
    this.done = "";
    this.kept = null;
    this.version++;
  }

  /** @returns {Badge} */
  get badge() {
    if (this.busy) return "training";
    if (!this.lines.length) return "untrained";
    return this.lines.length < MOST_OF_THE_WAY ? "partly trained" : "trained";
  }

  get steps() {
    return this.lines.length;
  }

  get loss() {
    return this.losses[this.losses.length - 1];
  }

  get canRestore() {
    return this.kept !== null;
  }

  weights() {
    return this.training.weights();
  }

  /**
   * Other words. Where they make other examples, the weights go back to the start.
   * @param {string} text
   */
  setWords(text) {
    if (text === this.text) return;
    this.text = text;
    const { examples, ignored } = toyExamples(wordsOf(text));
    this.ignored = ignored;
    try {
      const training = new ToyTraining(wordsOf(text));
      this.refusal = "";
      if (JSON.stringify(examples) !== JSON.stringify(this.training.examples)) {
        this.busy = false;
        this.begin(training);
      }
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      this.refusal = `${error.message} Until then the previous words stay in use.`;
    }
    this.tell();
  }

  /** One step on the next example in turn. */
  stepOne() {
    const { example, loss } = this.training.step();
    this.note("s", example, loss, this.training.loss([example]));
  }

  /** One step on all examples at once. */
  stepBatch() {
    this.note("b", null, this.training.batchStep(), NaN);
  }

  /**
   * @private
   * @param {"s" | "b"} kind
   * @param {ToyExample | null} example
   * @param {number} before
   * @param {number} after
   */
  note(kind, example, before, after) {
    this.kept = null;
    const mean = this.training.loss();
    this.lines.push({ n: this.steps + 1, example, before, after: example ? after : mean, mean });
    this.losses.push(mean);
    const [, head, last, count] = /^(.*?)(?:([sb])(\d+))?$/.exec(this.done) ?? ["", "", "", "0"];
    this.done = last === kind ? `${head}${kind}${Number(count) + 1}` : `${this.done}${kind}1`;
    this.version++;
    this.tell();
  }

  /** The weights as they were at first; what was trained can be brought back. */
  untrain() {
    this.busy = false;
    if (this.lines.length) {
      const { training, lines, losses, done } = this;
      const { ignored } = this;
      this.begin(new ToyTraining(training.words));
      this.ignored = ignored;
      this.kept = { training, lines, losses, done };
    }
    this.tell();
  }

  /** Brings back what untraining has put aside. */
  restore() {
    if (!this.kept) return;
    this.busy = false;
    Object.assign(this, this.kept);
    this.kept = null;
    this.version++;
    this.tell();
  }

  /** Default words, first weights, nothing kept. */
  reset() {
    this.text = DEFAULT_TEXT;
    this.refusal = "";
    this.busy = false;
    this.begin(new ToyTraining(wordsOf(this.text)));
    this.tell();
  }

  /** @param {boolean} busy */
  setBusy(busy) {
    if (busy === this.busy) return;
    this.busy = busy;
    this.tell();
  }

  /** What has been done, in words. */
  history() {
    const parts = (readSteps(this.done) ?? []).map(
      ({ kind, count }) =>
        `${count} ${kind === "s" ? "single" : "batch"} step${count === 1 ? "" : "s"}`,
    );
    return parts.length > 4 ? `${this.steps} steps` : parts.join(", ");
  }

  /** How many of the trained numbers are no longer where they began. */
  moved() {
    const first = toyWeights();
    const now = this.weights();
    return Object.entries(first).reduce(
      (sum, [name, rows]) => sum + rows.flat().filter((x, i) => x !== now[name].flat()[i]).length,
      0,
    );
  }

  /**
   * Calls back after every change.
   * @param {() => void} changed
   * @returns {() => void} stops it
   */
  onChange(changed) {
    this.listeners.add(changed);
    return () => this.listeners.delete(changed);
  }

  /** @private */
  tell() {
    for (const changed of this.listeners) changed();
  }
}

/** The page's own. */
export const liveToy = new LiveToy();

// ---------------------------------------------------------------- chat

export const MOST_TOKENS = 8;
/** With what the chat opens. */
export const FIRST_CHAT = Object.freeze({ token: 2, seed: 5 });

/** @typedef {ReturnType<typeof toyChat>[number]} ChatStep */

/** The token that was typed. @param {string} text */
export function firstToken(text) {
  const typed = text.trim();
  const token = TOY_TOKENS.findIndex((name) => name.toLowerCase() === typed.toLowerCase());
  if (token >= 0) return token;
  if (!typed) throw new InputError("There is nothing to start from.", "Type BOS, a, b or c.");
  const short = typed.length > 12 ? `${typed.slice(0, 12)}…` : typed;
  if (/^[abc]+$/i.test(typed))
    throw new InputError(
      `“${marked(short)}” is ${typed.length} tokens; the toy takes one at a time.`,
      `It would see only the last one: type ${typed.at(-1)?.toLowerCase()}.`,
    );
  throw new InputError(`“${marked(short)}” is not in its vocabulary.`, "Type BOS, a, b or c.");
}

/**
 * What the toy writes, with the draws of a seed.
 * @param {ToyWeights} weights
 * @param {{token: number, seed: number, temperature: number}} how
 */
export function writtenBy(weights, { token, seed, temperature }) {
  const random = new Random(seed);
  return toyChat(weights, token, () => random.random(), { temperature, most: MOST_TOKENS });
}

/** One token of the chat in words. @param {ChatStep} step */
export function stepText({ fed, probs, token }) {
  const shares = TOY_TOKENS.map((name, i) => `${name} ${written(probs[i], 2)}`).join(", ");
  return `${TOY_TOKENS[fed]} goes in: ${shares}; ${TOY_TOKENS[token]} is drawn`;
}

// The toy GPT and the expression parser.

import { InputError } from "../errors.js";
import { build, ExpressionError, MOST_CHARACTERS, parse } from "../numbers/expression.js";
import { trace } from "../numbers/forward.js";
import { decimal, exactly, rounded, toNumber } from "../numbers/rational.js";
import {
  TOY_CACHE,
  TOY_CONFIG,
  TOY_TOKENS,
  TOY_WEIGHTS,
  toyByHand,
  toyCache,
  toyChat,
  toyExamples,
  toyForward,
  ToyTraining,
  toyWeights,
} from "../numbers/toy.js";
import { backwardSteps } from "../numbers/value.js";
import { Random } from "../random.js";
import { cases, fail, near, nearAll, refuses, same, vectors } from "./helpers.js";

export const toySuite = {
  async "numbers: toy GPT, exact and by hand"() {
    const { config, weights, pinned_cache } = await vectors("toy_gpt");
    same(weights, TOY_WEIGHTS, "weights");
    same(pinned_cache, TOY_CACHE, "pinned cache");
    for (const key of Object.keys(config)) same(config[key], TOY_CONFIG[key], key);
    const { BOS_a_b, ...pinned } = await cases("toy_gpt");
    nearAll(BOS_a_b.trace, trace(TOY_CONFIG, weights, BOS_a_b.tokens), 1e-12, "computed cache");
    for (const { name, token, row, by_hand } of Object.values(pinned)) {
      nearAll(row, toyForward({ token }), 1e-12, name);
      same(by_hand, toyByHand({ token }), `${name} by hand`);
      const { x } = toyForward({ token });
      near(row.probs, toyForward({ x }).probs, 1e-12, `${name} from x`);
    }
    const computed = toyCache("computed");
    const last = (part) => BOS_a_b.trace[`layer0.${part}`];
    near(last("k").slice(0, 2), computed.keys, 1e-12, "computed keys");
    near(last("v").slice(0, 2), computed.values, 1e-12, "computed values");
    const after = toyForward({ token: 2 }, undefined, computed);
    near(BOS_a_b.trace.probs[2], after.probs, 1e-12, "after the computed cache");
    same([1.5, -2], toyByHand({ x: [1.5, -2] }).x, "a free x by hand");
    same([4, 4], [toyForward({ x: [0, 0] }).probs.length, TOY_TOKENS.length], "x = 0");
  },

  async "numbers: rounding as by hand"() {
    const two = (x) => toNumber(rounded(decimal(x)));
    same(
      [0.02, -0.02, 0.15, 0.02, 0.01, 0, -0.01],
      [0.015, -0.015, 0.145, 0.0150001, 0.0149, 1e-9, -0.01499].map(two),
      "ties",
    );
    same(0.14, toNumber(rounded(exactly(0.145))), "the float 0.145 is below 0.145");
    same(
      [0.1, -3, 2 ** -40],
      [0.1, -3, 2 ** -40].map((x) => toNumber(exactly(x))),
      "floats as fractions",
    );
  },

  async "numbers: toy GPT, training"() {
    const training = new ToyTraining();
    same([9, 66], [training.examples.length, training.params.length], "examples and parameters");
    const losses = [];
    const stops = [0, 1, 5, 10, 20, 100];
    for (let step = 0; step <= 100; step++) {
      if (stops.includes(step)) losses.push(training.loss());
      training.batchStep();
    }
    same(
      [1.1928, 1.1103, 1.0284, 0.951, 0.8362, 0.8044],
      losses.map((x) => Number(x.toFixed(4))),
      "losses",
    );
    training.set(toyWeights());
    same([1.1928], [Number(training.loss().toFixed(4))], "restored");
    // Gradients against slopes, by every trained number.
    const loss = training.loss(training.examples, true);
    const grads = training.params.map(({ grad }) => grad);
    training.params.forEach((p, i) => {
      const saved = p.data;
      p.data = saved + 1e-5;
      const above = training.loss();
      p.data = saved - 1e-5;
      const slope = (above - training.loss()) / 2e-5;
      p.data = saved;
      near(slope, grads[i], 1e-6, `parameter ${i}`);
    });
    const one = training.step();
    same({ input: 2, target: 3, word: "abc" }, one.example, "first example: b → c");
    if (training.loss([one.example]) >= one.loss)
      fail("a step on an example doesn't lower its loss");
    if (!(loss > 0)) fail("loss");
    const mixed = toyExamples(["ab", "abd", "", " ba ", "a", "abcab"]);
    same(
      [
        ["ab", "ba"],
        ["abd", "a", "abcab"],
      ],
      [mixed.words, mixed.ignored],
      "words",
    );
    same(4, mixed.examples.length, "examples of two words");
    refuses(
      () => new ToyTraining(["x"]),
      InputError,
      /no word to train on\. Give words of 2 to 4/,
      "words",
    );
  },

  async "numbers: toy GPT, chat"() {
    const rng = new Random(42);
    const steps = toyChat(toyWeights(), 2, () => rng.random());
    if (steps.length > 8 || steps[0].fed !== 2) fail("chat");
    near((await cases("toy_gpt")).pinned_b.row.probs, steps[0].probs, 1e-12, "first distribution");
    same(8, toyChat(toyWeights(), 0, () => 0.99).length, "at most eight");
    same(1, toyChat(toyWeights(), 0, () => 0).length, "ended by BOS");
    refuses(() => toyChat(toyWeights(), 4, () => 0), InputError, /^Token 4 is not one of/, "token");
  },

  async "numbers: expressions"() {
    const letters = { a: 2, b: 3, c: -1, w: 2, x: 3, y: 10 };
    const value = (text) => build(parse(text), letters).root.data;
    for (const [text, expected] of [
      ["a+b", 5],
      ["a*b + a", 8],
      ["a - b - c", 0],
      ["a / b * 3", 2],
      ["2**3**2", 512],
      ["-a**2", -4],
      ["a**-1", 0.5],
      ["2 ** -3 ** 2", 2 ** -9],
      ["2**-1*4", 2],
      ["(w*x + c - y)**2", 25],
      ["- -a", 2],
      ["+a - +b", -1],
      ["relu(-a) + relu(b)", 3],
      ["exp(0)*log(exp(a))", 2],
      ["1.5e1 + .5", 15.5],
      ["((((a))))", 2],
      ["relu(a*b)**2/4", 9],
      ["a*-b", -6],
      ["\n a\t*b ", 6],
      ["1/a", 0.5],
      ["10 - a", 8],
    ])
      near(expected, value(text), 1e-14, text);
    const { root, leaves, graph } = build(parse("(w*x + b - y)**2"), { w: 2, x: 3, b: 1, y: 10 });
    root.backward();
    same([9, -18, -6], [root.data, leaves.w.grad, leaves.b.grad], "squared error");
    same(["w", "x", "b", "y"], parse("(w*x + b - y)**2").names, "names");
    same(1, backwardSteps(graph).steps[0].after, "graph");
    for (const [text, at, pattern] of [
      ["", 0, /There is no expression/],
      ["   ", 0, /no expression/],
      ["a + foo", 4, /"foo" at position 4 has no number\. Known are a, b, c/],
      ["a / (b - 3)", 2, /^Division by zero at position 2/],
      ["0**-1", 1, /Division by zero at position 1/],
      ["log(c)", 0, /^log of -1 at position 0: only numbers above 0/],
      ["log(0)", 0, /log of 0/],
      ["c**0.5", 1, /no real power 0.5/],
      ["a**b", 1, /must be a plain number\. Write exp\(b\*log\(a\)\)/],
      ["exp(1000)", 0, /too large, at most 709/],
      ["a + ", 2, /missing after "\+" at position 2/],
      ["a b", 2, /operator is missing before "b"/],
      ["2a", 1, /operator is missing before "a"/],
      ["(a", 0, /\( at position 0 is never closed/],
      ["a)", 1, /\) at position 1 has no \(/],
      ["a ^ b", 2, /"\^" at position 2 can't be used\. Write \*\*/],
      ["a + é", 4, /"é" at position 4/],
      ["a * 🙂", 4, /"🙂" at position 4/],
      ["sin(a)", 0, /"sin" at position 0 is not a function/],
      ["exp", 0, /exp at position 0 needs an argument/],
      ["* a", 0, /missing before "\*"/],
      ["exp()", 4, /missing before "\)"/],
      ["1e999", 0, /not a finite number/],
      ["constructor", 0, /has no number/],
      ["__proto__ + a", 0, /has no number/],
      ["9**999", 1, /not a finite number/],
      ["alert(1)", 0, /not a function/],
    ]) {
      const run = () => build(parse(text), letters);
      refuses(run, ExpressionError, pattern, text);
      try {
        run();
      } catch (error) {
        same(at, error.at, `place in ${text}`);
      }
    }
  },

  async "numbers: long expressions"() {
    const half = MOST_CHARACTERS / 2 - 1;
    const one = { a: 2 };
    same(2, build(parse(`${"(".repeat(half)}a${")".repeat(half)}`), one).root.data, "brackets");
    same(2, build(parse(`${"-".repeat(2 * half)}a`), one).root.data, "signs");
    const { root, leaves } = build(parse(`a${"+a".repeat(half)}`), one);
    root.backward();
    same([2 * half + 2, half + 1], [root.data, leaves.a.grad], "a sum");
    same(1, build(parse(`1${"**1".repeat(MOST_CHARACTERS / 3 - 1)}`), one).root.data, "powers");
    refuses(
      () => parse("a".repeat(MOST_CHARACTERS + 1)),
      ExpressionError,
      /100,001 characters, at most 100,000/,
      "long",
    );
    refuses(
      () => parse("(".repeat(MOST_CHARACTERS)),
      ExpressionError,
      /missing after "\("/,
      "open brackets",
    );
  },
};

// What the pages on Values, gradients and descent show, without a page.

import { test } from "node:test";
import {
  filled,
  frame,
  judgeNeuron,
  MOST_DRAWN,
  nudge,
  planOf,
  readNumbers,
  SHAPES,
  shortly,
  writeNumbers,
} from "../figures/gradients/backprop.js";
import { layOut } from "../kit/graph-layout.js";
import { ExpressionError } from "../numbers/expression.js";
import { descend, parabolaStep } from "../numbers/neuron.js";
import { CURVES, slopes } from "../figures/gradients/slopes.js";
import { fail, near, same } from "./helpers.js";

/**
 * @param {string} source
 * @param {Record<string, number>} numbers
 * @returns {Record<string, number>}
 */
const gradients = (source, numbers) => {
  const { called, grads } = planOf(source, numbers);
  return Object.fromEntries(called.map((name, i) => [name, grads[i]]));
};

test("the four shapes have the gradients of the spec", () => {
  const of = (/** @type {string} */ shape) =>
    gradients(SHAPES[shape].source, SHAPES[shape].numbers);
  same([1, 1], [of("sum").a, of("sum").b], "sum");
  same([3, 2], [of("product").a, of("product").b], "product");
  same([4, 2, 1], [of("reuse").a, of("reuse").b, of("reuse").c], "reuse");
  same([-18, -6, -12, 6], [of("loss").w, of("loss").b, of("loss").x, of("loss").y], "loss");
});

test("stages go forward, order, back", () => {
  const plan = planOf("a*b + a", { a: 2, b: 3 });
  same(
    [
      "start",
      "forward",
      "forward",
      "order",
      "order",
      "order",
      "order",
      "backward",
      "backward",
      "backward",
      "backward",
      "backward",
    ],
    plan.stages.map(({ phase }) => phase),
    "phases",
  );
  same(["a", "b", "c", "L"], plan.called, "names");
  same("Back to a: 1 + 3 × 1 = 4", plan.stages.at(-2)?.text, "both ways count");
  same(
    [2, 3, null, null],
    frame(plan, 0).nodes.map(({ data }) => data),
    "first the leaves alone",
  );
  const built = frame(plan, plan.forward);
  same(
    [2, 3, 6, 8],
    built.nodes.map(({ data }) => data),
    "numbers",
  );
  same(
    [null, null, null, null],
    built.nodes.map(({ grad }) => grad),
    "no gradient yet",
  );
  same(
    ["3", "2", "1", "1"],
    built.edges.map(({ text }) => text),
    "local gradients",
  );
  const done = frame(plan, 999);
  same(
    [4, 2, 1, 1],
    done.nodes.map(({ grad }) => grad),
    "gradients",
  );
  same(
    ["p", "z", "a"],
    planOf("relu(x*w + b)", { x: 2, w: 1.5, b: -1 }, ["p", "z", "a"]).called.filter((name) =>
      "pza".includes(name),
    ),
    "given names",
  );
});

test("expressions of the reader", () => {
  for (const source of [
    "a",
    "2",
    "-a",
    "a/b",
    "a - a",
    "exp(log(a)) ** 2",
    "L*a",
    "relu(-a)",
    "foo_1 * a",
  ]) {
    const plan = planOf(source, {});
    for (let at = 0; at < plan.stages.length; at++) {
      const { nodes, edges } = frame(plan, at);
      same(plan.graph.nodes.length, nodes.length, source);
      same(plan.graph.edges.length, edges.length, source);
    }
    same(new Set(plan.names).size, plan.names.length, "names once");
  }
  for (const [source, at, words] of /** @type {[string, number, string][]} */ ([
    ["", 0, "no expression"],
    ["a +", 2, "missing after"],
    ["a b", 2, "operator is missing"],
    ["a^2", 1, "** for a power"],
    ["sin(a)", 0, "not a function"],
    ["(a", 0, "never closed"],
    ["a)", 1, "no ( before"],
    ["a/0", 1, "Division by zero"],
    ["log(-a)", 0, "logarithm"],
    ["a**b", 1, "plain number"],
    ["a+b+c+d+e+f+g+h+i+j+k+l+m", 24, "at most 12"],
  ])) {
    try {
      planOf(source, {});
    } catch (error) {
      if (!(error instanceof ExpressionError) || error.at !== at || !error.message.includes(words))
        fail(`“${source}”: ${error}`);
      continue;
    }
    fail(`“${source}” is taken`);
  }
});

test("200 nodes are drawn", () => {
  const plan = planOf(Array.from({ length: 101 }, () => "a").join("*"), { a: 1.01 });
  if (plan.graph.nodes.length < 100) fail("too few");
  const wide = planOf(`${"a*b+".repeat(99)}c`, { a: 1, b: 2, c: 3 });
  same(201, wide.graph.nodes.length, "nodes");
  if (wide.graph.nodes.length > MOST_DRAWN) fail("too many to draw");
  same(
    [198, 99, 1],
    wide.names.map((name) => wide.grads[wide.called.indexOf(name)]),
    "gradients",
  );
  const { nodes, edges } = frame(wide, wide.stages.length - 1);
  const { placed } = layOut(nodes, edges);
  same(
    201,
    new Set(placed.map(({ layer, place }) => `${layer} ${place}`)).size,
    "no two in one place",
  );
});

test("a nudge beside what the gradient predicts", () => {
  const { change, predicted } = nudge("a*b + a", { a: 2, b: 3 }, "a", 0.001);
  near(0.004, change, 1e-12, "L moves");
  near(0.004, predicted, 1e-12, "predicted");
  const square = nudge("(w*x + b - y)**2", SHAPES.loss.numbers, "w", 0.1);
  near(-1.71, square.change, 1e-12, "bent");
  near(-1.8, square.predicted, 1e-12, "straight");
});

test("numbers of the leaves travel in the address", () => {
  same(
    { a: 1.5, b_2: -0.001 },
    readNumbers(writeNumbers({ a: 1.5, b_2: -0.001 })),
    "there and back",
  );
  same({}, readNumbers("a=x;__proto__;b=1e999;=3"), "what is no number is left out");
  same({ a: 7, b: 2 }, filled(["a", "b"], { a: 7 }), "the others count up");
  same(
    ["−0.5", "0.33333", "12345", "0"],
    [shortly(-0.5), shortly(1 / 3), shortly(12345.4), shortly(0)],
    "shortly",
  );
});

test("a neuron's gradients are judged", () => {
  const at = { x: 2, w: 1.5, b: -1 };
  same([true, true, true], judgeNeuron(at, [1.5, 2, 1]).right, "right");
  for (const [given, words] of /** @type {[number[], string][]} */ ([
    [[2, 1.5, 1], "wrong way round"],
    [[1.5, 2, -1], "is what b is"],
    [[1.5, 2, 0], "Its slope isn't 0"],
    [[9, 2, 9], "right so far: ∂w"],
    [[9, 9, 9], "none of the three"],
  ])) {
    if (!judgeNeuron(at, given).said.includes(words)) fail(judgeNeuron(at, given).said);
  }
  if (!judgeNeuron({ ...at, b: -4 }, [1.5, 2, 1]).said.includes("lets no gradient through"))
    fail("closed");
  same([true, true, true], judgeNeuron({ ...at, b: -4 }, [0, 0, 0]).right, "closed");
  try {
    judgeNeuron(at, [1.5, null, 1]);
    fail("no number is taken");
  } catch (error) {
    if (!String(error).includes("three numbers")) throw error;
  }
});

test("descent and parabola by the spec's numbers", () => {
  const states = descend({ steps: 4 });
  [7, 8.2, 8.92, 9.352, 9.6112].forEach((p, i) =>
    near(p, states[i].prediction, 1e-9, "prediction"),
  );
  [9, 3.24, 1.1664, 0.4199, 0.1512].forEach((l, i) => near(l, states[i].loss, 5e-5, "loss"));
  same([-18, -6], [states[0].dw, states[0].db], "gradients");
  const [course, after] = descend({ w: 0.5, b: 0.1, x: 2, y: 3, lr: 0.01, steps: 1 });
  [
    [1.1, course.prediction],
    [3.61, course.loss],
    [-7.6, course.dw],
    [-3.8, course.db],
    [1.29, after.prediction],
  ].forEach(([want, got]) => near(want, got, 1e-9, "course"));
  same({ loss: 4.5, slope: 3, next: 1.5 }, parabolaStep(3, 0.5), "parabola");
});

test("slopes by nudging come near, and rounding spoils them", () => {
  const { source } = CURVES.loss;
  const off = (/** @type {number} */ e) => Math.abs(slopes(source, -1, e).error);
  near(-1 / (1 + Math.exp(-1)), slopes(source, -1, 1).exact, 1e-12, "exact");
  if (!(off(0.1) < off(1) / 50 && off(1e-5) < 1e-10 && off(1e-13) > 1e-6)) fail("errors");
  for (const { source: other } of Object.values(CURVES))
    near(slopes(other, 0.7, 1e-5).exact, slopes(other, 0.7, 1e-5).central, 1e-8, other);
});

// Backpropagation as a page shows it, stage by stage: the way forward, the order, the way back.
// Every number is computed by the Values of numbers/value.js.
//
//     const plan = planOf("a*b + a", { a: 2, b: 3 });
//     graph.data = frame(plan, plan.stages.length - 1);

import { InputError } from "../../errors.js";
import { written } from "../../kit/text.js";
import { build, ExpressionError, parse } from "../../numbers/expression.js";
import { backwardSteps } from "../../numbers/value.js";

export const MOST_NAMES = 12;
export const MOST_DRAWN = 250; // nodes
const VISITED_ONE_BY_ONE = 20;

/**
 * The four shapes, and the expression that the reader's own begins with.
 * @type {Readonly<Record<string, {title: string, source: string, numbers: Record<string,
 *   number>}>>}
 */
export const SHAPES = Object.freeze({
  sum: { title: "L = a + b", source: "a + b", numbers: { a: 2, b: 3 } },
  product: { title: "L = a · b", source: "a * b", numbers: { a: 2, b: 3 } },
  reuse: { title: "c = a · b, L = c + a", source: "a*b + a", numbers: { a: 2, b: 3 } },
  loss: {
    title: "(w · x + b − y)²",
    source: "(w*x + b - y)**2",
    numbers: { w: 2, x: 3, b: 1, y: 10 },
  },
  own: { title: "Your own", source: "log(1 + exp(-a*b)) + c/4", numbers: { a: 1, b: 2, c: 3 } },
});

/** @typedef {import("../../numbers/value.js").BackwardStep} BackwardStep */
/** @typedef {import("../../numbers/value.js").Graph} Graph */
/**
 * @typedef {object} Stage
 * @property {"start" | "forward" | "order" | "backward"} phase
 * @property {string} text
 * @property {number} known nodes below have their number
 * @property {number} placed nodes below have their place in the order
 * @property {number} back contributions that have been made
 * @property {number} [node] the one that this stage is about
 */
/**
 * @typedef {object} Plan
 * @property {string} source
 * @property {string[]} names of the leaves, in the order in which they stand
 * @property {Graph} graph
 * @property {string[]} called what each node is called
 * @property {string[]} made how each node is made, empty for leaves
 * @property {BackwardStep[]} steps
 * @property {number[]} grads
 * @property {Stage[]} stages
 * @property {number} forward the stage at which the way forward is done
 */

/**
 * A number for each name: the given one, else 1, 2, 3, … by place.
 * @param {string[]} names
 * @param {Record<string, number>} numbers
 */
export function filled(names, numbers) {
  return Object.fromEntries(
    names.map((name, i) => [name, Object.hasOwn(numbers, name) ? numbers[name] : i + 1]),
  );
}

/**
 * All that is shown of an expression. Throws `ExpressionError` where it can't be read or computed.
 * @param {string} source
 * @param {Record<string, number>} numbers
 * @param {readonly string[]} [results] names for what is computed, in order
 * @returns {Plan}
 */
export function planOf(source, numbers, results = []) {
  const parsed = parse(source);
  const { names } = parsed;
  if (names.length > MOST_NAMES) {
    const name = names[MOST_NAMES];
    const at = source.search(new RegExp(`\\b${name}\\b`));
    throw new ExpressionError(
      `${name} is name number ${MOST_NAMES + 1}, at most ${MOST_NAMES} can be used.`,
      at,
      "Use some of them more than once.",
      name.length,
    );
  }
  const { graph } = build(parsed, filled(names, numbers));
  const { steps, grads } = backwardSteps(graph);
  const called = callAll(graph, names, results);
  const made = makings(graph, called);
  const stages = stagesOf(graph, called, made, steps);
  return {
    source,
    names,
    graph,
    called,
    made,
    steps,
    grads,
    stages,
    forward: stages.findIndex(({ phase }) => phase === "order") - 1,
  };
}

/**
 * Names for what has none: letters that the reader doesn't use, L for the last.
 * @param {Graph} graph
 * @param {string[]} names
 * @param {readonly string[]} results
 */
function callAll({ nodes }, names, results) {
  const free = results.length
    ? results
    : [..."cdefghijkmnopqrstuvxz"].filter((letter) => !names.includes(letter));
  const last = nodes.length - 1;
  let next = 0;
  return nodes.map(({ label, op, data }, id) => {
    if (op === "leaf") return label;
    if (id === last && !results.length) return names.includes("L") ? "result" : "L";
    if (op === "number") return shortly(data);
    const name = free[next] ?? `v${next - free.length + 1}`;
    next++;
    return name;
  });
}

/** A number with as few decimals as it needs, at most four. @param {number} x */
export const shortly = (x) => {
  const [whole, power] = String(Number(x.toPrecision(5))).split("e");
  const text = `${whole}${power ? `e${power}` : ""}`;
  return text.replaceAll("-", "−");
};

/** How each node is made. @param {Graph} graph @param {string[]} called */
function makings({ nodes, edges }, called) {
  /** @type {string[][]} */
  const children = nodes.map(() => []);
  for (const { from, to } of edges) children[to].push(called[from]);
  return nodes.map(({ op, label }, id) => {
    const parts = children[id];
    if (!parts.length) return "";
    if (op === "+") return parts.join(" + ");
    if (op === "*") return parts.join(" · ");
    if (op === "**") return label === "**2" ? `${parts[0]}²` : `${parts[0]}${label}`;
    return `${op}(${parts[0]})`;
  });
}

/**
 * @param {Graph} graph
 * @param {string[]} called
 * @param {string[]} made
 * @param {BackwardStep[]} steps
 * @returns {Stage[]}
 */
function stagesOf({ nodes }, called, made, steps) {
  const all = nodes.length;
  /** @type {Stage[]} */
  const stages = [
    { phase: "start", text: "The leaves have their numbers", known: 0, placed: 0, back: 0 },
  ];
  nodes.forEach(({ data }, id) => {
    if (!made[id]) return;
    stages.push({
      phase: "forward",
      text: `Forward: ${called[id]} = ${made[id]} = ${shortly(data)}`,
      known: id + 1,
      placed: 0,
      back: 0,
      node: id,
    });
  });
  const places = all <= VISITED_ONE_BY_ONE ? nodes.map((_, id) => id) : [all - 1];
  for (const id of places) {
    const text =
      all > VISITED_ONE_BY_ONE
        ? `Order: all ${all} nodes in a row, children before what is made from them`
        : `Order: place ${id + 1} for ` +
          `${called[id]}${made[id] ? ", after its children" : ", which has no children"}`;
    stages.push({ phase: "order", text, known: all, placed: id + 1, back: 0, node: id });
  }
  steps.forEach(({ parent, child, local, upstream, before, after }, s) => {
    const text =
      parent === null
        ? `Back: ${called[child]} changes as itself, its gradient is 1`
        : `Back to ${called[child]}: ${before ? `${shortly(before)} + ` : ""}${shortly(local)} ` +
          `× ${shortly(upstream)} = ${shortly(after)}`;
    stages.push({ phase: "backward", text, known: all, placed: all, back: s + 1, node: child });
  });
  return stages;
}

/**
 * What the graph looks like at a stage, for mg-graph.
 * @param {Plan} plan
 * @param {number} at
 * @returns {import("../../kit/graph.js").GraphData}
 */
export function frame({ graph: { nodes, edges }, called, made, steps, stages }, at) {
  const {
    phase,
    known,
    placed,
    back,
    node: now,
  } = stages[Math.max(0, Math.min(stages.length - 1, at))];
  /** @type {(number | null)[]} */
  const grads = nodes.map(() => null);
  for (const { child, after } of steps.slice(0, back)) grads[child] = after;
  const step = back ? steps[back - 1] : null;
  const passed = new Set(
    steps.slice(0, back).map(({ parent, child, slot }) => `${parent} ${child} ${slot}`),
  );
  const isThere = (/** @type {number} */ id) => !made[id] || id < known;
  return {
    nodes: nodes.map(({ data }, id) => {
      const isLit = id === now || (step !== null && id === step.parent);
      const how = made[id].length > 11 ? nodes[id].op : made[id];
      const isPlainNumber = nodes[id].op === "number";
      return {
        id,
        name:
          (placed > id && phase === "order" ? `${id + 1}. ` : "") +
          `${isPlainNumber ? "number" : called[id]}`,
        op: how,
        data: isThere(id) ? data : null,
        drag: nodes[id].op === "leaf",
        grad: grads[id],
        state: isLit
          ? "lit"
          : !isThere(id) || (phase === "order" && placed <= id)
            ? "waiting"
            : "done",
      };
    }),
    edges: edges.map(({ from, to, slot, local }) => {
      const isNow =
        phase === "forward"
          ? to === now
          : step !== null && step.parent === to && step.child === from && step.slot === slot;
      const state = isNow
        ? "lit"
        : !isThere(to)
          ? "waiting"
          : passed.has(`${to} ${from} ${slot}`)
            ? "done"
            : "";
      return { from, to, text: isThere(to) ? shortly(local) : "", state };
    }),
  };
}

/**
 * What really happens when one leaf is nudged, beside what its gradient predicts.
 * @param {string} source
 * @param {Record<string, number>} numbers
 * @param {string} name
 * @param {number} by
 */
export function nudge(source, numbers, name, by) {
  const parsed = parse(source);
  const known = filled(parsed.names, numbers);
  const { root, leaves } = build(parsed, known);
  root.backward();
  const after = build(parsed, { ...known, [name]: known[name] + by }).root.data;
  const grad = leaves[name].grad;
  return { before: root.data, after, change: after - root.data, predicted: grad * by, grad };
}

/**
 * Numbers by name as text for the address, and back; what isn't one is left out.
 * @param {Record<string, number>} numbers
 */
export const writeNumbers = (numbers) =>
  Object.entries(numbers)
    .map(([name, x]) => `${name}=${x}`)
    .join(";");

/** @param {string} text */
export function readNumbers(text) {
  const pairs = [...text.matchAll(/(?:^|;)([A-Za-z_]\w*)=(-?[\d.]+(?:e[-+]?\d+)?)(?=;|$)/g)];
  const good = pairs.map(([, name, x]) => /** @type {[string, number]} */ ([name, Number(x)]));
  return Object.fromEntries(good.filter(([, x]) => Number.isFinite(x) && Math.abs(x) <= 1e6));
}

/**
 * A neuron's three gradients as the reader wrote them: what is right, and what went wrong.
 * @param {{x: number, w: number, b: number}} at
 * @param {(number | null)[]} given ∂x, ∂w, ∂b; null where it is no number
 * @returns {{right: boolean[], said: string}}
 */
export function judgeNeuron({ x, w, b }, given) {
  if (given.some((g) => g === null)) throw new InputError("Enter three numbers, such as 1.5.");
  const z = x * w + b;
  const truth = z > 0 ? [w, x, 1] : [0, 0, 0];
  const near = (/** @type {number | null} */ g, /** @type {number} */ t) =>
    Math.abs(Number(g) - t) < 0.005;
  const right = given.map((g, i) => near(g, truth[i]));
  if (right.every(Boolean))
    return {
      right,
      said:
        z > 0
          ? "All three are right."
          : "All three are right: the ReLU is closed, so nothing comes through.",
    };
  const [gx, gw, gb] = given;
  if (z <= 0 && near(gx, w) && near(gw, x))
    return {
      right,
      said:
        `Not yet: z = ${written(z)} is not above 0, so the ReLU lets no gradient through. All ` +
        "three are 0.",
    };
  if (near(gx, x) && near(gw, w) && x !== w)
    return {
      right,
      said:
        "Not yet: ∂x and ∂w are the wrong way round. In a product, the slope for each is " +
        "the other one's value.",
    };
  if (near(gb, b) && !right[2])
    return { right, said: `Not yet: ${written(b)} is what b is, not how fast a changes with b.` };
  if (near(gb, 0) && z > 0)
    return {
      right,
      said: "Not yet: b is added, so a changes by as much as b does. Its slope isn't 0.",
    };
  const good = ["∂x", "∂w", "∂b"].filter((_, i) => right[i]).join(" and ");
  return {
    right,
    said: good ? `Not yet: right so far: ${good}.` : "Not yet: none of the three is right.",
  };
}

/** @param {number} x @param {number} [places] */
export const signed = (x, places = 4) => `${x > 0 ? "+" : ""}${written(x, places)}`;

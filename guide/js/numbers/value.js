// Automatic differentiation on single numbers, as src/microgpt/autograd.py: a `Value` remembers
// from which others it was made and how fast it changes with each of them. Held to
// conformance/vectors/operations.json. Beside the gradient it gives what a page shows of it: the
// graph, the order of the nodes, and the way back step by step.

import { InputError } from "../errors.js";

/** @typedef {"leaf" | "number" | "+" | "*" | "**" | "log" | "exp" | "relu"} Operation */

/** @type {readonly Value[]} */
const NO_CHILDREN = Object.freeze([]);
/** @type {readonly number[]} */
const NO_GRADS = Object.freeze([]);
const BOTH = Object.freeze([1, 1]);

/** A number in a computation graph. `grad` is dL/d(this) after `L.backward()`. */
export class Value {
  /**
   * @param {number} data
   * @param {readonly Value[]} [children]
   * @param {readonly number[]} [localGrads] d(this)/d(child), one for each child
   * @param {Operation} [op]
   */
  constructor(data, children = NO_CHILDREN, localGrads = NO_GRADS, op = "leaf") {
    this.data = data;
    this.grad = 0;
    this.children = children;
    this.localGrads = localGrads;
    this.op = op;
    this.label = "";
  }

  /**
   * A leaf with a name, as a page shows it.
   * @param {number} data
   * @param {string} label
   */
  static named(data, label) {
    const value = new Value(data);
    value.label = label;
    return value;
  }

  /** @param {Value | number} other */
  add(other) {
    const b = lifted(other);
    return new Value(this.data + b.data, [this, b], BOTH, "+");
  }

  /** @param {Value | number} other */
  mul(other) {
    const b = lifted(other);
    return new Value(this.data * b.data, [this, b], [b.data, this.data], "*");
  }

  /**
   * This to the power of a plain number; d/dx x^p = p x^(p-1).
   * @param {number} power
   */
  pow(power) {
    if (this.data === 0 && power < 0) throw new InputError("0 can't be divided by.");
    if (this.data < 0 && !Number.isInteger(power)) {
      throw new InputError(`${this.data} has no real power ${power}.`);
    }
    const local = power * raised(this.data, power - 1);
    const result = new Value(raised(this.data, power), [this], [local], "**");
    result.label = `**${power}`;
    return result;
  }

  /** Natural logarithm; throws `InputError` for 0 and below. */
  log() {
    if (this.data <= 0) {
      throw new InputError(`The logarithm of ${this.data} does not exist, it must be above 0.`);
    }
    return new Value(Math.log(this.data), [this], [1 / this.data], "log");
  }

  /** e to the power of this; throws `InputError` above about 709. */
  exp() {
    const result = Math.exp(this.data);
    if (result === Infinity && this.data !== Infinity) {
      throw new InputError(`exp of ${this.data} is too large, at most 709 can be taken.`);
    }
    return new Value(result, [this], [result], "exp");
  }

  /** The positive part; the gradient at 0 is taken as 0. */
  relu() {
    return new Value(this.data > 0 ? this.data : 0, [this], [this.data > 0 ? 1 : 0], "relu");
  }

  neg() {
    return this.mul(-1);
  }

  /** @param {Value | number} other */
  sub(other) {
    return this.add(typeof other === "number" ? -other : other.neg());
  }

  /**
   * As `this * other ** -1`, so that division needs no rule of its own.
   * @param {Value | number} other
   */
  div(other) {
    if (other === 0) throw new InputError("0 can't be divided by.");
    return this.mul(typeof other === "number" ? raised(other, -1) : other.pow(-1));
  }

  /**
   * Adds dL/d(node) to `grad` of every node below, where L is this value.
   * @param {{accumulate?: boolean}} [how] `accumulate: false` puts `=` in place of `+=`, which is
   *     wrong as soon as a value is used twice: for pages that show why
   */
  backward({ accumulate = true } = {}) {
    const order = topologicalOrder(this);
    this.grad = 1;
    for (let i = order.length - 1; i >= 0; i--) {
      const { children, localGrads, grad } = order[i];
      for (let c = 0; c < children.length; c++) {
        const share = localGrads[c] * grad;
        if (accumulate) children[c].grad += share;
        else children[c].grad = share;
      }
    }
  }
}

/** @param {Value | number} other */
function lifted(other) {
  if (typeof other !== "number") return other;
  return new Value(other, NO_CHILDREN, NO_GRADS, "number");
}

/**
 * x to the power p: 1/x, x² and roots by the operations that round once.
 * @param {number} x
 * @param {number} p
 */
export function raised(x, p) {
  if (p === -1) return 1 / x;
  if (p === 2) return x * x;
  if (p === 1) return x;
  if (p === 0.5) return Math.sqrt(x);
  if (p === -0.5) return 1 / Math.sqrt(x);
  return x ** p;
}

/**
 * All nodes that `root` depends on: post-order depth-first, children left to right, each once. This
 * fixes the order of additions in `backward`, and so the last bit. No recursion.
 * @param {Value} root
 * @returns {Value[]} children before parents, `root` last
 */
export function topologicalOrder(root) {
  /** @type {Value[]} */
  const order = [];
  const seen = new Set([root]);
  const nodes = [root];
  const next = [0];
  while (nodes.length) {
    const top = nodes.length - 1;
    const node = nodes[top];
    if (next[top] === node.children.length) {
      order.push(node);
      nodes.pop();
      next.pop();
      continue;
    }
    const child = node.children[next[top]++];
    if (!seen.has(child)) {
      seen.add(child);
      nodes.push(child);
      next.push(0);
    }
  }
  return order;
}

/** @param {Iterable<Value>} values */
export function zeroGrad(values) {
  for (const value of values) value.grad = 0;
}

/**
 * @typedef {object} GraphNode
 * @property {number} id place in the topological order
 * @property {Operation} op
 * @property {string} label the name of a leaf or result, the power of `**`; else empty
 * @property {number} data
 * @property {number} depth longest way up from a leaf, 0 for leaves
 */
/** @typedef {{from: number, to: number, slot: number, local: number}} GraphEdge child → parent */
/** @typedef {{nodes: GraphNode[], edges: GraphEdge[], values: Value[]}} Graph */

/**
 * The graph below `root` as plain objects, nodes in topological order.
 * @param {Value} root
 * @returns {Graph}
 */
export function graphOf(root) {
  const values = topologicalOrder(root);
  const ids = new Map(values.map((value, id) => [value, id]));
  /** @type {GraphNode[]} */
  const nodes = [];
  /** @type {GraphEdge[]} */
  const edges = [];
  values.forEach(({ op, label, data, children, localGrads }, to) => {
    let depth = 0;
    children.forEach((child, slot) => {
      const from = Number(ids.get(child));
      depth = Math.max(depth, nodes[from].depth + 1);
      edges.push({ from, to, slot, local: localGrads[slot] });
    });
    nodes.push({ id: to, op, label, data, depth });
  });
  return { nodes, edges, values };
}

/**
 * One contribution on the way back: `grad` of `child` goes from `before` to `after` by
 * local · upstream. The first step sets the root's own gradient to 1: it has no parent.
 * @typedef {object} BackwardStep
 * @property {number | null} parent
 * @property {number} child
 * @property {number} slot
 * @property {number} local
 * @property {number} upstream
 * @property {number} before
 * @property {number} after
 */

/**
 * The way back through a graph, contribution by contribution, in the order of `backward`. Doesn't
 * change the values.
 * @param {Graph} graph
 * @param {{accumulate?: boolean}} [how]
 * @returns {{steps: BackwardStep[], grads: number[]}} grads [nodes] at the end
 */
export function backwardSteps({ values, edges }, { accumulate = true } = {}) {
  const root = values.length - 1;
  const grads = values.map(() => 0);
  /** @type {GraphEdge[][]} */
  const into = values.map(() => []);
  for (const edge of edges) into[edge.to].push(edge);
  grads[root] = 1;
  /** @type {BackwardStep[]} */
  const steps = [
    { parent: null, child: root, slot: 0, local: 1, upstream: 1, before: 0, after: 1 },
  ];
  for (let parent = root; parent >= 0; parent--) {
    for (const { from: child, slot, local } of into[parent]) {
      const before = grads[child];
      const upstream = grads[parent];
      const after = accumulate ? before + local * upstream : local * upstream;
      grads[child] = after;
      steps.push({ parent, child, slot, local, upstream, before, after });
    }
  }
  return { steps, grads };
}

// Reads an expression as a reader types it, and builds it of Values. A parser of its own: nothing
// typed is ever run. Without recursion, so that neither 100,000 brackets nor as many signs break
// it.
//
//     const parsed = parse("(w*x + b - y)**2");
//     const root = build(parsed, { w: 2, x: 3, b: 1, y: 10 }).root;

import { InputError, shown } from "../errors.js";
import { graphOf, Value } from "./value.js";

/** An expression that can't be read or computed: `at` and `length` say which part. */
export class ExpressionError extends InputError {
  /**
   * @param {string} said
   * @param {number} at from 0
   * @param {string} [remedy]
   * @param {number} [length]
   */
  constructor(said, at, remedy = "", length = 1) {
    super(said, remedy);
    this.at = at;
    this.length = length;
  }
}

export const FUNCTIONS = /** @type {const} */ (["exp", "log", "relu"]);
export const MOST_CHARACTERS = 100_000;

/** @typedef {"number" | "name" | "operator" | "(" | ")"} TokenKind */
/** @typedef {{kind: TokenKind, text: string, at: number}} Token */
/**
 * One step of a stack machine: a leaf is pushed, an operation takes its arguments from the stack.
 * @typedef {{op: "number" | "name" | "+" | "-" | "*" | "/" | "**" | "neg" | "exp" | "log" | "relu",
 *     at: number, text: string}} Instruction
 */
/** @typedef {{source: string, code: Instruction[], names: string[]}} Parsed */

/** Tighter binds first; a sign binds looser than ** and tighter than *, as in Python. */
const BINDS = /** @type {Record<string, number>} */ ({
  "+": 1,
  "-": 1,
  "*": 2,
  "/": 2,
  neg: 3,
  "**": 4,
});

const PIECE =
  /\s*(?:(\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)|([A-Za-z_]\w*)|(\*\*|[-+*/])|([()]))/y;

/**
 * @param {string} source
 * @returns {Token[]}
 */
function tokens(source) {
  /** @type {Token[]} */
  const found = [];
  PIECE.lastIndex = 0;
  for (;;) {
    const from = PIECE.lastIndex;
    const match = PIECE.exec(source);
    if (!match) {
      const at = from + source.slice(from).search(/\S|$/);
      if (at >= source.length) return found;
      const char = String.fromCodePoint(Number(source.codePointAt(at)));
      const remedy =
        char === "^"
          ? "Write ** for a power."
          : "Use numbers, names, + - * / **, exp, log, relu and brackets.";
      throw new ExpressionError(
        `${shown(char)} at position ${at} can't be used.`,
        at,
        remedy,
        char.length,
      );
    }
    const [, number, name, operator, bracket] = match;
    const text = number ?? name ?? operator ?? bracket;
    const kind = number ? "number" : name ? "name" : operator ? "operator" : bracket;
    found.push({ kind: /** @type {TokenKind} */ (kind), text, at: PIECE.lastIndex - text.length });
  }
}

/**
 * @param {string} source
 * @returns {Parsed}
 */
export function parse(source) {
  if (source.length > MOST_CHARACTERS) {
    throw new ExpressionError(
      `The expression has ${source.length.toLocaleString("en")} characters, at most ` +
        `${MOST_CHARACTERS.toLocaleString("en")} can be read.`,
      MOST_CHARACTERS,
      "Make it shorter.",
    );
  }
  const all = tokens(source);
  if (!all.length) throw new ExpressionError("There is no expression.", 0, "Try a*b + a.");
  /** @type {Instruction[]} */
  const code = [];
  /** @type {Set<string>} */
  const names = new Set();
  /** Operators, functions and brackets that wait. @type {Token[]} */
  const waiting = [];
  const release = () => {
    const { text, at } = /** @type {Token} */ (waiting.pop());
    code.push({ op: /** @type {Instruction["op"]} */ (text), at, text });
  };
  const top = () => waiting[waiting.length - 1];
  let wantsOperand = true;
  all.forEach((token, i) => {
    const { kind, text, at } = token;
    const isCall = kind === "name" && all[i + 1]?.text === "(";
    const isFunction = kind === "name" && FUNCTIONS.includes(/** @type {any} */ (text));
    if (wantsOperand) {
      if (kind === "number") {
        code.push({ op: "number", at, text });
        wantsOperand = false;
      } else if (kind === "name" && isFunction) {
        if (!isCall) {
          throw new ExpressionError(
            `${text} at position ${at} needs an argument.`,
            at,
            `Write ${text}(a).`,
            text.length,
          );
        }
        waiting.push(token);
      } else if (kind === "name") {
        if (isCall) {
          throw new ExpressionError(
            `${shown(text)} at position ${at} is not a function.`,
            at,
            `Known are ${FUNCTIONS.join(", ")}.`,
            text.length,
          );
        }
        names.add(text);
        code.push({ op: "name", at, text });
        wantsOperand = false;
      } else if (kind === "(") {
        waiting.push(token);
      } else if (text === "-") {
        waiting.push({ kind: "operator", text: "neg", at });
      } else if (text !== "+") {
        throw new ExpressionError(
          `Something is missing before ${shown(text)} at position ${at}.`,
          at,
          "",
          text.length,
        );
      }
    } else if (kind === "operator") {
      const isPower = text === "**"; // the only one that groups from the right
      while (
        top()?.kind === "operator" &&
        (BINDS[top().text] > BINDS[text] || (!isPower && BINDS[top().text] === BINDS[text]))
      ) {
        release();
      }
      waiting.push(token);
      wantsOperand = true;
    } else if (kind === ")") {
      while (top() && top().kind !== "(") release();
      if (!top()) throw new ExpressionError(`The ) at position ${at} has no ( before it.`, at);
      waiting.pop();
      if (top()?.kind === "name") release();
    } else {
      throw new ExpressionError(
        `An operator is missing before ${shown(text)} at position ${at}.`,
        at,
        "Write * to multiply.",
        text.length,
      );
    }
  });
  if (wantsOperand) {
    const last = all[all.length - 1];
    throw new ExpressionError(
      `Something is missing after ${shown(last.text)} at position ${last.at}.`,
      last.at,
      "",
      last.text.length,
    );
  }
  while (waiting.length) {
    if (top().kind === "(") {
      throw new ExpressionError(`The ( at position ${top().at} is never closed.`, top().at);
    }
    release();
  }
  return { source, code, names: [...names] };
}

/**
 * Builds an expression of Values, one leaf for each name. Throws `ExpressionError` at the place of
 * an unknown name, a division by zero, a logarithm of 0 or less, a power that isn't a plain number,
 * and a result that is too large.
 * @param {Parsed} parsed
 * @param {Record<string, number>} numbers by name
 */
export function build({ code }, numbers) {
  /** @type {Map<string, Value>} */
  const leaves = new Map();
  /** @type {{value: Value, plain: boolean}[]} plain: made of numbers alone */
  const stack = [];
  for (const { op, at, text } of code) {
    if (op === "number") {
      const value = new Value(Number(text), undefined, undefined, "number");
      stack.push({ value: finite(value, text, at), plain: true });
      continue;
    }
    if (op === "name") {
      stack.push({ value: leaf(leaves, numbers, text, at), plain: false });
      continue;
    }
    const b = /** @type {{value: Value, plain: boolean}} */ (stack.pop());
    const isBinary = op !== "neg" && !FUNCTIONS.includes(/** @type {any} */ (op));
    const a = isBinary ? /** @type {{value: Value, plain: boolean}} */ (stack.pop()) : b;
    const value = apply(op, a, b, at);
    stack.push({ value: finite(value, op === "neg" ? "-" : op, at), plain: a.plain && b.plain });
  }
  const root = stack[0].value;
  return { root, leaves: Object.fromEntries(leaves), graph: graphOf(root) };
}

/**
 * @param {Instruction["op"]} op
 * @param {{value: Value, plain: boolean}} a
 * @param {{value: Value, plain: boolean}} b
 * @param {number} at
 */
function apply(op, { value: a, plain: aIsPlain }, { value: b, plain }, at) {
  const folded = aIsPlain && plain; // 2*3 is a number, not a node
  const number = (/** @type {number} */ x) => new Value(x, undefined, undefined, "number");
  switch (op) {
    case "+":
      return folded ? number(a.data + b.data) : a.add(b);
    case "-":
      return folded ? number(a.data - b.data) : a.sub(plain ? b.data : b);
    case "*":
      return folded ? number(a.data * b.data) : a.mul(b);
    case "neg":
      return folded ? number(-b.data) : b.neg();
    case "/":
      if (b.data === 0) throw new ExpressionError(`Division by zero at position ${at}.`, at);
      return folded ? number(a.data / b.data) : a.div(plain ? b.data : b);
    case "**":
      return power(a, aIsPlain, b, plain, at);
    case "log":
      if (b.data <= 0) {
        throw new ExpressionError(
          `log of ${b.data} at position ${at}: only numbers above 0 have a logarithm.`,
          at,
          "",
          3,
        );
      }
      return b.log();
    case "exp":
      if (b.data > 709) {
        throw new ExpressionError(
          `exp of ${b.data} at position ${at} is too large, at most 709 can be taken.`,
          at,
          "",
          3,
        );
      }
      return b.exp();
    default:
      return b.relu();
  }
}

/**
 * @param {Value} a
 * @param {boolean} aIsPlain
 * @param {Value} b
 * @param {boolean} plain
 * @param {number} at
 */
function power(a, aIsPlain, b, plain, at) {
  if (!plain) {
    throw new ExpressionError(
      `The power after ** at position ${at} must be a plain number.`,
      at,
      "Write exp(b*log(a)).",
      2,
    );
  }
  if (a.data === 0 && b.data < 0) {
    throw new ExpressionError(
      `Division by zero at position ${at}: 0 to a power below 0.`,
      at,
      "",
      2,
    );
  }
  if (a.data < 0 && !Number.isInteger(b.data)) {
    throw new ExpressionError(
      `${a.data} at position ${at} has no real power ${b.data}.`,
      at,
      "Use a whole number.",
      2,
    );
  }
  return aIsPlain ? new Value(a.data ** b.data, undefined, undefined, "number") : a.pow(b.data);
}

/**
 * @param {Map<string, Value>} leaves
 * @param {Record<string, number>} numbers
 * @param {string} name
 * @param {number} at
 */
function leaf(leaves, numbers, name, at) {
  const known = leaves.get(name);
  if (known) return known;
  if (!Object.hasOwn(numbers, name)) {
    throw new ExpressionError(
      `${shown(name)} at position ${at} has no number.`,
      at,
      `Known are ${Object.keys(numbers).join(", ")}.`,
      name.length,
    );
  }
  const value = Value.named(numbers[name], name);
  leaves.set(name, finite(value, name, at));
  return value;
}

/**
 * @param {Value} value
 * @param {string} what
 * @param {number} at
 */
function finite(value, what, at) {
  if (!Number.isFinite(value.data)) {
    throw new ExpressionError(
      `${shown(what)} at position ${at} gives ${value.data}, not a finite number.`,
      at,
      "Use smaller numbers.",
      what.length,
    );
  }
  return value;
}

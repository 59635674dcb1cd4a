// The kit's logic without a page; its elements are driven in Chromium by tests/test_guide_kit.py.

import { test } from "node:test";
import { Calm } from "../kit/calm.js";
import { contrast, css, inkOn, shade } from "../kit/color.js";
import { nearest, placeOfName, plan, pointsOf, thinned, trailingMean } from "../kit/curve-plan.js";
import { layOut } from "../kit/graph-layout.js";
import { distance, judge } from "../kit/judge.js";
import { forget, progress, solved } from "../kit/progress.js";
import {
  choiceField,
  flagField,
  initialValues,
  numberField,
  numbersField,
  readHash,
  readState,
  seedField,
  textField,
  writeHash,
  writeState,
} from "../kit/state-text.js";
import { readNumber, readNumbers, snapped, ticks, written } from "../kit/text.js";
import { Random } from "../random.js";
import { fail, near, same } from "./helpers.js";

test("numbers are written and read", () => {
  same(
    ["−0.22", "0.00", "0.00", "3", "∞", "not a number", "−∞"],
    [
      written(-0.22),
      written(-0.001),
      written(0),
      written(3.2, 0),
      written(Infinity),
      written(NaN),
      written(-Infinity),
    ],
    "written",
  );
  for (const [text, x] of [
    ["1.5", 1.5],
    [" −2 ", -2],
    ["1,5", 1.5],
    ["-1,5", -1.5],
    [".5", 0.5],
    ["1e-3", 0.001],
    ["+2", 2],
    ["", null],
    ["abc", null],
    ["1.2.3", null],
    ["1 2", null],
    ["1e999", null],
    ["0x10", null],
    ["NaN", null],
    ["Infinity", null],
  ]) {
    same(x, readNumber(text), `“${text}”`);
  }
  for (const [text, xs] of [
    ["1 2 3", [1, 2, 3]],
    ["[0.67, 0.24, 0.09]", [0.67, 0.24, 0.09]],
    ["1;2", [1, 2]],
    ["1,2,3", [1, 2, 3]],
    ["0,5 0,25", [0.5, 0.25]],
    ["", null],
    ["1 x", null],
  ]) {
    same(xs, readNumbers(text), `“${text}”`);
  }
  const limits = { min: -3, max: 3, step: 0.1 };
  same(
    [0.3, 3, -3, -2.9],
    [0.30000000000000004, 99, -99, -2.93].map((x) => snapped(x, limits)),
    "snapped",
  );
  same(
    [0.7, 9],
    [
      snapped(0.7, { min: -Infinity, max: Infinity, step: 0.1 }),
      snapped(10, { min: 0, max: 10, step: 3 }),
    ],
    "snapped",
  );
  for (const x of [3, -3]) same(x, snapped(x, limits), "limits are reached");
});

test("ticks are round and inside", () => {
  same([0, 200, 400, 600, 800, 1000], ticks(0, 1000), "thousand");
  same([2, 2.5, 3, 3.5], ticks(1.9, 3.6, 4), "losses");
  const rng = new Random(1);
  for (let i = 0; i < 500; i++) {
    const low = 10 ** (8 * rng.random() - 4) * (rng.random() - 0.5);
    const high = low + 10 ** (8 * rng.random() - 4);
    const got = ticks(low, high);
    if (!(got.length >= 1 && got.length <= 12)) fail(`${got.length} ticks from ${low} to ${high}`);
    const slack = (high - low) * 1e-6;
    if (got.some((t) => t < low - slack || t > high + slack))
      fail(`ticks ${got} outside ${low} to ${high}`);
  }
});

const schema = {
  q: numberField(-0.22, -1.5, 1.5, 0.01),
  seed: seedField(),
  mode: choiceField("exact", ["exact", "hand"]),
  on: flagField(false),
  words: textField("abc", 60),
  ws: numbersField([0, 1], -2, 2),
};

test("state goes through the address", () => {
  const values = {
    q: 0.5,
    seed: 7,
    mode: "hand",
    on: true,
    words: "a,b:c&d=e #é🙂",
    ws: [-1.5, 2],
  };
  const text = writeState(schema, values);
  same({ values, bad: [] }, readState(schema, text), text);
  same("", writeState(schema, initialValues(schema)), "defaults write nothing");
  const hash = writeHash(
    "top",
    new Map([
      ["chat", text],
      ["zip", ""],
      ["net", "x:1"],
    ]),
  );
  const { anchor, parts } = readHash(hash);
  same(["top", text, "x:1", 2], [anchor, parts.get("chat"), parts.get("net"), parts.size], hash);
  same(
    ["#top", "", "#?W=a:1"],
    [writeHash("top", new Map()), writeHash("", new Map()), writeHash("", new Map([["W", "a:1"]]))],
    "hashes",
  );
  if (decodeURI(new URL(`http://x/${hash}`).hash) === "") fail("not an address");
});

test("half a character in a text field never breaks the address", () => {
  const schema = { name: textField("ann", 40), other: textField("", 40) };
  const halves = ["\ud83d", "\ude00"];
  for (const half of halves)
    for (const text of [half, `${half}a`, `a${half}`, `a${half}b`, half + half + half])
      for (const name of Object.keys(schema)) {
        const written = writeState(schema, { ...initialValues(schema), [name]: text });
        same(false, written.includes(half), "no half stands in an address");
        const { values, bad } = readState(schema, written);
        same([], bad, "what is written can be read");
        same(text.replace(/\p{Surrogate}/gu, "\ufffd"), values[name], "the rest is kept");
      }
  const whole = writeState(schema, { name: "a😀", other: "" });
  same("a😀", readState(schema, whole).values.name, "whole characters stay");
});

test("links from before the names were words still open", () => {
  const { anchor, parts } = readHash("#top?W29=t:2&T13-4-5=mark:x&W99=a:1&W1x=b:1&hide=W2");
  same("top", anchor, "anchor");
  same(
    [
      ["temperature", "t:2"],
      ["rung-diff-4-5", "mark:x"],
      ["W99", "a:1"],
      ["W1x", "b:1"],
      ["hide", "W2"],
    ],
    [...parts],
    "parts",
  );
  same("#top?temperature=t:2", writeHash(...oneOf("#top?W29=t:2")), "rewritten");
});

/** @param {string} hash @returns {[string, Map<string, string>]} */
function oneOf(hash) {
  const { anchor, parts } = readHash(hash);
  return [anchor, parts];
}

test("a mangled state keeps its defaults and says what", () => {
  for (const [text, bad] of [
    ["q:5", ["q"]],
    ["q:abc", ["q"]],
    ["q:", ["q"]],
    ["q", ["q"]],
    ["seed:-1", ["seed"]],
    ["seed:4294967296", ["seed"]],
    ["mode:other", ["mode"]],
    ["on:yes", ["on"]],
    ["ws:1", ["ws"]],
    ["ws:1_9", ["ws"]],
    ["words:%E0%A4%A", ["words"]],
    [`words:${"x".repeat(61)}`, ["words"]],
    ["nothing:1", ["nothing"]],
    ["__proto__:1", ["__proto__"]],
    ["q:NaN,seed:1e3", ["q"]],
  ]) {
    const got = readState(schema, text);
    same(bad, got.bad, text);
    same(initialValues(schema).mode, got.values.mode, text);
  }
  same(1000, readState(schema, "q:NaN,seed:1e3").values.seed, "the rest is read");
  const rng = new Random(3);
  const good = writeState(schema, {
    q: 0.5,
    seed: 7,
    mode: "hand",
    on: true,
    words: "abc abc",
    ws: [1, 2],
  });
  for (let i = 0; i < 2000; i++) {
    const chars = [...good];
    for (let k = 0; k < 3; k++)
      chars[rng.randrange(chars.length)] = String.fromCharCode(rng.randrange(256));
    const { values } = readState(schema, chars.join(""));
    const fits =
      Math.abs(values.q) <= 1.5 &&
      Number.isInteger(values.seed) &&
      ["exact", "hand"].includes(values.mode) &&
      values.ws.length === 2;
    if (!fits) fail(`${chars.join("")} gave ${JSON.stringify(values)}`);
    readHash(chars.join(""));
  }
});

test("answers are judged", () => {
  const one = { kind: "number", answers: ["3184"], tolerance: 0 };
  const mistakes = [{ value: "2480" }];
  const verdict = (task, text) => judge(task, mistakes, text).verdict;
  same(
    ["right", "right", "right", "wrong", "wrong", "unread", "unread"],
    ["3184", " 3,184 ", "3184.0", "2480", "5", "", "many"].map((text) => verdict(one, text)),
    "number",
  );
  same(
    [0, null],
    [judge(one, mistakes, "2,480").mistake, judge(one, mistakes, "7").mistake],
    "mistakes",
  );
  const half = { kind: "number", answers: ["2.31"], tolerance: 0.01 };
  same(
    ["right", "right", "right", "wrong", "right"],
    ["2.31", "2.32", "2,30", "2.33", "+2.31"].map((text) => verdict(half, text)),
    "tolerance",
  );
  const three = { kind: "numbers", answers: ["0.67, 0.24, 0.09"], tolerance: 0.005 };
  same(
    ["right", "right", "wrong", "unread", "unread"],
    ["0.67 0.24 0.09", "[0.67, 0.24, 0.09]", "0.24 0.24 0.67", "0.67 0.24", "x"].map((text) =>
      verdict(three, text),
    ),
    "numbers",
  );
  same("Not yet: 1 of 3 are right.", judge(three, [], "0.24 0.24 0.67").say, "how many");
  const word = { kind: "text", answers: ["BOS", "the BOS token"], tolerance: 0 };
  same(
    ["right", "right", "right", "wrong"],
    ["bos", " The  BOS token", "“BOS”", "EOS"].map((text) => verdict(word, text)),
    "text",
  );
  same(
    ["just right", "1.00 too high", "0.30 too low"],
    [distance(3.2958, 3.2958, 2), distance(4.2958, 3.2958, 2), distance(3, 3.2958, 2)],
    "distance",
  );
});

test("progress without storage holds for the visit", () => {
  same(false, solved("E1", "3184"), "Node has no localStorage");
  same("3184", progress().E1, "kept in memory");
  forget("E1");
  same(undefined, progress().E1, "forgotten");
});

test("storage that is full, shut off or damaged", () => {
  const store = { text: "{broken", full: false };
  globalThis.localStorage = {
    getItem: () => store.text,
    setItem: (_, text) => {
      if (store.full) throw new DOMException("full", "QuotaExceededError");
      store.text = text;
    },
  };
  try {
    same({}, progress(), "damaged");
    same(true, solved("E2", "4"), "kept");
    store.full = true;
    same(false, solved("E3", "5"), "full");
    same({ E2: "4", E3: "5" }, progress(), "both hold");
    store.text = '["list"]';
    same("5", progress().E3, "a list in its place");
  } finally {
    delete globalThis.localStorage;
  }
});

test("the name of a line stands where it covers least", () => {
  const box = { left: 50, right: 600, top: 10, bottom: 240 };
  const name = { y: 180, width: 150 };
  const free = placeOfName(name, box, [], []);
  same([598, 177], [free.right, free.bottom], "above the line, at its right end");
  const curve = Array.from({ length: 100 }, (_, i) => ({ x: 50 + 5.5 * i, y: 172 }));
  same(true, placeOfName(name, box, curve, []).top > 180, "below where the curve runs above");
  const fall = curve.map(({ x }) => ({ x, y: x < 300 ? 100 : x % 2 ? 172 : 190 }));
  same(true, placeOfName(name, box, fall, []).left < 100, "left where the curves are at the right");
  const other = placeOfName(name, box, [], [free]);
  same(true, other.top >= free.bottom || other.right <= free.left, "never on another name");
});

test("curves are planned honestly", () => {
  const points = pointsOf([3, 2, NaN, 1]);
  const { x, y } = plan([points], [{ name: "floor", y: 0.5 }]);
  same([1, 4], [x.low, x.high], "x");
  if (!(y.low < 0.5 && y.low > 0 && y.high > 3 && y.high < 3.5))
    fail(`y from ${y.low} to ${y.high}`);
  same(0, plan([points], [], { fromZero: true }).y.low, "from zero");
  const empty = plan([], []);
  if (!(empty.x.high > empty.x.low && empty.y.high > empty.y.low)) fail("nothing to show");
  const flat = plan([pointsOf([2, 2])], []);
  if (!(flat.y.high > 2 && flat.y.low < 2)) fail("a flat line");
  const many = pointsOf(Array.from({ length: 10_000 }, (_, i) => (i === 5037 ? 99 : Math.sin(i))));
  const few = thinned(many, 100);
  if (few.length > 200 || Math.max(...few.map((p) => p.y)) !== 99) fail("a peak is lost");
  if (few.some((p, i) => i && p.x <= few[i - 1].x)) fail("out of order");
  same(
    [{ x: 2, y: 2 }, { x: 1, y: 3 }, { x: 4, y: 1 }, null],
    [nearest(points, 2.2), nearest(points, -9), nearest(points, 99), nearest([], 1)],
    "nearest",
  );
  near([1, 1.5, 2, 3], trailingMean([1, 2, 3, 4], 3), 1e-12, "trailing mean");
});

test("graphs are laid out in layers, nothing on top of another", () => {
  const nodes = ["a", "b", "ab", "c", "sum", "L"].map((id) => ({ id }));
  const edges = [
    ["a", "ab"],
    ["b", "ab"],
    ["ab", "sum"],
    ["c", "sum"],
    ["sum", "L"],
    ["a", "L"],
  ].map(([from, to]) => ({ from, to }));
  const { placed, bends, layers, widest } = layOut(nodes, edges);
  const layer = Object.fromEntries(placed.map((p) => [p.id, p.layer]));
  same({ a: 0, b: 0, ab: 1, c: 1, sum: 2, L: 3 }, layer, "layers");
  same(
    [0, 0, 0, 0, 0, 2],
    bends.map((b) => b.length),
    "a long edge passes two layers",
  );
  same([4, 3], [layers, widest], "size");
  const spots = [...placed, ...bends.flat()].map((p) => `${p.layer}/${p.place}`);
  same(spots.length, new Set(spots).size, "places");
  same({ placed: [], bends: [], layers: 0, widest: 0 }, layOut([], []), "nothing");
});

test("ink is readable on every colour of the scale", () => {
  const scales = [
    { below: [43, 108, 181], middle: [239, 236, 229], above: [212, 106, 11] },
    { below: [76, 143, 214], middle: [42, 47, 54], above: [224, 132, 43] },
  ];
  for (const scale of scales) {
    for (let s = -1; s <= 1; s += 0.01) {
      const ground = shade(scale, s);
      const ink = inkOn(ground) === "#000" ? [0, 0, 0] : [255, 255, 255];
      if (contrast(ground, ink) < 4.5) fail(`${css(ground)} at ${s}`);
    }
    same(
      [scale.below, scale.middle, scale.above, scale.middle],
      [-9, 0, 9, NaN].map((s) => shade(scale, s)),
      "ends",
    );
  }
});

test("what waits for rest is done once, and not when it is stopped", async () => {
  const done = /** @type {string[]} */ ([]);
  const stopped = new Calm(1, () => done.push("stopped"));
  stopped.changed();
  stopped.stop();
  same(stopped.timer, undefined);
  await new Promise((resolve) => {
    const calm = new Calm(20, () => resolve(done.push("calm")));
    for (let i = 0; i < 3; i++) calm.changed();
  });
  same(done, ["calm"]);
});

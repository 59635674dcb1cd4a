// Guesses of a class: their codes and QR codes, how they are read, counted and written as CSV.

import assert from "node:assert/strict";
import test from "node:test";
import {
  checkDigits,
  codeOf,
  guessNumber,
  guessText,
  isMark,
  newMark,
  readCodes,
} from "../kit/class-code.js";
import { startScan } from "../figures/class/camera.js";
import { MOST, median, rowsOfNumbers, Tally, toldOf } from "../figures/class/tally.js";
import { bitsOfText, corrections, formatBits, qrOf } from "../kit/qr.js";

const ASKED = [
  { name: "attention", choices: ["a", "b", "c"] },
  { name: "adam", choices: ["a", "b", "c"] },
  { name: "adam-2", choices: ["a", "b", "c"] },
  { name: "two-hundred-lines", choices: ["a", "b", "c"] },
  { name: "training", digits: 2 },
];
const whys = (/** @type {string} */ text) =>
  readCodes(text, ASKED).map((one) => ("why" in one ? one.why : `${one.name} ${one.guess}`));

test("the check digits are a rest of 97", () => {
  assert.equal(checkDigits("A"), "10");
  assert.equal(checkDigits("AB"), "03"); // 10 · 38 + 11 = 4 · 97 + 3
  assert.throws(() => checkDigits("é"));
});

test("one wrong character, or two that changed places, are noticed", () => {
  const code = codeOf("attention", "C", "K7M4P");
  const text = code.slice(0, -3);
  for (let i = 0; i < text.length; i++) {
    for (const other of "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ.-")
      if (other !== text[i])
        assert.notEqual(checkDigits(text.slice(0, i) + other + text.slice(i + 1)), code.slice(-2));
    if (i && text[i] !== text[i - 1]) {
      const turned = text.slice(0, i - 1) + text[i] + text[i - 1] + text.slice(i + 1);
      assert.notEqual(checkDigits(turned), code.slice(-2), turned);
    }
  }
});

test("codes are found in a chat, however they were typed", () => {
  const mark = newMark((below) => below - 1);
  assert.ok(isMark(mark) && !isMark("K7M4") && !isMark("KK7M4") && !isMark(null));
  const code = codeOf("attention", "C", mark);
  const number = codeOf("training", "3.5", mark);
  const spoken = code.toLowerCase().replaceAll("-", " ");
  const chat = [
    `Anna: ${code}`,
    `10:31 Ben ${spoken}`,
    "when is the break?",
    `${codeOf("adam-2", "A", mark)}, ${codeOf("adam", "B", mark)}`,
    codeOf("two-hundred-lines", "C", mark).replaceAll("-", " – "),
    number.replace(".", ","),
    codeOf("training", "M0.25", mark),
    codeOf("training", "17", mark),
  ].join("\n");
  assert.deepEqual(whys(chat), [
    "attention C",
    "attention C",
    "adam-2 A",
    "adam B",
    "two-hundred-lines C",
    "training 3.5",
    "training M0.25",
    "training 17",
  ]);
});

test("what can't be counted is named with its reason", () => {
  const code = codeOf("attention", "C", "K7M4P");
  const wrong = code.replace("K7M4P", "K7M5P");
  assert.deepEqual(readCodes(wrong, ASKED), [{ code: wrong, why: "digits" }]);
  assert.deepEqual(whys(codeOf("softmax", "C", "K7M4P")), ["question"]);
  assert.deepEqual(whys(codeOf("attention", "F", "K7M4P")), ["guess"]);
  assert.deepEqual(whys(codeOf("attention", "3", "K7M4P")), ["guess"]);
  assert.deepEqual(whys(codeOf("training", "C", "K7M4P")), ["guess"]);
  assert.deepEqual(whys("attention-c-k7m4"), ["unread"]);
  assert.deepEqual(whys("pay attention!"), []);
  assert.equal(guessText(2, false), "C");
  assert.equal(guessText(-0, true), "0");
  assert.equal(guessText(-0.25, true), "M0.25");
  assert.equal(guessNumber("M0.25"), -0.25);
  assert.equal(guessText(3.29583, true), "3.2958");
  assert.equal(guessText(1e6, true), null);
  // Check digits can be worked out by hand, also for a guess that no page would make a code of.
  assert.deepEqual(whys(codeOf("training", "1000000", "K7M4P")), ["guess"]);
  const [endless] = readCodes(codeOf("training", "9".repeat(400), "K7M4P"), ASKED);
  assert.ok("why" in endless && endless.why === "guess" && endless.code.length < 80);
});

test("codes in one long line are all read", () => {
  const codes = Array.from({ length: 300 }, (_, i) => codeOf("training", String(i), "K7M4P"));
  for (const between of [" ", ", ", "\t"])
    assert.deepEqual(
      whys(codes.join(between)),
      codes.map((_, i) => `training ${i}`),
    );
});

test("a long line that is no code is read at once", () => {
  assert.deepEqual(whys("A-".repeat(200_000)), []);
});

test("a QR code is made as in the standard's examples", () => {
  // ISO/IEC 18004, alphanumeric mode: AC-42 in version 1.
  assert.equal(bitsOfText("AC-42"), "0010000000101001110011101110011100100001" + "0");
  // Its worked example, 01234567 at level M: codewords of data, and of error correction.
  const data = [0x10, 0x20, 0x0c, 0x56, 0x61, 0x80];
  while (data.length < 16) data.push(0xec, 0x11);
  const wanted = [0xa5, 0x24, 0xd4, 0xc1, 0xed, 0x36, 0xc7, 0x87, 0x2c, 0x55];
  assert.deepEqual(corrections(data, 10), wanted);
  // Its example of format information: level M, mask 101.
  assert.equal(formatBits(0b101).toString(2), "100000011001110");
  assert.deepEqual(
    ["A", "A".repeat(20), "A".repeat(21), "A".repeat(38), "A".repeat(39), "A".repeat(61)].map(
      (text) => qrOf(text).length,
    ),
    [21, 21, 25, 25, 29, 29],
  );
  assert.throws(() => qrOf("A".repeat(62)), /too long/);
  assert.throws(() => qrOf("a"), /can hold/);
});

const QUESTIONS = ASKED.map((one) => ({
  page: "",
  title: "",
  text: "?",
  answer: "choices" in one ? 2 : 3.2958,
  ...one,
}));
const store = (/** @type {Map<string, string>} */ kept) => () => ({
  getItem: (/** @type {string} */ key) => kept.get(key) ?? null,
  setItem: (/** @type {string} */ key, /** @type {string} */ value) => void kept.set(key, value),
  removeItem: (/** @type {string} */ key) => void kept.delete(key),
});

test("each browser has one guess at a question, its first", () => {
  const kept = new Map();
  const tally = new Tally(QUESTIONS, store(kept));
  const one = codeOf("attention", "C", "K7M4P");
  const added = tally.add([one, one, codeOf("attention", "A", "K7M4P")].join("\n"));
  assert.deepEqual(tally.guesses("attention"), ["C"]);
  assert.equal(added.last, "attention");
  assert.match(toldOf(added), /^1 of 3 counted\. 1 had come before \(K7M4P\)\. 1 from a browser/);
  assert.deepEqual(
    tally.rows("attention").map(({ count, isRight }) => [count, isRight]),
    [
      [0, false],
      [0, false],
      [1, true],
    ],
  );
  tally.add(codeOf("training", "M0.5", "K7M4P"));
  assert.deepEqual(tally.csv().split("\r\n").slice(1, -1), [
    "attention,C,K7M4P,counted,yes",
    "attention,C,K7M4P,again,yes",
    "attention,A,K7M4P,changed,no",
    "training,-0.5,K7M4P,counted,no",
  ]);
  assert.deepEqual(new Tally(QUESTIONS, store(kept)).csv(), tally.csv(), "after a reload");
  kept.set("mg-class-tally", '[{"name": "attention"}, 3]');
  assert.deepEqual(new Tally(QUESTIONS, store(kept)).came, []);
  tally.forget();
  assert.equal(kept.size, 0);
  assert.equal(toldOf(tally.add("hello")), "There is no code in this text.");
  const shut = new Tally(QUESTIONS, () => {
    throw new Error("storage is shut off");
  });
  shut.add(one);
  assert.equal(shut.isKept, false);
  assert.deepEqual(shut.guesses("attention"), ["C"]);
});

test("the camera goes off, however early that is asked for, and where it shows nothing", async () => {
  let running = 0;
  const opened = async () => {
    running++;
    return { getTracks: () => [{ stop: () => running-- }] };
  };
  const given = Object.getOwnPropertyDescriptor(globalThis, "navigator");
  const value = { mediaDevices: { getUserMedia: opened } };
  Object.defineProperty(globalThis, "navigator", { value, configurable: true });
  const Reader = class {
    detect = async () => [];
  };
  Object.assign(globalThis, { BarcodeDetector: Reader });
  const scan = (/** @type {AbortSignal} */ until, play = async () => {}) =>
    startScan(/** @type {any} */ ({ srcObject: null, play }), () => {}, until);
  try {
    const early = new AbortController();
    const turning = scan(early.signal);
    early.abort();
    await turning;
    assert.equal(running, 0);
    const refused = scan(new AbortController().signal, () => Promise.reject(new Error("no")));
    await assert.rejects(refused, /shows no picture/);
    assert.equal(running, 0);
    const late = new AbortController();
    await scan(late.signal);
    assert.equal(running, 1);
    late.abort();
    assert.equal(running, 0);
  } finally {
    if (given) Object.defineProperty(globalThis, "navigator", given);
    else Reflect.deleteProperty(globalThis, "navigator");
    Reflect.deleteProperty(globalThis, "BarcodeDetector");
  }
});

test("codes beyond the most that are kept are said to be left out", () => {
  const codes = Array.from({ length: MOST + 1 }, (_, i) => codeOf("training", `${i}`, "K7M4P"));
  const tally = new Tally(QUESTIONS, store(new Map()));
  tally.add(codes.slice(0, MOST).join("\n"));
  const said = toldOf(tally.add(codes[MOST]));
  assert.ok(said.startsWith("0 of 1 counted. ") && said.includes("no more are taken"), said);
  assert.equal(tally.came.length, MOST);
});

test("few numbers have a row each, many are counted in ranges", () => {
  const question = QUESTIONS[4];
  assert.deepEqual(
    rowsOfNumbers([3.3, 1, 3.3, -2], question).map((one) => [one.label, one.count, one.isRight]),
    [
      ["−2", 1, false],
      ["1", 1, false],
      ["3.3", 2, true],
    ],
  );
  const many = Array.from({ length: 40 }, (_, i) => i / 10);
  const rows = rowsOfNumbers([...many, 90_000], question);
  assert.ok(rows.length <= 9, String(rows.length));
  assert.equal(
    rows.reduce((sum, { count }) => sum + count, 0),
    41,
  );
  assert.equal(rows.filter(({ isRight }) => isRight).length, 1);
  assert.equal(median([4, 1, 3]), 3);
  assert.equal(median([4, 1]), 2.5);
});

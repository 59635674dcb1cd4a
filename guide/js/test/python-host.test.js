// Running Python from a page, without a page and without Python: tests/test_guide_chat.py has both.

import { test } from "node:test";
import {
  codeOf,
  duration,
  forecast,
  hasSteps,
  PythonHost,
  withSteps,
} from "../figures/runs/python-host.js";
import { fail, same } from "./helpers.js";

/** A Worker that a test answers for. */
class Stub {
  static all = [];
  constructor() {
    this.posted = [];
    this.ended = false;
    Stub.all.push(this);
  }
  postMessage(order) {
    this.posted.push(order);
  }
  terminate() {
    this.ended = true;
  }
}

const made = (canShare) => {
  Stub.all = [];
  return new PythonHost(() => new Stub(), canShare);
};
const order = { code: "", name: "x.py", steps: null, files: {}, args: [] };

test("the loop over num_steps is cut, and no line moves", () => {
  const code =
    "num_steps = 1000\n" +
    "for step in range(num_steps):\n    pass\n" +
    "for step in range(num_steps):\n    pass\n";
  same(true, hasSteps(code), "loop found");
  same(
    code.replace("range(num_steps)", "_first_steps(range(num_steps))"),
    withSteps(code),
    "cut code",
  );
  for (const other of [
    "",
    "for i in range(10):",
    "# for i in range(num_steps):",
    "x = range(num_steps)",
  ]) {
    same(false, hasSteps(other), other);
    same(other, withSteps(other), "left alone");
  }
});

test("times are said as a reader says them", () => {
  for (const [seconds, text] of [
    [0, "0.0 s"],
    [9.94, "9.9 s"],
    [42.4, "42 s"],
    [125, "2 minutes"],
    [9000, "2.5 hours"],
  ]) {
    same(text, duration(seconds), String(seconds));
  }
  same(
    "20 steps took 2.4 s here; 1,000 would take about 2 minutes.",
    forecast({ count: 20, seconds: 2.4 }, 1000),
    "20 of 1,000",
  );
  same(
    "1 step took 0.5 s here; 1,000 would take about 8 minutes.",
    forecast({ count: 1, seconds: 0.5 }, 1000),
    "one",
  );
  same("1,000 steps took 70 s here.", forecast({ count: 1000, seconds: 70 }, 1000), "all");
});

test("code comes out of a figure as it stands in the file", () => {
  same(
    "def f():\n    x = 1\n\n    return x\n",
    codeOf(["def f():\n    x = 1\n \n    return x\n"]),
    "one figure",
  );
  same("a\n\n\nb\n", codeOf(["a\n", "\nb\n"]), "two figures");
});

test("one Worker serves run after run, and answers of earlier runs are not heard", async () => {
  const host = made(false);
  const heard = [];
  const first = host.run(order, (stream, text) => heard.push(stream + text));
  const [worker] = Stub.all;
  same(
    [
      { do: "begin", signal: null },
      { do: "run", id: 1, ...order },
    ],
    worker.posted,
    "orders",
  );
  same(true, host.busy, "busy");
  worker.onmessage({ data: { type: "said", id: 1, stream: "out", text: "a" } });
  worker.onmessage({ data: { type: "said", id: 0, stream: "out", text: "old" } });
  worker.onmessage({ data: { type: "ended", id: 1, how: { seconds: 1 } } });
  same({ seconds: 1 }, await first, "end of the first run");
  const second = host.run(order, () => fail("heard a run that is over"));
  worker.onmessage({ data: { type: "said", id: 1, stream: "out", text: "late" } });
  worker.onmessage({ data: { type: "ended", id: 2, how: {} } });
  await second;
  same([["outa"], 1], [heard, Stub.all.length], "what was heard, and Workers");
});

test("without shared memory a stop ends the Worker, and the next run has another", async () => {
  const host = made(false);
  const run = host.run(order, () => {});
  host.stop();
  same({ stopped: true }, await run, "end");
  same(true, Stub.all[0].ended, "first Worker ended");
  const next = host.run(order, () => {});
  same(2, Stub.all.length, "Workers");
  Stub.all[1].onmessage({ data: { type: "ended", id: 2, how: {} } });
  await next;
});

test("with shared memory a stop is a signal first, then the end of the Worker", async () => {
  const host = made(true);
  const run = host.run(order, () => {});
  const [begin] = Stub.all[0].posted;
  host.stop();
  same(2, begin.signal[0], "signal");
  same(false, Stub.all[0].ended, "ended at once");
  Stub.all[0].onmessage({ data: { type: "ended", id: 1, how: { stopped: true } } });
  await run;
  const deaf = host.run(order, () => {});
  same(0, begin.signal[0], "signal taken back");
  host.stop();
  same({ stopped: true }, await deaf, "end of one that doesn't hear");
  same(true, Stub.all[0].ended, "ended");
});

test("a Worker whose Python is gone or was never there is not used again", async () => {
  const host = made(false);
  for (const [i, data] of [
    { type: "ended", how: { absent: true } },
    { type: "ended", how: { error: "gone" }, fatal: true },
  ].entries()) {
    const run = host.run(order, () => {});
    Stub.all[i].onmessage({ data: { ...data, id: i + 1 } });
    same(data.how, await run, "end");
    same(true, Stub.all[i].ended, "Worker ended");
  }
  const run = host.run(order, () => {});
  Stub.all[2].onerror({ message: "no such file" });
  same("Python has stopped: no such file.", (await run).error, "error of the Worker");
});

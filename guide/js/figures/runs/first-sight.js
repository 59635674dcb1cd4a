// A figure that trains begins with a short run: once a page view, when it is first seen, and never
// where a link has set its state.

import { prefersLessMotion } from "../../kit/dom.js";

/** @typedef {import("./live-run.js").LiveRun} LiveRun */
/** @typedef {import("../../kit/widget.js").Widget} Widget */

export const FIRST_STEPS = 100;
const DRAWINGS = 25; // of the first steps
const LOOK_EVERY_MS = 50;

/** Figures that have had their run. @type {Set<string>} */
const had = new Set();

/**
 * Begins when the figure is seen by someone who reads the page.
 * @param {Widget} host
 * @param {() => unknown} begin
 */
export function atFirstSight(host, begin) {
  if (had.has(host.localName) || host.state.given) return;
  const watcher = new IntersectionObserver(
    (entries) => {
      const isSeen = entries.some(({ isIntersecting }) => isIntersecting) && !document.hidden;
      const isShown = document.documentElement.classList.contains("presenting");
      if (!isSeen || isShown || matchMedia("print").matches) return;
      watcher.disconnect();
      had.add(host.localName);
      host.guard(begin);
    },
    { rootMargin: "-10% 0px" },
  );
  watcher.observe(host);
  host.whenLeaving(() => watcher.disconnect());
}

/**
 * The first steps of a run, a few at a time, and then it waits. Any other order to it ends this.
 * @param {LiveRun} run
 * @param {import("./live-run.js").RunOptions} options
 * @param {number} steps
 * @param {number | null} [speed] of those that follow
 */
export function firstSteps(run, options, steps, speed = null) {
  run.start(options, { paused: true, speed });
  const { id } = run;
  const stride = prefersLessMotion() ? steps : Math.ceil(steps / DRAWINGS);
  let asked = 0;
  const timer = setInterval(() => {
    const isOther = run.id !== id || run.step > asked || (asked > 0 && run.status !== "paused");
    if (isOther || asked >= steps || run.status === "failed") return clearInterval(timer);
    if (run.status !== "paused" || run.step < asked) return undefined; // on its way
    const count = Math.min(stride, steps - asked);
    asked += count;
    run.advance(count);
    return undefined;
  }, LOOK_EVERY_MS);
}

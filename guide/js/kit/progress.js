// Which exercises are solved, kept on this reader's machine alone. Where storage is full or shut
// off it holds for the visit, and the page says so.

const KEY = "mg-progress";

/** @type {Record<string, string>} */
let here = {};
let isKept = true;

/** @returns {Record<string, string>} the answer that solved it, by exercise */
export function progress() {
  try {
    const read = JSON.parse(localStorage.getItem(KEY) ?? "{}");
    const good = read && typeof read === "object" && !Array.isArray(read) ? read : {};
    const texts = Object.entries(good).filter(([, answer]) => typeof answer === "string");
    return { .../** @type {Record<string, string>} */ (Object.fromEntries(texts)), ...here };
  } catch {
    return { ...here };
  }
}

/**
 * @param {string} exercise
 * @param {string} answer
 * @returns {boolean} whether it will be there on the next visit
 */
export function solved(exercise, answer) {
  here = { ...here, [exercise]: answer.slice(0, 500) };
  return keep(progress());
}

/** @param {string} exercise */
export function forget(exercise) {
  const all = progress();
  delete all[exercise];
  delete here[exercise];
  return keep(all);
}

/** @param {Record<string, string>} all */
function keep(all) {
  try {
    localStorage.setItem(KEY, JSON.stringify(all));
    isKept = true;
  } catch {
    isKept = false;
  }
  globalThis.dispatchEvent?.(new CustomEvent("mg-progress", { detail: all }));
  return isKept;
}

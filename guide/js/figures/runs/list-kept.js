// The reader's list over a reload: in the tab's own storage, which no other tab, server or link
// sees. Where it is shut off or full, the list is simply gone after a reload. No DOM.

const KEPT = "mg-own-list";

/**
 * @typedef {object} Source where a list is from
 * @property {string} text as it was typed, pasted or read
 * @property {string} name of its file, or ""
 * @property {number | null} [column] which column of a table; null takes whole lines
 * @property {boolean} [titled] whether the table's first row holds titles
 */

/** @typedef {Pick<Storage, "getItem" | "setItem" | "removeItem">} Store */

/** @returns {Store} */
const tab = () => sessionStorage;

/** Whether it could be kept. @param {Source} source @param {() => Store} [store] */
export function keep(source, store = tab) {
  try {
    store().setItem(KEPT, JSON.stringify(source));
    return true;
  } catch {
    forget(store); // an older list would come back in its place
    return false;
  }
}

/** The list that was kept, null if none. @param {() => Store} [store] @returns {Source | null} */
export function recall(store = tab) {
  try {
    const { text, name, column, titled } = JSON.parse(store().getItem(KEPT) ?? "null") ?? {};
    if (typeof text !== "string" || typeof name !== "string") return null;
    const isColumn = column === null || (Number.isInteger(column) && column >= 0);
    return {
      text,
      name,
      ...(isColumn ? { column } : {}),
      ...(typeof titled === "boolean" ? { titled } : {}),
    };
  } catch {
    return null;
  }
}

/** @param {() => Store} [store] */
export function forget(store = tab) {
  try {
    store().removeItem(KEPT);
  } catch {
    // storage is shut off: nothing was kept
  }
}

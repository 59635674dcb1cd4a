// Whether guesses in this tab are for a class. It stays in the tab; a link with ?class turns it on.

const MODE = "mg-class";
/** Where storage is shut off, it holds for this page. */
let here = new URLSearchParams(globalThis.location?.search).has("class");

/** What was chosen in this tab, null if nothing. */
function chosen() {
  try {
    const kept = sessionStorage.getItem(MODE);
    return kept && kept === "1";
  } catch {
    return null; // storage is shut off
  }
}

export const inClass = () => chosen() ?? here;

/** On a page for classes, guesses are for one until somebody chooses otherwise. */
export function beginInClass() {
  here ||= chosen() === null;
}

/** @param {boolean} on */
export function setInClass(on) {
  here = on;
  try {
    sessionStorage.setItem(MODE, on ? "1" : "0");
  } catch {
    // storage is shut off
  }
  dispatchEvent(new CustomEvent("mg-class", { detail: on }));
}

if (here) setInClass(true);

// The chosen reading path: where the reader is on it, and what has been read. That is kept in this
// browser's storage alone, by path: the places whose pages were read to their end. Without storage
// everything but that works.

const KEY = "read";

/** @param {string} path @returns {Set<number>} places on the path, from 1 */
function placesRead(path) {
  try {
    const kept = JSON.parse(localStorage.getItem(KEY) ?? "{}")[path];
    return new Set(Array.isArray(kept) ? kept.filter(Number.isInteger) : []);
  } catch {
    return new Set(); // storage is shut off, or holds something else
  }
}

/** @param {string} path @param {Iterable<number>} places */
function keep(path, places) {
  try {
    let all = {};
    try {
      all = JSON.parse(localStorage.getItem(KEY) ?? "{}");
    } catch {
      // something else was there
    }
    localStorage.setItem(KEY, JSON.stringify({ ...all, [path]: [...places] }));
  } catch {
    // storage is shut off: nothing is kept
  }
}

/** @param {string} tag @param {string} name @param {(string | Node)[]} inside */
function made(tag, name, ...inside) {
  const element = document.createElement(tag);
  element.className = name;
  element.append(...inside);
  return element;
}

/** The row at the page's foot that belongs to the address; the others are hidden. */
function chosenRow() {
  const asked = new URLSearchParams(location.search);
  /** @type {HTMLElement[]} */
  const rows = [...document.querySelectorAll(/** @type {"p"} */ (".paths p[data-path]"))];
  const path = asked.get("path");
  const ofPath = rows.filter((row) => row.dataset.path === path);
  const row = ofPath.find((one) => one.dataset.stop === asked.get("stop")) ?? ofPath[0];
  if (row) for (const other of rows) other.hidden = other !== row;
  return { row, round: ofPath.indexOf(row), rounds: ofPath.length };
}

/** @param {number} round @param {number} rounds */
function why(round, rounds) {
  if (rounds < 2) return "On this path this section can wait.";
  if (round === 0) return "This path comes back to this section later.";
  return "On this path this section came the first time.";
}

/**
 * The first of the sections at the end of the page that can all wait, if they are read once.
 * @param {Set<string>} waits their ids @param {number} rounds
 */
function restFrom(waits, rounds) {
  if (rounds > 1) return undefined;
  let from;
  for (const { id } of [...document.querySelectorAll("main h2[id]")].reverse()) {
    if (!waits.has(id)) break;
    from = id;
  }
  return from;
}

/** A page of a path: says above the text where it is, and below a heading what isn't asked for. */
function onPage() {
  const { row, round, rounds } = chosenRow();
  const title = document.querySelector("main h1");
  const place = row?.querySelector(".place");
  const list = row?.querySelector("a");
  if (!row || !title || !place || !list) return;
  title.before(made("p", "on-path", list.cloneNode(true), place.cloneNode(true)));
  const waits = new Set((row.dataset.waits ?? "").split(" ").filter(Boolean));
  const [rest, on] = [restFrom(waits, rounds), row.querySelector(".on")];
  /** @type {Element[]} where the page's end is for this path */
  const ends = [row];
  for (const id of waits) {
    const note = made("p", "can-wait", why(round, rounds));
    if (id === rest && on) {
      note.replaceChildren("On this path the rest of this page can wait. ", on.cloneNode(true));
      ends.push(note);
    }
    document.getElementById(id)?.after(note);
  }
  const path = row.dataset.path ?? "";
  const seen = new IntersectionObserver((entries) => {
    if (!entries.some((entry) => entry.isIntersecting)) return;
    seen.disconnect();
    keep(path, placesRead(path).add(Number(row.dataset.stop)));
    row.dataset.read = "";
  });
  for (const end of ends) seen.observe(end);
}

/** The list of a path: marks what has been read, and says where to go on. @param {HTMLElement} list */
function onList(list) {
  const path = list.dataset.path ?? "";
  const read = placesRead(path);
  const places = [...list.querySelectorAll("li")];
  const links = places.map((place) => place.querySelector("a"));
  const done = places.filter((_, i) => read.has(i + 1));
  if (done.length === 0) return;
  for (const place of done) place.querySelector("a")?.after(made("span", "been-read", "read"));
  const next = links.find((link, i) => link && !read.has(i + 1));
  const said = made("p", "go-on", `${done.length} of ${places.length} read. `);
  if (next) {
    const link = /** @type {HTMLAnchorElement} */ (next.cloneNode(true));
    said.append("Go on with ", link, ". ");
  }
  const forget = made("button", "button", "Forget what was read");
  forget.setAttribute("type", "button");
  forget.addEventListener("click", () => {
    keep(path, []);
    said.remove();
    for (const mark of list.querySelectorAll(".been-read")) mark.remove();
  });
  said.append(forget);
  list.before(said);
}

export function startPaths() {
  onPage();
  for (const list of document.querySelectorAll(/** @type {"div"} */ ("div.path[data-path]")))
    onList(list);
}

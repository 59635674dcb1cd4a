// Presenting: one section on the screen, in large type. Arrow keys step through the sections,
// Escape ends it. Answers are closed when it begins, and whenever a section comes up.

/**
 * The page's sections: the head with what stands above the first h2, then one for each h2.
 * @param {Element} main
 * @returns {Element[][]}
 */
function sections(main) {
  /** @type {Element[][]} */
  const made = [[]];
  for (const child of main.children) {
    if (child.matches(".paths, template, script")) continue;
    if (child.tagName === "H2" && made[made.length - 1].length > 0) made.push([]);
    made[made.length - 1].push(child);
  }
  return made;
}

/**
 * Shows a section of this page until the reader ends it.
 * @param {number} first index of the section to begin with
 */
export function start(first) {
  const main = document.querySelector("main");
  if (!main || document.documentElement.classList.contains("presenting")) return;
  const all = sections(main);
  let at = 0;

  const bar = document.createElement("div");
  bar.className = "present-bar";
  bar.setAttribute("role", "region");
  bar.setAttribute("aria-label", "Presenting");
  const where = document.createElement("span");
  where.setAttribute("role", "status");
  /** @type {[string, string, () => void][]} */
  const actions = [
    ["←", "Previous section", () => show(at - 1)],
    ["→", "Next section", () => show(at + 1)],
    ["End", "End presenting", () => end()],
  ];
  const buttons = actions.map(([text, name, action]) => {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "button";
    button.textContent = text;
    if (text !== "End") button.setAttribute("aria-label", name);
    button.addEventListener("click", action);
    return button;
  });
  bar.append(buttons[0], where, buttons[1], buttons[2]);

  /** @param {number} index */
  function show(index) {
    at = Math.min(Math.max(index, 0), all.length - 1);
    all.forEach((section, i) => {
      for (const element of section) {
        // The page's name stays, small, above every section.
        if (element.tagName === "H1") element.classList.toggle("running", i !== at);
        else element.toggleAttribute("data-aside", i !== at);
      }
    });
    for (const answer of document.querySelectorAll("details.answer"))
      answer.removeAttribute("open");
    where.textContent = `${at + 1} of ${all.length}`;
    const url = new URL(location.href);
    url.searchParams.set("present", String(at + 1));
    history.replaceState(history.state, "", url);
    scrollTo(0, 0);
  }

  function end() {
    document.documentElement.classList.remove("presenting");
    removeEventListener("keydown", key);
    bar.remove();
    for (const element of all.flat()) {
      element.removeAttribute("data-aside");
      if (element.tagName === "H1") element.classList.remove("running");
    }
    const url = new URL(location.href);
    url.searchParams.delete("present");
    history.replaceState(history.state, "", url);
    all[at][0]?.scrollIntoView();
  }

  /** @param {KeyboardEvent} event */
  function key(event) {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    const on = event.composedPath()[0];
    // A field, a slider or a figure with the focus has its own use for arrow keys.
    const busy =
      on instanceof Element && on !== document.body && !on.matches("main, .present-bar *, a");
    if (event.key === "Escape") end();
    else if (busy) return;
    else if (event.key === "ArrowRight" || event.key === "PageDown") show(at + 1);
    else if (event.key === "ArrowLeft" || event.key === "PageUp") show(at - 1);
    else if (event.key === "Home") show(0);
    else if (event.key === "End") show(all.length - 1);
    else return;
    event.preventDefault();
  }

  document.documentElement.classList.add("presenting");
  document.body.append(bar);
  addEventListener("keydown", key);
  show(first);
}

// Says so where the page's link was cut off or changed on its way: what it was to show isn't known.

import { readHash } from "../kit/state-text.js";

const TEXT =
  "This link was cut off or changed on its way, so the figures show what they begin with, not " +
  "what was sent. Ask for the link again.";

/** Compares the address with its checksum; an earlier note goes. */
export function checkLink() {
  document.querySelector(".link-note")?.remove();
  if (!readHash(location.hash).isDamaged) return;
  const note = document.createElement("p");
  note.className = "link-note";
  note.setAttribute("role", "alert");
  const close = document.createElement("button");
  close.type = "button";
  close.className = "mg-button";
  close.textContent = "Close";
  close.addEventListener("click", () => note.remove());
  note.append(TEXT, " ", close);
  document.body.append(note);
}

// A figure alone on its page, in a frame on somebody else's: it starts, and the link below leads to
// its page in the state that it is in.

import { checkLink } from "./link-note.js";
import { loadWidgets } from "./widgets.js";

const back = document.querySelector(".embed-foot a");
const page = back?.getAttribute("href") ?? "";
back?.addEventListener("pointerdown", followed);
back?.addEventListener("keydown", followed);
back?.addEventListener("focus", followed);

function followed() {
  back?.setAttribute("href", page + location.hash);
}

checkLink();
addEventListener("hashchange", checkLink);
loadWidgets();

// All tests that run in Node and in a page alike, by name.

import { engine } from "./engine.js";
import { fuzz } from "./fuzz.js";
import { ground } from "./ground.js";
import { refusals } from "./refusals.js";

export const suite = { ...ground, ...engine, ...refusals, ...fuzz };

// What all tests share, in Node and in a page: reading vectors and comparing numbers.

/** Reads a file of the repository as text; the place that runs the tests sets it. */
export const place = { text: async (path) => fail(`nothing reads ${path}`), kernel: null };

const read = new Map();

/** A vector file's content. */
export async function vectors(name) {
  if (!read.has(name))
    read.set(name, JSON.parse(await place.text(`conformance/vectors/${name}.json`)));
  return read.get(name);
}

/** A vector file's cases by name. */
export async function cases(name) {
  return Object.fromEntries((await vectors(name)).cases.map((one) => [one.name, one]));
}

/** The limits of a dtype (or of `ulp`) by kind. */
export async function limits(group) {
  const table = JSON.parse(await place.text("conformance/tolerances.json"))[group];
  return Object.fromEntries(Object.entries(table).map(([kind, { limit }]) => [kind, limit]));
}

export async function names() {
  return (await place.text("data/names.txt")).trim().split("\n");
}

export function fail(message) {
  throw new Error(message);
}

/** Raises unless both have the same JSON. */
export function same(expected, got, what) {
  const [e, g] = [JSON.stringify(expected), JSON.stringify(got)];
  if (e !== g) fail(`${what}: ${g.slice(0, 300)}, must be ${e.slice(0, 300)}`);
}

/** Raises unless numbers are within `limit`: absolute below 1 (or always), relative above. */
export function near(expected, got, limit, what, absolute = false) {
  const e = flat(expected);
  const g = flat(got);
  if (e.length !== g.length) fail(`${what}: has ${g.length} numbers, must have ${e.length}`);
  let worst = 0;
  for (let i = 0; i < e.length; i++) {
    const apart = Math.abs(e[i] - g[i]) / (absolute ? 1 : Math.max(1, Math.abs(e[i])));
    if (!(apart <= limit)) fail(`${what}: ${g[i]} at ${i}, must be ${e[i]} within ${limit}`);
    worst = Math.max(worst, apart);
  }
  return worst;
}

/** `near` for arrays by name, which must be the same names in the same order. */
export function nearAll(expected, got, limit, what) {
  same(Object.keys(expected), Object.keys(got), `names of ${what}`);
  for (const name of Object.keys(expected))
    near(expected[name], got[name], limit, `${what}.${name}`);
}

/** Raises unless numbers are within so many units of the last place. */
export function ulps(expected, got, limit, what) {
  const e = flat(expected);
  const g = flat(got);
  if (e.length !== g.length) fail(`${what}: has ${g.length} numbers, must have ${e.length}`);
  for (let i = 0; i < e.length; i++) {
    const unit = 2 ** (Math.floor(Math.log2(Math.max(Math.abs(e[i]), 1e-300))) - 52);
    if (!(Math.abs(e[i] - g[i]) <= limit * unit)) fail(`${what}: ${g[i]} at ${i}, must be ${e[i]}`);
  }
}

/** Raises unless `run` throws an error of this class whose message matches. */
export function refuses(run, type, pattern, what) {
  try {
    run();
  } catch (error) {
    if (!(error instanceof type) || !pattern.test(error.message)) {
      fail(`${what}: threw ${error.name} "${error.message}", must be ${type.name} ${pattern}`);
    }
    return;
  }
  fail(`${what}: wasn't refused`);
}

export async function sha256(text) {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function flat(value) {
  if (typeof value === "number") return [value];
  if (ArrayBuffer.isView(value)) return value;
  return value.flat(Infinity);
}

// The service worker of the exported site, run on what stands for a browser's caches and server.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { runInNewContext } from "node:vm";

const PROGRAM = readFileSync(new URL("../site/offline.js", import.meta.url), "utf8");
const SCOPE = "https://example.org/guide/";

class Kept {
  /** @type {Map<string, Map<string, string>>} */ caches = new Map();
  isBroken = false;

  /** @param {string} name */
  async open(name) {
    if (this.isBroken) throw new Error("the disk is full");
    const cache = this.caches.get(name) ?? new Map();
    this.caches.set(name, cache);
    return {
      addAll: async (/** @type {{url: string}[]} */ all) => {
        for (const { url } of all) cache.set(url, `kept ${url}`);
      },
      match: async (/** @type {string} */ url) => cache.get(url),
    };
  }

  keys = async () => [...this.caches.keys()];
  delete = async (/** @type {string} */ name) => this.caches.delete(name);
}

/** A worker of a site in a version, and what becomes of its events. @param {string} version */
function worker(kept = new Kept(), version = "one", scope = SCOPE) {
  /** @type {Map<string, (event: any) => void>} */
  const heard = new Map();
  const self = {
    SITE: { version, files: ["./", "about/", "js/main.js"] },
    registration: { scope },
    clients: { claim: async () => {} },
    addEventListener: (/** @type {string} */ type, /** @type {any} */ hear) =>
      heard.set(type, hear),
  };
  class Request {
    /** @param {string} file */
    constructor(file) {
      this.url = new URL(file, scope).href;
    }
  }
  const fetch = async (/** @type {{url: string}} */ { url }) => `fetched ${url}`;
  runInNewContext(PROGRAM, { self, caches: kept, Request, fetch, URL });
  return {
    /** @param {"install" | "activate"} type */
    async passes(type) {
      /** @type {unknown} */ let done;
      heard.get(type)?.({ waitUntil: (/** @type {unknown} */ promise) => (done = promise) });
      await done;
    },
    /** @param {string} url */
    async answers(url, method = "GET") {
      /** @type {unknown} */ let answer = "left to the browser";
      const respondWith = (/** @type {unknown} */ promise) => (answer = promise);
      heard.get("fetch")?.({ request: { url, method }, respondWith });
      return await answer;
    },
  };
}

test("the installed site answers from what it has kept, and no other site", async () => {
  const made = worker();
  await made.passes("install");
  for (const [asked, from] of [
    ["", "kept "],
    ["index.html", "kept "],
    ["about/?present=2", "kept about/"],
    ["js/main.js", "kept js/main.js"],
    ["embed/x/y/", "fetched embed/x/y/"],
  ])
    assert.equal(await made.answers(SCOPE + asked), from.replace(" ", ` ${SCOPE}`));
  for (const [url, method] of [
    ["https://example.org/", "GET"],
    ["https://example.com/guide/", "GET"],
    [SCOPE, "POST"],
  ])
    assert.equal(await made.answers(url, method), "left to the browser", url);
});

test("a new version takes the place of its own old one alone", async () => {
  const kept = new Kept();
  const inner = worker(kept, "one", `${SCOPE}inner/`);
  const old = worker(kept, "one");
  const next = worker(kept, "two");
  for (const each of [inner, old, next]) await each.passes("install");
  assert.equal(kept.caches.size, 3);
  await next.passes("activate");
  assert.deepEqual(
    [...kept.caches.keys()],
    [`microgpt ${SCOPE}inner/ one`, `microgpt ${SCOPE} two`],
  );
});

test("where what was kept can't be read, the server is asked", async () => {
  const kept = new Kept();
  const made = worker(kept);
  await made.passes("install");
  kept.isBroken = true;
  assert.equal(await made.answers(`${SCOPE}about/`), `fetched ${SCOPE}about/`);
});

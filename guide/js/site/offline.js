// The program of the exported site's service worker: it keeps the files of one build, and answers
// from them. `microgpt guide --export` writes in front of it which files those are.
//
// It runs only where a reader has installed the site. A new build is another version: it is fetched
// whole beside the old one, and takes its place once no page of the old one is open.

/** @type {any} */
const worker = self;
/** @type {{version: string, files: string[]}} */
const SITE = worker.SITE;
const OURS = `microgpt ${worker.registration.scope} `;
const NAME = OURS + SITE.version;

worker.addEventListener("install", (/** @type {any} */ event) => {
  const all = SITE.files.map((file) => new Request(file, { cache: "no-cache" }));
  event.waitUntil(caches.open(NAME).then((cache) => cache.addAll(all)));
});

worker.addEventListener("activate", (/** @type {any} */ event) => {
  const old = caches
    .keys()
    .then((names) => names.filter((name) => name.startsWith(OURS) && name !== NAME))
    .then((names) => Promise.all(names.map((name) => caches.delete(name))));
  event.waitUntil(old.then(() => worker.clients.claim()));
});

worker.addEventListener("fetch", (/** @type {any} */ event) => {
  const { request } = event;
  const isOurs = request.url.startsWith(worker.registration.scope);
  if (request.method === "GET" && isOurs) event.respondWith(answer(request));
});

/** What is kept, else what the server has. @param {Request} request */
async function answer(request) {
  const address = new URL(request.url);
  address.search = "";
  address.pathname = address.pathname.replace(/\/index\.html$/, "/");
  const kept = await caches
    .open(NAME)
    .then((cache) => cache.match(address.href))
    .catch(() => undefined); // what was kept can't be read: the server still has it
  return kept ?? fetch(request);
}

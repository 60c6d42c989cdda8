/**
 * The service worker: shows a small page of ours when the service cannot be reached, instead of the browser's own error.
 * It keeps that page and nothing else. Every request goes to the network; a script or an answer of the service that came
 * from a cache could be of another version. Its name is the same in every version, like that of recover.js.
 */

// The service replaces this by a digest of the files below: a browser installs a worker again when its text changes.
const VERSION = "version-of-the-files";
const PAGE = "/offline";
const FILES = [PAGE, "/plain.css", "/favicon.svg"];
/** For the first byte of a page. A network that is slower than this carries no conversation. */
const PATIENCE_MS = 20_000;
/** What a load balancer answers for a service that is not there. */
const NOT_THERE = new Set([502, 503, 504]);

addEventListener("install", (event) => {
  event.waitUntil(store());
  skipWaiting();
});

addEventListener("activate", (event) => event.waitUntil(forgetOthers()));

addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== "GET" || origin !== location.origin) {
    return;
  }
  if (request.mode === "navigate") {
    event.respondWith(page(request));
  } else if (FILES.includes(pathname)) {
    event.respondWith(fetch(request).catch(() => stored(pathname)));
  }
});

async function store() {
  const cache = await caches.open(VERSION);
  // Past the browser's own cache, which may hold the files of the version before; with the load balancer's cookie, so
  // that they come from the task that sent this worker.
  await cache.addAll(FILES.map((file) => new Request(file, { cache: "reload" })));
}

async function forgetOthers() {
  const names = await caches.keys();
  await Promise.all(names.filter((name) => name !== VERSION).map((name) => caches.delete(name)));
}

async function page(request) {
  let timer;
  const late = new Promise((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error("late")), PATIENCE_MS);
  });
  try {
    const response = await Promise.race([fetch(request), late]);
    // Every response of the service has a policy, also its own pages about errors; a load balancer's has none.
    const isOurs = response.headers.has("Content-Security-Policy") || response.type !== "basic";
    return NOT_THERE.has(response.status) && !isOurs ? await stored(PAGE) : response;
  } catch {
    return await stored(PAGE);
  } finally {
    clearTimeout(timer);
  }
}

async function stored(name) {
  const cache = await caches.open(VERSION);
  // Without an entry (the browser has cleared its storage) the browser shows its own error.
  return (await cache.match(name)) ?? Response.error();
}

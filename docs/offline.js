// Keeps the guide for visits without a network: its page, its scripts, the engine and the knowledge base. `python -m setupgen.maintain protect`
// writes the two constants into the built site; where they are empty nothing is kept. It is registered for the guide's page and for its worker,
// so that no other page of the site passes through it.

const VERSION = "";
const FILES = {}; // path from here to the digest of its content; an empty one where the name changes with the content

const BASE = new URL("./", self.location).href;
const OURS = `setupgen ${BASE} `;
const CACHE = `${OURS}${VERSION}`;
const ENGINE = /^assets\/guide\/engine\/(?!manifest\.json)/;

/** The digest that a file of the guide should have, an empty one for a file with a name of its own, nothing for all else. */
function known(address) {
  const url = new URL(address);
  const path = `${url.origin}${url.pathname}`;
  if (!path.startsWith(BASE)) return undefined;
  const inside = path.slice(BASE.length);
  return FILES[inside] ?? (ENGINE.test(inside) ? "" : undefined);
}

const fromCache = (address) => caches.match(address.split("#")[0], { ignoreSearch: true, ignoreVary: true });

/** Puts one file into the cache of this release; one with a name of its own is taken from the release before where that had it. */
async function keep(cache, path, digest) {
  const address = `${BASE}${path}`;
  if (await cache.match(address)) return;
  const response = (digest ? undefined : await fromCache(address)) ?? (await fetch(address, digest ? { integrity: digest, cache: "no-cache" } : {}));
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  await cache.put(address, response);
}

async function install() {
  if (VERSION) {
    const cache = await caches.open(CACHE);
    try {
      for (const [path, digest] of Object.entries(FILES)) await keep(cache, path, digest);
    } catch (error) {
      await caches.delete(CACHE); // all of a release or nothing: the one before stays
      throw error;
    }
  }
  await self.skipWaiting();
}

async function activate() {
  const names = await caches.keys();
  await Promise.all(names.filter((name) => name.startsWith(OURS) && name !== CACHE).map((name) => caches.delete(name)));
  if (!VERSION) await self.registration.unregister();
}

/** Files with names of their own come from the cache; all others from the network as long as there is one, so that no old page stays. */
async function answer(request, digest) {
  if (digest === "") return (await fromCache(request.url)) ?? fetch(request);
  try {
    return await fetch(request);
  } catch (error) {
    const found = await fromCache(request.url);
    if (found) return found;
    throw error;
  }
}

self.addEventListener("install", (event) => event.waitUntil(install()));
self.addEventListener("activate", (event) => event.waitUntil(activate()));
self.addEventListener("fetch", (event) => {
  const digest = event.request.method === "GET" ? known(event.request.url) : undefined;
  if (digest !== undefined) event.respondWith(answer(event.request, digest));
});

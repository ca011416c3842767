// The guide without a network, in a real browser. The scenario serves the site itself, so that it can change it and go away.

import { createReadStream, existsSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join } from "node:path";

const TYPES = { ".html": "text/html; charset=utf-8", ".css": "text/css", ".js": "text/javascript", ".mjs": "text/javascript", ".json": "application/json", ".wasm": "application/wasm", ".zip": "application/zip" };

/** Serves a folder below a path; `changed` has other contents of some of its files. */
function served(folder, under, changed) {
  const asked = [];
  const server = createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url, "http://host").pathname);
    const inside = path.startsWith(`/${under}/`) ? path.slice(under.length + 2).replace(/(^|\/)$/, "$1index.html") : "";
    const file = join(folder, inside);
    asked.push(inside);
    if (!inside || inside.includes("..") || !existsSync(file) || !statSync(file).isFile()) return response.writeHead(404).end();
    response.setHeader("Content-Type", TYPES[extname(file)] ?? "application/octet-stream");
    if (changed[inside] !== undefined) return response.end(changed[inside]);
    createReadStream(file).pipe(response);
  });
  return new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve({ server, asked, address: `http://127.0.0.1:${server.address().port}/${under}` })));
}

export async function reload({ browser, settled, given }) {
  const changed = {};
  const { server, asked, address } = await served(given.site, given.under, changed);
  const context = await browser.newContext({ permissions: ["clipboard-read", "clipboard-write"] });
  const page = await context.newPage();
  page.setDefaultTimeout(240_000);
  const problems = [];
  page.on("pageerror", (error) => error.stack.includes("/assets/javascripts/") || problems.push(error.stack)); // the theme's search misses its index
  const kept = () => page.waitForSelector("setup-guide[data-offline=kept]");
  const planned = async () => {
    await page.waitForSelector("setup-guide[data-state=ready]");
    await settled(page);
    return { title: await page.textContent("#sg-result"), heading: (await page.textContent("h1")).replace("¶", ""), files: await page.locator(".sg-files details").count() };
  };
  const caches = () => page.evaluate(() => globalThis.caches.keys());
  await page.goto(`${address}/guide/?hardware=rtx-3090`);
  const first = await planned();
  await kept();
  const before = await caches();

  // A new release: the page and the list are others, the old cache must not stand before them.
  changed["guide/index.html"] = given.page;
  changed["offline.js"] = given.list;
  asked.length = 0;
  await page.reload();
  const second = await planned();
  await kept();
  const fetched = [...asked];
  const after = await caches();

  server.close();
  server.closeAllConnections();
  await page.reload();
  const third = await planned();
  await page.check("input[name=use_case][value=embeddings]");
  const other = await planned();
  await page.click(".sg-modes >> text=Several machines");
  await page.waitForSelector("#sg-inventory");
  const elsewhere = await page.evaluate((path) => fetch(path).then(() => "answered", () => "nobody there"), `${address}/learn/memory/`);
  const scopes = await page.evaluate(() => navigator.serviceWorker.getRegistrations().then((all) => all.map(({ scope }) => new URL(scope).pathname).sort()));
  return { first, second, third, other, before, after, fetched, elsewhere, scopes, problems };
}

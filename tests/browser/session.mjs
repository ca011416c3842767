// Runs scenarios in one Chromium and writes what was seen as JSON: node session.mjs CONFIG. The config names the address, the browser, the folder
// for what is downloaded, what the scenarios are given, and which of them to run.

import { readFileSync, writeFileSync } from "node:fs";
import { chromium } from "playwright-core";
import * as fleet from "./fleet.mjs";
import * as guide from "./guide.mjs";
import * as offline from "./offline.mjs";
import * as pages from "./pages.mjs";

const config = JSON.parse(readFileSync(process.argv[2], "utf8"));
const scenarios = { ...guide, ...fleet, ...offline, ...pages };
const browser = await chromium.launch({ executablePath: config.browser, args: ["--no-sandbox", "--disable-gpu"] });
const seen = { origins: new Set(), complaints: [] };

/** A page that notes whom it asks and what it complains about. */
async function open(path, { context, expected = /^$/, ...options } = {}) {
  const where = context ?? (await browser.newContext({ viewport: { width: 1280, height: 900 }, permissions: ["clipboard-read", "clipboard-write"], ...options }));
  const page = await where.newPage();
  page.setDefaultTimeout(240_000);
  page.on("request", (request) => /^(data|blob):/.test(request.url()) || seen.origins.add(new URL(request.url()).origin));
  page.on("pageerror", (error) => expected.test(error.message) || seen.complaints.push(`${path}: ${error.message}`));
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type()) && !expected.test(message.text())) seen.complaints.push(`${path}: ${message.text()} ${message.location().url}`);
  });
  page.on("dialog", (dialog) => {
    seen.complaints.push(`${path}: a dialog appeared: ${dialog.message()}`);
    dialog.dismiss();
  });
  if (options.before) await options.before(page);
  await page.goto(`${config.address}/${path}`);
  return page;
}

/** The guide, with the engine ready, and the plan there if the address has hardware. */
async function openGuide(search = "", options = {}) {
  const page = await open(`guide/${search}`, options);
  await page.waitForSelector("setup-guide[data-state=ready]");
  if (search.includes("hardware=")) await settled(page);
  return page;
}

/** Waits until the page shows what belongs to its answers. */
export async function settled(page) {
  await page.waitForFunction(() => document.querySelector("setup-guide")?.settled === true);
}

const results = {};
for (const name of config.run) {
  const started = performance.now();
  const contexts = new Set(browser.contexts());
  try {
    results[name] = { value: await scenarios[name]({ browser, open, openGuide, settled, given: config.given[name] ?? config.given, out: config.out }) };
  } catch (error) {
    results[name] = { error: `${error.stack ?? error}` };
  }
  results[name].seconds = (performance.now() - started) / 1000;
  for (const context of browser.contexts()) if (!contexts.has(context)) await context.close();
}
await browser.close();
writeFileSync(config.result, JSON.stringify({ results, origins: [...seen.origins], complaints: seen.complaints }));

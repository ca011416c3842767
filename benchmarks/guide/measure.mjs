// node measure.mjs ADDRESS BROWSER RUNS: times of the guide in a real browser, as JSON.

import { chromium } from "playwright-core";
import { meter } from "./cpu.mjs";
import { clicks } from "./pointing.mjs";

const [, , address, executablePath, runs] = process.argv;
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"] });
const guide = `${address}/guide/`;

/** Milliseconds from the start of the navigation until the engine is ready, and bytes over the wire until the form and until the engine is there. */
async function visit(context) {
  const page = await context.newPage();
  page.setDefaultTimeout(300_000);
  const session = await context.newCDPSession(page);
  await session.send("Network.enable");
  let bytes = 0;
  session.on("Network.loadingFinished", ({ encodedDataLength }) => (bytes += encodedDataLength));
  await page.goto(guide);
  await page.waitForSelector("#sg-hardware");
  const form = await page.evaluate(() => performance.now());
  await page.waitForSelector("setup-guide[data-state=ready]");
  const times = await page.evaluate(() => ({
    ready: performance.getEntriesByName("setup-guide-ready")[0].startTime,
    before: performance.getEntriesByType("resource").reduce((sum, entry) => sum + entry.transferSize, performance.getEntriesByType("navigation")[0].transferSize),
  }));
  return { page, form, ready: times.ready, page_bytes: times.before };
}

const settled = (page) =>
  page.evaluate(async () => {
    const element = document.querySelector("setup-guide");
    do await new Promise((next) => setTimeout(next));
    while (!element.settled);
    await new Promise((next) => requestAnimationFrame(next));
  });

const show = async (page, search) => {
  await page.evaluate((to) => {
    history.pushState({}, "", to);
    dispatchEvent(new PopStateEvent("popstate"));
  }, search);
  await settled(page);
};

/** Processor time of each part of an answer: the plan, its words, the files, what would change it, and showing a plan that is known already. */
async function byPart(page) {
  const timed = meter();
  const found = [];
  for (const hardware of ["rtx-3070", "m4-pro 48GB", "2x rtx-3090"]) {
    const answers = JSON.stringify({ hardware: [hardware] });
    const ask = (name) =>
      timed(() => page.evaluate(([asked, text]) => document.querySelector("setup-guide").engine.text(asked, text, "").then(() => null), [name, answers]));
    const times = { plan: await ask("plan"), words: await ask("advise"), files: await ask("setup"), changes: await ask("changes") };
    await show(page, `?hardware=${encodeURIComponent(hardware)}`);
    await show(page, "?");
    times.shown = await timed(() => show(page, `?hardware=${encodeURIComponent(hardware)}`));
    found.push(times);
  }
  return found;
}

const cold = [];
const warm = [];
let answers = [];
let parts = [];
let pointed = {};
for (let run = 0; run < Number(runs); run += 1) {
  const context = await browser.newContext();
  const first = await visit(context);
  cold.push({ form: first.form, ready: first.ready, bytes: first.page_bytes });
  await first.page.close();
  const second = await visit(context);
  warm.push({ form: second.form, ready: second.ready, bytes: second.page_bytes });
  if (run === 0) {
    answers = await second.page.evaluate(async () => {
      const element = document.querySelector("setup-guide");
      const { engine } = element;
      const asked = [];
      for (const hardware of ["rtx-3090", "rtx-4060", "m2-max 64GB", "2x rtx-4090", "cpu"])
        for (const use_case of ["chat", "coding-agent", "embeddings"]) for (const users of [1, 4]) asked.push({ hardware: [hardware], use_case, users });
      const times = [];
      await engine.ask("advise", JSON.stringify({ hardware: ["rtx-3080"] }), "");
      for (const answers of asked) {
        const start = performance.now();
        await engine.ask("advise", JSON.stringify(answers), "");
        times.push(performance.now() - start);
      }
      return times;
    });
  }
  if (run === 0) {
    parts = await byPart(second.page);
    pointed = await clicks(second.page, () => settled(second.page));
  }
  await context.close();
}
await browser.close();
console.log(JSON.stringify({ cold, warm, answers, parts, pointed }));

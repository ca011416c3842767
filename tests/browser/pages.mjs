// Pages of the booklet in a real browser: what axe finds, in both themes and on a phone.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const WHAT = { runOnly: { type: "tag", values: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] } };
const DESK = { width: 1280, height: 900 };
const PHONE = { width: 390, height: 844 };

/** Each page is loaded once, by a reader who wants it dark, and then looked at in each way: the engine of the guide takes seconds to load. */
export async function axe({ open, settled, given }) {
  const found = {};
  for (const path of given.pages) {
    const page = await open(path, { colorScheme: "dark", viewport: DESK });
    if (path.startsWith("guide/?")) {
      await page.waitForSelector("setup-guide[data-state=ready]");
      await settled(page);
      await page.evaluate(() => document.querySelectorAll("setup-guide details").forEach((item) => (item.open = true)));
    }
    await page.evaluate(() => {
      // Axe must not see a colour on its way to another one, nor call small what only lies below the bar that stays at the end of a phone's window.
      const still = new CSSStyleSheet();
      still.replaceSync("*, ::before, ::after { transition: none !important; animation: none !important; } .sg-jump { position: static !important; }");
      document.adoptedStyleSheets = [...document.adoptedStyleSheets, still];
    });
    // The theme scrolls its navigation to the page that is open; a link that lies half below the heading there is no finding.
    await page.evaluate(() => document.querySelectorAll(".md-sidebar__scrollwrap").forEach((item) => item.scrollTo(0, 0)));
    await page.evaluate(AXE);
    const look = async (name, viewport) => {
      await page.setViewportSize(viewport);
      found[`${path} ${name}`] = await page.evaluate(async (what) => {
        await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
        const { violations } = await globalThis.axe.run(document, what);
        const told = ({ id, nodes }) => `${id}: ${nodes.slice(0, 4).map((node) => `${node.target} ${node.any[0]?.message ?? ""}`).join(" | ")}`;
        const { scrollWidth, clientWidth } = document.documentElement;
        return { scheme: document.body.dataset.mdColorScheme, width: innerWidth, wide: scrollWidth - clientWidth, violations: violations.map(told) };
      }, WHAT);
    };
    await look("dark", DESK);
    await page.click("label[title='Switch to light mode']");
    await look("light", DESK);
    await look("phone", PHONE);
    await page.context().close();
  }
  return found;
}

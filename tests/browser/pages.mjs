// Pages of the booklet in a real browser: what axe finds, in both themes and on a phone.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const WHAT = { runOnly: { type: "tag", values: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] } };

export async function axe({ open, settled, given }) {
  const found = {};
  for (const path of given.pages) {
    for (const colorScheme of ["light", "dark"]) {
      const page = await open(path, { colorScheme, viewport: given.phone ? { width: 390, height: 844 } : { width: 1280, height: 900 } });
      if (path.startsWith("guide/?")) {
        await page.waitForSelector("setup-guide[data-state=ready]");
        await settled(page);
        await page.evaluate(() => document.querySelectorAll("setup-guide details").forEach((item) => (item.open = true)));
      }
      await page.evaluate(AXE);
      const { violations } = await page.evaluate((what) => globalThis.axe.run(document, what), WHAT);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      found[`${path} ${colorScheme}`] = { wide, violations: violations.map(({ id, nodes }) => `${id}: ${nodes.slice(0, 4).map((node) => `${node.target} ${node.any[0]?.message ?? ""}`).join(" | ")}`) };
      await page.context().close();
    }
  }
  return found;
}

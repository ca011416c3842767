// How long a reader waits for a new plan after a click, with a mouse that pointed at the answer for a while before, as hands do.

const DWELLS = [0, 100, 250, 500];
const PRESS = 80;
const USES = ["coding-agent", "documents", "translation", "creative-writing"];

/** Milliseconds from the click until the new plan is in the page, for each time of pointing. */
export async function clicks(page, settled) {
  await page.setViewportSize({ width: 1280, height: 1400 });
  await page.evaluate(() => {
    globalThis.seen = { clicked: 0, shown: 0 };
    document.addEventListener("click", (event) => event.isTrusted && (globalThis.seen.clicked = performance.now()), true);
    new MutationObserver(() => (globalThis.seen.shown = performance.now())).observe(document.querySelector(".sg-outcome"), { childList: true });
  });
  const found = {};
  for (const dwell of DWELLS) {
    found[dwell] = [];
    for (const hardware of ["rtx-3070", "rtx-4060"]) {
      await page.evaluate((search) => {
        history.pushState({}, "", search);
        dispatchEvent(new PopStateEvent("popstate"));
      }, `?hardware=${hardware}&ram=${40 + dwell / 50}G`); // another memory each time, so that nothing is known already
      await settled();
      for (const use of USES) {
        const place = await page.locator(`label:has(input[name=use_case][value=${use}])`).boundingBox();
        await page.mouse.move(10, 10);
        await page.waitForTimeout(PRESS);
        await page.mouse.move(place.x + 20, place.y + 10);
        await page.waitForTimeout(dwell);
        await page.evaluate(() => (globalThis.seen = { clicked: 0, shown: 0 }));
        await page.mouse.down();
        await page.waitForTimeout(PRESS);
        await page.mouse.up();
        await page.waitForFunction(() => globalThis.seen.clicked && globalThis.seen.shown > globalThis.seen.clicked);
        found[dwell].push(await page.evaluate(() => globalThis.seen.shown - globalThis.seen.clicked));
        await settled();
      }
    }
  }
  return found;
}

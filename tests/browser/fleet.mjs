// The guide's fleet mode in a real browser. Each scenario gives back what was seen; the tests in Python judge it.

import { copiedBy } from "./clipboard.mjs";

const title = (page) => page.textContent("#sg-result");

const digest = (page, ...asked) =>
  page.evaluate(async ([name, ...args]) => {
    const text = await document.querySelector("setup-guide").engine.text(name, ...args);
    const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
    return [...new Uint8Array(hash)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  }, asked);

/** Digests of the document and of the files of inventories. */
export async function fleets({ openGuide, given }) {
  const page = await openGuide("?fleet");
  const found = {};
  for (const { name, text } of given) found[name] = [await digest(page, "fleet_document", text, `${name}.yaml`), await digest(page, "fleet_setup", text, `${name}.yaml`)];
  return found;
}

/** From the first page to the archive with the keyboard and the pasted inventory, then a link to it, problems, and back. */
export async function fleet({ open, openGuide, settled, given, out }) {
  const page = await openGuide();
  await page.focus(".sg-modes >> text=Several machines");
  await page.keyboard.press("Enter");
  await page.waitForSelector("#sg-inventory");
  await page.setInputFiles("#sg-inventory-files", [
    { name: "attic.yaml", mimeType: "application/yaml", buffer: Buffer.from(given.inventory) },
    { name: "desk.json", mimeType: "application/json", buffer: Buffer.from(given.facts) },
  ]);
  await settled(page);
  await page.waitForSelector("text=Download all as one archive");
  const shown = {
    title: await title(page),
    address: page.url(),
    status: await page.textContent("setup-guide > .sg-root > [role=status]"),
    hosts: await page.locator(".sg-placement tbody > tr:first-child > th").allTextContents(),
    bars: await page.locator(".sg-placement .sg-bar").count(),
    boxes: await page.locator(".sg-box").count(),
    command: await page.textContent("[aria-label=Command]"),
    parts: await page.textContent(".sg-parts"),
  };
  await page.click('.sg-groups > details:has-text("proxy/") > summary');
  await page.click('.sg-groups details[open] details:has-text("README.md") > summary');
  shown.copied = await copiedBy(page, ".sg-groups details[open] details[open] >> text=Copy");
  const tabbed = [];
  await page.focus("#sg-inventory");
  for (let left = 40; left > 0 && tabbed.at(-1) !== "Download all as one archive"; left -= 1) {
    await page.keyboard.press("Tab");
    tabbed.push(await page.evaluate(() => document.activeElement.textContent.trim()));
  }
  const [download] = await Promise.all([page.waitForEvent("download"), page.keyboard.press("Enter")]);
  await download.saveAs(`${out}/fleet.zip`);
  const link = await copiedBy(page, "text=Copy a link to this");
  const fresh = await open(link.slice(link.indexOf("guide/")), { context: page.context() });
  await fresh.waitForSelector("#sg-files");
  const again = { title: await title(fresh), text: await fresh.inputValue("#sg-inventory") };
  await fresh.close();

  await page.fill("#sg-inventory", given.wrong);
  await page.focus("#sg-inventory");
  await page.keyboard.press("Control+Enter");
  await page.waitForSelector(".sg-problem li");
  await settled(page);
  const problems = { title: await title(page), items: await page.locator(".sg-problem li").allTextContents() };
  await page.click(".sg-problem li >> button >> nth=0");
  problems.marked = await page.evaluate(() => {
    const area = document.activeElement;
    return area.value.slice(area.selectionStart, area.selectionEnd);
  });
  await page.goBack();
  await page.waitForSelector("text=Download all as one archive");
  const back = { title: await title(page), text: await page.inputValue("#sg-inventory") };
  await page.click(".sg-modes >> text=One machine");
  await page.waitForSelector("#sg-hardware");
  return { shown, tabbed, download: download.suggestedFilename(), link, again, problems, back, machine: page.url() };
}

/** Inventories that try to run something. */
export async function hostileFleets({ openGuide, settled, given }) {
  const page = await openGuide("?fleet");
  const found = {};
  for (const [name, text] of Object.entries(given)) {
    await page.fill("#sg-inventory", text);
    await page.click("text=Plan this fleet");
    await page.waitForFunction(() => document.querySelector(".sg-outcome #sg-result"));
    await settled(page);
    found[name] = await page.evaluate(() => ({
      ran: window.ran === true,
      elements: document.querySelectorAll("setup-guide :is(img, script, iframe, object, embed, style, base)").length,
      handlers: [...document.querySelectorAll("setup-guide *")].filter((item) => [...item.attributes].some(({ name: key }) => key.startsWith("on"))).length,
      text: document.querySelector("setup-guide").textContent,
    }));
  }
  return found;
}

/** A plan that is stopped half way, and made after all. */
export async function stopped({ openGuide, settled, given }) {
  const page = await openGuide("?fleet");
  await page.fill("#sg-inventory", given.inventory);
  await page.click("text=Plan this fleet");
  await page.waitForFunction(() => document.querySelector(".sg-result .sg-loading:not([hidden])")?.textContent.includes("Step "));
  const told = await page.textContent(".sg-result .sg-loading:not([hidden])");
  await page.click(".sg-loading >> text=Stop");
  await settled(page);
  const status = await page.textContent("setup-guide > .sg-root > [role=status]");
  const stopped = { told, status, planned: await page.locator("#sg-result").count() };
  await page.click("text=Plan this fleet");
  await page.waitForSelector("#sg-files");
  await page.fill("#sg-inventory", " ");
  await page.click("text=Plan this fleet");
  await settled(page);
  return { stopped, empty: await page.textContent(".sg-problem:has(#sg-result)") };
}

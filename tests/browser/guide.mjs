// What the guide does, in a real browser. Each scenario gives back what was seen; the tests in Python judge it.

import { copiedBy } from "./clipboard.mjs";

const title = (page) => page.textContent("#sg-result");
const search = (page) => new URL(page.url()).search;
const field = (page, name) => page.evaluate((key) => document.querySelector("setup-guide")[key], name);

/** Asks the engine in the page directly, and gives digests of its answers: they are compared byte by byte. */
const digests = (page, asked) =>
  page.evaluate(async (list) => {
    const { engine } = document.querySelector("setup-guide");
    const digest = async (text) => {
      const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
      return [...new Uint8Array(hash)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    };
    const found = {};
    for (const { name, answers, detected } of list) {
      found[name] = [await digest(await engine.text("plan", answers, detected)), await digest(await engine.text("setup", answers, detected))];
    }
    return found;
  }, asked);

export async function cases({ openGuide, given }) {
  return digests(await openGuide(), given);
}

export async function keyboard({ openGuide, settled }) {
  const page = await openGuide();
  const focused = () => page.evaluate(() => document.activeElement.id || document.activeElement.textContent.trim());
  const press = async (...keys) => {
    for (const key of keys) await page.keyboard.press(key);
  };
  const tabTo = async (want) => {
    for (let left = 150; left > 0; left -= 1) {
      if ((await focused()) === want) return;
      await press("Tab");
    }
    throw new Error(`the keyboard never reached ${want}`);
  };
  await tabTo("sg-hardware");
  await page.keyboard.type("geforce 3090");
  const listed = await page.locator("#sg-hardware-list [role=option]").allTextContents();
  await press("ArrowDown", "ArrowDown", "ArrowUp");
  const active = await page.getAttribute("#sg-hardware", "aria-activedescendant");
  const option = await page.textContent(`#${active}`);
  await press("Enter");
  await settled(page);
  const first = { title: await title(page), search: search(page), status: await page.textContent("setup-guide > .sg-root > [role=status]") };
  await page.keyboard.type("nothing like it");
  await press("Escape");
  const closed = await page.getAttribute("#sg-hardware", "aria-expanded");
  await page.fill("#sg-hardware", "");
  const checked = await page.getAttribute("input[name=use_case]:checked", "id");
  await tabTo(checked);
  await press("ArrowDown");
  await settled(page);
  await tabTo("sg-users");
  await press("Control+a");
  await page.keyboard.type("4");
  await press("Enter");
  await settled(page);
  const second = { title: await title(page), search: search(page), needs: await field(page, "needs") };
  await tabTo("Download all as one archive");
  const [download] = await Promise.all([page.waitForEvent("download"), press("Enter")]);
  const outline = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
  return { listed, option, first, closed, second, download: download.suggestedFilename(), outline };
}

export async function paste({ openGuide, settled, given }) {
  const page = await openGuide();
  const found = {};
  await page.click(".sg-paste summary");
  for (const [name, text] of Object.entries(given)) {
    await page.fill("#sg-paste", text);
    await page.click("text=Use this machine");
    await settled(page);
    const facts = await page.locator(".sg-taken").textContent();
    const link = await copiedBy(page, "text=Copy a link to this");
    const [asked] = await page.evaluate(() => [document.querySelector("setup-guide").asked]);
    const same = await digests(page, [{ name: "it", answers: asked[0], detected: asked[1] }]);
    found[name] = { title: await title(page), facts, link, address: page.url(), parts: await page.textContent(".sg-parts"), digests: same.it, command: await page.textContent("[aria-label=Command]") };
  }
  return found;
}

export async function share({ openGuide, open, given, settled }) {
  const page = await openGuide(given.search);
  const link = await copiedBy(page, "text=Copy a link to this");
  const asked = await field(page, "asked");
  const one = { title: await title(page), digests: (await digests(page, [{ name: "it", answers: asked[0], detected: asked[1] }])).it };
  const fresh = await open(link.slice(link.indexOf("guide/")), {});
  await fresh.waitForSelector("setup-guide[data-state=ready]");
  await settled(fresh);
  const again = await field(fresh, "asked");
  const other = { title: await title(fresh), digests: (await digests(fresh, [{ name: "it", answers: again[0], detected: again[1] }])).it };
  return { link, one, other };
}

export async function history({ openGuide, settled }) {
  const page = await openGuide("?use_case=chat&hardware=rtx-3090");
  const at = async () => {
    await settled(page);
    return { search: search(page), title: await title(page), checked: await page.inputValue("input[name=use_case]:checked") };
  };
  const steps = [await at()];
  await page.check("input[name=use_case][value=coding-agent]");
  steps.push(await at());
  await page.click("text=Take this >> nth=0");
  steps.push(await at());
  await page.goBack();
  steps.push(await at());
  await page.goBack();
  steps.push(await at());
  await page.goForward();
  steps.push(await at());
  return steps;
}

export async function archive({ openGuide, out, given }) {
  const page = await openGuide(given.search);
  const [download] = await Promise.all([page.waitForEvent("download"), page.click("text=Download all as one archive")]);
  await download.saveAs(`${out}/setup.zip`);
  const shown = await page.evaluate(() => Object.fromEntries([...document.querySelectorAll(".sg-files details")].map((item) => [item.querySelector("summary code").textContent, item.querySelector("pre").textContent])));
  await page.click('.sg-files summary:has-text("README.md")');
  const copied = await copiedBy(page, ".sg-files details[open] >> text=Copy");
  return { name: download.suggestedFilename(), shown, copied, address: page.url() };
}

export async function offline({ openGuide, settled }) {
  const page = await openGuide("?hardware=rtx-3090");
  const before = await title(page);
  await page.waitForLoadState("networkidle"); // the theme loads the index of its search whenever it gets to it
  await page.context().setOffline(true);
  await page.check("input[name=use_case][value=embeddings]");
  await settled(page);
  const after = await title(page);
  const [download] = await Promise.all([page.waitForEvent("download"), page.click("text=Download all as one archive")]);
  await page.click("text=What would change this choice?");
  await page.waitForSelector(".sg-changes button", { state: "detached" });
  return { before, after, download: download.suggestedFilename(), changes: await page.textContent(".sg-changes"), problems: await page.locator(".sg-problem:visible").allTextContents() };
}

export async function hostile({ openGuide, settled, given }) {
  const found = {};
  const state = (page) =>
    page.evaluate(() => ({
      ran: window.ran === true,
      elements: document.querySelectorAll("setup-guide :is(img, script, iframe, object, embed, style, base, link)").length,
      handlers: [...document.querySelectorAll("setup-guide *")].filter((item) => [...item.attributes].some(({ name }) => name.startsWith("on"))).length,
      text: document.querySelector("setup-guide").textContent,
    }));
  const page = await openGuide("?hardware=rtx-3090");
  for (const [name, text] of Object.entries(given.searches)) {
    // The page reads its address again on going back and forward, so the engine need not be loaded anew.
    await page.evaluate((address) => {
      window.history.pushState({}, "", address);
      window.dispatchEvent(new PopStateEvent("popstate"));
    }, text);
    await settled(page);
    found[name] = await state(page);
  }
  for (const [name, text] of Object.entries(given.pasted)) {
    await page.evaluate(() => (document.querySelector(".sg-paste").open = true));
    await page.fill("#sg-paste", text);
    await page.click("text=Use this machine");
    await settled(page);
    found[name] = await state(page);
  }
  return found;
}

/** What a browser shows that cannot read the script. */
export async function old({ open }) {
  const before = (page) => page.route("**/guide.js", (route) => route.fulfill({ contentType: "text/javascript", body: "class Old { #unread" }));
  const page = await open("guide/", { before, expected: /Unexpected|Invalid|expected|after/i });
  return { text: await page.innerText("setup-guide"), tables: await page.locator("article table:visible").count() };
}

export async function broken({ open }) {
  const ways = {
    "no worker": (page) => page.route("**/worker.js", (route) => route.abort()),
    "no WebAssembly": (page) => page.addInitScript(() => delete globalThis.WebAssembly),
    "no engine": (page) => page.route("**/*.wasm", (route) => route.fulfill({ status: 404, body: "" })),
    "no manifest": (page) => page.route("**/manifest.json", (route) => route.fulfill({ status: 503, body: "" })),
    "refused by policy": (page) => page.addInitScript(() => {
      globalThis.Worker = function refused() {
        throw new DOMException("refused", "SecurityError");
      };
    }),
  };
  const found = {};
  for (const [name, before] of Object.entries(ways)) {
    const page = await open("guide/?hardware=rtx-3090", { before, expected: /Failed to load resource|refused|worker|404|503|net::|wasm/i });
    await page.waitForSelector("setup-guide[data-state=failed]");
    found[name] = { text: await page.textContent("setup-guide [role=alert]"), tables: await page.locator("article table:visible").count() };
    await page.context().close();
  }
  return found;
}

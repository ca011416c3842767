// Makes elements. Text is always set as text, never as markup: whatever a link or a pasted file says is shown and never run.

const SVG = "http://www.w3.org/2000/svg";
const SVG_TAGS = new Set(["svg", "g", "line", "circle", "text", "path", "rect", "title", "desc"]);

/** An element with attributes, listeners (`onclick`), properties that are no attributes (`value`, `checked`), and children. */
export function h(tag, attributes = {}, ...children) {
  const made = SVG_TAGS.has(tag) ? document.createElementNS(SVG, tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (name === "value" || name === "checked" || name === "textContent") made[name] = value;
    else made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== ""));
  return made;
}

/** Copies text; gives whether it worked. */
export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyBySelection(text); // pages without https have no clipboard interface
  }
}

function copyBySelection(text) {
  const area = h("textarea", { value: text, class: "sg-hidden", "aria-hidden": "true", tabindex: "-1" });
  const back = document.activeElement;
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  back?.focus();
  return done;
}

/** A button that copies what `text()` gives and says so. */
export function copyButton(label, text, say) {
  const button = h("button", { type: "button", class: "sg-button" }, label);
  button.addEventListener("click", async () => {
    const done = await copy(text());
    button.textContent = done ? "Copied" : "Not copied";
    say(done ? "Copied." : "The browser does not allow copying here; mark the text and copy it by keyboard.");
    setTimeout(() => (button.textContent = label), 1500);
  });
  return button;
}

/** A button whose work takes a while. It stays in the order of the keyboard meanwhile, and does nothing when pressed again. */
export function workButton(label, attributes, work) {
  const button = h("button", { type: "button", ...attributes }, label);
  button.addEventListener("click", async () => {
    if (button.getAttribute("aria-disabled") === "true") return;
    button.setAttribute("aria-disabled", "true");
    try {
      await work();
    } finally {
      button.removeAttribute("aria-disabled");
    }
  });
  return button;
}

/** Listeners that tell when a mouse points at an element, when it is pressed there (`begin(true)`), and when it leaves. Fingers that scroll mean nothing. */
export const pointed = (begin, end) =>
  Object.fromEntries(
    Object.entries({ onpointerenter: () => begin(false), onpointerdown: () => begin(true), onpointerleave: end }).map(([name, tell]) => [
      name,
      (event) => event.pointerType === "mouse" && tell(),
    ]),
  );

const NARROWEST = 260;

/** A frame with what `draw(width)` gives, once its width is known and again where that changes; the ruler beside it has no height that drawing could change. */
export function drawnToFit(draw) {
  const frame = h("div", { class: "sg-chart" });
  const ruler = h("div", { "aria-hidden": "true" });
  let drawn = 0;
  new ResizeObserver(([entry]) => {
    const width = Math.max(Math.round(entry.contentRect.width), NARROWEST);
    if (width !== drawn) frame.replaceChildren(draw(width));
    drawn = width;
  }).observe(ruler);
  return [ruler, frame];
}

/** A text in which what stands between backticks is code. */
export const coded = (text) => text.split(/`([^`]+)`/).map((part, index) => (index % 2 ? h("code", {}, part) : part));

/** A heading whose level fits the page. */
export const heading = (level, id, ...children) => h(`h${level}`, { id, tabindex: id ? "-1" : undefined }, ...children);

/** A list of links to sources, by host name. */
export function sources(urls) {
  const unique = [...new Set(urls)].filter((url) => url.startsWith("https://"));
  if (!unique.length) return null;
  const links = unique.map((url, index) => [index ? ", " : "", h("a", { href: url, rel: "noreferrer", title: url }, named(url))]);
  return h("span", { class: "sg-sources" }, unique.length === 1 ? "Source: " : "Sources: ", ...links.flat());
}

function named(url) {
  const { hostname, pathname } = new URL(url);
  const parts = pathname.split("/").filter(Boolean);
  if (hostname === "github.com" && parts.length > 1) return parts.at(-1) === parts[1] ? `${parts[0]}/${parts[1]}` : `${parts[1]}: ${parts.at(-1)}`;
  return parts.length ? `${hostname.replace(/^www\./, "")}: ${decodeURIComponent(parts.at(-1))}` : hostname;
}

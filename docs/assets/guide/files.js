// The files of a setup: shown with copy buttons, and all of them in one archive whose keys are made here and go nowhere else.

import { copyButton, h } from "./dom.js";

const FIRST = ["README.md", "compose.yaml"];
const KEY_BYTES = 32;

const rank = (path) => {
  const place = FIRST.indexOf(path.slice(path.lastIndexOf("/") + 1));
  return place < 0 ? FIRST.length : place;
};

const countOf = (count) => `${count} file${count === 1 ? "" : "s"}`;

/** Files by folder: what lies at the root, the proxy, and each host; a folder's list is made when it is opened. */
export function fileGroups({ files, modes, secrets }, say) {
  const groups = new Map();
  for (const path of Object.keys(files).sort()) {
    const folder = path.slice(0, Math.max(path.lastIndexOf("/"), 0));
    if (!groups.has(folder)) groups.set(folder, {});
    groups.get(folder)[path] = files[path];
  }
  return h("div", { class: "sg-groups" }, [...groups].map(([folder, inside]) => {
    const made = () => fileList({ files: inside, modes, secrets }, say);
    if (!folder) return made();
    const group = h("details", {}, h("summary", {}, h("code", {}, `${folder}/`), " ", h("small", {}, countOf(Object.keys(inside).length))));
    group.addEventListener("toggle", () => group.open && group.childElementCount === 1 && group.append(made()));
    return group;
  }));
}

/** The files as a list that unfolds. */
export function fileList({ files, modes, secrets }, say) {
  const paths = Object.keys(files).sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1));
  return h("div", { class: "sg-files" }, paths.map((path) => {
    const names = secrets[path] ?? [];
    const note = names.length ? `Keys are empty here; the archive gets fresh ones (${names.join(", ")}).` : modes[path] === "0755" ? "A program." : "";
    return h("details", {}, h("summary", {}, h("code", {}, path), " ", h("small", {}, `${files[path].split("\n").length - 1} lines`)),
      h("p", { class: "sg-line" }, copyButton("Copy", () => files[path], say), h("small", {}, note)),
      h("pre", { tabindex: "0", role: "region", "aria-label": path, class: "sg-code" }, h("code", {}, files[path])));
  }));
}

/** A key as `setupgen write` makes them: 32 random bytes, URL-safe. */
export function freshKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(KEY_BYTES));
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** Offers the archive that the engine packs. */
export async function download(engine, answers, detected, { secrets }) {
  const keys = Object.fromEntries([...new Set(Object.values(secrets).flat())].map((name) => [name, freshKey()]));
  return save(await engine.ask("archive", answers, detected, JSON.stringify(keys)));
}

/** Offers what the engine packed; gives its name. */
export function save(found) {
  if (found.error) throw new Error(found.error);
  const bytes = Uint8Array.from(atob(found.base64), (letter) => letter.charCodeAt(0));
  const address = URL.createObjectURL(new Blob([bytes], { type: "application/zip" }));
  const link = h("a", { href: address, download: found.name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
  return found.name;
}

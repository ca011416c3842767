// Names that the theme leaves out, so that a screen reader can tell its parts from each other.

document.querySelector(".md-search[role=dialog]")?.setAttribute("aria-label", "Search");

/** What a landmark is called: its label, the page that its section begins with, or what it stands in. */
function nameOf(nav) {
  const label = document.getElementById(nav.getAttribute("aria-labelledby") ?? "")?.textContent.trim();
  const section = nav.parentElement.matches("li") ? nav.parentElement.querySelector("a")?.textContent.trim() : "";
  return label || nav.getAttribute("aria-label") || section || "Code block";
}

const told = new WeakSet();
const counts = new Map();

/** Gives landmarks without a name one, and landmarks of one name numbers. */
function tellApart() {
  for (const nav of document.querySelectorAll("nav")) {
    if (told.has(nav)) continue;
    told.add(nav);
    const name = nameOf(nav);
    const count = (counts.get(name) ?? 0) + 1;
    counts.set(name, count);
    nav.removeAttribute("aria-labelledby");
    nav.setAttribute("aria-label", count === 1 ? name : `${name} ${count}`);
  }
}

tellApart();
// The theme adds the buttons of code blocks as they come into view.
new MutationObserver(tellApart).observe(document.body, { childList: true, subtree: true });

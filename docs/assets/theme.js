// What the theme leaves out: names, so that a screen reader can tell its parts from each other, and tables that the keyboard can scroll.

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

/** What scrolls sideways can be reached and scrolled by the keyboard, as long as it does scroll. */
const widths = new ResizeObserver((entries) => {
  for (const { target } of entries) {
    const scrolls = target.scrollWidth > target.clientWidth;
    for (const [name, value] of Object.entries({ tabindex: "0", role: "group", "aria-label": "Table, scrolls sideways" })) {
      if (scrolls) target.setAttribute(name, value);
      else target.removeAttribute(name);
    }
  }
});

function complete() {
  tellApart();
  for (const table of document.querySelectorAll(".md-typeset__scrollwrap")) widths.observe(table);
}

complete();
// The theme wraps tables and adds the buttons of code blocks as they come into view.
new MutationObserver(complete).observe(document.body, { childList: true, subtree: true });

// The plan as a page: everything here was worded by the engine (setupgen.engine.telling); this only lays it out.

import { chart } from "./chart.js";
import { copyButton, h, heading, pointed, sources, workButton } from "./dom.js";

const section = (id, title, ...children) => h("section", { class: "sg-section", "aria-labelledby": id }, heading(3, id, title), ...children);
const list = (texts, kind = "ul") => h(kind, {}, texts.map((text) => h("li", {}, text)));

/** The parts of the result above the files. */
export function result(told, actions) {
  const { verdict } = told;
  return [
    h("header", { class: `sg-headline sg-${verdict}` }, heading(2, "sg-result", told.title), h("p", { class: "sg-sentence" }, told.sentence),
      told.figures.length ? figures(told.figures) : null, told.points.length ? list(told.points) : null, taken(told)),
    told.would_fit.length ? section("sg-would", "What would fit", list(told.would_fit)) : null,
    told.questions.length ? section("sg-open", "Still open", list(told.questions)) : null,
    told.memory ? section("sg-memory", "Memory", memory(told.memory)) : null,
    told.speed.length ? section("sg-speed", "Speed", speed(told.speed)) : null,
    told.warnings.length ? section("sg-warnings", "Mind this", h("ul", { class: "sg-warnings" },
      told.warnings.map((item) => h("li", {}, item.text, " ", sources(item.sources))))) : null,
    told.alternatives.length || told.chart ? section("sg-others", "Alternatives", told.chart ? chart(told.chart) : null, alternatives(told.alternatives, actions)) : null,
    told.why.length ? section("sg-why", "Why this", reasons(told.why)) : null,
    told.why_not ? section("sg-why-not", "Why not something else", whyNot(told.why_not), told.memory ? changes(actions) : null) : null,
    section("sg-buy", "Run it or buy it", buy(told.buy)),
  ].filter(Boolean);
}

function figures(items) {
  return h("dl", { class: "sg-figures" }, items.map((item) =>
    h("div", {}, h("dt", {}, item.label), h("dd", {}, h("strong", {}, item.value), h("small", {}, item.words)))));
}

function taken(told) {
  if (!told.facts.length) return null;
  const rows = told.facts.map((item) => [h("dt", {}, item.label), h("dd", {}, item.value, " ", h("span", { class: "sg-tag" }, item.origin))]);
  const more = told.assumed.length ? [h("dt", {}, "also assumed"), h("dd", {}, told.assumed.join(" "))] : [];
  return h("details", { class: "sg-taken" }, h("summary", {}, "What this is for"), h("dl", {}, rows.flat(), more));
}

function bar(percent, level) {
  const fill = h("span", { class: `sg-fill sg-${level}` });
  fill.style.width = `${percent}%`;
  return h("span", { class: "sg-bar", "aria-hidden": "true" }, fill);
}

const device = (item) => h("div", { class: "sg-device" }, h("p", {}, h("strong", {}, item.name), " ", item.text), bar(item.percent, item.level));

function memory({ devices, parts, host, note }) {
  const stack = h("span", { class: "sg-bar sg-stack", "aria-hidden": "true" }, parts.map((part, index) => {
    const piece = h("span", { class: `sg-piece sg-piece-${index}` });
    piece.style.width = `${part.percent}%`;
    return piece;
  }));
  const legend = h("ul", { class: "sg-legend-list" }, parts.map((part, index) =>
    h("li", {}, h("span", { class: `sg-swatch sg-piece-${index}`, "aria-hidden": "true" }), h("span", {}, h("strong", {}, part.label), ` ${part.text}`, h("small", {}, part.about)))));
  return h("div", {}, devices.map(device), host ? device(host) : null, note ? h("p", { class: "sg-help" }, note) : null,
    h("p", { class: "sg-what" }, "Of what the model's part is made:"), stack, legend);
}

function speed(rows) {
  const head = h("tr", {}, ["", "Expected", "Range", "What that feels like"].map((title) => h(title ? "th" : "td", { scope: title ? "col" : undefined }, title)));
  return h("div", { class: "sg-scroll", tabindex: "0", role: "region", "aria-label": "Table of speeds" }, h("table", { class: "sg-table sg-speeds" }, h("thead", {}, head),
    h("tbody", {}, rows.map((row) => h("tr", {}, h("th", { scope: "row" }, row.label), h("td", {}, h("strong", {}, row.value)),
      h("td", {}, row.range, " ", h("span", { class: "sg-tag" }, row.basis)), h("td", {}, row.words))))));
}

function alternatives(items, { choose, intends }) {
  if (!items.length) return null;
  return h("ul", { class: "sg-alternatives" }, items.map((item) => h("li", {},
    h("p", {}, h("span", { class: "sg-like" }, item.like), " ", h("strong", {}, item.name)),
    h("p", {}, item.tradeoff.includes("tokens/s") ? item.tradeoff : `${item.speed}, ${item.memory}. ${item.tradeoff}`),
    h("button", { type: "button", class: "sg-button", onclick: () => choose(item.answers), ...pointed((soon) => intends(item.answers, soon), () => intends()) }, "Take this", h("span", { class: "sg-hidden" }, `: ${item.name}`)))));
}

function reasons(items) {
  return h("dl", { class: "sg-why" }, items.flatMap((item) => [h("dt", {}, item.title), h("dd", {}, item.text, " ", sources(item.sources))]));
}

function whyNot({ rows, rest, sources: urls }) {
  return h("div", {}, h("dl", { class: "sg-why" }, rows.flatMap((row) => [h("dt", {}, row.label, ": ", h("span", { class: "sg-who" }, row.who)), h("dd", {}, "For instance: ", row.text)])),
    rest ? h("p", {}, rest) : null, h("p", {}, sources(urls)));
}

function changes({ askChanges }) {
  const place = h("div", { "aria-live": "polite", tabindex: "-1" });
  const button = workButton("What would change this choice?", { class: "sg-button" }, async () => {
    place.replaceChildren(h("p", { class: "sg-help" }, "Planning again with one thing different each time …"));
    try {
      const found = await askChanges();
      place.replaceChildren(found.length ? list(found) : h("p", {}, "Nothing that was tried changes it."));
    } catch (error) {
      place.replaceChildren(h("p", { class: "sg-problem" }, error.message));
    }
    place.focus();
    button.remove();
  });
  return h("div", { class: "sg-changes" }, button, place);
}

function buy(told) {
  const rows = told.rows.map((row) => h("tr", {}, h("th", { scope: "row" }, row.label), h("td", {}, row.value)));
  return h("div", {}, h("p", {}, h("strong", {}, told.title)), told.sentences.map((text) => h("p", {}, text)),
    rows.length ? h("table", { class: "sg-table sg-months" }, h("tbody", {}, rows)) : null,
    told.use ? h("p", { class: "sg-help" }, told.use) : null,
    told.assumed.length ? h("details", {}, h("summary", {}, "What this takes for granted"), list(told.assumed)) : null);
}

/** The command line that does the same, with a button that copies it. */
export function commandLine(command, say) {
  return section("sg-command", "The same by command",
    h("pre", { class: "sg-code", tabindex: "0", role: "region", "aria-label": "Command" }, h("code", {}, command)), copyButton("Copy the command", () => command, say));
}

export { bar, list, section };

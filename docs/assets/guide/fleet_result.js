// The plan of a fleet as a page: everything here was worded by the engine (setupgen.engine.fleet.telling); this only lays it out.

import { coded, h, heading, sources } from "./dom.js";
import { bar, list, section } from "./result.js";
import { picture } from "./fleet_picture.js";

/** The parts of the result above the files. */
export function fleetResult(told) {
  return [
    h("header", { class: `sg-headline sg-${told.verdict}` }, heading(2, "sg-result", told.title), h("p", { class: "sg-sentence" }, told.sentence),
      told.proxy ? h("p", {}, `Clients ask ${told.proxy.name} at `, h("code", {}, told.proxy.address), `, which ${told.proxy.key}.`) : null),
    told.unplaced.length ? section("sg-unplaced", "No place for", pairs(told.unplaced)) : null,
    told.advice.length ? section("sg-advice", "What would help most", list(told.advice)) : null,
    told.picture.boxes.length ? section("sg-picture", "The fleet", picture(told.picture, told.proxy)) : null,
    told.hosts.length ? section("sg-placement", "What runs where", placement(told)) : null,
    section("sg-needs", "What each need gets", needs(told.needs)),
    told.idle.length ? section("sg-idle", "Hosts without work", pairs(told.idle)) : null,
    told.warnings.length ? section("sg-warnings", "Mind this", h("ul", { class: "sg-warnings" },
      told.warnings.map((item) => h("li", {}, item.text, " ", sources(item.sources))))) : null,
  ].filter(Boolean);
}

const pairs = (items) => h("dl", { class: "sg-why" }, items.flatMap((item) => [h("dt", {}, item.label), h("dd", {}, item.text)]));

const scroll = (label, ...children) => h("div", { class: "sg-scroll", tabindex: "0", role: "region", "aria-label": label }, ...children);

const head = (titles) => h("thead", {}, h("tr", {}, titles.map((title) => h("th", { scope: "col" }, title))));

function placement({ hosts, more_hosts: more }) {
  const rows = ({ servers }) => (servers.length ? servers : [null]);
  const table = h("table", { class: "sg-table sg-placement", role: "table" }, head(["Host", "Model", "Memory", "For", "Speed"]),
    hosts.map((host) => h("tbody", { role: "rowgroup" }, rows(host).map((server, index) => h("tr", { role: "row" },
      index ? null : hostCell(host), server ? serverCells(server) : h("td", { role: "cell", colspan: "4" }, h("small", {}, "nothing to do")))))));
  return h("div", {}, scroll("Table of hosts and what runs on them", table),
    more ? h("p", { class: "sg-help" }, `${more} more hosts are in setupgen.fleet.json.`) : null);
}

function hostCell(host) {
  return h("th", { scope: "rowgroup", role: "rowheader", rowspan: String(Math.max(host.servers.length, 1)) }, h("strong", {}, host.name),
    h("small", {}, host.hardware), host.notes.map((note) => h("span", { class: "sg-tag" }, note)));
}

// Roles are written out, because the table is laid out as cards on a phone, and is read as a table all the same.
function serverCells(server) {
  return [
    h("td", { role: "cell" }, h("strong", {}, server.model), h("small", {}, `${server.program}, asked for as `, h("code", {}, server.alias)),
      h("details", {}, h("summary", {}, "Why here"), h("p", {}, server.because))),
    h("td", { role: "cell", class: "sg-used" }, bar(server.percent, server.level), h("small", {}, server.memory)),
    h("td", { role: "cell" }, server.users),
    h("td", { role: "cell" }, server.speed, h("small", {}, server.range)),
  ];
}

function needs(items) {
  return scroll("Table of needs", h("table", { class: "sg-table sg-needs" }, head(["Need", "Model", "Users served", "Copies", "All together", "If its strongest host is lost"]),
    h("tbody", {}, items.map((item) => h("tr", {}, h("th", { scope: "row" }, item.label), h("td", {}, h("code", {}, item.alias)), h("td", {}, item.users),
      h("td", {}, item.copies), h("td", {}, item.speed), h("td", {}, item.lost))))));
}

const LINE = /, line (\d+)/;

/** Problems, each with a button that leads to its line. */
export function problems(title, items, mark) {
  return h("div", { class: "sg-problem" }, h("h2", { id: "sg-result" }, title), h("ul", {}, items.map((item) => {
    const line = Number(LINE.exec(item.place)?.[1] ?? 0);
    const where = line ? h("button", { type: "button", class: "sg-remove", onclick: () => mark(line) }, item.place) : h("strong", {}, item.place);
    return h("li", {}, item.place ? [where, ": "] : null, item.error, " ", coded(item.hint));
  })));
}

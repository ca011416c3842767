// The hardware: parts with counts, found in a searchable list (a combobox as the ARIA practices describe it), or a pasted detection document.

import { h, pointed } from "./dom.js";

const SHOWN = 40;
const MOST = 64;
const RENTED = "rented machine";
const COUNTED = /^(\d{1,3})\s*[x×]\s+(.+)$/i;

const plain = (text) =>
  text
    .normalize("NFKD")
    .replace(/\p{M}/gu, "")
    .toLowerCase();

/** Options that hold all words, best first: words that begin a word of the label count more than words inside others, a machine to rent less than a part. */
export function found(options, text) {
  const words = plain(text).split(/\s+/).filter(Boolean);
  if (!words.length) return options.slice(0, SHOWN);
  const scored = [];
  for (const option of options) {
    option.text ??= plain(`${option.label} ${option.value} ${option.other} ${option.kind}`);
    option.start ??= plain(option.label).split(/[\s,]+/);
    if (!words.every((word) => option.text.includes(word))) continue;
    const exact = words.filter((word) => option.start.includes(word)).length;
    const begun = words.filter((word) => option.start.some((part) => part.startsWith(word))).length;
    scored.push({ option, score: exact * 2 + begun - option.label.length / 1000 - (option.kind === RENTED ? 1 : 0) });
  }
  scored.sort((a, b) => b.score - a.score);
  return scored.slice(0, SHOWN).map(({ option }) => option);
}

/** "2x RTX 4090" as a count and a name. */
export function counted(spec) {
  const match = COUNTED.exec(spec);
  return match ? { count: Math.max(Number(match[1]), 1), name: match[2] } : { count: 1, name: spec };
}

/** The parts with one more, which may be more of the same. */
function added(parts, spec) {
  const asked = counted(spec);
  const same = parts.find((part) => part.name === asked.name);
  return same ? parts.map((part) => (part === same ? { ...part, count: Math.min(part.count + asked.count, MOST) } : part)) : [...parts, asked];
}

const specOf = ({ count, name }) => (count > 1 ? `${count}x ${name}` : name);

export class HardwarePicker {
  #options;
  #labels;
  #parts = [];
  #matches = [];
  #active = -1;

  /** `changed(specs)` is called with the names that answers take, `intends(answers, soon)` with what may be chosen next. */
  constructor(form, { changed, pasted, intends, say }) {
    this.#options = form.hardware;
    this.#labels = new Map(form.hardware.map((option) => [option.value.toLowerCase(), option.label]));
    this.changed = changed;
    this.intends = intends;
    this.say = say;
    this.list = h("ul", { id: "sg-hardware-list", role: "listbox", "aria-label": "Hardware", class: "sg-options", hidden: true });
    this.input = h("input", {
      id: "sg-hardware", type: "text", role: "combobox", autocomplete: "off", spellcheck: "false", "aria-autocomplete": "list",
      "aria-expanded": "false", "aria-controls": "sg-hardware-list", "aria-describedby": "sg-hardware-help", placeholder: "RTX 3090, 2x RTX 4090, M4 Max 64 GB",
      oninput: () => this.#open(), onfocus: () => this.input.value && this.#open(), onkeydown: (event) => this.#key(event), onblur: () => this.#close(),
    });
    this.chosen = h("ul", { class: "sg-parts", "aria-label": "Hardware that was chosen" });
    this.common = h("p", { class: "sg-common" }, h("span", {}, "Often asked for:"),
      form.common.map((option) => h("button", { type: "button", class: "sg-chip", onclick: () => this.#add(option.value), ...this.#pointed(option) }, option.label)));
    this.area = h("textarea", { id: "sg-paste", rows: "4", spellcheck: "false", autocomplete: "off", "aria-describedby": "sg-paste-help sg-paste-said" });
    this.said = h("p", { id: "sg-paste-said", class: "sg-problem" });
    this.paste = h("details", { class: "sg-paste" },
      h("summary", {}, "Or paste what detection found"),
      h("p", { id: "sg-paste-help", class: "sg-help" }, "Run ", h("code", {}, "setupgen detect --json"), " on the machine and paste all of it here. It stays in this page."),
      h("label", { for: "sg-paste", class: "sg-label" }, "Output of detect --json"), this.area, this.said,
      h("button", { type: "button", class: "sg-button", onclick: () => this.#paste(pasted) }, "Use this machine"));
    this.element = h("div", { class: "sg-picker" },
      this.chosen, h("div", { class: "sg-combobox" }, this.input, this.list), this.common, this.paste);
  }

  /** Shows these parts, or that a machine was pasted. */
  show(specs, detected) {
    this.#parts = specs.map(counted);
    const rows = this.#parts.map((part, index) => this.#row(part, index));
    if (detected && !specs.length) {
      rows.push(h("li", {}, h("span", { class: "sg-part" }, "The machine that you pasted"), this.#remove("the pasted machine", () => this.changed([], ""))));
    }
    this.chosen.replaceChildren(...rows);
    this.common.hidden = rows.length > 0;
    if (!detected) this.area.value = "";
  }

  #row(part, index) {
    const name = this.#labels.get(part.name.toLowerCase()) ?? part.name;
    const count = h("input", { type: "number", min: "1", max: String(MOST), value: String(part.count), "aria-label": `How many ${name}`,
      onchange: () => {
        part.count = Math.min(Math.max(Math.round(Number(count.value)) || 1, 1), MOST);
        this.#tell();
      } });
    return h("li", {}, count, h("span", { "aria-hidden": "true" }, "×"), h("span", { class: "sg-part" }, name),
      this.#remove(name, () => {
        this.#parts.splice(index, 1);
        this.#tell();
        this.input.focus();
      }));
  }

  #remove(name, onclick) {
    return h("button", { type: "button", class: "sg-remove", "aria-label": `Remove ${name}`, onclick }, "Remove");
  }

  #tell() {
    this.changed(this.#parts.map(specOf));
  }

  /** Tells that this option may be added next. */
  #meant(option, soon) {
    const { count } = counted(this.input.value.trim());
    this.intends({ hardware: added(this.#parts, specOf({ count, name: option.value })).map(specOf) }, soon);
  }

  #pointed(option) {
    return pointed((soon) => this.#meant(option, soon), () => this.intends());
  }

  #add(value) {
    this.#parts = added(this.#parts, value);
    this.input.value = "";
    this.#close();
    this.#tell();
    this.input.focus();
  }

  #open() {
    const { name } = counted(this.input.value.trim());
    this.#matches = found(this.#options, name);
    this.#active = -1;
    const rows = this.#matches.map((option, index) =>
      h("li", { id: `sg-option-${index}`, role: "option", "aria-selected": "false", ...this.#pointed(option), onmousedown: (event) => {
        event.preventDefault();
        this.#choose(index);
      } }, option.label, " ", h("small", {}, option.kind)));
    const typed = this.input.value.trim();
    if (!rows.length) rows.push(h("li", { role: "option", "aria-selected": "false", "aria-disabled": "true" }, typed ? "Nothing by that name. Enter takes it as typed." : ""));
    this.list.replaceChildren(...rows);
    this.list.hidden = !typed;
    this.input.setAttribute("aria-expanded", String(!this.list.hidden));
    this.input.removeAttribute("aria-activedescendant");
    if (typed && this.#matches.length) this.#meant(this.#matches[0]);
    if (typed) this.say(this.#matches.length ? `${this.#matches.length === SHOWN ? "Many" : this.#matches.length} found.` : "Nothing by that name.");
  }

  #close() {
    this.list.hidden = true;
    this.#active = -1;
    this.input.setAttribute("aria-expanded", "false");
    this.input.removeAttribute("aria-activedescendant");
  }

  #move(index) {
    if (this.list.hidden) this.#open();
    if (!this.#matches.length) return;
    this.#active = (index + this.#matches.length) % this.#matches.length;
    [...this.list.children].forEach((row, at) => row.setAttribute("aria-selected", String(at === this.#active)));
    this.#meant(this.#matches[this.#active]);
    const row = this.list.children[this.#active];
    row.scrollIntoView({ block: "nearest" });
    this.input.setAttribute("aria-activedescendant", row.id);
  }

  #choose(index) {
    const { count } = counted(this.input.value.trim());
    this.#add(specOf({ count, name: this.#matches[index].value }));
  }

  #key(event) {
    const open = !this.list.hidden;
    if (event.key === "ArrowDown") this.#move(this.#active + 1);
    else if (event.key === "ArrowUp") this.#move(this.#active < 0 ? -1 : this.#active - 1);
    else if (event.key === "Escape" && open) this.#close();
    else if (event.key === "Enter") {
      if (open && this.#active >= 0) this.#choose(this.#active);
      else if (open && this.#matches.length) this.#choose(0);
      else if (this.input.value.trim()) this.#add(this.input.value.trim());
    } else return;
    event.preventDefault();
  }

  #paste(pasted) {
    const text = this.area.value.trim();
    const problem = problemOf(text);
    this.said.textContent = problem;
    if (!problem) pasted(text);
  }
}

/** What is wrong with a pasted text, or nothing; the engine looks at the rest. */
export function problemOf(text) {
  if (!text) return "Paste the output first.";
  try {
    const document = JSON.parse(text);
    if (document && typeof document === "object" && !Array.isArray(document)) return "";
  } catch {
    // said below
  }
  return "This is not the JSON that detect prints: it begins with { and ends with }, and nothing of it may be missing.";
}

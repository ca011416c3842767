// Several machines: an inventory as text, the files that it refers to, and the plan of the fleet.

import { copy, h, workButton } from "./dom.js";
import { fileGroups, freshKey, save } from "./files.js";
import { fleetResult, problems } from "./fleet_result.js";
import { commandLine, section } from "./result.js";

const NAME = "fleet.yaml";
const INVENTORY = /\.(ya?ml)$/i;
const LARGEST = 10_000_000; // letters of a file that is read

/** Whether a text of this name is the inventory, and not what detection printed on one of its hosts. */
const isInventory = (name, text) => INVENTORY.test(name) || /^\s*\{[^]{0,20000}?"hosts"\s*:/.test(text);

export class Fleet {
  #wanted = 0; // number of the newest plan; older ones are thrown away
  #name = NAME;
  #given = {}; // name to text of the files that the inventory refers to

  /**
   * `wrote(state)` is called when something else is planned, `shown(done)` when it begins and when all of it is there,
   * `failed(error)` when the engine broke. */
  constructor(engine, { say, wrote, shown, failed }) {
    this.engine = engine;
    this.say = say;
    this.wrote = wrote;
    this.shown = shown;
    this.failed = failed;
    this.area = h("textarea", { id: "sg-inventory", rows: "14", spellcheck: "false", autocomplete: "off", wrap: "off", "aria-describedby": "sg-inventory-help",
      onkeydown: (event) => event.key === "Enter" && (event.ctrlKey || event.metaKey) && this.#submit() });
    this.picked = h("input", { id: "sg-inventory-files", type: "file", multiple: true, accept: ".yaml,.yml,.json,.jsonl", onchange: () => this.#take([...this.picked.files]) });
    this.list = h("ul", { class: "sg-parts", "aria-label": "Files beside the inventory" });
    this.element = h("form", { class: "sg-form", "aria-label": "Inventory", autocomplete: "off", onsubmit: (event) => {
      event.preventDefault();
      this.#submit();
    } },
    h("div", { class: "sg-question" }, h("label", { for: "sg-inventory", class: "sg-legend" }, "Which machines, and for what?"),
      h("p", { id: "sg-inventory-help", class: "sg-help" }, "An inventory as YAML or JSON: hosts with their name, address and hardware, and needs. Secrets have no place in it. It stays in this page. Ctrl and Enter plan it."),
      this.area,
      h("p", { class: "sg-actions" }, h("button", { type: "submit", class: "sg-button sg-primary" }, "Plan this fleet"),
        workButton("Begin with an example", { class: "sg-button" }, () => this.#example()))),
    h("div", { class: "sg-question" }, h("label", { for: "sg-inventory-files", class: "sg-label" }, "Or choose files, or drop them here"),
      h("p", { class: "sg-help" }, "The inventory, and with it what ", h("code", {}, "detect --json"), " printed on hosts that it describes by ", h("code", {}, "facts"), "."),
      this.picked, this.list));
    this.element.addEventListener("dragover", (event) => {
      event.preventDefault();
      this.element.classList.add("sg-over");
    });
    this.element.addEventListener("dragleave", () => this.element.classList.remove("sg-over"));
    this.element.addEventListener("drop", (event) => {
      event.preventDefault();
      this.element.classList.remove("sg-over");
      this.#take([...event.dataTransfer.files]);
    });
    this.progress = h("div", {});
    this.outcome = h("div", { class: "sg-outcome" });
    this.files = h("div", {});
    this.pane = h("div", { class: "sg-result", id: "sg-fleet", tabindex: "-1", role: "region", "aria-label": "The plan of the fleet" }, this.progress, this.outcome, this.files);
    this.#empty();
  }

  /** What the page goes back to. */
  get state() {
    return { text: this.area.value, name: this.#name, given: this.#given };
  }

  /** Shows what a state or the letters of a link hold; without either, what was there stays. */
  async open(state, letters) {
    if (state) {
      this.area.value = state.text;
      this.#name = state.name;
      this.#give(state.given);
      await this.#plan();
    } else if (letters) {
      const mine = ++this.#wanted;
      this.shown(false);
      const found = await this.engine.ask("fleet_text", letters);
      if (mine !== this.#wanted) return;
      if (found.error) {
        this.#problem(found);
        this.shown(true);
        return;
      }
      this.area.value = found.text;
      this.#name = NAME;
      this.#give({});
      await this.#plan();
    } else {
      this.shown(true);
    }
  }

  #submit() {
    this.wrote(this.state);
    this.#plan().catch(this.failed);
  }

  async #example() {
    const found = await this.engine.ask("fleet_text", "");
    this.area.value = found.text;
    this.#name = NAME;
    this.area.focus();
  }

  async #take(files) {
    const given = { ...this.#given };
    let inventory = false;
    for (const file of files) {
      if (file.size > LARGEST) {
        this.say(`${file.name} is too large.`);
        continue;
      }
      const text = await file.text();
      if (isInventory(file.name, text)) {
        this.area.value = text;
        this.#name = file.name;
        inventory = true;
      } else given[file.name] = text;
    }
    this.picked.value = "";
    this.#give(given);
    if (inventory || this.area.value.trim()) this.#submit();
  }

  #give(given) {
    this.#given = given;
    this.list.replaceChildren(...Object.keys(given).map((name) => h("li", {}, h("span", { class: "sg-part" }, name),
      h("button", { type: "button", class: "sg-remove", "aria-label": `Remove ${name}`, onclick: () => {
        const { [name]: _, ...rest } = this.#given;
        this.#give(rest);
        this.picked.focus();
      } }, "Remove"))));
  }

  // The plan

  async #plan() {
    const mine = ++this.#wanted;
    this.shown(false);
    if (!this.area.value.trim()) {
      this.stop?.abort();
      this.#problem({ error: "There is no inventory yet.", place: "", hint: "Paste one, choose its file, or begin with the example." });
      this.area.focus();
      this.shown(true);
      return;
    }
    this.asked = [this.area.value, this.#name, JSON.stringify(this.#given)];
    const asked = this.asked;
    this.pane.setAttribute("aria-busy", "true");
    this.say("Planning the fleet.");
    const advice = await this.#advice(asked);
    if (mine !== this.#wanted) return;
    this.pane.setAttribute("aria-busy", "false");
    if (!advice) {
      this.say("Planning was stopped.");
      if (!this.outcome.childElementCount) this.#empty();
      this.shown(true);
      return;
    }
    this.files.replaceChildren();
    if (advice.error) this.#problem(advice);
    else {
      this.outcome.replaceChildren(...fleetResult(advice.told), commandLine(advice.command, this.say));
      this.outcome.querySelector(".sg-headline").append(this.#share(advice.link));
      this.say(advice.told.announcement);
      if (advice.told.verdict !== "nothing-fits") {
        const setup = await this.engine.ask("fleet_setup", ...asked);
        if (mine !== this.#wanted) return;
        this.#showFiles(setup, asked);
      }
    }
    this.shown(true);
  }

  /** The plan in words; meanwhile a bar tells how far it is, and it can be stopped: then nothing. */
  async #advice(asked) {
    this.stop?.abort();
    const stop = (this.stop = new AbortController());
    const meter = h("progress", { max: "1", value: 0, "aria-label": "Planning" });
    const text = h("span", {}, "Planning the fleet …");
    const button = h("button", { type: "button", class: "sg-button", onclick: () => stop.abort() }, "Stop");
    const progress = h("p", { class: "sg-loading" }, meter, text, button);
    if (!this.outcome.querySelector(".sg-headline")) this.outcome.replaceChildren();
    this.progress.replaceChildren(progress);
    let quarter = 0;
    const onstep = ({ done, total }) => {
      meter.value = total ? done / total : 1;
      text.textContent = done < total ? `Step ${done + 1} of ${total}: what each kind of host could do for each need` : "Finding the best places …";
      const now = Math.floor((4 * done) / Math.max(total, 1));
      if (now > quarter && now < 4) this.say(`Planning, ${25 * now} % done.`);
      quarter = now;
    };
    try {
      return await this.engine.askInSteps("fleet", asked, { onstep, signal: stop.signal });
    } finally {
      progress.remove();
    }
  }

  #empty() {
    this.outcome.replaceChildren(h("div", { class: "sg-start" }, h("p", {}, h("strong", {}, "Paste an inventory, or begin with the example.")),
      h("ul", {}, ["which model runs on which host, for whom, and why there", "the proxy in front of them, with keys and limits", "what is lost when a host is lost, and what would help most", "a folder for each host and one for the proxy, ready to run"].map((item) => h("li", {}, item))),
      h("p", {}, "How an inventory is written is told in ", h("a", { href: "../learn/boxes/#plan-them-together" }, "several boxes"), ".")));
  }

  #problem(found) {
    const all = found.problems ?? [found];
    const title = all.length === 1 ? "The inventory has a problem" : `The inventory has ${all.length} problems`;
    this.files.replaceChildren();
    this.outcome.replaceChildren(problems(title, all, (line) => this.#mark(line)));
    this.say(`${title}: ${all[0].error}`);
  }

  /** Puts the cursor onto a line of the inventory. */
  #mark(line) {
    const lines = this.area.value.split("\n");
    const from = lines.slice(0, line - 1).join("\n").length + (line > 1 ? 1 : 0);
    this.area.focus();
    this.area.setSelectionRange(from, from + (lines[line - 1]?.length ?? 0));
    this.area.scrollTop = (line - 4) * Number.parseFloat(getComputedStyle(this.area).lineHeight || "16");
  }

  #share(letters) {
    const actions = h("p", { class: "sg-actions" });
    if (letters) {
      const address = new URL(`?fleet=${letters}`, `${location.origin}${location.pathname}`).href;
      const button = h("button", { type: "button", class: "sg-button" }, "Copy a link to this");
      button.addEventListener("click", async () => this.say((await copy(address))
        ? "The link was copied. It holds no addresses and no values of headers: hosts are called by their names."
        : "The browser does not allow copying here."));
      actions.append(button);
    }
    actions.append(h("a", { class: "sg-button", href: "#sg-files" }, "To the files"));
    return actions;
  }

  #showFiles(setup, asked) {
    if (setup.error) {
      this.files.replaceChildren(section("sg-files", "Files", h("p", { class: "sg-problem" }, setup.error), h("p", {}, setup.hint)));
      return;
    }
    const said = h("p", { class: "sg-help", role: "status" });
    const button = workButton("Download all as one archive", { class: "sg-button sg-primary" }, async () => {
      const keys = Object.fromEntries(Object.entries(setup.secrets).map(([path, names]) => [path, Object.fromEntries(names.map((name) => [name, freshKey()]))]));
      try {
        const name = await save(await this.engine.ask("fleet_archive", ...asked, JSON.stringify(keys)));
        said.textContent = `${name} was made here. Each host's key is new, stands in its .env and in that of the proxy, and is nowhere else.`;
      } catch (error) {
        said.textContent = `It could not be made: ${error.message}`;
      }
    });
    this.files.replaceChildren(section("sg-files", "Files",
      h("p", {}, `${Object.keys(setup.files).length} files run this fleet as they are: README.md is the run book, deploy.sh takes each folder to its host.`),
      h("p", { class: "sg-actions" }, button), said, fileGroups(setup, this.say)));
  }
}

// <setup-guide>: the questionnaire. It keeps the answers in the address, asks the engine in a worker, and shows the plan.

import { coded, copy, h, workButton } from "./dom.js";
import { Engine } from "./engine.js";
import { download, fileList } from "./files.js";
import { Form } from "./form.js";
import { keepOffline } from "./keep.js";
import { answersFrom, searchOf } from "./link.js";
import { commandLine, result, section } from "./result.js";

const BASE = new URL("engine/", import.meta.url);
const MEGABYTE = 1e6;
const DWELL_MS = 60; // whoever points at an answer for as long may want it
const WARM_MS = 300; // an answer that is there already goes first

const EXAMPLES = [
  ["a coding agent on an RTX 3090", "?hardware=rtx-3090&use_case=coding-agent"],
  ["chat for eight people on two RTX 4090", "?hardware=2x+rtx-4090&use_case=chat&users=8"],
  ["questions over documents on a Mac with 64 GB", "?hardware=m2-max+64GB&use_case=documents"],
  ["chat on a desktop without a graphics card", "?hardware=cpu&ram=16G&use_case=chat"],
];

/** A hint; where it names a command that lists what the page has too, the way there. */
const advised = (hint) => (hint.includes("kb list device") ? ["Choose from the list as you type, or look at ", h("a", { href: "../reference/hardware/" }, "all hardware that is known"), "."] : coded(hint));

/** Answers with changes; those that are undefined are taken back. */
const merged = (answers, changed) => Object.fromEntries(Object.entries({ ...answers, ...changed }).filter(([, value]) => value !== undefined));

async function json(path, options) {
  const response = await fetch(new URL(path, BASE), options);
  if (!response.ok) throw new Error(`${path} could not be loaded (${response.status}).`);
  return response.json();
}

class SetupGuide extends HTMLElement {
  #answers = {};
  #detected = "";
  #wanted = 0; // number of the newest question to the engine; older answers are thrown away
  #busy = false;
  settled = true; // whether everything that belongs to the answers is shown

  async connectedCallback() {
    if (this.root) return;
    this.status = h("p", { class: "sg-hidden", role: "status" });
    this.problem = h("div", { class: "sg-failed", role: "alert", hidden: true });
    this.root = h("div", { class: "sg-root" }, this.status, this.problem);
    this.replaceChildren(this.root); // the text for browsers that do not come this far
    try {
      const manifest = await json("manifest.json", { cache: "no-cache" });
      this.engine = new Engine(manifest, BASE, (progress) => this.#progress(progress));
      this.engine.ready.then(() => this.#ready(), (error) => this.#fail(error.message));
      this.#build(await json(manifest.form));
    } catch (error) {
      this.#fail(error.message);
      return;
    }
    window.addEventListener("popstate", () => this.#readAddress());
    this.#readAddress();
  }

  #build(form) {
    this.keys = form.keys;
    const say = (text) => this.#say(text);
    this.form = new Form(form, {
      answered: (key, value) => this.#answer({ [key]: value }),
      hardware: (specs, detected = "") => this.#answer({ hardware: specs.length ? specs : undefined }, detected),
      pasted: (text) => this.#answer({ hardware: undefined, ram: undefined, cpu: undefined }, text),
      intends: (answers, soon) => this.#intend(answers, soon),
      say,
    });
    this.meter = h("progress", { max: "1", value: 0, "aria-label": "The engine is loading" });
    this.meterText = h("span", {}, "The engine is loading …");
    this.loading = h("p", { class: "sg-loading" }, this.meter, this.meterText);
    this.note = h("div", { class: "sg-note" });
    this.outcome = h("div", { class: "sg-outcome" });
    this.files = h("div", {});
    this.pane = h("div", { class: "sg-result", id: "sg-plan", tabindex: "-1", role: "region", "aria-label": "The setup" },
      this.loading, this.note, this.outcome, this.files);
    this.jump = h("a", { class: "sg-jump", href: "#sg-plan", hidden: true });
    this.form.element.append(this.jump);
    this.machine = h("div", { class: "sg-columns" }, this.form.element, this.pane);
    this.body = h("div", {}, this.#modes(), h("div", {}));
    this.root.append(this.body);
  }

  /** Links to the two things that can be planned; they are followed without leaving the page. */
  #modes() {
    const follow = (event) => this.#follow(event, event.currentTarget === this.toFleet ? { fleet: this.fleet?.state } : { detected: this.#detected });
    this.toMachine = h("a", { href: location.pathname, onclick: follow }, "One machine");
    this.toFleet = h("a", { href: "?fleet", onclick: follow }, "Several machines");
    return h("nav", { class: "sg-modes", "aria-label": "What to plan" }, this.toMachine, this.toFleet);
  }

  /** Goes where a link leads without leaving the page, unless it is to open elsewhere. */
  #follow(event, state) {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    event.preventDefault();
    history.pushState(state, "", event.currentTarget.href);
    this.#readAddress();
  }

  /** Puts one of the two in sight; the other is taken out, because both use the same ids. */
  #display(columns, pane) {
    if (this.body.lastElementChild !== columns) this.body.lastElementChild.replaceWith(columns);
    if (this.loading.parentElement !== pane) pane.prepend(this.loading);
  }

  #asksForFleet() {
    return new URLSearchParams(location.search).has("fleet");
  }

  async #showFleet(letters) {
    this.settled = false;
    if (!this.fleet) {
      const { Fleet } = await import("./fleet.js");
      this.fleet = new Fleet(this.engine, {
        say: (text) => this.#say(text),
        wrote: (fleet) => history.pushState({ fleet }, "", "?fleet"),
        shown: (done) => (this.settled = done),
        failed: (error) => this.#fail(error.message),
      });
      this.several = h("div", { class: "sg-columns" }, this.fleet.element, this.fleet.pane);
    }
    if (!this.#asksForFleet()) return; // somebody went back meanwhile
    this.#display(this.several, this.fleet.pane);
    await this.engine.ready;
    if (!this.#asksForFleet()) return;
    const { fleet } = history.state ?? {};
    await this.fleet.open(fleet?.text ? fleet : undefined, letters);
  }

  // Answers and the address

  #readAddress() {
    const letters = new URLSearchParams(location.search).get("fleet");
    const several = letters !== null;
    this.toMachine.setAttribute("aria-current", several ? "false" : "page");
    this.toFleet.setAttribute("aria-current", several ? "page" : "false");
    this.toMachine.href = `${location.pathname}${searchOf(this.#answers)}`;
    if (several) {
      this.#showFleet(letters).catch((error) => this.#fail(error.message));
      return;
    }
    this.#display(this.machine, this.pane);
    const { answers, unknown } = answersFrom(location.search, this.keys);
    this.#answers = answers;
    this.#detected = typeof history.state?.detected === "string" && !answers.hardware?.length ? history.state.detected : "";
    this.#tell(unknown.length ? `The address states what is no answer: ${unknown.join(", ")}. It was left out.` : "");
    this.#update();
  }

  #answer(changed, detected) {
    if (detected !== undefined) this.#detected = detected;
    else if (changed.hardware) this.#detected = "";
    this.#intend();
    const answers = (this.#answers = merged(this.#answers, changed));
    const address = `${location.pathname}${searchOf(answers)}`;
    history.pushState({ detected: this.#detected }, "", address);
    this.#tell("");
    this.#update();
  }

  // The plan

  async #update() {
    const mine = ++this.#wanted;
    this.settled = false;
    this.form.show(this.#answers, Boolean(this.#detected), this.needs);
    if (!this.#answers.hardware?.length && !this.#detected) {
      this.needs = undefined;
      this.#lead("");
      this.outcome.replaceChildren(this.#start());
      this.files.replaceChildren();
      this.pane.setAttribute("aria-busy", "false");
      this.asked = undefined;
      this.settled = true;
      return;
    }
    this.pane.setAttribute("aria-busy", "true");
    if (this.#busy) return; // whoever is at work takes the newest answers next
    this.#busy = true;
    try {
      await this.engine.ready;
      await this.#plan();
    } catch (error) {
      this.#fail(error.message);
    } finally {
      this.#busy = false;
    }
    if (mine !== this.#wanted) {
      this.#update();
      return;
    }
    this.settled = true;
    this.#prepare();
  }

  /** Notes what may be answered next, or that nothing is in sight; what stays so for a moment, or is pressed, is planned before it is asked for. */
  #intend(changed, soon = false) {
    clearTimeout(this.soon);
    this.intended = changed && merged(this.#answers, changed);
    if (changed) this.soon = setTimeout(() => this.#prepare(), soon ? 0 : DWELL_MS);
  }

  /** Plans what is likely to be asked for next, one thing at a time and only while nothing else is to be done. */
  async #prepare() {
    const answers = this.intended;
    if (!answers?.hardware?.length || this.#busy || this.preparing || this.dataset.state !== "ready") return;
    this.intended = undefined;
    this.preparing = true;
    await this.engine.text("advise", JSON.stringify(answers), "").catch(() => ""); // whoever asks is told
    this.preparing = false;
    this.#prepare();
  }

  /** What stands where nothing is planned yet: what will come, and examples to look at. */
  #start() {
    const follow = (event) => this.#follow(event, {});
    const examples = EXAMPLES.map(([text, search]) => h("li", {}, h("a", { href: search, onclick: follow }, text)));
    return h("div", { class: "sg-start" },
      h("p", {}, h("strong", {}, "Name your hardware, and the setup appears here.")),
      h("ul", {}, ["which model, in which size, on which server, and why", "how much memory it takes and how fast it answers, as a range", "what else would fit, and whether buying would be cheaper", "all files, ready to run"].map((text) => h("li", {}, text))),
      h("p", {}, "Every answer changes it at once. Nothing at hand? Look at an example:"), h("ul", { class: "sg-examples" }, examples));
  }

  async #plan() {
    const mine = this.#wanted;
    const asked = [JSON.stringify(this.#answers), this.#answers.hardware?.length ? "" : this.#detected];
    const advice = await this.engine.ask("advise", ...asked);
    if (mine !== this.#wanted) return;
    this.asked = asked;
    this.#show(advice, asked);
    this.pane.setAttribute("aria-busy", "false");
    if (advice.error || advice.told.verdict === "nothing-fits") return;
    const setup = await this.engine.ask("setup", ...asked);
    if (mine === this.#wanted) this.#showFiles(setup, advice, asked);
  }

  #show(advice, asked) {
    this.files.replaceChildren();
    this.#lead(advice.error ? "This cannot be planned" : advice.told.title);
    if (advice.error) {
      this.needs = undefined;
      this.outcome.replaceChildren(h("div", { class: "sg-problem" }, h("h2", { id: "sg-result" }, "This cannot be planned"),
        h("p", {}, `${advice.error.charAt(0).toUpperCase()}${advice.error.slice(1)}`), h("p", {}, advised(advice.hint))));
      this.#say(`This cannot be planned: ${advice.error}`);
      return;
    }
    this.needs = advice.needs;
    this.form.show(this.#answers, Boolean(this.#detected), this.needs);
    const actions = {
      choose: (answers) => {
        this.#answer(answers);
        this.pane.focus();
      },
      askChanges: async () => {
        const found = await this.engine.ask("changes", ...asked);
        if (found.error) throw new Error(found.error);
        return found.changes.map((change) => change.sentence);
      },
    };
    this.outcome.replaceChildren(...result(advice.told, { ...actions, intends: (answers, soon) => this.#intend(answers, soon) }), commandLine(advice.command, (text) => this.#say(text)));
    this.outcome.querySelector(".sg-headline").append(this.#share(advice.link, advice.told.verdict !== "nothing-fits"));
    this.#say(advice.told.announcement);
  }

  #share(link, files) {
    const address = new URL(searchOf(link) || "?", `${location.origin}${location.pathname}`).href;
    const button = h("button", { type: "button", class: "sg-button" }, "Copy a link to this");
    button.addEventListener("click", async () => this.#say((await copy(address)) ? "The link was copied." : "The browser does not allow copying here; the address above is the link."));
    return h("p", { class: "sg-actions" }, button, files ? h("a", { class: "sg-button", href: "#sg-files" }, "To the files") : null);
  }

  #showFiles(setup, advice, asked) {
    if (setup.error) {
      this.files.replaceChildren(section("sg-files", "Files", h("p", { class: "sg-problem" }, setup.error), h("p", {}, coded(setup.hint))));
      return;
    }
    const said = h("p", { class: "sg-help", role: "status" });
    const button = workButton("Download all as one archive", { class: "sg-button sg-primary" }, async () => {
      try {
        const name = await download(this.engine, ...asked, setup);
        said.textContent = `${name} was made here. Keys in its .env are new and are nowhere else.`;
      } catch (error) {
        said.textContent = `It could not be made: ${error.message}`;
      }
    });
    const count = Object.keys(setup.files).length;
    this.files.replaceChildren(section("sg-files", "Files", h("p", {}, `${count} files run this setup as they are. README.md is the run book.`),
      h("p", { class: "sg-actions" }, button), said, fileList(setup, (text) => this.#say(text))));
  }

  // Telling

  #progress({ stage, loaded, total }) {
    if (!this.meter) return;
    this.meter.value = total ? loaded / total : 0;
    const size = `${(loaded / MEGABYTE).toFixed(1)} of ${(total / MEGABYTE).toFixed(1)} MB`;
    this.meterText.textContent = stage === "loading" ? `The engine is loading: ${size}. You can answer meanwhile.` : "The engine is starting …";
  }

  #ready() {
    this.dataset.state = "ready";
    if (this.loading) this.loading.hidden = true;
    performance.mark("setup-guide-ready");
    setTimeout(() => this.#warm(), WARM_MS);
    keepOffline().then((kept) => (this.dataset.offline = kept ? "kept" : "no"));
  }

  /** Plans something small while nobody asks anything, because the first plan and the first files take longer than those after. */
  async #warm() {
    for (const name of ["advise", "setup"]) {
      if (this.#busy || this.asked || this.fleet) return;
      await this.engine.text(name, JSON.stringify({ hardware: ["cpu"] }), "").catch(() => ""); // whoever asks is told
    }
  }

  #fail(reason) {
    this.dataset.state = "failed";
    this.body?.remove();
    this.problem.hidden = false;
    this.problem.replaceChildren(h("h2", {}, "The guide cannot run in this browser"), h("p", {}, reason),
      h("p", {}, "Nothing else is lost: the tables below say what usual machines run, and the program does the same as this page on your machine. A current version of Chrome, Edge, Firefox or Safari runs the guide."));
  }

  #lead(title) {
    this.jump.hidden = !title;
    this.jump.textContent = `${title} ↓`;
  }

  #tell(text) {
    this.note.replaceChildren(...(text ? [h("p", { class: "sg-problem" }, text)] : []));
  }

  #say(text) {
    this.status.textContent = text;
  }
}

customElements.define("setup-guide", SetupGuide);

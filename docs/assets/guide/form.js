// The questions, made from the knowledge base. What nobody answered shows what is assumed or was detected, and says so.

import { h, pointed } from "./dom.js";
import { HardwarePicker } from "./hardware.js";

const ORIGINS = { assumed: "assumed", detected: "detected", answered: "your answer", declared: "from the hardware" };
const MORE = new Set(["os", "runtime", "exposure", "privacy", "license", "offline"]);
const CARDS = new Set(["use_case", "experience"]);
const INSISTED = { model: "Model", quant: "Quantisation", server: "Server" };

const WHOLE = /^\d{1,15}$/;

const keyOf = (question) => question.id.replaceAll("-", "_");

export class Form {
  #fields = new Map();

  /**
   * `answered(key, value)` is called with a value, or with undefined where an answer is taken back; `intends(answers, soon)` with what may be answered
   * next, because somebody points at it or types it, or with nothing once that is over. */
  constructor(form, { answered, hardware, pasted, intends, say }) {
    this.answered = answered;
    this.intends = intends;
    const questions = form.questions.map((question) => ({ ...question, key: keyOf(question) }));
    const first = [];
    const more = [];
    for (const question of questions) {
      (MORE.has(question.key) ? more : first).push(question.key === "hardware" ? this.#hardware(question, form, { hardware, pasted, intends, say }) : this.#question(question));
    }
    this.more = h("details", { class: "sg-more" }, h("summary", {}, "The system, who may reach it, licences"), more);
    this.insist = this.#insist(form);
    this.element = h("form", { class: "sg-form", "aria-label": "Questions", autocomplete: "off", onsubmit: (event) => event.preventDefault() },
      first, this.more, this.insist);
  }

  /** Shows these answers, and for the rest what the plan took. */
  show(answers, detected, needs = {}) {
    this.picker.show([answers.hardware ?? []].flat(), detected);
    for (const [key, field] of this.#fields) {
      const need = needs[key];
      const answer = answers[key];
      field.show(answer ?? "", need?.value ?? field.standard);
      const origin = answer !== undefined ? "answered" : need?.origin ?? "assumed";
      if (field.tag) field.tag.textContent = ORIGINS[origin] ?? origin;
      if (field.reset) field.reset.hidden = answer === undefined;
    }
    if ([...MORE].some((key) => answers[key] !== undefined) && !this.more.open) this.more.open = true;
    if (Object.keys(INSISTED).some((key) => answers[key] !== undefined) && !this.insist.open) this.insist.open = true;
  }

  #hardware(question, form, listeners) {
    this.picker = new HardwarePicker(form, { ...listeners, changed: listeners.hardware });
    return h("div", { class: "sg-question" }, h("label", { for: "sg-hardware", class: "sg-legend" }, question.text),
      h("p", { id: "sg-hardware-help", class: "sg-help" }, question.help, " Type to search, arrow keys to choose, Enter to add. Several parts may be added."),
      this.picker.element);
  }

  #question(question) {
    return question.kind === "choice" ? this.#choice(question) : this.#line(question);
  }

  #notes(question) {
    const tag = h("span", { class: "sg-tag" });
    const reset = h("button", { type: "button", class: "sg-remove", hidden: true, onclick: () => this.answered(question.key, undefined) },
      "Take back", h("span", { class: "sg-hidden" }, ` the answer to: ${question.text}`));
    return { tag, reset };
  }

  #choice(question) {
    const { key } = question;
    const { tag, reset } = this.#notes(question);
    const said = h("p", { class: "sg-chosen", id: `sg-${key}-said` });
    const inputs = question.choices.map((choice, index) => {
      const input = h("input", { type: "radio", name: key, id: `sg-${key}-${index}`, value: String(choice.value), onchange: () => this.answered(key, choice.value) });
      const pointing = pointed((soon) => this.intends({ [key]: choice.value }, soon), () => this.intends());
      return { input, choice, label: h("label", { for: input.id, class: CARDS.has(key) ? "sg-card" : "sg-choice", ...pointing }, input, h("span", {}, choice.label)) };
    });
    this.#fields.set(key, {
      tag,
      reset,
      standard: question.default,
      show: (answer, need) => {
        const value = String(answer === "" ? need : answer);
        for (const { input, choice } of inputs) {
          input.checked = input.value === value;
          if (input.checked) said.textContent = choice.description;
        }
      },
    });
    return h("fieldset", { class: "sg-question", "aria-describedby": `sg-${key}-help` },
      h("legend", { class: "sg-legend" }, question.text, " ", tag), h("p", { class: "sg-help", id: `sg-${key}-help` }, question.help),
      h("div", { class: "sg-choices" }, inputs.map(({ label }) => label)), said, reset);
  }

  #line(question) {
    const { key } = question;
    const { tag, reset } = this.#notes(question);
    const number = question.kind === "number";
    const stated = () => {
      const text = input.value.trim();
      return text === "" ? undefined : number && WHOLE.test(text) ? Number(text) : text;
    };
    const read = () => this.answered(key, stated());
    const input = h("input", { id: `sg-${key}`, type: number ? "number" : "text", min: number ? "1" : undefined, spellcheck: "false", autocomplete: "off",
      "aria-describedby": `sg-${key}-help`, onchange: read, oninput: () => this.intends({ [key]: stated() }), onkeydown: (event) => event.key === "Enter" && read() });
    this.#fields.set(key, {
      tag,
      reset,
      standard: question.default,
      show: (answer, need) => {
        if (document.activeElement !== input || String(answer) !== "") input.value = number && !WHOLE.test(answer) ? "" : String(answer);
        input.placeholder = need === undefined || need === null ? "" : sized(need, key);
      },
    });
    return h("div", { class: "sg-question" }, h("label", { for: input.id, class: "sg-legend" }, question.text, " ", tag),
      h("p", { class: "sg-help", id: `sg-${key}-help` }, question.help), h("div", { class: "sg-line" }, input, reset));
  }

  #insist(form) {
    const options = { model: form.models, quant: form.quants.map((value) => ({ value, label: value })), server: form.servers };
    const rows = Object.entries(INSISTED).map(([key, label]) => {
      const select = h("select", { id: `sg-${key}`, onchange: () => this.answered(key, select.value || undefined) },
        h("option", { value: "" }, "the best"), options[key].map((option) => h("option", { value: option.value }, option.label)));
      this.#fields.set(key, {
        show: (answer) => {
          if (answer !== "" && ![...select.options].some((option) => option.value === answer)) select.append(h("option", { value: answer }, answer));
          select.value = answer;
        },
      });
      return h("p", { class: "sg-line" }, h("label", { for: select.id }, label), select);
    });
    return h("details", { class: "sg-more" }, h("summary", {}, "Insist on a model, quantisation or server"),
      h("p", { class: "sg-help" }, "The guide chooses these. Where you insist, it says what follows, or why it cannot work."), rows);
  }
}

function sized(value, key) {
  if (key !== "context" || typeof value !== "number") return String(value);
  return value % 1024 === 0 ? `${value / 1024}k` : String(value);
}

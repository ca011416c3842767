// The page's side of the worker: asks by name, gets parsed JSON, hears of progress and of failure.

const PATIENCE_MS = 20_000; // a worker that may run says so at once

/** Starts the engine. `ready` settles once it can be asked or once it is clear that it never can. */
export class Engine {
  #worker;
  #waiting = new Map();
  #next = 1;
  #broken = "";

  constructor(manifest, base, onprogress) {
    this.ready = new Promise((resolve, reject) => {
      const fail = (reason) => {
        this.#worker?.terminate();
        this.#broken = reason;
        for (const { refuse } of this.#waiting.values()) refuse(new Error(reason));
        this.#waiting.clear();
        reject(new Error(reason));
      };
      if (typeof WebAssembly === "undefined") return fail("This browser does not run WebAssembly, or it is switched off.");
      const silent = setTimeout(() => fail("The part of the page that would compute did not start."), PATIENCE_MS);
      try {
        this.#worker = new Worker(new URL("worker.js", import.meta.url), { type: "module" });
      } catch (error) {
        clearTimeout(silent);
        return fail(`The browser refused to start a worker (${error.message}).`);
      }
      this.#worker.addEventListener("error", (event) => {
        clearTimeout(silent);
        event.preventDefault();
        fail(event.message || "The browser refused to run the worker, or could not fetch it.");
      });
      this.#worker.addEventListener("message", ({ data }) => {
        if (data.alive) clearTimeout(silent);
        else if (data.progress) onprogress(data.progress);
        else if (data.ready) resolve();
        else if (data.step) this.#waiting.get(data.id)?.onstep(data.step);
        else if (data.id) this.#answer(data);
        else if (data.failed) fail(data.failed);
      });
      this.#worker.postMessage({ start: { base: String(base), manifest } });
    });
  }

  /** What `setupgen.web.Engine` answers, parsed. */
  async ask(name, ...args) {
    return JSON.parse(await this.text(name, ...args));
  }

  /** What `setupgen.web.Engine` answers, as it is. */
  async text(name, ...args) {
    await this.ready;
    return this.#send({ name, args });
  }

  /**
   * What it answers, parsed, after many steps: each is told to `onstep({done, total})`. Once `signal` aborts, no further step is made and the answer is
   * null. */
  async askInSteps(name, args, { onstep, signal }) {
    await this.ready;
    if (signal.aborted) return null;
    const id = this.#next;
    signal.addEventListener("abort", () => this.#waiting.has(id) && this.#worker.postMessage({ callOff: id }), { once: true });
    return JSON.parse(await this.#send({ name, args, steps: `${name}_steps` }, onstep));
  }

  #send(question, onstep) {
    if (this.#broken) throw new Error(this.#broken);
    return new Promise((answer, refuse) => {
      const id = this.#next++;
      this.#waiting.set(id, { answer, refuse, onstep });
      this.#worker.postMessage({ id, ...question });
    });
  }

  #answer({ id, text, failed }) {
    const { answer, refuse } = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (failed) refuse(new Error(failed));
    else answer(text);
  }
}

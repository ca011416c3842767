// Processor time of the page and of its worker, from /proc: on a busy machine it says more than the clock does. Linux only; elsewhere it is 0.

import { readdirSync, readFileSync } from "node:fs";

const NANO = 1e6;

const read = (path) => {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return ""; // gone, or not Linux
  }
};

/** Files of the scheduler for the threads of the renderer that has a worker, below this process. */
function threads() {
  const parents = new Map();
  for (const name of process.platform === "linux" ? readdirSync("/proc") : []) {
    const stat = /^\d+$/.test(name) ? read(`/proc/${name}/stat`) : "";
    if (stat) parents.set(name, stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
  }
  const below = (name) => {
    for (let at = name; at && at !== "0"; at = parents.get(at)) if (Number(at) === process.pid) return true;
    return false;
  };
  const found = { worker: [], page: [] };
  for (const name of parents.keys()) {
    if (!read(`/proc/${name}/cmdline`).includes("--type=renderer") || !below(name)) continue;
    const tasks = readdirSync(`/proc/${name}/task`).map((task) => ({ task, called: read(`/proc/${name}/task/${task}/comm`) }));
    const workers = tasks.filter(({ called }) => called.startsWith("DedicatedWorker"));
    if (!workers.length) continue;
    found.worker.push(...workers.map(({ task }) => `/proc/${name}/task/${task}/schedstat`));
    found.page.push(`/proc/${name}/task/${name}/schedstat`);
  }
  return found;
}

/** Milliseconds that `work` takes: of the worker's and of the page's processor time. Call it once the worker is there. */
export function meter() {
  const files = threads();
  const spent = (kind) => files[kind].reduce((sum, path) => sum + Number(read(path).split(" ")[0] || 0) / NANO, 0);
  return async (work) => {
    const before = [spent("worker"), spent("page")];
    await work();
    return { worker: spent("worker") - before[0], page: spent("page") - before[1] };
  };
}

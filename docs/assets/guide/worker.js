// The engine in a worker of its own, so that the page stays quick while it thinks. Loads Python, the engine and the knowledge base, then answers
// {id, name, args} with {id, text}: names are those of setupgen.web.Engine, args are texts and numbers, text is one JSON document. What is asked for with
// {steps} tells {id, step} on its way, and answers null once {callOff: id} has come.

const report = (message) => self.postMessage(message);

/** Counts what arrives, so that the page can show how much is left. */
function counted(fetched, arrived) {
  return async (...args) => {
    const response = await fetched(...args).catch((error) => ({ ok: false, status: error.message, url: String(args[0]?.url ?? args[0]) }));
    if (!response.ok) {
      const message = `${response.url} could not be loaded (${response.status}).`;
      report({ failed: message }); // Pyodide may wait for ever for what it did not get
      throw new Error(message);
    }
    const counter = new TransformStream({
      transform(chunk, controller) {
        arrived(chunk.byteLength);
        controller.enqueue(chunk);
      },
    });
    const { status, statusText, headers } = response;
    return new Response(response.body.pipeThrough(counter), { status, statusText, headers });
  };
}

async function start({ base, manifest }) {
  let loaded = 0;
  const arrived = (bytes) => report({ progress: { stage: "loading", loaded: Math.min((loaded += bytes), manifest.bytes), total: manifest.bytes } });
  const plain = self.fetch.bind(self);
  self.fetch = counted(plain, arrived);
  const at = (path) => new URL(path, base).href;
  const [code, pack, { loadPyodide }] = await Promise.all([
    self.fetch(at(manifest.code)).then((response) => response.arrayBuffer()),
    self.fetch(at(manifest.pack)).then((response) => response.text()),
    import(at(`${manifest.python}pyodide.mjs`)),
  ]);
  const python = await loadPyodide({ indexURL: at(manifest.python), env: { HOME: "/home/web", PYTHONHASHSEED: "0" } });
  self.fetch = plain;
  report({ progress: { stage: "starting", loaded: manifest.bytes, total: manifest.bytes } });
  python.unpackArchive(code, "zip", { extractDir: "/home/web/lib" });
  python.globals.set("pack", pack);
  const engine = python.runPython(
    'import sys; sys.path.insert(0, "/home/web/lib"); import setupgen.web, setupgen.render.files; setupgen.web.Engine(pack)',
  );
  python.globals.delete("pack");
  return engine;
}

/** Goes through what takes many steps, and tells of each; in between, what else is asked is answered, and it may be called off. */
async function inSteps(id, steps) {
  try {
    for (let step = steps.next(); !step.done; step = steps.next()) {
      report({ id, step: JSON.parse(step.value) });
      await new Promise((next) => setTimeout(next));
      if (calledOff.delete(id)) return false;
    }
    return true;
  } finally {
    steps.destroy();
  }
}

let engine;
const calledOff = new Set();
self.addEventListener("message", async ({ data }) => {
  if (data.start) {
    try {
      engine = await start(data.start);
      report({ ready: true });
    } catch (error) {
      report({ failed: String(error?.message ?? error).slice(0, 500) });
    }
    return;
  }
  if (data.callOff) {
    calledOff.add(data.callOff);
    return;
  }
  try {
    const whole = !data.steps || (await inSteps(data.id, engine[data.steps](...data.args)));
    report(whole ? { id: data.id, text: engine[data.name](...data.args) } : { id: data.id, text: "null" });
  } catch (error) {
    report({ id: data.id, failed: String(error?.message ?? error).slice(-500) });
  }
});
report({ alive: true });

// Lets the browser keep the page and the engine for visits without a network (offline.js at the root of the site).

const ROOT = new URL("../../", import.meta.url);
const SCOPES = ["guide/", "assets/guide/"]; // the page, and the worker with what it fetches

/** Settles once a release is kept; false where the browser keeps nothing. */
export async function keepOffline() {
  if (!navigator.serviceWorker || navigator.connection?.saveData) return false;
  try {
    for (const scope of SCOPES) {
      const registration = await navigator.serviceWorker.register(new URL("offline.js", ROOT), { scope: new URL(scope, ROOT).pathname });
      if (!(await settled(registration.installing ?? registration.waiting ?? registration.active))) return false;
    }
    return true;
  } catch {
    return false; // the guide runs all the same
  }
}

const settled = (worker) =>
  new Promise((resolve) => {
    const look = () => ["activated", "redundant"].includes(worker.state) && resolve(worker.state === "activated");
    worker.addEventListener("statechange", look);
    look();
  });

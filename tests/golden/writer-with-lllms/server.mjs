// Made by setupgen 0.1.0 from knowledge sha256:DIGEST.
// Make it again: setupgen write my-setup
// Change the answers instead of this file: setupgen refuses to overwrite a file that was edited.
// PORT in override.env moves it.
import { startHTTPServer } from "lllms";

const model = {
  task: "text-completion",
  engine: "node-llama-cpp",
  url: "https://huggingface.co/unsloth/Qwen3.5-9B-GGUF/resolve/main/Qwen3.5-9B-Q6_K.gguf",
  // Fetched and loaded at the start, and kept.
  prepare: "blocking",
  minInstances: 1,
  maxInstances: 1,
  contextSize: 32768,
  completionDefaults: {
    minP: 0.05,
    presencePenalty: 1.5,
    temperature: 1.0,
    topK: 20,
    topP: 0.95,
  },
  device: {"gpu": "cuda"},
};

await startHTTPServer({
  listen: { host: "127.0.0.1", port: Number(process.env.PORT || 3000) },
  log: "info",
  concurrency: 1,
  models: { "qwen3.5-9b": model },
});

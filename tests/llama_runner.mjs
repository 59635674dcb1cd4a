/**
 * Runs llama.cpp on a GGUF file. A job comes in as JSON, what came out is printed as JSON.
 *
 * The job: `file`; `prompts`, texts that are cut into tokens; `length`, how many tokens are added to
 * each, always the most probable one; `size`, the most tokens at once; `words`: true loads the
 * vocabulary alone. Printed: `kind` of model, `bos`, `eos`, `begins` (whether llama.cpp puts BOS
 * first), and for each prompt `tokens` (its own), `text` (what they say), `all` (with BOS and what
 * was added) and `logits` at each position. Everything is computed in float32.
 *
 * The package holds the binary and nothing that loads it; here it is called directly, which is safe
 * as long as its version is pinned.
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { getBinsDir } from "@node-llama-cpp/linux-x64";

const FLOAT32 = 0; // of ggml's types
const WARNINGS = 3;

const folder = path.join(getBinsDir().binsDir, "linux-x64");
const llama = createRequire(import.meta.url)(path.join(folder, "llama-addon.node"));

/** The logits of one position, by token. */
async function logitsAt(context, sampler, index) {
  const found = await context.sampleToken(index, sampler, false, false, true, false);
  const logits = [];
  for (let i = 0; i < found[3].length; i += 2) logits[found[3][i]] = found[3][i + 1];
  return logits;
}

/** The prompt with `length` tokens more, and the logits of all its positions but the last. */
async function continued(context, sampler, prompt, length) {
  const all = [...prompt];
  const logits = [];
  for (let fed = 0; all.length < prompt.length + length; ) {
    const next = all.slice(fed);
    context.initBatch(next.length);
    const places = Uint32Array.from(next.keys());
    const indices = context.addToBatch(0, fed, Uint32Array.from(next), places);
    await context.decodeBatch();
    for (const index of indices) logits.push(await logitsAt(context, sampler, index));
    fed = all.length;
    const last = logits.at(-1);
    all.push(last.indexOf(Math.max(...last)));
  }
  context.disposeSequence(0);
  return { all, logits };
}

async function run(job) {
  llama.setLogger((_level, text) => process.stderr.write(text));
  llama.setLoggerLogLevel(WARNINGS);
  llama.loadBackends(folder);
  await llama.init();
  const loading = { addonExports: llama, gpuLayers: 0, useMmap: false, vocabOnly: !!job.words };
  const model = new llama.AddonModel(job.file, loading);
  if (!(await model.init())) throw new Error(`llama.cpp doesn't load ${job.file}`);
  const bos = model.tokenBos();
  const prompts = job.prompts.map((text) => {
    const tokens = model.tokenize(text, false);
    return { tokens: [...tokens], text: model.detokenize(tokens, false) };
  });
  if (!job.words) {
    const context = new llama.AddonContext(model, {
      contextSize: job.size,
      batchSize: job.size,
      sequences: 1,
      threads: 1,
      flashAttention: false,
      kvCacheKeyType: FLOAT32,
      kvCacheValueType: FLOAT32,
    });
    if (!(await context.init())) throw new Error("llama.cpp makes no context");
    const sampler = new llama.AddonSampler(model);
    sampler.applyConfig({ temperature: 0 });
    for (const prompt of prompts) {
      Object.assign(prompt, await continued(context, sampler, [bos, ...prompt.tokens], job.length));
    }
    sampler.dispose();
    await context.dispose();
  }
  const about = { kind: model.getModelDescription(), bos, eos: model.tokenEos() };
  const begins = model.shouldPrependBosToken();
  await model.dispose();
  return { ...about, begins, prompts };
}

process.stdout.write(JSON.stringify(await run(JSON.parse(readFileSync(0, "utf8")))));

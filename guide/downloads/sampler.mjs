// Writes names with a trained microgpt model. One file, for Node 18 and for pages; it needs nothing
// else.
//
//     node sampler.mjs                          20 names, from nothing
//     node sampler.mjs ann k                    one name that begins with ann, then one with k
//     node sampler.mjs --temperature 1.2 --seed 7 --count 5 ann
//
// In a page:  import { Random, sample } from "./sampler.mjs";
//             const model = await (await fetch("model.json")).json();
//             sample(model, "ann", 0.7, new Random(42));
//
// It reads model.json from its own folder, or from where --model says. With the same seed,
// temperature and beginnings it writes what the guide's page writes, and what `microgpt sample
// model.json` does: one stream of random numbers, one name after the other.

/** Python's random numbers: the Mersenne Twister MT19937, seeded by one whole number below 2^32. */
export class Random {
  constructor(seed) {
    const s = (this.words = new Uint32Array(624));
    this.next = 624;
    s[0] = 19650218;
    for (let i = 1; i < 624; i++) s[i] = Math.imul(1812433253, s[i - 1] ^ (s[i - 1] >>> 30)) + i;
    let i = 1;
    const mix = (factor, add) => {
      s[i] = (s[i] ^ Math.imul(s[i - 1] ^ (s[i - 1] >>> 30), factor)) + add(i);
      if (++i === 624) {
        s[0] = s[623];
        i = 1;
      }
    };
    for (let k = 0; k < 624; k++) mix(1664525, () => seed);
    for (let k = 0; k < 623; k++) mix(1566083941, (at) => -at);
    s[0] = 0x80000000;
  }

  /** A number in [0, 1), of 53 random bits. */
  random() {
    return ((this.word() >>> 5) * 2 ** 26 + (this.word() >>> 6)) / 2 ** 53;
  }

  word() {
    const s = this.words;
    if (this.next === 624) {
      for (let i = 0; i < 624; i++) {
        const y = (s[i] & 0x80000000) | (s[(i + 1) % 624] & 0x7fffffff);
        s[i] = s[(i + 397) % 624] ^ (y >>> 1) ^ (y & 1 ? 0x9908b0df : 0);
      }
      this.next = 0;
    }
    let y = s[this.next++];
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    return (y ^ (y >>> 18)) >>> 0;
  }
}

const sum = (numbers) => numbers.reduce((total, x) => total + x, 0);
const dot = (a, b) => sum(a.map((x, i) => x * b[i]));
const added = (a, b) => a.map((x, i) => x + b[i]);
const linear = (x, matrix) => matrix.map((row) => dot(row, x));

function rmsnorm(x) {
  const scale = (dot(x, x) / x.length + 1e-5) ** -0.5;
  return x.map((xi) => xi * scale);
}

function softmax(x) {
  const highest = Math.max(...x);
  const powers = x.map((xi) => Math.exp(xi - highest));
  const total = sum(powers);
  return powers.map((p) => p / total);
}

/** Scores [vocab_size] of what may follow; `cache` keeps keys and values of each layer. */
export function gpt({ config, state_dict: weights }, token, position, cache) {
  const size = config.head_dim;
  let x = rmsnorm(added(weights.wte[token], weights.wpe[position]));
  for (let i = 0; i < config.n_layer; i++) {
    const part = (name) => weights[`layer${i}.${name}`];
    const { keys, values } = cache[i];
    let before = x;
    x = rmsnorm(x);
    const q = linear(x, part("attn_wq"));
    keys.push(linear(x, part("attn_wk")));
    values.push(linear(x, part("attn_wv")));
    const heads = [];
    for (let low = 0; low < config.n_embd; low += size) {
      const cut = (vector) => vector.slice(low, low + size);
      const looks = softmax(keys.map((k) => dot(cut(q), cut(k)) / Math.sqrt(size)));
      for (let j = low; j < low + size; j++)
        heads.push(
          dot(
            looks,
            values.map((v) => v[j]),
          ),
        );
    }
    x = added(linear(heads, part("attn_wo")), before);
    before = x;
    x = linear(rmsnorm(x), part("mlp_fc1")).map((h) => Math.max(0, h));
    if (config.activation === "relu_squared") x = x.map((h) => h * h);
    x = added(linear(x, part("mlp_fc2")), before);
  }
  return linear(x, weights.lm_head);
}

/** The index that Python's random.choices takes: the first whose cumulative sum is greater. */
function choose(probs, uniform) {
  const mark = uniform * sum(probs);
  let reached = 0;
  for (let i = 0; i < probs.length - 1; i++) {
    reached += probs[i];
    if (reached > mark) return i;
  }
  return probs.length - 1;
}

/** One name that begins with `prefix`; its letters are forced and draw no random number. */
export function sample(model, prefix, temperature, rng) {
  const { BOS, block_size, n_layer } = model.config;
  const forced = Array.from(prefix, (letter) => model.tokenizer.stoi[letter]);
  const cache = Array.from({ length: n_layer }, () => ({ keys: [], values: [] }));
  const tokens = [];
  let token = BOS;
  for (let position = 0; position < block_size; position++) {
    const logits = gpt(model, token, position, cache);
    token =
      position < forced.length
        ? forced[position]
        : choose(softmax(logits.map((score) => score / temperature)), rng.random());
    if (token === BOS) break;
    tokens.push(token);
  }
  return tokens.map((t) => model.tokenizer.uchars[t]).join("");
}

const OPTIONS = "[--model FILE] [--seed N] [--temperature T] [--count N]";
const HELP = `node sampler.mjs [BEGINNING ...] ${OPTIONS}
Writes one name for each beginning, or 20 from nothing. Seed 42 and temperature 0.7 if not given.`;

function end(line) {
  console.error(line);
  process.exit(2);
}

async function readModel(path) {
  const { readFile } = await import("node:fs/promises");
  let model = null;
  try {
    model = JSON.parse(await readFile(path, "utf8"));
  } catch (error) {
    end(
      error instanceof SyntaxError
        ? `${path} is not readable JSON. Download model.json again.`
        : `${path} can't be read (${error.code}). Name the model with --model.`,
    );
  }
  if (model?.format !== "tiny-gpt-char-v1") end(`${path} is no model.json of microgpt.`);
  return model;
}

async function main(words) {
  const asked = {
    model: new URL("model.json", import.meta.url),
    seed: "42",
    temperature: "0.7",
    count: "",
  };
  const prefixes = [];
  while (words.length) {
    const word = words.shift();
    const [name, given] = word.startsWith("--") ? word.slice(2).split(/=(.*)/s) : [];
    if (name === "help") return console.log(HELP);
    if (name === undefined) prefixes.push(word);
    else if (!Object.hasOwn(asked, name)) end(`There is no --${name}.\n${HELP}`);
    else asked[name] = given ?? words.shift() ?? end(`--${name} needs a value.`);
  }
  const number = (name, from, to, whole) => {
    const x = String(asked[name]).trim() === "" ? NaN : Number(asked[name]);
    const good = x >= from && x <= to && (!whole || Number.isInteger(x));
    return good
      ? x
      : end(
          `The ${name} is ${asked[name]}, must be ${whole ? "a whole number " : ""}from ` +
            `${from} to ${to}.`,
        );
  };
  const seed = number("seed", 0, 2 ** 32 - 1, true);
  const temperature = number("temperature", 0.001, 1000, false);
  const count = asked.count === "" ? 0 : number("count", 1, 1e9, true);
  const file = prefixes.find((prefix) => /\.(json|py|mjs)$/i.test(prefix));
  if (file !== undefined)
    end(
      `${file} is a file; what stands here is how a name should begin, as in 'sampler.mjs ann'. ` +
        `The model.json beside sampler.mjs is read anyway, another one with --model ${file}`,
    );
  const model = await readModel(asked.model);
  const most = model.config.block_size - 1;
  for (const prefix of prefixes) {
    const unknown = Array.from(prefix).find(
      (letter) => !Object.hasOwn(model.tokenizer.stoi, letter),
    );
    if (unknown !== undefined)
      end(`${unknown} of ${prefix.slice(0, 40)} is not a letter that the model knows.`);
    if (prefix.length > most)
      end(`${prefix.slice(0, 20)} has ${prefix.length} letters, must be at most ${most}.`);
  }
  const rng = new Random(seed);
  for (const prefix of prefixes.length ? prefixes : [""]) {
    for (let i = 0; i < (count || (prefix ? 1 : 20)); i++)
      console.log(sample(model, prefix, temperature, rng));
  }
}

const program = globalThis.process?.argv?.[1];
if (program) {
  const { pathToFileURL } = await import("node:url");
  const { realpathSync } = await import("node:fs");
  if (import.meta.url === pathToFileURL(realpathSync(program)).href)
    await main(process.argv.slice(2));
}

// The forward pass written out in plain numbers, straight from the formulas, to compare with.

const sum = (numbers) => numbers.reduce((a, b) => a + b, 0);

/** rmsnorm of a vector. */
function norm(x) {
  const scale = (sum(x.map((a) => a * a)) / x.length + 1e-5) ** -0.5;
  return x.map((a) => a * scale);
}

function softmax(x) {
  const highest = Math.max(...x);
  const e = x.map((a) => Math.exp(a - highest));
  const total = sum(e);
  return e.map((a) => a / total);
}

/** Scores [n][V] after each of the tokens; weights are flat, by name. */
export function plainLogits(config, weights, tokens) {
  const C = config.n_embd;
  const D = C / config.n_head;
  const row = (name, r) => Array.from(weights[name].subarray(r * C, (r + 1) * C));
  const times = (name, x) => {
    const w = weights[name];
    const y = Array(w.length / x.length).fill(0);
    for (let r = 0; r < y.length; r++) {
      for (let i = 0; i < x.length; i++) y[r] += w[r * x.length + i] * x[i];
    }
    return y;
  };
  const add = (a, b) => a.map((x, i) => x + b[i]);
  const act = (x) => (x > 0 ? (config.activation === "relu" ? x : x * x) : 0);
  const caches = Array.from({ length: config.n_layer }, () => ({ k: [], v: [] }));
  return tokens.map((token, position) => {
    let x = norm(add(row("wte", token), row("wpe", position)));
    caches.forEach((cache, l) => {
      const name = (part) => `layer${l}.${part}`;
      const h = norm(x);
      const q = times(name("attn_wq"), h);
      cache.k.push(times(name("attn_wk"), h));
      cache.v.push(times(name("attn_wv"), h));
      const heads = [];
      for (let at = 0; at < C; at += D) {
        const part = (vector) => vector.slice(at, at + D);
        const scores = cache.k.map((k) => sum(part(k).map((a, i) => a * q[at + i])) / Math.sqrt(D));
        const look = softmax(scores);
        for (let i = at; i < at + D; i++) heads.push(sum(cache.v.map((v, t) => look[t] * v[i])));
      }
      x = add(times(name("attn_wo"), heads), x);
      x = add(times(name("mlp_fc2"), times(name("mlp_fc1"), norm(x)).map(act)), x);
    });
    return times("lm_head", x);
  });
}

/** Mean -log p(next token) over all positions of the documents, from their scores. */
export function plainLoss(docs, scores) {
  let loss = 0;
  let positions = 0;
  docs.forEach((doc, d) => {
    scores[d].forEach((row, t) => {
      const highest = Math.max(...row);
      loss += Math.log(sum(row.map((x) => Math.exp(x - highest)))) + highest - row[doc[t + 1]];
    });
    positions += scores[d].length;
  });
  return loss / positions;
}

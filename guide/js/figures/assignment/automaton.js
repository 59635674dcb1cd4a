// Banned words as an automaton over tokens, as src/microgpt/guard/automaton.py makes it for words
// that count anywhere in a text: state by state the same tables. No DOM.
//
// A state is the longest end of the text so far that begins a banned word. One state, if any, says
// that a word has been completed; no token leads out of it.

/** @typedef {import("../../tokenizer.js").Tokenizer} Tokenizer */

/** Letters that begin a banned word: with so many at its end, a request is no longer harmless. */
export const BEGINS = 3;

export class Automaton {
  /**
   * Words with a character that the model doesn't know can't come out, and are left out.
   * @param {Iterable<string>} words
   * @param {Tokenizer} tokenizer
   */
  constructor(words, tokenizer) {
    this.tokenizer = tokenizer;
    const V = tokenizer.vocab_size;
    const { table, hit, depth } = trieOf(words, tokenizer);
    const { order, place } = reachable(table, hit, V);
    const states = order.length;
    /** Tokens [V] wide, one row a state: where each leads. */ this.next = new Int32Array(
      states * V,
    );
    order.forEach((node, s) => {
      for (let t = 0; t < V; t++) this.next[s * V + t] = place[table[node * V + t]];
    });
    /** How many letters at the end begin a word, by state. */ this.depth = order.map(
      (node) => depth[node],
    );
    const last = order[states - 1];
    /** The state of a completed word; −1 if there is none. */ this.hit = hit[last]
      ? states - 1
      : -1;
    /** Tokens that would complete a word, 1 each; after one only the end is left. */
    this.banned = this.next.map((to) => Number(to === this.hit));
    if (this.hit >= 0) this.banned[this.hit * V + V - 1] = 0;
    /** Whether a state bans any token. */
    this.risky = order.map((_, s) => this.banned.subarray(s * V, s * V + V).includes(1));
  }

  get states() {
    return this.depth.length;
  }

  /** What `sample` of an engine takes. @returns {import("../../sampling.js").Guard} */
  get guard() {
    return { next: this.next, banned: this.banned };
  }

  /** @param {Iterable<number>} tokens @param {number} [state] */
  after(tokens, state = 0) {
    for (const token of tokens) state = this.next[state * this.tokenizer.vocab_size + token];
    return state;
  }

  /** Whether the text holds a banned word. @param {string} text */
  contains(text) {
    return this.after(this.tokenizer.encode(text)) === this.hit;
  }

  /**
   * Whether an end of `text` of so many letters begins a banned word, or it holds one.
   * @param {string} text
   */
  begins(text, atLeast = BEGINS) {
    const state = this.after(this.tokenizer.encode(text));
    return state === this.hit || this.depth[state] >= atLeast;
  }
}

/**
 * Aho and Corasick's tree: moves [N × V], whether a node completes a word, its letters.
 * @param {Iterable<string>} words
 * @param {Tokenizer} tokenizer
 */
function trieOf(words, tokenizer) {
  const V = tokenizer.vocab_size;
  const known = new Set(tokenizer.uchars);
  /** @type {Map<number, number>[]} */ const children = [new Map()];
  const hit = [false];
  const written = [...new Set(words)].filter(
    (word) => word && [...word].every((char) => known.has(char)),
  );
  for (const word of written.sort()) {
    let node = 0;
    for (const symbol of tokenizer.encode(word)) {
      let child = children[node].get(symbol);
      if (child === undefined) {
        child = children.length;
        children[node].set(symbol, child);
        children.push(new Map());
        hit.push(false);
      }
      node = child;
    }
    hit[node] = true;
  }
  const table = new Int32Array(children.length * V);
  const depth = children.map(() => 0);
  const waiting = [[0, 0]]; // a node, and where its longest proper end leads
  for (let i = 0; i < waiting.length; i++) {
    const [node, back] = waiting[i];
    hit[node] ||= hit[back];
    if (node) table.copyWithin(node * V, back * V, back * V + V);
    for (const [symbol, child] of children[node]) {
      // The root's children fall back to the root: its row has no child entered yet.
      waiting.push([child, node ? table[node * V + symbol] : 0]);
      depth[child] = depth[node] + 1;
    }
    for (const [symbol, child] of children[node]) table[node * V + symbol] = child;
  }
  hit.forEach((isHit, node) => isHit && table.fill(node, node * V, node * V + V));
  return { table, hit, depth };
}

/**
 * Nodes that a text can lead to, nearest first; all that complete a word are one, the last.
 * @param {Int32Array} table
 * @param {boolean[]} hit
 * @param {number} V
 */
function reachable(table, hit, V) {
  const seen = hit.map(() => false);
  seen[0] = true;
  const order = [0];
  /** @type {number[]} */ const hits = [];
  for (let level = [0]; level.length; ) {
    const found = new Set(
      level.flatMap((node) => Array.from(table.subarray(node * V, node * V + V))),
    );
    const fresh = [...found].filter((node) => !seen[node]).sort((a, b) => a - b);
    for (const node of fresh) {
      seen[node] = true;
      (hit[node] ? hits : order).push(node);
    }
    level = fresh.filter((node) => !hit[node]);
  }
  order.push(...hits.slice(0, 1));
  const place = hit.map((isHit) => (isHit ? order.length - 1 : -1));
  order.forEach((node, i) => (place[node] = i));
  return { order, place };
}

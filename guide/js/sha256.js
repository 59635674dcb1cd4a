// SHA-256 (FIPS 180-4), at once: `crypto.subtle` answers later, and only on pages served securely.

/** The first 32 bits after the point. @param {number} x */
const fraction = (x) => ((x % 1) * 2 ** 32) | 0;
/** @param {number} word @param {number} by */
const turned = (word, by) => (word >>> by) | (word << (32 - by));

/** @type {number[]} */
const primes = [];
for (let n = 2; primes.length < 64; n++) if (primes.every((p) => n % p)) primes.push(n);
const ROUNDS = Int32Array.from(primes, (p) => fraction(Math.cbrt(p)));
const BEGIN = primes.slice(0, 8).map((p) => fraction(Math.sqrt(p)));

/**
 * The SHA-256 of some bytes in hexadecimal.
 * @param {Uint8Array} bytes
 */
export function sha256(bytes) {
  const state = Int32Array.from(BEGIN);
  const whole = bytes.length - (bytes.length % 64);
  mix(state, new DataView(bytes.buffer, bytes.byteOffset, whole));
  // What is left, a 1 bit, zeros, and the length in bits fill one block or two.
  const left = bytes.subarray(whole);
  const end = new DataView(new ArrayBuffer(left.length < 56 ? 64 : 128));
  new Uint8Array(end.buffer).set([...left, 0x80]);
  end.setBigUint64(end.byteLength - 8, BigInt(bytes.length) * 8n);
  mix(state, end);
  return Array.from(state, (word) => (word >>> 0).toString(16).padStart(8, "0")).join("");
}

/**
 * Take whole blocks of 64 bytes into the state.
 * @param {Int32Array} state
 * @param {DataView} blocks
 */
function mix(state, blocks) {
  const w = new Int32Array(64);
  for (let at = 0; at < blocks.byteLength; at += 64) {
    for (let i = 0; i < 64; i++) {
      if (i < 16) {
        w[i] = blocks.getInt32(at + 4 * i);
        continue;
      }
      const near = turned(w[i - 2], 17) ^ turned(w[i - 2], 19) ^ (w[i - 2] >>> 10);
      const far = turned(w[i - 15], 7) ^ turned(w[i - 15], 18) ^ (w[i - 15] >>> 3);
      w[i] = near + w[i - 7] + far + w[i - 16];
    }
    let [a, b, c, d, e, f, g, h] = state;
    for (let i = 0; i < 64; i++) {
      const low = turned(e, 6) ^ turned(e, 11) ^ turned(e, 25);
      const high = turned(a, 2) ^ turned(a, 13) ^ turned(a, 22);
      const t = (h + low + ((e & f) ^ (~e & g)) + ROUNDS[i] + w[i]) | 0;
      const u = high + ((a & b) ^ (a & c) ^ (b & c));
      [a, b, c, d, e, f, g, h] = [(t + u) | 0, a, b, c, (d + t) | 0, e, f, g];
    }
    [a, b, c, d, e, f, g, h].forEach((word, i) => (state[i] += word));
  }
}

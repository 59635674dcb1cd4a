// A short text as a QR code: digits, capitals, space and $%*+-./: only, at most 61 of them. No DOM.
//
// What ISO/IEC 18004 says, for versions 1 to 3 at error correction level M, where one block holds
// everything. `dark[y][x]` is a module, without the quiet zone of four around it.

export const SYMBOLS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";
export const QUIET = 4;
/** Codewords of data and of error correction, and where the alignment pattern is, by version. */
const VERSIONS = [
  { size: 21, data: 16, correction: 10, aligned: 0 },
  { size: 25, data: 28, correction: 16, aligned: 18 },
  { size: 29, data: 44, correction: 26, aligned: 22 },
];
const ALPHANUMERIC = 0b0010;
const PADS = [0b11101100, 0b00010001];
const FORMAT = { generator: 0b10100110111, mask: 0b101010000010010 };
/** The eight masks: where they turn a module over. @type {((y: number, x: number) => boolean)[]} */
const MASKS = [
  (y, x) => (y + x) % 2 === 0,
  (y) => y % 2 === 0,
  (_, x) => x % 3 === 0,
  (y, x) => (y + x) % 3 === 0,
  (y, x) => (Math.floor(y / 2) + Math.floor(x / 3)) % 2 === 0,
  (y, x) => ((y * x) % 2) + ((y * x) % 3) === 0,
  (y, x) => (((y * x) % 2) + ((y * x) % 3)) % 2 === 0,
  (y, x) => (((y + x) % 2) + ((y * x) % 3)) % 2 === 0,
];

// ---------------------------------------------------------------- codewords

/** Powers of α in the field of 256, and their logarithms. */
const POWERS = [1];
while (POWERS.length < 255) {
  const next = POWERS[POWERS.length - 1] * 2;
  POWERS.push(next > 255 ? next ^ 0b100011101 : next);
}
const LOGS = new Map(POWERS.map((power, i) => [power, i]));

/** @param {number} a @param {number} b */
function times(a, b) {
  const [i, j] = [LOGS.get(a), LOGS.get(b)];
  return i === undefined || j === undefined ? 0 : POWERS[(i + j) % 255];
}

/**
 * The error correction codewords: what is left when the data, moved up by as many places, is
 * divided by (x − 1)(x − α)(x − α²) ….
 * @param {readonly number[]} data
 * @param {number} many
 */
export function corrections(data, many) {
  let generator = [1];
  for (let i = 0; i < many; i++)
    generator = [...generator, 0].map(
      (one, j) => one ^ (j ? times(generator[j - 1], POWERS[i]) : 0),
    );
  const rest = [...data, ...Array(many).fill(0)];
  for (let i = 0; i < data.length; i++) {
    const factor = rest[i];
    generator.forEach((one, j) => {
      rest[i + j] ^= times(one, factor);
    });
  }
  return rest.slice(data.length);
}

/** @param {number} x @param {number} many bits */
const bitsOf = (x, many) => x.toString(2).padStart(many, "0");

/** The bits of a text in alphanumeric mode, without what fills up. @param {string} text */
export function bitsOfText(text) {
  const values = [...text].map((symbol) => SYMBOLS.indexOf(symbol));
  if (values.includes(-1)) throw new RangeError(`${text} has what no such QR code can hold`);
  let bits = bitsOf(ALPHANUMERIC, 4) + bitsOf(values.length, 9);
  for (let i = 0; i + 1 < values.length; i += 2) bits += bitsOf(values[i] * 45 + values[i + 1], 11);
  return values.length % 2 ? bits + bitsOf(values[values.length - 1], 6) : bits;
}

/** @param {string} bits @param {number} many codewords */
function dataCodewords(bits, many) {
  const ended = bits + "0".repeat(Math.min(4, 8 * many - bits.length));
  const whole = ended.padEnd(Math.ceil(ended.length / 8) * 8, "0");
  const words = (whole.match(/.{8}/g) ?? []).map((word) => Number.parseInt(word, 2));
  for (let i = 0; words.length < many; i++) words.push(PADS[i % 2]);
  return words;
}

// ---------------------------------------------------------------- the square

/** The 15 bits that name level M and the mask. @param {number} mask */
export function formatBits(mask) {
  let rest = mask << 10; // level M is 00
  for (let bit = 14; bit >= 10; bit--)
    if (rest & (1 << bit)) rest ^= FORMAT.generator << (bit - 10);
  return ((mask << 10) | rest) ^ FORMAT.mask;
}

/**
 * What is the same in every code of this size; `undefined` is left for data.
 * @param {{size: number, aligned: number}} version
 */
function frame({ size, aligned }) {
  /** @type {(boolean | undefined)[][]} */
  const made = Array.from({ length: size }, () => Array(size).fill(undefined));
  const put = (/** @type {number} */ y, /** @type {number} */ x, /** @type {boolean} */ dark) => {
    if (y >= 0 && x >= 0 && y < size && x < size) made[y][x] = dark;
  };
  for (let i = 8; i < size - 8; i++) {
    put(6, i, i % 2 === 0);
    put(i, 6, i % 2 === 0);
  }
  for (const [top, left] of [
    [0, 0],
    [0, size - 7],
    [size - 7, 0],
  ])
    for (let y = -1; y <= 7; y++)
      for (let x = -1; x <= 7; x++) {
        const ring = Math.max(Math.abs(y - 3), Math.abs(x - 3));
        put(top + y, left + x, ring !== 2 && ring !== 4);
      }
  for (let y = -2; y <= 2 && aligned; y++)
    for (let x = -2; x <= 2; x++)
      put(aligned + y, aligned + x, Math.max(Math.abs(y), Math.abs(x)) !== 1);
  for (const [y, x] of formatPlaces(size).flat()) put(y, x, false);
  put(size - 8, 8, true);
  return made;
}

/** Where each bit of the format stands, twice; the lowest first. @param {number} size */
const formatPlaces = (size) =>
  Array.from({ length: 15 }, (_, i) => {
    const near = i < 6 ? [i, 8] : i < 8 ? [i + 1, 8] : i < 9 ? [8, 7] : [8, 14 - i];
    return [near, i < 8 ? [8, size - 1 - i] : [size - 15 + i, 8]];
  });

/** The places of data in their order: pairs of columns from the right, up and down. */
function* places(/** @type {(boolean | undefined)[][]} */ made) {
  const size = made.length;
  let up = true;
  for (let right = size - 1; right > 0; right -= 2, up = !up) {
    if (right === 6) right--; // the column of the timing pattern
    for (let i = 0; i < size; i++)
      for (const x of [right, right - 1]) {
        const y = up ? size - 1 - i : i;
        if (made[y][x] === undefined) yield [y, x];
      }
  }
}

/** How hard a square is to read, by the standard's four rules. @param {boolean[][]} dark */
function penalty(dark) {
  const size = dark.length;
  const rows = dark.map((row) => row.map((one) => (one ? "1" : "0")).join(""));
  const columns = rows.map((_, x) => rows.map((row) => row[x]).join(""));
  let sum = 0;
  for (const line of [...rows, ...columns]) {
    for (const [run] of line.matchAll(/0{5,}|1{5,}/g)) sum += run.length - 2;
    for (const like of [/(?=10111010000)/g, /(?=00001011101)/g])
      sum += 40 * [...line.matchAll(like)].length;
  }
  for (let y = 0; y + 1 < size; y++)
    for (let x = 0; x + 1 < size; x++) {
      const four = rows[y].slice(x, x + 2) + rows[y + 1].slice(x, x + 2);
      if (four === "0000" || four === "1111") sum += 3;
    }
  const share = rows.join("").replaceAll("0", "").length / size ** 2;
  return sum + 10 * Math.floor(Math.abs(share - 0.5) * 20);
}

/** The square for a text. @param {string} text @returns {boolean[][]} */
export function qrOf(text) {
  const bits = bitsOfText(text);
  const version = VERSIONS.find(({ data }) => bits.length <= 8 * data);
  if (!version) throw new RangeError(`${text} is too long for a QR code of this kind`);
  const data = dataCodewords(bits, version.data);
  const stream = [...data, ...corrections(data, version.correction)]
    .map((word) => bitsOf(word, 8))
    .join("");
  const empty = frame(version);
  const order = [...places(empty)];
  const all = MASKS.map((turns, mask) => {
    const made = empty.map((row) => row.map(Boolean));
    order.forEach(([y, x], i) => {
      made[y][x] = (stream[i] === "1") !== turns(y, x); // bits that are left over are 0
    });
    const format = formatBits(mask);
    formatPlaces(version.size).forEach((twice, i) => {
      for (const [y, x] of twice) made[y][x] = Boolean((format >> i) & 1);
    });
    return made;
  });
  const hard = all.map(penalty);
  return all[hard.indexOf(Math.min(...hard))];
}

/** The square as an SVG path, one run of dark modules after the other. @param {boolean[][]} dark */
export const qrPath = (dark) =>
  dark
    .flatMap((row, y) =>
      [
        ...row
          .map((one) => (one ? "1" : "0"))
          .join("")
          .matchAll(/1+/g),
      ].map(
        ({ 0: run, index }) => `M${index + QUIET} ${y + QUIET}h${run.length}v1h-${run.length}z`,
      ),
    )
    .join("");

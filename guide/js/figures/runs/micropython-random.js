// Python's module `random` for MicroPython, whose own has other numbers and fewer functions. The
// words come from ../../random.js, so that a seed gives what it gives in CPython.

import { Random } from "../../random.js";

/** What the module below asks for; whole numbers pass as 32 bits with a sign. */
export function twister() {
  let stream = new Random(0);
  return {
    seed(/** @type {number} */ high, /** @type {number} */ low) {
      stream = new Random(high * 65536 + low);
    },
    anew() {
      stream = new Random(crypto.getRandomValues(new Uint32Array(1))[0]);
    },
    random: () => stream.random(),
    bits: (/** @type {number} */ count) => stream.getrandbits(count),
    below: (/** @type {number} */ n) => stream.randrange(n),
  };
}

export const RANDOM = `
import math
import _twister

_kept = None

def seed(a=None):
    global _kept
    _kept = None
    if a is None:
        return _twister.anew()
    if not isinstance(a, int) or abs(a) >= 1 << 32:
        raise ValueError("here random.seed() takes a whole number below 2**32")
    _twister.seed(abs(a) >> 16, abs(a) & 65535)

def random():
    return _twister.random()

def getrandbits(k):
    if k < 0:
        raise ValueError("number of bits must be non-negative")
    number = shift = 0
    while k > 0:
        number |= (_twister.bits(min(k, 32)) & 0xFFFFFFFF) << shift  # it comes with a sign
        shift += 32
        k -= 32
    return number

def _below(n):
    if n < 1 << 30:
        return int(_twister.below(n))
    k = 0
    while n >> k:
        k += 1
    number = getrandbits(k)
    while number >= n:
        number = getrandbits(k)
    return number

def randrange(start, stop=None, step=1):
    if stop is None:
        start, stop = 0, start
    count = (stop - start + step - (1 if step > 0 else -1)) // step
    if count <= 0:
        raise ValueError("empty range for randrange()")
    return start + step * _below(count)

def randint(a, b):
    return randrange(a, b + 1)

def choice(seq):
    if not len(seq):
        raise IndexError("Cannot choose from an empty sequence")
    return seq[_below(len(seq))]

def shuffle(x):
    for last in range(len(x) - 1, 0, -1):
        other = _below(last + 1)
        x[last], x[other] = x[other], x[last]

def choices(population, weights=None, *, cum_weights=None, k=1):
    n = len(population)
    if cum_weights is None and weights is None:
        return [population[int(random() * n)] for _ in range(k)]
    sums = cum_weights
    if sums is None:
        sums, total = [], 0
        for weight in weights:
            total = total + weight
            sums.append(total)
    if len(sums) != n:
        raise ValueError("The number of weights does not match the population")
    total = sums[-1] + 0.0
    if total <= 0.0:
        raise ValueError("Total of weights must be greater than zero")
    drawn = []
    for _ in range(k):
        mark, i = random() * total, 0
        while i < n - 1 and sums[i] <= mark:
            i += 1
        drawn.append(population[i])
    return drawn

def uniform(a, b):
    return a + (b - a) * random()

def gauss(mu=0.0, sigma=1.0):
    global _kept
    z, _kept = _kept, None
    if z is None:
        angle = random() * 2.0 * math.pi
        radius = math.sqrt(-2.0 * math.log(1.0 - random()))
        z, _kept = math.cos(angle) * radius, math.sin(angle) * radius
    return mu + z * sigma

seed()
`;

// Acts when changes have come to rest; none of them sets the timer anew, which takes 0.1 ms.

export class Calm {
  /** @private */ time = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */ timer = undefined;

  /** @param {number} wait milliseconds @param {() => void} act */
  constructor(wait, act) {
    this.wait = wait;
    this.act = act;
  }

  changed() {
    this.time = performance.now();
    this.timer ??= setTimeout(() => this.look(), this.wait);
  }

  stop() {
    clearTimeout(this.timer);
    this.timer = undefined;
  }

  /** @private */
  look() {
    const left = this.time + this.wait - performance.now();
    this.timer = left > 1 ? setTimeout(() => this.look(), left) : undefined;
    if (!this.timer) this.act();
  }
}

// What a program writes, passed on in portions, so that one that writes a lot doesn't flood the
// page.

const MOST_OUTPUT = 40_000; // characters a run
const MOST_ERROR = 6_000;
const FLUSH_MS = 50;

const SAME = 3; // lines that are the same, until they are counted

/** A traceback without the same line over and over. @param {string} text */
function counted(text) {
  /** @type {string[]} */
  const lines = [];
  let [last, times] = ["", 0];
  const close = () => {
    if (times > SAME) lines.push(`  [Previous line repeated ${times - SAME} more times]`);
  };
  for (const line of text.split("\n")) {
    if (line !== last) {
      close();
      [last, times] = [line, 0];
    }
    if (++times <= SAME) lines.push(line);
  }
  close();
  return lines.join("\n");
}

/** A long traceback's beginning and end. @param {string} whole */
export function shortened(whole) {
  const text = counted(whole);
  if (text.length <= MOST_ERROR) return text;
  return `${text.slice(0, MOST_ERROR / 2)}\n…\n${text.slice(-MOST_ERROR / 2)}`;
}

export class Output {
  /** @param {(portion: {stream: string, text: string}) => void} post */
  constructor(post) {
    /** @private */ this.post = post;
    /** @private @type {{stream: string, text: string} | null} */ this.waiting = null;
    /** @private */ this.flushed = 0;
    /** @private */ this.said = 0; // characters of this run
    this.cut = 0;
  }

  /** A new run begins. */
  begin() {
    this.said = this.cut = 0;
  }

  flush() {
    if (this.waiting) this.post(this.waiting);
    this.waiting = null;
    this.flushed = performance.now();
  }

  /** @param {"out" | "err"} stream @param {string} text */
  say(stream, text) {
    const kept = text.slice(0, MOST_OUTPUT - this.said);
    this.said += kept.length;
    this.cut += text.length - kept.length;
    if (!kept) return;
    if (this.waiting && this.waiting.stream !== stream) this.flush();
    this.waiting = { stream, text: (this.waiting?.text ?? "") + kept };
    if (performance.now() - this.flushed > FLUSH_MS) this.flush();
  }

  /** What takes bytes of UTF-8 for a stream. @param {"out" | "err"} stream */
  bytes(stream) {
    const decoder = new TextDecoder();
    return (/** @type {Uint8Array} */ bytes) => {
      this.say(stream, decoder.decode(bytes, { stream: true }));
    };
  }
}

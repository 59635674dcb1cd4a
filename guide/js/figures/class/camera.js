// Reading QR codes with the camera, where the browser can: Chrome on Android, macOS and ChromeOS
// has a reader of its own. Elsewhere there is no such button; codes are pasted or typed.

import { InputError } from "../../errors.js";

const EVERY_MS = 250;

/** Whether this browser reads QR codes, and may use a camera here. @returns {Promise<boolean>} */
export async function canScan() {
  const Reader = /** @type {any} */ (globalThis).BarcodeDetector;
  if (!Reader || !navigator.mediaDevices?.getUserMedia) return false;
  try {
    return (await Reader.getSupportedFormats()).includes("qr_code");
  } catch {
    return false;
  }
}

/**
 * Shows the camera's picture and tells each text that it reads; a code that stays before it is told
 * again and again. The camera goes off at `until`, also if that comes before it is on.
 * @param {HTMLVideoElement} video
 * @param {(text: string) => void} found
 * @param {AbortSignal} until
 */
export async function startScan(video, found, until) {
  const reader = new /** @type {any} */ (globalThis).BarcodeDetector({ formats: ["qr_code"] });
  /** @type {MediaStream} */
  let stream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
  } catch {
    throw new InputError(
      "The camera can't be used.",
      "Allow it for this page, or paste the codes.",
    );
  }
  const end = () => {
    for (const track of stream.getTracks()) track.stop();
    if (video.srcObject === stream) video.srcObject = null;
  };
  if (until.aborted) return end();
  until.addEventListener("abort", end, { once: true });
  video.srcObject = stream;
  try {
    await video.play();
  } catch {
    end();
    throw new InputError("The camera shows no picture.", "Paste the codes.");
  }
  const look = async () => {
    if (until.aborted) return;
    try {
      for (const { rawValue } of await reader.detect(video)) if (!until.aborted) found(rawValue);
    } catch {
      // a picture that can't be read: the next one
    }
    setTimeout(look, EVERY_MS);
  };
  look();
}

// Prints the QR codes of the texts on standard input, as SVG paths: [[text, path], ...].

import { readFileSync } from "node:fs";
import { qrOf, qrPath } from "../guide/js/kit/qr.js";

const texts = JSON.parse(readFileSync(0, "utf-8"));
console.log(JSON.stringify(texts.map((text) => [text, qrPath(qrOf(text))])));

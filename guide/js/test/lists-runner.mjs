// What the page makes of tables and bytes, as JSON, for tests/test_guide_lists.py to compare with
// Python. Standard input: {tables: [text, name][], plain: text[], bytes: base64[]}.

import { readFileSync } from "node:fs";
import { MicrogptError } from "../errors.js";
import { textOf } from "../figures/runs/list-bytes.js";
import {
  cellsOf,
  hasTitles,
  likelyColumn,
  resemblesTable,
  tableIn,
} from "../figures/runs/list-tables.js";

const { tables, plain, bytes } = JSON.parse(readFileSync(0, "utf8"));

/** What it gives, or that it is refused. @param {() => unknown} act */
function given(act) {
  try {
    return act();
  } catch (error) {
    if (!(error instanceof MicrogptError)) throw error;
    return { refused: error.message };
  }
}

console.log(
  JSON.stringify({
    tables: tables.map((/** @type {[string, string]} */ [text, name]) =>
      given(() => {
        const table = tableIn(text, name);
        return {
          odd: table.odd?.count ?? 0,
          line: table.odd?.line ?? 0,
          likely: likelyColumn(table),
          columns: table.first.map((_, at) => ({
            docs: cellsOf(table, at),
            titled: hasTitles(table, at),
            below: cellsOf(table, at, true),
          })),
        };
      }),
    ),
    plain: plain.map(resemblesTable),
    bytes: bytes.map((/** @type {string} */ text) =>
      given(() => textOf(new Uint8Array(Buffer.from(text, "base64")), "f")),
    ),
  }),
);

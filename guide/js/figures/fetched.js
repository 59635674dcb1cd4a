// Files that come with the guide.

import { FileError } from "../errors.js";

/**
 * What the server answers; where it hasn't the file, an error that names it.
 * @param {URL} address
 * @param {string} [what] how it is called in the message; its name if left out
 */
export async function fetched(address, what = address.pathname.split("/").at(-1)) {
  const answer = await fetch(address);
  if (!answer.ok)
    throw new FileError(
      `${what} can't be fetched (${answer.status}).`,
      "Is the guide still being served?",
    );
  return answer;
}

// A field whose text is sent, by Enter or by the button beside it, and examples to send instead.

import { freshId, html } from "../kit/dom.js";
import { group } from "../kit/make.js";

/** @typedef {import("../kit/widget.js").Widget} Widget */
/** @typedef {(text: string) => unknown} Send */

/**
 * The field, its button, the line that says why a text isn't accepted, and all that in order.
 * @param {Widget} host
 * @param {{label: string, button: string, send: Send}} how
 * @param {import("../kit/widget.js").Attributes} [attributes] of the field
 */
export function messageField(host, { label, button, send }, attributes = {}) {
  const id = freshId("message");
  const refused = html("p", { id: `${id}-refused`, class: "mg-refused", role: "alert" });
  const field = html("input", {
    id,
    class: "mg-field chat-field",
    type: "text",
    autocomplete: "off",
    autocapitalize: "none",
    spellcheck: "false",
    enterkeyhint: "send",
    "aria-describedby": refused.id,
    ...attributes,
  });
  const go = () => send(field.value);
  host.listen(field, "input change", (event) => event.stopPropagation());
  host.listen(field, "keydown", (event) => {
    if (event.key !== "Enter" || event.isComposing) return undefined;
    event.preventDefault();
    return go();
  });
  const sender = host.button(button, go, { class: "mg-button chat-send" });
  const both = html("div", { class: "chat-row" }, field, sender);
  return { field, sender, refused, parts: [html("label", { for: id }, label), both, refused] };
}

/**
 * @param {Widget} host
 * @param {Record<string, string>} texts what is sent, by what the button says
 * @param {Send} send
 */
export const examples = (host, texts, send) =>
  group(
    "Examples",
    { class: "mg-row mg-examples" },
    html("span", { class: "mg-soft" }, "Try:"),
    ...Object.entries(texts).map(([name, text]) =>
      host.button(name, () => send(text), { class: "mg-button mg-quiet chat-example" }),
    ),
  );

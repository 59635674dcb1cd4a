// The guide in Firefox, driven over WebDriver BiDi: `node tests/firefox_smoke.mjs ADDRESS FIREFOX`
// visits a few pages, uses a figure of each, and prints what it saw as JSON.

import puppeteer from "puppeteer-core";

const [address, executablePath] = process.argv.slice(2);
const browser = await puppeteer.launch({ browser: "firefox", executablePath, headless: true });
const errors = [];

/** A page, once its figure stands; what goes wrong in it is kept. */
async function opened(path, element) {
  const page = await browser.newPage();
  page.on("pageerror", (error) => errors.push(`${path}: ${error.message}`));
  await page.goto(address + path);
  await page.evaluate((tag) => document.querySelector(tag).scrollIntoView(), element);
  await page.waitForSelector(`${element}[data-ready]`);
  return page;
}

const said = (element) => `${element} > .mg-summary`;
const has = (page, selector, words) =>
  page.waitForFunction(
    (wanted, text) => document.querySelector(wanted)?.textContent.includes(text),
    {},
    selector,
    words,
  );

const start = await opened("", "mg-chat");
await start.type("mg-chat input[type=text]", "ann");
await start.keyboard.press("Enter");
await start.waitForFunction(() => document.querySelector("mg-chat")?.textContent.includes("new"));

const warm = await opened("learn/temperature/", "mg-temperature");
await has(warm, said("mg-temperature"), "most likely a with 0.246");
await warm.focus("mg-temperature input[type=range]");
await warm.keyboard.press("End");
await has(warm, said("mg-temperature"), "at temperature 2.00: most likely a with 0.114");

const trained = await opened("learn/loop/", "mg-live-training");
await has(trained, "mg-live-training", "Step");

await browser.close();
console.log(JSON.stringify(errors));

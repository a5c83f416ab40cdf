// The main job in Firefox, over WebDriver BiDi: ask, see the answer grow, stop
// one, come back after a reload, and all of it by keyboard. On command, by
// `cargo xtask firefox`: the other tests run in Chromium.

import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, test } from "node:test";

import puppeteer from "puppeteer-core";

import { startSite } from "../e2e/support/host.mjs";
import { startProxy } from "../e2e/support/proxy.mjs";
import { startRelay } from "../e2e/support/relay.mjs";

const QUESTION = "How do I change the accent colour?";

let browser, site, relay, proxy, context, page, errors;

before(async () => {
  browser = await puppeteer.launch({ browser: "firefox", executablePath: process.env.FIREFOX ?? "/usr/bin/firefox-esr" });
  site = await startSite();
  relay = await startRelay({ origins: [site.origin] });
  proxy = await startProxy(relay.origin);
  site.pages["/"] = {
    html: `<!doctype html><html lang="en"><title>A site</title><link rel="icon" href="data:,"><h1>A site</h1>
      <script src="${proxy.origin}/chinwag.js" data-site="site_demo" async></script></html>`,
    // What the documentation says that the widget needs, and nothing more.
    headers: {
      "content-security-policy": `default-src 'none'; script-src ${proxy.origin} 'wasm-unsafe-eval'; connect-src ${proxy.origin}; img-src data:`,
    },
  };
});

after(async () => {
  await browser?.close();
  await proxy?.stop();
  await site?.stop();
  await relay?.stop();
});

beforeEach(async () => {
  proxy.chunkDelayMs = 0;
  context = await browser.createBrowserContext();
  page = await context.newPage();
  errors = [];
  page.on("pageerror", (error) => errors.push(String(error)));
  page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
  await page.goto(site.origin);
});

afterEach(() => context.close());

const selector = (name) => `[data-chinwag] >>> [part~="${name}"]`;

/** A part of the widget, once it can be seen. */
const part = (name) => page.waitForSelector(selector(name), { visible: true });

/** Presses a part; finds it again where the widget has just put its own in the place of the loader's. */
const press = (name) => page.locator(selector(name)).click();

/** Reads from the widget's root; the function runs in the page. */
const read = (work, ...given) =>
  page.evaluate(`(${work})(document.querySelector("[data-chinwag]").shadowRoot, ...${JSON.stringify(given)})`);

/** Waits until the function, which runs in the page, finds something in the widget's root. */
const until = (work, ...given) =>
  page.waitForFunction(`(${work})(document.querySelector("[data-chinwag]").shadowRoot, ...${JSON.stringify(given)})`);

const said = () => read((root) => [...root.querySelectorAll(".cw-reply .cw-prose")].at(-1)?.textContent.length ?? 0);
const focused = () => read((root) => root.activeElement?.getAttribute("part") ?? "");
const sources = () => part("source");
const answered = () => until((root) => root.querySelector("[part~=send]"));

async function ask(question) {
  await (await part("input")).focus();
  await page.keyboard.type(question);
  await page.keyboard.press("Enter");
}

test("the launcher opens the panel, and a question is answered in words that are seen to come", async () => {
  await press("launcher");
  await part("panel");
  proxy.chunkDelayMs = 30;
  await ask(QUESTION);
  const lengths = new Set();
  await part("stop");
  while (await read((root) => Boolean(root.querySelector("[part~=stop]")))) lengths.add(await said());
  assert.ok(lengths.size > 3, `lengths that were seen: ${[...lengths].join(" ")}`);
  await sources();
  assert.match(await read((root) => root.querySelector("[part~=log]").textContent), /accent/i);
  assert.deepEqual(errors, []);
});

test("Stop ends the reply and keeps what was said", async () => {
  await press("launcher");
  proxy.chunkDelayMs = 60;
  await ask(QUESTION);
  await until((root) => root.querySelector(".cw-reply .cw-prose")?.textContent.length > 10);
  await press("stop");
  await answered();
  const length = await said();
  assert.ok(length > 10, `${length} characters are kept`);
  await new Promise((resolve) => setTimeout(resolve, 500));
  assert.equal(await said(), length, "and no more come");
  assert.ok(proxy.requests.some((line) => /POST \/v1\/chat\/[^/]+\/stop/.test(line)));
  assert.deepEqual(errors, []);
});

test("a reload finds the conversation and the open panel again", async () => {
  await press("launcher");
  await ask(QUESTION);
  await sources();
  await answered();
  await page.reload();
  await part("panel");
  await until((root, question) => root.querySelector("[part~=log]")?.textContent.includes(question), QUESTION);
  await sources();
  assert.deepEqual(errors, []);
});

test("the keyboard alone is enough", async () => {
  await part("launcher");
  await page.keyboard.press("Tab");
  assert.match(await focused(), /launcher/, "the first Tab of a page without links");
  await page.keyboard.press("Enter");
  await until((root) => root.activeElement?.tagName === "TEXTAREA");
  await page.keyboard.type("How do I change");
  await page.keyboard.down("Shift");
  await page.keyboard.press("Enter");
  await page.keyboard.up("Shift");
  await page.keyboard.type("the accent colour?");
  assert.equal(await read((root) => root.querySelector("textarea").value), "How do I change\nthe accent colour?");
  await page.keyboard.press("Enter");
  await sources();
  await answered();
  assert.match(await focused(), /input/, "the focus stays in the composer");
  await page.keyboard.press("F6");
  assert.match(await focused(), /log/, "F6 goes to the transcript");
  await page.keyboard.press("F6");
  assert.match(await focused(), /input/, "and back");
  await page.keyboard.press("Escape");
  await until((root) => root.querySelector("[part~=panel]").hidden);
  assert.match(await focused(), /launcher/, "the focus returns to the launcher");
  assert.deepEqual(errors, []);
});

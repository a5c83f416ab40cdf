// The parts of the module that are fetched when they are first needed: when,
// what a usable panel fetches in all, and what happens where a part cannot be had.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, afterEach, before, beforeEach, test } from "node:test";

import { newPage, startBrowser, widget } from "./support/browser.mjs";
import { startSite } from "./support/host.mjs";
import { startRelay } from "./support/relay.mjs";

const QUESTION = "How do I change the accent colour?";
const REPLY = "**/chinwag-reply-*.wasm";
const PAST = "**/chinwag-past-*.wasm";
const DRAWER = "**/chinwag-drawer-*.wasm";

let browser, relay, site, page, chat, fetched;

before(async () => {
  browser = await startBrowser();
  site = await startSite();
  relay = await startRelay({ origins: [site.origin] });
  site.pages["/"] = {
    html: `<!doctype html><html lang="en"><title>A site</title><h1>A site</h1>
      <script src="${relay.origin}/chinwag.js" data-site="site_demo"></script></html>`,
    headers: {
      "content-security-policy": `default-src 'none'; script-src ${relay.origin} 'wasm-unsafe-eval'; connect-src ${relay.origin}; require-trusted-types-for 'script'`,
    },
  };
});

after(async () => {
  await browser?.close();
  await site?.stop();
  await relay?.stop();
});

beforeEach(async () => {
  page = await newPage(browser);
  chat = widget(page);
  fetched = [];
  page.on("request", (request) => fetched.push(new URL(request.url()).pathname.slice(1)));
});

afterEach(() => page.context().close());

const times = (name) => fetched.filter((path) => path.startsWith(`chinwag-${name}-`)).length;

/** Has requests wait until the function that it gives is called. */
async function hold(address) {
  let go;
  const held = new Promise((resolve) => (go = resolve));
  await page.route(address, async (route) => {
    await held;
    await route.continue();
  });
  return go;
}

test("what a panel fetches until it has answered a question is what the manifest calls `panel`", async () => {
  const { files } = JSON.parse(await readFile(new URL("../../dist/manifest.json", import.meta.url), "utf8"));
  await page.goto(site.origin);
  await chat.open();
  await chat.ask(QUESTION);
  await chat.sources.first().waitFor();
  await chat.settle();
  await page.waitForLoadState("networkidle");
  assert.ok((await chat.log.locator(".cw-prose p, .cw-prose li, .cw-prose pre").count()) > 0, "drawn as Markdown");
  const ours = new Set(files.map((file) => file.path));
  const panel = files.filter(({ load }) => load === "launcher" || load === "panel").map(({ path }) => path);
  assert.deepEqual([...new Set(fetched.filter((path) => ours.has(path)))].sort(), panel.sort());
  assert.deepEqual(page.errors, [], "under a strict policy");
});

test("the panel opens without the code for replies, and the first word typed fetches it once", async () => {
  await page.goto(site.origin);
  await chat.open();
  await chat.input.waitFor();
  await page.waitForLoadState("networkidle");
  assert.equal(times("reply"), 0, `${fetched}`);
  const asked = page.waitForRequest(REPLY);
  await chat.input.pressSequentially("How");
  await asked;
  await chat.ask(QUESTION);
  await chat.sources.first().waitFor();
  assert.equal(times("reply"), 1);
});

test("a question waits for code that is slow to come, and shows that it is waiting", async () => {
  const go = await hold(REPLY);
  await page.goto(site.origin);
  await chat.open();
  await chat.ask(QUESTION);
  await chat.log.locator(".cw-dots").waitFor();
  assert.ok((await chat.part("message").first().innerText()).includes(QUESTION));
  go();
  await chat.sources.first().waitFor();
  await chat.settle();
  assert.equal(await chat.part("message").count(), 2);
  assert.equal(await chat.log.locator(".cw-dots").count(), 0);
  assert.deepEqual(page.errors, []);
});

test("a reply that is stopped before its code came does not come back", async () => {
  const go = await hold(REPLY);
  await page.goto(site.origin);
  await chat.open();
  await chat.ask(QUESTION);
  await chat.stop.click();
  await chat.send.waitFor();
  go();
  await chat.log.getByText("Stopped").first().waitFor();
  assert.equal(await chat.sources.count(), 0);
  // The relay, which was not asked anything yet, has nothing to stop.
  assert.deepEqual(page.errors.filter((error) => !error.includes("404")), []);
});

test("where the code for replies cannot be had the question is kept, and is answered once it can", async () => {
  let refused = 0;
  await page.route(REPLY, (route) => (refused++, route.fulfill({ status: 404, body: "not here" })));
  await page.goto(site.origin);
  await chat.open();
  await chat.ask(QUESTION);
  const again = chat.host.getByRole("button", { name: "Try again" }).last();
  await again.waitFor();
  assert.ok((await chat.log.innerText()).includes(QUESTION));
  assert.ok(refused > 0);
  await page.unroute(REPLY);
  await again.click();
  await chat.sources.first().waitFor();
  await chat.settle();
  assert.equal(await chat.part("message").count(), 2);
});

test("an earlier transcript that cannot be read says so, and the next opening shows it", async () => {
  await page.goto(site.origin);
  await chat.open();
  await chat.ask(QUESTION);
  await chat.sources.first().waitFor();
  await chat.settle();
  await page.route(PAST, (route) => route.fulfill({ contentType: "text/html", body: "<h1>No</h1>" }));
  await page.reload();
  await chat.panel.waitFor();
  await chat.host.locator(".cw-banner svg").waitFor();
  assert.equal(await chat.part("message").count(), 0);
  await page.unroute(PAST);
  await chat.host.getByRole("button", { name: "Close chat" }).first().click();
  await chat.open();
  await chat.sources.first().waitFor();
  assert.equal(await chat.part("message").count(), 2);
});

test("an earlier reply that cannot be drawn says so in its place, and can be tried again", async () => {
  await page.goto(site.origin);
  await chat.open();
  await chat.ask(QUESTION);
  await chat.sources.first().waitFor();
  await chat.settle();
  await page.route(REPLY, (route) => route.abort());
  await page.reload();
  await chat.log.getByText("This could not be loaded.").waitFor();
  assert.ok((await chat.part("message").first().innerText()).includes(QUESTION));
  await page.unroute(REPLY);
  await chat.log.getByRole("button", { name: "Try again" }).click();
  await chat.sources.first().waitFor();
  assert.equal(await chat.log.getByText("This could not be loaded.").count(), 0);
});

test("the history is fetched by its first opening, and by the next if it could not be had", async () => {
  await page.route(DRAWER, (route) => route.abort());
  await page.goto(site.origin);
  await chat.open();
  const open = chat.host.getByRole("button", { name: "Earlier conversations" });
  await open.click();
  const drawer = chat.part("history");
  await drawer.getByText("This could not be loaded.").waitFor();
  await page.keyboard.press("Escape");
  await drawer.waitFor({ state: "detached" });
  assert.ok(await chat.panel.isVisible(), "Escape closed the history, not the panel");
  await page.unroute(DRAWER);
  await open.click();
  await drawer.getByRole("searchbox").waitFor();
  await page.waitForFunction(() => document.querySelector("[data-chinwag]").shadowRoot.activeElement?.type === "search");
  await drawer.getByRole("button", { name: "Back to the chat" }).click();
  await drawer.waitFor({ state: "detached" });
  const before = times("drawer");
  await open.click();
  await drawer.getByRole("searchbox").waitFor();
  assert.equal(times("drawer"), before, "once it is there it stays");
});

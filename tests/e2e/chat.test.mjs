// The main job, end to end: ask the bubble a question, get a streamed answer
// from real documents.

import assert from "node:assert/strict";
import { test } from "node:test";

import { newPage, widget } from "./support/browser.mjs";
import { browser, chat, openPages, page, proxy, relay, setStage, site } from "./support/stage.mjs";

const ACCENT_QUESTION = "How do I change the accent colour?";

setStage({
  hasProxy: true,
  prepare() {
    site.pages["/"] = {
      html: `<!doctype html><html lang="en"><title>A site</title><h1>A site</h1>
        <script src="${proxy.origin}/chinwag.js" data-site="site_demo"></script></html>`,
    };
    site.pages["/api"] = {
      html: `<!doctype html><html lang="en"><title>A site</title><h1>A site</h1>
        <script src="${proxy.origin}/chinwag.js"></script></html>`,
    };
  },
});
openPages();

test("a question is answered from the documents, with the source cited", async () => {
  await page.goto(relay.origin);
  await chat.open();
  await chat.ask(ACCENT_QUESTION);
  await chat.settle();
  assert.match(await chat.log.innerText(), /accent/i);
  const href = await chat.sources.first().getAttribute("href");
  assert.match(href, /\/docs\/docs\/theming\.md#/);

  const [document] = await Promise.all([page.context().waitForEvent("page"), chat.sources.first().click()]);
  await document.waitForLoadState();
  const anchor = document.locator(`[id="${new URL(href).hash.slice(1)}"]`);
  assert.equal(await anchor.count(), 1, "every citation opens at its heading");
  assert.deepEqual(page.errors, []);
});

test("the answer streams: it is seen to grow", async () => {
  proxy.chunkDelayMs = 30;
  await page.goto(site.origin);
  await chat.open();
  await chat.ask(ACCENT_QUESTION);
  const reply = chat.part("message").last();
  const lengths = new Set();
  while (await chat.stop.isVisible().catch(() => false) || lengths.size < 2) {
    lengths.add((await reply.innerText()).length);
    if (lengths.size > 6) break;
    await page.waitForTimeout(40);
  }
  assert.ok(lengths.size > 3, `lengths seen: ${[...lengths]}`);
  await chat.settle();
});

test("a reload finds the conversation and the open panel again", async () => {
  await page.goto(relay.origin);
  await chat.open();
  await chat.ask(ACCENT_QUESTION);
  await chat.settle();
  const before = await chat.part("message").allInnerTexts();
  await page.reload();
  await chat.panel.waitFor();
  await chat.sources.first().waitFor();
  const again = await chat.part("message").allInnerTexts();
  assert.equal(again.length, before.length);
  assert.ok(again[0].includes(ACCENT_QUESTION));
  assert.deepEqual(page.errors, []);
});

test("a reload in the middle of a reply loses no word of it", async () => {
  proxy.chunkDelayMs = 60;
  await page.goto(site.origin);
  await chat.open();
  await chat.ask(ACCENT_QUESTION);
  await chat.stop.waitFor();
  await page.waitForTimeout(300);
  proxy.chunkDelayMs = 0;
  await page.reload();
  await chat.panel.waitFor();
  await chat.sources.first().waitFor();
  await chat.settle();
  const whole = await chat.part("message").last().innerText();

  const other = await newPage(browser);
  await other.goto(relay.origin);
  const fresh = widget(other);
  await fresh.open();
  await fresh.ask(ACCENT_QUESTION);
  await fresh.settle();
  const words = (text) => text.replace(/\s+/g, " ").replace(/\d\d?:\d\d.*$/, "").trim();
  assert.equal(words(whole), words(await fresh.part("message").last().innerText()));
  await other.context().close();
});

test("Stop ends the reply and keeps what was said", async () => {
  proxy.chunkDelayMs = 80;
  await page.goto(site.origin);
  await chat.open();
  await chat.ask(ACCENT_QUESTION);
  const reply = chat.part("message").last();
  await chat.stop.waitFor();
  await page.waitForFunction(() => {
    const root = document.querySelector("[data-chinwag]").shadowRoot;
    return [...root.querySelectorAll('[part~="message"]')].at(-1).innerText.length > 40;
  });
  await chat.stop.click();
  await chat.settle();
  const said = await reply.innerText();
  await page.waitForTimeout(500);
  assert.equal(await reply.innerText(), said, "nothing comes after Stop");
  assert.match(await chat.log.innerText(), /You stopped this answer/);
  assert.ok(proxy.requests.some((line) => /POST \/v1\/chat\/[^/]+\/stop/.test(line)));
});

test("a stream that is cut resumes by itself and says nothing", async () => {
  await page.goto(site.origin);
  await chat.open();
  proxy.cutAfterChunks = 8;
  await chat.ask(ACCENT_QUESTION);
  await chat.sources.first().waitFor();
  await chat.settle();
  assert.ok(proxy.requests.some((line) => /GET \/v1\/chat\/[^/]+\/stream/.test(line)), "it was resumed");
  assert.doesNotMatch(await chat.log.innerText(), /broke off|could not/);
});

test("a relay that cannot be reached keeps the message, and Retry sends it", async () => {
  await page.goto(site.origin);
  await chat.open();
  await chat.ask("hi");
  await chat.settle();
  proxy.away = true;
  await chat.ask(ACCENT_QUESTION);
  await chat.panel.getByText("The chat could not be reached.").waitFor();
  assert.ok((await chat.log.innerText()).includes(ACCENT_QUESTION));
  proxy.away = false;
  // It may be sent by itself before the press.
  const press = chat.log.getByRole("button", { name: "Try again" }).last().click();
  await Promise.race([press.catch(() => undefined), chat.sources.first().waitFor()]);
  await chat.sources.first().waitFor();
  await chat.settle();
  const text = await chat.log.innerText();
  assert.equal(text.split(ACCENT_QUESTION).length - 1, 1, "once, not twice");
});

test("a new conversation is empty, and the old one is no longer shown after a reload", async () => {
  await page.goto(relay.origin);
  await chat.open();
  await chat.ask("hi");
  await chat.settle();
  await chat.newConversation.click();
  assert.equal(await chat.part("message").count(), 0);
  await page.reload();
  await chat.panel.waitFor();
  await page.waitForTimeout(300);
  assert.equal(await chat.part("message").count(), 0);
});

test("the handle opens, sends, updates the theme, tells what happens, and goes without a trace", async () => {
  await page.goto(`${site.origin}/api`);
  const before = await page.evaluate(() => document.querySelectorAll("*").length);
  const told = await page.evaluate(async () => {
    const handle = await window.Chinwag("init", {
      site: "site_demo",
      title: "Harbour",
      theme: { accent: "#7a1f6b", colorScheme: "dark" },
    });
    window.handle = handle;
    window.told = [];
    for (const name of ["open", "message:sent", "response:start", "response:end", "message:received"]) {
      handle.on(name, () => window.told.push(name));
    }
    handle.open();
    handle.send("hi");
    await new Promise((resolve) => handle.once("message:received", resolve));
    return window.told;
  });
  assert.deepEqual(told.slice(0, 3), ["open", "message:sent", "response:start"]);
  await chat.host.getByText("Harbour").first().waitFor();
  const background = () => chat.launcher.evaluate((launcher) => getComputedStyle(launcher).backgroundColor);
  const dark = await background();
  await page.evaluate(() => window.handle.update({ theme: { accent: "#112233", colorScheme: "light" } }));
  await page.waitForTimeout(400);
  assert.equal(await background(), "rgb(17, 34, 51)");
  assert.notEqual(dark, "rgb(17, 34, 51)");

  const refused = await page.evaluate(async () => {
    try {
      await window.handle.update({ theme: { acent: "#fff" } });
    } catch (error) {
      return error.message;
    }
  });
  assert.match(refused, /"theme\.acent" is not known\. Did you mean "theme\.accent"/);

  await page.evaluate(() => window.handle.destroy());
  assert.equal(await page.evaluate(() => document.querySelectorAll("*").length), before);
  await page.evaluate(() => {
    window.handle.open();
    window.handle.send("gone");
    window.handle.destroy();
  });
  assert.deepEqual(page.errors, []);
});

test("an option that is not known is an error that names it", async () => {
  await page.goto(`${site.origin}/api`);
  const message = await page.evaluate(() =>
    window.Chinwag("init", { site: "site_demo", colour: "red" }).then(
      () => "no error",
      (error) => error.message,
    ),
  );
  assert.match(message, /option "colour" is not known/);
});

// Replies that came while the panel was closed: a badge on the launcher, in
// numbers for the eye and in words for a screen reader.

import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, test } from "node:test";

import { violations } from "./support/axe.mjs";
import { newPage, startBrowser, widget } from "./support/browser.mjs";
import { startSite } from "./support/host.mjs";
import { startRelay } from "./support/relay.mjs";

let browser, relay, site, page, chat;

before(async () => {
  browser = await startBrowser();
  site = await startSite();
  relay = await startRelay({ origins: [site.origin] });
  const tag = `<script src="${relay.origin}/chinwag.js" data-site="site_demo"></script>`;
  site.pages["/"] = { html: `<!doctype html><html lang="en"><title>A shop</title><main><h1>A shop</h1></main>${tag}</html>` };
  site.pages["/de"] = { html: `<!doctype html><html lang="de"><title>Ein Laden</title><main><h1>Ein Laden</h1></main>${tag}</html>` };
});

after(async () => {
  await browser?.close();
  await relay?.stop();
  await site?.stop();
});

beforeEach(async () => {
  page = await newPage(browser, { reducedMotion: "reduce" });
  chat = widget(page);
});

afterEach(() => page.context().close());

/** Has questions answered while the panel is closed. */
const answeredUnseen = (...texts) =>
  page.evaluate(async (texts) => {
    for (const text of texts) {
      const over = new Promise((resolve) => document.addEventListener("chinwag:response:end", resolve, { once: true }));
      await window.Chinwag("send", text);
      await over;
    }
  }, texts);

const name = () => chat.launcher.getAttribute("aria-label");

test("an answer that nobody saw is counted on the launcher, and its name says so", async () => {
  await page.goto(site.origin);
  await chat.launcher.waitFor();
  assert.equal(await chat.part("badge").count(), 0);
  await answeredUnseen("hi", "hello");
  await page.waitForFunction(() => document.querySelector("[data-chinwag]").shadowRoot.querySelector("[part~=badge]")?.textContent === "2");
  assert.equal(await name(), "Open chat: 2 new answers");
  assert.equal(await page.title(), "A shop", "the page's title is the page's");
  const outside = await chat.part("badge").evaluate((badge) => {
    const [mark, button] = [badge.getBoundingClientRect(), badge.parentElement.getBoundingClientRect()];
    return mark.right < button.left || mark.bottom < button.top || mark.right > innerWidth || mark.bottom > innerHeight;
  });
  assert.equal(outside, false, "it stands at the button");
  assert.deepEqual(await violations(page), []);

  await page.reload();
  await chat.part("badge").waitFor();
  assert.equal(await name(), "Open chat: 2 new answers", "a reload is no look at them");
  await chat.open();
  await chat.part("badge").waitFor({ state: "detached" });
  assert.equal(await name(), "Close chat");
  await page.keyboard.press("Escape");
  await chat.panel.waitFor({ state: "hidden" });
  assert.equal(await name(), "Open chat");
});

test("one answer is named by the form for one, in the page's language", async () => {
  await page.goto(`${site.origin}/de`);
  await answeredUnseen("hi");
  await chat.part("badge").waitFor();
  assert.equal(await name(), "Chat öffnen: 1 neue Antwort");
});

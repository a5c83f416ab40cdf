// The chat at hand: all that it needs is fetched while the page is idle, and it is
// begun when somebody reaches for it, or something else needs it to live.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { noteInstances, widget } from "./support/browser.mjs";
import { chat, openPages, page, relay, setStage, site } from "./support/stage.mjs";

setStage();
openPages({ reducedMotion: "reduce" });

const tag = (more = "") => `<script src="${relay.origin}/chinwag.js" data-site="site_demo" ${more} async></script>`;
const snippet = (options) =>
  `<script>window.Chinwag = function () { (Chinwag.q = Chinwag.q || []).push(arguments) };
    Chinwag("init", ${options});</script><script src="${relay.origin}/chinwag.js" async></script>`;

/** Shows a page in which each beginning of the module is noted, and when the widget is ready. */
async function show(html, { lang = "en", on = page } = {}) {
  site.pages["/"] = { html: `<!doctype html><html lang="${lang}"><title>A shop</title><link rel="icon" href="data:,"><body><main><h1>A shop</h1><input aria-label="Search"></main>${html}</html>` };
  await noteInstances(on);
  await on.addInitScript(() => {
    window.heard = [];
    addEventListener("chinwag:ready", () => window.heard.push("ready"));
  });
  await on.goto(site.origin);
}

/** Waits until the widget's files are here, and a moment more. */
async function atHand(on = page) {
  await on.waitForFunction(() => performance.getEntriesByType("resource").some(({ name }) => name.endsWith(".wasm")));
  await on.waitForLoadState("networkidle");
  await on.waitForTimeout(300);
}

const began = (on = page) => on.evaluate(() => window.instances.length);
const hasBegun = (on = page) => on.waitForFunction(() => window.instances.length === 1 && window.heard.includes("ready"));

describe("a visitor who only looks at the page", () => {
  for (const [embedded, html] of [["a tag", () => tag()], ["a snippet", () => snippet('{ site: "site_demo", title: "Help" }')]]) {
    test(`has everything fetched and nothing begun by ${embedded}; the first press opens`, async () => {
      await show(html());
      await atHand();
      assert.equal(await began(), 0);
      const fetched = () => page.evaluate(() => performance.getEntriesByType("resource").length);
      const before = await fetched();
      await chat.open();
      await hasBegun();
      const now = await page.evaluate(() => performance.getEntriesByType("resource").map(({ name }) => name));
      const again = now.slice(before).filter((name) => /chinwag-[0-9a-f]+\.(js|wasm|css)/.test(name));
      assert.deepEqual(again, [], "nothing is fetched twice");
      assert.deepEqual(page.errors, []);
    });
  }

  test("need only point at the launcher", async () => {
    await show(tag());
    await atHand();
    await chat.launcher.hover();
    await hasBegun();
    assert.equal(await chat.panel.count(), 0, "it is not open for that");
  });

  test("comes to it with the keyboard, and the focus stays on the launcher", async () => {
    await show(tag());
    await atHand();
    await page.getByLabel("Search").focus();
    await page.keyboard.press("Tab");
    await hasBegun();
    const focused = () => page.evaluate(() => document.activeElement.shadowRoot?.activeElement?.getAttribute("part"));
    assert.equal(await focused(), "launcher");
    await page.keyboard.press("Enter");
    await chat.panel.waitFor();
  });

  test("hears the launcher's name in the page's language", async () => {
    await show(tag(), { lang: "de" });
    await page.getByRole("button", { name: "Chat öffnen" }).waitFor();
    assert.equal(await began(), 0);
  });

  test("hears the launcher's name that the page gave it", async () => {
    await show(snippet('{ site: "site_demo", strings: { openChat: "Ask us" } }'));
    await page.getByRole("button", { name: "Ask us" }).waitFor();
    assert.equal(await began(), 0);
  });

  for (const colorScheme of ["light", "dark"]) {
    test(`sees no difference when the chat begins (${colorScheme})`, async () => {
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      await show(tag('data-accent="#b3261e" data-position="bottom-left"'));
      await atHand();
      const resting = await page.screenshot();
      await page.evaluate(() => window.Chinwag("isOpen"));
      await hasBegun();
      await page.waitForTimeout(300);
      assert.ok(resting.equals(await page.screenshot()), "the same pixels");
    });
  }

  test("has the chat begin when another tab chats", async () => {
    await show(tag());
    await atHand();
    const other = await page.context().newPage();
    await show(tag(), { on: other });
    await widget(other).open();
    await widget(other).ask("How do I change the accent colour?");
    await hasBegun();
    await widget(other).settle();
  });
});

describe("the chat begins by itself", () => {
  test("where a visitor was before, whose questions may wait", async () => {
    await show(tag());
    await page.evaluate(() => localStorage.setItem("cw:site_demo", '{"v":1,"open":false}'));
    await page.reload();
    await hasBegun();
    assert.equal(await chat.panel.count(), 0);
  });

  for (const [what, option] of [
    ["words beside the launcher", 'teaser: { text: "Hello", delayMs: 0 }'],
    ["a panel that opens by itself", "autoOpen: { delayMs: 1 }"],
    ["a page that waits for it", "onReady() { window.wasReady = true }"],
    ["tokens that only it can read", 'theme: { tokens: { launcherSize: 72 } }'],
  ]) {
    test(`for ${what}`, async () => {
      await show(snippet(`{ site: "site_demo", ${option} }`));
      await hasBegun();
      assert.deepEqual(page.errors, []);
    });
  }

  test("for a page that asks for the handle, or calls a method", async () => {
    await show(tag());
    await atHand();
    assert.equal(await began(), 0);
    assert.equal(await page.evaluate(() => window.Chinwag("isOpen")), false);
    assert.equal(await began(), 1);
    const second = await page.evaluate(async () => {
      const handle = await window.Chinwag.init({ site: "site_demo", namespace: "second", title: "Second" });
      return handle.isOpen();
    });
    assert.equal(second, false);
  });
});

test("a wrong option is told as soon as somebody reaches for the chat", async () => {
  await show(snippet('{ site: "site_demo", titel: "Help" }'));
  await atHand();
  assert.deepEqual(page.errors, []);
  await chat.launcher.click();
  await page.getByRole("alert").waitFor();
  assert.ok(page.errors.some((text) => /"titel".*"title"/s.test(text)), page.errors.join("\n"));
});

test("a chat that is taken away before anybody wanted it leaves nothing", async () => {
  await show(tag());
  await atHand();
  await page.evaluate(() => window.Chinwag("destroy"));
  assert.equal(await chat.host.count(), 0);
  await page.evaluate(() => dispatchEvent(new StorageEvent("storage", { key: "cw:site_demo" })));
  await page.waitForTimeout(200);
  assert.equal(await chat.host.count(), 0);
});

test("what another tab says while the files are on their way begins the chat once they are here", async () => {
  let go, asked;
  const [held, wanted] = [new Promise((resolve) => (go = resolve)), new Promise((resolve) => (asked = resolve))];
  await page.route(/\/chinwag-[0-9a-f]{12}\.css$/, async (route) => {
    asked();
    await held;
    await route.continue();
  });
  await show(tag());
  await wanted;
  await page.evaluate(() => dispatchEvent(new StorageEvent("storage", { key: "cw:site_demo" })));
  go();
  await hasBegun();
});

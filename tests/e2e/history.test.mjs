// The history drawer: conversations are listed, opened, renamed, deleted and
// found again, by pointer and by keyboard.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { violations } from "./support/axe.mjs";
import { chat, openPages, page, proxy, relay, setStage, site } from "./support/stage.mjs";

const UNDO_MS = 6_000;

let drawer;

setStage({
  hasProxy: true,
  prepare() {
    const embedded = (options) => ({
      html: `<!doctype html><html lang="en"><title>A site</title><link rel="icon" href="data:,"><main><h1>A site</h1></main>
        <script>window.Chinwag = function () { (Chinwag.q = Chinwag.q || []).push(arguments) };
        Chinwag("init", { site: "site_demo", openByDefault: true, ...${JSON.stringify(options)} });</script>
        <script src="${proxy.origin}/chinwag.js" async></script></html>`,
    });
    site.pages["/"] = embedded({});
    site.pages["/without"] = embedded({ history: false });
  },
});
openPages({ reducedMotion: "reduce" });

beforeEach(() => {
  const place = chat.part("history");
  drawer = {
    place,
    button: chat.host.getByRole("button", { name: "Earlier conversations" }),
    search: place.getByRole("searchbox", { name: "Search titles" }),
    lines: place.getByRole("listitem"),
    open: (title) => place.getByRole("button", { name: title }).and(place.locator(".cw-line-open")),
    titles: () => place.locator(".cw-line-title").allInnerTexts(),
    undo: place.getByRole("button", { name: "Undo" }),
  };
});

/** Asks these, each in a conversation of its own. */
async function converse(questions) {
  await page.goto(site.origin);
  await chat.panel.waitFor();
  for (const [index, question] of questions.entries()) {
    if (index > 0) await chat.newConversation.click();
    await chat.ask(question);
    await chat.settle();
  }
}

const deletions = () => proxy.requests.filter((request) => request.startsWith("DELETE"));
const focused = () =>
  page.evaluate(() => {
    const inner = document.activeElement.shadowRoot?.activeElement;
    return `${inner?.className} ${inner?.getAttribute("aria-label") ?? inner?.innerText}`;
  });

test("conversations are listed, the newest first, and one of them is opened", async () => {
  await converse(["How do I change the accent colour?", "What does persist do?"]);
  await drawer.button.click();
  await drawer.lines.nth(1).waitFor();
  assert.deepEqual(await drawer.titles(), ["What does persist do?", "How do I change the accent colour?"]);
  assert.match(await drawer.lines.first().innerText(), /now|second|minute/);
  assert.equal(await drawer.place.locator("[aria-current]").innerText().then((text) => text.split("\n")[0]), "What does persist do?");
  await drawer.open(/accent/).click();
  await drawer.place.waitFor({ state: "detached" });
  await chat.log.getByText("How do I change the accent colour?").waitFor();
  assert.match(await focused(), /cw-input/, "ready to go on");
  assert.equal(await chat.log.getByText("What does persist do?").count(), 0);
  await page.reload();
  await chat.log.getByText("How do I change the accent colour?").waitFor();
  assert.deepEqual(page.errors, []);
});

test("a reply that runs goes on while another conversation is shown, and is followed on return", async () => {
  await converse(["What does persist do?"]);
  await chat.newConversation.click();
  proxy.chunkDelayMs = 60;
  await chat.ask("How do I change the accent colour?");
  await chat.stop.waitFor();
  await drawer.button.click();
  await drawer.open(/persist/).click();
  await chat.send.waitFor();
  await chat.log.getByText("What does persist do?").waitFor();
  await drawer.button.click();
  await drawer.open(/accent/).click();
  await chat.sources.first().waitFor();
  await chat.settle();
  assert.match(await chat.part("message").last().innerText(), /accent/i);
  assert.equal(proxy.requests.filter((request) => request.includes("/stop")).length, 0);
});

test("a title is changed in its place, and Escape leaves it as it was", async () => {
  await converse(["What does persist do?"]);
  await drawer.button.click();
  await drawer.lines.first().hover();
  await drawer.place.getByRole("button", { name: /^Rename/ }).click();
  const field = drawer.place.getByRole("textbox", { name: "Title" });
  assert.equal(await field.inputValue(), "What does persist do?");
  await field.fill("Half a tit");
  await page.keyboard.press("Escape");
  assert.deepEqual(await drawer.titles(), ["What does persist do?"]);
  assert.match(await focused(), /cw-line-open/);
  await drawer.place.getByRole("button", { name: /^Rename/ }).click();
  await field.fill("  Where things are kept ");
  await page.keyboard.press("Enter");
  assert.deepEqual(await drawer.titles(), ["Where things are kept"]);
  await page.waitForTimeout(200);
  await page.reload();
  await chat.panel.waitFor();
  await drawer.button.click();
  await drawer.lines.first().waitFor();
  assert.deepEqual(await drawer.titles(), ["Where things are kept"]);
});

test("a deletion can be taken back; otherwise it goes out when the toast ends", async () => {
  await converse(["What does persist do?", "How do I change the accent colour?"]);
  await drawer.button.click();
  await drawer.lines.nth(1).hover();
  await drawer.place.getByRole("button", { name: /^Delete: What/ }).click();
  assert.deepEqual(await drawer.titles(), ["How do I change the accent colour?"]);
  await drawer.undo.click();
  assert.equal((await drawer.titles()).length, 2);
  await page.waitForTimeout(UNDO_MS + 500);
  assert.deepEqual(deletions(), [], "what was taken back is never deleted");
  await drawer.lines.nth(1).hover();
  await drawer.place.getByRole("button", { name: /^Delete: What/ }).click();
  await page.waitForTimeout(UNDO_MS - 1_000);
  assert.deepEqual(deletions(), [], "not before the toast ends");
  await drawer.undo.waitFor({ state: "detached" });
  await page.waitForTimeout(300);
  assert.equal(deletions().length, 1);
  await page.reload();
  await drawer.button.click();
  await drawer.lines.first().waitFor();
  assert.deepEqual(await drawer.titles(), ["How do I change the accent colour?"]);
});

test("a deletion goes out though the page is left at once", async () => {
  await converse(["What does persist do?"]);
  await drawer.button.click();
  await drawer.lines.first().hover();
  await drawer.place.getByRole("button", { name: /^Delete/ }).click();
  await page.goto("about:blank");
  await page.waitForTimeout(500);
  assert.equal(deletions().length, 1);
  await page.goto(site.origin);
  await chat.panel.waitFor();
  await drawer.button.click();
  await drawer.place.getByText("No conversations yet.").waitFor();
});

test("titles are searched at the relay", async () => {
  await converse(["What does persist do?", "How do I change the accent colour?"]);
  await drawer.button.click();
  await drawer.lines.nth(1).waitFor();
  await drawer.search.fill("ACCENT");
  await drawer.lines.nth(1).waitFor({ state: "detached" });
  assert.deepEqual(await drawer.titles(), ["How do I change the accent colour?"]);
  await drawer.search.fill("nothing like it");
  await drawer.place.getByText("No title matches.").waitFor();
  await drawer.search.fill("");
  await drawer.lines.nth(1).waitFor();
});

test("a list that cannot be had says so and can be asked for again", async () => {
  await converse(["What does persist do?"]);
  // What draws it comes from where the list comes from.
  proxy.away = true;
  await drawer.button.click();
  await drawer.place.getByText("This could not be loaded.").waitFor();
  proxy.away = false;
  await drawer.place.getByRole("button", { name: "Try again" }).click();
  await drawer.lines.first().waitFor();
  await page.keyboard.press("Escape");

  proxy.away = true;
  await drawer.button.click();
  await drawer.place.getByText("Your conversations could not be loaded.").waitFor();
  proxy.away = false;
  await drawer.place.getByRole("button", { name: "Try again" }).click();
  await drawer.lines.first().waitFor();
});

test("the keyboard alone is enough in the drawer", async () => {
  await converse(["What does persist do?", "How do I change the accent colour?"]);
  await drawer.button.focus();
  await page.keyboard.press("Enter");
  await drawer.lines.nth(1).waitFor();
  await page.waitForFunction(() => document.activeElement.shadowRoot?.activeElement?.matches(".cw-search"));
  await page.keyboard.press("ArrowDown");
  assert.match(await focused(), /cw-line-open.*accent/);
  await page.keyboard.press("ArrowDown");
  assert.match(await focused(), /cw-line-open.*persist/);
  await page.keyboard.press("ArrowDown");
  assert.match(await focused(), /persist/, "there is no further one");
  await page.keyboard.press("Tab");
  assert.match(await focused(), /Rename: What/);
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => document.activeElement.shadowRoot?.activeElement?.matches(".cw-line-field"));
  await page.keyboard.type("Kept");
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => document.activeElement.shadowRoot?.activeElement?.innerText?.startsWith("Kept"));
  await page.keyboard.press("Tab");
  await page.keyboard.press("Tab");
  assert.match(await focused(), /Delete: Kept/);
  await page.keyboard.press("Enter");
  assert.match(await focused(), /cw-line-open.*accent/, "the focus stays in the list");
  await page.keyboard.press("ArrowUp");
  assert.match(await focused(), /cw-search/);
  for (let step = 0; step < 8 && !(await focused()).includes("Undo"); step++) await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => document.activeElement.shadowRoot?.activeElement?.innerText?.startsWith("Kept"));
  await page.keyboard.press("Escape");
  await drawer.place.waitFor({ state: "detached" });
  assert.match(await focused(), /Earlier conversations/, "the focus returns");
  assert.ok(await chat.panel.isVisible(), "only the drawer closed");
});

test("what lies below the drawer cannot be reached", async () => {
  await converse(["What does persist do?"]);
  await drawer.button.click();
  await drawer.lines.first().waitFor();
  assert.ok(await chat.input.evaluate((input) => input.closest("[inert]") !== null));
  await page.keyboard.press("Escape");
  await drawer.place.waitFor({ state: "detached" });
  assert.ok(await chat.input.evaluate((input) => input.closest("[inert]") === null));
});

test("a page can leave the history out", async () => {
  await page.goto(`${site.origin}/without`);
  await chat.panel.waitFor();
  await chat.host.getByRole("button", { name: "Close chat" }).first().waitFor();
  await page.waitForTimeout(300);
  assert.equal(await drawer.button.isVisible(), false);
});

for (const colorScheme of ["light", "dark"]) {
  for (const width of [1280, 360]) {
    test(`axe finds nothing in the drawer, ${colorScheme}, ${width} px wide`, async () => {
      await page.emulateMedia({ colorScheme });
      await page.setViewportSize({ width, height: 800 });
      const place = chat.part("history");
      await page.goto(site.origin);
      await chat.panel.waitFor();
      await chat.host.getByRole("button", { name: "Earlier conversations" }).click();
      await place.getByText("No conversations yet.").waitFor();
      assert.deepEqual(await violations(page), [], "empty");
      await page.keyboard.press("Escape");
      await chat.ask("What does persist do?");
      await chat.settle();
      await chat.host.getByRole("button", { name: "Earlier conversations" }).click();
      await place.getByRole("listitem").first().waitFor();
      await place.getByRole("listitem").first().hover();
      assert.deepEqual(await violations(page), [], "a list");
      await place.getByRole("button", { name: /^Rename/ }).click();
      await place.getByRole("textbox", { name: "Title" }).waitFor();
      assert.deepEqual(await violations(page), [], "a title being changed");
      await page.keyboard.press("Escape");
      await place.getByRole("button", { name: /^Delete/ }).click();
      await place.getByRole("button", { name: "Undo" }).waitFor();
      assert.deepEqual(await violations(page), [], "a deletion");
    });
  }
}

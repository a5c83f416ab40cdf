// Two tabs of one browser: the same conversation in both, one connection to
// the relay, and no word lost when a tab goes.

import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";

import { newPage, widget } from "./support/browser.mjs";
import { browser, proxy, relay, setStage, site } from "./support/stage.mjs";

const QUESTION = "How do I change the accent colour?";

let one, other, first, second;

setStage({
  hasProxy: true,
  prepare() {
    const script = `<script src="${proxy.origin}/chinwag.js" data-site="site_demo"></script>`;
    site.pages["/"] = { html: `<!doctype html><html lang="en"><title>A site</title>${script}</html>` };
    site.pages["/bare"] = {
      html: `<!doctype html><html lang="en"><title>A site</title>
        <script>delete window.BroadcastChannel; Object.defineProperty(navigator, "locks", { value: undefined });</script>${script}</html>`,
    };
  },
});

beforeEach(async () => {
  one = await newPage(browser);
  other = await one.context().newPage();
  first = widget(one);
  second = widget(other);
});

afterEach(() => one.context().close());

async function open(path = "/") {
  await one.goto(site.origin + path);
  await first.open();
  await one.waitForFunction(() => localStorage.getItem("cw:site_demo"));
  await other.goto(site.origin + path);
  // As the first tab left it: open.
  await second.panel.waitFor();
  await second.panel.getByText("Answers in seconds").waitFor();
}

const words = (chat) => chat.host.locator(".cw-reply").last().locator(".cw-prose").first().innerText();
const count = (pattern) => proxy.requests.filter((line) => pattern.test(line)).length;

for (const path of ["/", "/bare"]) {
  test(`a question and its reply are live in both tabs, over one connection (${path})`, async () => {
    await open(path);
    proxy.chunkDelayMs = 30;
    const posts = count(/^POST \/v1\/chat$/);
    const streams = count(/^GET .*\/stream$/);
    await first.ask(QUESTION);
    await second.host.locator(".cw-question").waitFor();
    await second.stop.waitFor();
    await second.sources.first().waitFor();
    await second.settle();
    await first.settle();
    assert.equal(await words(second), await words(first));
    assert.equal(count(/^POST \/v1\/chat$/) - posts, 1);
    assert.equal(count(/^GET .*\/stream$/) - streams, 0);

    await second.newConversation.click();
    await first.host.locator(".cw-question").waitFor({ state: "detached" });
  });
}

test("a tab that is closed in the middle of its reply leaves no gap in the other", async () => {
  await open();
  await first.ask(QUESTION);
  await first.sources.first().waitFor();
  await first.settle();
  const whole = await words(first);
  await first.newConversation.click();
  await second.host.locator(".cw-question").waitFor({ state: "detached" });
  proxy.chunkDelayMs = 40;
  await first.ask(QUESTION);
  await other.waitForFunction(() => {
    const root = document.querySelector("[data-chinwag]").shadowRoot;
    return (root.querySelector(".cw-prose")?.innerText.length ?? 0) > 30;
  });
  await one.close({ runBeforeUnload: false });
  proxy.chunkDelayMs = 0;
  await second.sources.first().waitFor();
  await second.settle();
  assert.equal(await words(second), whole);
  assert.equal(count(/^GET .*\/stream$/), 1, "it was taken over once");
  one = other;
});

test("a tab that comes in the middle of a reply has the whole of it, over no second connection", async () => {
  await one.goto(site.origin);
  await first.open();
  await first.ask(QUESTION);
  await first.sources.first().waitFor();
  await first.settle();
  const whole = await words(first);
  await first.newConversation.click();
  proxy.chunkDelayMs = 500;
  await first.ask(QUESTION);
  await first.stop.waitFor();
  await one.waitForTimeout(1_000);
  const streams = count(/^GET .*\/stream$/);
  await other.goto(site.origin);
  // As the first tab left it: open.
  await second.panel.waitFor();
  proxy.chunkDelayMs = 0;
  await second.sources.first().waitFor();
  await second.settle();
  assert.equal(await words(second), whole);
  assert.equal(count(/^GET .*\/stream$/) - streams, 0, "one tab at the relay is enough");
});

test("Stop in the tab that only hears ends the reply in both", async () => {
  await open();
  proxy.chunkDelayMs = 300;
  await first.ask(QUESTION);
  await second.stop.waitFor();
  await second.stop.click();
  await second.settle();
  await first.settle();
  await first.log.getByText("You stopped this answer.").waitFor();
  assert.ok(count(/POST \/v1\/chat\/[^/]+\/stop/) > 0);
});

test("each tab keeps its own draft, and both survive a reload", async () => {
  await open();
  await first.input.fill("from one");
  await second.input.fill("from the other");
  await one.waitForTimeout(500);
  await Promise.all([one.reload(), other.reload()]);
  await first.input.waitFor();
  await second.input.waitFor();
  assert.equal(await first.input.inputValue(), "from one");
  assert.equal(await second.input.inputValue(), "from the other");
});

test("two tabs that need a token at the same moment share one exchange", async () => {
  const exchanges = () => count(/^POST \/v1\/token$/);
  const before = exchanges();
  await open();
  assert.ok(exchanges() - before <= 2);
  const now = exchanges();
  // Slow enough that neither tab has a token before the other needs one.
  await one.context().route("**/v1/token", async (route) => {
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    await route.continue();
  });
  await Promise.all([one.reload(), other.reload()]);
  await Promise.all([first.panel, second.panel].map((panel) => panel.getByText("Answers in seconds").waitFor()));
  assert.equal(exchanges() - now, 1);
});

test("a badge that is cleared in one tab is cleared in the other", async () => {
  await open();
  await first.ask("hi");
  await first.settle();
  await second.settle();
  const close = (page) => page.locator("[data-chinwag]").getByRole("button", { name: "Close chat" }).first().click();
  await close(one);
  await close(other);
  const unread = (page) => page.evaluate(() => window.unread.at(-1));
  for (const page of [one, other]) {
    await page.evaluate(() => {
      window.unread = [];
      document.addEventListener("chinwag:unread", (event) => window.unread.push(event.detail.count));
    });
  }
  await one.evaluate(() => window.Chinwag("send", "hi again"));
  await other.waitForFunction(() => window.unread.at(-1) === 1);
  assert.equal(await unread(one), 1);
  await second.launcher.click();
  await one.waitForFunction(() => window.unread.at(-1) === 0);
  assert.equal(await unread(other), 0);
});

test("a rating and another try show in both tabs", async () => {
  await open();
  await first.ask(QUESTION);
  await first.settle();
  await second.sources.first().waitFor();
  await second.settle();
  await first.host.getByRole("button", { name: "Good answer" }).click();
  await second.host.getByRole("button", { name: "Good answer", pressed: true }).waitFor();
  proxy.chunkDelayMs = 30;
  await first.host.getByRole("button", { name: "Try again" }).click();
  await second.stop.waitFor();
  await second.settle();
  await first.settle();
  assert.equal(await second.host.locator(".cw-reply").count(), 1, "in place of the old one");
  assert.equal(await words(second), await words(first));
  assert.equal(await second.host.getByRole("button", { name: "Good answer", pressed: true }).count(), 0);
});

test("a title that is changed in one tab's list is changed in the other's", async () => {
  await open();
  await first.ask(QUESTION);
  await first.settle();
  for (const tab of [first, second]) {
    await tab.host.getByRole("button", { name: "Earlier conversations" }).click();
    await tab.part("history").getByText(QUESTION).first().waitFor();
  }
  await first.part("history").getByRole("button", { name: `Rename: ${QUESTION}` }).click();
  await first.host.getByRole("textbox", { name: "Title" }).fill("Colours");
  await one.keyboard.press("Enter");
  await second.part("history").getByText("Colours").waitFor();
  await first.part("history").getByRole("button", { name: "Delete: Colours" }).click();
  await first.part("history").getByRole("button", { name: "Back to the chat" }).click();
  await second.part("history").getByText("Colours").waitFor({ state: "detached" });
});

// The examples that need no build, each driven as a visitor would.

import assert from "node:assert/strict";
import path from "node:path";
import { test } from "node:test";

import { chat, openPages, page, relay, setStage, site } from "../e2e/support/stage.mjs";
import { EXAMPLES, startExamples } from "./support/example.mjs";

const QUESTION = "How do I change the accent colour?";

setStage({
  startSite: startExamples,
  prepare() {
    site.relay = relay.origin;
  },
});
openPages();

function show(example) {
  site.folder = path.join(EXAMPLES, example);
  return page.goto(`${site.origin}/`);
}

for (const example of ["plain", "strict-csp", "trusted-types", "element"]) {
  test(`${example}: the chat opens and answers`, async () => {
    await show(example);
    await chat.open();
    await chat.ask(QUESTION);
    await chat.sources.first().waitFor();
    assert.deepEqual(page.errors, []);
  });
}

test("two: each has a conversation of its own", async () => {
  await show("two");
  const [support, sales] = ["bottom-right", "bottom-left"].map((corner) => page.locator(`[data-position="${corner}"]`));
  await support.locator("[part~=launcher]").click();
  await support.getByRole("textbox").fill(QUESTION);
  await page.keyboard.press("Enter");
  await support.locator("[part~=source]").first().waitFor();
  await sales.locator("[part~=launcher]").click();
  await sales.getByRole("textbox").waitFor();
  assert.equal(await sales.locator('[part~="message"]').count(), 0);
  assert.deepEqual(page.errors, []);
});

test("inline: the chat scrolls with the article, and neither its coming nor a reply moves the reader", async () => {
  await page.addInitScript(() => {
    window.shifts = [];
    new PerformanceObserver((list) => window.shifts.push(...list.getEntries().map((entry) => entry.value))).observe({ type: "layout-shift", buffered: true });
  });
  await show("inline");
  const panel = chat.host.getByRole("region", { name: "Docs" });
  await panel.waitFor();
  const top = () => panel.evaluate((element) => element.getBoundingClientRect().top);
  const read = () => page.evaluate(() => window.scrollY);
  assert.equal(await read(), 0, "who reads from the top stays there");
  assert.equal(await page.evaluate(() => document.activeElement === document.body), true);
  await chat.host.getByRole("button", { name: QUESTION }).waitFor();
  assert.deepEqual(await page.evaluate(() => window.shifts), [], "nothing shifts when it comes");
  const before = await top();
  await page.mouse.move(20, 400);
  await page.mouse.wheel(0, 600);
  await page.waitForFunction(() => window.scrollY === 600);
  assert.equal(await top(), before - 600);

  await chat.ask(QUESTION);
  await chat.sources.first().waitFor();
  await chat.settle();
  assert.equal(await read(), 600, "a reply scrolls the log, not the page");
  // At the end of the log the wheel goes on through the article.
  const box = await chat.log.boundingBox();
  await page.mouse.move(box.x + box.width / 2, box.y + 20);
  await chat.log.evaluate((log) => log.scrollTo(0, log.scrollHeight));
  await page.mouse.wheel(0, 300);
  await page.waitForFunction(() => window.scrollY > 600);
  assert.deepEqual(page.errors, []);
});

test("frame: the page's button opens the chat, which answers", async () => {
  await show("frame");
  await page.getByRole("button", { name: "Help" }).click();
  const inside = page.frameLocator("iframe");
  await inside.getByRole("textbox", { name: "Your message" }).fill(QUESTION);
  await page.keyboard.press("Enter");
  await inside.locator("[part~=source]").first().waitFor();
  assert.deepEqual(page.errors, []);
});

test("spa: the conversation lives through routes, and through one without a chat", async () => {
  await show("spa");
  await chat.open();
  await chat.ask(QUESTION);
  await chat.sources.first().waitFor();
  await chat.settle();
  await page.getByRole("link", { name: "Beans" }).click();
  await page.getByText("about beans").waitFor();
  assert.equal(await chat.log.getByText(QUESTION, { exact: true }).isVisible(), true);
  await page.getByRole("link", { name: "Grinders" }).click();
  await page.getByText("about grinders").waitFor();
  assert.equal(await chat.host.count(), 0);
  await page.getByRole("link", { name: "Beans" }).click();
  await chat.host.waitFor({ state: "attached" });
  // It stood open, and does so again.
  await chat.panel.waitFor();
  await chat.log.getByText(QUESTION, { exact: true }).waitFor();
  assert.equal(await chat.host.count(), 1);
  assert.deepEqual(page.errors, []);
});

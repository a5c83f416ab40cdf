// axe-core finds nothing, and a person with a keyboard alone gets through.

import assert from "node:assert/strict";
import { test } from "node:test";

import { violations } from "./support/axe.mjs";
import { newPage, widget } from "./support/browser.mjs";
import { browser, relay, setStage } from "./support/stage.mjs";

setStage();

for (const colorScheme of ["light", "dark"]) {
  for (const width of [1280, 360]) {
    test(`axe finds nothing in any state, ${colorScheme}, ${width} px wide`, async () => {
      const page = await newPage(browser, { colorScheme, viewport: { width, height: 800 }, reducedMotion: "reduce" });
      const chat = widget(page);
      await page.goto(relay.origin);
      await chat.launcher.waitFor();
      assert.deepEqual(await violations(page), [], "launcher");
      await chat.open();
      await chat.host.getByRole("button", { name: /accent colour/ }).waitFor();
      assert.deepEqual(await violations(page), [], "empty panel");
      await chat.ask("How do I change the accent colour?");
      await chat.sources.first().waitFor();
      await chat.settle();
      assert.deepEqual(await violations(page), [], "conversation");
      await page.context().close();
    });
  }
}

test("the keyboard alone is enough", async () => {
  const page = await newPage(browser);
  const chat = widget(page);
  await page.goto(relay.origin);
  await chat.launcher.focus();
  await page.keyboard.press("Enter");
  await chat.panel.waitFor();
  const focused = () =>
    page.evaluate(() => {
      const inner = document.activeElement.shadowRoot?.activeElement;
      return inner?.getAttribute("part") ?? inner?.getAttribute("role") ?? inner?.tagName;
    });
  await page.waitForFunction(() => document.activeElement.shadowRoot?.activeElement?.tagName === "TEXTAREA");
  await page.keyboard.type("How do I change");
  await page.keyboard.press("Shift+Enter");
  await page.keyboard.type("the accent colour?");
  await page.keyboard.press("Enter");
  await chat.sources.first().waitFor();
  await chat.settle();
  assert.match(await focused(), /input/, "focus stays in the composer");
  await page.keyboard.press("F6");
  assert.match(await focused(), /log/, "F6 goes to the transcript");
  await page.keyboard.press("F6");
  assert.match(await focused(), /input/, "and back");
  await page.keyboard.press("Escape");
  await chat.panel.waitFor({ state: "hidden" });
  assert.match(await focused(), /launcher/, "focus returns to the launcher");
  await page.context().close();
});

test("a screen reader hears sentences, not tokens", async () => {
  const page = await newPage(browser);
  const chat = widget(page);
  await page.goto(relay.origin);
  await chat.open();
  await page.evaluate(() => {
    window.heard = [];
    const region = document.querySelector("[data-chinwag]").shadowRoot.querySelector('[aria-live="polite"]');
    new MutationObserver(() => region.textContent.trim() && window.heard.push(region.textContent.trim())).observe(region, {
      childList: true,
      characterData: true,
      subtree: true,
    });
  });
  await chat.ask("How do I change the accent colour?");
  await chat.settle();
  await page.waitForTimeout(1500);
  const heard = await page.evaluate(() => window.heard);
  assert.ok(heard.some((sentence) => sentence.includes("accent")), heard.join(" | "));
  assert.ok(heard.length < 40, `${heard.length} announcements`);
  assert.equal(await chat.log.getAttribute("aria-live"), "off");
  await page.context().close();
});

test("the field's text is never smaller than what makes phones zoom", async () => {
  const page = await newPage(browser, { viewport: { width: 360, height: 740 } });
  const chat = widget(page);
  await page.goto(relay.origin);
  await chat.open();
  assert.ok(parseFloat(await chat.input.evaluate((field) => getComputedStyle(field).fontSize)) >= 16);
  await page.context().close();
});

/** The one that has the focus, as a screen reader names it. */
const named = (page) =>
  page.evaluate(() => {
    const inner = document.activeElement?.shadowRoot?.activeElement;
    return inner && (inner.getAttribute("aria-label") ?? inner.textContent.trim());
  });

/** Presses Tab until what has the focus is called so. */
async function tabTo(page, name, key = "Tab") {
  const passed = [];
  for (let step = 0; step < 60; step++) {
    const now = await named(page);
    if (now && name.test(now)) return;
    passed.push(now);
    await page.keyboard.press(key);
  }
  assert.fail(`Tab never came to ${name}, but to ${passed.join(", ")}`);
}

test("every action can be done by the keyboard, and the focus is seen on the way", async () => {
  const page = await newPage(browser, { reducedMotion: "reduce" });
  const chat = widget(page);
  await page.goto(relay.origin);
  await chat.launcher.waitFor();
  await tabTo(page, /^Open chat$/);
  await page.keyboard.press("Space");
  await chat.panel.waitFor();
  await tabTo(page, /accent colour/, "Shift+Tab");
  await page.keyboard.press("Enter");
  await chat.sources.first().waitFor();
  await chat.settle();

  const unseen = [];
  for (let step = 0; step < 40; step++) {
    await page.keyboard.press("Tab");
    const ring = await page.evaluate(() => {
      const inner = document.activeElement?.shadowRoot?.activeElement;
      if (!inner) return "";
      const around = inner.tagName === "TEXTAREA" ? inner.closest(".cw-field") : inner;
      const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(around);
      return (outlineStyle !== "none" && parseFloat(outlineWidth) >= 2) || boxShadow !== "none" ? "" : inner.outerHTML.slice(0, 120);
    });
    if (ring) unseen.push(ring);
  }
  assert.deepEqual(unseen, []);

  await chat.input.focus();
  await tabTo(page, /^Copy answer$/, "Shift+Tab");
  await page.keyboard.press("Enter");
  await tabTo(page, /^Try again$/);
  await page.keyboard.press("Enter");
  await chat.settle();
  await chat.input.focus();
  await tabTo(page, /^Earlier conversations$/, "Shift+Tab");
  await page.keyboard.press("Enter");
  await chat.part("history").waitFor();
  await page.keyboard.press("Escape");
  await chat.part("history").waitFor({ state: "hidden" });
  await tabTo(page, /^New conversation$/);
  await page.keyboard.press("Enter");
  await chat.host.getByRole("button", { name: /accent colour/ }).waitFor();
  await page.keyboard.press("F6");
  assert.match(await named(page), /^Conversation/);
  await page.keyboard.press("F6");
  assert.match(await named(page), /^Your message/);
  await tabTo(page, /^Close chat$/, "Shift+Tab");
  await page.keyboard.press("Enter");
  await chat.panel.waitFor({ state: "hidden" });
  assert.match(await named(page), /^Open chat$/, "the focus is back where it was taken from");
  await page.context().close();
});

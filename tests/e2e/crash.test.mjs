// The module ends: by memory that a test has spoiled. The page goes on, the
// visitor is told, and the chat can be begun again where it was.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { violations } from "./support/axe.mjs";
import { noteInstances } from "./support/browser.mjs";
import { chat, openPages, page, relay, setStage, site } from "./support/stage.mjs";

setStage({
  prepare() {
    site.pages["/"] = {
      html: `<!doctype html><html lang="en"><title>A site</title><main><h1>A site</h1></main>
        <script src="${relay.origin}/chinwag.js"></script></html>`,
    };
  },
});
openPages({ reducedMotion: "reduce" });

beforeEach(async () => {
  await noteInstances(page);
  await page.addInitScript(() => {
    /** Spoils all that the newest module knows. */
    window.spoil = () => new Uint8Array(window.instances.at(-1).deref().exports.memory.buffer).fill(0xff);
  });
  await page.goto(site.origin);
});

const init = (options = {}) =>
  page.evaluate(async (options) => {
    window.handle = await window.Chinwag("init", { site: "site_demo", ...options });
    window.errors = [];
    window.handle.on("error", (detail) => window.errors.push(detail.reason));
  }, options);

const stopped = () => chat.host.getByRole("alertdialog", { name: "The chat has stopped." });
const again = () => stopped().getByRole("button", { name: "Reload the chat" });

for (const persist of ["local", "memory"]) {
  test(`the chat is begun again in place, with its conversation and draft (${persist})`, async () => {
    const fetched = [];
    page.on("request", (request) => request.url().endsWith(".wasm") && fetched.push(request.url()));
    await init({ persist, title: "Harbour" });
    await chat.open();
    await chat.ask("hi");
    await chat.settle();
    const before = await chat.part("message").allInnerTexts();
    await page.evaluate(() => window.handle.update({ title: "Night desk" }));
    await chat.input.fill("half a quest");
    await page.evaluate(() => window.spoil());
    await page.keyboard.type("i");
    await stopped().waitFor();
    assert.match(await stopped().innerText(), /Your conversation is kept/);
    assert.deepEqual(await page.evaluate(() => window.errors), ["crashed"]);
    assert.equal(await page.evaluate(() => document.title), "A site");

    const reloads = await page.evaluate(() => performance.getEntriesByType("navigation").length);
    await again().click();
    await chat.panel.waitFor();
    await chat.part("message").nth(before.length - 1).waitFor();
    assert.equal((await chat.part("message").allInnerTexts()).length, before.length);
    assert.match(await chat.input.inputValue(), /^half a questi?$/);
    await chat.host.getByText("Night desk").first().waitFor();
    assert.equal(await page.evaluate(() => window.instances.length), 2);
    assert.equal(await page.evaluate(() => performance.getEntriesByType("navigation").length), reloads);

    await chat.ask("hello again");
    await chat.settle();
    assert.ok((await chat.log.innerText()).includes("hello again"));
    assert.equal(fetched.filter((url) => url.includes("-reply-")).length, 1, "what was compiled once serves both");
  });
}

test("a closed panel is a launcher that begins the chat again", async () => {
  await init();
  await chat.open();
  await page.evaluate(() => window.handle.close());
  await page.evaluate(() => window.spoil());
  await page.evaluate(() => window.handle.open());
  assert.equal(await stopped().count(), 0);
  await chat.launcher.click();
  await chat.input.waitFor();
  assert.equal(await page.evaluate(() => window.instances.length), 2);
});

test("what is drawn without the module speaks the chat's language, in its direction, scheme and the page's words", async () => {
  await init({ locale: "ar", theme: { colorScheme: "dark" } });
  await chat.open();
  const dialog = chat.host.getByRole("alertdialog");
  const crash = () => page.evaluate(() => (window.spoil(), window.handle.isOpen()));
  await crash();
  await dialog.waitFor();
  assert.equal(await dialog.getByRole("heading").innerText(), "توقفت المحادثة.");
  assert.match(await dialog.innerText(), /محادثتك محفوظة/);
  const looks = () =>
    dialog.evaluate((element) => {
      const { direction, backgroundColor } = getComputedStyle(element);
      return [direction, backgroundColor];
    });
  assert.equal((await looks())[0], "rtl");
  assert.deepEqual(await violations(page), []);
  const dark = (await looks())[1];
  await dialog.getByRole("button", { name: "إعادة تحميل المحادثة" }).click();
  await chat.host.getByRole("textbox").waitFor();

  // As it is spoken and looks by then, not as it began.
  await page.evaluate(async () => {
    await window.handle.setLocale("de");
    await window.handle.update({ theme: { colorScheme: "light" }, strings: { reloadChat: "Noch einmal" } });
  });
  await crash();
  await dialog.waitFor();
  assert.equal(await dialog.getByRole("heading").innerText(), "Der Chat wurde beendet.");
  assert.equal(await dialog.getByRole("button", { name: "Noch einmal" }).count(), 1);
  assert.equal(await dialog.getByRole("button", { name: "Schließen" }).count(), 1);
  const [direction, light] = await looks();
  assert.equal(direction, "ltr");
  assert.notEqual(light, dark);
  assert.deepEqual(await violations(page), []);
});

test("several crashes in a row make it wait, and then stay as it is", async () => {
  await init();
  await chat.open();
  for (let crash = 0; crash < 3; crash++) {
    await page.evaluate(() => (window.spoil(), window.handle.isOpen()));
    await again().waitFor();
    if (crash > 0) assert.equal(await again().isDisabled(), true, "it waits before it may be pressed");
    await again().click({ timeout: 15_000 });
    await chat.input.waitFor();
  }
  await page.evaluate(() => (window.spoil(), window.handle.isOpen()));
  await stopped().waitFor();
  assert.equal(await again().count(), 0);
  assert.match(await stopped().innerText(), /Reloading the page may help/);
  await stopped().getByRole("button", { name: "Close" }).click();
  assert.equal(await stopped().count(), 0);
});

test("a dead widget can be destroyed, and its calls do nothing", async () => {
  await init();
  await chat.open();
  await page.evaluate(() => (window.spoil(), window.handle.isOpen()));
  await stopped().waitFor();
  await page.evaluate(() => {
    window.handle.send("hi");
    window.handle.close();
    window.handle.destroy();
    window.handle.destroy();
  });
  assert.equal(await page.locator("[data-chinwag]").count(), 0);
});

test("two widgets of one page end together and are begun again each on its own", async () => {
  await init();
  await page.evaluate(async () => {
    window.second = await window.Chinwag("init", { site: "site_demo", namespace: "second", position: "bottom-left" });
  });
  await page.evaluate(() => window.handle.open());
  await page.evaluate(() => window.spoil());
  await page.evaluate(() => window.second.open());
  await page.locator("[data-chinwag]").first().getByRole("alertdialog").waitFor();
  await page.locator("[data-chinwag]").first().getByRole("button", { name: "Reload the chat" }).click();
  await page.locator("[data-chinwag]").first().getByRole("textbox").waitFor();
  await page.locator("[data-chinwag]").nth(1).locator('[part~="launcher"]').click();
  await page.locator("[data-chinwag]").nth(1).getByRole("textbox").waitFor();
  assert.equal(await page.evaluate(() => window.instances.length), 2, "one module serves both again");
});

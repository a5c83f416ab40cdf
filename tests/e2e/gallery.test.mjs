// The gallery page shows every state of the widget. Nothing in it overflows or
// overlaps, what can be pressed is large enough, and axe-core has no objection:
// at three widths, light and dark, in both directions, and with twice the text.
//
// With CHINWAG_GOLDEN=write each state's picture is kept under tests/golden/look;
// with CHINWAG_GOLDEN=compare they are compared (`cargo xtask golden`).

import assert from "node:assert/strict";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { test } from "node:test";

import { audit } from "./support/axe.mjs";
import { newPage, widget } from "./support/browser.mjs";
import { ROOT } from "./support/relay.mjs";
import { browser, relay, setStage } from "./support/stage.mjs";

const GOLDEN = path.join(ROOT, "tests/golden/look");

setStage();

/** The gallery, at rest. */
async function visit({ width = 1280, height = 900, scheme = "light", locale = "en", state, zoom, deviceScaleFactor, forcedColors } = {}) {
  const page = await newPage(browser, { viewport: { width, height }, deviceScaleFactor, reducedMotion: "reduce", forcedColors, timezoneId: "UTC", colorScheme: scheme });
  const query = new URLSearchParams({ scheme, locale, ...(state && { state }) });
  await page.goto(`${relay.origin}/gallery?${query}`);
  await page.waitForFunction(() => document.documentElement.dataset.ready === "");
  if (zoom) await page.evaluate((size) => window.gallery.chats.forEach((chat) => chat.setTheme({ tokens: { textSize: size } })), zoom);
  await page.waitForTimeout(1_200);
  return page;
}

/** What is wrong with the geometry of the page's widgets, each as a sentence. */
const flaws = (page) =>
  page.evaluate(() => {
    const found = [];
    const seen = (element) => element.checkVisibility({ visibilityProperty: true, opacityProperty: false }) && element.getBoundingClientRect().width > 1;
    const name = (element) => `${element.tagName.toLowerCase()}.${[...element.classList].join(".")} "${(element.getAttribute("aria-label") ?? element.textContent).slice(0, 30)}"`;
    for (const host of document.querySelectorAll("[data-chinwag]")) {
      const state = host.dataset.chinwag.slice(5);
      const say = (flaw) => found.push(`${state}: ${flaw}`);
      const root = host.shadowRoot;
      const panel = root.querySelector("[part~=panel]:not([hidden])");
      if (!panel) continue;
      const frame = panel.getBoundingClientRect();
      // What is read: every line of every text stands within the panel, and is cut off only where an ellipsis says so.
      const walker = document.createTreeWalker(panel, NodeFilter.SHOW_TEXT);
      for (let node = walker.nextNode(); node; node = walker.nextNode()) {
        const parent = node.parentElement;
        if (!node.data.trim() || !seen(parent) || parent.closest("pre, .cw-table, .cw-hidden, .cw-drawer, [inert]")) continue;
        const range = document.createRange();
        range.selectNodeContents(node);
        const clip = parent.closest(".cw-name, .cw-status > span, .cw-source-title");
        if (clip && getComputedStyle(clip).textOverflow === "ellipsis") continue;
        for (const box of range.getClientRects()) {
          if (box.width && (box.left < frame.left - 1 || box.right > frame.right + 1)) say(`"${node.data.slice(0, 30)}" stands outside the panel`);
        }
      }
      for (const element of panel.querySelectorAll("div, p, section, article, form, ul, ol")) {
        if (!seen(element) || element.closest("pre, .cw-table, .cw-hidden")) continue;
        const { overflowX, textOverflow } = getComputedStyle(element);
        if (overflowX === "hidden" && textOverflow !== "ellipsis" && element.scrollWidth > element.clientWidth + 7) say(`${name(element)} cuts something off`);
      }
      if (panel.scrollWidth > panel.clientWidth) say("the panel scrolls sideways");
      const log = root.querySelector("[part~=log]");
      if (log && seen(log) && log.scrollWidth > log.clientWidth) say("the transcript scrolls sideways");
      if (state !== "scrolled" && root.querySelector("[part~=pill]")) say("the end is out of sight, and nobody has scrolled");
      // Of a button that is only an icon, the tint is what is seen; what can be hit reaches beyond it.
      const tinted = (control) => {
        const { left, right, top, bottom } = control.getBoundingClientRect();
        const inset = control.matches(".cw-icon-button, .cw-action") ? parseFloat(getComputedStyle(control, "::before").top) : 0;
        return { left: left + inset, right: right - inset, top: top + inset, bottom: bottom - inset };
      };
      // What lies below the drawer is inert.
      const controls = [...root.querySelectorAll("button, a[href], textarea, summary")].filter((control) => seen(control) && !control.closest("[inert]"));
      controls.forEach((control, index) => {
        const box = control.getBoundingClientRect();
        // What can be hit may be larger than what is seen.
        let [width, height] = [box.width, box.height];
        for (const pseudo of ["::before", "::after"]) {
          const style = getComputedStyle(control, pseudo);
          if (style.content === "none" || style.position !== "absolute") continue;
          width = Math.max(width, parseFloat(style.width));
          height = Math.max(height, parseFloat(style.height));
        }
        const isInline = control.matches(".cw-prose a, .cw-cite, summary, .cw-text-button");
        const least = isInline ? 24 : 44;
        const isTextLink = control.matches(".cw-prose a:not(.cw-cite)");
        if (!isTextLink && (width < (isInline ? 24 : 44) - 0.5 || height < least - 0.5)) say(`${name(control)} is ${Math.round(width)} by ${Math.round(height)} to the finger, less than ${least}`);
        if (isTextLink) return;
        const mine = tinted(control);
        for (const other of controls.slice(index + 1)) {
          if (control.contains(other) || other.contains(control) || other.matches(".cw-prose a:not(.cw-cite)")) continue;
          const that = tinted(other);
          const across = Math.min(mine.right, that.right) - Math.max(mine.left, that.left);
          const down = Math.min(mine.bottom, that.bottom) - Math.max(mine.top, that.top);
          // What is scrolled out of sight is behind the composer, and the pill hovers on purpose.
          const scrolls = (element) => element.closest("[part~=log]");
          if (across > 1 && down > 1 && Boolean(scrolls(control)) === Boolean(scrolls(other)) && !control.matches("[part~=pill]") && !other.matches("[part~=pill]")) say(`${name(control)} and ${name(other)} overlap`);
        }
      });
    }
    return found;
  });

async function objections(page) {
  // The gallery shows one panel many times, which no site does.
  const found = await audit(page, { "landmark-unique": { enabled: false } });
  return found.flatMap((violation) => violation.nodes.map((node) => `${violation.id}: ${node.target.flat().join(" ")}: ${node.failureSummary}`));
}

// What the console says of the failures that some states show on purpose.
const STAGED = /status of (4|5)\d\d|does not answer as a relay does/;

for (const scheme of ["light", "dark"]) {
  for (const locale of ["en", "ar"]) {
    for (const width of [360, 768, 1280]) {
      test(`every state is sound at ${width} px, ${scheme}, ${locale}`, async () => {
        const page = await visit({ width, scheme, locale });
        assert.deepEqual(await flaws(page), []);
        assert.deepEqual(await objections(page), []);
        assert.deepEqual(page.errors.filter((error) => !STAGED.test(error)), []);
        await page.context().close();
      });
    }
  }
}

for (const locale of ["de", "fr", "es", "pt", "ja", "zh"]) {
  test(`the words of ${locale} have the room that they take`, async () => {
    const page = await visit({ width: 360, locale });
    assert.deepEqual(await flaws(page), []);
    await page.context().close();
  });
}

test("twice the size of text cuts nothing off", async () => {
  const page = await visit({ width: 360 });
  // As a browser's zoom does it: half the room, twice the pixels.
  await page.setViewportSize({ width: 320, height: 450 });
  await page.evaluate(() => window.gallery.chats.forEach((chat) => chat.setTheme({ tokens: { textSize: 24 } })));
  await page.waitForTimeout(300);
  assert.deepEqual(await flaws(page), []);
  assert.deepEqual(await objections(page), []);
  await page.context().close();
});

// A browser's zoom is this: so many times fewer CSS pixels in the window, each so many times larger.
for (const zoom of [2, 4]) {
  const window = { width: 1280 / zoom, height: 1024 / zoom, deviceScaleFactor: zoom };
  test(`a browser that zooms to ${zoom * 100} % cuts nothing off`, async () => {
    const page = await visit(window);
    assert.deepEqual(await flaws(page), []);
    await page.context().close();

    // The panel over a page, which has no more room than the window.
    const { deviceScaleFactor, ...viewport } = window;
    const floating = await newPage(browser, { viewport, deviceScaleFactor, reducedMotion: "reduce" });
    await floating.goto(relay.origin);
    const chat = widget(floating);
    await chat.open();
    await chat.ask("How do I change the accent colour?");
    await chat.settle();
    await chat.sources.first().waitFor();
    assert.deepEqual(await flaws(floating), []);
    for (const control of [chat.input, chat.send, chat.newConversation, chat.part("close")]) {
      const { x, y, width, height } = await control.boundingBox();
      assert.ok(x >= 0 && y >= 0 && x + width <= viewport.width && y + height <= viewport.height, `${await control.evaluate((element) => element.outerHTML.slice(0, 80))} is in the window`);
    }
    const read = await chat.log.evaluate((log) => log.clientHeight);
    assert.ok(read >= 60, `${read} px are left to read in`);
    await floating.context().close();
  });
}

test("forced colours leave every control a border or a colour of the system", async () => {
  const page = await visit({ forcedColors: "active", state: "answer" });
  const bare = await page.evaluate(() => {
    const root = document.querySelector("[data-chinwag]").shadowRoot;
    return [...root.querySelectorAll(".cw-bubble, .cw-send, .cw-avatar")]
      .filter((element) => element.checkVisibility() && getComputedStyle(element).borderTopWidth === "0px")
      .map((element) => element.className);
  });
  assert.deepEqual(bare, []);
  await page.context().close();
});

test("the theme page turns every token and writes the call", async () => {
  const page = await newPage(browser);
  await page.goto(`${relay.origin}/theme`);
  await page.waitForFunction(() => document.documentElement.dataset.ready === "");
  const { TOKENS } = await import("./support/tokens.mjs");
  for (const [token, value] of TOKENS) {
    const control = page.locator(`[name="tokens.${token}"]`);
    await control.evaluate((input, value) => {
      input.value = value;
      input.dispatchEvent(new Event("input", { bubbles: true }));
    }, String(value));
    assert.equal(await control.getAttribute("aria-invalid"), null, `${token}: ${await control.getAttribute("title")}`);
  }
  const call = await page.locator("#call").textContent();
  const options = await page.evaluate((call) => new Promise((resolve) => new Function("Chinwag", call)((command, options) => resolve(options))), call).catch(() => undefined);
  for (const [token, value] of TOKENS) {
    assert.ok(call.includes(`${token}: ${JSON.stringify(value)}`), `${token} is not in the call`);
  }
  assert.ok(options === undefined || options.site === "site_demo");
  const width = await page.locator("[data-chinwag]").evaluate((host) => getComputedStyle(host).getPropertyValue("--cw-panel-width").trim());
  assert.equal(width, "480px");
  await page.locator('[name="tokens.shadow"]').fill("url(x)");
  assert.equal(await page.locator('[name="tokens.shadow"]').getAttribute("aria-invalid"), "true");
  assert.deepEqual(await objections(page), []);
  await page.context().close();
});

const golden = process.env.CHINWAG_GOLDEN;

// Two dozen pictures: each state once, half of them in the dark or mirrored.
const PICTURES = ["empty", "answer", "rich", "reasoning", "waiting", "streaming", "failed", "limited", "broken", "restored", "draft", "unavailable", "history", "launcher", "files", "rating"].flatMap((state, index) => [
  { state, scheme: "light", locale: "en" },
  ...(index % 3 === 0 || state === "answer" ? [{ state, scheme: "dark", locale: "en" }] : []),
  ...(index % 4 === 1 ? [{ state, scheme: "light", locale: "ar" }] : []),
]);

if (golden) {
  for (const picture of PICTURES) {
    const file = path.join(GOLDEN, `${picture.state}-${picture.scheme}-${picture.locale}.png`);
    test(`${path.basename(file)} is as it was`, async () => {
      const page = await visit({ width: 480, ...picture });
      await page.evaluate(() => document.fonts.ready);
      const shot = await page.locator(".place").screenshot({ animations: "disabled", caret: "hide" });
      if (golden === "write") {
        await mkdir(GOLDEN, { recursive: true });
        await writeFile(file, shot);
      } else {
        const share = await difference(page, shot, await readFile(file));
        assert.ok(share < 0.002, `${(share * 100).toFixed(2)} % of ${path.basename(file)} differs`);
      }
      await page.context().close();
    });
  }
}

/** The share of pixels in which two pictures differ, counted by the browser. */
async function difference(page, left, right) {
  const blank = await page.context().newPage();
  return blank.evaluate(
    async (pictures) => {
      const [one, other] = await Promise.all(
        pictures.map(async (base64) => {
          const bitmap = await createImageBitmap(await (await fetch(`data:image/png;base64,${base64}`)).blob());
          const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext("2d");
          context.drawImage(bitmap, 0, 0);
          return context.getImageData(0, 0, bitmap.width, bitmap.height);
        }),
      );
      if (one.width !== other.width || one.height !== other.height) return 1;
      let differing = 0;
      for (let at = 0; at < one.data.length; at += 4) {
        const far = [0, 1, 2].some((channel) => Math.abs(one.data[at + channel] - other.data[at + channel]) > 24);
        if (far) differing++;
      }
      return differing / (one.data.length / 4);
    },
    [left.toString("base64"), right.toString("base64")],
  );
}

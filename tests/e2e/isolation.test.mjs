// The host page and the widget leave each other alone, whatever the page does.

import assert from "node:assert/strict";
import { test } from "node:test";

import { newPage, widget } from "./support/browser.mjs";
import { browser, relay, setStage, site } from "./support/stage.mjs";

const ARTICLE = `<main><h1>A page</h1><p>Some <a href="#x">text</a>.</p><button>A button</button><textarea></textarea></main>`;
const HOSTILE = "* { all: revert !important; font-size: 40px !important; letter-spacing: 9px !important; color: red !important }";

setStage({
  prepare() {
    const script = `<script src="${relay.origin}/chinwag.js" data-site="site_demo"></script>`;
    const page = (head, body) => `<!doctype html><html lang="en"><head><title>A page</title>${head}</head><body>${body}</body></html>`;
    site.pages["/plain"] = { html: page("", ARTICLE + script) };
    site.pages["/bare"] = { html: page("", ARTICLE) };
    site.pages["/hostile"] = { html: page(`<style>${HOSTILE}</style>`, ARTICLE + script) };
    site.pages["/csp"] = {
      html: page("", ARTICLE + script),
      headers: {
        "content-security-policy": `default-src 'none'; script-src ${relay.origin} 'wasm-unsafe-eval'; connect-src ${relay.origin}; style-src 'none'`,
      },
    };
    site.pages["/trusted-types"] = {
      html: page("", ARTICLE + script),
      headers: { "content-security-policy": "require-trusted-types-for 'script'; trusted-types 'none'" },
    };
    site.pages["/no-wasm"] = {
      html: page("", ARTICLE + script),
      headers: { "content-security-policy": `script-src ${relay.origin}` },
    };
  },
});

/** Every computed style inside the widget, or of the page's own elements. */
function styles(page, where) {
  return page.evaluate((where) => {
    const roots = { inside: () => document.querySelector("[data-chinwag]").shadowRoot, outside: () => document.querySelector("main") };
    const out = [];
    for (const element of roots[where]().querySelectorAll("*")) {
      // What is read out goes again after a while: how much of it is there is no style.
      if (element.closest("[aria-live=polite]")) continue;
      const style = getComputedStyle(element);
      out.push([element.tagName, element.getAttribute("part"), style.fontSize, style.color, style.letterSpacing, style.display, style.padding, style.borderRadius, style.fontFamily, style.textAlign, style.position].join("|"));
    }
    return out;
  }, where);
}

async function talk(path) {
  const page = await newPage(browser);
  const chat = widget(page);
  await page.goto(site.origin + path);
  await chat.open();
  await chat.ask("How do I change the accent colour?");
  await chat.sources.first().waitFor();
  await chat.settle();
  await page.mouse.move(0, 0);
  return { page, chat };
}

test("a page's hostile rules change nothing inside", async () => {
  const plain = await talk("/plain");
  const hostile = await talk("/hostile");
  await plain.page.waitForTimeout(300);
  await hostile.page.waitForTimeout(300);
  assert.deepEqual(await styles(hostile.page, "inside"), await styles(plain.page, "inside"));
  const box = (chat) => chat.panel.boundingBox();
  assert.deepEqual(await box(hostile.chat), await box(plain.chat));
  await plain.page.context().close();
  await hostile.page.context().close();
});

test("the widget changes nothing outside", async () => {
  const { page } = await talk("/plain");
  const bare = await newPage(browser);
  await bare.goto(`${site.origin}/bare`);
  assert.deepEqual(await styles(page, "outside"), await styles(bare, "outside"));
  const globals = (page) => page.evaluate(() => Object.keys(window));
  const known = new Set(await globals(bare));
  assert.deepEqual((await globals(page)).filter((name) => !known.has(name)), ["Chinwag"]);
  await page.context().close();
  await bare.context().close();
});

test("it works under a strict content security policy", async () => {
  const { page, chat } = await talk("/csp");
  assert.ok((await chat.panel.boundingBox()).width > 300, "styled");
  assert.deepEqual(page.errors, []);
  await page.context().close();
});

test("it works where the page demands trusted types", async () => {
  const { page } = await talk("/trusted-types");
  assert.deepEqual(page.errors, []);
  await page.context().close();
});

test("where wasm is refused, the visitor is told and the console says how to mend it", async () => {
  const page = await newPage(browser);
  await page.goto(`${site.origin}/no-wasm`);
  await widget(page).launcher.click();
  await page.locator("[data-chinwag]").getByText("The chat could not be loaded.").waitFor();
  assert.ok(page.errors.some((line) => line.includes("wasm-unsafe-eval")), page.errors.join("\n"));
  await page.context().close();
});

test("the widget's keys do not reach the page's shortcuts", async () => {
  const page = await newPage(browser);
  const chat = widget(page);
  await page.goto(`${site.origin}/plain`);
  await page.evaluate(() => {
    window.keys = [];
    document.addEventListener("keydown", (event) => window.keys.push(event.key));
  });
  await chat.open();
  await chat.input.pressSequentially("abc");
  assert.deepEqual(await page.evaluate(() => window.keys), []);
  await page.context().close();
});

// What the tests of a kiosk share: one browser, one relay with its database, a
// screen whose time is the test's own (`page.clock`), and the places in which a
// visitor's words could be left.

import assert from "node:assert/strict";
import { readFile, readdir } from "node:fs/promises";
import path from "node:path";
import { after, afterEach, before } from "node:test";

import { newPage, noteInstances, startBrowser } from "./browser.mjs";
import { startRelay } from "./relay.mjs";

export const QUESTION = "How do I change the accent colour?";
export const SECRET = "zanzibar-quartz-4711";

export let browser, relay, page;

/** Sets it up before the tests of the file that calls, and clears it away after them. `more` makes what `startRelay` is given beside. */
export function setHall(more) {
  before(async () => {
    browser = await startBrowser();
    // All visitors of these tests come from one address, and many at once.
    relay = await startRelay({ limits: "tokens_per_minute = 1000\ntokens_burst = 1000\naddress_messages_per_minute = 1000", ...more?.() });
  });
  after(async () => {
    await browser?.close();
    await relay?.stop();
  });
  afterEach(() => page?.context().close());
}

/** A kiosk in a window of its own, or a page around one at `address`, with time that stands until the test moves it. */
export async function open(query = "", { origin = relay.origin, hash = "", frozen = true, address, prepare, ...options } = {}) {
  page = await newPage(browser, { viewport: { width: 1080, height: 1920 }, ...options });
  page.warnings = [];
  page.on("console", (message) => message.type() === "warning" && page.warnings.push(message.text()));
  await noteInstances(page);
  await page.addInitScript(() => {
    window.beats = [];
    addEventListener("message", ({ data }) => data?.chinwag === "heartbeat" && window.beats.push(data));
  });
  if (prepare) await page.addInitScript(prepare);
  if (frozen) await page.clock.install();
  await page.goto(address ?? `${origin}/kiosk?site=site_demo${query}${hash}`);
  return kiosk(page);
}

/** The kiosk's parts as a visitor finds them. */
export function kiosk(page) {
  const host = page.locator("[data-chinwag]");
  const button = (name) => host.getByRole("button", { name, exact: true });
  return {
    host,
    button,
    attract: host.locator("[part=attract]"),
    start: button("Touch to start"),
    input: host.getByRole("textbox", { name: "Your message" }),
    warning: host.getByRole("alertdialog", { name: "Still there?" }),
    replies: host.locator(".cw-reply .cw-prose"),
    key: (mark) => host.locator(".cw-key", { hasText: new RegExp(`^${mark.replace(/[.*+?^$()|[\]\\]/g, "\\$&")}$`, "u") }).first(),
    async begin() {
      await host.getByRole("button", { name: "Touch to start" }).click();
      await host.getByRole("textbox", { name: "Your message" }).waitFor();
    },
    /** Asks, and has the reply come to its end. */
    async ask(question) {
      await host.getByRole("textbox", { name: "Your message" }).fill(question);
      await page.keyboard.press("Enter");
      await this.settle();
    },
    async settle() {
      const isDone = () => page.evaluate(() => {
        const root = document.querySelector("[data-chinwag]").shadowRoot;
        const reply = root.querySelector(".cw-reply:last-of-type");
        return reply?.dataset.state === "ended" && root.querySelector("[part=send]") !== null;
      });
      await eventually(isDone, "the reply ends");
    },
    async seconds(count) {
      await page.clock.runFor(count * 1000);
    },
  };
}

/** Waits in the test's own time, while the page's goes on in small steps. */
export async function eventually(is, what, within = 15_000) {
  const until = Date.now() + within;
  for (;;) {
    if (await is()) return;
    assert.ok(Date.now() < until, `in vain: ${what}`);
    await page.clock.runFor(50).catch(() => {});
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** All that the page holds somewhere, as one text for each place. */
export const held = () =>
  page.evaluate(async () => {
    const places = { page: document.documentElement.outerHTML, address: location.href };
    const host = document.querySelector("[data-chinwag]");
    places.shadow = host.shadowRoot.innerHTML;
    places.values = [...host.shadowRoot.querySelectorAll("input, textarea")].map((field) => field.value).join();
    places.local = JSON.stringify({ ...localStorage });
    places.session = JSON.stringify({ ...sessionStorage });
    places.databases = JSON.stringify(await indexedDB.databases());
    places.caches = JSON.stringify(await caches.keys());
    places.cookies = document.cookie;
    places.state = JSON.stringify(history.state);
    places.selection = String(getSelection());
    places.transcript = window.chat.transcript("json") + window.chat.transcript();
    return places;
  });

/** How many modules are alive, and whether any has the words in its memory. */
export async function memories(words) {
  const devtools = await page.context().newCDPSession(page);
  await devtools.send("HeapProfiler.enable");
  for (let time = 0; time < 3; time++) await devtools.send("HeapProfiler.collectGarbage");
  const found = await page.evaluate((words) => {
    const wanted = new TextEncoder().encode(words);
    const live = window.instances.map((known) => known.deref()).filter(Boolean);
    const holds = (bytes) => {
      for (let at = bytes.indexOf(wanted[0]); at >= 0; at = bytes.indexOf(wanted[0], at + 1)) {
        if (wanted.every((byte, index) => bytes[at + index] === byte)) return true;
      }
      return false;
    };
    return { live: live.length, holding: live.filter((instance) => holds(new Uint8Array(instance.exports.memory.buffer))).length };
  }, words);
  await devtools.detach();
  return found;
}

export async function filesWith(words, folder) {
  const found = [];
  for (const name of await readdir(folder, { recursive: true })) {
    const bytes = await readFile(path.join(folder, name)).catch(() => Buffer.alloc(0));
    if (bytes.includes(words)) found.push(name);
  }
  return found;
}

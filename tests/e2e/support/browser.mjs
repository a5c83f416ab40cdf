// Chromium, and the widget as a person meets it.

import { chromium } from "playwright-core";

/** Starts the system's Chromium. */
export function startBrowser() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: [
      "--no-sandbox",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}

/** A page in a context of its own; what it says on the console is kept. */
export async function newPage(browser, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
  const page = await context.newPage();
  page.errors = [];
  page.on("pageerror", (error) => page.errors.push(String(error)));
  page.on("console", (message) => message.type() === "error" && page.errors.push(message.text()));
  return page;
}

/**
 * Has a page take note of each module that it begins, in `window.instances`, without keeping any alive: the widget gives
 * nobody a way to its memory.
 */
export function noteInstances(page) {
  return page.addInitScript(() => {
    window.instances = [];
    for (const name of ["instantiate", "instantiateStreaming"]) {
      const own = WebAssembly[name];
      WebAssembly[name] = async (...given) => {
        const made = await own.apply(WebAssembly, given);
        // Parts of a module have its memory and none of their own.
        const instance = made.instance ?? made;
        if (instance.exports.memory) window.instances.push(new WeakRef(instance));
        return made;
      };
    }
  });
}

/** The widget's parts, found as a person finds them: by role and name. */
export function widget(page) {
  const host = page.locator("[data-chinwag]");
  const part = (name) => host.locator(`[part~="${name}"]`);
  return {
    host,
    part,
    launcher: part("launcher"),
    panel: host.getByRole("dialog"),
    input: host.getByRole("textbox", { name: "Your message" }),
    send: host.getByRole("button", { name: "Send", exact: true }),
    stop: host.getByRole("button", { name: "Stop answering" }),
    newConversation: host.getByRole("button", { name: "New conversation" }),
    log: host.getByRole("log"),
    sources: host.locator('[part~="source"]'),
    async open() {
      await part("launcher").click();
      await host.getByRole("dialog").waitFor();
    },
    async ask(question) {
      await host.getByRole("textbox", { name: "Your message" }).fill(question);
      await page.keyboard.press("Enter");
    },
    /** Waits until no message is on its way, and no reply runs. */
    async settle() {
      await host.locator("textarea:not([readonly])").first().waitFor({ state: "attached" });
      await host.getByRole("button", { name: "Send", exact: true }).waitFor();
    },
  };
}

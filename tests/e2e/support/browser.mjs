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

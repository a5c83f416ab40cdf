// The parts of the module that are fetched when they are first needed: when,
// what a usable panel fetches in all, and what happens where a part cannot be had.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, afterEach, before, beforeEach, test } from "node:test";

import { newPage, startBrowser, widget } from "./support/browser.mjs";
import { startSite } from "./support/host.mjs";
import { startRelay, startSimulator } from "./support/relay.mjs";

const QUESTION = "How do I change the accent colour?";
const REPLY = "**/chinwag-reply-*.wasm";
const PAST = "**/chinwag-past-*.wasm";
const DRAWER = "**/chinwag-drawer-*.wasm";
const FILE = "**/chinwag-file-*.wasm";
const SETTING = "**/chinwag-setting-*.wasm";
const LOOKS = "**/chinwag-answer-*.css";

let browser, relay, site, page, chat, fetched;

before(async () => {
  browser = await startBrowser();
  site = await startSite();
  relay = await startRelay({ origins: [site.origin] });
  site.pages["/"] = {
    html: `<!doctype html><html lang="en"><title>A site</title><h1>A site</h1>
      <script src="${relay.origin}/chinwag.js" data-site="site_demo"></script></html>`,
    headers: {
      "content-security-policy": `default-src 'none'; script-src ${relay.origin} 'wasm-unsafe-eval'; connect-src ${relay.origin}; require-trusted-types-for 'script'`,
    },
  };
});

after(async () => {
  await browser?.close();
  await site?.stop();
  await relay?.stop();
});

beforeEach(async () => {
  page = await newPage(browser);
  chat = widget(page);
  fetched = [];
  page.on("request", (request) => fetched.push(new URL(request.url()).pathname.slice(1)));
});

afterEach(() => page.context().close());

const times = (name) => fetched.filter((path) => path.startsWith(`chinwag-${name}-`)).length;

/** Has requests wait until the function that it gives is called. */
async function hold(address) {
  let go;
  const held = new Promise((resolve) => (go = resolve));
  await page.route(address, async (route) => {
    await held;
    await route.continue();
  });
  return go;
}

test("what a panel fetches is what the manifest calls `panel`, and with a question what it calls `answer`", async () => {
  const { files } = JSON.parse(await readFile(new URL("../../dist/manifest.json", import.meta.url), "utf8"));
  const ours = new Set(files.map((file) => file.path));
  const seen = () => [...new Set(fetched.filter((path) => ours.has(path)))].sort();
  const named = (...loads) => files.filter(({ load }) => loads.includes(load)).map(({ path }) => path).sort();
  await page.goto(site.origin);
  await chat.open();
  await chat.input.waitFor();
  assert.ok(await chat.input.isEditable());
  await page.waitForLoadState("networkidle");
  assert.deepEqual(seen(), named("launcher", "panel"));
  await chat.ask(QUESTION);
  await chat.sources.first().waitFor();
  await chat.settle();
  await page.waitForLoadState("networkidle");
  assert.ok((await chat.log.locator(".cw-prose p, .cw-prose li, .cw-prose pre").count()) > 0, "drawn as Markdown");
  assert.deepEqual(seen(), named("launcher", "panel", "answer"));
  assert.deepEqual(page.errors, [], "under a strict policy");
});

test("the panel opens without the code for replies, and the first word typed fetches it once", async () => {
  await page.goto(site.origin);
  await chat.open();
  await chat.input.waitFor();
  await page.waitForLoadState("networkidle");
  assert.equal(times("reply"), 0, `${fetched}`);
  const asked = page.waitForRequest(REPLY);
  await chat.input.pressSequentially("How");
  await asked;
  await chat.ask(QUESTION);
  await chat.sources.first().waitFor();
  assert.equal(times("reply"), 1);
});

test("a question waits for code that is slow to come, shows that it is waiting, and is sent once", async () => {
  const go = await hold(REPLY);
  await page.goto(site.origin);
  await chat.open();
  await chat.ask(QUESTION);
  await chat.log.locator(".cw-dots").waitFor();
  assert.equal(await chat.input.inputValue(), QUESTION);
  await page.keyboard.press("Enter");
  assert.equal(await chat.input.isEditable(), false, "what is on its way is not changed");
  go();
  await chat.sources.first().waitFor();
  await chat.settle();
  assert.equal(await chat.part("message").count(), 2);
  assert.ok((await chat.part("message").first().innerText()).includes(QUESTION));
  assert.equal(await chat.input.inputValue(), "");
  assert.equal(await chat.log.locator(".cw-dots").count(), 0);
  assert.deepEqual(page.errors, []);
});

test("a suggestion that is chosen waits for code that is slow to come", async () => {
  const go = await hold(REPLY);
  await page.goto(site.origin);
  await chat.open();
  await chat.part("suggestion").first().click();
  await chat.log.locator(".cw-dots").waitFor();
  go();
  await chat.sources.first().waitFor();
  await chat.settle();
  assert.equal(await chat.part("message").count(), 2);
});

test("where the code for replies cannot be had the question is kept, and is answered once it can", async () => {
  let refused = 0;
  await page.route(REPLY, (route) => (refused++, route.fulfill({ status: 404, body: "not here" })));
  await page.goto(site.origin);
  await chat.open();
  await chat.ask(QUESTION);
  await chat.log.getByText("This could not be loaded.").waitFor();
  const again = chat.log.getByRole("button", { name: "Try again" });
  assert.equal(await chat.input.inputValue(), QUESTION);
  assert.ok(await chat.input.isEditable(), "it can be changed, or taken elsewhere");
  assert.ok(refused > 0);
  await again.click();
  await chat.log.getByText("This could not be loaded.").waitFor();
  await page.unroute(REPLY);
  await again.click();
  await chat.sources.first().waitFor();
  await chat.settle();
  assert.equal(await chat.part("message").count(), 2);
  assert.equal(await chat.log.getByText("This could not be loaded.").count(), 0);
});

test("an earlier transcript that cannot be read says so, and the next opening shows it", async () => {
  await page.goto(site.origin);
  await chat.open();
  await chat.ask(QUESTION);
  await chat.sources.first().waitFor();
  await chat.settle();
  await page.route(PAST, (route) => route.fulfill({ contentType: "text/html", body: "<h1>No</h1>" }));
  await page.reload();
  await chat.panel.waitFor();
  await chat.host.locator(".cw-banner svg").waitFor();
  assert.equal(await chat.part("message").count(), 0);
  await page.unroute(PAST);
  await chat.host.getByRole("button", { name: "Close chat" }).first().click();
  await chat.open();
  await chat.sources.first().waitFor();
  assert.equal(await chat.part("message").count(), 2);
});

test("an earlier transcript that cannot be drawn says so, and comes as soon as it can", async () => {
  await page.goto(site.origin);
  await chat.open();
  await chat.ask(QUESTION);
  await chat.sources.first().waitFor();
  await chat.settle();
  await page.route(REPLY, (route) => route.abort());
  await page.reload();
  await chat.host.locator(".cw-banner svg").waitFor();
  assert.equal(await chat.part("message").count(), 0);
  await page.unroute(REPLY);
  await chat.sources.first().waitFor();
  assert.ok((await chat.part("message").first().innerText()).includes(QUESTION));
  assert.equal(await chat.host.locator(".cw-banner").count(), 0);
});

test("the code for files is fetched where files can be sent; without it everything else is there", async () => {
  const simulator = await startSimulator("openai-chat");
  const agent = simulator.agent.replace(/^provider.*$/m, "$&\nattachments = true");
  const other = await startRelay({ origins: [site.origin], agent, env: simulator.env });
  try {
    site.pages["/files"] = {
      html: `<!doctype html><html lang="en"><title>A site</title><h1>A site</h1>
        <script src="${other.origin}/chinwag.js" data-site="site_demo"></script></html>`,
    };
    await page.route(FILE, (route) => route.abort());
    await page.goto(`${site.origin}/files`);
    const asked = page.waitForRequest(FILE);
    await chat.open();
    await asked;
    await chat.ask("Hello");
    await chat.settle();
    assert.equal(await chat.part("message").count(), 2);
    assert.equal(await chat.part("attach").count(), 0, "what cannot be done is not offered");
    await page.unroute(FILE);
    await page.reload();
    await chat.part("attach").waitFor();
    assert.equal(times("file"), 2);
  } finally {
    await other.stop();
    simulator.stop();
  }
});

test("what reads rare options is fetched for whoever gives one, at first or later", async () => {
  site.pages["/handle"] = {
    html: `<!doctype html><html lang="en"><title>A site</title><h1>A site</h1>
      <script src="${relay.origin}/chinwag.js"></script></html>`,
  };
  const begin = (options) =>
    page.evaluate(async (options) => void (window.chat = await Chinwag("init", { site: "site_demo", ...options })), options);
  const update = (changes) =>
    page.evaluate(async (changes) => {
      try {
        const done = window.chat.update(changes);
        await done;
        return done ? "later" : "at once";
      } catch (error) {
        return error.message;
      }
    }, changes);
  await page.goto(`${site.origin}/handle`);
  await begin({ title: "Harbour", theme: { accent: "#112233" }, suggestions: ["Why?"] });
  assert.equal(await update({ title: "Night desk", position: "bottom-left" }), "at once");
  assert.equal(times("setting"), 0);

  await page.route(SETTING, (route) => route.abort());
  assert.match(await update({ zIndex: 77 }), /fetch|load/i);
  assert.match(await update({ title: 7 }), /fetch|load/i, "what would tell what is wrong cannot be had either");
  await page.unroute(SETTING);
  assert.equal(await update({ zIndex: 77 }), "later");
  assert.equal(await chat.host.evaluate((host) => getComputedStyle(host).zIndex), "77");
  assert.equal(await update({ zIndex: 78 }), "at once");
  assert.match(await update({ title: 7 }), /"title" must be a text/);
  assert.match(await update({ colour: 1 }), /"colour" is not known/);

  await page.goto(`${site.origin}/handle`);
  fetched.length = 0;
  await begin({ zIndex: 79 });
  assert.equal(times("setting"), 1);
  assert.equal(await chat.host.evaluate((host) => getComputedStyle(host).zIndex), "79");
});

test("tools that are registered before what reads them is here are known as soon as it is, unless taken back", async () => {
  const go = await hold(SETTING);
  await page.goto(`${site.origin}/handle`);
  await page.evaluate(async () => {
    window.chat = await Chinwag("init", { site: "site_demo" });
    window.off = window.chat.registerTools({ look: { description: "Looks.", handler: () => 1 } });
    window.chat.registerTools({ gone: { description: "Goes.", handler: () => 1 } })();
  });
  go();
  await page.waitForLoadState("networkidle");
  await page.evaluate(() => window.off());
  assert.deepEqual(page.errors, []);
});

test("the history is fetched by its first opening, and by the next if it could not be had", async () => {
  await page.route(DRAWER, (route) => route.abort());
  await page.goto(site.origin);
  await chat.open();
  const open = chat.host.getByRole("button", { name: "Earlier conversations" });
  await open.click();
  const drawer = chat.part("history");
  await drawer.getByText("This could not be loaded.").waitFor();
  await page.keyboard.press("Escape");
  await drawer.waitFor({ state: "detached" });
  assert.ok(await chat.panel.isVisible(), "Escape closed the history, not the panel");
  await page.unroute(DRAWER);
  await open.click();
  await drawer.getByRole("searchbox").waitFor();
  await page.waitForFunction(() => document.querySelector("[data-chinwag]").shadowRoot.activeElement?.type === "search");
  await drawer.getByRole("button", { name: "Back to the chat" }).click();
  await drawer.waitFor({ state: "detached" });
  const before = times("drawer");
  await open.click();
  await drawer.getByRole("searchbox").waitFor();
  assert.equal(times("drawer"), before, "once it is there it stays");
});

/** The rules of what comes with the first part by which something looks that is drawn without it. */
async function worn() {
  const { files } = JSON.parse(await readFile(new URL("../../dist/manifest.json", import.meta.url), "utf8"));
  const { path } = files.find((file) => /^chinwag-answer-.*\.css$/.test(file.path));
  const css = await (await fetch(`${relay.origin}/${path}`)).text();
  return page.evaluate((css) => {
    const { shadowRoot } = document.querySelector("[data-chinwag]");
    if (shadowRoot.adoptedStyleSheets.length !== 2) return ["a part is here"];
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(css);
    const drawn = [...shadowRoot.querySelectorAll("*")];
    const rules = (list) => [...list].flatMap((rule) => (rule.selectorText ? [rule.selectorText] : rule.cssRules ? rules(rule.cssRules) : []));
    const plain = (selector) => selector.replace(/::[a-z-]+/g, "");
    const found = rules(sheet.cssRules).filter((selector) => drawn.some((element) => element.matches(plain(selector))));
    return rules(sheet.cssRules).length > 100 ? found : ["there is nothing to look for"];
  }, css);
}

test("nothing that is drawn before the first part looks as what comes with that says", async () => {
  site.pages["/early"] = {
    html: `<!doctype html><html lang="en"><title>A site</title><h1>A site</h1>
      <script src="${relay.origin}/chinwag.js"></script></html>`,
  };
  const go = await hold(DRAWER);
  await page.goto(`${site.origin}/early`);
  await page.evaluate(async () => {
    const teaser = { text: "Ask me anything", delayMs: 0 };
    window.chat = await Chinwag("init", { site: "site_demo", relay: new URL(document.scripts[0].src).origin, teaser });
  });
  await chat.part("teaser").waitFor();
  assert.deepEqual(await worn(), [], "beside the launcher");
  await chat.open();
  await chat.part("suggestion").first().waitFor();
  assert.deepEqual(await worn(), [], "an empty panel");
  await chat.host.getByRole("button", { name: "Earlier conversations" }).click();
  await chat.part("history").locator(".cw-dots").waitFor();
  assert.deepEqual(await worn(), [], "a history that is on its way");
  await page.keyboard.press("Escape");
  await page.route(REPLY, (route) => route.abort());
  await page.route(LOOKS, (route) => route.abort());
  go();
  await page.context().setOffline(true);
  await chat.host.locator(".cw-banner").waitFor();
  assert.deepEqual(await worn(), [], "without a network");
  await page.context().setOffline(false);
  await chat.host.locator(".cw-banner").waitFor({ state: "detached" });
  await chat.ask(QUESTION);
  await chat.log.getByText("This could not be loaded.").waitFor();
  assert.deepEqual(await worn(), [], "a question that could not be sent");

  await page.goto(`${site.origin}/early`);
  await page.evaluate(async () => {
    const relay = new URL(document.scripts[0].src).origin;
    window.chat = await Chinwag("init", { site: "site_demo", relay, namespace: "asks", consent: "required" });
  });
  await chat.open();
  await chat.part("consent").waitFor();
  assert.deepEqual(await worn(), [], "before there is consent");
});

test("where how an answer looks cannot be had the question is kept, and both come with the next try", async () => {
  await page.route(LOOKS, (route) => route.abort());
  await page.goto(site.origin);
  await chat.open();
  await chat.ask(QUESTION);
  await chat.log.getByText("This could not be loaded.").waitFor();
  assert.equal(await chat.input.inputValue(), QUESTION);
  await page.unroute(LOOKS);
  await chat.log.getByRole("button", { name: "Try again" }).click();
  await chat.sources.first().waitFor();
  await chat.settle();
  const bubble = chat.part("message").first().locator(".cw-bubble");
  assert.equal(await bubble.evaluate((element) => getComputedStyle(element).whiteSpaceCollapse), "preserve");
});

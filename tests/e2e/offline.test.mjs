// Networks as they are: away, back, cut in the middle. Nothing is lost and
// nothing is there twice.

import assert from "node:assert/strict";
import { before, test } from "node:test";

import { chat, openPages, page, proxy, relay, setStage, site } from "./support/stage.mjs";

const QUESTION = "How do I change the accent colour?";

setStage({
  hasProxy: true,
  prepare() {
    const script = `<script src="${proxy.origin}/chinwag.js"`;
    site.pages["/"] = { html: `<!doctype html><html lang="en"><title>A site</title>${script} data-site="site_demo"></script></html>` };
    site.pages["/api"] = { html: `<!doctype html><html lang="en"><title>A site</title>${script}></script></html>` };
  },
});
openPages();

const bubbles = () => chat.host.locator(".cw-question .cw-bubble").allInnerTexts();
const waiting = () => chat.host.locator('.cw-question[data-delivery="waiting"]');

test("what is written offline waits, can be removed, and is sent in order on return, once", async () => {
  await page.goto(site.origin);
  await chat.open();
  await chat.ask("hi");
  await chat.settle();
  await page.context().setOffline(true);
  await chat.panel.getByText("You are offline.").waitFor();
  await chat.ask("First while away");
  await chat.ask("Second, not meant");
  await chat.ask("Third while away");
  assert.equal(await waiting().count(), 3);
  await waiting().nth(1).getByRole("button", { name: "Remove" }).click();
  assert.equal(await waiting().count(), 2);
  const posts = () => proxy.requests.filter((line) => line === "POST /v1/chat").length;
  const before = posts();
  await page.context().setOffline(false);
  await page.waitForFunction(() => {
    const root = document.querySelector("[data-chinwag]").shadowRoot;
    const states = [...root.querySelectorAll(".cw-question")].map((question) => question.dataset.delivery);
    return states.length === 3 && states.every((state) => state === "sent");
  });
  await chat.settle();
  assert.deepEqual((await bubbles()).slice(-2), ["First while away", "Third while away"]);
  assert.equal(posts() - before, 2, "each was posted once");
  await page.reload();
  await chat.panel.waitFor();
  await chat.host.getByText("Third while away").waitFor();
  // Of a long transcript only what is in sight is drawn; the handle knows all.
  const told = await page.evaluate(() => window.Chinwag("transcript"));
  const said = ["First while away", "Second, not meant", "Third while away"].map((text) => told.split(text).length - 1);
  assert.deepEqual(said, [1, 0, 1], "and so the relay has them");
});

test("what waits survives a reload, and is sent although the browser never said that it was offline", async () => {
  await page.goto(site.origin);
  await chat.open();
  await chat.ask("hi");
  await chat.settle();
  proxy.away = true;
  await chat.ask("Are you there?");
  await waiting().waitFor();
  await chat.panel.getByText("The chat could not be reached.").waitFor();
  const saved = await page.evaluate(() => JSON.parse(localStorage.getItem("cw:site_demo")));
  assert.equal(saved.waiting[0].text, "Are you there?");
  proxy.away = false;
  await page.reload();
  await chat.panel.waitFor();
  await page.waitForFunction(() => {
    const root = document.querySelector("[data-chinwag]").shadowRoot;
    const last = [...root.querySelectorAll(".cw-question")].at(-1);
    return last?.dataset.delivery === "sent" && last.innerText.includes("Are you there?");
  });
  await chat.settle();
  assert.deepEqual(await bubbles(), ["hi", "Are you there?"]);
});

test("a relay that comes back is found without a press", async () => {
  await page.goto(site.origin);
  await chat.open();
  await chat.ask("hi");
  await chat.settle();
  proxy.away = true;
  await chat.ask("Anyone?");
  await waiting().waitFor();
  proxy.away = false;
  await waiting().waitFor({ state: "detached", timeout: 15_000 });
  await chat.settle();
  assert.deepEqual(await bubbles(), ["hi", "Anyone?"]);
});

test("a reply goes on by itself after the network was away, word for word", async () => {
  await page.goto(site.origin);
  await chat.open();
  await chat.ask(QUESTION);
  await chat.sources.first().waitFor();
  await chat.settle();
  const words = async () => (await chat.host.locator(".cw-reply").last().locator(".cw-prose").first().innerText());
  const whole = await words();
  await chat.newConversation.click();
  // A browser that goes offline keeps what it has open; the cut is the proxy's.
  proxy.cutAfterChunks = 8;
  proxy.chunkDelayMs = 100;
  await chat.ask(QUESTION);
  await chat.stop.waitFor();
  await page.context().setOffline(true);
  await page.waitForTimeout(1500);
  await page.context().setOffline(false);
  proxy.chunkDelayMs = 0;
  await chat.sources.first().waitFor();
  await chat.settle();
  assert.equal(await words(), whole);
  assert.doesNotMatch(await chat.log.innerText(), /broke off|could not/);
  assert.ok(proxy.requests.some((line) => /GET \/v1\/chat\/[^/]+\/stream/.test(line)), "it was resumed");
});

test("the page hears how things stand", async () => {
  await page.goto(`${site.origin}/api`);
  await page.evaluate(async () => {
    window.told = [];
    const handle = await window.Chinwag("init", { site: "site_demo" });
    handle.on("connection:change", ({ state }) => window.told.push(state));
    handle.open();
  });
  await page.waitForFunction(() => window.told.includes("ready"));
  await page.context().setOffline(true);
  await page.waitForFunction(() => window.told.at(-1) === "offline");
  await page.context().setOffline(false);
  await page.waitForFunction(() => window.told.at(-1) === "ready");
});

test("a relay that is away when the panel opens is said, and Try again finds it", async () => {
  await page.goto(site.origin);
  await chat.launcher.hover();
  await page.waitForFunction(() => document.querySelector("[data-chinwag]").shadowRoot.querySelector('[part="root"]'));
  proxy.away = true;
  await chat.open();
  await chat.panel.getByText("The chat could not be reached.").waitFor();
  proxy.away = false;
  await chat.panel.getByRole("button", { name: "Try again" }).click();
  await chat.panel.getByText("Answers in seconds").waitFor();
});

test("before consent nothing is stored and nothing is sent, and the typed text stays", async () => {
  await page.goto(`${site.origin}/api`);
  const before = () => proxy.requests.filter((line) => line.includes("/v1/")).length;
  const calls = before();
  await page.evaluate(() => window.Chinwag("init", { site: "site_demo", consent: "required" }));
  await chat.open();
  await chat.ask("My name is Ann");
  await page.waitForTimeout(500);
  assert.equal(before(), calls);
  assert.deepEqual(await page.evaluate(() => [localStorage.length, sessionStorage.length]), [0, 0]);
  assert.equal(await chat.input.inputValue(), "My name is Ann");
  await chat.panel.getByRole("button", { name: "Agree and continue" }).click();
  await chat.input.focus();
  await page.keyboard.press("Enter");
  await chat.host.locator('.cw-question[data-delivery="sent"]').waitFor();
  await page.reload();
  await page.evaluate(() => window.Chinwag("init", { site: "site_demo", consent: "required" }));
  await chat.panel.waitFor();
  await chat.host.getByText("My name is Ann").waitFor();
  assert.equal(await chat.panel.getByRole("button", { name: "Agree and continue" }).count(), 0, "it is remembered");

  await page.evaluate(() => window.Chinwag("update", { consent: false }));
  await chat.panel.getByText("The chat starts when you have agreed").waitFor();
  assert.deepEqual(await page.evaluate(() => [localStorage.length, sessionStorage.length]), [0, 0]);
});

test("the page's own fetch and headers carry every request, and its own token is asked for once", async () => {
  await page.goto(`${site.origin}/api`);
  const seen = await page.evaluate(async (relay) => {
    const seen = { urls: [], tenant: new Set(), asked: [] };
    const handle = await window.Chinwag("init", {
      relay,
      headers: { "x-tenant": "harbour" },
      getToken: async (current) => {
        seen.asked.push(current);
        const answer = await fetch(`${relay}/v1/token`, {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: JSON.stringify({ site: "site_demo" }),
        });
        return answer.json();
      },
      fetch: (url, { headers: { "x-tenant": tenant, ...headers }, ...init }) => {
        seen.urls.push(new URL(url).pathname);
        seen.tenant.add(tenant);
        return fetch(url, { ...init, headers });
      },
    });
    handle.open();
    handle.send("hi");
    await new Promise((resolve) => handle.once("message:received", resolve));
    return { ...seen, tenant: [...seen.tenant] };
  }, proxy.origin);
  assert.deepEqual(seen.asked, [undefined]);
  assert.deepEqual(seen.tenant, ["harbour"]);
  assert.deepEqual(seen.urls, ["/v1/chat"]);
});

test("a provider's key in a header is refused before anything is sent", async () => {
  await page.goto(`${site.origin}/api`);
  const message = await page.evaluate(() =>
    window.Chinwag("init", { site: "site_demo", headers: { authorization: "Bearer sk-abcdefgh12345678" } }).then(
      () => "no error",
      (error) => error.message,
    ),
  );
  assert.match(message, /"headers\.authorization" looks like a provider's key/);
  assert.match(message, /relay/);
  assert.doesNotMatch(message, /abcdefgh/);
});

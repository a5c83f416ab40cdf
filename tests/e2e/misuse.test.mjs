// What pages get wrong, and what pages are like: addresses that answer something
// else, calls at the wrong moment, names and prototypes that are taken.

import assert from "node:assert/strict";
import http from "node:http";
import { after, describe, test } from "node:test";

import { chat, openPages, page, relay, setStage, site } from "./support/stage.mjs";

const QUESTION = "How do I change the accent colour?";

let wrong;

/** A server that is no relay, but hands on what a relay has; what it answers otherwise is the test's. */
async function startWrong() {
  const served = { answer: () => undefined };
  const server = http.createServer(async (request, response) => {
    const { status, type, body } = served.answer(request.url) ?? {};
    const headers = { "access-control-allow-origin": "*", "access-control-allow-headers": "*" };
    if (request.method === "OPTIONS") return response.writeHead(204, headers).end();
    if (status) return response.writeHead(status, { ...headers, "content-type": type }).end(body);
    let sent = "";
    for await (const bytes of request) sent += bytes;
    const { method, headers: { origin, authorization, "content-type": kind } } = request;
    const given = Object.entries({ origin, authorization, "content-type": kind }).filter(([, value]) => value);
    const real = await fetch(relay.origin + request.url, { method, headers: Object.fromEntries(given), body: sent || undefined });
    const bytes = Buffer.from(await real.arrayBuffer());
    return response.writeHead(real.status, { ...headers, "content-type": type ?? real.headers.get("content-type") }).end(bytes);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  served.origin = `http://127.0.0.1:${server.address().port}`;
  served.stop = () => new Promise((resolve) => (server.closeAllConnections(), server.close(resolve)));
  return served;
}

setStage({
  async prepare() {
    wrong = await startWrong();
  },
});
openPages();

after(() => wrong?.stop());

const HTML = { status: 200, type: "text/html", body: "<!doctype html><title>A shop</title>" };
const MISSING = { status: 404, type: "text/plain", body: "not found" };

/** Shows a page with this in its body. */
function show(html, { head = "" } = {}) {
  site.pages["/"] = { html: `<!doctype html><html lang="en"><head><title>A site</title><link rel="icon" href="data:,">${head}</head><body>${html}</body></html>` };
  return page.goto(site.origin);
}

const tag = (origin = relay.origin, more = "") => `<script src="${origin}/chinwag.js" data-site="site_demo" ${more} async></script>`;

async function answers() {
  if (!(await chat.panel.isVisible())) await chat.open();
  await chat.ask(QUESTION);
  await chat.sources.first().waitFor();
  assert.deepEqual(page.errors, []);
}

describe("an address that answers something else", () => {
  test("a copy of the files that lies in a folder: the console says that the relay has to be named", async () => {
    wrong.answer = () => undefined;
    await page.route(`${wrong.origin}/copy/*`, async (route) => {
      await route.fulfill({ response: await route.fetch({ url: route.request().url().replace("/copy", "") }) });
    });
    await show(tag(`${wrong.origin}/copy`));
    await chat.launcher.click();
    await chat.host.getByText("The chat could not be loaded.").waitFor();
    const said = page.errors.find((line) => line.startsWith("chinwag:")) ?? "";
    assert.ok(said.includes(`option "relay" is missing: the script comes from ${wrong.origin}/copy/, and a relay is at`), said);
    await show(tag(`${wrong.origin}/copy`, `data-relay="${relay.origin}"`));
    page.errors.length = 0;
    await answers();
  });

  for (const [name, answer] of Object.entries({ HTML, "404": MISSING })) {
    for (const kind of ["js", "wasm", "css"]) {
      test(`${name} for the ${kind}: the console names it, and a press is told`, async () => {
        const pattern = new RegExp(`/chinwag-[0-9a-f]+\\.${kind}`);
        wrong.answer = (url) => (pattern.test(url) ? answer : undefined);
        await show(tag(wrong.origin));
        await chat.launcher.click();
        await chat.host.getByText("The chat could not be loaded.").waitFor();
        const said = page.errors.find((line) => line.startsWith("chinwag:")) ?? "";
        assert.ok(said.includes(wrong.origin), said);
        if (kind !== "js") assert.match(said, name === "HTML" ? /answered text\/html/ : /answered 404/);
        else assert.match(said, /is .* your relay/);
      });
    }
    test(`${name} in place of a relay's answers: the console says so, and the panel that it is not there`, async () => {
      wrong.answer = (url) => (url.startsWith("/v1/") ? answer : undefined);
      await show(tag(relay.origin, `data-relay="${wrong.origin}"`));
      await chat.open();
      await chat.panel.getByText("not available").first().waitFor();
      const { says } = (await page.evaluate(() => window.Chinwag("doctor"))).checks.find((check) => check.name === "token");
      assert.match(says, /not what a relay answers: is "relay" the address of a relay\?/);
      assert.ok(page.errors.some((line) => line.startsWith("chinwag:") && line.includes(wrong.origin)), page.errors.join("\n"));
    });
  }

  test("HTML in place of a reply alone: the message is marked failed, and the console names the address", async () => {
    wrong.answer = (url) => (url === "/v1/chat" ? HTML : undefined);
    await show(tag(wrong.origin));
    await chat.open();
    await chat.ask(QUESTION);
    await chat.host.getByRole("button", { name: "Try again" }).waitFor();
    assert.ok(await chat.host.getByText(QUESTION).isVisible(), "what was asked is kept");
  });

  test("wasm under another type is taken all the same", async () => {
    wrong.answer = (url) => (url.includes(".wasm") ? { type: "application/octet-stream" } : undefined);
    await show(tag(wrong.origin, `data-relay="${relay.origin}"`));
    await answers();
  });
});

describe("calls", () => {
  test("of init twice make two chats, each with a handle of its own", async () => {
    await show(`<script src="${relay.origin}/chinwag.js"></script>`);
    const [count, left] = await page.evaluate(async () => {
      const first = await window.Chinwag("init", { site: "site_demo" });
      const second = await window.Chinwag("init", { site: "site_demo", namespace: "second", position: "bottom-left" });
      const count = document.querySelectorAll("[data-chinwag]").length;
      first.destroy();
      second.open();
      return [count, second.isOpen()];
    });
    assert.deepEqual([count, left], [2, true]);
    assert.deepEqual(page.errors, []);
  });

  test("of a method that does not exist say so", async () => {
    await show(tag());
    await chat.launcher.waitFor();
    const said = await page.evaluate(() => window.Chinwag("opne").catch((error) => error.message));
    assert.match(said, /is not a function/);
    assert.ok(page.errors.some((line) => /chinwag: opne/.test(line)), page.errors.join("\n"));
  });
});

describe("a page whose", () => {
  test("script has no document.currentScript", async () => {
    await show(`<script type="module" src="${relay.origin}/chinwag.js" data-site="site_demo" crossorigin></script>`);
    await answers();
  });

  test("elements have taken the names that the loader asks for", async () => {
    await show(
      `<form id="Chinwag"><input name="init"><input name="q"></form><img name="currentScript" alt=""><img name="body" alt=""><a id="chinwag"></a>${tag()}`,
    );
    await answers();
  });

  test("Object.prototype is frozen", async () => {
    await show(`<script>Object.freeze(Object.prototype); Object.freeze(Array.prototype); Object.freeze(Function.prototype)</script>${tag()}`);
    await answers();
  });

  test("prototypes have more than the language gave them", async () => {
    await show(`<script>
      Object.prototype.extra = function () { return "extra"; };
      Object.prototype.theme = "dark";
      Array.prototype.last = function () { return this[this.length - 1]; };
      String.prototype.site = "site_other";
    </script>${tag()}`);
    await answers();
  });

  test("tag is there in two versions draws one chat, and one element", async () => {
    // As another version would come: from another address.
    await show(`${tag()}<script src="${wrong.origin}/chinwag.js" data-site="site_demo" async></script>`);
    wrong.answer = () => undefined;
    await chat.launcher.waitFor();
    await page.waitForTimeout(500);
    assert.equal(await chat.host.count(), 1);
    await answers();
  });

  test("application has another version in it than its tag: each has its own looks, words and end", async () => {
    // What a version has of its own: the file that its module names.
    wrong.answer = (url) => (/\.css$/.test(url) ? { status: 200, type: "text/css", body: `${sheet}.cw-panel { outline: 7px solid rgb(1, 2, 3) }` } : undefined);
    const { files } = await (await fetch(`${relay.origin}/manifest.json`)).json();
    const named = (pattern) => files.map((file) => file.path).find((name) => pattern.test(name));
    const sheet = await (await fetch(`${relay.origin}/${named(/^chinwag-[0-9a-f]+\.css$/)}`)).text();
    await show(`${tag()}<script type="module">
      import { init } from "${wrong.origin}/${named(/^chinwag-[0-9a-f]+\.js$/)}";
      window.other = await init({ site: "site_demo", relay: "${relay.origin}", namespace: "other", position: "bottom-left" });
    </script>`);
    await page.waitForFunction(() => window.other);
    await chat.launcher.first().click();
    await page.evaluate(() => window.other.open());
    const hosts = [page.locator("[data-chinwag]:not([data-position=bottom-left])"), page.locator("[data-position=bottom-left]")];
    const outlines = [];
    for (const [index, host] of hosts.entries()) {
      await host.getByRole("textbox", { name: "Your message" }).fill(index ? "Which options are there?" : QUESTION);
      await page.keyboard.press("Enter");
      await host.locator("[part~=source]").first().waitFor();
      await host.getByRole("button", { name: "Send", exact: true }).waitFor();
      outlines.push(await host.locator("[part~=panel]").first().evaluate((panel) => getComputedStyle(panel).outlineColor === "rgb(1, 2, 3)"));
      assert.equal(await host.locator("[part~=message]").count(), 2, "its own conversation");
    }
    assert.deepEqual(outlines, [false, true]);
    await page.evaluate(() => window.other.destroy());
    assert.equal(await hosts[1].count(), 0);
    await hosts[0].getByRole("textbox", { name: "Your message" }).fill("Which options are there?");
    await page.keyboard.press("Enter");
    await hosts[0].getByRole("button", { name: "Stop answering" }).waitFor();
    await hosts[0].getByRole("button", { name: "Send", exact: true }).waitFor();
    // Of a long transcript only what is in sight is drawn.
    const told = await page.evaluate(() => window.Chinwag("transcript", "text"));
    assert.equal(told.match(/^You \(/gm)?.length, 2, told);
    assert.equal(told.match(/^Docs \(/gm)?.length, 2, told);
    assert.deepEqual(page.errors, []);
  });
});

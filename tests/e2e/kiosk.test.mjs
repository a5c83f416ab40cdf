// A screen in a hall: one stranger after another. What one leaves, and when.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { QUESTION, SECRET, eventually, filesWith, held, kiosk, memories, open, page, relay, setHall } from "./support/kiosk.mjs";

setHall();

describe("two visitors in a row", () => {
  test("nothing of the first is left: page, storage, memory, relay, database", async () => {
    const screen = await open();
    const seen = { tokens: new Set(), visitors: new Set(), conversations: new Set(), erased: [] };
    page.on("request", (request) => {
      const token = request.headers().authorization;
      if (token) seen.tokens.add(token);
      if (request.url().endsWith("/v1/chat")) seen.conversations.add(request.postDataJSON().id);
    });
    page.on("response", async (response) => {
      if (response.url().endsWith("/v1/token")) seen.visitors.add((await response.json().catch(() => ({}))).visitor);
      if (response.url().endsWith("/v1/visitor")) seen.erased.push(response.status());
    });
    await screen.begin();
    await screen.ask(`${QUESTION} ${SECRET}`);
    await screen.input.fill(`a draft with ${SECRET}`);
    await page.keyboard.press("Control+A");
    await screen.seconds(1);
    assert.ok((await held()).shadow.includes(SECRET), "it was there");
    assert.equal((await memories(SECRET)).holding, 1);
    assert.notDeepEqual(await filesWith(SECRET, relay.folder), []);
    const [token] = seen.tokens;
    const [conversation] = seen.conversations;

    await screen.seconds(76);
    await screen.warning.waitFor();
    await screen.seconds(21);
    await screen.attract.waitFor();
    await eventually(() => seen.erased.length > 0, "the relay is asked to forget");
    assert.deepEqual(seen.erased, [204]);
    // A fresh module takes over as soon as the relay has answered.
    await eventually(async () => (await memories(SECRET)).holding === 0, "the module is renewed");

    for (const [place, text] of Object.entries(await held())) assert.ok(!text.includes(SECRET), place);
    assert.deepEqual(await filesWith(SECRET, relay.folder), []);
    const ask = (path) => fetch(relay.origin + path, { headers: { authorization: token, origin: relay.origin } });
    for (const path of ["/v1/conversations", `/v1/conversations/${conversation}/messages`, `/v1/chat/${conversation}/stream`]) {
      assert.equal((await ask(path)).status, 401, path);
    }
    for (const visitor of seen.visitors) {
      const exchange = await fetch(`${relay.origin}/v1/token`, {
        method: "POST",
        headers: { "content-type": "application/json", origin: relay.origin },
        body: JSON.stringify({ site: "site_demo", visitor }),
      });
      const { token } = await exchange.json();
      const list = await fetch(`${relay.origin}/v1/conversations`, { headers: { authorization: `Bearer ${token}`, origin: relay.origin } });
      assert.deepEqual((await list.json()).data, []);
    }

    // The second one finds an empty conversation, and takes nothing back.
    await screen.begin();
    assert.equal(await screen.replies.count(), 0);
    assert.equal(await screen.input.inputValue(), "");
    await screen.input.focus();
    await page.keyboard.press("Control+Z");
    assert.equal(await screen.input.inputValue(), "");
    await screen.ask(QUESTION);
    assert.equal(new Set(seen.conversations).size, 2);
    assert.ok(!(await held()).transcript.includes(SECRET));
    assert.deepEqual(page.errors, []);
  });

  test("whoever starts over goes on with nothing of what was, and the text size of before is gone too", async () => {
    const screen = await open();
    await screen.begin();
    await screen.ask(`${QUESTION} ${SECRET}`);
    await screen.button("Text size").click();
    await screen.button("Contrast").click();
    await screen.button("Start over").click();
    await screen.input.waitFor();
    assert.equal(await screen.replies.count(), 0);
    for (const [place, text] of Object.entries(await held())) assert.ok(!text.includes(SECRET), place);
    assert.equal(await screen.button("Text size").getAttribute("aria-pressed"), "false");
    await eventually(async () => (await filesWith(SECRET, relay.folder)).length === 0, "the relay forgets");
  });

  test("the language is the site's own again, and what the page has changed stays", async () => {
    const screen = await open();
    await screen.start.waitFor();
    await page.evaluate(() => window.chat.update({ greeting: "Welcome to the lighthouse." }));
    await page.evaluate(() => window.chat.setLocale("de"));
    await screen.host.getByRole("button", { name: "Zum Starten berühren" }).click();
    await screen.host.getByRole("textbox").fill(QUESTION);
    await page.keyboard.press("Enter");
    await screen.settle();
    const modules = await page.evaluate(() => window.instances.length);
    await page.evaluate(() => window.chat.reset());
    await eventually(() => page.evaluate((count) => window.instances.length > count, modules), "a fresh module takes over");
    await screen.start.waitFor();
    await screen.host.getByText("Welcome to the lighthouse.").waitFor();
  });

  test("a page that is left in the middle takes its visitor along", async () => {
    const screen = await open();
    await screen.begin();
    await screen.ask(`${QUESTION} ${SECRET}`);
    await page.reload();
    await kiosk(page).start.waitFor();
    await eventually(async () => (await filesWith(SECRET, relay.folder)).length === 0, "the relay forgets");
  });
});

describe("the countdown", () => {
  test("warns, is continued ten times, and wipes", async () => {
    const screen = await open("&warnSeconds=25");
    await screen.start.waitFor();
    await page.evaluate(() => {
      window.told = [];
      for (const name of ["idle:warning", "idle:reset"]) window.chat.on(name, (detail) => window.told.push([name, detail]));
    });
    await screen.begin();
    await screen.ask(QUESTION);
    const left = async () => Number(/in (\d+) seconds/.exec(await screen.warning.textContent())[1]);
    for (let time = 0; time < 10; time++) {
      await screen.seconds(76);
      await screen.warning.waitFor();
      const first = await left();
      assert.ok(first > 15 && first <= 25, first);
      await screen.seconds(10);
      const then = await left();
      assert.ok(then > 0 && then <= first - 9, `${first}, then ${then}`);
      assert.equal(await page.evaluate(() => document.activeElement.shadowRoot.activeElement.textContent), "Continue");
      await page.keyboard.press("Enter");
      await screen.warning.waitFor({ state: "detached" });
      assert.equal(await screen.replies.count(), 1);
    }
    await screen.seconds(76);
    await screen.seconds(26);
    await screen.attract.waitFor();
    const told = await page.evaluate("told");
    assert.deepEqual(told.filter(([name]) => name === "idle:reset"), [["idle:reset", { reason: "idle" }]]);
    assert.deepEqual(told[0], ["idle:warning", { seconds: 25 }]);
  });

  test("waits for a reply that streams", async () => {
    const screen = await open();
    await screen.start.waitFor();
    // The reply is held back by the test's own fetch.
    await page.evaluate(() => {
      const real = window.fetch;
      window.fetch = async (address, ...rest) => {
        const answer = await real(address, ...rest);
        const isChat = String(address.url ?? address).endsWith("/v1/chat");
        if (!isChat) return answer;
        const first = await answer.text();
        const body = new ReadableStream({
          start(controller) {
            controller.enqueue(new TextEncoder().encode(first.slice(0, first.indexOf("\n\n") + 2)));
            window.release = () => {
              controller.enqueue(new TextEncoder().encode(first.slice(first.indexOf("\n\n") + 2)));
              controller.close();
            };
          },
        });
        return new Response(body, { headers: answer.headers });
      };
    });
    await screen.begin();
    await screen.input.fill(QUESTION);
    await page.keyboard.press("Enter");
    await eventually(() => page.evaluate(() => Boolean(window.release)), "the reply begins");
    for (let time = 0; time < 5; time++) await screen.seconds(40);
    assert.equal(await screen.warning.count(), 0);
    await page.evaluate(() => window.release());
    await screen.settle();
    await screen.seconds(70);
    assert.equal(await screen.warning.count(), 0, "there is time to read it");
    await screen.seconds(8);
    await screen.warning.waitFor();
  });

  test("a tab that was frozen for an hour asks first, and recovers by itself", async () => {
    const screen = await open();
    await screen.begin();
    await screen.ask(QUESTION);
    await page.clock.fastForward(3_600_000);
    await screen.seconds(2);
    await screen.warning.waitFor();
    assert.match(await screen.warning.textContent(), /1\d seconds|20 seconds/);
    await screen.seconds(21);
    await screen.attract.waitFor();
    await screen.begin();
    await screen.ask(QUESTION);
    assert.equal(await screen.replies.count(), 1);
  });
});

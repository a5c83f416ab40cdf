// Each provider, played by its simulator, behind a real relay, as a visitor
// meets it: ask, follow up, stop, try again, rate, look at sources, run a tool of
// the page, come back.

import assert from "node:assert/strict";
import { test } from "node:test";

import { startRelay, startSimulator } from "./support/relay.mjs";
import { chat, openPages, page, setStage } from "./support/stage.mjs";

/** What each offers beside a conversation; see the table of docs/providers.md. */
const PROVIDERS = {
  "chatbase-v2": { tools: true, sources: 0 },
  "chatbase-v1": { tools: false, sources: 0 },
  chatsby: { tools: false, sources: 1 },
  chatbotkit: { tools: true, sources: 0 },
  "openai-chat": { tools: true, sources: 1 },
  // A page and a file.
  "openai-responses": { tools: true, sources: 2 },
  "ai-sdk": { tools: true, sources: 1 },
};

setStage({ hasRelay: false });
openPages();

for (const [provider, offers] of Object.entries(PROVIDERS)) {
  test(`${provider}: a conversation`, async (context) => {
    const simulator = await startSimulator(provider);
    context.after(() => simulator.stop());
    const relay = await startRelay({ agent: simulator.agent, env: simulator.env });
    context.after(() => relay.stop());
    const replies = chat.host.locator(".cw-reply");
    const last = () => replies.last().innerText();

    await page.goto(relay.origin);
    await chat.open();
    await chat.ask("Where is the harbour?");
    await chat.stop.waitFor();
    await chat.settle();
    assert.match(await last(), /Where is the harbour\?/, "the simulator repeats the question");

    await chat.ask("And the lighthouse?");
    await chat.settle();
    assert.equal(await replies.count(), 2);
    assert.match(await last(), /And the lighthouse\?/);
    assert.match(await last(), /Question 2/, "the provider knows what was said before");

    await chat.host.getByRole("button", { name: "Try again" }).last().click();
    await chat.stop.waitFor();
    await chat.settle();
    assert.equal(await replies.count(), 2, "in place of the old reply");
    assert.match(await last(), /And the lighthouse\?/);

    await chat.ask("And the mole?");
    await chat.stop.waitFor();
    await chat.stop.click();
    await chat.settle();
    assert.match(await last(), /You stopped this answer/);

    const bad = chat.host.getByRole("button", { name: "Bad answer" }).last();
    const stored = page.waitForResponse((response) => response.url().endsWith("/feedback"));
    await bad.click();
    assert.equal((await stored).status(), 204, "the rating is stored");

    await chat.ask("Is there a source for the quay?");
    await chat.stop.waitFor();
    await chat.settle();
    assert.equal(await chat.sources.count(), offers.sources, "sources, where there are any");

    await page.evaluate(() => {
      window.calls = [];
      const handler = (input) => {
        window.calls.push(input);
        return { sky: "clear" };
      };
      return window.Chinwag("registerTools", { weather: { description: "Tells the weather.", handler } });
    });
    // The first tools of a page bring the code that reads them.
    await page.waitForLoadState("networkidle");
    await chat.ask("Use the tool for the sky");
    await chat.stop.waitFor();
    await chat.settle();
    assert.equal((await page.evaluate(() => window.calls)).length, offers.tools ? 1 : 0, "tools, likewise");
    assert.equal(await replies.count(), 5, "one reply, however often it goes on");
    if (offers.tools) {
      assert.match(await last(), /Looked up weather/);
      assert.match(await last(), /Use the tool for the sky/, "what the tool answered is followed by a reply");
    }

    await page.reload();
    await chat.panel.waitFor();
    await replies.nth(4).waitFor();
    const rated = chat.host.getByRole("button", { name: "Bad answer", pressed: true });
    assert.equal(await rated.count(), 1, "the rating is there again");
    const log = await chat.log.innerText();
    for (const said of ["Where is the harbour?", "And the lighthouse?", "And the mole?", "Use the tool for the sky"]) {
      assert.ok(log.includes(said), said);
    }
    assert.ok(!relay.log().includes(simulator.env.SIMULATOR_KEY), "the key is in no log");
    assert.deepEqual(page.errors, []);
  });
}

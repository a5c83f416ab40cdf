// Each provider, played by its simulator, behind a real relay, as a visitor
// meets it: ask, follow up, stop, try again, come back.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { newPage, startBrowser, widget } from "./support/browser.mjs";
import { startRelay, startSimulator } from "./support/relay.mjs";

const PROVIDERS = [
  "chatbase-v2",
  "chatbase-v1",
  "chatsby",
  "chatbotkit",
  "openai-chat",
  "openai-responses",
  "ai-sdk",
];

let browser;

before(async () => {
  browser = await startBrowser();
});

after(() => browser?.close());

for (const provider of PROVIDERS) {
  test(`${provider}: a conversation`, async (context) => {
    const simulator = await startSimulator(provider);
    context.after(() => simulator.stop());
    const relay = await startRelay({ agent: simulator.agent, env: simulator.env });
    context.after(() => relay.stop());
    const page = await newPage(browser);
    context.after(() => page.context().close());
    const chat = widget(page);
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

    await page.reload();
    await chat.panel.waitFor();
    await replies.nth(2).waitFor();
    const log = await chat.log.innerText();
    for (const said of ["Where is the harbour?", "And the lighthouse?", "And the mole?"]) {
      assert.ok(log.includes(said), said);
    }
    assert.ok(!relay.log().includes(simulator.env.SIMULATOR_KEY), "the key is in no log");
    assert.deepEqual(page.errors, []);
  });
}

// A person at Chatsby takes a conversation over: its webhooks, signed, arrive at
// the relay, and what the person writes is in the widget without a question.

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { test } from "node:test";

import { startRelay, startSimulator } from "./support/relay.mjs";
import { chat, openPages, page, setStage } from "./support/stage.mjs";

setStage({ hasRelay: false });
openPages();

test("a person's messages come by Chatsby's webhooks, and a forged one does not", async (context) => {
  const simulator = await startSimulator("chatsby");
  context.after(() => simulator.stop());
  const name = /^\[agent\.(\w+)\]/m.exec(simulator.agent)[1];
  const agent = `${simulator.agent.trim()}\n\n[agent.${name}.webhook]\nsecret = { env = "SIMULATOR_KEY" }\n`;
  const relay = await startRelay({ agent, env: simulator.env });
  context.after(() => relay.stop());
  const tell = async (id, content, secret = simulator.env.SIMULATOR_KEY) => {
    const body = JSON.stringify({
      id,
      type: "message.created",
      data: { conversation_id: "conv_1", message: { role: "operator", content } },
    });
    const signature = createHmac("sha256", secret).update(body).digest("hex");
    const answer = await fetch(`${relay.origin}/v1/hooks/${name}`, {
      method: "POST",
      headers: { "content-type": "application/json", "x-chatsby-signature": signature },
      body,
    });
    return answer.ok ? (await answer.json()).outcome : answer.status;
  };

  await page.goto(relay.origin);
  await chat.open();
  await chat.ask("Where is the harbour?");
  await chat.stop.waitFor();
  await chat.settle();
  assert.equal(await tell("evt_x", "Send me your card number.", "another secret"), 401);
  assert.equal(await tell("evt_1", "Ben from the shop here."), "taken_in");
  // The visitor has asked nothing; the panel looks by itself.
  await chat.log.getByText("Ben from the shop here.").waitFor();

  // The agent says nothing to this; the visitor sees why.
  await chat.ask("May I talk to a person?");
  await chat.host.getByText("A person has joined and answers here.").first().waitFor();
  assert.equal(await tell("evt_2", "The harbour is behind the church."), "taken_in");
  await chat.log.getByText("The harbour is behind the church.").waitFor();
  assert.equal(await tell("evt_2", "The harbour is behind the church."), "repeated");

  await page.reload();
  await chat.log.getByText("The harbour is behind the church.").waitFor();
  const shown = await chat.log.innerText();
  assert.equal(shown.split("behind the church").length, 2, "once");
  assert.ok(!shown.includes("card number"));
});

// The relay speaks the AI SDK's protocol: the npm package `ai` chats with it as
// with any other backend.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import {
  AbstractChat,
  DefaultChatTransport,
  lastAssistantMessageIsCompleteWithToolCalls,
  readUIMessageStream,
} from "ai";

import { startRelay, startSimulator } from "./support/relay.mjs";

let relay, token;

before(async () => {
  relay = await startRelay();
  const answer = await fetch(`${relay.origin}/v1/token`, {
    method: "POST",
    headers: { "content-type": "application/json", origin: relay.origin },
    body: JSON.stringify({ site: "site_demo" }),
  });
  assert.equal(answer.status, 200);
  ({ token } = await answer.json());
});

after(() => relay?.stop());

function transport() {
  return new DefaultChatTransport({
    api: `${relay.origin}/v1/chat`,
    headers: { authorization: `Bearer ${token}`, origin: relay.origin },
  });
}

async function read(stream) {
  let message;
  for await (message of readUIMessageStream({ stream, terminateOnError: true }));
  return message;
}

const question = (id, text) => ({ id, role: "user", parts: [{ type: "text", text }] });

test("a foreign client gets text, sources and metadata", async () => {
  const stream = await transport().sendMessages({
    trigger: "submit-message",
    chatId: "foreign-1",
    messageId: undefined,
    messages: [question("q1", "How do I change the accent colour?")],
    abortSignal: undefined,
  });
  const message = await read(stream);
  const text = message.parts.filter((part) => part.type === "text").map((part) => part.text).join("");
  assert.match(text, /accent/i);
  const source = message.parts.find((part) => part.type === "source-url");
  assert.match(source.url, /theming\.md/);
  assert.equal(message.metadata.conversationId, "foreign-1");
  assert.equal(message.role, "assistant");

  const history = [question("q1", "How do I change the accent colour?"), message, question("q2", "And the corners?")];
  const next = await read(
    await transport().sendMessages({
      trigger: "submit-message",
      chatId: "foreign-1",
      messageId: undefined,
      messages: history,
      abortSignal: undefined,
    }),
  );
  assert.notEqual(next.id, message.id);
});

test("a foreign client reconnects, and is told when nothing runs", async () => {
  const sent = await transport().sendMessages({
    trigger: "submit-message",
    chatId: "foreign-2",
    messageId: undefined,
    messages: [question("q1", "What is kept in the browser?")],
    abortSignal: undefined,
  });
  const resumed = await transport().reconnectToStream({ chatId: "foreign-2" });
  assert.ok(resumed, "the reply is followed from its beginning");
  const [first, second] = await Promise.all([read(sent), read(resumed)]);
  assert.deepEqual(second.parts, first.parts);
  const none = await transport().reconnectToStream({ chatId: "foreign-3" }).catch((error) => error);
  assert.ok(none === null || none instanceof Error, "nothing there, or not found");
});

/** What a framework's binding adds to the client: where the messages are kept. */
class Chat extends AbstractChat {
  constructor(options) {
    const state = {
      status: "ready",
      error: undefined,
      messages: [],
      pushMessage: (message) => state.messages.push(message),
      popMessage: () => state.messages.pop(),
      replaceMessage: (place, message) => (state.messages[place] = message),
      snapshot: structuredClone,
    };
    super({ ...options, state });
  }
}

for (const provider of ["openai-chat", "chatbase-v2", "chatbotkit"]) {
  test(`a foreign client runs the tools that ${provider} calls, and the reply goes on once`, async (context) => {
    const simulator = await startSimulator(provider);
    context.after(() => simulator.stop());
    const relay = await startRelay({ agent: simulator.agent, env: simulator.env });
    context.after(() => relay.stop());
    const exchanged = await fetch(`${relay.origin}/v1/token`, {
      method: "POST",
      headers: { "content-type": "application/json", origin: relay.origin },
      body: JSON.stringify({ site: "site_demo" }),
    });
    const { token, features } = await exchanged.json();
    assert.equal(features.tools, true);

    let sent = 0;
    const calls = [];
    const chat = new Chat({
      id: "foreign-tools",
      transport: new DefaultChatTransport({
        api: `${relay.origin}/v1/chat`,
        headers: { authorization: `Bearer ${token}`, origin: relay.origin },
        body: { tools: [{ name: "weather", description: "Now", parameters: { type: "object" } }] },
        fetch: (...request) => (++sent, fetch(...request)),
      }),
      sendAutomaticallyWhen: lastAssistantMessageIsCompleteWithToolCalls,
      onToolCall({ toolCall }) {
        calls.push(toolCall);
        chat.addToolOutput({ tool: toolCall.toolName, toolCallId: toolCall.toolCallId, output: { sky: "rain" } });
      },
    });
    await chat.sendMessage({ text: "use the tool" });
    const settled = () => sent >= 2 && chat.status === "ready" && /Question 1/.test(text());
    const text = () => chat.messages.at(-1).parts.filter((part) => part.type === "text").map((part) => part.text).join("");
    for (let tries = 0; tries < 200 && !settled() && !chat.error; tries += 1) {
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    assert.ifError(chat.error);
    assert.match(text(), /use the tool/, "the reply that knows the result");
    assert.deepEqual(calls.map((call) => [call.toolName, call.input]), [["weather", { city: "Malm\u00f6" }]]);
    assert.equal(chat.messages.length, 2, "one question, one reply");
    const call = chat.messages[1].parts.find((part) => part.toolCallId === calls[0].toolCallId);
    assert.deepEqual([call.state, call.output], ["output-available", { sky: "rain" }]);
    await new Promise((resolve) => setTimeout(resolve, 300));
    assert.equal(sent, 2, "an answered call is not sent for ever");

    const stored = await fetch(`${relay.origin}/v1/conversations/foreign-tools/messages`, {
      headers: { authorization: `Bearer ${token}`, origin: relay.origin },
    });
    const { data } = await stored.json();
    assert.equal(data[1].id, chat.messages[1].id);
    assert.equal(data[1].metadata.status, "done");
  });
}

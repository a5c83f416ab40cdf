// The relay speaks the AI SDK's protocol: the npm package `ai` chats with it as
// with any other backend.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { DefaultChatTransport, readUIMessageStream } from "ai";

import { startRelay } from "./support/relay.mjs";

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

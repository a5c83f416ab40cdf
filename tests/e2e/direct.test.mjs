// No relay: the widget talks to an endpoint made with the npm package `ai`, and
// keeps the conversations in the browser.

import assert from "node:assert/strict";
import http from "node:http";
import { after, beforeEach, test } from "node:test";

import { createUIMessageStream, pipeUIMessageStreamToResponse } from "ai";

import { chat, openPages, page, relay, setStage, site } from "./support/stage.mjs";

let api;

/** An endpoint as the AI SDK makes them. What it was sent is kept. */
async function startEndpoint() {
  const endpoint = { bodies: [], aborted: 0, slow: false, reset: false };
  const cors = { "access-control-allow-origin": "*", "access-control-allow-headers": "*" };
  const server = http.createServer(async (request, response) => {
    if (request.method === "OPTIONS") return response.writeHead(204, cors).end();
    let text = "";
    for await (const bytes of request) text += bytes;
    const body = JSON.parse(text);
    endpoint.bodies.push(body);
    response.on("close", () => response.writableFinished || endpoint.aborted++);
    const said = body.messages.at(-1).parts.map((part) => part.text).join("");
    if (endpoint.reset) {
      // A chunk that only newer versions of the package write.
      response.writeHead(200, { ...cors, "content-type": "text/event-stream" });
      for (const chunk of [
        { type: "start", messageId: "a-reset" },
        { type: "start-step" },
        { type: "text-start", id: "1" },
        { type: "text-delta", id: "1", delta: "A wrong beginning" },
        { type: "reset-step" },
        { type: "text-start", id: "2" },
        { type: "text-delta", id: "2", delta: "The right answer" },
        { type: "text-end", id: "2" },
        { type: "finish-step" },
        { type: "finish" },
      ]) {
        response.write(`data: ${JSON.stringify(chunk)}\n\n`);
      }
      return response.end("data: [DONE]\n\n");
    }
    const stream = createUIMessageStream({
      async execute({ writer }) {
        writer.write({ type: "text-start", id: "t" });
        for (const word of `You said **${said}**, and ${body.messages.length} messages came.`.split(" ")) {
          writer.write({ type: "text-delta", id: "t", delta: `${word} ` });
          await new Promise((resolve) => setTimeout(resolve, endpoint.slow ? 150 : 2));
        }
        writer.write({ type: "text-end", id: "t" });
      },
    });
    pipeUIMessageStreamToResponse({ response, stream, headers: cors });
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  endpoint.url = `http://127.0.0.1:${server.address().port}/api/chat`;
  endpoint.stop = () => new Promise((resolve) => (server.closeAllConnections(), server.close(resolve)));
  return endpoint;
}

setStage({
  async prepare() {
    // The relay serves the script, and is asked for nothing else.
    api = await startEndpoint();
    site.pages["/"] = {
      html: `<!doctype html><html lang="en"><title>A site</title><h1>A site</h1>
        <script src="${relay.origin}/chinwag.js"></script></html>`,
    };
  },
});
openPages();

after(async () => {
  await api?.stop();
});

beforeEach(async () => {
  Object.assign(api, { bodies: [], aborted: 0, slow: false, reset: false });
  page.calls = [];
  page.on("request", (request) => request.url().includes("/v1/") && page.calls.push(request.url()));
  await page.goto(site.origin);
});

const init = (options = {}) =>
  page.evaluate((options) => window.Chinwag("init", options).then(() => undefined), { api: api.url, ...options });
const replies = () => chat.host.locator(".cw-reply .cw-prose").allInnerTexts();

test("questions are answered, the whole conversation goes along, and no relay is asked", async () => {
  await init();
  await chat.open();
  await chat.ask("one");
  await chat.settle();
  await chat.ask("two");
  await chat.settle();
  assert.deepEqual(
    (await replies()).map((text) => text.trim()),
    ["You said one, and 1 messages came.", "You said two, and 3 messages came."],
  );
  assert.deepEqual(api.bodies[1].messages.map((message) => message.role), ["user", "assistant", "user"]);
  assert.equal(api.bodies[1].trigger, "submit-message");
  assert.deepEqual(page.calls, []);
});

test("conversations are there again after a reload, and can be listed, opened and deleted", async () => {
  await init();
  await chat.open();
  await chat.ask("the first one");
  await chat.settle();
  await chat.newConversation.click();
  await chat.ask("the second one");
  await chat.settle();
  await page.reload();
  await init();
  await chat.host.getByText("You said the second one").or(chat.launcher).first().waitFor();
  if (!(await chat.panel.isVisible())) await chat.open();
  await chat.host.locator(".cw-bubble", { hasText: "the second one" }).waitFor();
  const stored = await page.evaluate(() => {
    const list = Object.keys(localStorage).find((key) => key.endsWith(":list"));
    return JSON.parse(localStorage.getItem(list));
  });
  assert.equal(stored.v, 1);
  assert.deepEqual(stored.list.map((entry) => entry.title), ["the second one", "the first one"]);

  await chat.host.getByRole("button", { name: /history|conversations/i }).first().click();
  await chat.host.getByText("the first one").first().click();
  await chat.host.locator(".cw-bubble", { hasText: "the first one" }).waitFor();
});

test("Stop ends the request, and Try again asks anew", async () => {
  api.slow = true;
  await init();
  await chat.open();
  await chat.ask("slowly");
  await chat.host.locator(".cw-reply .cw-prose", { hasText: "You" }).waitFor();
  await chat.stop.click();
  await chat.settle();
  await page.waitForTimeout(300);
  assert.equal(api.aborted, 1);
  api.slow = false;
  await chat.host.getByRole("button", { name: "Try again" }).last().click();
  await chat.host.locator(".cw-reply .cw-prose", { hasText: "messages came" }).waitFor();
  assert.equal(api.bodies.length, 2);
  assert.equal(api.bodies[1].messages.at(-1).id, api.bodies[0].messages.at(-1).id);
});

test("what a step said is gone when the endpoint takes it back", async () => {
  api.reset = true;
  await init();
  await chat.open();
  await chat.ask("well?");
  await chat.settle();
  assert.deepEqual((await replies()).map((text) => text.trim()), ["The right answer"]);
});

test("with persist: memory nothing is left in the browser", async () => {
  await init({ persist: "memory" });
  await chat.open();
  await chat.ask("hush");
  await chat.settle();
  assert.deepEqual(await page.evaluate(() => [localStorage.length, sessionStorage.length]), [0, 0]);
});

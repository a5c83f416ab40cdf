// What a visitor can do with a reply, and the states that a conversation can
// be in. The provider is played by a simulator: its question words call tools,
// cite, think, and hand the conversation over.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, test } from "node:test";

import { violations } from "./support/axe.mjs";
import { startRelay, startSimulator } from "./support/relay.mjs";
import { chat, openPages, page, setStage, site } from "./support/stage.mjs";

let model, hosted;

setStage({
  hasRelay: false,
  async prepare() {
    model = await stage("openai-chat", "/model");
    hosted = await stage("chatbase-v2", "/hosted");
  },
});
openPages({ reducedMotion: "reduce" });

/** A relay before a simulator, and a page that embeds it. */
async function stage(provider, path) {
  const simulator = await startSimulator(provider);
  const relay = await startRelay({ origins: [site.origin], agent: simulator.agent, env: simulator.env });
  site.pages[path] = {
    html: `<!doctype html><html lang="en"><title>A site</title><link rel="icon" href="data:,"><main><h1>A site</h1><p>With a chat.</p></main>
      <script src="${relay.origin}/chinwag.js"></script></html>`,
  };
  return { simulator, relay, url: site.origin + path };
}

after(async () => {
  for (const one of [model, hosted]) {
    await one?.relay.stop();
    one?.simulator.stop();
  }
});

/** Opens the chat of a page, with options. */
async function open(where, options = {}) {
  await page.goto(where.url);
  await page.evaluate(async (options) => {
    window.handle = await window.Chinwag("init", { site: "site_demo", ...options });
    window.handle.open();
  }, options);
  await chat.panel.waitFor();
}

async function ask(question) {
  await chat.ask(question);
  await chat.stop.waitFor();
  await chat.settle();
}

const button = (name) => chat.host.getByRole("button", { name, exact: true });
const pressed = (name) => button(name).last().getAttribute("aria-pressed");

/** The text of what the element with the focus is called. */
const focused = () =>
  page.evaluate(() => {
    const inner = document.activeElement.shadowRoot?.activeElement;
    return inner?.getAttribute("aria-label") ?? inner?.textContent.trim();
  });

/** Every answer to a kind of request, from now on. */
function answersTo(method, pattern) {
  const seen = [];
  page.on("response", (response) => {
    if (response.request().method() === method && pattern.test(response.url())) seen.push(response);
  });
  return seen;
}

test("a rating is stored with its reason, is there after a reload, and can be taken back", async () => {
  await open(model);
  await ask("Where is the harbour?");
  const stored = answersTo("PUT", /\/feedback$/);
  const told = page.evaluate(() => new Promise((resolve) => window.handle.once("feedback", resolve)));
  await button("Bad answer").click();
  assert.equal(await pressed("Bad answer"), "true", "at once");
  assert.equal((await told).value, "negative");

  const form = chat.part("feedback");
  await form.getByRole("button", { name: "Too long" }).click();
  await form.getByRole("textbox").fill("Three words would do.");
  assert.deepEqual(await violations(page), [], "with the form");
  await form.getByRole("textbox").press("Enter");
  await form.waitFor({ state: "detached" });
  assert.equal(await focused(), "Bad answer", "the focus is where the form came from");
  await page.waitForFunction(() =>
    document.querySelector("[data-chinwag]").shadowRoot.querySelector("[aria-live=polite]").textContent.includes("Thank you"),
  );
  while (stored.length < 2) await page.waitForTimeout(50);
  assert.deepEqual(stored.map((response) => response.status()), [204, 204]);
  assert.deepEqual(stored[1].request().postDataJSON(), { value: "negative", reason: "Too long: Three words would do." });

  await page.reload();
  await open(model);
  await button("Bad answer").waitFor();
  assert.equal(await pressed("Bad answer"), "true", "the relay knew");
  assert.equal(await pressed("Good answer"), "false");
  await button("Bad answer").click();
  assert.equal(await pressed("Bad answer"), "false");
  while (stored.length < 3) await page.waitForTimeout(50);
  await page.reload();
  await open(model);
  await button("Bad answer").waitFor();
  assert.equal(await pressed("Bad answer"), "false");
  assert.deepEqual(page.errors, []);
});

test("a rating that the relay does not take is taken back", async () => {
  await open(model);
  await ask("Where is the harbour?");
  await page.route("**/feedback", (route) => route.abort());
  await button("Good answer").click();
  await page.waitForFunction(() =>
    document
      .querySelector("[data-chinwag]")
      .shadowRoot.querySelector("[aria-live=polite]")
      .textContent.includes("could not be saved"),
  );
  assert.equal(await pressed("Good answer"), "false");
});

test("a good rating can be given a reason, too", async () => {
  await open(model);
  await ask("Where is the harbour?");
  await button("Good answer").click();
  await chat.part("feedback").waitFor({ state: "detached" });
  await button("Say why").click();
  await chat.part("feedback").getByText("What was good?").waitFor();
  await chat.part("feedback").getByRole("textbox").press("Escape");
  await chat.part("feedback").waitFor({ state: "detached" });
  assert.ok(await chat.panel.isVisible(), "Escape put the form away, not the panel");
});

test("reasoning is folded, with how long it took", async () => {
  await open(model);
  await ask("Please think about the harbour");
  const thoughts = chat.host.locator(".cw-thoughts");
  assert.equal(await thoughts.evaluate((details) => details.open), false);
  assert.match(await thoughts.locator("summary").innerText(), /Thought for|How this was reasoned/);
  await thoughts.locator("summary").focus();
  await page.keyboard.press("Enter");
  assert.match(await thoughts.innerText(), /Let me see\./);
  assert.deepEqual(await violations(page), []);
});

test("sources are numbered links", async () => {
  await open(model);
  await ask("Name a source, please");
  assert.equal(await chat.sources.first().getAttribute("href"), "https://example.com/a");
  assert.match(await chat.sources.first().innerText(), /1\s*A page/);
  assert.match(await chat.sources.first().getAttribute("rel"), /^noopener noreferrer/);
});

test("a tool of the page is called, and the reply goes on with what it answered", async () => {
  await page.goto(model.url);
  await page.evaluate(async () => {
    window.calls = [];
    window.told = [];
    window.handle = await window.Chinwag("init", {
      site: "site_demo",
      context: { page: "/cart" },
      tools: {
        weather: {
          title: "the weather",
          description: "Tells the weather.",
          parameters: { type: "object", properties: { city: { type: "string" } } },
          handler: async (input, { toolCallId, signal }) => {
            window.calls.push([input, typeof toolCallId, signal.aborted]);
            await new Promise((resolve) => setTimeout(resolve, 300));
            return { sky: "clear" };
          },
        },
      },
    });
    for (const name of ["tool:call", "tool:result"]) window.handle.on(name, (detail) => window.told.push([name, detail]));
    window.handle.open();
  });
  await chat.panel.waitFor();
  const asked = answersTo("POST", /\/v1\/chat$/);
  await chat.ask("Use the tool, please");
  await chat.log.getByText("Looking up the weather").waitFor();
  assert.deepEqual(await violations(page), [], "while it works");
  await chat.settle();
  assert.deepEqual(await page.evaluate(() => window.calls), [[{ city: "Malmö" }, "string", false]]);
  assert.match(await chat.log.innerText(), /Looked up the weather/);
  assert.match(await chat.part("message").last().innerText(), /Use the tool, please/, "the reply went on");
  assert.equal(await chat.host.locator(".cw-reply").count(), 1, "in the same reply");
  assert.equal(asked.length, 2);
  const body = asked[1].request().postDataJSON();
  assert.deepEqual(body.context, { page: "/cart" });
  assert.equal(body.tools[0].name, "weather");
  assert.deepEqual(body.messages.at(-1).parts[0].output, { sky: "clear" });
  const told = await page.evaluate(() => window.told);
  assert.deepEqual(told.map(([name]) => name), ["tool:call", "tool:result"]);
  assert.deepEqual(told[1][1].output, { sky: "clear" });

  await page.reload();
  await open(model);
  await chat.log.getByText("Looked up").waitFor();
  assert.equal(await chat.host.locator(".cw-reply").count(), 1, "and is one after a reload");
  assert.deepEqual(page.errors, []);
});

test("a tool that fails is told to the agent, and one that was taken away is gone", async () => {
  await open(model);
  await page.evaluate(() => {
    window.off = window.handle.registerTools({
      weather: {
        handler() {
          throw new Error("no window");
        },
      },
    });
  });
  const asked = answersTo("POST", /\/v1\/chat$/);
  await ask("Use the tool, please");
  assert.equal(asked[1].request().postDataJSON().messages.at(-1).parts[0].errorText, "no window");
  assert.match(await chat.log.innerText(), /Could not look up weather/);
  await page.evaluate(() => window.off());
  await ask("And now without");
  assert.equal(asked.at(-1).request().postDataJSON().tools, undefined);
  const refused = await page.evaluate(() => {
    try {
      window.handle.registerTools({ weather: { handler: "no" } });
    } catch (error) {
      return error.message;
    }
  });
  assert.match(refused, /"tools\.weather\.handler" must be a function, not "no"/);
});

test("a message that is sent right after tools were given goes with them", async () => {
  await open(model);
  const asked = answersTo("POST", /\/v1\/chat$/);
  const waited = await page.evaluate(async () => {
    window.handle.registerTools({ weather: { description: "Tells the weather.", handler: () => ({ sky: "clear" }) } });
    const sent = window.handle.send("Use the tool, please");
    const waited = sent instanceof Promise;
    await sent;
    return waited;
  });
  assert.equal(waited, true, "for what reads tools");
  await chat.part("message").first().waitFor();
  await chat.settle();
  assert.equal(asked[0].request().postDataJSON().tools[0].name, "weather");
  assert.match(await chat.log.innerText(), /Looked up weather/);
  const again = await page.evaluate(() => window.handle.send("And now?"));
  assert.equal(again, undefined, "what is there is not waited for");
});

test("a page may take its time over a message, change it or cancel it", async () => {
  await open(model);
  await page.evaluate(() =>
    window.handle.on("before:send", async (detail, event) => {
      await new Promise((resolve) => (window.decide = resolve));
      if (detail.text.includes("secret")) event.preventDefault();
      detail.text += " (checked)";
    }),
  );
  await chat.ask("Where is the harbour?");
  assert.equal(await chat.part("message").count(), 0, "nothing is sent yet");
  assert.equal(await chat.send.getAttribute("aria-disabled"), "true");
  const decide = async () => {
    // It is asked when what sends is there.
    await page.waitForFunction(() => window.decide);
    await page.evaluate(() => (window.decide(), (window.decide = undefined)));
  };
  await decide();
  await chat.stop.waitFor();
  await chat.settle();
  assert.match(await chat.part("message").first().innerText(), /Where is the harbour\? \(checked\)/);
  await chat.ask("It is a secret");
  await decide();
  await page.waitForTimeout(200);
  assert.equal(await chat.part("message").count(), 2);
  assert.equal(await chat.input.inputValue(), "It is a secret", "what was written stays");
});

test("a page that never decides about a message gives it back after half a minute", async () => {
  await page.clock.install();
  await open(model);
  await page.evaluate(() => {
    window.errors = [];
    window.handle.on("error", ({ reason }) => window.errors.push(reason));
    window.off = window.handle.on("before:send", () => new Promise((resolve) => (window.decide = resolve)));
  });
  await chat.ask("Where is the harbour?");
  await page.waitForFunction(() => window.decide);
  await page.clock.fastForward(29_000);
  assert.equal(await chat.host.getByText("Your message was not sent.").count(), 0);
  await page.clock.fastForward(2_000);
  await chat.host.getByText("Your message was not sent.").first().waitFor();
  assert.equal(await chat.input.inputValue(), "Where is the harbour?");
  assert.equal(await chat.send.getAttribute("aria-disabled"), "false");
  assert.deepEqual(await page.evaluate(() => window.errors), ["timeout"]);
  await page.evaluate(() => (window.decide(), window.off()));
  await page.clock.runFor(200);
  assert.equal(await chat.part("message").count(), 0, "a late answer sends nothing");
  await page.keyboard.press("Enter");
  await chat.part("message").first().waitFor();
  assert.equal(await chat.part("composer").getByText("Your message was not sent.").count(), 0);
});

test("a person who takes over is told of, and what they write appears", async () => {
  await open(hosted);
  await ask("A person, please");
  await chat.part("standing").getByText("A person has joined").waitFor();
  await chat.host.getByText("A person answers", { exact: true }).waitFor();
  assert.equal(await chat.part("message").count(), 1, "the agent is silent, and no empty answer is shown");
  assert.deepEqual(await violations(page), []);

  // The person's words are read from the provider by the relay, when the widget looks.
  const looks = [];
  page.on("request", (request) => request.url().includes("/messages?") && looks.push(Date.now()));
  await chat.log.getByText("Ben here. You wrote: A person, please").waitFor({ timeout: 15_000 });
  assert.equal(await chat.part("message").count(), 2);
  const before = looks.length;
  await page.evaluate(() => window.handle.close());
  await page.waitForTimeout(7_000);
  assert.equal(looks.length, before, "nobody looks, nothing is asked for");

  await page.reload();
  await open(hosted);
  await chat.part("standing").getByText("A person has joined").waitFor();
});

test("a conversation that is paused says so, and takes what is written until somebody is back", async () => {
  await open(hosted);
  await ask("Please pause here");
  await chat.part("standing").getByText("This conversation is paused").waitFor();
  await chat.host.getByText("Paused", { exact: true }).waitFor();
  assert.equal(await chat.part("message").count(), 1, "no empty answer is shown");
  assert.ok(await chat.input.isVisible(), "what is written waits for whoever comes back");
  assert.deepEqual(await violations(page), []);
  await page.reload();
  await open(hosted);
  await chat.part("standing").getByText("This conversation is paused").waitFor();
  await ask("A person instead");
  await chat.part("standing").getByText("A person has joined").waitFor();
});

test("a person who gives the conversation back leaves it to the assistant", async () => {
  await open(hosted);
  await ask("A person, then the agent again");
  await chat.part("standing").getByText("A person has joined").waitFor();
  await chat.log.getByText("Ben here.").waitFor({ timeout: 15_000 });
  await chat.part("standing").waitFor({ state: "detached", timeout: 15_000 });
  await chat.host.getByText("Answers in seconds", { exact: true }).waitFor();
  await ask("And now?");
  await chat.log.locator(".cw-reply").last().getByText("And now?").waitFor();
});

test("a conversation that has ended offers a new one in the composer's place", async () => {
  await open(hosted);
  await ask("I say goodbye");
  // The provider says so when it is asked once more.
  await chat.ask("One more thing");
  const again = chat.part("standing").getByRole("button", { name: "New conversation" });
  await again.waitFor();
  assert.ok(!(await chat.input.isVisible()));
  await page.waitForTimeout(100);
  assert.equal(await focused(), "New conversation", "the focus is not lost with the field");
  assert.deepEqual(await violations(page), []);
  await page.reload();
  await open(hosted);
  await again.waitFor();
  const refused = await page.evaluate(() => {
    try {
      window.handle.send("One more thing");
    } catch (error) {
      return error.message;
    }
  });
  assert.match(refused, /has ended/);
  await again.press("Enter");
  await chat.input.waitFor();
  assert.equal(await chat.part("message").count(), 0);
  await ask("Hello again");
});

test("a rate limit counts down, and then a message can be sent", async () => {
  await open(model);
  let refusals = 1;
  await page.route("**/v1/chat", (route) => {
    if (refusals-- <= 0) return route.continue();
    const error = { type: "rate_limit", code: "rate_limited", message: "Slow down", status: 429, requestId: "req-7", retryAfterMs: 3_000 };
    return route.fulfill({
      status: 429,
      headers: { "access-control-allow-origin": "*", "access-control-expose-headers": "*" },
      json: { error },
    });
  });
  await chat.ask("Where is the harbour?");
  await chat.log.getByText("Too many questions at once.").waitFor();
  await chat.log.getByText("Reference: req-7").waitFor();
  await chat.host.getByText(/You can send again in 0:0[123]\./).waitFor();
  await chat.input.fill("And the lighthouse?");
  assert.equal(await chat.send.getAttribute("aria-disabled"), "true");
  await page.keyboard.press("Enter");
  assert.equal(await chat.input.inputValue(), "And the lighthouse?", "it is kept");
  assert.deepEqual(await violations(page), []);
  await page.waitForFunction(
    () => document.querySelector("[data-chinwag]").shadowRoot.querySelector(".cw-send").getAttribute("aria-disabled") === "false",
  );
  await page.keyboard.press("Enter");
  await chat.stop.waitFor();
  await chat.settle();
  await chat.host.getByRole("button", { name: "Try again" }).first().click();
  await chat.stop.waitFor();
  await chat.settle();
  assert.equal(await chat.host.locator(".cw-failure").count(), 0);
});

test("the conversation can be copied and taken along in three forms", async () => {
  await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  await open(model);
  assert.equal(await button("More").getAttribute("aria-disabled"), "true", "there is nothing yet");
  await ask("Name a source, please");
  await button("More").click();
  assert.deepEqual(await violations(page), [], "with the menu open");
  await chat.host.getByRole("menuitem", { name: "Copy conversation" }).click();
  await page.waitForTimeout(200);
  const copied = await page.evaluate(() => navigator.clipboard.readText());
  assert.match(copied, /^You \(.+\)\nName a source, please\n/);
  assert.match(copied, /1\. A page: https:\/\/example\.com\/a\n/);

  const forms = { "Download as text": "txt", "Download as Markdown": "md", "Download as JSON": "json" };
  for (const [name, ending] of Object.entries(forms)) {
    await button("More").click();
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      chat.host.getByRole("menuitem", { name }).click(),
    ]);
    assert.equal(download.suggestedFilename(), `conversation.${ending}`);
    const text = await readFile(await download.path(), "utf8");
    if (ending === "json") {
      const { messages } = JSON.parse(text);
      assert.deepEqual(messages.map(({ role }) => role), ["user", "assistant"]);
      assert.equal(messages[1].sources[0].url, "https://example.com/a");
      assert.match(messages[0].createdAt, /^\d{4}-\d\d-\d\dT.*Z$/);
      assert.equal(await page.evaluate(() => window.handle.transcript("json")), text);
    } else assert.ok(text.includes("Name a source, please"));
  }
  assert.deepEqual(page.errors, []);
});

test("everything is reached by the keyboard alone", async () => {
  await open(model);
  await chat.input.focus();
  await page.keyboard.type("Where is the harbour?");
  await page.keyboard.press("Enter");
  await chat.stop.waitFor();
  await chat.settle();

  await button("More").focus();
  await page.keyboard.press("ArrowDown");
  await page.waitForTimeout(50);
  assert.equal(await focused(), "Copy conversation");
  await page.keyboard.press("ArrowUp");
  assert.equal(await focused(), "Download as JSON");
  await page.keyboard.press("c");
  assert.equal(await focused(), "Copy conversation");
  await page.keyboard.press("Escape");
  assert.equal(await focused(), "More");
  assert.ok(await chat.panel.isVisible(), "Escape put the menu away, not the panel");
  await page.keyboard.press("Enter");
  await page.waitForTimeout(50);
  await page.keyboard.press("Tab");
  await page.waitForTimeout(50);
  assert.equal(await chat.part("menu").count(), 0, "Tab leaves the menu");

  await button("Copy answer").focus();
  const stops = ["Good answer", "Bad answer", "Try again"];
  for (const stop of stops) {
    await page.keyboard.press("Tab");
    assert.equal(await focused(), stop);
  }
  await page.keyboard.press("Shift+Tab");
  await page.keyboard.press("Enter");
  await chat.part("feedback").waitFor();
  for (const stop of ["Try again", "Say why", "Close", "Not correct"]) {
    if (stop === "Say why") continue;
    await page.keyboard.press("Tab");
    assert.equal(await focused(), stop);
  }
  await page.keyboard.press("Space");
  for (const stop of ["Too long", "Not what I asked", "Tell us more (optional)"]) {
    await page.keyboard.press("Tab");
    assert.equal(await focused(), stop);
  }
  const stored = answersTo("PUT", /\/feedback$/);
  await page.keyboard.type("It is 4.");
  await page.keyboard.press("Enter");
  while (stored.length < 1) await page.waitForTimeout(50);
  assert.equal(stored.at(-1).request().postDataJSON().reason, "Not correct: It is 4.");
});

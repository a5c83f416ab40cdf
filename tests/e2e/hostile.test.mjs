// Texts that were written to break out, streamed into the real widget. A
// tripwire stands around it: whatever runs, is fetched, or is drawn outside the
// short list of what Markdown may become, fails the test. That every place
// where a stream can be cut gives the same tree is tested natively, in
// tests/markdown/hostile.rs; here the texts meet a browser.

import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import http from "node:http";
import path from "node:path";
import { after, test } from "node:test";

import { newPage, widget } from "./support/browser.mjs";
import { ROOT } from "./support/relay.mjs";
import { browser, relay, setStage, site } from "./support/stage.mjs";

/** How many texts share a message, each in a paragraph of its own. */
const BATCH = 12;

let endpoint, corpus;

/** What stands in front of the relay and writes the replies itself. */
async function startEndpoint(target) {
  const script = { messages: [], size: 7, cutBytes: false };
  const server = http.createServer(async (request, response) => {
    const asked = [];
    for await (const bytes of request) asked.push(bytes);
    const body = Buffer.concat(asked);
    if (request.method === "POST" && request.url === "/v1/chat") return reply(JSON.parse(body), request, response);
    const onward = http.request(
      `${target}${request.url}`,
      { method: request.method, headers: { ...request.headers, host: new URL(target).host } },
      (answer) => {
        response.writeHead(answer.statusCode, answer.headers);
        answer.pipe(response);
      },
    );
    onward.on("error", () => response.destroy());
    onward.end(body);
  });

  async function reply(asked, request, response) {
    response.writeHead(200, { "content-type": "text/event-stream", "access-control-allow-origin": request.headers.origin });
    const question = asked.messages.at(-1).parts[0].text;
    const number = Number(/\d+/.exec(question)[0]);
    const text = script.messages[number];
    const first = script.parts[number];
    const events = [{ type: "start", messageId: `reply-${Date.now()}-${number}`, messageMetadata: { conversationId: asked.id, title: first } }];
    events.push({ type: "data-status", data: { phase: "search", label: first }, transient: true });
    events.push({ type: "reasoning-start", id: "r" }, { type: "reasoning-delta", id: "r", delta: text }, { type: "reasoning-end", id: "r" });
    events.push({ type: "text-start", id: "t" });
    const characters = [...text];
    for (let at = 0; at < characters.length; at += script.size) {
      events.push({ type: "text-delta", id: "t", delta: characters.slice(at, at + script.size).join("") });
    }
    events.push({ type: "text-end", id: "t" });
    events.push({ type: "source-url", sourceId: "1", url: first, title: first });
    events.push({ type: "data-suggestions", data: { prompts: [first.slice(0, 60) || "a"] } });
    events.push({ type: "finish", finishReason: "stop" });
    let index = 0;
    for (const event of [...events.map((event) => JSON.stringify(event)), "[DONE]"]) {
      index += 1;
      const bytes = Buffer.from(event === "[DONE]" ? `data: ${event}\n\n` : `id: e:${index}\ndata: ${event}\n\n`);
      // Three bytes at a time, which cuts characters in two.
      const step = script.cutBytes ? 3 : bytes.length;
      for (let at = 0; at < bytes.length; at += step) response.write(bytes.subarray(at, at + step));
      // A pause, so that what has arrived is drawn as it stands.
      if (index % 24 === 0) await new Promise((resolve) => setTimeout(resolve, 18));
    }
    response.end();
  }

  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  script.origin = `http://127.0.0.1:${server.address().port}`;
  script.stop = () =>
    new Promise((resolve) => {
      server.closeAllConnections();
      server.close(resolve);
    });
  return script;
}

/** Runs in the page before anything else: records all that must not happen. */
function tripwire() {
  const tripped = (window.tripped = []);
  const trip = (name) => (...values) => void tripped.push(`${name}: ${String(values[0]).slice(0, 200)}`);
  for (const name of ["alert", "confirm", "prompt", "print", "open"]) window[name] = trip(name);
  // What Playwright asks the page goes through eval; a payload would need it for
  // its own, and words of its own.
  const evaluate = window.eval;
  window.eval = (source) => {
    if (!String(source).includes("window.tripped") && /alert|prompt|confirm|evil|xss/i.test(source)) trip("eval")(source);
    return evaluate(source);
  };
  document.write = trip("document.write");
  addEventListener("securitypolicyviolation", (event) => trip("policy")(`${event.effectiveDirective} ${event.blockedURI}`));
  addEventListener("error", (event) => trip("error")(event.message ?? event.target?.outerHTML), true);

  const allowed = {
    P: [], H3: [], H4: [], H5: [], H6: [], EM: [], STRONG: [], DEL: [], CODE: [], BR: [], HR: [], BLOCKQUOTE: [],
    UL: ["class"], OL: ["class", "start"], LI: ["class"], TABLE: [], THEAD: [], TBODY: [], TR: [],
    TH: ["scope", "data-a"], TD: ["data-a"],
    A: ["href", "target", "rel", "title", "class", "aria-label"],
    SPAN: ["class", "role", "aria-label"], PRE: ["tabindex", "role", "aria-label"],
    DIV: ["class", "dir", "tabindex", "role", "aria-label"],
    BUTTON: ["class", "type", "aria-label"], svg: ["class", "viewBox", "aria-hidden"], path: ["d"],
  };
  const never = "script, iframe, frame, object, embed, img, video, audio, source, picture, base, meta, template, animate, set, use, foreignObject, math, portal, dialog:not([part])";
  window.checked = 0;
  const check = (element) => {
    window.checked += 1;
    if (element.matches(never)) trip("element")(element.outerHTML);
    for (const { name, value } of element.attributes) {
      // The panel's own sizes are set as custom properties, outside of the log.
      // Room for rows out of sight is set as a property of the object model.
      const isRoom = element.matches(".cw-gap") && /^block-size: [\d.]+px;$/.test(value);
      if (name === "style" && element.closest('[role="log"]') && !isRoom) trip("style")(value);
      if (/^on|^src|^srcdoc$|^formaction$|^action$|^background$|^ping$/i.test(name)) trip("attribute")(`${name}=${value}`);
    }
    // An address that the browser cannot read leads nowhere.
    if (element.hasAttribute("href") && URL.canParse(element.href?.baseVal ?? element.href)) {
      const { protocol, username, host } = new URL(element.href?.baseVal ?? element.href);
      const leadsOut = ["http:", "https:"].includes(protocol) && host !== "" && username === "";
      if (!leadsOut && !["mailto:", "tel:"].includes(protocol)) trip("address")(element.outerHTML);
      if (leadsOut && !/\bnoopener\b.*\bnoreferrer\b/.test(element.rel)) trip("rel")(element.outerHTML);
    }
    if (element.closest(".cw-prose") && !element.matches(".cw-prose")) {
      const names = allowed[element.tagName];
      if (!names) trip("element in the text")(element.outerHTML);
      for (const { name } of element.attributes) {
        if (names && !names.includes(name)) trip("attribute in the text")(`${element.tagName} ${name}`);
      }
    }
  };
  window.watch = (root) => {
    const all = (node) => node.nodeType === Node.ELEMENT_NODE && [node, ...node.querySelectorAll("*")].forEach(check);
    [...root.children].forEach(all);
    new MutationObserver((records) => {
      for (const { type, target, addedNodes } of records) {
        if (type === "attributes") check(target);
        addedNodes.forEach(all);
      }
    }).observe(root, { subtree: true, childList: true, attributes: true });
  };
}

setStage({
  async prepare() {
    const folder = path.join(ROOT, "tests/golden/hostile");
    const files = (await readdir(folder)).filter((name) => name.endsWith(".json"));
    corpus = [];
    for (const file of files) corpus.push(...JSON.parse(await readFile(path.join(folder, file), "utf8")).payloads);
    endpoint = await startEndpoint(relay.origin);
    site.pages["/"] = {
      html: `<!doctype html><html lang="en"><title>A site</title><link rel="icon" href="data:,">
        <script src="${endpoint.origin}/chinwag.js" data-site="site_demo"></script></html>`,
      // Reports and forbids nothing: a policy must not be what saves us.
      headers: {
        "content-security-policy-report-only": `default-src 'none'; script-src ${endpoint.origin} 'wasm-unsafe-eval'; connect-src ${endpoint.origin}; img-src data:; require-trusted-types-for 'script'`,
      },
    };
  },
});

after(() => endpoint?.stop());

/** Texts with a fence swallow what follows them, so they get a message each. */
function batches(texts) {
  const out = [];
  let batch = [];
  for (const text of texts) {
    if (/```|~~~/.test(text)) {
      out.push([text]);
      continue;
    }
    batch.push(text);
    if (batch.length === BATCH) out.push(batch.splice(0));
  }
  if (batch.length > 0) out.push(batch);
  return out;
}

/** Streams the texts into one page, and gives how many elements were looked at. */
async function stream(texts, { size, cutBytes = false }) {
  const parts = batches(texts);
  const messages = parts.map((batch, number) => `${batch.join("\n\n")}\n\n\`\`\`\n\`\`\`\n\nend ${number} of texts`);
  Object.assign(endpoint, { messages, parts: parts.map((batch) => batch[0]), size, cutBytes });
  const page = await newPage(browser);
  const left = [];
  const dialogs = [];
  page.on("dialog", (dialog) => {
    dialogs.push(dialog.message());
    dialog.dismiss();
  });
  page.on("popup", (popup) => left.push(popup.url()));
  await page.context().route("**/*", (route) => {
    const url = route.request().url();
    if ([site.origin, endpoint.origin].includes(new URL(url).origin) || url === "data:,") return route.continue();
    left.push(url);
    return route.abort();
  });
  await page.addInitScript(tripwire);
  await page.goto(site.origin);
  const chat = widget(page);
  await chat.open();
  await page.evaluate(() => window.watch(document.querySelector("[data-chinwag]").shadowRoot));
  for (const number of messages.keys()) {
    await chat.ask(`texts ${number}`);
    await chat.log.getByText(`end ${number} of texts`).last().waitFor();
    await chat.settle();
    const tripped = await page.evaluate(() => window.tripped);
    assert.deepEqual(tripped, [], JSON.stringify(parts[number]));
  }
  assert.deepEqual(left, [], "requests left");
  assert.deepEqual(dialogs, []);
  assert.equal(page.url(), `${site.origin}/`, "the page is where it was");
  const checked = await page.evaluate(() => window.checked);
  await page.context().close();
  return checked;
}

test("the tripwire trips on each thing that it stands for", async () => {
  const page = await newPage(browser);
  await page.addInitScript(tripwire);
  await page.goto(site.origin);
  const tripped = await page.evaluate(async () => {
    const root = document.createElement("div").attachShadow({ mode: "open" });
    window.watch(root);
    root.innerHTML = `<div class="cw-prose"><i onclick="x"></i><a href="javascript:x" rel="noopener noreferrer"></a><img src="https://evil.example/x" onerror="alert(1)"></div>`;
    document.body.append(root.host);
    await new Promise((resolve) => setTimeout(resolve, 300));
    return window.tripped.map((line) => line.split(":")[0]);
  });
  for (const kind of ["element", "element in the text", "attribute", "address", "policy", "alert"]) {
    assert.ok(tripped.includes(kind), `${kind} is not among ${tripped}`);
  }
  await page.context().close();
});

test("no hostile text runs, fetches or draws anything that Markdown may not", { timeout: 240_000 }, async () => {
  assert.ok(corpus.length > 1200, `${corpus.length} texts`);
  const checked = await stream(corpus, { size: 7 });
  assert.ok(checked > 5_000, `only ${checked} elements were looked at`);
});

test("the same in single characters, and bytes that are cut anywhere", { timeout: 120_000 }, async () => {
  const some = corpus.filter((_, index) => index % 9 === 0);
  await stream(some, { size: 1, cutBytes: true });
});

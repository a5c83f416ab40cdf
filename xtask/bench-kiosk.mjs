// Many visitors in a row at one kiosk, driven as fast as it goes: what the page
// holds must be the same after the last as after the first few dozen.
//
// The built widget in Chromium, at the relay's own page. A server in this process
// plays the relay, so that no limit of one is met and what grows is the widget's.
//
//   node bench-kiosk.mjs DIST_FOLDER PAGES_FOLDER [VISITORS] [MESSAGES_EACH] [WARM]

import { readFile } from "node:fs/promises";
import http from "node:http";
import path from "node:path";

import { chromium } from "playwright-core";

import { noteInstances } from "../tests/e2e/support/browser.mjs";

const [dist, pages] = process.argv.slice(2, 4).map((folder) => path.resolve(folder));
const [visitors, each, warm] = [500, 20, 50].map((standard, place) => Number(process.argv[4 + place] ?? standard));

/**
 * How much a count may be above what it was after the warm-up: what garbage collectors and pools make of it. Of the
 * module's memory, which comes in pages of 64 KiB, it is one of some twenty.
 */
const ROOM = { nodes: 1.1, listeners: 1.1, heap: 1.35, memory: 1.06, instances: 2 };

const manifest = JSON.parse(await readFile(path.join(dist, "manifest.json"), "utf8"));
const module = manifest.files.map((file) => file.path).find((name) => /^chinwag-[0-9a-f]+\.js$/.test(name));
const TYPES = { ".js": "text/javascript", ".wasm": "application/wasm", ".css": "text/css", ".json": "application/json" };
const WORDS = "river stone harbour window paper letter garden market bridge signal engine copper winter lantern".split(" ");
const erased = new Set();
let exchanges = 0;
let asked = 0;

function chunks(text, id) {
  const frame = (seq, value) => `id: e${id}:${seq}\ndata: ${JSON.stringify(value)}\n\n`;
  const deltas = text.match(/.{1,60}/gs).map((delta, index) => frame(index + 3, { type: "text-delta", id: "t", delta }));
  return [
    frame(1, { type: "start", messageId: `r${id}` }),
    frame(2, { type: "text-start", id: "t" }),
    ...deltas,
    frame(997, { type: "text-end", id: "t" }),
    frame(998, { type: "source-url", sourceId: "s", url: "https://harbour.example/", title: "Harbour" }),
    frame(999, { type: "finish", finishReason: "stop" }),
    "data: [DONE]\n\n",
  ].join("");
}

const server = http.createServer(async (request, response) => {
  const url = new URL(request.url, "http://localhost");
  let body = "";
  for await (const bytes of request) body += bytes;
  const json = (value) => response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(value));
  if (url.pathname === "/kiosk") {
    const page = await readFile(path.join(pages, "kiosk.html"), "utf8");
    const filled = page.replace("{{site}}", "site_bench").replace("{{module}}", module).replace("{{origins}}", "");
    response.writeHead(200, { "content-type": "text/html", "cache-control": "no-store" }).end(filled);
  } else if (url.pathname === "/kiosk.js") {
    response.writeHead(200, { "content-type": "text/javascript" }).end(await readFile(path.join(pages, "kiosk.js")));
  } else if (url.pathname === "/healthz") {
    json({});
  } else if (url.pathname === "/v1/token") {
    const visitor = `v${++exchanges}`;
    const features = { history: true, feedback: true, retry: true, tools: false, attachments: false, sources: true };
    json({ token: `t.${visitor}`, expiresIn: 600, visitor, agent: { name: "Bench", suggestions: ["What is there to see?"] }, features });
  } else if (url.pathname === "/v1/visitor") {
    erased.add(request.headers.authorization);
    response.writeHead(204).end();
  } else if (url.pathname === "/v1/chat") {
    asked++;
    const text = Array.from({ length: 60 }, (_, index) => WORDS[(asked + index) % WORDS.length]).join(" ");
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.end(chunks(`## ${asked}\n\n${text}\n\n- ${text.slice(0, 80)}\n- **${text.slice(0, 40)}**\n\n\`\`\`js\nconst ${WORDS[asked % WORDS.length]} = ${asked};\n\`\`\``, asked));
  } else {
    const file = await readFile(path.join(dist, path.normalize(url.pathname))).catch(() => undefined);
    const headers = { "content-type": TYPES[path.extname(url.pathname)] ?? "text/plain", "cache-control": "max-age=3600" };
    response.writeHead(file ? 200 : 404, headers).end(file);
  }
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});
const page = await (await browser.newContext({ viewport: { width: 1080, height: 1920 }, reducedMotion: "reduce" })).newPage();
const faults = [];
page.on("pageerror", (error) => faults.push(String(error)));
await noteInstances(page);
const debug = await page.context().newCDPSession(page);
await debug.send("HeapProfiler.enable");
await debug.send("Performance.enable");
await page.goto(`http://127.0.0.1:${server.address().port}/kiosk?site=site_bench`);
await page.waitForFunction(() => window.chat);

/** Visitors one after another: most start over, some leave it to the kiosk. */
const serve = (count, each) =>
  page.evaluate(
    async ([count, each]) => {
      const { chat } = window;
      const root = chat.element.shadowRoot;
      const once = (name) => new Promise((resolve) => chat.once(name, resolve));
      const until = async (is) => {
        while (!is()) await new Promise((resolve) => setTimeout(resolve, 5));
      };
      for (let visitor = 0; visitor < count; visitor++) {
        await until(() => root.querySelector("[part=start], [part=input]"));
        root.querySelector("[part=start]")?.click();
        await until(() => root.querySelector("[part=input]"));
        for (let message = 0; message < each / 2; message++) {
          const ended = once("response:end");
          await chat.send(`Question ${message} of visitor ${visitor}`);
          await ended;
        }
        const reset = once("idle:reset");
        const before = window.instances.length;
        chat.reset();
        await reset;
        // A fresh module takes over when the relay has forgotten the visitor.
        await until(() => window.instances.length > before && !root.querySelector("[part=input]"));
        await new Promise((resolve) => setTimeout(resolve, 20));
        window.instances = window.instances.filter((known) => known.deref());
      }
    },
    [count, each],
  );

async function weigh() {
  for (let time = 0; time < 3; time++) {
    await debug.send("HeapProfiler.collectGarbage");
    await page.waitForTimeout(150);
  }
  const { nodes, jsEventListeners } = await debug.send("Memory.getDOMCounters");
  const { metrics } = await debug.send("Performance.getMetrics");
  const modules = await page.evaluate(() => {
    const live = window.instances.map((known) => known.deref()).filter(Boolean);
    return { instances: live.length, memory: Math.max(...live.map((instance) => instance.exports.memory.buffer.byteLength)) };
  });
  return { nodes, listeners: jsEventListeners, heap: metrics.find(({ name }) => name === "JSHeapUsedSize").value, ...modules };
}

const began = Date.now();
await serve(warm, each);
const first = await weigh();
await serve(visitors - warm, each);
const last = await weigh();
const seconds = (Date.now() - began) / 1000;

console.log(`${asked * 2} messages over ${visitors} visitors in ${seconds.toFixed(0)} s; ${erased.size} visitors erased`);
for (const name in first) console.log(`${name.padEnd(10)} after ${warm}: ${Math.round(first[name])}, after ${visitors}: ${Math.round(last[name])}`);
for (const [name, factor] of Object.entries(ROOM)) {
  const most = name === "instances" ? factor : first[name] * factor;
  if (last[name] > most) faults.push(`${name} grew from ${first[name]} to ${last[name]}`);
}
if (erased.size < visitors) faults.push(`only ${erased.size} of ${visitors} visitors were erased at the relay`);
await browser.close();
server.close();
server.closeAllConnections();
for (const fault of faults) console.error(fault);
process.exitCode = faults.length ? 1 : 0;

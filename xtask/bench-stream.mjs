// What a streamed reply and a restored transcript cost the page's main thread.
//
// The built widget in Chromium at a fourth of its speed. A server in this
// process plays the relay: what is measured is the widget alone. CPU time is the
// main thread's own (not wall time), so that neighbours on the machine count
// little.
//
//   node bench-stream.mjs DIST_FOLDER [ROUNDS]

import { readFile } from "node:fs/promises";
import http from "node:http";
import path from "node:path";

import { chromium } from "playwright-core";

const SLOWDOWN = 4;
const CHUNKS_PER_SECOND = 200;
const FIRST_CHUNK_MS = 100;
const LONG_FRAME_MS = 50;
const RESTORED = 500;
const END = "That is all.";

const dist = path.resolve(process.argv[2]);
const rounds = Number(process.argv[3] ?? 3);
const manifest = JSON.parse(await readFile(path.join(dist, "manifest.json"), "utf8"));

/** Numbers that look random and are the same each time (mulberry32). */
function dice(seed) {
  return (sides) => {
    seed = (seed + 0x6d2b79f5) | 0;
    let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % sides;
  };
}

const WORDS =
  "river stone harbour window paper letter garden market bridge signal engine copper winter lantern meadow island ticket railway evening morning kitchen library pocket mirror weather camera village station corner journey answer question number pattern circle shadow colour distance measure balance".split(
    " ",
  );

function sentence(roll, length) {
  const words = Array.from({ length }, () => {
    const word = WORDS[roll(WORDS.length)];
    const form = roll(40);
    if (form === 0) return `**${word}**`;
    if (form === 1) return `\`${word}\``;
    if (form === 2) return `[${word}](https://example.com/${word})`;
    return form === 3 ? `*${word}*` : word;
  });
  return `${words.join(" ").replace(/^./, (letter) => letter.toUpperCase())}.`;
}

/** Markdown of all forms, of at least so many words. */
function reply(words) {
  const roll = dice(words);
  const sentences = (count) => Array.from({ length: count }, () => sentence(roll, 8 + roll(10))).join(" ");
  const lines = (count, line) => Array.from({ length: count }, (_, index) => line(index)).join("\n");
  const parts = [];
  for (let part = 1; parts.join(" ").split(/\s+/).length < words; part++) {
    parts.push(`## ${part}. ${WORDS[roll(WORDS.length)]} and ${WORDS[roll(WORDS.length)]}`);
    parts.push(sentences(5), sentences(4), sentences(4));
    parts.push(lines(5, () => `- ${sentence(roll, 6 + roll(6))}`));
    parts.push(lines(3, (index) => `${index + 1}. ${sentence(roll, 6 + roll(6))}`));
    parts.push(`\`\`\`js\n${lines(6, (index) => `const ${WORDS[roll(WORDS.length)]}${index} = take(${index}, "a text"); // as it is`)}\n\`\`\``);
    if (part % 2) {
      parts.push(`| name | value | note |\n| --- | ---: | --- |\n${lines(6, () => `| ${WORDS[roll(WORDS.length)]} | ${roll(1000)} | ${WORDS[roll(WORDS.length)]} |`)}`);
    }
  }
  return `${parts.join("\n\n")}\n\n${END}\n`;
}

function cut(text, words) {
  const pieces = text.match(/\s*\S+\s*/g);
  return Array.from({ length: Math.ceil(pieces.length / words) }, (_, index) =>
    pieces.slice(index * words, (index + 1) * words).join(""),
  );
}

/** What is answered, by what is asked. */
const PLANS = {
  bursts: cut(reply(4_000), 30),
  chunks: cut(reply(4_000), 3),
  twice: cut(reply(8_000), 3),
};

function transcript(count) {
  const roll = dice(count);
  return Array.from({ length: count }, (_, index) => {
    const list = index % 10 === 1 ? `\n\n- ${sentence(roll, 6)}\n- ${sentence(roll, 6)}\n\n\`\`\`js\nconst one = 1;\n\`\`\`` : "";
    const text = index % 2 ? [1, 2, 3].map(() => sentence(roll, 14)).join(" ") + list : sentence(roll, 10);
    return {
      id: `m${index}`,
      role: index % 2 ? "assistant" : "user",
      parts: [{ type: "text", text: index === count - 1 ? `${text} ${END}` : text }],
      metadata: { createdAt: new Date(Date.UTC(2026, 0, 1, 8, index)).toISOString(), status: "done" },
    };
  });
}

const stored = transcript(RESTORED);
/** When the last chunk of the latest reply was written, by the clock. */
let ended;

async function stream(response, plan) {
  const frame = (chunk, index) => response.write(`id: e:${index}\ndata: ${JSON.stringify(chunk)}\n\n`);
  response.writeHead(200, { "content-type": "text/event-stream", "access-control-allow-origin": "*" });
  frame({ type: "start", messageId: "reply" }, 1);
  frame({ type: "text-start", id: "t" }, 2);
  await new Promise((resolve) => setTimeout(resolve, FIRST_CHUNK_MS));
  const began = performance.now();
  // Held to the wall clock: a timer that comes late is made up for.
  for (let sent = 0; sent < plan.length; ) {
    const due = Math.min(plan.length, 1 + Math.floor(((performance.now() - began) * CHUNKS_PER_SECOND) / 1000));
    for (; sent < due; sent++) frame({ type: "text-delta", id: "t", delta: plan[sent] }, sent + 3);
    await new Promise((resolve) => setTimeout(resolve, 1000 / CHUNKS_PER_SECOND));
  }
  frame({ type: "text-end", id: "t" }, plan.length + 3);
  frame({ type: "finish", finishReason: "stop" }, plan.length + 4);
  response.end("data: [DONE]\n\n");
  ended = Date.now();
}

const TYPES = { ".js": "text/javascript", ".wasm": "application/wasm", ".css": "text/css" };

const server = http.createServer(async (request, response) => {
  const url = new URL(request.url, "http://localhost");
  const json = (value) => response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(value));
  let body = "";
  for await (const bytes of request) body += bytes;
  if (url.pathname === "/") {
    response.writeHead(200, { "content-type": "text/html" });
    response.end(`<!doctype html><html lang="en"><title>Bench</title><link rel="icon" href="data:,"><h1>Bench</h1>
      <script src="/chinwag.js" data-site="site_bench"></script></html>`);
  } else if (url.pathname === "/v1/token") {
    const features = { history: true, feedback: true, retry: true, tools: false, attachments: false, sources: true };
    json({ token: "t", expiresIn: 600, visitor: "v", agent: { name: "Bench", suggestions: [] }, features });
  } else if (url.pathname === "/v1/chat") {
    const asked = JSON.parse(body).messages.at(-1).parts[0].text;
    await stream(response, PLANS[asked]);
  } else if (url.pathname.endsWith("/messages")) {
    // "whole" is a transcript in one answer, which the relay never gives.
    const most = url.pathname.includes("whole") ? RESTORED : Number(url.searchParams.get("limit"));
    const end = Number(url.searchParams.get("cursor") ?? RESTORED);
    const start = Math.max(0, end - most);
    json({ data: stored.slice(start, end), pagination: { cursor: start ? String(start) : null, hasMore: start > 0 } });
  } else {
    const file = await readFile(path.join(dist, path.normalize(url.pathname))).catch(() => undefined);
    response.writeHead(file ? 200 : 404, { "content-type": TYPES[path.extname(url.pathname)] ?? "text/plain" }).end(file);
  }
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const origin = `http://127.0.0.1:${server.address().port}`;

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});

async function open(saved) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  const page = await context.newPage();
  const debug = await context.newCDPSession(page);
  await debug.send("Performance.enable", { timeDomain: "threadTicks" });
  await debug.send("Emulation.setCPUThrottlingRate", { rate: SLOWDOWN });
  await page.addInitScript((saved) => {
    if (saved) localStorage.setItem("cw:site_bench", JSON.stringify(saved));
    window.longFrames = [];
    new PerformanceObserver((list) => {
      for (const frame of list.getEntries()) window.longFrames.push(frame.duration);
    }).observe({ type: "long-animation-frame", buffered: true });
    window.root = () => document.querySelector("[data-chinwag]")?.shadowRoot;
    /** Tells the clock's time after the frame that is being made was painted. */
    const painted = (resolve) => {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => resolve(Date.now());
      port2.postMessage(0);
    };
    /**
     * The clock's time after the frame that shows the whole of a reply, with `text` at its end, was painted. Nothing is
     * looked for meanwhile: a look in every frame would be a share of what is measured, and one that grows with the reply.
     */
    window.whole = (text) =>
      new Promise((resolve) => {
        const observer = new MutationObserver(() => {
          const prose = [...window.root().querySelectorAll('[data-state="ended"] .cw-prose')].at(-1);
          if (!prose?.lastElementChild?.textContent.includes(text)) return;
          observer.disconnect();
          requestAnimationFrame(() => painted(resolve));
        });
        observer.observe(window.root(), { attributeFilter: ["data-state"], subtree: true });
      });
    /** The clock's time after the frame that shows `text` as the end of the last message was painted. */
    window.shown = (text) =>
      new Promise((resolve) => {
        const look = () => {
          const messages = window.root()?.querySelectorAll('[part="message"]');
          const last = messages?.[messages.length - 1]?.querySelector(".cw-prose")?.lastElementChild;
          if (!last?.textContent.includes(text)) return requestAnimationFrame(look);
          painted(resolve);
        };
        look();
      });
  }, saved);
  await page.goto(origin);
  const launcher = page.locator('[data-chinwag] [part~="launcher"]');
  await launcher.waitFor();
  await page.waitForTimeout(1_500);
  const measured = async () => {
    const { metrics } = await debug.send("Performance.getMetrics");
    return Object.fromEntries(metrics.map(({ name, value }) => [name, value]));
  };
  return { page, launcher, measured, close: () => context.close() };
}

async function streamed(plan) {
  const { page, launcher, measured, close } = await open();
  await launcher.click();
  const input = page.locator('[data-chinwag] [part~="input"]');
  await input.fill(plan);
  await page.waitForTimeout(800);
  await page.evaluate(() => (window.longFrames.length = 0));
  ended = undefined;
  const before = await measured();
  const shown = page.evaluate((text) => window.whole(text), END);
  await page.keyboard.press("Enter");
  const seen = await shown;
  while (!ended) await page.waitForTimeout(5);
  await page.waitForTimeout(1_000);
  const after = await measured();
  const long = await page.evaluate(() => window.longFrames);
  const elements = await page.evaluate(() => window.root().querySelectorAll('[part="log"] *').length);
  await close();
  const spent = (name) => (after[name] - before[name]) * 1000;
  return {
    cpu: spent("TaskDuration"),
    layout: spent("LayoutDuration") + spent("RecalcStyleDuration"),
    long: long.filter((duration) => duration > LONG_FRAME_MS).length,
    longest: Math.max(0, ...long),
    late: Math.max(0, seen - ended),
    elements,
  };
}

async function restored(conversation) {
  const { page, launcher, measured, close } = await open({ v: 1, visitor: "v", conversation, open: false });
  const before = await measured();
  const [began, seen] = await page.evaluate(async (text) => {
    const clicked = new Promise((resolve) =>
      addEventListener("click", (event) => resolve(performance.timeOrigin + event.timeStamp), { capture: true, once: true }),
    );
    window.both = Promise.all([clicked, window.shown(text)]);
  }, END).then(async () => {
    await launcher.click();
    return page.evaluate(() => window.both);
  });
  await page.waitForTimeout(500);
  const after = await measured();
  const elements = await page.evaluate(() => window.root().querySelectorAll("*").length);
  await close();
  return { ms: seen - began, cpu: (after.TaskDuration - before.TaskDuration) * 1000, nodes: after.Nodes, elements };
}

function median(values) {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.floor(sorted.length / 2)];
}

try {
  const samples = { bursts: [], chunks: [], twice: [], paged: [], whole: [] };
  for (let round = 0; round < rounds; round++) {
    for (const plan of Object.keys(PLANS)) samples[plan].push(await streamed(plan));
    for (const conversation of ["paged", "whole"]) samples[conversation].push(await restored(conversation));
  }
  const words = (plan) => PLANS[plan].join("").split(/\s+/).length;
  console.log(`chinwag ${manifest.version}, Chromium ${browser.version()} at 1/${SLOWDOWN} speed, median of ${rounds}`);
  const row = (cells) => console.log(cells.map((cell, index) => String(cell).padStart(index ? 11 : 0).padEnd(index ? 0 : 34)).join(""));
  row(["a reply", "CPU ms", "of it style", "frames over", "longest", "last word", "elements"]);
  row(["", "", "and layout", `${LONG_FRAME_MS} ms`, "frame ms", "ms late", "at the end"]);
  for (const plan of Object.keys(PLANS)) {
    const of = (name) => median(samples[plan].map((sample) => sample[name])).toFixed(0);
    row([`${words(plan)} words, ${PLANS[plan].length} chunks`, ...["cpu", "layout", "long", "longest", "late", "elements"].map(of)]);
  }
  const ratio = median(samples.twice.map((sample, round) => sample.cpu / samples.chunks[round].cpu));
  console.log(`twice the reply: ${ratio.toFixed(2)} times the work\n`);
  row([`${RESTORED} messages restored`, "ms", "CPU ms", "nodes", "elements"]);
  for (const [name, about] of [["paged", "in the relay's pages of 50"], ["whole", "all in one answer"]]) {
    const of = (key) => median(samples[name].map((sample) => sample[key])).toFixed(0);
    row([about, of("ms"), of("cpu"), of("nodes"), of("elements")]);
  }
} finally {
  await browser.close();
  server.closeAllConnections();
  server.close();
}

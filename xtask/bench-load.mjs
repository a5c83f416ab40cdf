// What a page pays before anybody reaches for the chat.
//
// The built widget in Chromium on a slow phone's network and a fourth of the
// machine's speed, by turns with the same page without it. A server in this
// process plays the relay. Times on the clock say little on a busy machine: the
// longest task is measured in CPU time of the page's main thread, which
// neighbours hardly touch.
//
//   node bench-load.mjs DIST_FOLDER [ROUNDS]

import { readFile } from "node:fs/promises";
import http from "node:http";
import path from "node:path";

import { chromium } from "playwright-core";

const SLOWDOWN = 4;
/** Slow 4G: 1.6 Mbit/s down, 750 kbit/s up, 150 ms. */
const NETWORK = { offline: false, latency: 150, downloadThroughput: 1.6e6 / 8, uploadThroughput: 750e3 / 8 };
const QUIET_MS = 1_500;
const LONG_TASK_MS = 50;

const dist = path.resolve(process.argv[2]);
const rounds = Number(process.argv[3] ?? 5);
const manifest = JSON.parse(await readFile(path.join(dist, "manifest.json"), "utf8"));
const TYPES = { ".js": "text/javascript", ".wasm": "application/wasm", ".css": "text/css", ".json": "application/json" };
const TAG = '<script src="/chinwag.js" data-site="site_bench" async></script>';

const article = Array.from({ length: 24 }, (_, part) => `<h2>Part ${part + 1}</h2><p>${"The harbour was built in nine months, of granite that came by barge. ".repeat(6)}</p>`).join("");

const server = http.createServer(async (request, response) => {
  const { pathname } = new URL(request.url, "http://localhost");
  if (pathname === "/with" || pathname === "/without") {
    response.writeHead(200, { "content-type": "text/html; charset=utf-8" });
    response.end(`<!doctype html><html lang="en"><title>Bench</title><link rel="icon" href="data:,"><h1>Bench</h1>${article}${pathname === "/with" ? TAG : ""}</html>`);
    return;
  }
  const name = path.join(dist, path.normalize(pathname));
  const packed = await readFile(`${name}.br`).catch(() => undefined);
  const headers = { "content-type": TYPES[path.extname(name)] ?? "text/plain", ...(packed && { "content-encoding": "br" }) };
  const file = packed ?? (await readFile(name).catch(() => undefined));
  response.writeHead(file ? 200 : 404, headers).end(file);
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const origin = `http://127.0.0.1:${server.address().port}`;

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});

async function load(which) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  const page = await context.newPage();
  const debug = await context.newCDPSession(page);
  const events = [];
  let bytes = 0;
  let open = 0;
  let quietSince = Date.now();
  debug.on("Tracing.dataCollected", ({ value }) => events.push(...value));
  debug.on("Network.requestWillBeSent", () => void open++);
  for (const end of ["Finished", "Failed"]) {
    debug.on(`Network.loading${end}`, ({ encodedDataLength }) => {
      bytes += encodedDataLength ?? 0;
      open--;
      quietSince = Date.now();
    });
  }
  await debug.send("Network.enable");
  await debug.send("Network.emulateNetworkConditions", NETWORK);
  await debug.send("Emulation.setCPUThrottlingRate", { rate: SLOWDOWN });
  await page.addInitScript(() => {
    window.seen = { tasks: [], shift: 0 };
    const observe = (type, each) => new PerformanceObserver((list) => list.getEntries().forEach(each)).observe({ type, buffered: true });
    observe("longtask", ({ duration }) => window.seen.tasks.push(duration));
    observe("layout-shift", ({ value }) => void (window.seen.shift += value));
    const look = () => {
      const launcher = document.querySelector("[data-chinwag]")?.shadowRoot.querySelector("[part~=launcher]");
      if (!launcher?.getBoundingClientRect().width) return requestAnimationFrame(look);
      // After the frame that has it was painted.
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => void (window.seen.launcher = performance.now());
      port2.postMessage(0);
    };
    look();
  });
  await debug.send("Tracing.start", { transferMode: "ReportEvents", traceConfig: { includedCategories: ["toplevel", "devtools.timeline"] } });
  await page.goto(`${origin}/${which}`);
  while (open > 0 || Date.now() - quietSince < QUIET_MS) await page.waitForTimeout(50);
  const traced = new Promise((resolve) => debug.once("Tracing.tracingComplete", resolve));
  await debug.send("Tracing.end");
  await traced;
  const seen = await page.evaluate(() => ({
    ...window.seen,
    loaded: performance.getEntriesByType("navigation")[0].loadEventEnd,
    painted: performance.getEntriesByName("first-contentful-paint")[0]?.startTime,
  }));
  await context.close();
  // The thread that laid the page out.
  const laid = events.find(({ name }) => name === "Layout");
  const tasks = events.filter(({ name, pid, tid, tdur }) => /RunTask$/.test(name) && tdur && pid === laid?.pid && tid === laid?.tid);
  return {
    launcher: seen.launcher ?? 0,
    painted: seen.painted,
    loaded: seen.loaded,
    blocked: seen.tasks.reduce((sum, duration) => sum + Math.max(0, duration - LONG_TASK_MS), 0),
    longest: Math.max(0, ...tasks.map(({ tdur }) => tdur / 1000)),
    shift: seen.shift,
    bytes: bytes / 1000,
  };
}

function median(values) {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.floor(sorted.length / 2)];
}

const ROWS = [
  ["launcher seen, ms", "launcher", 0],
  ["first contentful paint, ms", "painted", 0],
  ["load event, ms", "loaded", 0],
  ["total blocking time, ms on the clock", "blocked", 0],
  ["longest task, ms of CPU", "longest", 1],
  ["cumulative layout shift", "shift", 3],
  ["fetched, kB", "bytes", 1],
];

try {
  const samples = { without: [], with: [] };
  // The first one warms the browser up.
  await load("with");
  for (let round = 0; round < rounds; round++) {
    // By turns, and each first as often as the other.
    for (const which of round % 2 ? ["with", "without"] : ["without", "with"]) samples[which].push(await load(which));
  }
  console.log(`chinwag ${manifest.version}, Chromium ${browser.version()} at 1/${SLOWDOWN} speed, slow 4G, median of ${rounds}`);
  console.log(`${"".padEnd(40)}${"without".padStart(10)}${"with".padStart(10)}`);
  for (const [about, name, digits] of ROWS) {
    const of = (which) => median(samples[which].map((sample) => sample[name])).toFixed(digits).padStart(10);
    console.log(about.padEnd(40) + of("without") + of("with"));
  }
} finally {
  await browser.close();
  server.closeAllConnections();
  server.close();
}

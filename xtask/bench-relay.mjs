// What the relay adds to an answer, and what it keeps of one.
//
// A provider that plays Chat Completions stands behind three ways to it: directly,
// through nginx as a plain reverse proxy, and through the relay with token check,
// limits and storage on. All are asked by turns, so that they see the same machine
// in the same moments. Then: the memory of idle streams, and how soon a stop reaches
// the provider.
//
//   node bench-relay.mjs RELAY_BINARY
//
// STREAMS=10000 says how many idle streams are opened, SECONDS=3 how long each way
// is asked with several connections at once, PARTS=json,stream,stop,idle what is measured.

import { execFileSync, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import http from "node:http";
import http2 from "node:http2";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

const CHUNKS = 20;
const ROUNDS = 300;
const WARM_UP = 50;
const CONNECTIONS = [1, 16];
const SECONDS = Number(process.env.SECONDS ?? 3);
const STREAMS = Number(process.env.STREAMS ?? 10_000);
/** An agent asks its provider 256 things at once: idle streams need several. */
const STREAMS_PER_AGENT = 250;
const AGENTS = Math.max(1, Math.ceil(STREAMS / STREAMS_PER_AGENT));
const STOPS = 50;
const PARTS = (process.env.PARTS ?? "json,stream,stop,idle").split(",");
/** A certificate of 127.0.0.1 that is worth nothing elsewhere. */
const TLS = path.join(path.dirname(fileURLToPath(import.meta.url)), "../relay/tests/process/tls");

const binary = path.resolve(process.argv[2]);
const folder = await mkdtemp(path.join(tmpdir(), "chinwag-bench-"));
const children = [];
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const listen = (server) =>
  new Promise((resolve) => server.listen(0, "127.0.0.1", 65_535, () => resolve(server.address().port)));

async function freePort() {
  const server = http.createServer();
  const port = await listen(server);
  await new Promise((resolve) => server.close(resolve));
  return port;
}

// ------------------------------------------------------------------ provider

const frame = (delta, reason = null) => {
  const choices = [{ index: 0, delta, finish_reason: reason }];
  return `data: ${JSON.stringify({ id: "x", object: "chat.completion.chunk", choices })}\n\n`;
};
const FRAMES = Array.from({ length: CHUNKS }, (_, index) => frame({ content: `word ${index} ` }));
const END = `${frame({}, "stop")}data: [DONE]\n\n`;
const whenClosed = new Map();
let idle = 0;

/** What is asked decides what is told: twenty chunks, or one and then silence. */
function play(request, response) {
  if (request.method === "GET") {
    response.writeHead(200, { "content-type": "application/json" }).end('{"data":[{"id":"bench"}]}');
    return;
  }
  let body = "";
  request.setEncoding("utf8").on("data", (text) => (body += text));
  request.on("end", () => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    const mark = /idle-[\w-]+/.exec(body)?.[0];
    if (mark) {
      idle += 1;
      response.write(FRAMES[0]);
      response.on("close", () => {
        idle -= 1;
        whenClosed.get(mark)?.(performance.now());
      });
      return;
    }
    let index = 0;
    const next = () => {
      if (index === CHUNKS) return response.end(END);
      response.write(FRAMES[index++]);
      setImmediate(next);
    };
    next();
  });
}

/** As servers on one's own machine are: HTTP/1.1, without TLS. */
const provider = http.createServer(play);
provider.on("connection", (socket) => socket.setNoDelay(true));
provider.keepAliveTimeout = 60_000;
const providerPort = await listen(provider);
/** As hosted providers are: HTTP/2 within TLS. */
const [key, cert] = await Promise.all(["key.pem", "cert.pem"].map((name) => readFile(path.join(TLS, name))));
const hosted = http2.createSecureServer({ key, cert }, play);
const hostedPort = await listen(hosted);

// ------------------------------------------------------------ relay and nginx

async function until(what, check, patience = 60_000) {
  const end = Date.now() + patience;
  while (!(await check())) {
    if (Date.now() > end) throw new Error(`${what} did not happen`);
    await sleep(50);
  }
}

const answers = (url) => () => fetch(url).then((answer) => answer.ok, () => false);

function start(program, options, environment = {}) {
  const env = { ...process.env, RUST_LOG: "error", ...environment };
  const child = spawn(program, options, { cwd: folder, env, stdio: ["ignore", "ignore", "inherit"] });
  children.push(child);
  return child;
}

const many = 100_000_000;

/** A relay of its own, with agents that ask the provider there. */
async function startRelay(name, base) {
  const home = path.join(folder, name.replace(/\W/g, "-"));
  await mkdir(home);
  const port = await freePort();
  const origin = `http://127.0.0.1:${port}`;
  const sites = Array.from(
    { length: AGENTS },
    (_, index) => `
[[site]]
key = "site_${index}"
origins = ["${origin}"]
agent = "a${index}"

[agent.a${index}]
provider = "openai-chat"
base_url = "${base}/v1"
model = "bench"
`,
  );
  await writeFile(
    path.join(home, "chinwag.toml"),
    `[server]
addr = "127.0.0.1:${port}"
data_dir = "data"

[server.limits]
messages_per_minute = ${many}
address_messages_per_minute = ${many}
site_messages_per_minute = ${many}
agent_messages_per_minute = ${many}
calls_per_minute = ${many}
tokens_per_minute = ${many}
tokens_burst = ${many}
site_tokens_per_minute = ${many}
streams_per_visitor = ${many}
streams_per_address = ${many}
streams_per_site = ${many}
streams_per_agent = ${many}
streams = ${many}
connections = 60000
chunk_timeout = "10m"
reply_timeout = "10m"
${sites.join("")}`,
  );
  const { pid } = start(binary, ["--config", path.join(home, "chinwag.toml")], { SSL_CERT_FILE: path.join(TLS, "cert.pem") });
  await until("the start of the relay", answers(`${origin}/readyz`));
  return { port, origin, pid };
}

const relay = await startRelay("relay", `http://127.0.0.1:${providerPort}`);

function nginxPath() {
  for (const file of ["nginx", "/usr/sbin/nginx"]) {
    try {
      execFileSync(file, ["-v"], { stdio: "ignore" });
      return file;
    } catch {
      // Not there.
    }
  }
  return undefined;
}

const nginx = nginxPath();
const nginxPort = await freePort();
if (nginx) {
  const file = path.join(folder, "nginx.conf");
  await writeFile(
    file,
    `daemon off; pid ${folder}/nginx.pid; error_log stderr crit; worker_processes 1; 
events { worker_connections 16384; }
http {
  access_log off; keepalive_requests 100000000;
  client_body_temp_path ${folder}/b; proxy_temp_path ${folder}/p; fastcgi_temp_path ${folder}/f; uwsgi_temp_path ${folder}/u; scgi_temp_path ${folder}/s;
  upstream provider { server 127.0.0.1:${providerPort}; keepalive 256; keepalive_requests 100000000; }
  server {
    listen 127.0.0.1:${nginxPort};
    location / { proxy_pass http://provider; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off; tcp_nodelay on; }
  }
}
`,
  );
  start(nginx, ["-c", file, "-p", folder, "-e", "stderr"]);
  await until("the start of nginx", answers(`http://127.0.0.1:${nginxPort}/v1/models`));
} else {
  console.log("nginx is not installed (Debian: apt-get install nginx-light): its column stays empty");
}

// -------------------------------------------------------------------- client

/** Sends over a connection that is kept; resolves to times until the first byte, the first word and the last. */
function send(agent, port, method, route, headers, body, closeAfterFirst = false) {
  return new Promise((resolve, reject) => {
    const started = performance.now();
    const request = http.request({ agent, host: "127.0.0.1", port, method, path: route, headers }, (response) => {
      let [first, word] = [];
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (piece) => {
        first ??= performance.now() - started;
        text += piece;
        if (word === undefined && text.includes("word 0")) word = performance.now() - started;
        if (closeAfterFirst && text.includes("word 0")) resolve({ response, started });
      });
      response.on("end", () => {
        if (response.statusCode >= 300) reject(new Error(`${route} answered ${response.statusCode}: ${text}`));
        else resolve({ first, word, whole: performance.now() - started, text });
      });
      response.on("error", reject);
    });
    request.on("error", reject);
    request.setNoDelay(true);
    request.end(body);
  });
}

const json = { "content-type": "application/json" };

async function exchange({ port, origin }, site = 0) {
  const body = JSON.stringify({ site: `site_${site}` });
  const answer = await send(undefined, port, "POST", "/v1/token", { ...json, origin }, body);
  return JSON.parse(answer.text).token;
}

const token = await exchange(relay);
const authorized = { origin: relay.origin, authorization: `Bearer ${token}` };
const asked = JSON.stringify({ model: "bench", stream: true, messages: [{ role: "user", content: "Twenty words, please." }] });
const question = (text) =>
  JSON.stringify({
    id: randomUUID(),
    messages: [{ id: randomUUID(), role: "user", parts: [{ type: "text", text }] }],
    trigger: "submit-message",
  });

const whole = (sample) => {
  if (!sample.text.includes(`word ${CHUNKS - 1} `)) throw new Error(`no whole reply:\n${sample.text}`);
  return sample;
};
const through = (port) => ({
  json: (agent) => send(agent, port, "GET", "/v1/models", {}),
  stream: (agent) => send(agent, port, "POST", "/v1/chat/completions", json, asked).then(whole),
});
const ways = {
  direct: through(providerPort),
  ...(nginx && { nginx: through(nginxPort) }),
  relay: {
    // A list out of the database, for a visitor with a token.
    json: (agent) => send(agent, relay.port, "GET", "/v1/conversations?limit=1", authorized),
    stream: (agent) =>
      send(agent, relay.port, "POST", "/v1/chat", { ...json, ...authorized }, question("Twenty words, please.")).then(whole),
  },
};

const at = (values, share) => [...values].sort((one, other) => one - other)[Math.floor((values.length - 1) * share)];
const row = (name, cells) => console.log(name.padEnd(30) + cells.map((cell) => String(cell).padStart(12)).join(""));
const ms = (value) => (value === undefined ? "-" : value.toFixed(2));

/** One connection: asked by turns, `ROUNDS` times each. */
async function byTurns(kind) {
  const agents = {};
  const samples = {};
  for (const name of Object.keys(ways)) {
    agents[name] = new http.Agent({ keepAlive: true, maxSockets: 1 });
    samples[name] = [];
  }
  for (let round = -WARM_UP; round < ROUNDS; round++) {
    for (const [name, way] of Object.entries(ways)) {
      const sample = await way[kind](agents[name]);
      if (round >= 0) samples[name].push(sample);
    }
  }
  for (const agent of Object.values(agents)) agent.destroy();
  return Object.fromEntries(Object.entries(samples).map(([name, taken]) => [name, { taken }]));
}

/** Several connections: each way for some seconds, twice, the better counts. */
async function atOnce(kind, connections) {
  const result = {};
  for (const turn of [0, 1]) {
    for (const [name, way] of Object.entries(ways)) {
      const agent = new http.Agent({ keepAlive: true, maxSockets: connections });
      const taken = [];
      const end = performance.now() + SECONDS * 1000;
      const began = performance.now();
      const worker = async () => {
        while (performance.now() < end) taken.push(await way[kind](agent));
      };
      await Promise.all(Array.from({ length: connections }, worker));
      const rate = (taken.length / (performance.now() - began)) * 1000;
      agent.destroy();
      if (turn === 0 || rate > result[name].rate) result[name] = { taken, rate };
    }
  }
  return result;
}

/** How many files this process may open, and with it each that it starts. */
const FILES = Number(/Max open files\s+(\d+)/.exec(await readFile("/proc/self/limits", "utf8"))[1]);

async function residentKb(pid) {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  return Number(/VmRSS:\s+(\d+)/.exec(status)[1]);
}

/**
 * Opens streams whose provider has fallen silent, at a relay of their own, and weighs it.
 * `files` says how many of them each takes, of this process and of the relay.
 */
async function idleStreams(name, base, files) {
  const streams = Math.min(STREAMS, Math.floor((FILES - 400) / files));
  const target = await startRelay(name, base);
  const held = [];
  const tokens = [];
  for (let site = 0; site < AGENTS; site++) tokens.push(await exchange(target, site));
  const open = async (number) => {
    const agent = new http.Agent({ keepAlive: false });
    const site = Math.floor(number / STREAMS_PER_AGENT);
    const headers = { ...json, origin: target.origin, authorization: `Bearer ${tokens[site]}` };
    held.push(await send(agent, target.port, "POST", "/v1/chat", headers, question(`idle-${randomUUID()}`), true));
  };
  const before = await residentKb(target.pid);
  const began = performance.now();
  for (let number = 0; number < streams; ) {
    const batch = [];
    for (; batch.length < 100 && number < streams; number++) batch.push(open(number));
    await Promise.all(batch);
  }
  const took = performance.now() - began;
  await sleep(2000);
  const with_ = await residentKb(target.pid);
  const probes = [];
  for (let round = 0; round < 50; round++) probes.push((await send(undefined, target.port, "GET", "/healthz", {})).whole);
  const running = idle;
  for (const { response } of held) response.destroy();
  const each = ((with_ - before) * 1024) / 1000 / streams;
  console.log(
    `${streams} idle streams of a provider that speaks ${name}, opened in ${(took / 1000).toFixed(1)} s: ${each.toFixed(1)} kB each ` +
      `(resident ${before} kB before, ${with_} kB with them; ${running} at the provider); /healthz meanwhile p99 ${ms(at(probes, 0.99))} ms`,
  );
  children.find((child) => child.pid === target.pid)?.kill("SIGKILL");
  await until("the end of the idle streams", () => idle === 0);
}

/** How long after a stop was sent the provider's connection closes. */
async function stops() {
  const agent = new http.Agent({ keepAlive: true });
  const times = [];
  for (let round = 0; round < STOPS; round++) {
    const mark = `idle-${randomUUID()}`;
    const body = question(mark);
    const closed = new Promise((resolve) => whenClosed.set(mark, resolve));
    await send(agent, relay.port, "POST", "/v1/chat", { ...json, ...authorized }, body, true);
    const began = performance.now();
    const stopped = send(agent, relay.port, "POST", `/v1/chat/${JSON.parse(body).id}/stop`, authorized);
    times.push((await closed) - began);
    await stopped;
  }
  agent.destroy();
  return times;
}

try {
  const names = Object.keys(ways);
  for (const kind of ["json", "stream"].filter((kind) => PARTS.includes(kind))) {
    for (const connections of CONNECTIONS) {
      const measured = connections === 1 ? await byTurns(kind) : await atOnce(kind, connections);
      const title = kind === "json" ? "JSON" : `${CHUNKS} chunks`;
      row(`\n${title}, ${connections} connection${connections > 1 ? "s" : ""}`, names);
      const line = (name, pick, share) =>
        row(name, names.map((way) => ms(at(measured[way].taken.map(pick), share))));
      if (kind === "stream") {
        // The relay's first chunk says where the reply will stand; the first word is the provider's.
        line("first chunk, p50 ms", (sample) => sample.first, 0.5);
        line("first word, p50 ms", (sample) => sample.word, 0.5);
      }
      line("whole, p50 ms", (sample) => sample.whole, 0.5);
      line("whole, p99 ms", (sample) => sample.whole, 0.99);
      const own = at(measured.relay.taken.map((sample) => sample.whole), 0.5);
      row("added by the relay, p50 ms", names.map((way) => (way === "relay" ? "" : ms(own - at(measured[way].taken.map((sample) => sample.whole), 0.5)))));
      if (connections > 1) row("answers per second", names.map((way) => Math.round(measured[way].rate)));
    }
  }
  if (PARTS.includes("stop")) {
    const cancelled = await stops();
    console.log(`\na stop reaches the provider after ${ms(at(cancelled, 0.5))} ms (p50), ${ms(at(cancelled, 1))} ms at worst, of ${STOPS}`);
  }
  if (PARTS.includes("idle")) {
    await idleStreams("HTTP/2", `https://127.0.0.1:${hostedPort}`, 1);
    await idleStreams("HTTP/1.1", `http://127.0.0.1:${providerPort}`, 2);
  }
} finally {
  for (const child of children) child.kill();
  provider.closeAllConnections();
  provider.close();
  hosted.close();
  await Promise.all(children.map((child) => (child.exitCode !== null || child.signalCode !== null ? undefined : new Promise((resolve) => child.once("exit", resolve)))));
  await rm(folder, { recursive: true, force: true });
}

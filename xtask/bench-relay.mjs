// How much time the relay adds to a reply of 20 chunks.
//
// One process plays the provider (Chat Completions, 20 chunks) and the client.
// It asks the provider directly and through the relay by turns, so that both see
// the same machine in the same moment, and compares medians.
//
//   node bench-relay.mjs RELAY_BINARY

import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import http from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";

const CHUNKS = 20;
/** Pause between chunks: far below any model's, so that little hides in it. */
const PAUSE_MS = 2;
const WARM_UP = 20;
const ROUNDS = 200;

const binary = path.resolve(process.argv[2]);

const provider = http.createServer((request, response) => {
  request.resume().on("end", async () => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    for (let index = 0; index < CHUNKS; index++) {
      const last = index === CHUNKS - 1;
      const choice = { index: 0, delta: { content: `word ${index} ` }, finish_reason: last ? "stop" : null };
      response.write(`data: ${JSON.stringify({ id: "x", object: "chat.completion.chunk", choices: [choice] })}\n\n`);
      if (!last) await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
    response.end("data: [DONE]\n\n");
  });
});
provider.on("connection", (socket) => socket.setNoDelay(true));

const listen = (server) =>
  new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server.address().port)));

const upstream = `http://127.0.0.1:${await listen(provider)}/v1`;
const reserved = http.createServer();
const port = await listen(reserved);
await new Promise((resolve) => reserved.close(resolve));
const origin = `http://127.0.0.1:${port}`;
const folder = await mkdtemp(path.join(tmpdir(), "chinwag-bench-"));
const config = path.join(folder, "chinwag.toml");
await writeFile(
  config,
  `[server]
addr = "127.0.0.1:${port}"
data_dir = "data"

[server.limits]
messages_per_minute = 1000000
address_messages_per_minute = 1000000
site_messages_per_minute = 1000000
agent_messages_per_minute = 1000000
calls_per_minute = 1000000

[[site]]
key = "site_bench"
origins = ["${origin}"]
agent = "bench"

[agent.bench]
provider = "openai-chat"
base_url = "${upstream}"
model = "bench"
`,
);
const relay = spawn(binary, ["--config", config], {
  cwd: folder,
  env: { ...process.env, RUST_LOG: "error" },
  stdio: ["ignore", "ignore", "inherit"],
});

/** Asks, and resolves to milliseconds until the first byte and until the last. */
async function ask(url, headers, body) {
  const started = performance.now();
  const answer = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(`${url} answered ${answer.status}: ${await answer.text()}`);
  let first;
  let text = "";
  const decoder = new TextDecoder();
  for await (const bytes of answer.body) {
    first ??= performance.now() - started;
    text += decoder.decode(bytes, { stream: true });
  }
  if (!text.includes(`word ${CHUNKS - 1} `)) throw new Error(`${url} sent no whole reply:\n${text}`);
  return { first, whole: performance.now() - started };
}

const direct = () => ask(`${upstream}/chat/completions`, {}, { model: "bench", stream: true, messages: [] });

async function exchange() {
  const answer = await fetch(`${origin}/v1/token`, {
    method: "POST",
    headers: { "content-type": "application/json", origin },
    body: JSON.stringify({ site: "site_bench" }),
  });
  if (!answer.ok) throw new Error(`no token: ${answer.status} ${await answer.text()}`);
  return (await answer.json()).token;
}

function relayed(token) {
  const message = { id: randomUUID(), role: "user", parts: [{ type: "text", text: "Twenty words, please." }] };
  return ask(
    `${origin}/v1/chat`,
    { authorization: `Bearer ${token}`, origin },
    { id: randomUUID(), messages: [message], trigger: "submit-message" },
  );
}

function median(values) {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.floor(sorted.length / 2)];
}

try {
  for (let tries = 0; ; tries++) {
    const ready = await fetch(`${origin}/readyz`).catch(() => undefined);
    if (ready?.ok) break;
    if (tries > 300 || relay.exitCode !== null) throw new Error("the relay did not start");
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const token = await exchange();
  const measured = { direct: [], relayed: [] };
  for (let round = -WARM_UP; round < ROUNDS; round++) {
    const [one, other] = [await direct(), await relayed(token)];
    if (round < 0) continue;
    measured.direct.push(one);
    measured.relayed.push(other);
  }
  const row = (name, pick) => {
    const [one, other] = [measured.direct, measured.relayed].map((samples) => median(samples.map(pick)));
    const columns = [one, other, other - one].map((value) => value.toFixed(2).padStart(10));
    console.log(`${name.padEnd(14)}${columns.join("")}`);
  };
  console.log(`a reply of ${CHUNKS} chunks, ${ROUNDS} rounds, p50 in milliseconds`);
  console.log(`${"".padEnd(14)}${["direct", "relayed", "added"].map((name) => name.padStart(10)).join("")}`);
  row("first byte", (sample) => sample.first);
  row("whole reply", (sample) => sample.whole);
} finally {
  relay.kill();
  provider.closeAllConnections();
  provider.close();
  await new Promise((resolve) => (relay.exitCode !== null ? resolve() : relay.once("exit", resolve)));
  await rm(folder, { recursive: true, force: true });
}

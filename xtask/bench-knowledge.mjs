// What an agent's own knowledge costs: how long 200 pages take from the command
// to the index, and how much longer a model waits for its question where 100,000
// passages are looked through first. Fails where an aim is missed.
//
// node xtask/bench-knowledge.mjs RELAY [PASSAGES]

import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

const [relay, wanted = "100000"] = process.argv.slice(2);
if (!relay) throw new Error("which relay? node xtask/bench-knowledge.mjs RELAY [PASSAGES]");

const PAGES = 200;
const INDEX_AIM_S = 5;
const PASSAGES = Number(wanted);
const QUERY_AIM_MS = 10;
/** Each section of a page is one passage: it is shorter than a passage may be. */
const SECTIONS = 9;
const SECTION_WORDS = 75;
/** Pages of one crawl. */
const CRAWL_PAGES = 4_000;
const ROUNDS = 200;
const WARM_UP = 20;

const DOCS = fileURLToPath(new URL("../docs", import.meta.url));

/** The same numbers for everybody who measures (mulberry32). */
let seed = 7;
function random(below) {
  seed = (seed + 0x6d2b79f5) | 0;
  let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed);
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
  return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
}

/** Words as they follow each other in the project's own documentation. */
const follows = new Map();
for (const file of readdirSync(DOCS).filter((name) => name.endsWith(".md")).sort()) {
  const words = readFileSync(path.join(DOCS, file), "utf8").split(/\s+/).filter((word) => /^[\p{L}.,;]+$/u.test(word));
  words.slice(1).forEach((word, index) => {
    const before = words[index];
    if (!follows.has(before)) follows.set(before, []);
    follows.get(before).push(word);
  });
}
const begins = [...follows.keys()].filter((word) => /^\p{Lu}/u.test(word));
const pick = (list) => list[random(list.length)];

/** A name that few pages have. */
const SYLLABLES = ["ka", "lo", "mi", "ren", "sta", "vor", "tel", "qui", "bar", "den", "fos", "gul", "hym", "jor", "nax", "pel"];
const name = () => pick(["Neo", "Al", "Tri", ""]) + Array.from({ length: 2 + random(3) }, () => pick(SYLLABLES)).join("");

function words(count) {
  const said = [pick(begins)];
  while (said.length < count) {
    const next = follows.get(said.at(-1));
    said.push(next ? pick(next) : pick(begins));
    if (random(20) === 0) said.push(name());
  }
  return said;
}

function page(number) {
  const title = `${name()} ${number}`;
  let markdown = `# ${title}\n\n`;
  for (let section = 0; section < SECTIONS; section += 1) {
    markdown += `## ${words(4).join(" ").replace(/[.,;]/g, "")}\n\n${words(SECTION_WORDS).join(" ")}.\n\n`;
  }
  return { url: `https://shop.example/${number}`, metadata: { title }, markdown };
}

/** A question with words of a page that is there. */
function question(pages) {
  const said = pick(pages).markdown.split("\n\n").filter((text) => text.length > 200);
  const all = pick(said).split(" ");
  const from = random(all.length - 6);
  const asked = all.slice(from, from + 5).join(" ").replace(/[.,;]/g, "");
  return `${pick(["How does", "What is", "Where do I find", "Can I", "Why is there"])} ${asked}?`;
}

const folder = mkdtempSync(path.join(tmpdir(), "chinwag-knowledge-"));
let arrived = 0;
const model = createServer((request, response) => {
  request.resume();
  request.once("end", () => {
    arrived = performance.now();
    response.writeHead(200, { "content-type": "text/event-stream" });
    const choice = { index: 0, delta: { content: "Yes." }, finish_reason: "stop" };
    response.end(`data: ${JSON.stringify({ id: "c", choices: [choice] })}\n\ndata: [DONE]\n\n`);
  });
});
const listening = (server) => new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server.address().port)));
const modelPort = await listening(model);
const held = createServer();
const port = await listening(held);
await new Promise((resolve) => held.close(resolve));
writeFileSync(
  path.join(folder, "chinwag.toml"),
  `[server]
addr = "127.0.0.1:${port}"
data_dir = "data"
[server.limits]
source_bytes = 100000000
calls_per_minute = 1000000
messages_per_minute = 1000000
address_messages_per_minute = 1000000
[[site]]
key = "site_a"
origins = []
agent = "model"
[agent.model]
provider = "openai-chat"
base_url = "http://127.0.0.1:${modelPort}/v1"
model = "m"
`,
);
const env = { ...process.env, RUST_LOG: "error" };
const command = (...parts) => execFileSync(relay, parts, { cwd: folder, env, encoding: "utf8", maxBuffer: 1 << 26 });
const made = (title) => JSON.parse(command("agents", "create", "--name", title, "--json")).id;
function sync(agent, pages, title) {
  writeFileSync(path.join(folder, "pages.json"), JSON.stringify(pages));
  const told = JSON.parse(command("sources", "sync", "--agent", agent, "--file", "pages.json", "--name", title, "--json"));
  if (told.status !== "trained") throw new Error(JSON.stringify(told));
}
const median = (times) => times.toSorted((one, other) => one - other)[Math.floor(times.length / 2)];

let child;
const missed = [];
try {
  const key = command("key", "new", "--name", "bench").trim();
  const small = made("Small");
  const few = Array.from({ length: PAGES }, (_, number) => page(number));
  let began = performance.now();
  sync(small, few, "site");
  const indexed = (performance.now() - began) / 1_000;
  console.log(`${PAGES} pages, ${PAGES * SECTIONS} passages: indexed in ${indexed.toFixed(2)} s (aim ${INDEX_AIM_S})`);
  if (indexed >= INDEX_AIM_S) missed.push("indexing");

  const [large, none] = [made("Large"), made("None")];
  const pages = Array.from({ length: Math.ceil(PASSAGES / SECTIONS) }, (_, number) => page(number));
  began = performance.now();
  for (let from = 0; from < pages.length; from += CRAWL_PAGES) sync(large, pages.slice(from, from + CRAWL_PAGES), `site ${from}`);
  console.log(`${pages.length} pages, ${pages.length * SECTIONS} passages: indexed in ${((performance.now() - began) / 1_000).toFixed(1)} s`);

  child = spawn(relay, [], { cwd: folder, env, stdio: "ignore" });
  const origin = `http://127.0.0.1:${port}`;
  while (!(await fetch(`${origin}/readyz`).catch(() => undefined))?.ok) await new Promise((resolve) => setTimeout(resolve, 50));
  const ask = async (agent, message) => {
    const sent = performance.now();
    const answer = await fetch(`${origin}/v1/conversations`, {
      method: "POST",
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
      body: JSON.stringify({ agent_id: agent, message }),
    });
    if (!answer.ok) throw new Error(await answer.text());
    await answer.arrayBuffer();
    return arrived - sent;
  };
  const [without, searched] = [[], []];
  for (let round = 0; round < WARM_UP + ROUNDS; round += 1) {
    const message = question(pages);
    const plain = await ask(none, message);
    const looked = await ask(large, message);
    if (round >= WARM_UP) {
      without.push(plain);
      searched.push(looked);
    }
  }
  const added = median(searched) - median(without);
  console.log(
    `until the model is asked, p50 of ${ROUNDS}: ${median(without).toFixed(2)} ms without passages, ` +
      `${median(searched).toFixed(2)} ms with them; the search is ${added.toFixed(2)} ms (aim ${QUERY_AIM_MS})`,
  );
  if (added >= QUERY_AIM_MS) missed.push("a question's search");
} finally {
  child?.kill();
  model.close();
  rmSync(folder, { recursive: true, force: true });
}
if (missed.length > 0) {
  console.error(`missed: ${missed.join(", ")}`);
  process.exitCode = 1;
}

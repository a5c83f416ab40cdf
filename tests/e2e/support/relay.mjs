// A real relay process on a free port, with a data folder of its own.

import { execFile, spawn } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

export const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
export const BINARY = process.env.CHINWAG_RELAY ?? path.join(ROOT, "target/release/chinwag-relay");
const READY_WITHIN_MS = 30_000;

/** A port that nobody listens on. */
export async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

const DOCS_AGENT = `[agent.docs]
provider = "docs"
path = ${JSON.stringify(path.join(ROOT, "docs"))}
name = "Docs"
suggestions = ["How do I change the accent colour?", "Which options are there?"]
`;

/**
 * Plays a provider. Resolves to the agent's section of a configuration that
 * asks it, as the command prints it, and the environment that the relay needs.
 */
export async function startSimulator(provider) {
  const child = spawn(BINARY, ["simulate", provider, "--addr", "127.0.0.1:0"], { stdio: ["ignore", "pipe", "inherit"] });
  let said = "";
  for await (const bytes of child.stdout) {
    said += bytes;
    if (said.includes("Ctrl-C")) break;
  }
  const agent = /^\[agent\.[^]*?\n\n/m.exec(said)?.[0];
  const key = /SIMULATOR_KEY=(\S+)/.exec(said)?.[1];
  if (!agent || !key) throw new Error(`the simulator of ${provider} said:\n${said}`);
  return { agent, env: { SIMULATOR_KEY: key }, stop: () => child.kill() };
}

/** How tokens, keys and their headers begin; and the key of simulators. */
const SECRETS = ["eyJ", "Bearer ", "cw_live_", "cw_test_", "-----BEGIN", "simulator-key"];

/** Fails if a log holds a secret, or a text that the database keeps: shorter ones may be there by chance. */
async function holdDiscreet(log, data) {
  const kept = [];
  for (const file of ["chinwag.db", "chinwag.db-wal"]) {
    const bytes = await readFile(path.join(data, file), "utf8").catch(() => "");
    for (const [, text] of bytes.matchAll(/"type":"text","text":("(?:[^"\\\p{Cc}]|\\.)*")/gu)) kept.push(...JSON.parse(text).split("\n"));
  }
  const found = [...SECRETS, ...kept.filter((text) => text.length >= 10)].find((text) => log.includes(text));
  if (found) throw new Error(`the relay's log has ${JSON.stringify(found)}:\n${log}`);
}

/**
 * Starts a relay for pages of the given origins beside its own. Without an
 * agent's section it answers from the project's own documents. `answers` names
 * the site's agent, where it is not that of the section; `site` is what its site
 * has in the configuration beside that.
 */
export async function startRelay({
  origins = [],
  agent = DOCS_AGENT,
  answers = /^\[agent\.(\w+)\]/m.exec(agent)[1],
  env = {},
  port,
  folder,
  limits = "",
  site = "",
} = {}) {
  port ??= await freePort();
  const own = folder === undefined;
  folder ??= await mkdtemp(path.join(tmpdir(), "chinwag-e2e-"));
  const origin = `http://127.0.0.1:${port}`;
  const config = path.join(folder, "chinwag.toml");
  await writeFile(
    config,
    `[server]
addr = "127.0.0.1:${port}"
data_dir = "data"

${limits && `[server.limits]\n${limits}\n`}
[[site]]
key = "site_demo"
origins = ${JSON.stringify([origin, ...origins])}
agent = "${answers}"
${site}

${agent}`,
  );
  const child = spawn(BINARY, ["--config", config], {
    cwd: folder,
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let log = "";
  child.stdout.on("data", (bytes) => (log += bytes));
  child.stderr.on("data", (bytes) => (log += bytes));
  const ended = new Promise((resolve) => child.once("exit", resolve));
  const until = Date.now() + READY_WITHIN_MS;
  for (;;) {
    const answer = await fetch(`${origin}/readyz`).catch(() => undefined);
    if (answer?.ok) break;
    if (child.exitCode !== null || Date.now() > until) throw new Error(`the relay did not start:\n${log}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return {
    origin,
    port,
    folder,
    log: () => log,
    /** Runs a command on the relay's data, beside it; resolves to what it prints. */
    command: async (...given) => {
      const { stdout } = await promisify(execFile)(BINARY, ["--config", config, ...given], { cwd: folder });
      return stdout.trim();
    },
    async stop(signal = "SIGTERM", keep = false) {
      child.kill(signal);
      await ended;
      await holdDiscreet(log, path.join(folder, "data"));
      if (own && !keep) await rm(folder, { recursive: true, force: true });
    },
  };
}

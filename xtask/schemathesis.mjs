// Holds both OpenAPI descriptions of a running relay against what it answers, with
// requests that schemathesis makes up: with a visitor's token, and with a server's key.
//
//   node schemathesis.mjs RELAY_BINARY SCHEMATHESIS [MORE OPTIONS OF SCHEMATHESIS]

import { execFileSync, spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";

const [relay, schemathesis, ...more] = process.argv.slice(2);
const folder = await mkdtemp(path.join(tmpdir(), "chinwag-schemathesis-"));
const children = [];

async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function start(options, environment) {
  const child = spawn(relay, options, { cwd: folder, env: { ...process.env, RUST_LOG: "error", ...environment }, stdio: ["ignore", "ignore", "inherit"] });
  children.push(child);
}

const [providerPort, port] = [await freePort(), await freePort()];
const origin = `http://127.0.0.1:${port}`;
const many = 100_000_000;
const LIMITS = [
  "messages", "address_messages", "site_messages", "agent_messages", "calls", "tokens", "site_tokens",
].map((name) => `${name}_per_minute = ${many}`);
await writeFile(
  path.join(folder, "chinwag.toml"),
  `[server]
addr = "127.0.0.1:${port}"
data_dir = "data"

[server.limits]
${LIMITS.join("\n")}
tokens_burst = ${many}
streams_per_visitor = 10000
streams_per_address = 10000

[[site]]
key = "site_demo"
origins = ["${origin}"]
agent = "model"
secret_key = { env = "SITE_KEY" }

[agent.model]
provider = "openai-chat"
base_url = "http://127.0.0.1:${providerPort}/v1"
api_key = { env = "SIMULATOR_KEY" }
model = "simulated"
`,
);

/** What schemathesis cannot know: which refusals a request of the right shape may meet. */
const SETTINGS = `
[checks.positive_data_acceptance]
# A cursor, an origin or a role may have the right shape and still be none.
expected-statuses = ["2xx", "400", "401", "403", "404", "409", "413", "422", "429", "5xx"]
[checks.not_a_server_error]
# A site may have no device keys: that is said by 501.
expected-statuses = ["2xx", "3xx", "4xx", "501"]
[checks.negative_data_rejection]
# A text over its limit is 413.
expected-statuses = ["400", "401", "403", "404", "405", "409", "413", "415", "422", "429", "5xx"]
`;
await writeFile(path.join(folder, "schemathesis.toml"), SETTINGS);

const environment = { SIMULATOR_KEY: "simulator-key", SITE_KEY: "a-secret-key-of-the-site-for-schemathesis" };
try {
  start(["simulate", "openai-chat", "--addr", `127.0.0.1:${providerPort}`], environment);
  start(["--config", "chinwag.toml"], environment);
  for (let tries = 0; !(await fetch(`${origin}/readyz`).then((answer) => answer.ok, () => false)); tries++) {
    if (tries > 600) throw new Error("the relay did not start");
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const key = execFileSync(relay, ["key", "new", "--name", "schemathesis"], { cwd: folder, env: { ...process.env, ...environment }, stdio: ["ignore", "pipe", "ignore"] });
  const body = JSON.stringify({ site: "site_demo" });
  const exchange = async () => {
    const answer = await fetch(`${origin}/v1/token`, { method: "POST", headers: { "content-type": "application/json", origin }, body });
    return (await answer.json()).token;
  };
  // The call that forgets a visitor would end the token of all the others.
  const others = ["--exclude-operation-id", "forgetVisitor", "--exclude-operation-id", "mintToken"];
  const runs = [
    ["openapi.json", await exchange(), ["-H", `Origin: ${origin}`, ...others]],
    ["openapi.json", await exchange(), ["-H", `Origin: ${origin}`, "--include-operation-id", "forgetVisitor"]],
    ["openapi.json", environment.SITE_KEY, ["--include-operation-id", "mintToken"]],
    ["openapi-servers.json", String(key).trim(), []],
  ];
  for (const [document, token, options] of runs) {
    const common = ["run", `${origin}/${document}`, "-H", `Authorization: Bearer ${token}`, "--checks", "all", "--continue-on-failure"];
    const child = spawn(schemathesis, [...common, ...options, ...more], { cwd: folder, stdio: "inherit" });
    const status = await new Promise((resolve) => child.once("exit", resolve));
    if (status !== 0) process.exitCode = 1;
  }
} finally {
  for (const child of children) child.kill();
  await Promise.all(children.map((child) => (child.exitCode !== null ? undefined : new Promise((resolve) => child.once("exit", resolve)))));
  await rm(folder, { recursive: true, force: true });
}

// From nothing to an answer with a citation, with the commands of the guide: a
// key, an agent, a crawl of 200 pages, and a question to the widget. The model is
// played by a simulator, the rest is real.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";

import { BINARY, startRelay, startSimulator } from "./support/relay.mjs";
import { chat, openPages, page, setStage } from "./support/stage.mjs";

const run = promisify(execFile);

const COLOURS = ["amber", "azure", "beige", "black", "brown", "cobalt", "copper", "coral", "crimson", "emerald"];
const THINGS = [
  "teapot", "kettle", "saucer", "basket", "candle", "blanket", "lantern", "mirror", "pillow", "bucket",
  "carpet", "curtain", "drawer", "ladder", "hammer", "spoon", "wardrobe", "umbrella", "violin", "wagon",
];

/** A shop with a page for each of 200 things, as a crawler gives them. */
function crawl() {
  return THINGS.flatMap((thing, row) =>
    COLOURS.map((colour, column) => ({
      url: `https://shop.example/${colour}-${thing}`,
      metadata: { title: `The ${colour} ${thing}` },
      markdown: [
        `# The ${colour} ${thing}`,
        `The ${colour} ${thing} weighs ${100 + row * 10 + column} grams and is made in our workshop.`,
        `## Care of the ${thing}`,
        `Wipe it with a dry cloth. A ${thing} of this colour is repaired for ${5 + row} euros.`,
      ].join("\n\n"),
    })),
  );
}

setStage({ hasRelay: false });
openPages();

test("from nothing to an answer with a citation in the widget", async (context) => {
  const simulator = await startSimulator("openai-chat");
  context.after(() => simulator.stop());
  const folder = await mkdtemp(path.join(tmpdir(), "chinwag-own-"));
  context.after(() => rm(folder, { recursive: true, force: true }));
  const command = async (...words) => {
    const { stdout } = await run(BINARY, words, { cwd: folder, env: { ...process.env, ...simulator.env } });
    return stdout;
  };
  await writeFile(path.join(folder, "pages.json"), JSON.stringify(crawl()));

  // A relay that has a model and no agent yet.
  const first = await startRelay({ folder, agent: simulator.agent, env: simulator.env });
  context.after(() => first.stop("SIGKILL").catch(() => {}));
  const key = (await command("key", "new", "--name", "shop server")).trim();
  assert.match(key, /^cw_live_/);
  await writeFile(path.join(folder, "key.txt"), key);
  const made = await fetch(`${first.origin}/v1/agents`, {
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    body: JSON.stringify({ name: "Guide", system_prompt: "You help customers of a shop. Be brief." }),
  });
  assert.equal(made.status, 201);
  const { id } = await made.json();
  const there = ["--relay", first.origin, "--key-file", "key.txt", "--json"];
  const synced = JSON.parse(await command("sources", "sync", "--agent", id, "--file", "pages.json", ...there));
  assert.deepEqual([synced.added, synced.status], [200, "trained"]);
  await first.stop("SIGTERM", true);

  // The site answers by it from now on.
  const relay = await startRelay({ folder, agent: simulator.agent, env: simulator.env, answers: id });
  context.after(() => relay.stop());
  await page.goto(relay.origin);
  await chat.open();
  await chat.ask("How much does the crimson lantern weigh?");
  await chat.stop.waitFor();
  await chat.settle();
  assert.match(await chat.host.locator(".cw-reply").last().innerText(), /168 grams/);
  const sources = chat.sources;
  assert.equal(await sources.first().getAttribute("href"), "https://shop.example/crimson-lantern");
  assert.match(await sources.first().innerText(), /The crimson lantern/);
});

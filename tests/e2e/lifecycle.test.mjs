// Pages without reloads create and destroy often: nothing may grow. The counts
// are the browser's own; `CHINWAG_CYCLES` asks for more or fewer rounds.

import assert from "node:assert/strict";
import { test } from "node:test";

import { openPages, page, relay, setStage, site } from "./support/stage.mjs";

const CYCLES = Number(process.env.CHINWAG_CYCLES ?? 200);
/**
 * Rounds before the first count: caches of the browser fill, and the module's memory finds
 * the size, in pages of 64 KiB, at which what is freed serves what is asked for.
 */
const WARM = CYCLES;

setStage({
  prepare() {
    site.pages["/"] = {
      html: `<!doctype html><html lang="en"><title>Host</title><link rel="icon" href="data:,"><body><script>
        // The one way to the module's memory that needs nothing of the module.
        for (const name of ["instantiate", "instantiateStreaming"]) {
          const real = WebAssembly[name];
          WebAssembly[name] = async (...given) => {
            const made = await real(...given);
            const instance = made.instance ?? made;
            if (instance.exports?.memory) window.memory = instance.exports.memory;
            return made;
          };
        }
      </script><script src="${relay.origin}/chinwag.js"></script>`,
    };
  },
});
openPages();

test(`after ${CYCLES} rounds of create, open and destroy nothing has grown`, async () => {
  await page.goto(site.origin);
  const devtools = await page.context().newCDPSession(page);
  await devtools.send("HeapProfiler.enable");
  const rounds = (count) =>
    page.evaluate(async (count) => {
      for (let round = 0; round < count; round++) {
        const chat = await window.Chinwag.init({ site: "site_demo", persist: "memory", openByDefault: true });
        chat.on("close", () => {});
        chat.close();
        chat.destroy();
      }
      await new Promise((resolve) => setTimeout(resolve, 500));
    }, count);
  const weigh = async () => {
    await devtools.send("HeapProfiler.collectGarbage");
    await devtools.send("HeapProfiler.collectGarbage");
    const { nodes, documents, jsEventListeners } = await devtools.send("Memory.getDOMCounters");
    return { nodes, documents, jsEventListeners, memory: await page.evaluate(() => window.memory.buffer.byteLength) };
  };
  await rounds(WARM);
  const first = await weigh();
  await rounds(CYCLES);
  const last = await weigh();
  assert.ok(first.memory > 0 && first.nodes > 0, "something was counted");
  // One widget has about 100 nodes and 60 listeners: a tenth of one, over all rounds, is none of ours.
  assert.ok(last.nodes - first.nodes <= 10, `nodes: ${first.nodes}, then ${last.nodes}`);
  assert.ok(last.jsEventListeners - first.jsEventListeners <= 6, `listeners: ${first.jsEventListeners}, then ${last.jsEventListeners}`);
  assert.equal(last.documents, first.documents, "documents");
  assert.equal(last.memory, first.memory, "bytes of the module's memory");
  assert.equal(await page.locator("[data-chinwag]").count(), 0);
  assert.deepEqual(page.errors, []);
});

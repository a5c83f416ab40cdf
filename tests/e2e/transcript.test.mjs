// The transcript: what is read stays where it is, whatever comes above or below,
// and a long one costs no more than a short one.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";

import { ROOT } from "./support/relay.mjs";
import { chat, openPages, page, proxy, relay, setStage, site } from "./support/stage.mjs";

const QUESTIONS = 70;
const AGENT = `[agent.docs]
provider = "docs"
path = ${JSON.stringify(`${ROOT}docs`)}
name = "Docs"

[server.limits]
messages_per_minute = 100000
address_messages_per_minute = 100000
`;

let stored;

setStage({
  agent: AGENT,
  hasProxy: true,
  async prepare() {
    site.pages["/"] = {
      html: `<!doctype html><html lang="en"><title>A site</title><link rel="icon" href="data:,"><main><h1>A site</h1></main>
        <script src="${proxy.origin}/chinwag.js" data-site="site_demo"></script></html>`,
    };
    stored = await converse();
  },
});
openPages({ reducedMotion: "reduce" });

/** A conversation of many questions, held with the relay by its own interface. */
async function converse() {
  const call = async (path, token, body) => {
    const headers = { "content-type": "application/json", origin: site.origin };
    if (token) headers.authorization = `Bearer ${token}`;
    const answer = await fetch(`${relay.origin}${path}`, { method: "POST", headers, body: JSON.stringify(body) });
    assert.ok(answer.ok, `${path}: ${answer.status}`);
    return answer.text();
  };
  const { token, visitor } = JSON.parse(await call("/v1/token", undefined, { site: "site_demo" }));
  for (let index = 0; index < QUESTIONS; index++) {
    const text = `Question ${index}: how do I change the accent colour?`;
    const message = { id: `q${index}`, role: "user", parts: [{ type: "text", text }] };
    await call("/v1/chat", token, { id: "long", messages: [message], trigger: "submit-message" });
  }
  return { v: 1, visitor, conversation: "long", open: true };
}

/** Opens the page on a stored conversation. */
async function restore(saved) {
  await page.addInitScript((saved) => localStorage.setItem("cw:site_demo", JSON.stringify(saved)), saved);
  await page.goto(site.origin);
  await chat.panel.waitFor();
  await chat.part("message").last().waitFor();
  await frames(3);
}

const frames = (count) =>
  page.evaluate(async (count) => {
    for (let frame = 0; frame < count; frame++) await new Promise(requestAnimationFrame);
  }, count);

const inLog = (run, argument) => chat.log.evaluate(run, argument);
const gapToEnd = () => inLog((log) => log.scrollHeight - log.clientHeight - log.scrollTop);

/** Plays the relay's transcript: `count` messages, in pages as the relay cuts them. */
async function play(count, { delayMs = 0, daysApart = false } = {}) {
  const switches = { fails: false, delayMs, asked: 0 };
  await page.route("**/v1/conversations/*/messages?*", async (route) => {
    switches.asked++;
    if (switches.delayMs) await new Promise((resolve) => setTimeout(resolve, switches.delayMs));
    if (switches.fails) return route.abort();
    const query = new URL(route.request().url()).searchParams;
    const end = Number(query.get("cursor") ?? count);
    const start = Math.max(0, end - Number(query.get("limit")));
    const data = Array.from({ length: end - start }, (_, index) => {
      const number = start + index;
      const createdAt = new Date(Date.UTC(2026, 0, daysApart ? 1 + number : 1, 8, 0, number % 60)).toISOString();
      const text = number % 2 ? `Answer **${number}**.${" It goes on for a while.".repeat(number % 7)}` : `Question ${number}?`;
      return {
        id: `m${number}`,
        role: number % 2 ? "assistant" : "user",
        parts: [{ type: "text", text }],
        metadata: { createdAt, status: "done" },
      };
    });
    const pagination = { cursor: start > 0 ? String(start) : null, hasMore: start > 0 };
    const headers = { "access-control-allow-origin": "*", "content-type": "application/json" };
    await route.fulfill({ status: 200, headers, body: JSON.stringify({ data, pagination }) });
  });
  return switches;
}

test("a restored transcript is at its end, and older pages come in without a jump", async () => {
  await page.route("**/messages?*cursor=*", async (route) => {
    await new Promise((resolve) => setTimeout(resolve, 400));
    await route.continue();
  });
  await restore(stored);
  assert.ok((await gapToEnd()) < 2);
  for (let pages = 0; pages < 2; pages++) {
    const moved = await inLog(async (log) => {
      const frame = () => new Promise(requestAnimationFrame);
      log.scrollTop = 500;
      await frame();
      await frame();
      const top = log.getBoundingClientRect().top;
      const rows = () => [...log.querySelectorAll('[part="message"]')];
      const read = rows().find((row) => row.getBoundingClientRect().bottom > top + 40);
      const place = read.getBoundingClientRect().top;
      const before = log.scrollHeight;
      let most = 0;
      for (let waited = 0; waited < 240 && !(log.scrollHeight > before + 500 && waited > 60); waited++) {
        await frame();
        if (!read.isConnected) return "the message that was read was taken away";
        most = Math.max(most, Math.abs(read.getBoundingClientRect().top - place));
      }
      return log.scrollHeight > before + 500 ? most : "nothing older came";
    });
    assert.ok(moved <= 1, `moved by ${moved}`);
  }
  await inLog((log) => (log.scrollTop = 0));
  await chat.log.getByText("Question 0: how").waitFor();
  assert.equal(await chat.log.getByRole("status").count(), 0, "there is no more, and no room for it");
  assert.deepEqual(page.errors, []);
});

test("scrolling up by a wheel through pages of any height moves nothing by itself", async () => {
  await play(400, { delayMs: 30 });
  await restore(stored);
  const box = await chat.log.boundingBox();
  await page.mouse.move(box.x + 100, box.y + 200);
  // In each frame, what moved must have moved by what was scrolled.
  await inLog((log) => {
    window.odd = [];
    let last = new Map();
    let lastTop = log.getBoundingClientRect().top;
    const look = () => {
      const top = log.getBoundingClientRect().top;
      const now = new Map([...log.querySelectorAll('[part="message"]')].map((row) => [row, row.getBoundingClientRect().bottom]));
      const inSight = [...now].filter(([row, edge]) => edge > top && edge < top + log.clientHeight && last.has(row));
      if (last.size > 0 && inSight.length === 0) window.odd.push("all that was in sight was taken away");
      const steps = inSight.map(([row, edge]) => Math.round(edge - last.get(row)));
      // All that is in sight moves as one, and only down, since the wheel goes up.
      if (new Set(steps).size > 1 && Math.max(...steps) - Math.min(...steps) > 1) window.odd.push(steps.join(" "));
      if (steps.some((step) => step < -1 || step > 400)) window.odd.push(`by ${steps[0]}`);
      [last, lastTop] = [now, top];
      window.looking = requestAnimationFrame(look);
    };
    look();
  });
  for (let turn = 0; turn < 60; turn++) {
    await page.mouse.wheel(0, -240);
    await page.waitForTimeout(25);
  }
  await page.waitForTimeout(300);
  const odd = await page.evaluate(() => (cancelAnimationFrame(window.looking), window.odd));
  assert.deepEqual(odd, []);
});

test("older messages that cannot be had can be asked for again", async () => {
  const switches = await play(120);
  await restore(stored);
  switches.fails = true;
  await inLog((log) => (log.scrollTop = 200));
  await chat.log.getByText("Earlier messages could not be loaded.").waitFor();
  const asked = switches.asked;
  await inLog((log) => (log.scrollTop = 100));
  await frames(10);
  assert.equal(switches.asked, asked, "not by itself over and over");
  switches.fails = false;
  switches.delayMs = 300;
  await chat.log.getByRole("button", { name: "Try again" }).click();
  await chat.log.getByText("Loading earlier messages").waitFor();
  await chat.log.getByText("Loading earlier messages").waitFor({ state: "detached" });
  assert.ok(switches.asked > asked);
});

test("the list follows a reply only while the reader is at the end", async () => {
  await page.goto(site.origin);
  await chat.open();
  for (let index = 0; index < 3; index++) {
    await chat.ask("How do I change the accent colour?");
    await chat.settle();
  }
  proxy.chunkDelayMs = 40;
  await chat.ask("Which options are there?");
  await chat.stop.waitFor();
  await page.waitForTimeout(600);
  assert.ok((await gapToEnd()) < 3, "it follows");
  const box = await chat.log.boundingBox();
  await page.mouse.move(box.x + 100, box.y + 200);
  await page.mouse.wheel(0, -200);
  await page.waitForTimeout(300);
  const top = await inLog((log) => log.scrollTop);
  const height = await inLog((log) => log.scrollHeight);
  await page.waitForTimeout(700);
  assert.ok((await inLog((log) => log.scrollHeight)) > height, "text has come in meanwhile");
  assert.equal(await inLog((log) => log.scrollTop), top, "and moved nothing");
  const pill = chat.host.getByRole("button", { name: "1 new answer" });
  await pill.waitFor();
  await pill.click();
  await frames(3);
  assert.ok((await gapToEnd()) < 3);
  await pill.waitFor({ state: "detached" });
  await page.waitForTimeout(300);
  assert.ok((await gapToEnd()) < 3, "and it follows again");
  proxy.chunkDelayMs = 0;
  await chat.settle();
  await page.mouse.move(box.x + 100, box.y + 200);
  await page.mouse.wheel(0, -400);
  await chat.host.getByRole("button", { name: "Jump to latest" }).waitFor();
});

test("of 10,000 messages few are drawn, and every one can be reached", { timeout: 240_000 }, async () => {
  const count = 10_000;
  await play(count);
  await restore(stored);
  const loaded = await inLog(async (log, count) => {
    const frame = () => new Promise(requestAnimationFrame);
    let most = 0;
    for (let turn = 0; turn < 4_000; turn++) {
      log.scrollTop = 0;
      await frame();
      most = Math.max(most, log.querySelectorAll("*").length);
      if (log.innerText.includes("Question 0?")) return { most, turn };
    }
    return { most, failed: `not at the beginning after 4,000 turns of ${count}` };
  }, count);
  assert.equal(loaded.failed, undefined);
  assert.ok(loaded.most < 1_500, `${loaded.most} elements while loading`);
  const walked = await inLog(async (log) => {
    const frame = () => new Promise(requestAnimationFrame);
    const seen = new Set();
    let [most, slowest] = [0, 0];
    for (let turn = 0; turn < 4_000; turn++) {
      const began = performance.now();
      if (turn > 0) log.scrollTop += 800;
      await frame();
      await frame();
      slowest = Math.max(slowest, performance.now() - began);
      const rows = log.querySelectorAll('[part="message"]');
      for (const row of rows) seen.add(Number(/(?:Question|Answer) (\d+)/.exec(row.textContent)[1]));
      most = Math.max(most, log.querySelectorAll("*").length);
      if (log.scrollTop + log.clientHeight >= log.scrollHeight - 2) break;
    }
    return { seen: seen.size, most, slowest };
  });
  assert.equal(walked.seen, count);
  assert.ok(walked.most < 1_500, `${walked.most} elements while scrolling`);
  assert.deepEqual(page.errors, []);
});

test("what is selected or has the focus is not taken away by scrolling", async () => {
  await play(600);
  await restore(stored);
  await inLog(async (log) => {
    const row = [...log.querySelectorAll('[part="message"]')].at(-2);
    const range = document.createRange();
    range.selectNodeContents(row.querySelector(".cw-bubble"));
    getSelection().removeAllRanges();
    getSelection().addRange(range);
    row.id = "selected";
    [...log.querySelectorAll(".cw-action")].at(-1).focus();
  });
  await inLog(async (log) => {
    for (let turn = 0; turn < 40; turn++) {
      log.scrollTop -= 600;
      await new Promise(requestAnimationFrame);
      await new Promise(requestAnimationFrame);
    }
  });
  assert.equal(await chat.log.locator("#selected").count(), 1, "what is selected is there");
  assert.match(
    await page.evaluate(() => document.activeElement.shadowRoot?.activeElement?.className ?? "nothing"),
    /cw-action/,
    "what has the focus is there",
  );
});

test("days are set apart, and the time of a message shows when it is pointed at", async () => {
  await play(6, { daysApart: true });
  await restore(stored);
  assert.equal(await chat.log.locator(".cw-day").count(), 6);
  assert.match(await chat.log.locator(".cw-day").first().innerText(), /1 January|January 1/);
  const when = chat.part("message").first().locator(".cw-when");
  assert.equal(await when.evaluate((element) => getComputedStyle(element).opacity), "0");
  await chat.part("message").first().hover();
  assert.equal(await when.evaluate((element) => getComputedStyle(element).opacity), "1");
});

test("a conversation that is saved or copied is whole, also where it was not loaded yet", async () => {
  await restore(stored);
  assert.ok((await chat.log.getByText("Question 0:").count()) === 0, "its beginning is not here yet");
  const half = await page.evaluate(() => window.Chinwag("transcript", "text"));
  assert.ok(!half.includes("Question 0:"), "the page is given what is here, at once");
  await chat.host.getByRole("button", { name: "More" }).click();
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    chat.host.getByRole("menuitem", { name: "Download as JSON" }).click(),
  ]);
  const { messages } = JSON.parse(await readFile(await download.path(), "utf8"));
  const asked = messages.filter((message) => message.role === "user").map((message) => message.text.split(":")[0]);
  assert.deepEqual(asked, Array.from({ length: QUESTIONS }, (_, index) => `Question ${index}`));
  assert.ok((await gapToEnd()) < 2, "who reads the end goes on reading it");
});

test("a conversation that cannot be had as a whole is not saved by halves", async () => {
  await restore(stored);
  proxy.away = true;
  const saved = [];
  page.on("download", (download) => saved.push(download));
  await chat.host.getByRole("button", { name: "More" }).click();
  await chat.host.getByRole("menuitem", { name: "Download as text" }).click();
  await chat.log.getByText("Earlier messages could not be loaded.").waitFor();
  await page.waitForFunction(() => document.querySelector("[data-chinwag]").shadowRoot.querySelector("[part~=log]").scrollTop < 50);
  assert.equal(saved.length, 0);
  proxy.away = false;
  await chat.host.getByRole("button", { name: "More" }).click();
  await Promise.all([
    page.waitForEvent("download"),
    chat.host.getByRole("menuitem", { name: "Download as text" }).click(),
  ]);
});

// Files: chosen, dropped and pasted; checked before they go, on their way, in
// the message, after a reload, and at the provider. With a real relay and the
// simulator of OpenAI, by real files.

import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, test } from "node:test";
import { deflateSync } from "node:zlib";

import { violations } from "./support/axe.mjs";
import { newPage, startBrowser, widget } from "./support/browser.mjs";
import { startSite } from "./support/host.mjs";
import { startProxy } from "./support/proxy.mjs";
import { startRelay, startSimulator } from "./support/relay.mjs";

const MOST_BYTES = 200_000;

/** A picture of one colour, as a PNG that every browser shows. */
function png(width, height) {
  const crc = (bytes) => {
    let sum = ~0;
    for (const byte of bytes) {
      sum ^= byte;
      for (let bit = 0; bit < 8; bit++) sum = (sum >>> 1) ^ (sum & 1 ? 0xedb88320 : 0);
    }
    return ~sum >>> 0;
  };
  const chunk = (name, data) => {
    const body = Buffer.concat([Buffer.from(name), data]);
    const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
    length.writeUInt32BE(data.length);
    sum.writeUInt32BE(crc(body));
    return Buffer.concat([length, body, sum]);
  };
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([8, 2, 0, 0, 0], 8);
  const row = Buffer.concat([Buffer.from([0]), Buffer.alloc(width * 3, 0x7a)]);
  const data = deflateSync(Buffer.concat(Array(height).fill(row)));
  const magic = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([magic, chunk("IHDR", head), chunk("IDAT", data), chunk("IEND", Buffer.alloc(0))]);
}

const PICTURE = { name: "beans.png", mimeType: "image/png", buffer: png(320, 200) };
const NOTES = { name: "notes.md", mimeType: "", buffer: Buffer.from("# Roast\nDark.") };

let browser, simulator, relay, proxy, site, page, chat;

before(async () => {
  browser = await startBrowser();
  site = await startSite();
  simulator = await startSimulator("openai-chat");
  const limits = `[server.limits]\nfile_bytes = ${MOST_BYTES}\nmessage_files = 3\nfiles_per_minute = 200\naddress_files_per_minute = 500\nmessages_per_minute = 200\ntokens_per_minute = 200\ntokens_burst = 200\n`;
  const agent = `${simulator.agent.replace(/^provider.*$/m, "$&\nattachments = true")}\n${limits}`;
  relay = await startRelay({ origins: [site.origin], agent, env: simulator.env });
  proxy = await startProxy(relay.origin);
  const tag = `<script src="${proxy.origin}/chinwag.js" data-site="site_demo"></script>`;
  site.pages["/"] = { html: `<!doctype html><html lang="en"><title>A shop</title><main><h1>A shop</h1></main>${tag}</html>` };
});

after(async () => {
  await browser?.close();
  await proxy?.stop();
  await site?.stop();
  await relay?.stop();
  simulator?.stop();
});

beforeEach(async () => {
  Object.assign(proxy, { chunkDelayMs: 0, cutAfterChunks: undefined, away: false });
  page = await newPage(browser, { reducedMotion: "reduce" });
  chat = widget(page);
  await page.goto(site.origin);
  await chat.open();
  await attach().waitFor();
});

afterEach(() => page.context().close());

const attach = () => chat.host.getByRole("button", { name: "Attach files" });
const field = () => chat.host.locator('input[type="file"]');
const choose = (...files) => field().setInputFiles(files);
const attached = () => chat.part("attachment");
const leftOut = () => chat.part("left-out");
const reply = () => chat.host.locator(".cw-reply").last();
const uploaded = (name) => chat.host.locator('[part~="attachment"][data-state="stored"]', { hasText: name });

/** Files as a drag or a paste brings them. */
const bring = (kind, files) =>
  chat.input.evaluate(
    (input, [kind, files]) => {
      const data = new DataTransfer();
      for (const { name, type, text } of files) data.items.add(new File([text], name, { type }));
      const target = kind === "paste" ? input : input.closest("[part~=panel]");
      const names = kind === "paste" ? ["paste"] : ["dragenter", "dragover", "drop"];
      return names.map((name) => {
        const more = { bubbles: true, cancelable: true, composed: true };
        const event = name === "paste" ? new ClipboardEvent(name, { ...more, clipboardData: data }) : new DragEvent(name, { ...more, dataTransfer: data });
        return target.dispatchEvent(event);
      });
    },
    [kind, files],
  );

test("a picture and a text are sent, seen by the provider, and there again after a reload", async () => {
  await choose(PICTURE, NOTES);
  await uploaded("beans.png").waitFor();
  await uploaded("notes.md").waitFor();
  assert.deepEqual(await violations(page), []);
  await chat.ask("What is in these?");
  await chat.settle();
  assert.match(await reply().innerText(), /\[image\/png, \d+ characters\]/);
  assert.match(await reply().innerText(), /notes\.md/);
  assert.equal(await attached().count(), 0, "the composer is empty");

  const shown = async () => {
    const picture = chat.host.locator(".cw-file[data-state=shown] img");
    await picture.waitFor();
    assert.equal(await picture.evaluate((img) => img.naturalWidth), 320);
    await chat.host.getByRole("button", { name: "Download: notes.md" }).waitFor();
  };
  await shown();
  assert.deepEqual(await violations(page), []);
  await page.reload();
  await chat.panel.waitFor();
  await shown();
  assert.equal(await chat.host.locator(".cw-question").count(), 1);

  const saved = page.waitForEvent("download");
  await chat.host.getByRole("button", { name: "Download: notes.md" }).click();
  const download = await saved;
  assert.equal(download.suggestedFilename(), "notes.md");
  const kept = [];
  for await (const bytes of await download.createReadStream()) kept.push(bytes);
  assert.equal(Buffer.concat(kept).toString(), "# Roast\nDark.");
  // The page has no icon.
  assert.deepEqual(page.errors.filter((line) => !/404/.test(line)), []);
});

test("a file alone is a message, and one that was taken out is not sent", async () => {
  await choose(PICTURE, NOTES);
  await uploaded("notes.md").waitFor();
  await chat.host.getByRole("button", { name: "Remove: beans.png" }).click();
  await uploaded("beans.png").waitFor({ state: "detached" });
  await chat.send.click();
  await chat.settle();
  const text = await reply().innerText();
  assert.match(text, /notes\.md/);
  assert.doesNotMatch(text, /image\/png/);
});

test("files are taken from a drop and from the clipboard, and text is pasted as ever", async () => {
  assert.deepEqual(await bring("drop", [{ name: "a.txt", type: "text/plain", text: "dropped" }]), [false, false, false]);
  await uploaded("a.txt").waitFor();
  assert.deepEqual(await bring("paste", [{ name: "b.csv", type: "text/csv", text: "a;b" }]), [false]);
  await uploaded("b.csv").waitFor();
  assert.deepEqual(await bring("paste", []), [true], "nothing of the widget's");
  assert.equal(await chat.part("panel").getAttribute("data-drop"), "", "what said that it may be dropped is gone");
});

test("what cannot go is said with the reason, before anything is sent, and the rest is kept", async () => {
  await chat.input.fill("A question");
  const uploads = () => proxy.requests.filter((line) => line === "POST /v1/files").length;
  const before = uploads();
  await choose(
    { name: "large.txt", mimeType: "text/plain", buffer: Buffer.alloc(MOST_BYTES + 1, 65) },
    { name: "empty.txt", mimeType: "text/plain", buffer: Buffer.alloc(0) },
    { name: "page.html", mimeType: "text/html", buffer: Buffer.from("<p>") },
    NOTES,
  );
  await uploaded("notes.md").waitFor();
  const said = await leftOut().innerText();
  assert.match(said, /large\.txt.*Larger than 200 kB/);
  assert.match(said, /empty\.txt.*This file is empty/);
  assert.match(said, /page\.html.*This kind of file/);
  assert.equal(uploads() - before, 1, "only one went");
  assert.equal(await chat.input.inputValue(), "A question");
  assert.deepEqual(await violations(page), []);
  await leftOut().getByRole("button", { name: "Close" }).click();
  await leftOut().waitFor({ state: "detached" });
});

test("of twenty files the first go and the others are said to be too many", async () => {
  await choose(...Array.from({ length: 20 }, (_, number) => ({ name: `n${number}.txt`, mimeType: "text/plain", buffer: Buffer.from("x") })));
  await uploaded("n2.txt").waitFor();
  assert.equal(await attached().count(), 3);
  assert.match(await leftOut().innerText(), /n3\.txt.*Only 3 files go with one message/);
});

test("bytes that are not what their name says are refused by the relay, and said", async () => {
  await choose({ name: "fake.png", mimeType: "image/png", buffer: Buffer.from("MZ not a picture") });
  await chat.host.locator('[part~="attachment"][data-state="failed"]').waitFor();
  await chat.input.fill("Look");
  await page.keyboard.press("Enter");
  assert.equal(await chat.host.locator(".cw-question").count(), 0, "it is not sent without the file");
  await chat.host.getByRole("button", { name: "Remove: fake.png" }).click();
  await page.keyboard.press("Enter");
  await chat.settle();
  assert.equal(await chat.host.locator(".cw-question").count(), 1);
});

test("an upload that is cut says so, keeps the file, and goes on a second try", async () => {
  await page.route("**/v1/files", (route) => route.abort("connectionreset"), { times: 1 });
  await choose(PICTURE);
  const failed = chat.host.locator('[part~="attachment"][data-state="failed"]');
  await failed.waitFor();
  assert.match(await failed.innerText(), /could not be reached/);
  assert.deepEqual(await violations(page), []);
  await failed.getByRole("button", { name: "Try again" }).click();
  await uploaded("beans.png").waitFor();
  await chat.send.click();
  await chat.settle();
  assert.match(await reply().innerText(), /image\/png/);
});

test("while a file is on its way its progress is told, and the message waits for it", async () => {
  let go;
  const gate = new Promise((resolve) => (go = resolve));
  await page.route("**/v1/files", async (route) => {
    await gate;
    await route.continue();
  });
  await choose(PICTURE);
  await chat.host.getByRole("progressbar").waitFor();
  await chat.ask("Look");
  assert.equal(await chat.host.locator(".cw-question").count(), 0);
  await chat.part("root").getByText("Not sent yet").first().waitFor({ state: "attached" });
  assert.equal(await chat.input.inputValue(), "Look");
  go();
  await uploaded("beans.png").waitFor();
  await chat.send.click();
  await chat.settle();
});

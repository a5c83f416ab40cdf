// The contributor's page as `trunk build` made it: it mounts the widget.

import assert from "node:assert/strict";
import { readFile, readdir } from "node:fs/promises";
import http from "node:http";
import path from "node:path";
import { after, before, test } from "node:test";
import { newPage, startBrowser, widget } from "../e2e/support/browser.mjs";
import { ROOT } from "../e2e/support/relay.mjs";

const BUILT = path.join(ROOT, "target/trunk");
const TYPES = { ".html": "text/html", ".js": "text/javascript", ".wasm": "application/wasm", ".css": "text/css" };

let browser;
let server;

before(async () => {
  server = http.createServer(async (request, response) => {
    const { pathname } = new URL(request.url, "http://page");
    const file = path.join(BUILT, path.normalize(pathname === "/" ? "index.html" : pathname));
    try {
      const bytes = await readFile(file);
      response.writeHead(200, { "content-type": TYPES[path.extname(file)] ?? "application/octet-stream" }).end(bytes);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  browser = await startBrowser();
});

after(async () => {
  await browser?.close();
  server?.closeAllConnections();
  server?.close();
});

test("the page that trunk builds mounts the widget, and its panel opens", { timeout: 120_000 }, async () => {
  const page = await newPage(browser);
  const [came, missing] = [[], []];
  page.on("response", (response) => (response.ok() ? came : missing).push(new URL(response.url()).pathname));
  // No relay runs here: whoever would answer on that port is not part of the test.
  await page.route("http://127.0.0.1:8787/**", (route) => route.abort());
  await page.goto(`http://127.0.0.1:${server.address().port}/`);
  const chat = widget(page);
  await chat.launcher.waitFor();
  await chat.open();
  assert.equal(await chat.host.count(), 1);
  assert.ok(await chat.panel.isVisible());
  const uncaught = page.errors.filter((text) => !text.includes("Failed to load resource"));
  assert.deepEqual(uncaught, []);
  assert.deepEqual(missing.filter((file) => file.startsWith("/style/")), []);
  for (const room of ["panel", "answer"]) {
    for (const sheet of await readdir(path.join(ROOT, "style", room))) assert.ok(came.includes(`/style/${room}/${sheet}`), `${room}/${sheet} is on the page`);
  }
  assert.equal(await chat.panel.evaluate((panel) => getComputedStyle(panel).display), "flex");
});

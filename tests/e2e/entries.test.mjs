// The entries of the package in a page: the element, React, and the module with
// everything in it, as a bundler hands them to a browser.

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { pathToFileURL } from "node:url";

import { build } from "esbuild";

import { ROOT } from "./support/relay.mjs";
import { chat, openPages, page, relay, setStage, site } from "./support/stage.mjs";

const PACKAGE = path.join(process.env.CHINWAG_DIST ?? path.join(ROOT, "dist"), "npm");
const TYPES = { ".js": "text/javascript", ".wasm": "application/wasm", ".css": "text/css", ".json": "application/json" };

/** A script for a page, bundled with the package as it would be published. */
async function bundle(source, format = "esm") {
  const { outputFiles } = await build({
    stdin: { contents: source, resolveDir: ROOT, loader: "jsx" },
    bundle: true,
    write: false,
    format,
    jsx: "automatic",
    define: { "process.env.NODE_ENV": '"development"' },
    nodePaths: [path.join(ROOT, "node_modules")],
    alias: { "chinwag/react": path.join(PACKAGE, "react.js"), "chinwag/inline": path.join(PACKAGE, "inline.js") },
    logLevel: "error",
  });
  return outputFiles[0].text;
}

function show(name, html) {
  site.pages[name] = { html: `<!doctype html><html lang="en"><title>Host</title><link rel="icon" href="data:,"><body>${html}` };
  return page.goto(site.origin + name);
}

function serve(name, script) {
  site.pages[name] = { html: script, type: "text/javascript" };
}

const hosts = () => page.locator("[data-chinwag]").count();
const sent = () => page.locator("[data-chinwag]").getByText("How do I change the accent colour?", { exact: true });

setStage({
  prepare() {
    const put = (folder, under) => {
      for (const entry of readdirSync(folder, { withFileTypes: true })) {
        const file = path.join(folder, entry.name);
        if (entry.isDirectory()) put(file, `${under}${entry.name}/`);
        else site.pages[under + entry.name] = { html: readFileSync(file), type: TYPES[path.extname(file)] ?? "text/plain" };
      }
    };
    put(PACKAGE, "/package/");
    put(PACKAGE, "/other-version/");
  },
});
openPages();

describe("<chinwag-chat>", () => {
  const MODULE = '<script type="module" src="/package/element.js"></script>';
  const element = () => page.locator("chinwag-chat");

  test("reads attributes, and its events and methods are those of the handle", async () => {
    await show(
      "/element",
      `<script>heard = []; for (const name of ["ready", "open", "message:sent"]) addEventListener("chinwag:" + name, (e) => heard.push(e.type + e.target.closest("chinwag-chat").id));</script>
       <chinwag-chat id="!" site="site_demo" relay="${relay.origin}" chat-title="Harbour" accent="#123456" position="top-left" suggestions="One?|Two?"
         launcher-label="Ask us" history="false" consent="true"></chinwag-chat>${MODULE}`,
    );
    await element().evaluate(async (element) => {
      const handle = await element.ready;
      if (element.isOpen() || handle.isOpen()) throw new Error("open");
      element.open();
    });
    await chat.panel.waitFor();
    assert.equal(await chat.panel.getByText("Harbour").first().isVisible(), true);
    assert.equal(await chat.host.getAttribute("data-position"), "top-left");
    assert.equal(await chat.host.getByRole("button", { name: "Earlier conversations" }).count(), 0);
    assert.deepEqual(await element().evaluate((element) => element.launcher), { label: "Ask us" });
    await chat.host.getByText("Two?").waitFor();
    await element().evaluate((element) => element.send("How do I change the accent colour?"));
    await sent().first().waitFor();
    assert.deepEqual(await page.evaluate("heard"), ["chinwag:ready!", "chinwag:open!", "chinwag:message:sent!"]);
    assert.match(await element().evaluate((element) => element.transcript()), /accent colour/);
    assert.deepEqual(page.errors, []);
  });

  test("takes properties that were set before it was defined, and changes later", async () => {
    await show("/late", `<chinwag-chat></chinwag-chat>`);
    await element().evaluate((element, relay) => {
      element.site = "site_demo";
      element.relay = relay;
      element.title = "Early";
      element.openByDefault = true;
    }, relay.origin);
    await page.addScriptTag({ url: "/package/element.js", type: "module" });
    await chat.panel.getByText("Early").first().waitFor();
    await element().evaluate((element) => (element.title = "Later"));
    await chat.panel.getByText("Later").first().waitFor();
    await element().evaluate((element) => element.setAttribute("position", "bottom-left"));
    await page.waitForFunction(() => document.querySelector("[data-chinwag]").dataset.position === "bottom-left");
    assert.equal(await hosts(), 1);
    assert.deepEqual(page.errors, []);
  });

  test("keeps panel and conversation through a move, and ends when it is taken out for good", async () => {
    await show("/move", `<chinwag-chat site="site_demo" relay="${relay.origin}" persist="memory"></chinwag-chat><section></section>${MODULE}`);
    await chat.open();
    await chat.ask("How do I change the accent colour?");
    await chat.sources.first().waitFor();
    await chat.settle();
    await element().evaluate((element) => document.querySelector("section").append(element));
    await page.waitForTimeout(100);
    assert.equal(await sent().first().isVisible(), true);
    await element().evaluate((element) => ((window.kept = element), element.remove()));
    await page.waitForTimeout(100);
    assert.equal(await page.evaluate(() => window.kept.childElementCount), 0);
    await page.evaluate(() => document.body.append(window.kept));
    await chat.launcher.waitFor();
    assert.equal(await hosts(), 1);
    assert.deepEqual(page.errors, []);
  });

  test("begins again when its site changes, and queues what is called before", async () => {
    await show("/again", MODULE);
    await page.evaluate((relay) => {
      const element = document.createElement("chinwag-chat");
      element.open();
      element.setAttribute("relay", relay);
      element.setAttribute("site", "site_demo");
      document.body.append(element);
    }, relay.origin);
    await chat.panel.waitFor();
    await element().evaluate((element) => element.setAttribute("namespace", "other"));
    await page.waitForFunction(() => !document.querySelector("[data-chinwag]")?.shadowRoot?.querySelector("[part~=panel]:not([hidden])"));
    await chat.launcher.waitFor();
    assert.equal(await hosts(), 1);
    assert.deepEqual(page.errors, []);
  });

  test("of two versions on one page the first defines it, and the second does no harm", async () => {
    await show(
      "/versions",
      `<chinwag-chat site="site_demo" relay="${relay.origin}"></chinwag-chat>${MODULE}<script type="module" src="/other-version/element.js"></script>`,
    );
    await chat.launcher.waitFor();
    const second = await page.evaluate(async (relay) => {
      const { init, ChinwagChat } = await import("/other-version/element.js");
      const chat = await init({ site: "site_demo", relay, namespace: "second", position: "bottom-left" });
      chat.open();
      return [chat.isOpen(), customElements.get("chinwag-chat") === ChinwagChat];
    }, relay.origin);
    assert.deepEqual(second, [true, false]);
    assert.equal(await element().evaluate((element) => element.isOpen()), false);
    assert.deepEqual(page.errors, []);
  });

  test("says what is wrong with an option, and begins when it is mended", async () => {
    await show("/wrong", `<chinwag-chat site="wrong" relay="${relay.origin}"></chinwag-chat>${MODULE}`);
    await page.waitForEvent("console", (message) => /"site"/.test(message.text()));
    assert.equal(await hosts(), 0);
    await element().evaluate((element) => element.setAttribute("site", "site_demo"));
    await chat.launcher.waitFor();
  });
});

describe("React", () => {
  before(async () => {
    serve(
      "/react.js",
      await bundle(
        `import { StrictMode, useState, useRef } from "react";
        import { createRoot } from "react-dom/client";
        import { Chat } from "chinwag/react";
        window.said = [];
        function App() {
          const [count, setCount] = useState(0);
          const [shown, setShown] = useState(true);
          const chat = useRef();
          window.chat = chat;
          return <main>
            <button onClick={() => setCount(count + 1)}>Count {count}</button>
            <button onClick={() => setShown(!shown)}>Turn</button>
            {shown && <Chat ref={chat} site="site_demo" relay={${JSON.stringify(relay.origin)}} title={"Title " + count}
              onMessageSent={({ text }) => window.said.push(count + text)} onReady={() => window.said.push("ready")} />}
          </main>;
        }
        createRoot(document.getElementById("app")).render(<StrictMode><App /></StrictMode>);`,
      ),
    );
    // The bundler leaves `import.meta.url` as it is: the files lie beside the bundle.
    for (const name of readdirSync(PACKAGE)) site.pages[`/${name}`] ??= site.pages[`/package/${name}`];
  });

  test("one chat comes through StrictMode, rendering and a time out of the page", async () => {
    await show("/react", '<div id="app"></div><script type="module" src="/react.js"></script>');
    await chat.launcher.waitFor();
    await page.waitForTimeout(300);
    assert.equal(await hosts(), 1);
    assert.deepEqual(await page.evaluate("said"), ["ready"]);
    await chat.open();
    await chat.ask("How do I change the accent colour?");
    await chat.sources.first().waitFor();
    await chat.settle();
    await page.getByText("Count 0").click();
    await chat.panel.getByText("Title 1").first().waitFor();
    assert.equal(await sent().first().isVisible(), true, "the conversation is there after a change");
    assert.equal(await hosts(), 1);
    await page.getByText("Turn").click();
    await page.waitForFunction(() => !document.querySelector("[data-chinwag]"));
    assert.equal(await page.evaluate(() => window.chat.current ?? null), null);
    await page.getByText("Turn").click();
    await chat.host.waitFor({ state: "attached" });
    if (!(await chat.panel.isVisible())) await chat.open();
    await sent().first().waitFor();
    await page.evaluate(() => window.chat.current.send("Which options are there?"));
    await page.waitForFunction(() => window.said.at(-1) === "1Which options are there?");
    assert.deepEqual(page.errors, []);
  });
});

describe("the module with everything in it", () => {
  let folder;
  after(() => folder && rmSync(folder, { recursive: true, force: true }));

  test("needs no file beside it, in one classic script", async () => {
    const script = await bundle(`import { init } from "chinwag/inline"; window.init = init;`, "iife");
    serve("/inline.js", script);
    const asked = [];
    page.on("request", (request) => asked.push(new URL(request.url())));
    await show("/inline", '<script src="/inline.js"></script>');
    await page.evaluate((relay) => window.init({ site: "site_demo", relay }), relay.origin);
    await chat.open();
    await chat.ask("How do I change the accent colour?");
    await chat.sources.first().waitFor();
    const files = asked.filter(({ origin, pathname }) => origin === relay.origin ? !pathname.startsWith("/v1/") : !/^\/(inline|inline\.js|favicon\.ico)$/.test(pathname));
    assert.deepEqual(files.map(String), []);
  });

  test("draws the chat in a page that was opened as a file", async () => {
    folder = mkdtempSync(path.join(tmpdir(), "chinwag-file-"));
    const script = await bundle(`import { init } from "chinwag/inline"; window.init = init;`, "iife");
    writeFileSync(path.join(folder, "chat.js"), script);
    writeFileSync(path.join(folder, "page.html"), '<!doctype html><html lang="en"><title>File</title><body><script src="chat.js"></script>');
    await page.goto(pathToFileURL(path.join(folder, "page.html")).href);
    await page.evaluate((relay) => window.init({ site: "site_demo", relay, openByDefault: true }), relay.origin);
    await chat.panel.waitFor();
    assert.ok((await chat.panel.boundingBox()).width > 300, "styled");
  });

  test("takes the wasm from where the page says it is, otherwise", async () => {
    site.pages["/elsewhere.wasm"] = site.pages["/package/chinwag.wasm"];
    const asked = [];
    page.on("request", (request) => asked.push(new URL(request.url()).pathname));
    await show("/wasm-url", "");
    await page.evaluate(async (relay) => {
      const { init } = await import("/package/index.js");
      await init({ site: "site_demo", relay, wasmUrl: "/elsewhere.wasm" });
    }, relay.origin);
    await chat.launcher.waitFor();
    assert.ok(asked.includes("/elsewhere.wasm") && !asked.includes("/package/chinwag.wasm"), asked.join());
  });
});

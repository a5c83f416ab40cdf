// The loader alone: the module that it fetches is played by the test, so that
// every moment of loading can be held still.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { beforeEach, describe, test } from "node:test";

import { ROOT } from "./support/relay.mjs";
import { openPages, page, setStage, site } from "./support/stage.mjs";

const DIST = process.env.CHINWAG_DIST ?? path.join(ROOT, "dist");
const LOADER = readFileSync(path.join(DIST, "chinwag.js"), "utf8");
const MODULE = `/${/"(chinwag-[0-9a-f]+\.js)"/.exec(LOADER)[1]}`;

/** Takes the host over as the widget does, and writes down what it is told. */
const PLAYED = `
  export async function init(options, { host, base, needed, key, past }) {
    if (options.site === "wrong") throw new Error('option "site" must be right');
    const told = [];
    const launcher = document.createElement("button");
    launcher.setAttribute("part", "launcher");
    launcher.textContent = "widget";
    host.shadowRoot.replaceChildren(launcher);
    const handle = { told, options, base, element: host, key, past };
    needed.then(() => (handle.isNeeded = true));
    for (const verb of ["open", "close", "send"]) handle[verb] = (...given) => (told.push([verb, ...given]), verb);
    handle.destroy = () => host.remove();
    (window.handles ??= []).push(handle);
    return handle;
  }
`;

let fetched;
/** Holds the module back until it is resolved; undefined lets it through. */
let gate;

function show(html, headers) {
  site.pages["/"] = { html: `<!doctype html><html lang="en"><title>Host</title><body>${html}`, headers };
  return page.goto(site.origin);
}

const launcher = () => page.locator("[data-chinwag]").locator("[part~=launcher]");
const taken = () => page.waitForFunction(() => window.handles?.length);
const handle = (read) => page.evaluate(`(${read})(window.handles.at(-1))`);

setStage({
  hasRelay: false,
  prepare() {
    site.pages["/chinwag.js"] = { html: LOADER, type: "text/javascript" };
    site.pages[MODULE] = { html: PLAYED, type: "text/javascript" };
  },
});
openPages();

beforeEach(async () => {
  fetched = 0;
  gate = undefined;
  await page.route(`**${MODULE}*`, async (route) => {
    fetched++;
    await gate;
    await route.continue();
  });
});

/** A visitor who asked for little data. */
function saveData() {
  return page.addInitScript(() => {
    Object.defineProperty(Navigator.prototype, "connection", { get: () => ({ saveData: true }) });
  });
}

const TAG = '<script src="/chinwag.js" data-site="site_demo" async></script>';

describe("the launcher", () => {
  test("stands before the module comes, with a name, in its corner", async () => {
    gate = new Promise(() => {});
    await show(TAG);
    const button = page.getByRole("button", { name: "Open chat" });
    await button.waitFor();
    assert.equal(await button.getAttribute("aria-expanded"), "false");
    assert.equal(await button.getAttribute("aria-haspopup"), "dialog");
    const box = await button.boundingBox();
    const token = (name) => button.evaluate((element, name) => parseInt(getComputedStyle(element).getPropertyValue(name)), name);
    const [size, across, up] = [await token("--cw-launcher-size"), await token("--cw-offset-x"), await token("--cw-offset-y")];
    assert.ok(size >= 44, "large enough to touch");
    assert.deepEqual([box.width, box.height, 1280 - box.x - box.width, 800 - box.y - box.height], [size, size, across, up]);
  });

  test("takes position, accent and offset from the options", async () => {
    gate = new Promise(() => {});
    await show(`<script>window.Chinwag = function () { (Chinwag.q = Chinwag.q || []).push(arguments) };
      Chinwag("init", { site: "site_demo", position: "top-left", offset: { x: 4, y: 8 }, zIndex: 7,
        theme: { accent: "#fd0", colorScheme: "light" } });</script><script src="/chinwag.js" async></script>`);
    const box = await launcher().boundingBox();
    assert.deepEqual([box.x, box.y], [4, 8]);
    const style = await launcher().evaluate((button) => {
      const { backgroundColor, color } = getComputedStyle(button);
      return { backgroundColor, color, z: getComputedStyle(button.getRootNode().host).zIndex };
    });
    assert.deepEqual(style, { backgroundColor: "rgb(255, 221, 0)", color: "rgb(11, 18, 16)", z: "7" });
  });

  test("is drawn under a strict policy that allows no inline style and no HTML string", async () => {
    await show(TAG, {
      "content-security-policy": "default-src 'self'; style-src 'self'; require-trusted-types-for 'script'; trusted-types 'none'",
    });
    await taken();
    assert.deepEqual(page.errors, []);
  });

  test("is drawn once however often the tag is put in", async () => {
    await show(`${TAG}${TAG}`);
    await taken();
    assert.equal(await page.locator("[data-chinwag]").count(), 1);
  });

  test("finds its files although an element of the page hides the tag", async () => {
    await show('<img name="currentScript" alt=""><script src="/chinwag.js" data-site="site_demo"></script>');
    await taken();
    assert.equal(await handle((chat) => chat.base), `${site.origin}/`);
  });

  test("waits for the body when the script stands in the head", async () => {
    site.pages["/head"] = {
      html: '<!doctype html><html lang="en"><head><title>Host</title><script src="/chinwag.js" data-site="site_demo"></script></head><body>',
    };
    await page.goto(`${site.origin}/head`);
    await taken();
    assert.deepEqual(page.errors, []);
  });
});

describe("loading", () => {
  test("happens on idle, and says that nobody needs the chat yet", async () => {
    await show(TAG);
    await taken();
    assert.equal(fetched, 1);
    await page.waitForTimeout(100);
    assert.equal(await handle((chat) => chat.isNeeded), undefined);
    await launcher().evaluate((button) => button.remove());
    await page.evaluate(() => window.Chinwag("close"));
    assert.equal(await handle((chat) => chat.isNeeded), true, "a method needs it");
  });

  for (const [what, reach] of [
    ["a pointer that comes near", () => launcher().hover()],
    ["the focus", () => launcher().focus()],
    ["a press", () => launcher().click()],
  ]) {
    test(`says that it is needed: ${what}`, async () => {
      let open;
      gate = new Promise((resolve) => (open = resolve));
      await show(TAG);
      await launcher().waitFor();
      await reach();
      open();
      await taken();
      await page.waitForFunction(() => window.handles[0].isNeeded);
    });
  }

  test("brings along what was kept at an earlier visit, and where", async () => {
    await page.addInitScript(() => localStorage.setItem("cw:shop:site_demo", '{"v":1,"open":false}'));
    await show('<script src="/chinwag.js" data-site="site_demo" data-namespace="shop" async></script>');
    await taken();
    assert.deepEqual(await handle((chat) => [chat.key, chat.past]), ["cw:shop:site_demo", { v: 1, open: false }]);
  });

  test("waits for a gesture where the visitor saves data", async () => {
    await saveData();
    await show(TAG);
    await launcher().waitFor();
    await page.waitForTimeout(500);
    assert.equal(fetched, 0);
    await launcher().hover();
    await taken();
    assert.deepEqual(await handle((chat) => chat.told), []);
  });

  test("does not wait where the panel stood open", async () => {
    await saveData();
    await page.addInitScript(() => localStorage.setItem("cw:site_demo", '{"v":1,"open":true}'));
    await show(TAG);
    await taken();
  });

  for (const stored of ["", "null", "[", '{"v":1,"open":false}', '"open"']) {
    test(`survives what storage holds: ${stored || "nothing"}`, async () => {
      await page.addInitScript((text) => localStorage.setItem("cw:site_demo", text), stored);
      await show(TAG);
      await taken();
      assert.deepEqual(page.errors, []);
    });
  }

  test("loses no press that came first", async () => {
    let open;
    gate = new Promise((resolve) => (open = resolve));
    await show(TAG);
    await launcher().click();
    assert.equal(await launcher().getAttribute("aria-busy"), "true");
    open();
    await taken();
    assert.deepEqual(await handle((chat) => chat.told), [["open"]]);
  });

  test("loses no press that the widget's launcher comes into the middle of", async () => {
    let open;
    gate = new Promise((resolve) => (open = resolve));
    await show(TAG);
    const { x, y, width, height } = await launcher().boundingBox();
    await page.mouse.move(x + width / 2, y + height / 2);
    await page.mouse.down();
    open();
    await taken();
    await page.mouse.up();
    assert.deepEqual(await handle((chat) => chat.told), [["open"]]);
  });

  test("leaves the focus on the launcher when the widget takes its place", async () => {
    let open;
    gate = new Promise((resolve) => (open = resolve));
    await show(TAG);
    await launcher().focus();
    open();
    await taken();
    await page.waitForFunction(() => window.handles[0].element.shadowRoot.activeElement?.textContent === "widget");
  });

  test("does not take the focus from elsewhere", async () => {
    let open;
    gate = new Promise((resolve) => (open = resolve));
    await show(`<input aria-label="Elsewhere">${TAG}`);
    await launcher().focus();
    await page.getByLabel("Elsewhere").focus();
    open();
    await taken();
    await page.waitForTimeout(50);
    assert.equal(await page.evaluate(() => document.activeElement.ariaLabel), "Elsewhere");
  });
});

describe("what the page says", () => {
  test("goes through as options", async () => {
    await show(`<script src="/chinwag.js" async data-site="site_demo" data-relay="https://relay.example.com" data-accent="#123456"
      data-color-scheme="dark" data-radius="4" data-position="bottom-left" data-title="Help" data-greeting="Hello"
      data-suggestions="One|Two" data-persist="session" data-placeholder="Ask" data-disclaimer="Check it"
      data-open-by-default data-cfasync="false" data-density="compact" data-font="Georgia, serif" data-offset="40" data-z-index="7"
      data-expire-minutes="30" data-sound="true" data-history="false" data-consent="required" data-api="/api/chat" data-dir="rtl"
      data-identity="a.b.c" data-avatar-url="/a.png" data-locale="de" data-namespace="shop" data-mode="launcher" data-target="#x"></script>`);
    await taken();
    assert.deepEqual(await handle((chat) => chat.options), {
      site: "site_demo",
      relay: "https://relay.example.com",
      theme: { accent: "#123456", colorScheme: "dark", radius: 4, density: "compact", font: "Georgia, serif" },
      position: "bottom-left",
      title: "Help",
      greeting: "Hello",
      suggestions: ["One", "Two"],
      persist: "session",
      placeholder: "Ask",
      disclaimer: "Check it",
      openByDefault: true,
      offset: 40,
      zIndex: 7,
      expireMinutes: 30,
      sound: true,
      history: false,
      consent: "required",
      api: "/api/chat",
      dir: "rtl",
      identity: "a.b.c",
      avatarUrl: "/a.png",
      locale: "de",
      namespace: "shop",
      mode: "launcher",
      target: "#x",
    });
    const box = await page.locator("[data-chinwag]").evaluate((host) => getComputedStyle(host).getPropertyValue("--cw-offset-y"));
    assert.equal(box, "40px", "the launcher stands where the widget will put it");
  });

  test("waits in the queue until the chat is there, in its order", async () => {
    await show(`<script>window.Chinwag = window.Chinwag || function () { (Chinwag.q = Chinwag.q || []).push(arguments) };
      Chinwag("init", { site: "site_demo" }); Chinwag("send", "Hello"); Chinwag("close");</script>
      <script src="/chinwag.js" async></script>`);
    await taken();
    await page.waitForFunction(() => window.handles[0].told.length === 2);
    assert.deepEqual(await handle((chat) => chat.told), [["send", "Hello"], ["close"]]);
  });

  test("is answered: init by the handle, a method by what it returns", async () => {
    await show('<script src="/chinwag.js"></script>');
    const answers = await page.evaluate(async () => {
      const chat = await window.Chinwag.init({ site: "site_demo" });
      return [chat.options.site, await window.Chinwag("open")];
    });
    assert.deepEqual(answers, ["site_demo", "open"]);
  });

  test("may be destroy before the chat is there", async () => {
    gate = new Promise(() => {});
    await show(TAG);
    await launcher().waitFor();
    await page.evaluate(() => window.Chinwag("destroy"));
    assert.equal(await page.locator("[data-chinwag]").count(), 0);
  });

  test("is contradicted on the console once, in the widget's words, when an option is wrong", async () => {
    await show('<script src="/chinwag.js" data-site="wrong" async></script>');
    await page.waitForEvent("console", (message) => message.text().includes('option "site" must be right'));
    await page.waitForTimeout(100);
    assert.equal(page.errors.length, 1, page.errors.join("\n"));
  });
});

describe("when the chat does not come", () => {
  test("a press says so, and Try again tries again", async () => {
    site.pages[MODULE].type = "text/plain";
    try {
      await show(TAG);
      await launcher().click();
      const notice = page.getByRole("alert");
      await notice.waitFor();
      assert.match(await notice.innerText(), /The chat could not be loaded/);
      assert.ok(page.errors.some((text) => text.includes("Content-Security-Policy")), page.errors.join("\n"));
    } finally {
      site.pages[MODULE].type = "text/javascript";
    }
    await page.getByRole("button", { name: "Try again" }).click();
    await taken();
    assert.deepEqual(await handle((chat) => chat.told), [["open"]]);
  });

  test("the notice can be closed, and the launcher is back with the focus", async () => {
    await page.route(`**${MODULE}*`, (route) => route.abort());
    await show(TAG);
    await launcher().click();
    await page.getByRole("button", { name: "Close" }).click();
    assert.equal(await page.getByRole("alert").count(), 0);
    const focused = await page.evaluate(() => document.activeElement.shadowRoot.activeElement.getAttribute("part"));
    assert.equal(focused, "launcher");
  });

  test("nobody who did not ask is told", async () => {
    await page.route(`**${MODULE}*`, (route) => route.abort());
    await show(TAG);
    await page.waitForEvent("console", (message) => message.text().startsWith("chinwag:"));
    assert.equal(await page.getByRole("alert").count(), 0);
    assert.equal(await launcher().count(), 1);
  });
});

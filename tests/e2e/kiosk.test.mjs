// A screen in a hall: one stranger after another, for weeks, with nobody to look
// after it. Time is the test's own (`page.clock`), the relay and its database are
// real.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile, readdir } from "node:fs/promises";
import path from "node:path";
import { after, afterEach, before, describe, test } from "node:test";

import { violations } from "./support/axe.mjs";
import { newPage, startBrowser } from "./support/browser.mjs";
import { ROOT, startRelay } from "./support/relay.mjs";

const QUESTION = "How do I change the accent colour?";
const SECRET = "zanzibar-quartz-4711";

let browser, relay, page;

before(async () => {
  browser = await startBrowser();
  // All visitors of these tests come from one address, and many at once.
  relay = await startRelay({ limits: "tokens_per_minute = 1000\ntokens_burst = 1000\naddress_messages_per_minute = 1000" });
});

after(async () => {
  await browser?.close();
  await relay?.stop();
});

afterEach(() => page?.context().close());

/** A kiosk in a window of its own, with time that stands until the test moves it. */
async function open(query = "", { origin = relay.origin, hash = "", frozen = true, prepare, ...options } = {}) {
  page = await newPage(browser, { viewport: { width: 1080, height: 1920 }, ...options });
  page.warnings = [];
  page.on("console", (message) => message.type() === "warning" && page.warnings.push(message.text()));
  // The widget gives nobody a way to its memory: the page takes note of each
  // instance as the browser makes it, and keeps none alive.
  await page.addInitScript(() => {
    window.instances = [];
    for (const name of ["instantiate", "instantiateStreaming"]) {
      const own = WebAssembly[name];
      WebAssembly[name] = async (...given) => {
        const made = await own.apply(WebAssembly, given);
        // Parts of a module have its memory and none of their own.
        const instance = made.instance ?? made;
        if (instance.exports.memory) window.instances.push(new WeakRef(instance));
        return made;
      };
    }
    window.beats = [];
    addEventListener("message", ({ data }) => data?.chinwag === "heartbeat" && window.beats.push(data));
  });
  if (prepare) await page.addInitScript(prepare);
  if (frozen) await page.clock.install();
  await page.goto(`${origin}/kiosk?site=site_demo${query}${hash}`);
  return kiosk(page);
}

/** The kiosk's parts as a visitor finds them. */
function kiosk(page) {
  const host = page.locator("[data-chinwag]");
  const button = (name) => host.getByRole("button", { name, exact: true });
  return {
    host,
    button,
    attract: host.locator("[part=attract]"),
    start: button("Touch to start"),
    input: host.getByRole("textbox", { name: "Your message" }),
    warning: host.getByRole("alertdialog", { name: "Still there?" }),
    replies: host.locator(".cw-reply .cw-prose"),
    key: (mark) => host.locator(".cw-key", { hasText: new RegExp(`^${mark.replace(/[.*+?^$()|[\]\\]/g, "\\$&")}$`, "u") }).first(),
    async begin() {
      await host.getByRole("button", { name: "Touch to start" }).click();
      await host.getByRole("textbox", { name: "Your message" }).waitFor();
    },
    /** Asks, and has the reply come to its end. */
    async ask(question) {
      await host.getByRole("textbox", { name: "Your message" }).fill(question);
      await page.keyboard.press("Enter");
      await this.settle();
    },
    async settle() {
      const isDone = () => page.evaluate(() => {
        const root = document.querySelector("[data-chinwag]").shadowRoot;
        const reply = root.querySelector(".cw-reply:last-of-type");
        return reply?.dataset.state === "ended" && root.querySelector("[part=send]") !== null;
      });
      await eventually(isDone, "the reply ends");
    },
    async seconds(count) {
      await page.clock.runFor(count * 1000);
    },
  };
}

/** Waits in the test's own time, while the page's goes on in small steps. */
async function eventually(is, what, within = 15_000) {
  const until = Date.now() + within;
  for (;;) {
    if (await is()) return;
    assert.ok(Date.now() < until, `in vain: ${what}`);
    await page.clock.runFor(50).catch(() => {});
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** All that the page holds somewhere, as one text for each place. */
const held = () =>
  page.evaluate(async () => {
    const places = { page: document.documentElement.outerHTML, address: location.href };
    const host = document.querySelector("[data-chinwag]");
    places.shadow = host.shadowRoot.innerHTML;
    places.values = [...host.shadowRoot.querySelectorAll("input, textarea")].map((field) => field.value).join();
    places.local = JSON.stringify({ ...localStorage });
    places.session = JSON.stringify({ ...sessionStorage });
    places.databases = JSON.stringify(await indexedDB.databases());
    places.caches = JSON.stringify(await caches.keys());
    places.cookies = document.cookie;
    places.state = JSON.stringify(history.state);
    places.selection = String(getSelection());
    places.transcript = window.chat.transcript("json") + window.chat.transcript();
    return places;
  });

/** How many modules are alive, and whether any has the words in its memory. */
async function memories(words) {
  const devtools = await page.context().newCDPSession(page);
  await devtools.send("HeapProfiler.enable");
  for (let time = 0; time < 3; time++) await devtools.send("HeapProfiler.collectGarbage");
  const found = await page.evaluate((words) => {
    const wanted = new TextEncoder().encode(words);
    const live = window.instances.map((known) => known.deref()).filter(Boolean);
    const holds = (bytes) => {
      for (let at = bytes.indexOf(wanted[0]); at >= 0; at = bytes.indexOf(wanted[0], at + 1)) {
        if (wanted.every((byte, index) => bytes[at + index] === byte)) return true;
      }
      return false;
    };
    return { live: live.length, holding: live.filter((instance) => holds(new Uint8Array(instance.exports.memory.buffer))).length };
  }, words);
  await devtools.detach();
  return found;
}

async function filesWith(words, folder) {
  const found = [];
  for (const name of await readdir(folder, { recursive: true })) {
    const bytes = await readFile(path.join(folder, name)).catch(() => Buffer.alloc(0));
    if (bytes.includes(words)) found.push(name);
  }
  return found;
}

describe("two visitors in a row", () => {
  test("nothing of the first is left: page, storage, memory, relay, database", async () => {
    const screen = await open();
    const seen = { tokens: new Set(), visitors: new Set(), conversations: new Set(), erased: [] };
    page.on("request", (request) => {
      const token = request.headers().authorization;
      if (token) seen.tokens.add(token);
      if (request.url().endsWith("/v1/chat")) seen.conversations.add(request.postDataJSON().id);
    });
    page.on("response", async (response) => {
      if (response.url().endsWith("/v1/token")) seen.visitors.add((await response.json().catch(() => ({}))).visitor);
      if (response.url().endsWith("/v1/visitor")) seen.erased.push(response.status());
    });
    await screen.begin();
    await screen.ask(`${QUESTION} ${SECRET}`);
    await screen.input.fill(`a draft with ${SECRET}`);
    await page.keyboard.press("Control+A");
    await screen.seconds(1);
    assert.ok((await held()).shadow.includes(SECRET), "it was there");
    assert.equal((await memories(SECRET)).holding, 1);
    assert.notDeepEqual(await filesWith(SECRET, relay.folder), []);
    const [token] = seen.tokens;
    const [conversation] = seen.conversations;

    await screen.seconds(76);
    await screen.warning.waitFor();
    await screen.seconds(21);
    await screen.attract.waitFor();
    await eventually(() => seen.erased.length > 0, "the relay is asked to forget");
    assert.deepEqual(seen.erased, [204]);
    // A fresh module takes over as soon as the relay has answered.
    await eventually(async () => (await memories(SECRET)).holding === 0, "the module is renewed");

    for (const [place, text] of Object.entries(await held())) assert.ok(!text.includes(SECRET), place);
    assert.deepEqual(await filesWith(SECRET, relay.folder), []);
    const ask = (path) => fetch(relay.origin + path, { headers: { authorization: token, origin: relay.origin } });
    for (const path of ["/v1/conversations", `/v1/conversations/${conversation}/messages`, `/v1/chat/${conversation}/stream`]) {
      assert.equal((await ask(path)).status, 401, path);
    }
    for (const visitor of seen.visitors) {
      const exchange = await fetch(`${relay.origin}/v1/token`, {
        method: "POST",
        headers: { "content-type": "application/json", origin: relay.origin },
        body: JSON.stringify({ site: "site_demo", visitor }),
      });
      const { token } = await exchange.json();
      const list = await fetch(`${relay.origin}/v1/conversations`, { headers: { authorization: `Bearer ${token}`, origin: relay.origin } });
      assert.deepEqual((await list.json()).data, []);
    }

    // The second one finds an empty conversation, and takes nothing back.
    await screen.begin();
    assert.equal(await screen.replies.count(), 0);
    assert.equal(await screen.input.inputValue(), "");
    await screen.input.focus();
    await page.keyboard.press("Control+Z");
    assert.equal(await screen.input.inputValue(), "");
    await screen.ask(QUESTION);
    assert.equal(new Set(seen.conversations).size, 2);
    assert.ok(!(await held()).transcript.includes(SECRET));
    assert.deepEqual(page.errors, []);
  });

  test("whoever starts over goes on with nothing of what was, and the text size of before is gone too", async () => {
    const screen = await open();
    await screen.begin();
    await screen.ask(`${QUESTION} ${SECRET}`);
    await screen.button("Text size").click();
    await screen.button("Contrast").click();
    await screen.button("Start over").click();
    await screen.input.waitFor();
    assert.equal(await screen.replies.count(), 0);
    for (const [place, text] of Object.entries(await held())) assert.ok(!text.includes(SECRET), place);
    assert.equal(await screen.button("Text size").getAttribute("aria-pressed"), "false");
    await eventually(async () => (await filesWith(SECRET, relay.folder)).length === 0, "the relay forgets");
  });

  test("a page that is left in the middle takes its visitor along", async () => {
    const screen = await open();
    await screen.begin();
    await screen.ask(`${QUESTION} ${SECRET}`);
    await page.reload();
    await kiosk(page).start.waitFor();
    await eventually(async () => (await filesWith(SECRET, relay.folder)).length === 0, "the relay forgets");
  });
});

describe("the countdown", () => {
  test("warns, is continued ten times, and wipes", async () => {
    const screen = await open("&warnSeconds=25");
    await screen.start.waitFor();
    await page.evaluate(() => {
      window.told = [];
      for (const name of ["idle:warning", "idle:reset"]) window.chat.on(name, (detail) => window.told.push([name, detail]));
    });
    await screen.begin();
    await screen.ask(QUESTION);
    const left = async () => Number(/in (\d+) seconds/.exec(await screen.warning.textContent())[1]);
    for (let time = 0; time < 10; time++) {
      await screen.seconds(76);
      await screen.warning.waitFor();
      const first = await left();
      assert.ok(first > 15 && first <= 25, first);
      await screen.seconds(10);
      const then = await left();
      assert.ok(then > 0 && then <= first - 9, `${first}, then ${then}`);
      assert.equal(await page.evaluate(() => document.activeElement.shadowRoot.activeElement.textContent), "Continue");
      await page.keyboard.press("Enter");
      await screen.warning.waitFor({ state: "detached" });
      assert.equal(await screen.replies.count(), 1);
    }
    await screen.seconds(76);
    await screen.seconds(26);
    await screen.attract.waitFor();
    const told = await page.evaluate("told");
    assert.deepEqual(told.filter(([name]) => name === "idle:reset"), [["idle:reset", { reason: "idle" }]]);
    assert.deepEqual(told[0], ["idle:warning", { seconds: 25 }]);
  });

  test("waits for a reply that streams", async () => {
    const screen = await open();
    await screen.start.waitFor();
    // The reply is held back by the test's own fetch.
    await page.evaluate(() => {
      const real = window.fetch;
      window.fetch = async (address, ...rest) => {
        const answer = await real(address, ...rest);
        const isChat = String(address.url ?? address).endsWith("/v1/chat");
        if (!isChat) return answer;
        const first = await answer.text();
        const body = new ReadableStream({
          start(controller) {
            controller.enqueue(new TextEncoder().encode(first.slice(0, first.indexOf("\n\n") + 2)));
            window.release = () => {
              controller.enqueue(new TextEncoder().encode(first.slice(first.indexOf("\n\n") + 2)));
              controller.close();
            };
          },
        });
        return new Response(body, { headers: answer.headers });
      };
    });
    await screen.begin();
    await screen.input.fill(QUESTION);
    await page.keyboard.press("Enter");
    await eventually(() => page.evaluate(() => Boolean(window.release)), "the reply begins");
    for (let time = 0; time < 5; time++) await screen.seconds(40);
    assert.equal(await screen.warning.count(), 0);
    await page.evaluate(() => window.release());
    await screen.settle();
    await screen.seconds(70);
    assert.equal(await screen.warning.count(), 0, "there is time to read it");
    await screen.seconds(8);
    await screen.warning.waitFor();
  });

  test("a tab that was frozen for an hour asks first, and recovers by itself", async () => {
    const screen = await open();
    await screen.begin();
    await screen.ask(QUESTION);
    await page.clock.fastForward(3_600_000);
    await screen.seconds(2);
    await screen.warning.waitFor();
    assert.match(await screen.warning.textContent(), /1\d seconds|20 seconds/);
    await screen.seconds(21);
    await screen.attract.waitFor();
    await screen.begin();
    await screen.ask(QUESTION);
    assert.equal(await screen.replies.count(), 1);
  });
});

describe("who has no other way", () => {
  test("everything works by touch alone", async () => {
    const screen = await open("", { hasTouch: true });
    const touch = (locator) => locator.tap();
    await touch(screen.start);
    await screen.input.waitFor();
    assert.equal(await screen.input.inputValue(), "", "the touch that begins sends nothing");
    assert.equal(await screen.input.evaluate((field) => field.inputMode), "none");
    for (const mark of [..."hi"]) await touch(screen.key(mark));
    await touch(screen.host.getByRole("button", { name: "Space" }));
    await touch(screen.host.getByRole("button", { name: "Capitals" }));
    await touch(screen.key("A"));
    await touch(screen.key("b"));
    await touch(screen.host.getByRole("button", { name: "Delete" }));
    assert.equal(await screen.input.inputValue(), "hi A");
    await touch(screen.host.getByRole("button", { name: "Send" }).last());
    await screen.settle();
    await touch(screen.button("Text size"));
    await touch(screen.button("Contrast"));
    await touch(screen.button("Keyboard"));
    assert.equal(await screen.key("h").isVisible(), false);
    await touch(screen.button("Keyboard"));
    await screen.seconds(76);
    await touch(screen.button("Continue"));
    await touch(screen.button("Start over"));
    await touch(screen.host.getByRole("button", { name: /accent colour/ }));
    await screen.settle();
    assert.equal(await screen.replies.count(), 1);
  });

  test("everything works by keyboard alone", async () => {
    const screen = await open();
    await screen.start.waitFor();
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await screen.input.waitFor();
    const focused = () => page.evaluate(() => document.activeElement.shadowRoot?.activeElement?.textContent ?? "");
    await page.keyboard.type(QUESTION);
    await page.keyboard.press("Enter");
    await screen.settle();
    const reached = new Set();
    for (let step = 0; step < 14; step++) {
      await page.keyboard.press("Shift+Tab");
      reached.add((await focused()).trim());
    }
    for (const name of ["Start over", "AaText size", "Contrast"]) assert.ok(reached.has(name), `${name} of ${[...reached]}`);
    await screen.button("Start over").focus();
    await page.keyboard.press("Enter");
    await screen.input.waitFor();
    assert.equal(await screen.replies.count(), 0);
  });

  for (const colorScheme of ["light", "dark"]) {
    test(`axe finds nothing on any screen, ${colorScheme}`, async () => {
      const screen = await open("&links=qr", { colorScheme, reducedMotion: "reduce", frozen: true });
      await screen.start.waitFor();
      await screen.seconds(1);
      assert.deepEqual(await violations(page), [], "attract");
      await screen.begin();
      assert.deepEqual(await violations(page), [], "empty");
      await screen.ask(QUESTION);
      await screen.seconds(1);
      assert.deepEqual(await violations(page), [], "conversation");
      await screen.button("Contrast").click();
      await screen.button("Text size").click();
      assert.deepEqual(await violations(page), [], "more contrast, larger text");
      await screen.seconds(77);
      await screen.warning.waitFor();
      assert.deepEqual(await violations(page), [], "warning");
      await screen.button("Continue").click();
      await page.evaluate(() => {
        // A link as a reply has it, pressed as a visitor presses it.
        const root = document.querySelector("[data-chinwag]").shadowRoot;
        const link = document.createElement("a");
        link.dataset.href = "https://harbour.example/farms";
        root.querySelector(".cw-prose").append(link);
        link.click();
      });
      await screen.host.getByRole("dialog", { name: "Take it along" }).locator("svg").waitFor();
      assert.deepEqual(await violations(page), [], "code");
    });
  }

  test("targets are large enough for a finger in a hurry", async () => {
    const screen = await open();
    await screen.begin();
    await screen.ask(QUESTION);
    const small = await page.evaluate(() => {
      const root = document.querySelector("[data-chinwag]").shadowRoot;
      return [...root.querySelectorAll("button")]
        .filter((button) => button.checkVisibility())
        .map((button) => [button.textContent || button.title, button.getBoundingClientRect()])
        .filter(([, box]) => box.height < 48 || box.width < 48)
        .map(([name, box]) => `${name}: ${box.width} x ${box.height}`);
    });
    assert.deepEqual(small, []);
  });
});

describe("the keyboard on the screen", () => {
  const SENTENCES = {
    en: ["Where is the tea?", ["Capitals"]],
    de: ["Wo gibt es süße Äpfel?", ["Großbuchstaben"]],
    fr: ["Où est le café, madame ?", ["Majuscules", "Accents"]],
    es: ["¿Dónde está el niño?", ["Mayúsculas", "Acentos"]],
    pt: ["Onde está o pão?", ["Maiúsculas", "Acentos"]],
    ar: ["أين القهوة؟", [undefined, "تشكيل"]],
    ja: ["こーひーがのみたい。", [undefined, "濁点・小文字"]],
    zh: ["nihao。", ["大写", "符号"]],
  };
  for (const [locale, [sentence, [shift, more]]] of Object.entries(SENTENCES)) {
    test(`types a sentence in ${locale}`, async () => {
      const screen = await open(`&locale=${locale}`);
      await screen.host.locator("[part=start]").click();
      const field = screen.host.locator("[part=input]");
      await field.waitFor();
      await screen.host.locator(".cw-key").first().waitFor();
      await page.evaluate(() => {
        window.told = [];
        const field = document.querySelector("[data-chinwag]").shadowRoot.querySelector("[part=input]");
        field.addEventListener("input", (event) => window.told.push(event.inputType));
      });
      const named = (name) => screen.host.locator(`.cw-key[aria-label$="${name}"]`);
      const letters = { fr: "Lettres", es: "Letras", pt: "Letras", ar: "حروف", ja: "文字" };
      let layer = "letters";
      for (const mark of sentence) {
        if (mark === " ") {
          await screen.host.locator(".cw-key-space").click();
          continue;
        }
        if (!(await screen.key(mark).count()) && layer === "more") {
          await named(letters[locale]).click();
          layer = "letters";
        }
        if (!(await screen.key(mark).count()) && shift && mark !== mark.toLowerCase()) await named(shift).click();
        if (!(await screen.key(mark).count()) && more) {
          await named(more).click();
          layer = "more";
        }
        await screen.key(mark).click();
      }
      assert.equal(await field.inputValue(), sentence);
      assert.ok((await page.evaluate("told")).every((kind) => kind === "insertText"));
      assert.equal((await page.evaluate("told")).length, [...sentence].length);
    });
  }

  test("a physical keyboard still works, and none is drawn where none is wanted", async () => {
    let screen = await open();
    await screen.begin();
    await page.keyboard.type("by hand ");
    await screen.key("q").click();
    assert.equal(await screen.input.inputValue(), "by hand q");
    await page.context().close();
    screen = await open("&keyboard=false");
    await screen.begin();
    assert.equal(await screen.host.locator(".cw-key").count(), 0);
  });
});

describe("no way out", () => {
  test("links are texts, and what a browser offers is refused", async () => {
    const screen = await open();
    await screen.begin();
    await screen.ask(QUESTION);
    assert.equal(await screen.host.locator("a[href]").count(), 0);
    assert.equal(await screen.host.locator("[data-href]").count(), 0);
    for (const name of ["Copy answer", "More", "Earlier conversations"]) assert.equal(await screen.button(name).count(), 0, name);
    const refused = await page.evaluate(() => {
      const root = document.querySelector("[data-chinwag]").shadowRoot;
      const at = root.querySelector(".cw-prose");
      const is = (event) => !at.dispatchEvent(event);
      const more = { bubbles: true, cancelable: true, composed: true };
      return {
        menu: is(new MouseEvent("contextmenu", more)),
        drag: is(new DragEvent("dragstart", more)),
        drop: is(new DragEvent("drop", more)),
        copy: is(new ClipboardEvent("copy", more)),
        print: is(new KeyboardEvent("keydown", { key: "p", ctrlKey: true, ...more })),
        save: is(new KeyboardEvent("keydown", { key: "s", ctrlKey: true, ...more })),
        window: is(new KeyboardEvent("keydown", { key: "n", ctrlKey: true, ...more })),
        help: is(new KeyboardEvent("keydown", { key: "F1", ...more })),
        zoom: is(new WheelEvent("wheel", { ctrlKey: true, ...more })),
        letter: is(new KeyboardEvent("keydown", { key: "a", ...more })),
      };
    });
    assert.deepEqual(refused, { menu: true, drag: true, drop: true, copy: true, print: true, save: true, window: true, help: true, zoom: true, letter: false });
    assert.equal(page.context().pages().length, 1);
  });
});

describe("weeks alone", () => {
  test("the relay goes away and comes back, and so does the screen", async () => {
    const own = await startRelay();
    let back;
    try {
      const screen = await open("", { origin: own.origin });
      await screen.start.waitFor();
      await own.stop("SIGKILL", true);
      await screen.seconds(31);
      await screen.host.getByText("Back in a moment").waitFor();
      assert.equal(await screen.start.count(), 0);
      assert.deepEqual(await violations(page), [], "away");
      back = await startRelay({ port: own.port, folder: own.folder });
      await screen.seconds(31);
      await eventually(() => screen.start.isVisible(), "the attract screen is back");
      await screen.begin();
      await screen.ask(QUESTION);
      assert.equal(await screen.replies.count(), 1);
    } finally {
      await back?.stop();
    }
  });

  test("what crashes begins again by itself, without what was said", async () => {
    const screen = await open();
    await screen.begin();
    await screen.ask(`${QUESTION} ${SECRET}`);
    await page.evaluate(() => new Uint8Array(window.instances.map((known) => known.deref()).filter(Boolean).at(-1).exports.memory.buffer).fill(0xff));
    await page.evaluate(() => window.chat.focus());
    await eventually(() => screen.start.isVisible(), "the kiosk begins again");
    for (const [place, text] of Object.entries(await held())) assert.ok(!text.includes(SECRET), place);
    await eventually(async () => (await filesWith(SECRET, relay.folder)).length === 0, "the relay forgets");
  });

  test("a watchdog hears its heart, and a device key is taken out of the address", async () => {
    const screen = await open("", { hash: "#device=cw_dev_x" });
    await eventually(() => page.evaluate(() => window.beats.length > 2), "it beats");
    assert.ok(!page.url().includes("device"), page.url());
    const beat = (await page.evaluate("beats")).at(-1);
    assert.deepEqual([typeof beat.state, typeof beat.uptimeSeconds], ["string", "number"]);
    // This site has no device keys, so the one that came is refused: said, and no blank screen.
    await screen.host.getByText("Back in a moment").waitFor();
    const report = await page.evaluate(() => window.chat.doctor());
    const line = report.checks.find((check) => check.name === "token");
    assert.equal(line.ok, false);
    assert.match(line.says, /device/);
  });

  test("what contradicts a kiosk is said, and does not stop it", async () => {
    const screen = await open("&links=open&warnSeconds=5", {
      prepare: () => Object.defineProperty(navigator, "wakeLock", { value: { request: () => Promise.reject(new Error("not today")) } }),
    });
    await screen.start.waitFor();
    assert.match(page.errors.join("\n"), /"kiosk\.links" does not fit[^]*"kiosk\.warnSeconds" does not fit/);
    await eventually(() => page.warnings.some((text) => /wake lock was refused \(not today\)/.test(text)), "the console says it");
    const report = await page.evaluate(() => window.chat.doctor());
    const says = Object.fromEntries(report.checks.map((check) => [check.name, check]));
    assert.match(says["kiosk options"].says, /links[^]*warnSeconds/);
    assert.match(says["wake lock"].says, /not today/);
    assert.match(says["full screen"].says, /--kiosk/);
    await screen.begin();
    await screen.ask(QUESTION);
    assert.equal(await screen.host.locator("a[href]").count(), 0);
  });

  test("options that cannot be read stand on the screen, which is not blank", async () => {
    await open("&accent=teal");
    await page.locator("[data-mode=kiosk]").getByText(/theme\.accent/).waitFor();
  });
});

test("what the page holds is the same after the thirtieth visitor as after the tenth", async () => {
  const bench = path.join(ROOT, "xtask/bench-kiosk.mjs");
  const given = [bench, path.join(ROOT, "dist"), path.join(ROOT, "relay/pages"), "30", "4", "10"];
  const { code, said } = await new Promise((resolve) => {
    execFile(process.execPath, given, { timeout: 120_000 }, (error, out, faults) => resolve({ code: error?.code ?? 0, said: out + faults }));
  });
  assert.equal(code, 0, said);
});

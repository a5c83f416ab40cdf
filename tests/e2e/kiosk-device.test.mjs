// A site that asks for device keys: the key comes by the address or by the page
// around the kiosk, and one that is not taken is said to whoever can mend it.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { after, before, describe, test } from "node:test";

import { violations } from "./support/axe.mjs";
import { startSite } from "./support/host.mjs";
import { QUESTION, eventually, held, kiosk, open, page, relay, setHall } from "./support/kiosk.mjs";
import { ROOT } from "./support/relay.mjs";

let launcher;

before(async () => {
  launcher = await startSite();
});
setHall(() => ({ site: 'devices = "required"', origins: [launcher.origin] }));
after(() => launcher?.stop());

const fresh = () => relay.command("device", "new", "site_demo", "--name", "Lobby, left");

/** What the exchanges of the page say of their device. */
function exchanges() {
  const said = [];
  page.on("request", (request) => request.url().endsWith("/v1/token") && said.push(request.postDataJSON().device));
  return said;
}

/** Waits until the screen says that it is not wanted, and why. */
async function refused(screen, why) {
  const away = screen.host.locator("[part=away]");
  await away.getByText(why).waitFor();
  assert.match(await away.textContent(), /Back in a moment.*not enabled for this page/);
  assert.equal(await screen.start.count(), 0);
}

/** Waits until the console says it as well, and has `doctor()` say it. */
async function complained(why, where = page) {
  await eventually(() => page.warnings.some((text) => why.test(text)), `the console says ${why}`);
  const { checks } = await where.evaluate(() => window.chat.doctor());
  const { ok, says } = checks.find(({ name }) => name === "token");
  assert.equal(ok, false);
  assert.match(says, why);
}

describe("a key in the address", () => {
  test("opens the chat, is read once and taken out, and outlives a reload of its tab alone", async () => {
    const key = await fresh();
    let screen = await open("", { hash: `#device=${key}` });
    const said = exchanges();
    await screen.begin();
    await screen.ask(QUESTION);
    assert.equal(await screen.replies.count(), 1);
    assert.equal(page.url(), `${relay.origin}/kiosk?site=site_demo`);
    for (const [place, text] of Object.entries(await held())) assert.equal(text.includes(key), place === "session", place);
    await page.reload();
    screen = kiosk(page);
    await screen.begin();
    await screen.ask(QUESTION);
    assert.deepEqual([...new Set(said)], [key]);
    assert.ok(!relay.log().includes(key), "the log has no key");
    const other = await page.context().newPage();
    await other.goto(page.url());
    await other.locator("[part=away]").getByText(/asks for a device key/).waitFor();
    assert.deepEqual(page.errors, []);
  });

  test("may be another one after a reload: the newest counts", async () => {
    await open("", { hash: "#device=cwd_old" });
    await page.goto("about:blank");
    await page.goto(`${relay.origin}/kiosk?site=site_demo#device=${await fresh()}`);
    await kiosk(page).start.waitFor();
  });
});

describe("a key that is not taken", () => {
  for (const [name, hash, why] of [
    ["none", "", /this site asks for a device key: chinwag-relay device new makes one/],
    ["a wrong one", "#device=cwd_0123456789abcdef_wrong", /not known here, or was revoked .*chinwag-relay device new site_demo makes another/],
  ]) {
    test(`${name}: the screen says it, the console, and doctor()`, async () => {
      const screen = await open("", { hash });
      await refused(screen, why);
      await complained(why);
      assert.deepEqual(await violations(page), []);
      await eventually(() => page.evaluate(() => window.beats.at(-1)?.troubles.includes("relay")), "the watchdog hears it");
    });
  }

  test("one that is revoked in the middle of a visit: the visitor is told, then the screen", async () => {
    const key = await fresh();
    const [id] = (await relay.command("device", "list")).split("\n").at(-1).split(" ");
    const screen = await open("", { hash: `#device=${key}` });
    await screen.begin();
    await screen.ask(QUESTION);
    await relay.command("device", "revoke", id);
    await new Promise((resolve) => setTimeout(resolve, 6_000));
    await screen.input.fill(QUESTION);
    await page.keyboard.press("Enter");
    await eventually(() => screen.host.getByRole("log").getByText("not enabled for this page").isVisible(), "the visitor is told");
    const why = /not known here, or was revoked/;
    await complained(why);
    await screen.seconds(76);
    await screen.seconds(26);
    await refused(screen, why);
  });
});

describe("a page around the kiosk", () => {
  test("as the documentation has it hands the key over, and loads a silent kiosk anew", async () => {
    const [, section] = readFileSync(path.join(ROOT, "docs/kiosk.md"), "utf8").split("\n## A watchdog for the kiosk\n");
    const [, written] = /^```html\n([^]+?)^```$/m.exec(section);
    const key = await fresh();
    const filled = written.replaceAll("https://relay.example.com", relay.origin).replaceAll("site_hall", "site_demo").replaceAll("KEY", JSON.stringify(key));
    launcher.pages["/"] = { html: `<!doctype html><html lang="en"><title>Launcher</title><link rel="icon" href="data:,"><body>${filled}</body></html>` };
    await open("", { address: launcher.origin });
    const start = page.frameLocator("iframe").getByRole("button", { name: "Touch to start" });
    await start.waitFor();
    const frame = page.frames().at(1);
    await page.clock.runFor(70_000);
    assert.equal(page.frames().at(1), frame, "one that is heard is left alone");
    await start.waitFor();
    await frame.evaluate(() => location.replace("about:blank"));
    await start.waitFor({ state: "detached" });
    await page.clock.runFor(70_000);
    await eventually(() => start.isVisible(), "the kiosk is back");
  });

  /** A launcher which says the key when it is told to. */
  const around = (key, when) => `<!doctype html><html lang="en"><title>Launcher</title><link rel="icon" href="data:,">
    <body><iframe id="kiosk" title="Kiosk" width="1000" height="1800" allow="fullscreen; screen-wake-lock" src="${relay.origin}/kiosk?site=site_demo"></iframe>
    <script>
      const frame = document.getElementById("kiosk");
      window.beats = [];
      window.hand = (more) => frame.contentWindow.postMessage({ chinwag: "kiosk", ...more }, "${relay.origin}");
      addEventListener("message", ({ origin, data }) => {
        if (origin !== "${relay.origin}") return;
        if (data.chinwag === "kiosk:ready" && ${when === "at once"}) hand({ device: "${key}" });
        if (data.chinwag === "heartbeat") window.beats.push(data);
      });
    </script></body></html>`;

  async function framed(key, when) {
    launcher.pages["/"] = { html: around(key, when) };
    const screen = await open("", { address: launcher.origin });
    const host = page.frameLocator("iframe").locator("[data-chinwag]");
    return { ...screen, host, start: host.getByRole("button", { name: "Touch to start" }), away: host.locator("[part=away]") };
  }

  const inside = () => page.frames().at(1);

  test("hands the key over, hears the heart, and wipes", async () => {
    const key = await fresh();
    const screen = await framed(key, "at once");
    const said = exchanges();
    await screen.start.click();
    await screen.host.getByRole("textbox", { name: "Your message" }).fill(QUESTION);
    await page.keyboard.press("Enter");
    await eventually(() => screen.host.locator(".cw-reply[data-state=ended]").isVisible(), "the reply ends");
    assert.deepEqual([...new Set(said)], [key]);
    await page.evaluate(() => window.hand({ reset: true }));
    await screen.start.waitFor();
    assert.ok(await page.evaluate(() => window.beats.some(({ state }) => state === "visit")));
    assert.ok(!page.frames().some((frame) => frame.url().includes("cwd_")));
  });

  test("that hands it over late is waited for, and every visitor after the first has it too", async () => {
    const key = await fresh();
    const screen = await framed(key, "late");
    const why = /this site asks for a device key/;
    await eventually(() => screen.away.getByText(why).isVisible(), "the screen says what it lacks");
    await complained(why, inside());
    await page.evaluate((key) => window.hand({ device: key }), key);
    await screen.seconds(16);
    await eventually(() => screen.start.isVisible(), "the screen comes by itself");
    for (let visitor = 0; visitor < 2; visitor++) {
      await screen.start.click();
      await screen.host.getByRole("textbox", { name: "Your message" }).fill(QUESTION);
      await page.keyboard.press("Enter");
      await eventually(() => screen.host.locator(".cw-reply[data-state=ended]").isVisible(), "the reply ends");
      await page.evaluate(() => window.hand({ reset: true }));
      await screen.start.waitFor();
      // A fresh module takes over.
      await screen.seconds(5);
    }
    const { checks } = await inside().evaluate(() => window.chat.doctor());
    assert.equal(checks.find(({ name }) => name === "token").ok, true);
  });

  test("that is a stranger's is not listened to, and frames nothing", async () => {
    const stranger = await startSite();
    try {
      stranger.pages["/"] = { html: around(await fresh(), "at once") };
      await open("", { address: stranger.origin });
      await page.waitForTimeout(500);
      assert.equal(await page.frameLocator("iframe").locator("[data-chinwag]").count(), 0);
      assert.ok(page.errors.some((text) => text.includes("frame-ancestors")), page.errors.join("\n"));
    } finally {
      await stranger.stop();
    }
  });
});

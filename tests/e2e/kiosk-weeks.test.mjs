// A kiosk with nobody to look after it: networks, crashes, days, device keys, and
// what its operator got wrong.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import path from "node:path";
import { describe, test } from "node:test";

import { violations } from "./support/axe.mjs";
import { QUESTION, SECRET, eventually, filesWith, held, open, page, relay, setHall } from "./support/kiosk.mjs";
import { ROOT, startRelay } from "./support/relay.mjs";

setHall();

/** Spoils the module's memory, and has the page call it. */
async function crashed() {
  await page.evaluate(() => new Uint8Array(window.instances.map((known) => known.deref()).filter(Boolean).at(-1).exports.memory.buffer).fill(0xff));
  await page.evaluate(() => window.chat.focus());
}

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

  test("a network that is cut and comes back: the screen does, and what was asked meanwhile is answered", async () => {
    const screen = await open();
    await screen.start.waitFor();
    await page.context().setOffline(true);
    await screen.seconds(31);
    await screen.host.getByText("Back in a moment").waitFor();
    await page.context().setOffline(false);
    await screen.seconds(31);
    await eventually(() => screen.start.isVisible(), "the attract screen is back");
    await screen.begin();
    await screen.ask(QUESTION);
    await page.context().setOffline(true);
    await screen.input.fill("Which options are there?");
    await page.keyboard.press("Enter");
    await screen.seconds(5);
    await page.context().setOffline(false);
    await eventually(async () => (await screen.replies.count()) === 2, "the question that waited is answered");
    await screen.settle();
  });

  test("is loaded anew when a day is over and nobody is there, and not in the middle of a visit", async () => {
    let loads = 0;
    const screen = await open();
    page.on("load", () => loads++);
    await screen.begin();
    await screen.ask(QUESTION);
    await page.clock.fastForward(86_400_000);
    await screen.seconds(2);
    // Whoever is there is asked first.
    await screen.button("Continue").click();
    await screen.seconds(70);
    assert.equal(loads, 0, "somebody is there");
    await screen.button("Start over").click();
    await screen.seconds(76);
    await screen.attract.waitFor();
    await eventually(async () => {
      await screen.seconds(10);
      return loads > 0;
    }, "the page is loaded anew");
    await screen.start.waitFor();
    await page.waitForTimeout(500);
    assert.equal(loads, 1);
  });

  test("what crashes begins again by itself, without what was said", async () => {
    const screen = await open();
    await screen.begin();
    await screen.ask(`${QUESTION} ${SECRET}`);
    await crashed();
    await eventually(() => screen.start.isVisible(), "the kiosk begins again");
    for (const [place, text] of Object.entries(await held())) assert.ok(!text.includes(SECRET), place);
    await eventually(async () => (await filesWith(SECRET, relay.folder)).length === 0, "the relay forgets");
  });

  test("what crashes again and again is begun again later and later", async () => {
    const screen = await open();
    await screen.start.waitFor();
    const waits = [];
    for (let crash = 0; crash < 3; crash++) {
      await crashed();
      await screen.host.locator("[data-stage=stopped]").waitFor();
      const count = await page.evaluate(() => window.instances.length);
      const began = await page.evaluate(() => performance.now());
      await eventually(() => page.evaluate((count) => window.instances.length > count, count), "it begins again", 60_000);
      waits.push((await page.evaluate(() => performance.now())) - began);
      await eventually(() => screen.start.isVisible(), "the attract screen is back");
    }
    assert.ok(waits[0] >= 400 && waits[1] >= 1_900 && waits[2] >= 4_900, String(waits));
    assert.deepEqual(await page.evaluate(() => window.beats.some(({ state }) => state === "stopped")), true);
  });

  test("a watchdog hears its heart", async () => {
    const screen = await open();
    await screen.start.waitFor();
    await screen.seconds(16);
    await eventually(() => page.evaluate(() => window.beats.length > 2), "it beats");
    const beat = (await page.evaluate("beats")).at(-1);
    assert.deepEqual([beat.state, typeof beat.uptimeSeconds], ["attract", "number"]);
  });

  test("a device key for a site that has none is said, and no screen is blank", async () => {
    const screen = await open("", { hash: "#device=cwd_x" });
    await screen.host.locator("[part=away]").getByText("this site has no device keys: set devices in its [[site]]").waitFor();
  });

  test("the screen is kept on again whenever the browser let go of it", async () => {
    await open("", {
      prepare: () => {
        window.locks = [];
        const request = async () => {
          const lock = Object.assign(new EventTarget(), { released: false, release: async () => {} });
          window.locks.push(lock);
          return lock;
        };
        Object.defineProperty(navigator, "wakeLock", { value: { request } });
      },
    });
    const count = (wanted) => eventually(() => page.evaluate((wanted) => window.locks.length === wanted, wanted), `${wanted} wake locks`);
    await count(1);
    await page.evaluate(() => document.dispatchEvent(new Event("visibilitychange")));
    await page.clock.runFor(2_000);
    await count(1);
    await page.evaluate(() => {
      const [lock] = window.locks;
      lock.released = true;
      lock.dispatchEvent(new Event("release"));
    });
    await count(2);
    await page.evaluate(() => {
      window.locks.at(-1).released = true;
      document.dispatchEvent(new Event("visibilitychange"));
    });
    await count(3);
  });

  test("full screen that is refused is said, and the visit begins", async () => {
    const screen = await open("", {
      prepare: () => (Element.prototype.requestFullscreen = () => Promise.reject(new TypeError("Permissions check failed"))),
    });
    await screen.begin();
    await eventually(() => page.warnings.some((text) => /full screen was refused \(Permissions check failed\)\. Start it with --kiosk/.test(text)), "the console says it");
    const { checks } = await page.evaluate(() => window.chat.doctor());
    assert.equal(checks.find(({ name }) => name === "full screen").ok, false);
    await screen.ask(QUESTION);
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

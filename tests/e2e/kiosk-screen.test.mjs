// What a visitor of a kiosk sees and touches, and what is refused to them.

import assert from "node:assert/strict";
import { mkdtemp, readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, test } from "node:test";

import { violations } from "./support/axe.mjs";
import { QUESTION, eventually, open, page, setHall } from "./support/kiosk.mjs";
import { startRelay } from "./support/relay.mjs";

setHall();

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

  test("the warning is read out, and again when little time is left", async () => {
    const screen = await open();
    await screen.begin();
    await screen.ask(QUESTION);
    await screen.seconds(76);
    await screen.warning.waitFor();
    const described = await screen.warning.evaluate((dialog) => dialog.getRootNode().getElementById(dialog.getAttribute("aria-describedby")).textContent);
    assert.match(described, /^Everything is cleared in \d+ seconds\.$/);
    const said = () => page.evaluate(() => document.querySelector("[data-chinwag]").shadowRoot.querySelector("[aria-live=polite]").textContent);
    for (const left of [10, 5]) {
      await eventually(async () => {
        await screen.seconds(1);
        return (await said()).includes(`in ${left} seconds`);
      }, `${left} seconds are said`);
    }
  });

  for (const [width, height] of [[1080, 1920], [1920, 1080]]) {
    test(`what is pressed stands in the lower half of ${width} x ${height}, inside the screen`, async () => {
      const screen = await open("", { viewport: { width, height } });
      await screen.start.waitFor();
      const boxes = async (...parts) => {
        for (const part of parts) {
          const { x, y, width: across, height: down } = await screen.host.locator(part).first().boundingBox();
          assert.ok(y >= height / 2, `${part} at ${y}`);
          assert.ok(x >= 0 && x + across <= width && y + down <= height, `${part} is cut off`);
        }
      };
      await boxes("[part=start]");
      await screen.begin();
      await screen.ask(QUESTION);
      await boxes("[part=start-over]", ".cw-kiosk-bar button:nth-child(2)", ".cw-kiosk-bar button:nth-child(3)", ".cw-kiosk-bar button:nth-child(4)", "[part=input]", "[part=send]", ".cw-key");
      // Dark or light, and whatever else is drawn: there is room to read.
      const log = await screen.host.locator("[part=log]").boundingBox();
      assert.ok(log.height >= height / 4, `${log.height} px to read in`);
    });
  }

  test("larger text is larger, more contrast is more, and what is pressed keeps its place", async () => {
    const screen = await open();
    await screen.begin();
    await screen.ask(QUESTION);
    const looks = () =>
      page.evaluate(() => {
        const root = document.querySelector("[data-chinwag]").shadowRoot;
        const range = document.createRange();
        range.selectNodeContents(root.querySelector(".cw-reply .cw-prose > *"));
        const { color } = getComputedStyle(root.querySelector(".cw-subline, .cw-status, .cw-kiosk-button"));
        return { line: range.getClientRects()[0].height, color, bar: root.querySelector(".cw-kiosk-bar").getBoundingClientRect().bottom };
      });
    const before = await looks();
    await screen.button("Text size").click();
    const larger = await looks();
    await screen.button("Text size").click();
    const largest = await looks();
    assert.ok(larger.line > before.line * 1.15 && largest.line > larger.line * 1.15, JSON.stringify([before, larger, largest]));
    assert.equal(largest.bar, before.bar);
    await screen.button("Text size").click();
    assert.equal((await looks()).line, before.line);
    await screen.button("Contrast").click();
    assert.equal((await looks()).color, "rgb(0, 0, 0)");
  });

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

  test("no layer of any layout moves what stands above it", async () => {
    for (const locale of Object.keys(SENTENCES)) {
      const screen = await open(`&locale=${locale}`, { viewport: { width: 1920, height: 1080 }, reducedMotion: "reduce" });
      await screen.host.locator("[part=start]").click();
      await screen.host.locator(".cw-key").first().waitFor();
      const top = () => screen.host.locator("[part=input]").evaluate((field) => field.getBoundingClientRect().top);
      const first = await top();
      const wide = await screen.host.locator(".cw-key-wide").evaluateAll((keys) => keys.map((key) => key.getAttribute("aria-label")));
      for (const name of wide) {
        const key = screen.host.locator(`.cw-key-wide[aria-label=${JSON.stringify(name)}]`);
        if (!(await key.count()) || /Delete|Device|⌫/.test(name)) continue;
        await key.first().click();
        assert.ok(Math.abs((await top()) - first) < 1, `${locale}: ${name}: ${first}, then ${await top()}`);
      }
      await page.context().close();
    }
  });

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

  test("a link is a code that a phone reads, with the address below it", async () => {
    const folder = await mkdtemp(path.join(tmpdir(), "chinwag-harbour-"));
    const address = "https://harbour.example/map?from=hall&floor=2";
    await writeFile(path.join(folder, "map.md"), `# The map of the harbour\n\nThe map of the harbour shows every quay: [the map](${address}).\n`);
    const agent = `[agent.harbour]\nprovider = "docs"\npath = ${JSON.stringify(folder)}\n`;
    const own = await startRelay({ agent });
    try {
      const screen = await open("&links=qr", { origin: own.origin });
      await screen.begin();
      await screen.ask("Where is the map of the harbour?");
      await screen.host.getByRole("button", { name: "the map" }).click();
      const dialog = screen.host.getByRole("dialog", { name: "Take it along" });
      await dialog.locator("svg").waitFor();
      await dialog.getByText(address).waitFor();
      assert.equal(page.context().pages().length, 1);
      assert.equal(await read(await dialog.locator(".cw-code-place").screenshot()), address);
      await dialog.getByRole("button", { name: "Close" }).click();
      assert.equal(await dialog.count(), 0);
    } finally {
      await own.stop();
    }
  });
});

/** What a phone's camera would read in a picture. */
async function read(png) {
  const reader = await page.context().newPage();
  await reader.addScriptTag({ content: await readFile(createRequire(import.meta.url).resolve("jsqr"), "utf8") });
  return reader.evaluate(async (base64) => {
    const bitmap = await createImageBitmap(await (await fetch(`data:image/png;base64,${base64}`)).blob());
    const canvas = new OffscreenCanvas(bitmap.width, bitmap.height).getContext("2d");
    canvas.drawImage(bitmap, 0, 0);
    const { data, width, height } = canvas.getImageData(0, 0, bitmap.width, bitmap.height);
    return window.jsQR(data, width, height)?.data;
  }, png.toString("base64"));
}

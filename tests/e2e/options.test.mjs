// What a page may ask of the widget, and what it gets: place, words, looks and
// language, in a real browser. The handle is in modes.test.mjs.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";

import { ROOT } from "./support/relay.mjs";
import { chat, openPages, page, relay, setStage, site } from "./support/stage.mjs";

// More pages in a minute than one person opens.
const AGENT = `[agent.docs]
provider = "docs"
path = ${JSON.stringify(`${ROOT}docs`)}
name = "Docs"

[server.limits]
tokens_per_minute = 1000
tokens_burst = 1000
`;

setStage({ agent: AGENT });
openPages({ reducedMotion: "reduce" });

/** A page that loads the module; nothing is mounted yet. `html` stands in its body. */
async function visit(html = "", { lang = "en", head = "", headers = {} } = {}) {
  site.pages["/"] = { html: `<!doctype html><html lang="${lang}"><head><title>A page</title>${head}</head><body>${html}</body></html>`, headers };
  await page.goto(site.origin);
  await page.addScriptTag({ url: `${relay.origin}/chinwag.js` });
}

/** Mounts a widget and keeps its handle as `window.chat`. */
const init = (options) =>
  page.evaluate(async (options) => {
    window.chat = await window.Chinwag("init", { site: "site_demo", ...options });
  }, options);

const call = (method, ...given) => page.evaluate(([method, given]) => window.chat[method](...given), [method, given]);

/** What `init` or a method refuses with. */
const refusal = (run, given) =>
  page.evaluate(
    async ([run, given]) => {
      try {
        await (run === "init" ? window.Chinwag("init", { site: "site_demo", ...given }) : window.chat[run](...given));
      } catch (error) {
        return error.message;
      }
    },
    [run, given],
  );

const style = (locator, property) => locator.evaluate((element, property) => getComputedStyle(element).getPropertyValue(property), property);

describe("where it sits", () => {
  for (const [position, [x, y]] of Object.entries({
    "bottom-right": ["right", "bottom"],
    "bottom-left": ["left", "bottom"],
    "top-right": ["right", "top"],
    "top-left": ["left", "top"],
  })) {
    test(`launcher, teaser and panel stand in the ${position} corner, and a phone is filled`, async () => {
      await visit();
      await init({ position, offset: { x: 30, y: 40 }, teaser: { text: "Questions?", delayMs: 0 } });
      const gaps = async (locator) => {
        const box = await locator.boundingBox();
        const { width, height } = page.viewportSize();
        return { left: box.x, top: box.y, right: width - box.x - box.width, bottom: height - box.y - box.height };
      };
      const launcher = await gaps(chat.launcher);
      assert.deepEqual([launcher[x], launcher[y]], [30, 40]);
      await chat.part("teaser").waitFor();
      const teaser = await gaps(chat.part("teaser"));
      assert.equal(teaser[x], 30);
      assert.ok(teaser[y] > 40 + 56, "clear of the launcher");
      await chat.open();
      const panel = await gaps(chat.panel);
      assert.equal(panel[x], 30);
      assert.ok(panel[y] > 40 + 56, "clear of the launcher");
      await page.setViewportSize({ width: 360, height: 740 });
      await page.waitForFunction(() => {
        const box = document.querySelector("[data-chinwag]").shadowRoot.querySelector("[part=panel]").getBoundingClientRect();
        return box.x === 0 && box.y === 0 && box.width === 360 && box.height === 740;
      });
    });
  }

  test("inline it fills an element of the page, scrolls with it, and is no dialog", async () => {
    await visit('<div style="height:900px">Above</div><div id="place" style="height:500px;width:420px"></div>');
    await init({ mode: "inline", target: "#place" });
    const panel = chat.host.getByRole("region", { name: "Docs" });
    await panel.waitFor();
    const box = () => panel.evaluate((element) => { const { x, y, width, height } = element.getBoundingClientRect(); return { x, y, width, height }; });
    const before = await box();
    assert.deepEqual([before.width, before.height], [420, 500]);
    await page.evaluate(() => window.scrollTo(0, 300));
    assert.equal((await box()).y, before.y - 300);
    assert.equal(await chat.launcher.count(), 0);
    assert.equal(await chat.host.getByRole("button", { name: "Close chat" }).count(), 0);
    await chat.input.focus();
    await page.keyboard.press("Escape");
    await call("close");
    assert.equal(await call("isOpen"), true, "nothing could open it again");
    assert.equal(await chat.host.evaluate((host) => host.parentElement.id), "place");
  });

  test("inline in an element without a height it is as high as a panel, also on a phone", async () => {
    await page.setViewportSize({ width: 360, height: 740 });
    await visit('<p>Above</p><div id="place"></div>');
    await page.evaluate(async () => {
      window.chat = await Chinwag("init", { site: "site_demo", mode: "inline", target: document.getElementById("place"), theme: { tokens: { panelHeight: 400 } } });
    });
    const box = await chat.host.getByRole("region").boundingBox();
    assert.equal(box.height, 400);
    assert.ok(box.y > 20, "below what stands above it");
  });

  test("fullscreen it fills the window", async () => {
    await visit("<p>Below</p>");
    await init({ mode: "fullscreen" });
    await chat.panel.waitFor();
    assert.deepEqual(await chat.panel.boundingBox(), { x: 0, y: 0, width: 1280, height: 800 });
    assert.equal(await chat.panel.getAttribute("aria-modal"), "true");
  });

  test("a target that is not there is said, and an inline chat without one", async () => {
    await visit();
    assert.match(await refusal("init", { mode: "inline" }), /option "target" is missing/);
    assert.match(await refusal("init", { mode: "inline", target: "#nowhere" }), /option "target" must be an element of the page/);
  });

  test("an own button opens and closes it, also one that is drawn later, and gets the focus back", async () => {
    await visit("<button class='help'>Help</button>");
    await init({ launcher: { selector: ".help" } });
    assert.equal(await chat.launcher.isVisible(), false);
    await page.click(".help");
    await chat.panel.waitFor();
    await chat.input.focus();
    await page.keyboard.press("Escape");
    await chat.panel.waitFor({ state: "hidden" });
    assert.equal(await page.evaluate(() => document.activeElement.className), "help");
    await page.evaluate(() => document.body.insertAdjacentHTML("beforeend", "<button class='help' id='late'><b>More help</b></button>"));
    await page.click("#late b");
    await chat.panel.waitFor();
    assert.match(await refusal("init", { launcher: { selector: "a[" } }), /option "launcher.selector" must be a CSS selector/);
  });

  test("it opens by itself after a while, once", async () => {
    await visit();
    await init({ autoOpen: { delayMs: 50 } });
    await chat.panel.waitFor();
    await call("close");
    await visit();
    await init({ autoOpen: { delayMs: 50 } });
    await page.waitForTimeout(400);
    assert.equal(await call("isOpen"), false);
  });
});

describe("what it says", () => {
  test("a teaser opens the panel when pressed, and put away never comes again", async () => {
    await visit();
    await init({ teaser: { text: "Questions about beans?", delayMs: 10 } });
    await chat.host.getByRole("button", { name: "Questions about beans?" }).waitFor();
    await chat.host.getByRole("button", { name: "Dismiss" }).click();
    await chat.part("teaser").waitFor({ state: "detached" });
    await visit();
    await init({ teaser: { text: "Questions about beans?", delayMs: 10 } });
    await page.waitForTimeout(300);
    assert.equal(await chat.part("teaser").count(), 0);
    await page.evaluate(() => localStorage.clear());
    await visit();
    await init({ teaser: { text: "Questions about beans?", delayMs: 10 } });
    await chat.host.getByRole("button", { name: "Questions about beans?" }).click();
    await chat.panel.waitFor();
    assert.equal(await chat.part("teaser").count(), 0);
  });

  test("launcher and header show the page's own label and pictures", async () => {
    const pixel = "data:image/gif;base64,R0lGODlhAQABAAAAACw=";
    await visit();
    await init({ launcher: { icon: pixel, label: "Ask us" }, avatarUrl: pixel });
    await chat.host.getByRole("button", { name: "Ask us" }).click();
    await chat.panel.waitFor();
    assert.equal(await chat.launcher.locator("img").count(), 1);
    await call("update", { launcher: { label: "Ask them", icon: null } });
    assert.equal(await chat.launcher.locator("img").count(), 0);
  });

  test("any string can be the page's own, in the forms of the language", async () => {
    await visit();
    await init({ openByDefault: true, strings: { placeholder: "Ask away", send: "Off it goes" } });
    await chat.panel.waitFor();
    assert.equal(await chat.input.getAttribute("placeholder"), "Ask away");
    await chat.host.getByRole("button", { name: "Off it goes" }).waitFor();
    await call("update", { strings: { placeholder: "And now?" } });
    await page.waitForFunction(() => document.querySelector("[data-chinwag]").shadowRoot.querySelector("textarea").placeholder === "And now?");
  });
});

describe("languages", () => {
  const PLACEHOLDERS = {
    de: "Stellen Sie eine Frage",
    es: "Pregunte lo que quiera",
    fr: "Posez votre question",
    pt: "Pergunte o que quiser",
    ja: "何でも聞いてください",
    zh: "请输入您的问题",
    ar: "اسأل ما تشاء",
  };

  test("English fetches no language", async () => {
    const fetched = [];
    page.on("request", (request) => fetched.push(request.url()));
    await visit();
    await init({});
    assert.deepEqual(fetched.filter((url) => url.endsWith(".json")), []);
  });

  test("each language is spoken when it is asked for, and changes while the page runs", async () => {
    await visit();
    await init({ openByDefault: true });
    await chat.panel.waitFor();
    await chat.input.fill("half a question");
    await page.waitForTimeout(400);
    for (const [locale, placeholder] of Object.entries(PLACEHOLDERS)) {
      await call("setLocale", locale);
      const input = chat.part("input");
      assert.equal(await input.getAttribute("placeholder"), placeholder);
      assert.equal(await input.inputValue(), "half a question", "the draft stays");
      assert.equal(await chat.host.getAttribute("dir"), locale === "ar" ? "rtl" : "ltr");
      assert.equal(await style(chat.part("panel"), "direction"), locale === "ar" ? "rtl" : "ltr");
    }
    await call("setLocale", null);
    assert.equal(await chat.part("input").getAttribute("placeholder"), "Ask anything");
  });

  test("the page's own language is spoken unless it asks for another", async () => {
    await visit("", { lang: "de-AT" });
    await init({ openByDefault: true });
    await chat.part("input").waitFor();
    assert.equal(await chat.part("input").getAttribute("placeholder"), PLACEHOLDERS.de);
    await visit("", { lang: "de" });
    await init({ openByDefault: true, locale: "fr", dir: "rtl" });
    await chat.part("input").waitFor();
    assert.equal(await chat.part("input").getAttribute("placeholder"), PLACEHOLDERS.fr);
    assert.equal(await chat.host.getAttribute("dir"), "rtl", "dir wins over the language's own");
  });

  test("a language that does not arrive leaves English, and says so", async () => {
    await page.route(/chinwag-de-.*\.json$/, (route) => route.abort());
    await visit();
    await init({ locale: "de", openByDefault: true });
    await chat.input.waitFor();
    assert.ok(page.errors.some((error) => error.includes("chinwag:")));
  });

  test("numbers are written and counted in the language", async () => {
    await visit();
    await init({ locale: "de", openByDefault: true });
    await chat.part("input").fill("x".repeat(7_900));
    await chat.host.getByText("7.900 / 8.000").waitFor();
  });
});

describe("the look", () => {
  test("tokens, density and font are computed style, live, in both schemes", async () => {
    await visit();
    await init({ openByDefault: true, theme: { colorScheme: "light", font: "Georgia, serif", density: "compact", tokens: { surface1: { light: "#fffdf8", dark: "#101418" }, panelWidth: 420 } } });
    await chat.panel.waitFor();
    assert.equal(await style(chat.panel, "font-family"), "Georgia, serif");
    assert.equal((await chat.panel.boundingBox()).width, 420);
    assert.equal(await style(chat.panel, "background-color"), "rgb(255, 253, 248)");
    assert.equal(await style(chat.part("header"), "column-gap"), "9px", "one and a half times 6");
    await call("setTheme", { colorScheme: "dark" });
    assert.equal(await style(chat.panel, "background-color"), "rgb(16, 20, 24)");
    await call("setTheme", { tokens: { surface1: null, panelWidth: 500 } });
    assert.equal(await style(chat.panel, "background-color"), "rgb(22, 26, 25)");
    assert.equal((await chat.panel.boundingBox()).width, 500);
  });

  test("every token of the contract reaches the style of something that is seen", async () => {
    const { TOKENS } = await import("./support/tokens.mjs");
    await visit();
    await init({ openByDefault: true, theme: { colorScheme: "light" }, teaser: { text: "x", delayMs: 0 } });
    await chat.panel.waitFor();
    await chat.ask("How do I change the accent colour?");
    await chat.settle();
    await chat.input.fill("x".repeat(8_001));
    // What other states show is put there by the classes that their rules have.
    await chat.host.evaluate((host) => {
      for (const name of ["cw-keyword", "cw-string", "cw-comment", "cw-number", "cw-status", "cw-failure", "cw-cite"]) {
        const probe = document.createElement("span");
        probe.className = name;
        host.shadowRoot.querySelector(".cw-list").append(probe);
      }
    });
    for (const [token, value, dark] of TOKENS) {
      await call("setTheme", { colorScheme: dark ? "dark" : "light", tokens: null });
      const look = () =>
        chat.host.evaluate((host) => {
          const painted =
            "color background-color border-top-color border-top-left-radius outline-color box-shadow font-family font-size padding-top column-gap width height z-index transition-duration".split(" ");
          const looks = [];
          for (const element of [host, ...host.shadowRoot.querySelectorAll("*")]) {
            for (const pseudo of [null, "::before", "::after"]) {
              const style = getComputedStyle(element, pseudo);
              // Not the custom properties themselves: what is painted.
              looks.push(painted.map((name) => style.getPropertyValue(name)).join());
            }
          }
          return looks.join("\n");
        });
      // Only then do movements have a length; and only theirs is looked at.
      await page.emulateMedia({ reducedMotion: token === "motion" ? "no-preference" : "reduce" });
      const before = await look();
      await call("setTheme", { tokens: { [token]: value } });
      assert.notEqual(await look(), before, `theme.tokens.${token} changes nothing that is seen`);
    }
  });

  test("a page that declares a scheme is followed, also when it changes its mind", async () => {
    await page.emulateMedia({ colorScheme: "light" });
    await visit();
    await init({ openByDefault: true });
    await chat.panel.waitFor();
    const background = () => style(chat.panel, "background-color");
    assert.equal(await background(), "rgb(255, 255, 255)");
    await page.evaluate(() => (document.documentElement.style.colorScheme = "dark"));
    await page.waitForFunction(() => document.querySelector("[data-chinwag]").dataset.scheme === "dark");
    assert.equal(await background(), "rgb(22, 26, 25)");
    await page.evaluate(() => (document.documentElement.style.colorScheme = "light dark"));
    await page.waitForFunction(() => document.querySelector("[data-chinwag]").dataset.scheme === "auto");
    await page.emulateMedia({ colorScheme: "dark" });
    assert.equal(await background(), "rgb(22, 26, 25)", "where it leaves that open, the system is");
    await call("setTheme", { colorScheme: "light" });
    await page.evaluate(() => (document.documentElement.style.colorScheme = "dark"));
    await page.waitForTimeout(100);
    assert.equal(await background(), "rgb(255, 255, 255)", "what the page said to init counts more");
  });
});

describe("two on one page", () => {
  test("two widgets on one page speak and look apart", async () => {
    await visit("<div id='one' style='height:400px'></div><div id='two' style='height:400px'></div>");
    await page.evaluate(async () => {
      for (const [target, locale] of [["#one", "de"], ["#two", "ar"]]) {
        await Chinwag("init", { site: "site_demo", namespace: locale, mode: "inline", target, locale });
      }
    });
    const placeholders = await page.evaluate(() => [...document.querySelectorAll("[data-chinwag]")].map((host) => host.shadowRoot.querySelector("textarea").placeholder));
    assert.deepEqual(placeholders, ["Stellen Sie eine Frage", "اسأل ما تشاء"]);
  });
});

describe("doctor", () => {
  test("finds nothing where all is well", async () => {
    await visit();
    await init({});
    const report = await call("doctor");
    assert.equal(report.ok, true, report.text);
    assert.deepEqual(report.checks.map((check) => check.name), ["policy", "token", "clock", "storage", "place", "version"]);
  });

  test("names the policy, the origin, the clock, the storage and what lies above", async () => {
    await visit("<div id='wall' style='position:fixed;inset:0;z-index:2147483647'></div>");
    await init({});
    const said = async (name) => (await call("doctor")).checks.find((check) => check.name === name);
    assert.match((await said("place")).says, /div#wall of the page covers it \(z-index 2147483647\)/);
    await page.evaluate(() => document.getElementById("wall").remove());
    await page.evaluate(() => { Storage.prototype.setItem = () => { throw new DOMException("full", "QuotaExceededError"); }; });
    assert.match((await said("storage")).says, /localStorage cannot be written \(QuotaExceededError\)/);
    await page.evaluate(() => { const now = Date.now; Date.now = () => now() + 600_000; });
    assert.match((await said("clock")).says, /clock is 60\d s ahead/);
    await page.route("**/v1/token", (route) => route.fulfill({ status: 403, contentType: "application/json", headers: { "access-control-allow-origin": "*" }, body: '{"error":{"code":"origin_not_allowed","message":"no"}}' }));
    assert.match((await said("token")).says, /add that to "origins" of its \[\[site\]\]/);
    await page.unroute("**/v1/token");
    await page.route("**/v1/token", (route) => route.abort());
    assert.match((await said("token")).says, /could not be reached from this page/);
  });

  test("reads the policy of the page", async () => {
    const csp = (extra) => ({ "content-security-policy": `default-src 'self'; style-src 'self' 'unsafe-inline'; script-src 'self' 'unsafe-eval' ${relay.origin}; connect-src ${extra}` });
    await visit("", { headers: csp(`'self' ${relay.origin}`) });
    await init({});
    assert.equal((await call("doctor")).checks[0].ok, true);
    await visit("", { head: `<meta http-equiv="Content-Security-Policy" content="script-src 'unsafe-inline' 'unsafe-eval' ${relay.origin}; connect-src ${relay.origin} https://x.example">` });
    await init({});
    assert.equal((await call("doctor")).checks[0].ok, true);
  });
});

describe("the types name what there is:", () => {
  const types = readFileSync(path.join(process.env.CHINWAG_DIST ?? path.join(ROOT, "dist"), "npm/index.d.ts"), "utf8");
  const bare = types.replace(/\/\*[^]*?\*\//g, "");
  const names = (body) => [...body.matchAll(/(?:^|[;{])\s*(?:readonly )?"?([\w:]+)"?\??(?=[:(<])/gm)].map(([, name]) => name).sort();
  /** The members of an interface, each at the beginning of a line. */
  const members = (name) => {
    const [, body] = new RegExp(`interface ${name} \\{\\n([^]*?)\\n\\}`).exec(bare);
    return [...body.matchAll(/^  (?:readonly )?"?([\w:]+)"?\??(?=[:(<])/gm)].map(([, name]) => name).sort();
  };
  /** The members of an object that stands in the line of a member. */
  const within = (name) => names(new RegExp(`^  ${name}\\?: (?:\\w+ \\| )?(\\{[^}]*\\})`, "m").exec(bare)[1]);
  const tokens = () => {
    const body = bare.slice(bare.indexOf("type Tokens"), bare.indexOf("type Source"));
    return [...body.matchAll(/"(\w+)"/g)].map(([, name]) => name).sort();
  };
  /** What the widget says that it knows, when it is given something that it does not know. */
  const known = async (place) => {
    const wrong = place.split(".").reduceRight((inner, key) => (key ? { [key]: inner } : inner), { zzz: 1 });
    const said = await refusal("init", wrong);
    const [, list] = /Known here: ([\w, ]+)/.exec(said) ?? assert.fail(said);
    return list.split(", ").sort();
  };

  test("every option, and every member of one", async () => {
    await visit();
    // The JavaScript face takes it out before the module sees it.
    assert.deepEqual(members("Options").filter((name) => name !== "wasmUrl"), await known(""));
    for (const [place, name] of Object.entries({ theme: "Theme", launcher: "Launcher", kiosk: "Kiosk" })) {
      assert.deepEqual(members(name), await known(place), place);
    }
    for (const place of ["teaser", "autoOpen", "offset"]) assert.deepEqual(within(place), await known(place), place);
    assert.deepEqual(within("attract"), await known("kiosk.attract"));
    assert.deepEqual(tokens(), await known("theme.tokens"));
  });

  test("every method, event and reason", async () => {
    await visit();
    await init();
    assert.deepEqual(members("Chat"), await page.evaluate(() => Object.keys(window.chat).sort()));
    const [, events] = /There are: (.+)$/.exec(await refusal("on", ["zzz"]));
    assert.deepEqual(members("Events"), events.split(", ").sort());
    const [, reasons] = /type Reason =([^;]+);/.exec(bare);
    const documented = readFileSync(path.join(ROOT, "docs/handle.md"), "utf8").split("## Reasons of an error")[1].split("\n## ")[0];
    assert.deepEqual(
      [...reasons.matchAll(/"(\w+)"/g)].map(([, name]) => name).sort(),
      [...documented.matchAll(/^\| `(\w+)` \|/gm)].map(([, name]) => name).sort(),
    );
  });

  test("every check of doctor(), a kiosk's too", async () => {
    await visit();
    await init({ mode: "kiosk" });
    const checks = await page.evaluate(async () => (await window.chat.doctor()).checks.map(({ name }) => name).sort());
    const [, list] = /type Check =([^;]+);/.exec(bare);
    assert.deepEqual([...list.matchAll(/"([\w ]+)"/g)].map(([, name]) => name).sort(), checks);
  });
});

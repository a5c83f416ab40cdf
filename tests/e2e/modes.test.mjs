// The handle, the same in the page and in a frame of the relay's; and what only
// the frame has to prove: who may frame it, and whom it listens to.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { after, describe, test } from "node:test";

import { widget } from "./support/browser.mjs";
import { startSite } from "./support/host.mjs";
import { ROOT } from "./support/relay.mjs";
import { openPages, page, relay, setStage, site } from "./support/stage.mjs";

const QUESTION = "How do I change the accent colour?";

let stranger;

/** The policy that the documentation gives to paste, for this relay. */
function documented(mode) {
  const [, section] = readFileSync(path.join(ROOT, "docs/embedding.md"), "utf8").split(
    mode === "frame" ? "\n## Frame, for pages that refuse WebAssembly\n" : "\n## Content-Security-Policy header\n",
  );
  const [, policy] = /^```http\nContent-Security-Policy: (.+)\n```$/m.exec(section);
  return policy.replaceAll("https://relay.example.com", relay.origin);
}

setStage({
  async prepare() {
    stranger = await startSite();
    const html = `<!doctype html><html lang="en"><title>Host</title><body><script src="${relay.origin}/chinwag.js"></script>`;
    for (const mode of ["launcher", "frame"]) {
      // What the documentation says that each mode needs, and nothing more.
      const policy = `default-src 'none'; ${documented(mode)}; require-trusted-types-for 'script'; trusted-types 'none'`;
      site.pages[`/${mode}`] = { html, headers: { "content-security-policy": policy } };
    }
    stranger.pages["/"] = { html };
  },
});
openPages();

after(async () => {
  await stranger?.stop();
});

for (const mode of ["launcher", "frame"]) {
  describe(`the handle in mode "${mode}"`, () => {
    /** The widget itself, wherever it runs. */
    const inside = () => (mode === "frame" ? page.frameLocator("iframe") : page);
    const panel = () => inside().getByRole("dialog");
    const chat = () => widget({ locator: (selector) => inside().locator(selector), keyboard: page.keyboard });
    const launcher = () => page.locator("[data-chinwag] [part~=launcher]").first();
    const call = (method, ...given) => page.evaluate(([method, given]) => window.chat[method](...given), [method, given]);
    const refusal = (method, given) => call(method, ...given).then(() => "none", (error) => error.message);
    /** Runs in the document that the widget is in. */
    const there = (work, ...given) => page.frames().at(mode === "frame" ? 1 : 0).evaluate(work, ...given);
    const isInComposer = () => there(() => document.activeElement.shadowRoot?.activeElement?.tagName === "TEXTAREA");
    const until = async (holds) => {
      for (let left = 500; !(await holds()); left--) {
        assert.ok(left, `still not so: ${holds}`);
        await page.waitForTimeout(20);
      }
    };
    const heard = () => page.evaluate("heard");

    async function begin(options = {}, prepare = "") {
      await page.goto(`${site.origin}/${mode}`);
      await page.evaluate(
        async ([options, prepare]) => {
          window.heard = [];
          // Under this page's policy a text cannot become a function: what has to run is chosen by name.
          if (prepare === "tools") {
            options.tools = { colour: { description: "x", handler: () => "teal" } };
          }
          window.chat = await window.Chinwag.init(options);
          for (const name of ["open", "close", "message:sent", "message:received", "response:start", "response:end"]) {
            window.chat.on(name, (detail) => window.heard.push([name, detail.text ?? ""]));
          }
        },
        [{ site: "site_demo", ...(mode === "frame" && { mode }), ...options }, prepare],
      );
    }

    const settled = () => page.waitForFunction(() => window.heard.some(([name]) => name === "response:end"));

    test("answers under the header of the documentation exactly as it stands there", async () => {
      const tag = `<script src="${relay.origin}/chinwag.js" data-site="site_demo" ${mode === "frame" ? 'data-mode="frame"' : ""} async></script>`;
      site.pages["/pasted"] = {
        html: `<!doctype html><html lang="en"><title>Host</title><link rel="icon" href="data:,"><body>${tag}</body></html>`,
        headers: { "content-security-policy": documented(mode) },
      };
      await page.goto(`${site.origin}/pasted`);
      await launcher().click();
      await panel().waitFor();
      await chat().ask(QUESTION);
      await chat().sources.first().waitFor();
      assert.deepEqual(page.errors, []);
    });

    test("opens, closes and turns over, and says which it is", async () => {
      await begin();
      assert.equal(await page.evaluate(() => window.chat.isOpen()), false);
      await page.evaluate(() => window.chat.open());
      await panel().waitFor();
      assert.equal(await page.evaluate(() => window.chat.isOpen()), true);
      await page.evaluate(() => window.chat.toggle());
      await panel().waitFor({ state: "hidden" });
      assert.equal(await page.evaluate(() => window.chat.isOpen()), false);
      assert.deepEqual(await heard(), [["open", ""], ["close", ""]]);
      assert.deepEqual(page.errors, []);
    });

    test("is opened by its launcher, and closed by its button", async () => {
      await begin();
      await page.locator("[data-chinwag] [part~=launcher]").click();
      await panel().waitFor();
      await panel().getByRole("button", { name: "Close", exact: false }).first().click();
      await panel().waitFor({ state: "hidden" });
      assert.equal(await page.evaluate(() => window.chat.isOpen()), false);
    });

    test("sends, tells of the reply, and has the transcript", async () => {
      await begin();
      await page.evaluate((text) => window.chat.send(text), QUESTION);
      await settled();
      const names = (await heard()).map(([name]) => name).filter((name) => name !== "open");
      assert.equal(names[0], "message:sent");
      assert.equal(names[1], "response:start");
      assert.deepEqual(names.slice(2).sort(), ["message:received", "response:end"]);
      assert.deepEqual((await heard()).find(([name]) => name === "message:sent"), ["message:sent", QUESTION]);
      assert.match(await page.evaluate(() => window.chat.transcript()), /How do I change the accent colour\?[^]*accent/);
      assert.match(await page.evaluate(() => JSON.stringify(JSON.parse(window.chat.transcript("json")))), /accent colour/);
      assert.equal(await page.evaluate(() => { try { return window.chat.transcript("pdf"); } catch (error) { return "threw"; } }), "threw");
      assert.deepEqual(page.errors, []);
    });

    test("lets before:send change a message, wait, and hold it back", async () => {
      await begin();
      await page.evaluate((question) => {
        window.chat.on("before:send", async (detail, event) => {
          if (detail.text === "secret") return event.preventDefault();
          await new Promise((resolve) => setTimeout(resolve, 50));
          detail.text = question;
          return undefined;
        });
        window.chat.on("before:send", (detail, event) => detail.text === "secret" && event.preventDefault());
      }, QUESTION);
      await page.evaluate(() => window.chat.send("secret"));
      await page.waitForTimeout(200);
      assert.deepEqual((await heard()).filter(([name]) => name === "message:sent"), []);
      await page.evaluate(() => window.chat.send("anything"));
      await settled();
      assert.deepEqual((await heard()).filter(([name]) => name === "message:sent"), [["message:sent", QUESTION]]);
    });

    test("merges changed options, and says what is wrong with one", async () => {
      await begin({ title: "First", theme: { accent: "#123456" } });
      await page.evaluate(() => window.chat.open());
      await panel().getByText("First").first().waitFor();
      await page.evaluate(() => window.chat.update({ title: "Second", theme: { accent: "#aa0000" } }));
      await panel().getByText("Second").first().waitFor();
      await page.waitForFunction(() => {
        const launcher = document.querySelector("[data-chinwag]").shadowRoot.querySelector("[part~=launcher]");
        return getComputedStyle(launcher).backgroundColor === "rgb(170, 0, 0)";
      });
      const said = await page.evaluate(async () => {
        try {
          await window.chat.update({ colour: "red" });
        } catch (error) {
          return error.message;
        }
      });
      assert.match(said, /colour/);
      const empty = await page.evaluate(async () => { try { await window.chat.send(""); } catch (error) { return error.message; } });
      assert.match(empty, /1 to 8000/);
    });

    test("refuses a wrong option of init with its name", async () => {
      await page.goto(`${site.origin}/${mode}`);
      const said = await page.evaluate(
        (mode) => window.Chinwag.init({ site: "site_demo", position: "middle", ...(mode === "frame" && { mode }) }).catch((error) => error.message),
        mode,
      );
      assert.match(said, /position/);
    });

    test("takes functions of the page as tools, and gives them back", async () => {
      await begin({}, "tools");
      await page.evaluate(() => {
        const forget = window.chat.registerTools({ other: { description: "y", handler: () => 1 } });
        forget();
      });
      assert.deepEqual(page.errors, []);
    });

    test("writes into the composer and takes the focus there", async () => {
      await begin();
      await page.evaluate(() => {
        const button = document.createElement("button");
        button.id = "elsewhere";
        document.body.append(button);
      });
      await call("setInput", "Where is my order?");
      await call("focus");
      await panel().waitFor();
      assert.equal(await chat().input.inputValue(), "Where is my order?");
      await until(isInComposer);
      await page.focus("#elsewhere");
      await call("setInput", "And when?");
      assert.equal(await chat().input.inputValue(), "And when?");
      await call("focus");
      await until(isInComposer);
      await until(() => page.evaluate(() => document.activeElement === window.chat.element));
      assert.match(await refusal("setInput", ["x".repeat(8001)]), /at most 8000 characters, not 8001/);
    });

    test("hides all of it and shows it again", async () => {
      await begin();
      await call("hide");
      assert.equal(await launcher().isVisible(), false);
      await call("show");
      assert.equal(await launcher().isVisible(), true);
    });

    test("clears, comes back to a conversation, and forgets the visitor", async () => {
      await begin({ openByDefault: true });
      await panel().waitFor();
      await page.evaluate(() => window.chat.on("conversation:change", ({ id }) => (window.conversation = id)));
      await chat().ask(QUESTION);
      await chat().sources.first().waitFor();
      await chat().settle();
      const id = await page.evaluate(() => window.conversation);
      await call("clear");
      assert.equal(await chat().part("bubble").count(), 0);
      await call("setConversation", id);
      await chat().part("bubble").waitFor();
      assert.match(await refusal("setConversation", ["a b"]), /takes an id/);
      await call("newConversation");
      assert.equal(await chat().part("bubble").count(), 0);
      await call("reset");
      const kept = await there(() => localStorage.getItem("cw:site_demo") ?? "");
      assert.doesNotMatch(kept, /visitor|conversation/);
    });

    test("stops the reply that runs", async () => {
      await begin({ openByDefault: true });
      await page.evaluate(() => window.chat.on("response:start", () => window.chat.stop()));
      await page.evaluate(() => window.chat.on("response:stopped", () => (window.wasStopped = true)));
      await call("send", QUESTION);
      await page.waitForFunction(() => window.wasStopped);
    });

    test("speaks another language, and other words", async () => {
      await begin({ openByDefault: true });
      await panel().waitFor();
      await call("setLocale", "de");
      await until(async () => (await chat().part("input").getAttribute("placeholder")) === "Stellen Sie eine Frage");
      await call("update", { strings: { placeholder: "Nur zu" } });
      await until(async () => (await chat().part("input").getAttribute("placeholder")) === "Nur zu");
    });

    test("its launcher has the page's place, label and picture, and another when asked", async () => {
      const pixel = "data:image/gif;base64,R0lGODlhAQABAAAAACw=";
      await begin({ position: "top-left", offset: 30, launcher: { icon: pixel, label: "Ask us" }, theme: { colorScheme: "dark" } });
      const box = await launcher().boundingBox();
      assert.deepEqual([box.x, box.y], [30, 30]);
      assert.equal(await launcher().getAttribute("aria-label"), "Ask us");
      assert.equal(await launcher().locator("img").count(), 1);
      assert.equal(await page.locator("[data-chinwag]").first().getAttribute("data-scheme"), "dark");
      await call("update", { position: "bottom-left", offset: null, launcher: { label: "Ask them", icon: null } });
      assert.equal(await launcher().getAttribute("aria-label"), "Ask them");
      assert.equal(await launcher().locator("img").count(), 0);
      const moved = await launcher().boundingBox();
      assert.deepEqual([moved.x, 800 - moved.y - moved.height], [24, 24]);
    });

    test("is opened and closed by a button of the page's own, in place of its launcher", async () => {
      await begin({ launcher: { selector: "#help" } });
      assert.equal(await launcher().isVisible(), false);
      await page.evaluate(() => {
        const button = document.createElement("button");
        button.id = "help";
        button.textContent = "Help";
        document.body.append(button);
      });
      await page.click("#help");
      await panel().waitFor();
      await page.click("#help");
      await panel().waitFor({ state: "hidden" });
    });

    test("says that there is no such event, and calls a late listener of ready", async () => {
      await begin();
      assert.match(await refusal("on", ["mesage:sent"]), /there is no event "mesage:sent"/);
      assert.ok(await page.evaluate(() => new Promise((resolve) => window.chat.once("ready", () => resolve(true)))));
    });

    test("carries out in order what was called before it had loaded", async () => {
      site.pages["/early"] = { html: "<!doctype html><html lang='en'><title>A page</title><body></body></html>" };
      await page.goto(`${site.origin}/early`);
      await page.evaluate(
        ([origin, options]) => {
          window.Chinwag = function () { (window.Chinwag.q = window.Chinwag.q || []).push(arguments); };
          window.Chinwag("init", options);
          window.Chinwag("setInput", "first");
          window.Chinwag("open");
          window.Chinwag("setInput", "second");
          const script = document.createElement("script");
          script.src = `${origin}/chinwag.js`;
          document.head.append(script);
        },
        [relay.origin, { site: "site_demo", ...(mode === "frame" && { mode }) }],
      );
      await panel().waitFor();
      await until(async () => (await chat().input.inputValue()) === "second");
    });

    test("looks for what is wrong, and answers in words", async () => {
      await begin();
      const report = await call("doctor");
      assert.deepEqual(report.checks.map((check) => check.name), ["policy", "token", "clock", "storage", "place", "version"]);
    });

    test("does nothing after destroy, whatever is called, and a second destroy too", async () => {
      await begin();
      await call("destroy");
      assert.equal(await page.locator("[data-chinwag]").count(), 0);
      for (const [method, ...given] of [["open"], ["send", "x"], ["setInput", "x"], ["focus"], ["update", { title: "x" }], ["setTheme", {}], ["clear"], ["reset"], ["show"], ["hide"], ["stop"], ["newConversation"], ["setConversation", "c1"], ["destroy"]]) {
        assert.equal(await call(method, ...given), undefined, method);
      }
      assert.equal(await call("isOpen"), false);
      await call("setLocale", "de");
      assert.equal(await page.evaluate(() => window.chat.on("open", () => {})()), undefined);
      assert.deepEqual(page.errors, []);
    });

    test("leaves nothing behind after destroy, and then does nothing", async () => {
      await begin();
      await page.evaluate(() => {
        window.chat.destroy();
        window.chat.open();
        return window.chat.destroy();
      });
      assert.equal(await page.locator("[data-chinwag], iframe").count(), 0);
      assert.deepEqual(page.errors, []);
    });
  });
}

describe("the frame", () => {
  test("may be framed by pages of the site and by no other", async () => {
    const answer = await fetch(`${relay.origin}/frame?site=site_demo`);
    const policy = answer.headers.get("content-security-policy");
    const ancestors = /frame-ancestors ([^;]*)/.exec(policy)[1].split(" ");
    assert.ok(ancestors.includes(site.origin) && !ancestors.includes(stranger.origin), policy);
    assert.match(policy, /default-src 'none'.*require-trusted-types-for 'script'/);
    await page.goto(stranger.origin);
    const outcome = await page.evaluate(async () => {
      const pending = window.Chinwag.init({ site: "site_demo", mode: "frame" });
      return Promise.race([pending.then(() => "began", () => "refused"), new Promise((resolve) => setTimeout(resolve, 3_000, "silent"))]);
    });
    assert.notEqual(outcome, "began");
    assert.ok(page.errors.some((line) => /frame-ancestors/.test(line)), page.errors.join("\n"));
  });

  test("is not there for a site that the relay does not know", async () => {
    for (const query of ["", "?site=site_other", "?site=%22%3E"]) {
      assert.equal((await fetch(`${relay.origin}/frame${query}`)).status, 404, query);
    }
  });

  test("does not listen to another window of an allowed origin, nor to a greeting of another shape", async () => {
    site.pages["/poke"] = {
      html: `<!doctype html><html lang="en"><title>Host</title><body><iframe title="Chat" src="${relay.origin}/frame?site=site_demo"></iframe><iframe title="Other" src="/bare"></iframe>`,
    };
    site.pages["/bare"] = { html: "<!doctype html><title>Bare</title>" };
    await page.goto(`${site.origin}/poke`);
    const answers = await page.evaluate(async (relay) => {
      const [chat, other] = document.querySelectorAll("iframe");
      const options = { site: "site_demo", relay };
      const greet = (message, patience = 1_500) => {
        const { port1, port2 } = new MessageChannel();
        const answered = new Promise((resolve) => {
          port1.onmessage = () => resolve(true);
          setTimeout(resolve, patience, false);
        });
        return { port2, message, answered };
      };
      // A sibling of the same origin as the page.
      const sibling = greet({ chinwag: "frame", id: 1, events: [], options });
      const script = other.contentDocument.createElement("script");
      script.textContent = "addEventListener('message', ({ data, ports }) => parent.frames[0].postMessage(data.message, data.relay, ports))";
      other.contentDocument.body.append(script);
      other.contentWindow.postMessage({ message: sibling.message, relay }, location.origin, [sibling.port2]);
      const misshapen = greet({ chinwag: "hello", id: 1, events: [], options });
      chat.contentWindow.postMessage(misshapen.message, relay, [misshapen.port2]);
      const refused = [await sibling.answered, await misshapen.answered];
      const right = greet({ chinwag: "frame", id: 1, events: [], options }, 20_000);
      chat.contentWindow.postMessage(right.message, relay, [right.port2]);
      return [...refused, await right.answered];
    }, relay.origin);
    assert.deepEqual(answers, [false, false, true]);
  });
});

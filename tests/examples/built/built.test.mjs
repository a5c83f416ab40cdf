// The examples that a bundler builds: installed from the package as it would be
// published, built by their own command, driven in Chromium.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, test } from "node:test";

import { chat, openPages, page, relay, setStage, site } from "../../e2e/support/stage.mjs";
import { EXAMPLES, PACKAGE, startExamples } from "../support/example.mjs";

const QUESTION = "How do I change the accent colour?";

/** What a build by hand leaves in an example's folder. */
const GENERATED = /[\\/](node_modules|dist|out|\.next|package-lock\.json)$/;

let place;

setStage({
  startSite: startExamples,
  prepare() {
    place = mkdtempSync(path.join(tmpdir(), "chinwag-examples-"));
    site.relay = relay.origin;
  },
});
openPages();

after(() => rmSync(place, { recursive: true, force: true }));

/**
 * Installs and builds a copy of an example, and opens the page that came of it.
 * A copy, because npm keeps a package of a folder that it has installed once, and
 * because bundlers look for lock files above the folder, as the checkout's own.
 */
async function built(example, folder) {
  const cwd = path.join(place, example);
  cpSync(path.join(EXAMPLES, example), cwd, { recursive: true, filter: (from) => !GENERATED.test(from) });
  const manifest = path.join(cwd, "package.json");
  const ours = "file:../../dist/npm";
  const text = readFileSync(manifest, "utf8");
  assert.ok(text.includes(ours), `${example} takes the package from this checkout`);
  writeFileSync(manifest, text.replace(ours, `file:${PACKAGE.replaceAll("\\", "/")}`));
  const npm = (...given) =>
    execFileSync("npm", [...given, "--no-audit", "--no-fund", "--loglevel=error"], {
      cwd,
      stdio: ["ignore", "inherit", "inherit"],
      env: { ...process.env, NEXT_TELEMETRY_DISABLED: "1" },
      shell: process.platform === "win32",
    });
  npm("install");
  npm("run", "build");
  site.folder = path.join(cwd, folder);
  await page.goto(`${site.origin}/`);
}

async function answers() {
  await chat.ask(QUESTION);
  await chat.sources.first().waitFor();
  await chat.settle();
  assert.deepEqual(page.errors, []);
}

test("vite-react: the component in StrictMode, opened by the page's button", async () => {
  await built("vite-react", "dist");
  await chat.launcher.waitFor();
  assert.equal(await chat.host.count(), 1);
  await page.getByRole("button", { name: "Help" }).click();
  await answers();
  await page.getByText("1 messages sent.").waitFor();
});

test("webpack: the files of the package become files of the build", async () => {
  await built("webpack", ".");
  await chat.launcher.waitFor();
  await page.getByRole("button", { name: "Help" }).click();
  await answers();
});

test("next: rendered on a server, and kept while the pages change", async () => {
  await built("next", "out");
  await chat.open();
  await answers();
  await page.getByRole("link", { name: "About" }).click();
  await page.getByRole("heading", { name: "About" }).waitFor();
  assert.equal(await chat.log.getByText(QUESTION, { exact: true }).isVisible(), true);
});

// The package as npm would publish it: its list of files, its face, its types.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, symlinkSync, mkdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";

const checkout = fileURLToPath(new URL("../../", import.meta.url));
const folder = join(process.env.CHINWAG_DIST ?? join(checkout, "dist"), "npm");
let project;

before(() => {
  project = mkdtempSync(join(tmpdir(), "chinwag-package-"));
  mkdirSync(join(project, "node_modules"));
  symlinkSync(folder, join(project, "node_modules", "chinwag"), "junction");
  writeFileSync(join(project, "package.json"), '{"type":"module"}');
});

after(() => rmSync(project, { recursive: true, force: true }));

test("the package holds its files and nothing else", () => {
  const answer = execFileSync("npm", ["pack", "--dry-run", "--json", "--loglevel=error"], {
    cwd: folder,
    encoding: "utf8",
    shell: process.platform === "win32",
  });
  const [listing] = Object.values(JSON.parse(answer));
  assert.deepEqual(listing.files.map((file) => file.path).sort(), [
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "README.md",
    "chinwag.css",
    "chinwag.wasm",
    "doctor.js",
    "index.d.ts",
    "index.js",
    "loader.js",
    "locales/ar.json",
    "locales/de.json",
    "locales/es.json",
    "locales/fr.json",
    "locales/ja.json",
    "locales/pt.json",
    "locales/zh.json",
    "package.json",
    "sound.js",
  ]);
});

test("the package has no dependencies and the version of the workspace", () => {
  const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  for (const kind of ["dependencies", "peerDependencies", "optionalDependencies"]) {
    assert.equal(manifest[kind], undefined, kind);
  }
  const version = /\[workspace\.package\]\s+version = "([^"]+)"/.exec(readFileSync(join(checkout, "Cargo.toml"), "utf8"))[1];
  assert.equal(manifest.version, version);
});

test("importing it touches no DOM: a server may do so", () => {
  const script = `
    const face = await import("chinwag");
    if (typeof face.init !== "function") throw new Error("no init");
    console.log(Object.keys(face).join());
  `;
  const printed = execFileSync(process.execPath, ["--input-type=module", "-e", script], { cwd: project, encoding: "utf8" });
  assert.equal(printed.trim(), "init");
});

test("every export resolves to a file", () => {
  const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  for (const [name, target] of Object.entries(manifest.exports)) {
    for (const file of typeof target === "string" ? [target] : Object.values(target)) {
      assert.ok(readFileSync(join(folder, file)).length > 0, `${name} is empty`);
    }
  }
});

test("the types accept what the documentation shows, and refuse what it forbids", () => {
  writeFileSync(
    join(project, "usage.ts"),
    `import { init, type Chat } from "chinwag";
const chat: Chat = await init({ site: "site_demo", theme: { accent: "#0b7a75", colorScheme: "auto" }, position: "bottom-left" });
const off = chat.on("message:sent", ({ id, text }) => console.log(id.length + text.length));
off();
chat.update({ theme: { colorScheme: "dark", tokens: { surface1: { light: "#fff", dark: "#000" }, panelWidth: 420, z: null } } });
chat.setTheme({ density: "compact" });
const found: string = (await chat.doctor()).text;
await init({ site: "site_demo", mode: "inline", target: "#chat", locale: "de", launcher: { selector: "#help" }, teaser: { text: found } });
// @ts-expect-error a length is a number
chat.setTheme({ tokens: { panelWidth: "420px" } });
// @ts-expect-error a mode that does not exist
await init({ site: "site_demo", mode: "popup" });
// @ts-expect-error an unknown option
await init({ site: "site_demo", colour: "red" });
// @ts-expect-error a corner that does not exist
await init({ site: "site_demo", position: "middle" });
// @ts-expect-error an event that does not exist
chat.on("opened", () => {});
// @ts-expect-error no site
await init({});
`,
  );
  writeFileSync(
    join(project, "tsconfig.json"),
    JSON.stringify({
      compilerOptions: { strict: true, noEmit: true, module: "nodenext", target: "es2022", lib: ["es2022", "dom"], types: [] },
      files: ["usage.ts"],
    }),
  );
  const tsc = join(checkout, "node_modules", "typescript", "bin", "tsc");
  try {
    execFileSync(process.execPath, [tsc, "-p", project], { encoding: "utf8" });
  } catch (error) {
    assert.fail(error.stdout || String(error));
  }
});

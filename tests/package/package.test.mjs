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
  for (const name of ["react", "react-dom", "scheduler", "@types", "csstype"]) {
    symlinkSync(join(checkout, "node_modules", name), join(project, "node_modules", name), "junction");
  }
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
    "THIRD-PARTY-NOTICES.txt",
    "chinwag-answer.css",
    "chinwag-drawer.wasm",
    "chinwag-file.wasm",
    "chinwag-kiosk.wasm",
    "chinwag-past.wasm",
    "chinwag-rating.wasm",
    "chinwag-reply.wasm",
    "chinwag-setting.wasm",
    "chinwag.css",
    "chinwag.wasm",
    "doctor.js",
    "element.d.ts",
    "element.js",
    "frame.js",
    "index.d.ts",
    "index.js",
    "inline.d.ts",
    "inline.js",
    "keyboard.js",
    "kiosk.js",
    "loader.js",
    "locales/ar.json",
    "locales/de.json",
    "locales/es.json",
    "locales/fr.json",
    "locales/ja.json",
    "locales/pt.json",
    "locales/zh.json",
    "names.js",
    "package.json",
    "qr.js",
    "react.d.ts",
    "react.js",
    "sound.js",
    "upload.js",
  ]);
});

test("the notices name what is linked into the module and bundled into the scripts", () => {
  const notices = readFileSync(join(folder, "THIRD-PARTY-NOTICES.txt"), "utf8");
  const named = [...notices.matchAll(/^([\w.-]+) [\d.]+[^:\n]*: .+$/gm)].map(([, name]) => name);
  for (const name of ["leptos", "wasm-bindgen", "web-sys", "uqr"]) assert.ok(named.includes(name), `${name} of ${named}`);
  for (const name of ["tokio", "axum", "esbuild", "chinwag"]) assert.ok(!named.includes(name), name);
  assert.match(notices, /Anthony Fu/);
});

test("the package has no dependencies and the version of the workspace", () => {
  const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  for (const kind of ["dependencies", "optionalDependencies", "scripts"]) {
    assert.equal(manifest[kind], undefined, kind);
  }
  for (const name in manifest.peerDependencies) {
    assert.equal(manifest.peerDependenciesMeta[name]?.optional, true, `${name} is for ./react alone`);
  }
  const version = /\[workspace\.package\]\s+version = "([^"]+)"/.exec(readFileSync(join(checkout, "Cargo.toml"), "utf8"))[1];
  assert.equal(manifest.version, version);
});

for (const [entry, names] of [
  ["chinwag", "init"],
  ["chinwag/inline", "init"],
  ["chinwag/element", "ChinwagChat,init"],
  ["chinwag/react", "Chat,useChinwag"],
]) {
  test(`importing ${entry} touches no DOM: a server may do so`, () => {
    const script = `console.log(Object.keys(await import("${entry}")).join())`;
    const printed = execFileSync(process.execPath, ["--preserve-symlinks", "--input-type=module", "-e", script], {
      cwd: project,
      encoding: "utf8",
    });
    assert.equal(printed.trim(), names);
  });
}

test("the component renders to nothing on a server, or to its place", () => {
  const script = `
    import { createElement as make } from "react";
    import { renderToString } from "react-dom/server";
    import { Chat } from "chinwag/react";
    console.log(JSON.stringify([renderToString(make(Chat, { site: "site_a" })), renderToString(make(Chat, { site: "site_a", mode: "inline", className: "c" }))]));
  `;
  const printed = execFileSync(process.execPath, ["--preserve-symlinks", "--input-type=module", "-e", script], {
    cwd: project,
    encoding: "utf8",
  });
  assert.deepEqual(JSON.parse(printed), ["", '<div class="c"></div>']);
});

/** The members of an interface, as they stand in its text. */
function members(name) {
  const text = readFileSync(join(folder, "index.d.ts"), "utf8");
  const body = new RegExp(`interface ${name} \\{\\n([^]*?)\\n\\}`).exec(text)[1].replace(/\/\*[^]*?\*\//g, "");
  return [...body.matchAll(/^  (?:readonly )?"?([\w:]+)"?(?=[?:(<])/gm)].map((found) => found[1]);
}

test("the entries know every option, event and method that the types name", async () => {
  const known = await import(join(folder, "names.js"));
  const lacking = (names, list) => names.filter((name) => !list.includes(name));
  assert.ok(members("Options").includes("site") && members("Events").includes("message:sent") && members("Chat").includes("open"));
  assert.deepEqual(lacking(members("Options"), known.OPTIONS), [], "OPTIONS in npm/names.js");
  assert.deepEqual(lacking(members("Events"), known.EVENTS), [], "EVENTS in npm/names.js");
  const others = ["element", "isOpen", "transcript", "registerTools", "on", "once", "destroy"];
  assert.deepEqual(lacking(members("Chat"), [...known.METHODS, ...others]), [], "METHODS in npm/names.js");
});

test("every export resolves to a file", () => {
  const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  for (const [name, target] of Object.entries(manifest.exports)) {
    for (const file of typeof target === "string" ? [target] : Object.values(target)) {
      assert.ok(readFileSync(join(folder, file)).length > 0, `${name} is empty`);
    }
  }
});

/** For each option a value that it does not take, as TypeScript. */
const WRONG = {
  site: "1",
  relay: "1",
  mode: '"popup"',
  target: "1",
  getToken: '"token"',
  identity: "1",
  api: "1",
  headers: "{ name: 1 }",
  fetch: '"/fetch"',
  theme: "{ accent: 1 }",
  position: '"middle"',
  offset: '"24"',
  zIndex: '"9"',
  launcher: '{ text: "Help" }',
  teaser: '"Questions?"',
  autoOpen: "{ delay: 1 }",
  locale: "1",
  dir: '"auto"',
  strings: "{ send: 1 }",
  sound: '"yes"',
  attachments: '"yes"',
  avatarUrl: "1",
  title: "1",
  greeting: "1",
  suggestions: '"One|Two"',
  placeholder: "1",
  disclaimer: "1",
  history: '"no"',
  persist: '"disk"',
  namespace: "1",
  expireMinutes: '"5"',
  consent: '"asked"',
  openByDefault: '"yes"',
  tools: '{ colour: { description: "has no handler" } }',
  context: '"a text"',
  onReady: '"ready"',
  onError: '"error"',
  kiosk: '{ idleSeconds: "75" }',
  wasmUrl: "1",
};

test("the types accept what the documentation shows, and refuse what it forbids", () => {
  const untried = members("Options").filter((name) => !Object.hasOwn(WRONG, name));
  assert.deepEqual(untried, [], "options without a wrong value here");
  const refused = Object.entries(WRONG).map(
    ([name, value]) => `// @ts-expect-error ${name}\nawait init({ ${name === "site" ? "" : 'site: "site_demo", '}${name}: ${value} });\n// @ts-expect-error ${name}\nchat.update({ ${name}: ${value} });\n`,
  );
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
${refused.join("")}`,
  );
  writeFileSync(
    join(project, "element.ts"),
    `import { ChinwagChat } from "chinwag/element";
import { init } from "chinwag/inline";
const element = document.createElement("chinwag-chat");
element.site = "site_demo";
element.theme = { accent: "#0b7a75" };
element.addEventListener("chinwag:message:sent", ({ detail }) => console.log(detail.text.length));
document.body.append(element);
const chat = await element.ready;
chat.open();
element.send("Hello");
const made: ChinwagChat = new ChinwagChat();
made.remove();
void init({ site: "site_demo", mode: "frame" });
// @ts-expect-error a corner that does not exist
element.position = "middle";
// @ts-expect-error a property that does not exist
element.colour = "red";
// @ts-expect-error an event that carries something else
element.addEventListener("chinwag:message:sent", ({ detail }) => detail.colour);
`,
  );
  writeFileSync(
    join(project, "react.tsx"),
    `import { useRef } from "react";
import { Chat, useChinwag, type Handle } from "chinwag/react";
export function Page() {
  const chat = useRef<Handle>(undefined);
  return (
    <>
      <Chat ref={chat} site="site_demo" theme={{ accent: "#0b7a75" }} onMessageSent={({ text }) => console.log(text.length)} onReady={(ready) => ready.open()} />
      <button onClick={() => chat.current?.open()}>Help</button>
      {/* @ts-expect-error an unknown option */}
      <Chat site="site_demo" colour="red" />
      {/* @ts-expect-error an event that does not exist */}
      <Chat site="site_demo" onOpened={() => {}} />
      {/* @ts-expect-error no site */}
      <Chat />
    </>
  );
}
export function Hooked() {
  const chat = useChinwag({ site: "site_demo", position: "top-left", onClose: () => {} });
  return <button disabled={!chat} onClick={() => chat?.toggle()} />;
}
`,
  );
  writeFileSync(
    join(project, "tsconfig.json"),
    JSON.stringify({
      compilerOptions: {
        strict: true,
        noEmit: true,
        module: "nodenext",
        target: "es2022",
        lib: ["es2022", "dom"],
        types: [],
        jsx: "react-jsx",
        preserveSymlinks: true,
      },
      files: ["usage.ts", "element.ts", "react.tsx"],
    }),
  );
  const tsc = join(checkout, "node_modules", "typescript", "bin", "tsc");
  try {
    execFileSync(process.execPath, [tsc, "-p", project], { encoding: "utf8" });
  } catch (error) {
    assert.fail(error.stdout || String(error));
  }
});

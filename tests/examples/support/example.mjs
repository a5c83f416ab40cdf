// An example as a web site would serve it: its files, with the address of the
// relay that runs in the place of the one that they are written for.

import { existsSync, readFileSync, statSync } from "node:fs";
import http from "node:http";
import path from "node:path";

import { ROOT } from "../../e2e/support/relay.mjs";

const WRITTEN = "http://127.0.0.1:8787";
const TYPES = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".css": "text/css",
  ".wasm": "application/wasm",
  ".json": "application/json",
};

/** Where the examples are. */
export const EXAMPLES = path.join(ROOT, "examples");
/** The package, as `cargo xtask dist` made it. */
export const PACKAGE = path.join(process.env.CHINWAG_DIST ?? path.join(ROOT, "dist"), "npm");

/** Serves one folder after the other; `folder` and `relay` are set by the test. */
export async function startExamples() {
  const served = {};
  const server = http.createServer((request, response) => {
    const { pathname } = new URL(request.url, "http://site");
    if (pathname === "/favicon.ico") {
      response.writeHead(204).end();
      return;
    }
    const inPackage = "/node_modules/chinwag/";
    const asked = pathname.startsWith(inPackage)
      ? path.join(PACKAGE, pathname.slice(inPackage.length))
      : path.join(served.folder, pathname);
    // As hosts of static files do: a page may be named without its ending, also beside a folder of that name.
    const file = [asked, `${asked}.html`, path.join(asked, "index.html")].find((file) => existsSync(file) && statSync(file).isFile());
    if (!file) {
      response.writeHead(404).end();
      return;
    }
    const extension = path.extname(file);
    const bytes = readFileSync(file);
    const isText = /html|js/.test(extension);
    response.writeHead(200, { "content-type": TYPES[extension] ?? "application/octet-stream" });
    response.end(isText ? bytes.toString().replaceAll(WRITTEN, served.relay) : bytes);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return Object.assign(served, {
    origin: `http://127.0.0.1:${server.address().port}`,
    stop: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(resolve);
      }),
  });
}

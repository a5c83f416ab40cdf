// Minifies one file, or bundles an ES module: esbuild by its API, because its
// command is a script or a native program, as its installation went. A bundle of
// `inline` has the `fetch` of `within.js` beside it in the place of the global one.
//
//   node pack.mjs minify|bundle|inline FROM TO

import { dirname, join } from "node:path";

import { buildSync } from "esbuild";

const [mode, from, to] = process.argv.slice(2);

buildSync({
  entryPoints: [from],
  outfile: to,
  minify: true,
  charset: "utf8",
  // What the licence of a package asks to be kept, in the companion that holds it.
  legalComments: "inline",
  logLevel: "warning",
  target: "es2022",
  ...(mode !== "minify" && { bundle: true, format: "esm", external: ["__CHINWAG_*"] }),
  ...(mode === "inline" && { inject: [join(dirname(from), "within.js")] }),
});

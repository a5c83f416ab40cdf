// Minifies one file, or bundles an ES module: esbuild by its API, because its
// command is a script or a native program, as its installation went.
//
//   node pack.mjs minify|bundle FROM TO

import { buildSync } from "esbuild";

const [mode, from, to] = process.argv.slice(2);

buildSync({
  entryPoints: [from],
  outfile: to,
  minify: true,
  charset: "utf8",
  legalComments: "none",
  logLevel: "warning",
  target: "es2022",
  ...(mode === "bundle" && { bundle: true, format: "esm", external: ["__CHINWAG_*"] }),
});

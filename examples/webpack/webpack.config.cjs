const path = require("node:path");

// Webpack 5 follows `new URL(..., import.meta.url)`: the wasm and the styles of
// the package become files of this build, with no rule for them.
module.exports = {
  entry: "./src/main.js",
  output: { path: path.join(__dirname, "dist"), publicPath: "auto", clean: true },
};

// Draws an address as a QR code. Fetched when a kiosk's visitor first presses a
// link.

/*! The encoder is uqr, (c) Anthony Fu, after QR Code generator, (c) Project Nayuki. Both under the MIT License. */
import { encode } from "uqr";

const SVG = "http://www.w3.org/2000/svg";

/** Modules of white around the code, as the standard wants it (ISO/IEC 18004, 6.3.8). */
const QUIET = 4;

/** Draws into an element. Dark on light in any scheme: some readers know no other. */
export function draw(place, address) {
  const { data, size } = encode(address, { ecc: "M", border: QUIET });
  const make = (name, values) => {
    const made = document.createElementNS(SVG, name);
    for (const key in values) made.setAttribute(key, values[key]);
    return made;
  };
  let path = "";
  data.forEach((row, y) => row.forEach((dark, x) => dark && (path += `M${x} ${y}h1v1h-1z`)));
  const code = make("svg", { viewBox: `0 0 ${size} ${size}`, "aria-hidden": true, "shape-rendering": "crispEdges" });
  code.append(make("rect", { width: size, height: size, fill: "#fff" }), make("path", { d: path, fill: "#000" }));
  place.replaceChildren(code);
}

// Puts together a module whose code was laid out in bands, one for each kind of
// number, since brotli packs those closer. What is in the section, and why, is
// said where it is written: `xtask/src/bands.rs`.

/** The bands that are read here by name: which instructions, heads of functions, what is rare. */
const [CODE, HEAD, OTHER, BANDS] = [0, 7, 11, 12];

/** How long it may keep a page from doing anything else, in ms. */
const SLICE = 8;

/** The bytes of the module, out of those of its section `bands`. */
export async function whole(section) {
  const bytes = new Uint8Array(section);
  let at = 0;
  const number = () => {
    for (let value = 0, shift = 0; ; shift += 7) {
      const byte = bytes[at++];
      value |= (byte & 127) << shift;
      if (byte < 128) return value;
    }
  };
  const size = number();
  // A function is written behind the five bytes that its length may take.
  const out = new Uint8Array(size + 5);
  let to = 0;
  const put = (value) => {
    for (; value > 127; value >>>= 7) out[to++] = value | 128;
    out[to++] = value;
  };
  const codeSize = number();
  const instructions = [];
  for (let count = number(); count--; ) {
    const code = bytes[at++];
    const length = 2 * number();
    instructions[code] = bytes.subarray(at, (at += length));
  }
  const lengths = Array.from({ length: BANDS }, number);
  const before = number();
  let functions = number();
  out.set(bytes.subarray(at, (at += before)));
  to = before;
  // The bands are the last: each begins where the one before ends.
  let end = bytes.length;
  const places = lengths.map((_, band) => (end -= lengths[BANDS - 1 - band])).reverse();
  const after = bytes.subarray(at, end);

  /** Copies a number out of a band, and gives its value. */
  const take = (band) => {
    for (let value = 0, shift = 0; ; shift += 7) {
      const byte = (out[to++] = bytes[places[band]++]);
      value |= (byte & 127) << shift;
      if (byte < 128) return value;
    }
  };
  out[to++] = 10;
  put(codeSize);
  put(functions);
  let until = performance.now() + SLICE;
  while (functions--) {
    if (performance.now() > until) {
      await (globalThis.scheduler?.yield?.() ?? new Promise((resolve) => setTimeout(resolve)));
      until = performance.now() + SLICE;
    }
    const start = to;
    to += 5;
    for (let count = 2 * take(HEAD); count--; ) take(HEAD);
    for (let depth = 1; depth; ) {
      const steps = instructions[bytes[places[CODE]++]];
      for (let step = 0; step < steps.length; step += 2) {
        const what = steps[step + 1];
        if (steps[step] === 0) out[to++] = what;
        else if (steps[step] === 1) take(what);
        else if (steps[step] === 2) for (let count = what; count--; ) out[to++] = bytes[places[OTHER]++];
        else for (let count = take(what) + 1; count--; ) take(what);
      }
      // `block`, `loop` and `if` begin what an `end` ends, as the function itself does.
      const opcode = steps[1];
      if (opcode === 11) depth--;
      else if (opcode > 1 && opcode < 5) depth++;
    }
    const end = to;
    const length = end - start - 5;
    to = start;
    put(length);
    out.copyWithin(to, start + 5, end);
    to += length;
  }
  out.set(after, to);
  return out.subarray(0, size);
}

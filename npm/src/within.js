// For `chinwag/inline`: the files that the widget would fetch stand in the
// module itself, and `fetch` finds them here. The build puts this in the place of
// the global `fetch` of every module in the bundle.

/** By address: the type, and the bytes as base64. */
const FILES = __CHINWAG_FILES__;

export function fetch(address, options) {
  const file = FILES[address?.href ?? address];
  if (!file) return globalThis.fetch(address, options);
  const [type, text] = file;
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  return Promise.resolve(new Response(bytes, { headers: { "content-type": type } }));
}

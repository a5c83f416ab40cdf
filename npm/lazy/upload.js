// Files on their way to the relay and back. `fetch` cannot tell how much of a
// body has gone, so what goes there goes by an XMLHttpRequest, unless the page
// makes the requests itself.

/** How long a file that is saved may take to be read from memory, in ms. */
const SAVE_MS = 10_000;

/** Sends a file. Resolves to the answer, rejects where none came. */
export function send({ url, headers, file, fetch, signal, progress }) {
  const form = new FormData();
  form.append("file", file, file.name);
  if (fetch) return fetch(url, { method: "POST", headers, body: form, signal, credentials: "omit" });
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", url);
    for (const name in headers) request.setRequestHeader(name, headers[name]);
    request.upload.onprogress = ({ loaded, total, lengthComputable }) =>
      lengthComputable && progress(Math.floor((loaded / total) * 100));
    request.onload = () => {
      const told = new Headers();
      for (const name of ["retry-after", "x-request-id"]) {
        const value = request.getResponseHeader(name);
        if (value) told.set(name, value);
      }
      resolve(new Response(request.responseText, { status: request.status, headers: told }));
    };
    request.onerror = request.onabort = () => reject(new TypeError("the file did not get there"));
    signal.addEventListener("abort", () => request.abort());
    request.send(form);
  });
}

/** Brings a file. Resolves to its address in the browser; one that is saved needs none. */
export async function receive({ url, headers, fetch = globalThis.fetch, name, saves }) {
  const response = await fetch(url, { headers, credentials: "omit" });
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  const address = URL.createObjectURL(await response.blob());
  if (!saves) return address;
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), SAVE_MS);
  return undefined;
}

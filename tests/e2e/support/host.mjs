// Host pages: a server that shows a given HTML at a given path with given
// headers, as a web site that embeds the widget would.

import http from "node:http";

/** Starts a site. `pages` maps paths to `{html, headers?}` and may be changed later. */
export async function startSite(pages = {}) {
  const server = http.createServer((request, response) => {
    const page = pages[new URL(request.url, "http://site").pathname];
    if (!page) {
      response.writeHead(404).end();
      return;
    }
    const type = page.type ?? "text/html; charset=utf-8";
    response.writeHead(200, { "content-type": type, ...page.headers }).end(page.html);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const origin = `http://127.0.0.1:${server.address().port}`;
  return {
    origin,
    pages,
    stop: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(resolve);
      }),
  };
}

// A proxy in front of the relay that can be slow, cut a stream, or be away:
// what networks do, at moments that a test chooses.

import http from "node:http";

/** Starts a proxy to a relay. Its switches are plain fields. */
export async function startProxy(target) {
  const switches = { chunkDelayMs: 0, cutAfterChunks: undefined, away: false, requests: [] };
  const server = http.createServer((request, response) => {
    switches.requests.push(`${request.method} ${request.url}`);
    if (switches.away) return response.destroy();
    const onward = http.request(
      `${target}${request.url}`,
      { method: request.method, headers: { ...request.headers, host: new URL(target).host } },
      (answer) => {
        response.writeHead(answer.statusCode, answer.headers);
        if (answer.headers["content-type"]?.startsWith("text/event-stream")) relayStream(answer, response);
        else answer.pipe(response);
      },
    );
    onward.on("error", () => response.destroy());
    response.on("close", () => onward.destroy());
    request.pipe(onward);
  });

  async function relayStream(answer, response) {
    let frames = 0;
    let held = "";
    answer.setEncoding("utf8");
    try {
      for await (const text of answer) {
        held += text;
        let end;
        while ((end = held.indexOf("\n\n")) >= 0) {
          const frame = held.slice(0, end + 2);
          held = held.slice(end + 2);
          if (switches.chunkDelayMs) await new Promise((resolve) => setTimeout(resolve, switches.chunkDelayMs));
          if (switches.cutAfterChunks !== undefined && ++frames > switches.cutAfterChunks) {
            switches.cutAfterChunks = undefined;
            return response.destroy();
          }
          response.write(frame);
        }
      }
      response.end(held);
    } catch {
      response.destroy();
    }
  }

  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  switches.origin = `http://127.0.0.1:${server.address().port}`;
  switches.stop = () =>
    new Promise((resolve) => {
      server.closeAllConnections();
      server.close(resolve);
    });
  return switches;
}

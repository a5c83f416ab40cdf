// What the tests of a file share: one browser, one site, a relay that knows it,
// perhaps a proxy between them, and for each test a page of its own. The names
// here are the running file's: Node gives each file a process.

import { after, afterEach, before, beforeEach } from "node:test";

import { newPage, startBrowser, widget } from "./browser.mjs";
import { startSite as startPlainSite } from "./host.mjs";
import { startProxy } from "./proxy.mjs";
import { startRelay } from "./relay.mjs";

export let browser, site, relay, proxy, page, chat;

const QUIET = { chunkDelayMs: 0, cutAfterChunks: undefined, away: false };

/**
 * Sets it up before the tests of the file that calls, and clears it away after
 * them. `prepare` is what the file adds, the site's pages most of all: a hook of
 * its own would not wait for this one.
 */
export function setStage({ agent, hasRelay = true, hasProxy = false, startSite = startPlainSite, prepare } = {}) {
  before(async () => {
    browser = await startBrowser();
    site = await startSite();
    if (hasRelay) relay = await startRelay({ origins: [site.origin], agent });
    if (hasProxy) proxy = await startProxy(relay.origin);
    await prepare?.();
  });
  after(async () => {
    await browser?.close();
    await proxy?.stop();
    await site?.stop();
    await relay?.stop();
  });
  beforeEach(() => void (proxy && Object.assign(proxy, QUIET, { requests: [] })));
}

/** A new page before each test, with the widget that will be on it; closed after the test. */
export function openPages(options) {
  beforeEach(async () => {
    page = await newPage(browser, options);
    chat = widget(page);
  });
  afterEach(() => page.context().close());
}

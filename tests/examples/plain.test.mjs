// The examples that need no build, each driven as a visitor would.

import assert from "node:assert/strict";
import path from "node:path";
import { test } from "node:test";

import { chat, openPages, page, relay, setStage, site } from "../e2e/support/stage.mjs";
import { EXAMPLES, startExamples } from "./support/example.mjs";

const QUESTION = "How do I change the accent colour?";

setStage({
  startSite: startExamples,
  prepare() {
    site.relay = relay.origin;
  },
});
openPages();


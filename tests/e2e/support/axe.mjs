// axe-core on the whole page, the widget's shadow tree included.

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";

const AXE = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** Waits until nothing fades any more: half way, a text has the contrast of no design. What moves for ever goes on. */
async function atRest(page) {
  await page.evaluate(async () => {
    const roots = [document, ...[...document.querySelectorAll("*")].flatMap((element) => element.shadowRoot ?? [])];
    const passing = roots
      .flatMap((root) => root.getAnimations())
      .filter((animation) => Number.isFinite(animation.effect?.getComputedTiming().endTime));
    await Promise.allSettled(passing.map((animation) => animation.finished));
  });
}

/** What axe-core finds on a page at rest, by its own account. */
export async function audit(page, rules = {}) {
  await atRest(page);
  // By the debugger, not by a script element: the page's own policy stands.
  await page.evaluate(AXE);
  const options = { resultTypes: ["violations"], rules: { "color-contrast-enhanced": { enabled: false }, ...rules } };
  const { violations } = await page.evaluate((options) => window.axe.run(document, options), options);
  return violations;
}

/** What axe-core objects to, one text for each rule. */
export async function violations(page) {
  const found = await audit(page);
  return found.map((violation) => `${violation.id}: ${violation.nodes.map((node) => `${node.target} ${node.failureSummary}`).join("\n")}`);
}

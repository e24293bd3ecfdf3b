import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Page } from 'playwright-core';

const SOURCE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** The parts of axe's answer that a test tells of. */
interface Violation {
  id: string;
  help: string;
  nodes: { target: unknown; failureSummary?: string }[];
}

/** What axe-core finds wrong with a page as it stands, one line each: an empty list is what tests want. */
export async function findAccessibilityProblems(page: Page): Promise<string[]> {
  // run from outside of the page, so the page's own policy stays as strict as it is
  await page.evaluate(SOURCE);
  const violations = (await page.evaluate('axe.run(document, { resultTypes: ["violations"] }).then((result) => result.violations)')) as Violation[];
  return violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.slice(0, 3).map(({ target, failureSummary }) => `${JSON.stringify(target)} ${failureSummary?.split('\n')[1]?.trim() ?? ''}`).join('; ')}`);
}

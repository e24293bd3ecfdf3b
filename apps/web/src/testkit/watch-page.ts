import type { Page } from 'playwright-core';

/**
 * Listens to what a page complains of: errors of scripts, refusals by the content security policy, requests to anywhere but its
 * own server. The list grows as the page is used.
 */
export function watchPage(page: Page, origin: string): string[] {
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(`script: ${error.message}`));
  page.on('console', (message) => {
    // the browser itself tells of every answer that is an error; pages are asked about those where they are meant
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource')) complaints.push(`console: ${message.text()}`);
  });
  page.on('request', (request) => {
    const url = request.url();
    if (!url.startsWith(`${origin}/`) && !url.startsWith('blob:') && !url.startsWith('data:')) complaints.push(`request to ${url}`);
  });
  return complaints;
}

/** By how many pixels the whole page can be scrolled sideways; 0 is what tests want. */
export async function sidewaysScroll(page: Page): Promise<number> {
  return (await page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth')) as number;
}

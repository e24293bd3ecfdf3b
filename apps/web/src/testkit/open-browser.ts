import { existsSync } from 'node:fs';
import { chromium, type Browser, type BrowserContext, type BrowserContextOptions } from 'playwright-core';

/** Where Debian and others put it. */
const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** A browser, and how to open a window of a reader's own in it. */
export interface BrowserAtWork {
  browser: Browser;
  /** A window with cookies and storage of its own. */
  window(options?: BrowserContextOptions): Promise<BrowserContext>;
  close(): Promise<void>;
}

/**
 * Starts the system's Chromium without a display.
 * @throws Error when there is none: the set-up installs it
 */
export async function openBrowser(): Promise<BrowserAtWork> {
  const executablePath = PLACES.find((place) => existsSync(place));
  if (executablePath === undefined) throw new Error('no Chromium is installed: run tools/setup/setup');
  // root has no user namespace to put the browser's sandbox into
  const browser = await chromium.launch({ executablePath, chromiumSandbox: process.getuid?.() !== 0 });
  return {
    browser,
    window: (options) => browser.newContext({ viewport: { width: 1280, height: 900 }, ...options }),
    close: () => browser.close(),
  };
}

export { findAccessibilityProblems } from './accessibility.ts';
export { openBrowser, type BrowserAtWork } from './open-browser.ts';
export { sidewaysScroll, watchPage } from './watch-page.ts';

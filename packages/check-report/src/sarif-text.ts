import { isAbsolute } from 'node:path';
import { pathToFileURL } from 'node:url';
import { printable } from '@hsmfleet/terminal-text';

/** A path as a URI reference; a relative one stays relative to where the program was started. */
export function fileUri(file: string): string {
  const safe = printable(file);
  return isAbsolute(safe) ? pathToFileURL(safe).href : safe.split('/').map(encodeURIComponent).join('/');
}

/**
 * Text of a SARIF message: braces are doubled, since single ones stand for arguments (2.1.0, 3.11.5), and what would be a link,
 * `[text](address)` (3.11.6), is torn apart: a host may not put one into a viewer.
 */
export function sarifText(text: string): string {
  return printable(text).replaceAll(/[{}]/g, '$&$&').replaceAll('](', '] (');
}

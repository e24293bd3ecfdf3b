import type { CheckReport } from '@hsmfleet/contract';

/** How a check can be told. */
export const CHECK_FORMATS = ['terminal', 'json', 'junit', 'sarif', 'csv', 'html'] as const;
export type CheckFormat = (typeof CHECK_FORMATS)[number];

export interface RenderOptions {
  /** Colours, for the terminal format alone. */
  color: boolean;
  /** Columns, for the terminal format alone; 0 or nothing: 80. */
  width?: number | undefined;
}

/**
 * The text of a report, ending with a line end. Whatever hosts say in it is harmless in that format: no control character
 * reaches a terminal, no markup a page, no formula a spreadsheet. A format's library is loaded when it is asked for.
 * @throws TypeError when a result names a control that the report does not have
 */
export async function renderCheck(report: CheckReport, format: CheckFormat, options: RenderOptions): Promise<string> {
  switch (format) {
    case 'terminal': return (await import('./terminal.ts')).renderTerminal(report, options);
    case 'json': return (await import('./json.ts')).renderJson(report);
    case 'junit': return (await import('./junit.ts')).renderJunit(report);
    case 'sarif': return (await import('./sarif.ts')).renderSarif(report);
    case 'csv': return (await import('./csv.ts')).renderCsv(report);
    case 'html': return (await import('./html.ts')).renderHtml(report);
  }
}

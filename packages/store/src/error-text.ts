import type { ErrorShape, InventoryReport } from '@hsmfleet/contract';

/** An error in one line, for a column. */
export function errorText(error: ErrorShape | null | undefined): string | null {
  return error === null || error === undefined ? null : `${error.message} (${error.code})`;
}

/** Errors of a report: its own, those of modules and those of sites. A report with any is an incomplete answer. */
export function errorsOf(report: InventoryReport): ErrorShape[] {
  const parts = [...report.modules, ...report.sites].map(({ error }) => error);
  return [...report.errors, ...parts.filter((error) => error !== null)];
}

import type { BenchmarkPoint } from '@hsmfleet/contract';
import { printable, type Colors } from '@hsmfleet/terminal-text';

/** One line about a measured point: what was measured, and what came of it. */
export function pointText(point: BenchmarkPoint, colors: Colors): string {
  const { label, type, bits } = point.key;
  const key = `${label ?? 'key'} (${type ?? '?'}${bits === null ? '' : ` ${String(bits)}`})`;
  const what = point.kind === 'siege'
    ? `${point.site || 'site'}:${String(point.port)} ${key} mpm ${point.mpm ?? '?'} ${String(point.concurrency)} users ${point.resumption}${point.tool === 'hsmfleet' && point.resumption === 'full' ? ' (own client)' : ''}`
    : `${key} ${String(point.sessions)} session${point.sessions === 1 ? '' : 's'} ${point.module.description} ${point.module.path}`;
  const text = printable(what);
  if (point.outcome !== 'measured') return `${text}: ${colors.red(point.outcome)}: ${printable(point.problem ?? '')}`;
  if (point.kind === 'sign') return `${text}: ${point.rate.toFixed(1)} signatures/s${point.failed === 0 ? '' : colors.red(`, ${String(point.failed)} failed`)}`;
  const availability = `${point.availability.toFixed(1)} %`;
  return `${text}: ${point.rate.toFixed(1)}/s, ${point.availability < 100 ? colors.red(availability) : colors.green(availability)}, ${point.responseS.toFixed(2)} s`;
}

import { createHash } from 'node:crypto';
import type { Finding, FindingCell } from '@hsmfleet/contract';
import type { Control, DriftTask } from './model.ts';

/** Columns whose values change by themselves. */
const VOLATILE = /(?:^|_)(?:at|age|since|left|hours|days|seconds|minutes|bytes)$/;
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d/;

/** A row of a control's query as a finding; the column `host` is left out of it. */
export function findingOfRow(control: Control, host: string, found: Readonly<Record<string, FindingCell>>): Finding {
  const row = Object.fromEntries(Object.entries(found).filter(([column]) => column !== 'host'));
  const cells = control.identity === undefined
    ? Object.entries(row).filter(([column, cell]) => !VOLATILE.test(column) && !(typeof cell === 'string' && TIME.test(cell)))
    : control.identity.map((column) => [column, row[column] ?? null] as const);
  return { key: keyOf(control.id, host, cells), message: messageOf(control, row), row };
}

/** A task that has something to do, as a finding. */
export function findingOfTask(control: Control, host: string, task: DriftTask): Finding {
  const what = task.changes.length === 0 ? 'has something to do' : `would ${task.changes.join('; ')}`;
  return {
    key: keyOf(control.id, host, [['task', task.name]]),
    message: `${task.name}: ${what}`,
    row: {
      task: task.name, resource: task.resource, changes: task.changes.join('\n'),
      file: task.position?.file ?? null, line: task.position?.line ?? null,
    },
  };
}

function keyOf(control: string, host: string, cells: readonly (readonly [string, FindingCell])[]): string {
  const sorted = [...cells].sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash('sha256').update(JSON.stringify([control, host, sorted])).digest('hex').slice(0, 32);
}

function messageOf({ message }: Control, row: Readonly<Record<string, FindingCell>>): string {
  if (message === undefined) return Object.entries(row).map(([column, cell]) => `${column} ${text(cell)}`).join(', ') || 'it is so';
  return message.replaceAll(/\{([a-z_][a-z0-9_]*)\}/g, (_whole, column: string) => text(row[column] ?? null)).replaceAll(/\s+/g, ' ').trim();
}

/** Columns that a message names. */
export function columnsOf({ message, identity }: Control): string[] {
  return [...new Set([...[...(message ?? '').matchAll(/\{([a-z_][a-z0-9_]*)\}/g)].map(([, column = '']) => column), ...(identity ?? [])])];
}

function text(cell: FindingCell): string {
  return cell === null ? 'unknown' : cell === '' ? '""' : String(cell);
}

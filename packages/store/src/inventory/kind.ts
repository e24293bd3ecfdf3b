import type { HostFacts, InventoryReport } from '@hsmfleet/contract';
import type { Row } from '../database.ts';
import { atInstant, column, type SqlText, type View, type ViewColumn } from '../view.ts';

/** A column of rows that inventories bring. Without `sql` it is stored; `hidden` ones are stored and not in the view. */
export type KindColumn = ViewColumn & { hidden?: true };

/**
 * Rows of one kind that inventories bring: this declaration makes the table with its history, the view, its documentation and
 * what `hsmfleet changes` tells. To add one: declare it in a file of this folder, add it to the list in index.ts, and add a
 * migration, which may be empty (a spec asks for it).
 *
 * Rows are kept with the times from which and until which they were so (`from_at`, `to_at`; null: until now). A row is written
 * only when it differs from what is there.
 */
export interface InventoryKind {
  /** Name of the view; the table has the prefix `inv_`. */
  view: string;
  description: string;
  /** Besides `host` and `collected_at`, which every view has. */
  columns: readonly KindColumn[];
  /** Columns that tell which thing of the host a row is about; rows that agree in them are one thing that changed. */
  identity: readonly string[];
  /** Is it read from tokens? A passive inventory leaves such rows as they are. */
  fromTokens?: true;
  /** May a passive inventory's row leave the present one as it is, which knows more? */
  keeps?(present: Row, row: Row): boolean;
  /** Columns of an index over the present rows, beside the one over hosts. */
  indexes?: readonly (readonly string[])[];
  /** Rows of a report, without the host. */
  rows(report: InventoryReport): Row[];
}

/** What hosts tell of themselves at the start of every run; shown in the view `hosts`. */
export interface FactsKind extends Omit<InventoryKind, 'rows'> {
  rows(facts: HostFacts): Row[];
}

/** A kind's table. */
export function tableOf({ view }: Pick<InventoryKind, 'view'>): string {
  return `inv_${view}`;
}

/** Names of the stored columns. */
export function storedColumns({ columns }: Pick<InventoryKind, 'columns'>): string[] {
  return columns.filter(({ sql }) => sql === undefined).map(({ name }) => name);
}

/** The condition that leaves those rows of a kind that hold at the instant asked about. */
export const valid: SqlText = atInstant('i.to_at is null', (now) => `i.from_at <= ${now} and (i.to_at is null or i.to_at > ${now})`);

/** When the host's inventory, or its tokens, were read last. */
const collectedAt = (fromTokens: boolean): SqlText => atInstant(
  // not by a join: that would be done for every row, asked for or not
  `(select h.${fromTokens ? 'tokens_at' : 'collected_at'} from host h where h.name = i.host)`,
  (now) => `(select max(c.at) from collection c where c.host = i.host and c.at <= ${now}${fromTokens ? ` and c.evidence = 'live'` : ''})`,
);

/** The column `collected_at` of views whose rows inventories bring. */
export const COLLECTED_AT = 'when the inventory snapshot that this row belongs to was taken';

/** The view over a kind's rows. */
export function viewOf(kind: InventoryKind): View {
  const from: SqlText = atInstant(
    `${tableOf(kind)} i where i.to_at is null`,
    (now) => `${tableOf(kind)} i where i.from_at <= ${now} and (i.to_at is null or i.to_at > ${now})`,
  );
  return {
    name: kind.view,
    description: kind.description,
    from,
    columns: [
      column('host', 'text', 'name of the host in the hosts file', 'i.host'),
      ...kind.columns.filter(({ hidden }) => hidden !== true).map((own) => ({ ...own, sql: own.sql ?? `i."${own.name}"` })),
      column('collected_at', 'time', COLLECTED_AT, collectedAt(kind.fromTokens === true)),
    ],
  };
}

/** A truth value as databases keep it. */
export function flag(value: boolean | null | undefined): number | null {
  return value === null || value === undefined ? null : Number(value);
}

/** Seconds since 1970 of a time; null when it is none. */
export function secondsOf(time: string): number | null {
  const ms = Date.parse(time);
  return Number.isNaN(ms) ? null : Math.floor(ms / 1_000);
}

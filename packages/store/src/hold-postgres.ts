import { Client } from 'pg';
import { heldError, type StoreHold, type StoreHolder } from './hold-store.ts';
import { parsePostgresUrl } from './postgres-url.ts';
import { storeError } from './store-error.ts';

/** Advisory locks belong to a database, so one number for all is enough. */
const LOCK = "hashtextextended('hsmfleet serve', 0)";
const NAME = /^hsmfleet serve (\d+) (.*)$/;

/**
 * A hold on a PostgreSQL database, for as long as its connection lasts. Who has it is told by the name of that connection.
 * @throws HsmfleetError STORE
 */
export async function holdPostgres(url: string, holder: StoreHolder): Promise<StoreHold> {
  const { config, location } = parsePostgresUrl(url);
  // PostgreSQL keeps 63 bytes of it, of ASCII alone
  const client = new Client({ ...config, application_name: `hsmfleet serve ${String(holder.pid)} ${holder.user}` });
  const lost = new Promise<void>((resolve) => { client.once('end', resolve); });
  // told by 'end', which follows it
  client.on('error', () => undefined);
  try {
    await client.connect();
    const { rows: [row] } = await client.query<{ held: boolean }>(`select pg_try_advisory_lock(${LOCK}) as held`);
    if (row?.held !== true) throw heldError(location, await readHolder(client));
  } catch (thrown) {
    await client.end().catch(() => undefined);
    throw storeError('cannot lock', location, thrown);
  }
  return { lost, release: () => client.end() };
}

async function readHolder(client: Client): Promise<Partial<StoreHolder> | undefined> {
  const { rows: [row] } = await client.query<{ name: string; since: Date }>(`select application_name as name, backend_start as since
    from pg_locks join pg_stat_activity using (pid) where locktype = 'advisory' and granted and pg_locks.database = (select oid from pg_database where datname = current_database())
    and ((classid::bigint << 32) | objid::bigint) = ${LOCK}`);
  const [, pid, user] = NAME.exec(row?.name ?? '') ?? [];
  return row === undefined || user === undefined ? undefined : { user, pid: Number(pid), since: row.since.toISOString() };
}

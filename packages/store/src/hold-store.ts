import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { HsmfleetError } from '@hsmfleet/contract';
import { storeError } from './store-error.ts';
import { isPostgresUrl } from './store-path.ts';

/** Who runs the schedules of a store. */
export interface StoreHolder {
  user: string;
  pid: number;
  /** ISO 8601. */
  since: string;
  /** The file of the server. */
  file: string;
}

/** A hold on a store, until it is released or its process ends, however it ends. */
export interface StoreHold {
  release(): Promise<void>;
  /** Resolves when the hold is lost without being released: the database is gone, say. Then somebody else may have it by now. */
  readonly lost: Promise<void>;
}

/**
 * Makes sure that one server at most runs the schedules of a store: all others can still use it. The system itself gives the
 * hold back when the process is gone.
 * @param location of the store, as for openStore
 * @throws HsmfleetError STORE when somebody else holds it, who is named
 */
export async function holdStore(location: string, holder: StoreHolder): Promise<StoreHold> {
  if (isPostgresUrl(location)) return (await import('./hold-postgres.ts')).holdPostgres(location, holder);
  // a file of its own, since a lock on the store itself would keep everybody out
  const lock = `${location}.serve`;
  let database: DatabaseSync | undefined;
  try {
    mkdirSync(dirname(location), { recursive: true, mode: 0o700 });
    closeSync(openSync(lock, 'a', 0o600));
    database = new DatabaseSync(lock, { timeout: 0 });
    database.exec('begin exclusive');
    writeFileSync(`${lock}.json`, `${JSON.stringify(holder)}\n`, { mode: 0o600 });
  } catch (thrown) {
    database?.close();
    throw (thrown as { errcode?: number }).errcode === SQLITE_BUSY ? heldError(location, readHolder(`${lock}.json`)) : storeError('cannot lock', location, thrown);
  }
  const held = database;
  return {
    lost: new Promise(() => undefined),
    release() {
      held.close();
      return Promise.resolve();
    },
  };
}

const SQLITE_BUSY = 5;

/** What a second one is told. */
export function heldError(location: string, holder: Partial<StoreHolder> | undefined): HsmfleetError {
  const { user = 'somebody', pid, since, file } = holder ?? {};
  const more = [pid === undefined ? '' : `process ${String(pid)}`, since === undefined ? '' : `since ${since}`, file ?? ''].filter((part) => part !== '').join(', ');
  return new HsmfleetError('STORE', `the schedules of the store ${location} are run by ${user} already${more === '' ? '' : ` (${more})`}`, {
    hint: 'stop that one first, or give this one a store of its own',
    details: { ...holder },
  });
}

function readHolder(path: string): Partial<StoreHolder> | undefined {
  try {
    const { user, pid, since, file } = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
    return typeof user === 'string' && typeof pid === 'number' && typeof since === 'string' && typeof file === 'string' ? { user, pid, since, file } : undefined;
  } catch {
    // it is only for people: what it says may be half written
    return undefined;
  }
}

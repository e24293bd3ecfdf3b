import { Pool, type ClientBase, type PoolClient } from 'pg';
import type { Database, Row, Sql } from './database.ts';
import { parameterNames, POSTGRES } from './dialect.ts';
import { migrate } from './migrate.ts';
import type { Migration } from './migrations.ts';
import { explainPostgresError } from './postgres-error.ts';
import { PostgresSql } from './postgres-sql.ts';
import { parsePostgresUrl, type PostgresAddress } from './postgres-url.ts';
import { withoutValue } from './query-error.ts';
import { isLoginProblem, queryPostgres } from './query-postgres.ts';
import { grantViews, makeQueryRole, queryAddress } from './query-role.ts';
import { storeError } from './store-error.ts';
import { present, selectSql } from './view.ts';
import { VIEWS } from './views.ts';

/** Connections of one store at most. */
const CONNECTIONS = 6;

/**
 * Connects to a PostgreSQL database and brings its schema up to date. Everything is in the schemas `hsmfleet` and
 * `hsmfleet_as_of`, which are made when they are missing.
 * @param queryUrl role for people's queries; one is made when absent
 * @throws HsmfleetError STORE when it cannot be reached or was written by a newer hsmfleet
 */
export async function openPostgres(url: string, queryUrl?: string, migrations?: readonly Migration[]): Promise<Database> {
  const address = parsePostgresUrl(url);
  const named = queryUrl === undefined ? undefined : parsePostgresUrl(queryUrl);
  const pool = new Pool({ ...address.config, max: CONNECTIONS, allowExitOnIdle: true, onConnect: inOurSchema });
  // a connection that is lost while nobody uses it: the next one is made when it is needed
  pool.on('error', () => undefined);
  const database = createDatabase(address, named, pool);
  try {
    await prepare(pool);
    await migrate(database, (sql) => makeViews(sql, (named ?? queryAddress(address)).config.user), migrations);
    return database;
  } catch (thrown) {
    await pool.end();
    throw storeError('cannot open', address.location, thrown);
  }
}

/** The pool waits for it before it gives a new connection to anybody. */
async function inOurSchema(client: ClientBase): Promise<void> {
  await client.query('set search_path to hsmfleet');
}

/** Makes the schemas and the table that tells their version. */
async function prepare(pool: Pool): Promise<void> {
  const { rows } = await pool.query<{ there: boolean }>(`select to_regclass('hsmfleet.schema_version') is not null as there`);
  if (rows[0]?.there === true) return;
  const client = await pool.connect();
  try {
    // two programs may start at the same time, and "if not exists" alone does not keep them apart
    await client.query(`begin; select pg_advisory_xact_lock(hashtextextended('hsmfleet schema', 0));
      create schema if not exists hsmfleet; create schema if not exists hsmfleet_as_of;
      create table if not exists hsmfleet.schema_version (version bigint not null);
      insert into hsmfleet.schema_version select 0 where not exists (select 1 from hsmfleet.schema_version); commit`);
    client.release();
  } catch (thrown) {
    client.release(true);
    throw thrown;
  }
}

/** The views of the present, and those of the instant in the setting `hsmfleet.as_of`. */
async function makeViews(sql: Sql, role: string): Promise<void> {
  const past = { dialect: POSTGRES, now: "current_setting('hsmfleet.as_of')", past: true };
  for (const view of VIEWS) {
    await sql.run(`create view hsmfleet.${view.name} as ${selectSql(view, present(POSTGRES))}`);
    await sql.run(`create view hsmfleet_as_of.${view.name} as ${selectSql(view, past)}`);
  }
  const [known] = await sql.all('select 1 as known from pg_roles where rolname = $role', { role });
  if (known !== undefined) await grantViews(sql as PostgresSql, role);
}

function createDatabase(address: PostgresAddress, named: PostgresAddress | undefined, pool: Pool): Database {
  const direct = new PostgresSql(pool as unknown as PoolClient);
  const { location } = address;
  let open = true;

  async function within<T>(begin: string, work: (sql: PostgresSql) => Promise<T>): Promise<T> {
    const client = await pool.connect();
    let broken = false;
    try {
      await client.query(begin);
      try {
        const result = await work(new PostgresSql(client));
        await client.query('commit');
        return result;
      } catch (thrown) {
        await client.query('rollback').catch(() => { broken = true; });
        throw thrown;
      }
    } finally {
      client.release(broken);
    }
  }
  const transaction = <T>(work: (sql: PostgresSql) => Promise<T>): Promise<T> => within('begin', work);

  return {
    location,
    dialect: POSTGRES,
    transaction,
    all: (sql, params) => direct.all(sql, params),
    run: (sql, params) => direct.run(sql, params),
    script: (sql) => transaction((own) => own.script(sql)),
    insert: (table, rows, orElse) => transaction((own) => own.insert(table, rows, orElse)),
    insertNew: (table, rows, key) => transaction((own) => own.insertNew(table, rows, key)),
    async read(sql: string, params: Row, asOf: string | undefined) {
      const missing = parameterNames(sql).find((name) => !(name in params));
      if (missing !== undefined) throw withoutValue(missing);
      try {
        return await within('begin transaction read only', async (own) => {
          if (asOf !== undefined) await own.all(`select set_config('search_path', 'hsmfleet_as_of', true), set_config('hsmfleet.as_of', $asOf, true)`, { asOf });
          return own.all(sql, params);
        });
      } catch (thrown) {
        throw explainPostgresError(thrown, sql, 0) ?? storeError('cannot read', location, thrown);
      }
    },
    async query(sql, limits) {
      const role = named ?? queryAddress(address);
      try {
        return await queryPostgres(role.config, location, sql, limits);
      } catch (thrown) {
        if (!isLoginProblem(thrown)) throw thrown;
        if (named !== undefined) throw storeError('cannot read', named.location, thrown);
      }
      await transaction((own) => makeQueryRole(own, role));
      try {
        return await queryPostgres(role.config, location, sql, limits);
      } catch (thrown) {
        throw storeError('cannot read', location, thrown);
      }
    },
    isPassing(thrown) {
      const { code = '' } = thrown as { code?: string };
      // no answer at all, or: connection exception, transaction rollback, insufficient resources, operator intervention
      return /^(?:ECONN|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|08|40|53|57)/.test(code) || /connection (?:terminated|timeout|timed out)|timeout exceeded/i.test((thrown as Error).message);
    },
    async close() {
      if (!open) return;
      open = false;
      await pool.end();
    },
  };
}

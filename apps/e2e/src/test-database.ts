import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, run } from './fleet.ts';

const TOOL = join(ROOT, 'tools/test-postgres/test-postgres');

/** A database of one spec file on the PostgreSQL server of the tests. */
export class TestDatabase {
  readonly url: string;
  readonly #server: string;
  readonly #name: string;

  private constructor(server: string, name: string) {
    this.#server = server;
    this.#name = name;
    const url = new URL(server);
    url.pathname = `/${name}`;
    this.url = url.href;
  }

  /** Starts the server when it does not run, and makes the database anew. */
  static async make(name: string): Promise<TestDatabase> {
    execFileSync(TOOL, ['up'], { stdio: ['ignore', 'ignore', 'inherit'] });
    const database = new TestDatabase(execFileSync(TOOL, ['url'], { encoding: 'utf8' }).trim(), `e2e_${name}`);
    await database.drop();
    await database.#sql(`create database ${database.#name}`);
    return database;
  }

  /** Everything in it as SQL. */
  async dump(): Promise<string> {
    const ended = await run([program('pg_dump')], { env: environment(this.url) });
    if (ended.code !== 0) throw new Error(`pg_dump: ${ended.stderr}`);
    return ended.stdout;
  }

  async drop(): Promise<void> {
    await this.#sql(`drop database if exists ${this.#name} with (force)`);
  }

  async #sql(statement: string): Promise<void> {
    const ended = await run([program('psql'), '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-c', statement], { env: environment(this.#server) });
    if (ended.code !== 0) throw new Error(`psql: ${ended.stderr}`);
  }
}

/** How PostgreSQL's own programs are told where to go: a password is no argument. */
function environment(location: string): NodeJS.ProcessEnv {
  const url = new URL(location);
  return {
    ...process.env, PGHOST: url.hostname, PGPORT: url.port, PGUSER: decodeURIComponent(url.username), PGPASSWORD: decodeURIComponent(url.password),
    PGDATABASE: url.pathname.slice(1),
  };
}

/** A program of the newest PostgreSQL that is installed. */
function program(name: string): string {
  const newest = readdirSync('/usr/lib/postgresql').sort((a, b) => Number(b) - Number(a))[0] ?? '';
  return join('/usr/lib/postgresql', newest, 'bin', name);
}

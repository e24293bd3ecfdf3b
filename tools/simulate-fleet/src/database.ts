import { readFileSync } from 'node:fs';
import pg from 'pg';
import type { Span } from './usage.ts';

/** A database of one sweep. */
export class Database {
  readonly url: string;
  /** Process id of the server. */
  readonly postmaster: number;
  readonly #server: string;
  readonly #name: string;

  private constructor(server: string, name: string, postmaster: number) {
    this.#server = server;
    this.#name = name;
    this.postmaster = postmaster;
    const url = new URL(server);
    url.pathname = `/${name}`;
    this.url = url.href;
  }

  /** Makes it anew. @param server URL of a database on the same machine, of a user who may create others */
  static async make(server: string, name: string): Promise<Database> {
    await ask(server, `drop database if exists ${name} with (force)`);
    await ask(server, `create database ${name}`);
    const [row] = await ask(server, 'show data_directory');
    return new Database(server, name, Number(readFileSync(`${String(row?.data_directory)}/postmaster.pid`, 'utf8').split('\n')[0]));
  }

  /** When the first batch was taken and the last one done. */
  async span(): Promise<Span> {
    const [row] = await ask(this.url, 'select extract(epoch from min(started_at)) * 1000 as first, extract(epoch from max(finished_at)) * 1000 as last from hsmfleet_jobs.batch');
    return { from: Number(row?.first), to: Number(row?.last) };
  }

  async number(sql: string): Promise<number> {
    const [row] = await ask(this.url, sql);
    return Number(Object.values(row ?? {})[0]);
  }

  async drop(): Promise<void> {
    await ask(this.#server, `drop database if exists ${this.#name} with (force)`);
  }
}

async function ask(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}

import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createWebServer, type DashboardData, type ScheduleControl, type UserRecord, type WebServer } from '@hsmfleet/web-api';
import type { ServeConfiguration } from './serve-configuration.ts';
import type { Log } from './serve-log.ts';
import { VERSION } from './version.ts';

export interface WebParts {
  data: DashboardData;
  schedules: ScheduleControl;
  metrics: () => Promise<{ type: string; text: string }>;
  log: Log;
}

type Wish = Pick<ServeConfiguration, 'listen' | 'tls' | 'origins' | 'users'>;

/** The web server as the file wants it: it is replaced when that is another one, and there is none without users. */
export class ServeWeb {
  readonly #parts: WebParts;
  #server: WebServer | undefined;
  #wish: Wish | undefined;
  #users: readonly UserRecord[] = [];

  constructor(parts: WebParts) {
    this.#parts = parts;
  }

  /**
   * Brings it about. Users change at once; an address, a certificate or an origin that changes costs the sessions.
   * @throws HsmfleetError USAGE when it cannot listen there; then the one before listens again
   */
  async apply(wish: Wish): Promise<void> {
    const [before, usersBefore] = [this.#wish, this.#users];
    this.#users = wish.users;
    if (before !== undefined && sameServer(before, wish)) return;
    await this.close();
    try {
      await this.#open(wish);
    } catch (thrown) {
      this.#users = usersBefore;
      if (before !== undefined) await this.#open(before);
      throw thrown;
    }
  }

  async close(): Promise<void> {
    await this.#server?.close();
    this.#server = undefined;
    this.#wish = undefined;
  }

  async #open(wish: Wish): Promise<void> {
    const { data, schedules, metrics, log } = this.#parts;
    this.#wish = wish;
    if (wish.users.length === 0) {
      log('warning', 'there are no users, so there is no dashboard, no API and no metrics', { hint: 'make one: hsmfleet serve-token NAME' });
      return;
    }
    const web = webFolder();
    const server = await createWebServer({
      data, schedules, metrics, version: VERSION, listen: wish.listen, tls: wish.tls, origins: wish.origins,
      users: { find: (name) => Promise.resolve(this.#users.find((user) => user.name === name)), count: () => Promise.resolve(this.#users.length) },
      ...(web === undefined ? {} : { web }),
      log: ({ level, message }) => { log(level === 'warn' ? 'warning' : level, message); },
    });
    const { url } = await server.listen();
    this.#server = server;
    log('info', 'listening', { url });
  }
}

function sameServer(a: Wish, b: Wish): boolean {
  const relevant = ({ listen, tls, origins, users }: Wish): string => JSON.stringify([listen, tls, origins, users.length > 0]);
  return relevant(a) === relevant(b);
}

/** The build of the dashboard, which lies beside the program; undefined when it was not built. */
function webFolder(): string | undefined {
  const folder = fileURLToPath(new URL('web', import.meta.url));
  return existsSync(folder) ? folder : undefined;
}

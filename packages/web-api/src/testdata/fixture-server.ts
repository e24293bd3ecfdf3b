/*
 * node packages/web-api/src/testdata/fixture-server.ts [--port 8460] [--hosts 1000] [--web FOLDER] [--allow ORIGIN]
 * A server with a made-up fleet, for work on the dashboard. Its tokens are known to everybody: it listens on loopback only.
 */
import { parseArgs } from 'node:util';
import { createWebServer } from '../server.ts';
import { fixedUsers } from '../auth/users.ts';
import { hashToken } from '../auth/token-hash.ts';
import { madeUpData, madeUpSchedules } from './made-up-data.ts';

const TOKENS = { viewer: 'vera.fixture-token-of-a-viewer', operator: 'otto.fixture-token-of-an-operator' };

const { values } = parseArgs({
  options: { port: { type: 'string', default: '8460' }, hosts: { type: 'string', default: '1000' }, web: { type: 'string' }, allow: { type: 'string', multiple: true } },
});
const server = await createWebServer({
  data: madeUpData(Number(values.hosts)), schedules: madeUpSchedules(), version: '0.1.0', web: values.web, origins: values.allow,
  users: fixedUsers([
    { name: 'vera', role: 'viewer', token: await hashToken(TOKENS.viewer) },
    { name: 'otto', role: 'operator', token: await hashToken(TOKENS.operator) },
  ]),
  listen: { host: '127.0.0.1', port: Number(values.port) },
  metrics: () => Promise.resolve({ type: 'text/plain; version=0.0.4; charset=utf-8', text: 'hsmfleet_hosts 1000\n' }),
  log: ({ level, message }) => { process.stderr.write(`${level}: ${message}\n`); },
});
const { url } = await server.listen();
process.stdout.write(`${url}\nviewer: ${TOKENS.viewer}\noperator: ${TOKENS.operator}\n`);
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => { void server.close(); });

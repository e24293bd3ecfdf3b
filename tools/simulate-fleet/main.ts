import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { makeKeys, writeProject } from './src/project.ts';
import { readRecording } from './src/recording.ts';
import { emptyTally, Journals } from './src/simulated-agent.ts';
import { startSshServer } from './src/ssh-server.ts';

/*
 * Stands for many hosts on loopback: node tools/simulate-fleet/main.ts --hosts 1000 --dir /tmp/sim
 * Writes DIR/project (hosts.yml, inventory.yml) and DIR/keys, says "ready" on standard output, and answers until
 * SIGTERM; then, and every second into DIR/tally.json, tells what it was asked.
 */
const { values } = parseArgs({
  options: {
    hosts: { type: 'string', default: '100' },
    dir: { type: 'string', default: '/tmp/hsmfleet-simulation' },
    port: { type: 'string', default: '0' },
    latency: { type: 'string', default: '0' },
    recording: { type: 'string', default: fileURLToPath(new URL('recordings/inventory.ndjson', import.meta.url)) },
  },
});
const folder = resolve(values.dir);
const hosts = Number(values.hosts);
const keys = makeKeys(join(folder, 'keys'));
const tally = emptyTally();
const server = await startSshServer({
  hostKey: keys.hostKey, authorized: keys.clientPublic, port: Number(values.port),
  behaviour: { recording: readRecording(values.recording), journals: new Journals(4 * hosts), tally, latencyMs: Number(values.latency) },
});
writeProject(join(folder, 'project'), { folder: join(folder, 'keys'), hostPublic: readFileSync(join(folder, 'keys/host-key.pub'), 'utf8') }, [server.port], hosts);
const write = (): void => { writeFileSync(join(folder, 'tally.json'), `${JSON.stringify({ pid: process.pid, ...tally, cpuMs: cpuMs() })}\n`); };
write();
setInterval(write, 1_000).unref();
process.stdout.write(`ready ${JSON.stringify({ port: server.port, project: join(folder, 'project') })}\n`);
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, () => {
    write();
    process.stdout.write(`${JSON.stringify(tally)}\n`);
    process.exit(0);
  });
}

function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return Math.round((user + system) / 1_000);
}

import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { PROTOCOL, type Plan, type RunEvent, type RunEventOf, type RunEventType } from '@hsmfleet/contract';
import type { Connection, Transport } from '@hsmfleet/transport';
import { createLocalTransport } from '@hsmfleet/transport-local';
import type { AgentBundle, RunnerPlay, RunOptions, RunSummary } from '../model.ts';
import { runPlays } from '../run-plays.ts';

/** What the fake agent is to do, by host; the same for all when it is no function. */
export type Fake = Record<string, unknown> | ((host: string) => Record<string, unknown>);

/** Runs the fake agent on this machine, with a state directory of its own. */
export interface TestFleet {
  directory: string;
  stateDir: string;
  bundle: AgentBundle;
  /** Connections by host, newest last: close one to cut a host off. */
  connections: Map<string, Connection[]>;
  play(hosts: string[], fake?: Fake, more?: Partial<RunnerPlay> & { index?: number; plan?: (host: string) => Partial<Plan> }): RunnerPlay;
  run(plays: RunnerPlay[], more?: Partial<RunOptions>): Promise<TestRun>;
  /** Lines of a file in the state directory. */
  lines(name: string): string[];
  remove(): void;
}

export interface TestRun extends RunSummary {
  events: RunEvent[];
  of<T extends RunEventType>(type: T, host?: string): RunEventOf<T>[];
}

export const RUN = 'run-00000001';

const FAKE_AGENT = new URL('fake-agent.cjs', import.meta.url).pathname;

/** The fake agent with some lines before it. */
export function makeFakeAgent(directory: string, before: string): string {
  const path = join(directory, 'other-agent.cjs');
  writeFileSync(path, `${before}\n${readFileSync(FAKE_AGENT, 'utf8')}`);
  return path;
}

export function sha256(bytes: Buffer | string): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** A bundle of the given agent.js. */
export function makeBundle(agent: string, more: Partial<AgentBundle> = {}): AgentBundle {
  const bytes = readFileSync(agent);
  return { version: '0.0.0', files: [{ name: 'agent.js', path: agent, sha256: sha256(bytes), size: bytes.length }], hash: sha256(bytes), runtimes: new Map(), ...more };
}

/** A "runtime" that is a script around the Node of this process. */
export function makeRuntime(directory: string, version: string): AgentBundle['runtimes'] {
  const path = join(directory, 'node.gz');
  writeFileSync(path, gzipSync(`#!/bin/sh\necho "$0" >> "${directory}/runtime-used"\nexec "${process.execPath}" "$@"\n`));
  const bytes = readFileSync(path);
  return new Map([[`linux-${process.arch}`, { path, sha256: sha256(bytes), size: statSync(path).size, version, compression: 'gzip' as const }]]);
}

/** @param installed the agent is on the "hosts" already, which is faster */
export function createTestFleet(installed = true): TestFleet {
  const directory = mkdtempSync(join(tmpdir(), 'hsmfleet-runner-'));
  const stateDir = join(directory, 'state');
  mkdirSync(stateDir);
  const connections: TestFleet['connections'] = new Map();
  const local = createLocalTransport();
  const transport: Transport = {
    async connect(target) {
      const connection = await local.connect(target);
      connections.set(target.name, [...(connections.get(target.name) ?? []), connection]);
      return connection;
    },
  };
  const bundle = makeBundle(FAKE_AGENT);
  if (installed) {
    mkdirSync(join(stateDir, 'agent', bundle.hash), { recursive: true });
    copyFileSync(FAKE_AGENT, join(stateDir, 'agent', bundle.hash, 'agent.js'));
  }
  return {
    directory,
    stateDir,
    bundle,
    connections,
    play(hosts, fake = {}, more = {}) {
      const { index = 0, plan, ...rest } = more;
      return {
        index,
        name: `play ${String(index)}`,
        batches: [hosts],
        anyErrorsFatal: false,
        plans: new Map(hosts.map((host) => [host, {
          protocol: PROTOCOL, run: RUN, user: 'alice', play: { index, name: `play ${String(index)}` }, host, check: false, diff: false, gatherFacts: false,
          tasks: [], handlers: [], vars: { fake: typeof fake === 'function' ? fake(host) : fake }, secrets: {}, onDisconnect: 'finish' as const, ...plan?.(host),
        }])),
        targets: new Map(hosts.map((name) => [name, { name, connection: 'local' as const }])),
        ...rest,
      };
    },
    async run(plays, more = {}) {
      const events: RunEvent[] = [];
      const summary = await runPlays({
        run: RUN, user: 'alice', playbook: 'site.yml', check: false, plays, transport: () => transport, bundle, blob: () => undefined, forks: 10,
        stateDir, timings: { reattach: 2000, reattachPause: 20, cancel: 1000, agentStart: 30_000 }, ...more,
        onEvent: (event) => { events.push(event); more.onEvent?.(event); },
      });
      return { ...summary, events, of: (type, host) => events.filter((event) => event.type === type && (host === undefined || event.host === host)) as never };
    },
    lines(name) {
      try {
        return readFileSync(join(stateDir, name), 'utf8').trim().split('\n');
      } catch {
        return [];
      }
    },
    remove() {
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

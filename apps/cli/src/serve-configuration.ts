import { statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { parseProfile } from '@hsmfleet/compliance';
import { HsmfleetError } from '@hsmfleet/contract';
import { loadHosts } from '@hsmfleet/hosts';
import { sinkNames, sinkProblems, type NotifySinks } from '@hsmfleet/notify';
import { parseWhen, type Schedule } from '@hsmfleet/scheduler';
import { isLoopback, type UserRecord } from '@hsmfleet/web-api';
import { loadYaml, Problems, readBySchema, suggestion, type SchemaReading, type YamlSource } from '@hsmfleet/yaml-source';
import type { FleetOptions } from './fleet-options.ts';
import { ServeFile, type ScheduleEntry } from './serve-schema.ts';
import { vaultOpener } from './vault-options.ts';

const UNITS: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
/** What a timer counts to. */
const LONGEST_TIMEOUT_MS = 24 * 86_400_000;

/** A schedule, ready to be run. */
export interface ServeSchedule extends Schedule {
  /** What is done: a check by a profile, or a playbook in check mode. Paths are absolute. */
  work: { kind: 'profile'; profile: string } | { kind: 'playbook'; playbook: string };
  pattern: string | undefined;
  /** Names of the hosts that it was about when the file was read. */
  hosts: readonly string[];
  evidence: 'live' | 'snapshot';
  fleet: FleetOptions;
  /** Names of those who are told of changes. */
  sinks: readonly string[];
}

/** What the file of the server says, checked; paths are absolute. */
export interface ServeConfiguration {
  file: string;
  listen: { host: string; port: number };
  tls: { cert: string; key: string } | undefined;
  origins: readonly string[];
  users: readonly UserRecord[];
  store: string | undefined;
  /** Who reaches the hosts; this process when absent. */
  workers: { project: string } | undefined;
  concurrency: number;
  stopAfterMs: number;
  schedules: readonly ServeSchedule[];
  notify: NotifySinks;
  /** What a person should know. */
  warnings: readonly string[];
}

type PlaceOf = SchemaReading<ServeFile>['placeOf'];

/**
 * Reads the file of the server and everything that it names: hosts files, profiles, certificates.
 * @throws HsmfleetError, HsmfleetErrors with every mistake, at its place: SERVE_INVALID, FILE_MISSING, PLAYBOOK_SYNTAX,
 *   SECRET_REFERENCE, HOSTS_INVALID, PROFILE_INVALID, …
 */
export async function loadServeConfiguration(path: string): Promise<ServeConfiguration> {
  const file = resolve(path);
  const problems = new Problems();
  const { source, problems: found, warnings } = await loadYaml(file);
  problems.add(...found);
  const { value, placeOf, problems: mistakes } = readBySchema(source, ServeFile, 'SERVE_INVALID', 'the file of the server');
  problems.add(...mistakes);
  problems.throwIfAny();
  const written = value as ServeFile;
  const reader = new Reader(file, source, placeOf, problems, [...warnings]);
  const listen = reader.listen(written);
  const tls = await reader.tls(written);
  const notify = reader.notify(written);
  const schedules = await reader.schedules(written, sinkNames(notify));
  problems.throwIfAny();
  return {
    file, listen, tls, notify, schedules,
    origins: written.origins ?? [], users: reader.users(written),
    store: written.store === undefined ? undefined : resolve(dirname(file), written.store),
    workers: written.workers === undefined ? undefined : { project: resolve(dirname(file), written.workers.project) },
    concurrency: written.concurrency ?? 4, stopAfterMs: milliseconds(written.stop_after ?? '20s'),
    warnings: reader.warnings,
  };
}

/** Milliseconds of a text that the schema has taken. */
function milliseconds(text: string): number {
  const [, digits = '0', unit = ''] = /^(\d+)(ms|s|m|h|d)$/.exec(text) ?? [];
  return Number(digits) * (UNITS[unit] ?? 0);
}

class Reader {
  readonly warnings: string[];
  readonly #folder: string;
  readonly #source: YamlSource;
  readonly #placeOf: PlaceOf;
  readonly #problems: Problems;

  constructor(file: string, source: YamlSource, placeOf: PlaceOf, problems: Problems, warnings: string[]) {
    this.#folder = dirname(file);
    this.#source = source;
    this.#placeOf = placeOf;
    this.#problems = problems;
    this.warnings = warnings;
  }

  listen({ listen = '127.0.0.1:8443', tls }: ServeFile): { host: string; port: number } {
    const [, address = '', digits = ''] = /^(.*):(\d+)$/.exec(listen) ?? [];
    const host = address.replace(/^\[(.*)\]$/, '$1');
    const port = Number(digits);
    if (port > 65_535) this.#problem('there is no such port', ['listen']);
    if (!isLoopback(host) && tls === undefined) this.#problem(`the server would listen on ${host} without TLS: tokens and answers could be read on the way`, ['listen'], 'give it tls: {cert: …, key: …}, or let it listen on 127.0.0.1 behind a proxy with TLS');
    return { host, port };
  }

  async tls({ tls }: ServeFile): Promise<ServeConfiguration['tls']> {
    if (tls === undefined) return undefined;
    const read = async (name: 'cert' | 'key'): Promise<string> => {
      try {
        return await readFile(resolve(this.#folder, tls[name]), 'utf8');
      } catch (thrown) {
        this.#problem(`the file ${tls[name]} cannot be read: ${(thrown as Error).message}`, ['tls', name]);
        return '';
      }
    };
    return { cert: await read('cert'), key: await read('key') };
  }

  users({ users = [] }: ServeFile): UserRecord[] {
    for (const [index, { name }] of users.entries()) {
      if (users.findIndex((user) => user.name === name) !== index) this.#problem(`there is a user "${name}" already`, ['users', index, 'name']);
    }
    this.#problems.throwIfAny();
    return users;
  }

  /** Paths of sinks are made absolute. */
  notify({ notify = { webhook: [], smtp: [], file: [] } }: ServeFile): NotifySinks {
    for (const { path, message, hint } of sinkProblems(notify)) this.#problem(message, ['notify', ...path], hint);
    const absolute = (path: string): string => resolve(this.#folder, path);
    const withCa = <S extends { ca?: string }>(sink: S): S => (sink.ca === undefined ? sink : { ...sink, ca: absolute(sink.ca) });
    return {
      webhook: notify.webhook.map(withCa), smtp: notify.smtp.map(withCa),
      file: notify.file.map((sink) => (sink.path === undefined ? sink : { ...sink, path: absolute(sink.path) })),
    };
  }

  async schedules(written: ServeFile, sinks: readonly string[]): Promise<ServeSchedule[]> {
    const schedules: ServeSchedule[] = [];
    for (const [index, entry] of written.schedules.entries()) {
      const at = (key: keyof ScheduleEntry): (string | number)[] => ['schedules', index, key];
      if (written.schedules.findIndex(({ name }) => name === entry.name) !== index) this.#problem(`there is a schedule "${entry.name}" already`, at('name'));
      this.#when(entry, at);
      const timeoutMs = milliseconds(entry.timeout ?? '1h');
      if (timeoutMs === 0 || timeoutMs > LONGEST_TIMEOUT_MS) this.#problem('a timeout is longer than nothing and 24d at most', at('timeout'));
      const work = await this.#work(entry, at);
      for (const [place, name] of (entry.notify ?? []).entries()) {
        if (!sinks.includes(name)) this.#problem(`there is no sink "${name}"`, [...at('notify'), place], suggestion(name, sinks) ?? 'sinks are listed below "notify:" at the top');
      }
      const fleet = this.#fleet(written, entry, at);
      const hosts = fleet.hosts.length === 0 ? [] : await this.#hosts(entry, fleet, work, at);
      // what touches no host need not wait for one
      const keys = entry.evidence === 'snapshot' ? [] : hosts;
      schedules.push({
        name: entry.name, cron: entry.cron, timezone: entry.timezone ?? 'UTC', jitterMs: milliseconds(entry.jitter ?? '0s'), timeoutMs, keys, hosts,
        work, pattern: entry.pattern, evidence: entry.evidence ?? 'live', fleet, sinks: entry.notify ?? sinks,
      });
    }
    return schedules;
  }

  #when(entry: ScheduleEntry, at: (key: keyof ScheduleEntry) => (string | number)[]): void {
    try {
      parseWhen(entry.cron, entry.timezone ?? 'UTC');
    } catch (thrown) {
      if (!(thrown instanceof HsmfleetError)) throw thrown;
      this.#problem(thrown.message, at(thrown.message.includes('time zone') ? 'timezone' : 'cron'), thrown.hint);
    }
  }

  async #work(entry: ScheduleEntry, at: (key: keyof ScheduleEntry) => (string | number)[]): Promise<ServeSchedule['work']> {
    const { profile, playbook } = entry;
    if ((profile === undefined) === (playbook === undefined)) {
      this.#problem(`the schedule "${entry.name}" takes either a profile or a playbook`, at(profile === undefined ? 'name' : 'playbook'));
      return { kind: 'profile', profile: '' };
    }
    if (playbook !== undefined) return { kind: 'playbook', playbook: this.#existing(playbook, at('playbook')) };
    const path = this.#existing(profile ?? '', at('profile'));
    try {
      if (path !== '') await parseProfile(path);
    } catch (thrown) {
      this.#problems.addThrown(thrown);
    }
    return { kind: 'profile', profile: path };
  }

  #fleet(written: ServeFile, entry: ScheduleEntry, at: (key: keyof ScheduleEntry) => (string | number)[]): FleetOptions {
    const hosts = entry.hosts ?? written.hosts;
    if (hosts === undefined) this.#problem(`the schedule "${entry.name}" has no hosts`, at('name'), 'name hosts files with "hosts:", here or for all schedules at the top');
    const path = (place: 'hosts' | 'vault_password_files', index: number): (string | number)[] => (entry[place] === undefined ? [place, index] : [...at(place), index]);
    const [user, key, become] = [entry.user ?? written.user, entry.private_key ?? written.private_key, entry.become ?? written.become];
    const passwords = entry.vault_password_files ?? written.vault_password_files;
    return {
      hosts: (hosts ?? []).map((file, index) => (file.includes(',') ? file : this.#existing(file, path('hosts', index)))),
      forks: String(entry.forks ?? written.forks ?? 64),
      ...(user === undefined ? {} : { user }),
      ...(key === undefined ? {} : { privateKey: resolve(this.#folder, key) }),
      ...(become === true ? { become } : {}),
      ...(passwords === undefined ? {} : { vaultPasswordFile: passwords.map((file, index) => this.#existing(file, path('vault_password_files', index))) }),
      ...(entry.variables === undefined ? {} : { extraVars: [JSON.stringify(entry.variables)] }),
    };
  }

  /** Names of the hosts that it is about. */
  async #hosts(entry: ScheduleEntry, fleet: FleetOptions, work: ServeSchedule['work'], at: (key: keyof ScheduleEntry) => (string | number)[]): Promise<readonly string[]> {
    if (fleet.hosts.includes('')) return [];
    try {
      const model = await loadHosts(fleet.hosts, { vault: await vaultOpener(fleet), playbookDir: dirname(work.kind === 'profile' ? work.profile : work.playbook) });
      this.warnings.push(...model.warnings.filter((warning) => !this.warnings.includes(warning)));
      return model.select('all', entry.pattern);
    } catch (thrown) {
      if (thrown instanceof HsmfleetError && thrown.position === undefined) this.#problem(thrown.message, at(entry.pattern === undefined ? 'name' : 'pattern'), thrown.hint);
      else this.#problems.addThrown(thrown);
      return [];
    }
  }

  /** The absolute path; empty, and told of, when there is nothing. */
  #existing(path: string, at: (string | number)[]): string {
    const full = resolve(this.#folder, path);
    if (statSync(full, { throwIfNoEntry: false }) !== undefined) return full;
    this.#problem(`${path} does not exist`, at, 'paths are relative to the file of the server');
    return '';
  }

  #problem(message: string, at: (string | number)[], hint?: string): void {
    this.#problems.add(this.#source.problem('SERVE_INVALID', message, this.#placeOf(...at), hint));
  }
}


import { dirname, isAbsolute, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { HsmfleetError, type Value } from '@hsmfleet/contract';
import type { BatchRequest } from '@hsmfleet/jobs';
import type { PlaybookRequest } from './execute-playbook.ts';
import type { FleetOptions } from './fleet-options.ts';

/** Plays that come with the program. */
const SHIPPED = fileURLToPath(new URL('../plays', import.meta.url));

/** The part of a request that only the program understands. */
interface RequestOptions {
  hosts: string[];
  limit?: string | undefined;
  tags?: string[] | undefined;
  skipTags?: string[] | undefined;
  become?: true | undefined;
  user?: string | undefined;
  privateKey?: string | undefined;
  extraVars: string[];
  vars?: Record<string, Value> | undefined;
  manifest?: string[] | undefined;
  manifestKey?: string[] | undefined;
}

/**
 * A request as workers take it: paths relative to the project folder, nothing that is secret.
 * @throws HsmfleetError USAGE for what a worker cannot have
 */
export function batchRequest(request: PlaybookRequest, project: string, user: string): BatchRequest {
  const { fleet } = request;
  if (fleet.askBecomePass === true || fleet.askPass === true) {
    const [what, variable] = fleet.askBecomePass === true ? ['of sudo', 'ansible_become_password'] : ['of the SSH login', 'ansible_password'];
    throw new HsmfleetError('USAGE', `workers cannot be given the password ${what} that is asked for here`, { hint: `set ${variable} in the hosts file, to !secret file:PATH, on every worker` });
  }
  if (request.limit?.includes('@') === true) throw new HsmfleetError('USAGE', 'workers cannot be given a limit from a file', { hint: 'name the hosts or a group' });
  const within = (path: string, what: string): string => pathWithin(project, path, what);
  const shipped = resolve(request.playbook).startsWith(`${SHIPPED}/`);
  const options: RequestOptions = {
    hosts: (fleet.hosts).map((path) => (path.includes(',') ? path : within(path, 'hosts file'))),
    limit: request.limit, tags: request.tags, skipTags: request.skipTags, become: fleet.become, user: fleet.user,
    privateKey: fleet.privateKey === undefined ? undefined : resolve(fleet.privateKey),
    extraVars: (fleet.extraVars ?? []).map((text) => (text.startsWith('@') ? `@${within(text.slice(1), 'file of -e')}` : text)),
    vars: request.vars,
    manifest: request.custody?.manifest?.map((path) => within(path, 'manifest')),
    manifestKey: request.custody?.manifestKey?.map((path) => within(path, 'manifest key')),
  };
  return {
    playbook: shipped ? relative(SHIPPED, resolve(request.playbook)) : within(request.playbook, 'playbook'),
    shipped, user, check: request.check, diff: request.diff, options: { ...options },
  };
}

/** The request again, on the machine of a worker. @param own how this worker reads vaults, and how many hosts it runs at once */
export function playbookRequest(batch: BatchRequest, project: string, own: Pick<FleetOptions, 'forks' | 'vaultId' | 'vaultPasswordFile'>): PlaybookRequest {
  const options = batch.options as unknown as RequestOptions;
  const here = (path: string): string => join(project, path);
  return {
    playbook: batch.shipped ? join(SHIPPED, batch.playbook) : here(batch.playbook),
    fleet: {
      ...own, hosts: options.hosts.map((path) => (path.includes(',') ? path : here(path))),
      extraVars: options.extraVars.map((text) => (text.startsWith('@') ? `@${here(text.slice(1))}` : text)),
      ...(options.become === true ? { become: true } : {}),
      ...(options.user === undefined ? {} : { user: options.user }),
      ...(options.privateKey === undefined ? {} : { privateKey: options.privateKey }),
    },
    limit: options.limit, tags: options.tags, skipTags: options.skipTags, vars: options.vars ?? {}, check: batch.check, diff: batch.diff,
    custody: { manifest: options.manifest?.map(here), manifestKey: options.manifestKey?.map(here) },
  };
}

function pathWithin(project: string, path: string, what: string): string {
  const inside = relative(resolve(project), resolve(path));
  if (inside !== '' && !inside.startsWith('..') && !isAbsolute(inside)) return inside;
  throw new HsmfleetError('USAGE', `the ${what} ${path} lies outside of the project folder ${project}, so workers do not have it`, { hint: `name the folder that holds it all with --project, for example ${dirname(resolve(path))}` });
}

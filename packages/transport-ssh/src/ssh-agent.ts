import { readFile } from 'node:fs/promises';
import type { BaseAgent, IdentityCallback, ParsedKey } from 'ssh2';
import { keyTypeOf } from '@hsmfleet/ssh-config';
import { listAgentKeys } from './list-agent-keys.ts';
import { loadSsh2, type Ssh2 } from './ssh2.ts';

/** Keys an agent offers to one host. */
export interface OfferedKeys {
  agent: BaseAgent;
  count: number;
}

/** One ssh-agent with the keys it had when it was first asked. */
export interface OpenAgent {
  holds(publicBlob: Buffer): boolean;
  /** All keys, those of the given files first; undefined when it has none. */
  all(first: readonly Buffer[], accepts: (type: string) => boolean): OfferedKeys | undefined;
  /** Only keys of the given files (IdentitiesOnly); undefined when it has none of them. */
  only(files: readonly Buffer[], accepts: (type: string) => boolean): OfferedKeys | undefined;
  /** Types of keys that it has and ssh2 cannot use: security keys, certificates. */
  foreign: readonly string[];
}

/** Agents by socket, each asked once per run. */
export interface Agents {
  /** Undefined when nothing answers at the socket. */
  open(socket: string): Promise<OpenAgent | undefined>;
}

export function createAgents(): Agents {
  const opened = new Map<string, Promise<OpenAgent | undefined>>();
  return {
    open(socket) {
      let agent = opened.get(socket);
      if (agent === undefined) {
        agent = openAgent(socket);
        opened.set(socket, agent);
      }
      return agent;
    },
  };
}

async function openAgent(socket: string): Promise<OpenAgent | undefined> {
  const ssh2 = await loadSsh2();
  const agent = ssh2.createAgent(socket);
  const keys = await new Promise<ParsedKey[]>((resolve) => {
    agent.getIdentities((error, found) => {
      resolve(error === undefined || error === null ? ((found ?? []) as ParsedKey[]) : []);
    });
  });
  const usable = new Set(keys.map((key) => key.getPublicSSH().toString('base64')));
  const foreign = [...new Set((await listAgentKeys(socket)).filter((blob) => !usable.has(blob.toString('base64'))).map(keyTypeOf))];
  if (keys.length === 0 && foreign.length === 0) return undefined;
  const isOneOf = (key: ParsedKey, blobs: readonly Buffer[]): boolean => blobs.some((blob) => blob.equals(key.getPublicSSH()));
  const offer = (offered: ParsedKey[]): OfferedKeys | undefined => (offered.length === 0 ? undefined : { agent: restrictAgent(ssh2, agent, offered), count: offered.length });
  return {
    foreign,
    holds: (blob) => keys.some((key) => key.getPublicSSH().equals(blob)),
    all: (first, accepts) => offer(keys.filter(({ type }) => accepts(type)).sort((a, b) => Number(isOneOf(b, first)) - Number(isOneOf(a, first)))),
    only: (files, accepts) => offer(keys.filter((key) => isOneOf(key, files) && accepts(key.type))),
  };
}

/** An agent that shows just these keys, without another question to the real one. */
function restrictAgent(ssh2: Ssh2, agent: BaseAgent, keys: ParsedKey[]): BaseAgent {
  class RestrictedAgent extends ssh2.BaseAgent<ParsedKey> {
    override getIdentities(callback: IdentityCallback<ParsedKey>): void {
      callback(undefined, keys);
    }

    // a function-valued property, since ssh2's types overload the method
    override sign = agent.sign.bind(agent) as BaseAgent<ParsedKey>['sign'];
  }
  return new RestrictedAgent() as unknown as BaseAgent;
}

/** The key of a .pub file; undefined when there is none. */
export async function publicBlobOf(file: string): Promise<Buffer | undefined> {
  try {
    const base64 = (await readFile(file, 'utf8')).trim().split(/\s+/)[1];
    return base64 === undefined ? undefined : Buffer.from(base64, 'base64');
  } catch {
    return undefined;
  }
}

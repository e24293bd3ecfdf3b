import type { ErrorShape } from '@hsmfleet/contract';
import { broken, ok, type Finding } from './finding.ts';
import type { ReachEvidence } from './judge-reach.ts';
import type { Findings } from './walk.ts';

/** What a few lines of shell saw where the agent did not start. */
export interface BootstrapEvidence {
  /** Where the agent keeps its things. */
  state: string;
  stateKind: 'missing' | 'directory' | 'other';
  /** May files be written there, or, when it is missing, above it? */
  writable: boolean;
  /** Kilobytes that are free there. */
  freeKb: number | null;
  /** Options of the mount that holds the folder of runtimes. */
  mountPoint: string | null;
  mountOptions: readonly string[];
  /** The agent that this program would start: missing, whole by its hash, or another file under its name. */
  agent: 'missing' | 'whole' | 'damaged';
  /** Node programs there are, what they say of themselves and how they ended. */
  nodes: readonly { path: string; says: string; code: number }[];
  /** What `uname -m` says. */
  machine: string;
}

/** Least major version that runs the agent. */
const LEAST_NODE = 20;
/** A runtime and an agent need about as much. */
const NEEDED_KB = 200_000;

/** The agent and what runs it. */
export function judgeBootstrap(seen: ReachEvidence): Findings {
  const { error, agent, bootstrap } = seen;
  if (error === undefined) {
    if (agent === undefined) return {};
    const sent = agent.uploaded.length === 0 ? '' : ` (sent just now: ${agent.uploaded.join(', ')})`;
    return { agent: ok(`the agent ${agent.version} answers${sent}`), runtime: ok(`Node ${agent.node.replace(/^v/, '')} runs it`) };
  }
  if (error.code === 'HOST_BUSY') {
    return { agent: broken(error.message, 'wait until that run has ended; if its process is gone, the next apply takes the lock over', 'hsmfleet runs', error.code) };
  }
  const place = bootstrap === undefined ? undefined : placeProblem(bootstrap, error);
  if (place !== undefined) return { agent: place };
  const runtime = bootstrap === undefined ? undefined : runtimeProblem(bootstrap, error);
  if (runtime !== undefined) return { agent: ok(`the agent is in ${bootstrap?.state ?? ''}`), runtime };
  return { agent: told(error) };
}

function told({ message, hint, code }: ErrorShape): Finding {
  return broken(message, hint ?? 'look into /var/lib/hsmfleet on the host', 'ls -la /var/lib/hsmfleet /var/lib/hsmfleet/agent', code);
}

function placeProblem(seen: BootstrapEvidence, error: ErrorShape): Finding | undefined {
  const { code } = error;
  const message = firstLine(error);
  const { state } = seen;
  if (seen.stateKind === 'other') return broken(`${state} is no folder, and the agent needs it: ${message}`, 'move away what is there', `mv ${state} ${state}.old`, code);
  if (!seen.writable) {
    const why = seen.mountOptions.includes('ro') ? `${seen.mountPoint ?? 'its file system'} is mounted read-only` : 'nothing can be written there';
    return broken(`the agent cannot be kept in ${state}: ${why}`, 'make it writable for root', seen.mountOptions.includes('ro') ? `mount -o remount,rw ${seen.mountPoint ?? '/'}` : `ls -ld ${state}`, code);
  }
  if (seen.freeKb !== null && seen.freeKb < NEEDED_KB && seen.agent !== 'whole') return broken(`there are ${String(Math.floor(seen.freeKb / 1024))} MB free for ${state}, and agent and runtime need ${String(NEEDED_KB / 1000)}: ${message}`, 'make room', `df -h ${state}; du -sh ${state}/*`, code);
  if (seen.agent === 'damaged') return broken(`the agent in ${state} is not as it was sent: ${message}`, 'remove it: the next run sends it again. Find out who changed a file that only root may write', `rm -rf ${state}/agent`, code);
  return undefined;
}

function runtimeProblem(seen: BootstrapEvidence, error: ErrorShape): Finding | undefined {
  const { code } = error;
  const message = firstLine(error);
  const { nodes, state } = seen;
  const good = nodes.filter(({ code: ended, says }) => ended === 0 && major(says) >= LEAST_NODE);
  const own = nodes.find(({ path }) => path.startsWith(`${state}/runtime/`));
  const usable = own === undefined ? good : good.filter(({ path }) => path === own.path);
  if (usable.length > 0) return undefined;
  const others = nodes.filter((node) => node !== own).map(({ path, says, code: ended }) => `${path} ${ended !== 0 ? 'does not run' : major(says) >= LEAST_NODE ? `is ${says}, but what was sent is taken first` : `is ${says}, which is too old (${String(LEAST_NODE)} is needed)`}`);
  const system = others.length === 0 ? 'the host has no Node of its own' : others.join(', ');
  if (seen.mountOptions.includes('noexec')) {
    return broken(`${system}, and the runtime that is sent cannot run: ${seen.mountPoint ?? state} is mounted noexec`, `allow programs to run there, or install Node ${String(LEAST_NODE)} or newer on the host`, `mount -o remount,exec ${seen.mountPoint ?? state}`, code);
  }
  if (own !== undefined) return broken(`${system}, and ${own.path} does not run: ${own.says === '' ? message : own.says}`, `install Node ${String(LEAST_NODE)} or newer on the host; if that file is damaged, remove it, and the next run sends it again`, `rm -rf ${state}/runtime`, code);
  return broken(`${system}, and none could be sent (${seen.machine}): ${message}`, `install Node ${String(LEAST_NODE)} or newer on the host`, 'apt-get install nodejs', code);
}

/** A program that dies may say a page. */
function firstLine({ message }: ErrorShape): string {
  const line = message.split(/\n|\\n/)[0] ?? '';
  return line.length > 300 ? `${line.slice(0, 300)}…` : line;
}

/** Major version of what `node --version` prints; 0 for anything else. */
function major(says: string): number {
  return Number(/^v(\d+)\./.exec(says)?.[1] ?? 0);
}

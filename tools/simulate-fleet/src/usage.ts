import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';

/** Clock ticks of the kernel's accounting, milliseconds each. */
const TICK_MS = 10;
const SAMPLE_MS = 250;

/** A moment: processor time of each group so far, milliseconds. */
interface Sample {
  at: number;
  cpu: Record<string, number>;
}

/** A span of time, milliseconds since 1970. */
export interface Span {
  from: number;
  to: number;
}

/** Samples what processes take, from /proc. */
export class Usage<G extends string> {
  readonly #groups: Record<string, () => number[]>;
  readonly #names: string[];
  readonly #samples: Sample[] = [];
  readonly #memory = new Map<number, number>();
  /** Last known processor time of processes that may be gone. */
  readonly #cpu = new Map<string, Map<number, number>>();
  readonly #timer: NodeJS.Timeout;
  readonly #last: string;
  #familyKiB = 0;

  /** @param family name of a further group: a process and its children, whoever they are at the moment */
  constructor(groups: Record<G, readonly number[]>, family: string, parent: number) {
    this.#groups = { ...Object.fromEntries(Object.entries<readonly number[]>(groups).map(([name, pids]) => [name, () => [...pids]])), [family]: () => [parent, ...childrenOf(parent)] };
    this.#names = Object.keys(this.#groups);
    this.#last = family;
    this.#sample();
    this.#timer = setInterval(() => { this.#sample(); }, SAMPLE_MS);
  }

  /** Ends sampling. @returns what was spent within the span */
  stop(span: Span): { cpuMs: Record<G | 'postgres', number>; busy: number; postgresMiB: number } {
    clearInterval(this.#timer);
    this.#sample();
    const at = (moment: number, name: string): number => interpolate(this.#samples, moment, name);
    const cpuMs = Object.fromEntries(this.#names.map((name) => [name, at(span.to, name) - at(span.from, name)])) as Record<G | 'postgres', number>;
    const all = Object.values<number>(cpuMs).reduce((sum, ms) => sum + ms, 0);
    return { cpuMs, busy: all / ((span.to - span.from) * cpus().length), postgresMiB: this.#familyKiB / 1024 };
  }

  /** Largest resident memory of a process, MiB. */
  largest(pid: number): number {
    return (this.#memory.get(pid) ?? 0) / 1024;
  }

  #sample(): void {
    const cpu: Record<string, number> = {};
    for (const name of this.#names) {
      const known = this.#cpu.get(name) ?? new Map<number, number>();
      this.#cpu.set(name, known);
      let proportional = 0;
      for (const pid of this.#groups[name]?.() ?? []) {
        const now = processorMs(pid);
        if (now !== undefined) known.set(pid, now);
        this.#memory.set(pid, Math.max(this.#memory.get(pid) ?? 0, statusKiB(pid, 'VmRSS')));
        if (name === this.#last) proportional += statusKiB(pid, 'RssAnon');
      }
      if (name === this.#last) this.#familyKiB = Math.max(this.#familyKiB, proportional);
      cpu[name] = [...known.values()].reduce((sum, ms) => sum + ms, 0);
    }
    this.#samples.push({ at: Date.now(), cpu });
  }
}

function interpolate(samples: readonly Sample[], moment: number, name: string): number {
  const after = samples.findIndex(({ at }) => at >= moment);
  const [right, left] = after === -1 ? [samples.at(-1), samples.at(-1)] : [samples[after], samples[Math.max(0, after - 1)]];
  if (right === undefined || left === undefined) return 0;
  const share = right.at === left.at ? 1 : Math.min(1, (moment - left.at) / (right.at - left.at));
  return (left.cpu[name] ?? 0) + share * ((right.cpu[name] ?? 0) - (left.cpu[name] ?? 0));
}

function processorMs(pid: number): number | undefined {
  const text = read(`/proc/${String(pid)}/stat`);
  if (text === '') return undefined;
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}

function statusKiB(pid: number, field: string): number {
  return Number(new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(read(`/proc/${String(pid)}/status`))?.[1] ?? 0);
}

function childrenOf(pid: number): number[] {
  return read(`/proc/${String(pid)}/task/${String(pid)}/children`).trim().split(/\s+/).filter(Boolean).map(Number);
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

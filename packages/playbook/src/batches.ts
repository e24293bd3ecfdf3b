import type { HostOrder } from './source.ts';

/** One size of `serial`: hosts, or a share of all. */
export type BatchSize = { hosts: number } | { percent: number };

/** Hosts in batches as `serial` asks: sizes in turn, the last one repeated; without sizes all at once. */
export function splitBatches(hosts: readonly string[], sizes: readonly BatchSize[]): string[][] {
  if (hosts.length === 0) return [];
  if (sizes.length === 0) return [[...hosts]];
  const batches: string[][] = [];
  for (let from = 0, turn = 0; from < hosts.length; turn += 1) {
    const size = sizes[Math.min(turn, sizes.length - 1)] as BatchSize;
    const count = 'hosts' in size ? size.hosts : Math.max(1, Math.floor((size.percent * hosts.length) / 100));
    batches.push(hosts.slice(from, from + count));
    from += count;
  }
  return batches;
}

/** A size as a playbook writes it: 2, "2", "30%". Undefined when it is none. */
export function parseBatchSize(value: unknown): BatchSize | undefined {
  const text = typeof value === 'number' || typeof value === 'string' ? String(value) : '';
  const found = /^([1-9]\d*)(%?)$/.exec(text);
  if (found === null) return undefined;
  const number = Number(found[1]);
  if (found[2] === '') return { hosts: number };
  return number <= 100 ? { percent: number } : undefined;
}

/** Hosts as Ansible's `order` sorts them; `shuffle` differs from run to run. */
export function orderHosts(hosts: string[], order: HostOrder): string[] {
  switch (order) {
    case 'inventory': return hosts;
    case 'reverse_inventory': return hosts.toReversed();
    case 'sorted': return hosts.toSorted();
    case 'reverse_sorted': return hosts.toSorted().reverse();
    case 'shuffle': return shuffled(hosts);
  }
}

function shuffled(hosts: string[]): string[] {
  const left = [...hosts];
  return hosts.map(() => left.splice(Math.floor(Math.random() * left.length), 1)[0] as string);
}

import type { BenchmarkPoint } from '@hsmfleet/contract/schemas';

/** Rates of one key in one setting, by how many users or sessions there were. */
export interface RateLine {
  name: string;
  values: (number | null)[];
}

/** Lines that belong into one plot. */
export interface RatePlot {
  kind: BenchmarkPoint['kind'];
  host: string;
  /** Users or sessions, ascending. */
  x: number[];
  lines: RateLine[];
}

/** How many asked at the same time: users of a site, sessions of a key. */
export function loadOf(point: BenchmarkPoint): number {
  return point.kind === 'siege' ? point.concurrency : point.sessions;
}

/** The key as people name it: `rsa 2048`, `ec prime256v1`. */
export function keyName({ key }: BenchmarkPoint): string {
  return `${key.type ?? 'key'} ${key.curve ?? String(key.bits ?? '')}`.trim();
}

/** What makes two points comparable: the same site or token, key, module and way of connecting. */
function lineName(point: BenchmarkPoint): string {
  const module = point.module === null ? '' : ` ${point.module.description} ${point.module.version}`.trimEnd();
  return point.kind === 'siege'
    ? `${keyName(point)}, ${point.site}:${String(point.port)}, ${point.resumption === 'resumed' ? 'resumed' : 'full handshakes'}${module === '' ? '' : `,${module}`}`
    : `${keyName(point)}, ${point.token}, ${point.algorithm}${module === '' ? '' : `,${module}`}`;
}

/** One plot for each host and kind; of points measured twice the newer one counts, those that were not measured to their end are gaps. */
export function ratePlots(points: readonly BenchmarkPoint[]): RatePlot[] {
  const plots = new Map<string, BenchmarkPoint[]>();
  for (const point of points) plots.set(`${point.kind} ${point.host}`, [...(plots.get(`${point.kind} ${point.host}`) ?? []), point]);
  return [...plots.values()].map((own) => {
    const first = own[0] as BenchmarkPoint;
    const x = [...new Set(own.map(loadOf))].sort((left, right) => left - right);
    const lines = new Map<string, RateLine>();
    for (const point of own) {
      const name = lineName(point);
      const line = lines.get(name) ?? { name, values: x.map(() => null) };
      lines.set(name, line);
      line.values[x.indexOf(loadOf(point))] = point.outcome === 'measured' ? point.rate : null;
    }
    return { kind: first.kind, host: first.host, x, lines: [...lines.values()] };
  });
}

import type { LoadPoint } from '@hsmfleet/resource';

/** The matrix of one site, as people write it. */
export interface LoadMatrix {
  concurrency: readonly number[];
  resumption: 'full' | 'resumed' | 'both';
  /** Also make the full handshakes with our own client, so that it can be compared with siege. */
  crossCheck: boolean;
}

/** Concurrencies of the published guides. */
export const DEFAULT_CONCURRENCY: readonly number[] = [5, 10, 20, 30, 40, 60];

/** Every point of the matrix: full handshakes first, each tool's points in the order of the concurrencies. */
export function expandMatrix({ concurrency, resumption, crossCheck }: LoadMatrix): LoadPoint[] {
  const users = [...new Set(concurrency)];
  const row = (tool: LoadPoint['tool'], kind: LoadPoint['resumption']): LoadPoint[] => users.map((count) => ({ tool, resumption: kind, concurrency: count }));
  return [
    ...(resumption === 'resumed' ? [] : row('siege', 'full')),
    ...(resumption !== 'resumed' && crossCheck ? row('hsmfleet', 'full') : []),
    // siege resumes nothing: it closes each connection and forgets its session
    ...(resumption === 'full' ? [] : row('hsmfleet', 'resumed')),
  ];
}

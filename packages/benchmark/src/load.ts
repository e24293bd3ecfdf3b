import type { SiegePoint } from '@hsmfleet/contract';

/** What a load tool counted. Names and units are those of {@link SiegePoint}. */
export type LoadNumbers = Pick<
  SiegePoint,
  | 'transactions' | 'successful' | 'failed' | 'elapsedS' | 'dataMB' | 'responseS' | 'rate' | 'throughput' | 'reachedConcurrency'
  | 'longestS' | 'shortestS' | 'resumedShare'
> & {
  /** The first thing that went wrong, in the tool's words; null when nothing did. */
  problem: string | null;
};

/** Nothing was counted. */
export const NO_NUMBERS: Readonly<LoadNumbers> = {
  transactions: 0, successful: 0, failed: 0, elapsedS: 0, dataMB: 0, responseS: 0, rate: 0, throughput: 0, reachedConcurrency: 0,
  longestS: 0, shortestS: 0, resumedShare: null, problem: null,
};

/** What our own load client reads from its standard input; it answers with {@link LoadNumbers} on its standard output. */
export interface TlsLoadRequest {
  address: string;
  port: number;
  /** SNI and Host header. */
  serverName: string;
  /** Asked for in turn. */
  paths: readonly string[];
  concurrency: number;
  seconds: number;
  /** Each user waits up to this many seconds before a request. */
  delayS: number;
  /** `full`: every connection makes a full handshake; `resumed`: every connection offers the session of the one before. */
  resumption: 'full' | 'resumed';
}

/** Percent of all tried requests that were answered well. */
export function availabilityOf({ transactions, successful, failed }: Pick<LoadNumbers, 'transactions' | 'successful' | 'failed'>): number {
  const tried = transactions + failed;
  return tried === 0 ? 0 : Math.round(Math.min(1, successful / tried) * 10_000) / 100;
}

/**
 * Reads what our own client answered.
 * @returns undefined when it is no such answer
 */
export function parseTlsLoad(stdout: string): LoadNumbers | undefined {
  try {
    const value = JSON.parse(stdout) as LoadNumbers;
    return Object.keys(NO_NUMBERS).every((name) => name in value) ? value : undefined;
  } catch {
    return undefined;
  }
}

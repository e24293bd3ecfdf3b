import { readFileSync } from 'node:fs';
import type { TlsLoadRequest } from '@hsmfleet/benchmark';
import { makeLoad } from './make-load.ts';

/** The load client's program: one request on standard input, its numbers on standard output. */
export function runTlsLoad(): void {
  const request = JSON.parse(readFileSync(0, 'utf8')) as TlsLoadRequest;
  void makeLoad(request).then((numbers) => {
    // what is still on its way when the time is over is not waited for
    process.stdout.write(`${JSON.stringify(numbers)}\n`, () => process.exit(0));
  });
}

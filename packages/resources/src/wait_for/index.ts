import { setTimeout as sleep } from 'node:timers/promises';
import { HsmfleetError } from '@hsmfleet/contract';
import { defineResource, type ReadHost } from '@hsmfleet/resource';
import { WaitForParams } from './schema.ts';

interface Facts {
  met: boolean;
  /** Seconds waited. */
  elapsed: number;
}

const DEFAULT_TIMEOUT = 300;

export const resource = defineResource<WaitForParams, Facts>({
  name: 'wait_for',
  summary: 'Waits until a port is open or a file is there, or no longer. Changes nothing.',
  params: WaitForParams,
  skipInCheck: true,
  examples: [
    { title: 'A port', yaml: 'wait_for:\n  port: 443\n  timeout: 20\n' },
    { title: 'A line in a file', yaml: 'wait_for:\n  path: /var/log/apache2/error.log\n  search_regex: resuming normal operations\n' },
  ],

  async inspect(host, params) {
    const start = host.now();
    const elapsed = (): number => (host.now() - start) / 1000;
    const timeout = params.timeout ?? DEFAULT_TIMEOUT;
    const pattern = searched(params);
    await sleep((params.delay ?? 0) * 1000);
    if (params.port === undefined && params.path === undefined) {
      await sleep(timeout * 1000);
      return { met: true, elapsed: elapsed() };
    }
    for (;;) {
      const there = params.path === undefined ? await isOpen(host, params) : await isThere(host, params.path, pattern);
      const met = there === (params.state !== 'stopped' && params.state !== 'absent');
      const left = timeout - elapsed();
      if (met || left <= 0) return { met, elapsed: elapsed() };
      await sleep(Math.min(params.sleep ?? 1, left) * 1000);
    }
  },

  plan(params, facts) {
    const { state = 'started' } = params;
    if (!facts.met) {
      throw new HsmfleetError('TIMEOUT', params.msg ?? `${subject(params)} is not ${state} after ${String(Math.round(facts.elapsed))} s`, {
        hint: params.port === undefined ? 'see whether what makes the file runs' : 'see whether the service runs, and its log',
        details: { elapsed: facts.elapsed },
      });
    }
    return {
      steps: [],
      result: { elapsed: Math.floor(facts.elapsed), state, port: params.port ?? null, path: params.path ?? null },
    };
  },
});

function subject(params: WaitForParams): string {
  if (params.path === undefined) return `port ${String(params.port)} of ${params.host ?? '127.0.0.1'}`;
  return params.search_regex === undefined ? params.path : `"${params.search_regex}" in ${params.path}`;
}

function searched({ search_regex: source }: WaitForParams): RegExp | undefined {
  if (source === undefined) return undefined;
  try {
    return new RegExp(source, 'm');
  } catch (cause) {
    throw new HsmfleetError('PARAMS_INVALID', `search_regex is no regular expression: ${source}`, { hint: 'check brackets and backslashes', cause });
  }
}

function isOpen(host: ReadHost, params: WaitForParams): Promise<boolean> {
  return host.portOpen(params.port ?? 0, params.host ?? '127.0.0.1', (params.connect_timeout ?? 5) * 1000);
}

async function isThere(host: ReadHost, path: string, pattern: RegExp | undefined): Promise<boolean> {
  if (pattern === undefined) return (await host.stat(path)) !== undefined;
  const text = await host.readText(path, 64 * 1024 * 1024);
  return text !== undefined && pattern.test(text);
}

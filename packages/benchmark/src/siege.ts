import { NO_NUMBERS, type LoadNumbers } from './load.ts';

/** One call of siege. */
export interface SiegeCall {
  serverName: string;
  port: number;
  /** Where siege is to connect to, whatever the name resolves to. */
  address: string;
  paths: readonly string[];
  concurrency: number;
  seconds: number;
  /** 0 is siege's benchmark mode, without a wait. */
  delayS: number;
  /** How often each user asks; `seconds` do not count then. */
  repetitions?: number;
}

/** A program to run, with files that it wants; `{folder}` in words and in the environment stands for where they lie. */
export interface LoadCommand {
  argv: string[];
  env: Record<string, string>;
  files: Record<string, string>;
  stdin?: string;
}

/*
 * Siege takes the name for the TLS handshake from the URL and has no way to say where to connect to. A site often has a
 * name that leads elsewhere (a load balancer) or nowhere (a test host), so siege gets a list of hosts of its own: in a mount
 * namespace that ends with it. This is the one thing that takes a shell: `mount` and then `siege` in the same namespace.
 */
const OWN_HOSTS = 'mount --bind "$1" /etc/hosts && shift && exec "$@"';

/**
 * How siege is called. Settings come from a file of our own (the distribution's differ), its home is private (it writes into
 * it), colours and the HTML parser are off, so that a transaction is one connection, one full handshake and one page.
 * @param root whether it runs as root; else the namespace needs one of the user's own
 */
export function siegeCommand(call: SiegeCall, root: boolean): LoadCommand {
  const { serverName, port, address } = call;
  const host = serverName.includes(':') ? `[${serverName}]` : serverName;
  const settings = {
    color: 'off', json_output: 'true', quiet: 'true', verbose: 'false', parser: 'false', logging: 'false', cache: 'false', connection: 'close', protocol: 'HTTP/1.1',
    'accept-encoding': 'identity', timeout: '30',
    // above what is asked for: siege would silently use fewer users, or stop at the thousandth failure
    limit: String(Math.max(255, call.concurrency)), failures: '1000000',
  };
  const siege = [
    'siege', '-R', '{folder}/siegerc', ...(call.delayS > 0 ? ['-d', String(call.delayS)] : ['-b']),
    // without its unit siege would run for ever
    '-c', String(call.concurrency), ...(call.repetitions === undefined ? [`-t${String(Math.max(1, Math.round(call.seconds)))}S`] : ['-r', String(call.repetitions)]),
    '-f', '{folder}/urls',
  ];
  return {
    argv: ['unshare', ...(root ? [] : ['--user', '--map-root-user']), '--mount', '--', 'sh', '-c', OWN_HOSTS, 'sh', '{folder}/hosts', ...siege],
    env: { HOME: '{folder}' },
    files: {
      siegerc: Object.entries(settings).map(([name, value]) => `${name} = ${value}\n`).join(''),
      urls: call.paths.map((path) => `https://${host}:${String(port)}${path}\n`).join(''),
      hosts: `127.0.0.1 localhost\n::1 localhost\n${address} ${serverName}\n`,
    },
  };
}

const FIELDS = {
  transactions: 'transactions', successful: 'successful_transactions', failed: 'failed_transactions', elapsedS: 'elapsed_time', dataMB: 'data_transferred',
  responseS: 'response_time', rate: 'transaction_rate', throughput: 'throughput', reachedConcurrency: 'concurrency', longestS: 'longest_transaction',
  shortestS: 'shortest_transaction',
} as const;

/**
 * Reads what siege printed: a JSON object, with warnings and blank lines before it. Its exit code tells nothing.
 * @returns undefined when there are no numbers in it
 */
export function parseSiege(stdout: string, stderr: string): LoadNumbers | undefined {
  const start = stdout.indexOf('{');
  const end = stdout.lastIndexOf('}');
  if (start < 0 || end < start) return undefined;
  let answer: Record<string, unknown>;
  try {
    answer = JSON.parse(stdout.slice(start, end + 1)) as Record<string, unknown>;
  } catch {
    return undefined;
  }
  const numbers: LoadNumbers = { ...NO_NUMBERS, resumedShare: 0, problem: complaintOf(stderr) };
  for (const [name, field] of Object.entries(FIELDS) as [keyof typeof FIELDS, string][]) {
    const value = answer[field];
    if (typeof value !== 'number' || !Number.isFinite(value)) return undefined;
    numbers[name] = value;
  }
  // an answer of 400 and above is neither good nor failed to siege: it is in `transactions` alone
  const refused = numbers.transactions - numbers.successful;
  if (refused > 0 && numbers.problem === null) numbers.problem = `${String(refused)} of ${String(numbers.transactions)} answers had a status of 400 or above`;
  return numbers;
}

/** The first error that siege told, without its colours; null when it told none. */
export function complaintOf(stderr: string): string | null {
  const plain = stderr.replace(/\u001b\[[0-9;]*m/g, '');
  const line = plain.split('\n').map((text) => text.trim()).find((text) => /^\[?(?:error|alert|fatal)\b|^siege: (?!could not open .*\.siege)|^(?:unshare|mount|sh): /i.test(text));
  return line === undefined ? null : line.slice(0, 300);
}

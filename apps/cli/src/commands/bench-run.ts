import { defineCommand } from '../command.ts';
import { FLEET_OPTIONS } from '../fleet-options.ts';
import type { BenchmarkOptions } from '../run-benchmark.ts';

/** `hsmfleet bench run`: measures how sites serve under load. */
export const benchRun = defineCommand<BenchmarkOptions>({
  name: 'bench run',
  summary: 'measure how the TLS sites of hosts serve under load',
  description: 'Loads every TLS site that the configuration of a webserver has: one host after the other, one point after the other. Each point begins and ends with a proof that the '
    + 'server is healthy, and ends at its deadline. Points are stored; `hsmfleet bench report` shows them.',
  arguments: [{ name: '[pattern]', description: 'which hosts, as for --limit; all when absent' }],
  options: [
    ...FLEET_OPTIONS,
    { flags: '--concurrency <list>', description: 'users at the same time, a point for each', default: '5,10,20,30,40,60' },
    { flags: '--seconds <n>', description: 'seconds of load for each point', default: '8' },
    { flags: '--delay <seconds>', description: 'a user waits up to so long before a request; 0: benchmark mode', default: '0' },
    { flags: '--path <path>', description: 'URL path to ask for, / when absent; may be repeated', repeat: true },
    { flags: '--site <name>', description: 'this server name only' },
    { flags: '--mpm <list>', description: "process models of Apache, any of current, prefork, one-process; all but current restart the server, and what was there is put back", default: 'current' },
    { flags: '--resumption <kind>', description: 'full handshakes (siege), resumed sessions (own client), or both', choices: ['full', 'resumed', 'both'], default: 'full' },
    { flags: '--cross-check', description: 'make the full handshakes a second time with the own client' },
    { flags: '--from <place>', description: 'where the load is made: on the webserver, or here', choices: ['webserver', 'control'], default: 'webserver' },
    { flags: '--deadline <seconds>', description: 'end a point after this time; --seconds and 8 more when absent' },
    { flags: '--patience <seconds>', description: 'how long the server may take to answer before and after a point', default: '20' },
    { flags: '--allow-production', description: 'also measure hosts with production: true, or in a group called production' },
  ],
  examples: [
    'hsmfleet bench run -i hosts.yml web01 --concurrency 5,20,60',
    'hsmfleet bench run -i hosts.yml web01 --mpm prefork,one-process --resumption both --path / --path /app/index.php',
    'hsmfleet bench run -i hosts.yml web01 --from control',
  ],
  async run({ args: [pattern], options }) {
    const { runBenchmark } = await import('../run-benchmark.ts');
    return runBenchmark(options, pattern);
  },
});

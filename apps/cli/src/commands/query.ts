import { defineCommand } from '../command.ts';
import { FLEET_OPTIONS, HOSTS_OPTION, type FleetOptions } from '../fleet-options.ts';

interface QueryOptions extends Omit<FleetOptions, 'hosts'> {
  format: 'table' | 'json' | 'csv';
  views?: true;
  list?: true;
  queries?: string[];
  live?: true | string;
  hosts?: string[];
  asOf?: string;
  maxRows: string;
  timeout: string;
}

/** `hsmfleet query`: read-only SQL over what runs and inventories left in the store. */
export const query = defineCommand<QueryOptions>({
  name: 'query',
  summary: 'ask for stored inventories and runs, by the name of a query or in SQL',
  description: 'Views: hosts, modules, tokens, keys, certificates, nss_modules, sites, custody, artifacts, benchmark_points, runs, task_results, checks, check_results, findings, notifications.',
  arguments: [{ name: '[query]', description: 'a name that --list shows, or one SELECT statement; "-" reads it from standard input' }],
  options: [
    { flags: '--format <format>', description: 'how to print the answer', choices: ['table', 'json', 'csv'], default: 'table' },
    { flags: '--list', description: 'show the queries that have names' },
    { flags: '--queries <folder>', description: 'folder with more of them, one in each NAME.yml; may be repeated', repeat: true },
    { flags: '--live [pattern]', description: 'collect the inventory first, of these hosts or of all in the hosts file' },
    { flags: '--views', description: 'describe the views and their columns' },
    { flags: '--as-of <instant>', description: 'answer as it was then: a date (its end, UTC) or a time with its offset, such as 2026-11-01T12:00Z' },
    { ...HOSTS_OPTION, description: 'hosts file whose hosts are counted as fresh, stale, in error or never seen; may be repeated' },
    { flags: '--max-rows <n>', description: 'rows at most', default: '10000' },
    { flags: '--timeout <seconds>', description: 'end the query after this time', default: '10' },
    ...FLEET_OPTIONS.filter((option) => option !== HOSTS_OPTION && option.flags !== '--json'),
  ],
  examples: [
    'hsmfleet query expiring-certificates',
    'hsmfleet query lost-pin-tries -i hosts.yml --live=webservers',
    `hsmfleet query "select host, label, bits from keys where type = 'rsa' and bits < 2048"`,
    'hsmfleet query "select host, subject, days_left from certificates order by days_left limit 10" --format csv',
  ],
  async run({ args: [asked], options }) {
    const { answerQuery, describeViews, listQueries } = await import('../answer-query.ts');
    if (options.views === true) return describeViews(options.format);
    if (options.list === true) return listQueries(options.format, options.queries);
    return answerQuery(asked, options);
  },
});

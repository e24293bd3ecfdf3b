import { tasksIn, type Plan } from '@hsmfleet/contract';
import type { WantedSite } from '@hsmfleet/doctor';

/** Sites that plans want on a host, by its name. What waits for facts of the host is left out: it cannot be compared here. */
export function wantedSites(plans: Iterable<Plan>): Map<string, WantedSite[]> {
  const wanted = new Map<string, WantedSite[]>();
  for (const plan of plans) {
    const tasks = [...tasksIn(plan.tasks)];
    const writable = tasks.some(({ resource, params }) => resource === 'pkcs11_module' && record(params)?.['read_only'] === false);
    const sites = tasks.flatMap(({ resource, params, loop, when }) => (resource === 'tls_site' && loop === undefined && when === undefined ? siteOf(record(params)) : []));
    if (sites.length > 0) wanted.set(plan.host, [...(wanted.get(plan.host) ?? []), ...sites.map((site) => (writable ? { ...site, readOnly: false } : site))]);
  }
  return wanted;
}

function siteOf(params: Record<string, unknown> | undefined): WantedSite[] {
  const text = (name: string, from = params): string | undefined => (typeof from?.[name] === 'string' ? from[name] : undefined);
  const name = text('server_name');
  if (params === undefined || name === undefined || params['state'] === 'absent') return [];
  const module = record(params['module']);
  const engine = text('engine');
  const env = Object.entries(record(module?.['env']) ?? {}).filter((entry): entry is [string, string] => typeof entry[1] === 'string');
  const port = params['port'] ?? 443;
  return [withoutUndefined({
    name,
    port: typeof port === 'number' ? port : undefined,
    engine: engine === 'mod_nss' || engine === 'mod_ssl' ? engine : undefined,
    module: text('path', module),
    moduleEnv: env.length === 0 ? undefined : Object.fromEntries(env),
    token: text('token'),
    pinFile: text('pin_file'),
    database: text('nss_database'),
  })];
}

/** A mapping of the wire; undefined for anything else, among it what is still to be rendered. */
function record(value: unknown): Record<string, unknown> | undefined {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return undefined;
  return Object.keys(value).some((key) => key.startsWith('$')) ? undefined : (value as Record<string, unknown>);
}

function withoutUndefined(site: { [K in keyof WantedSite]: WantedSite[K] | undefined }): WantedSite {
  return Object.fromEntries(Object.entries(site).filter(([, value]) => value !== undefined)) as unknown as WantedSite;
}

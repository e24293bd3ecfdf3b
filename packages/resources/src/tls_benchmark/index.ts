import { HsmfleetError, type BenchmarkPoint, type Rendered } from '@hsmfleet/contract';
import { DEFAULT_CONCURRENCY, expandMatrix } from '@hsmfleet/benchmark';
import { configRoot, discoverSites, readApacheConfig, readEnvvars, type DiscoveredSite, type MpmSettings } from '@hsmfleet/httpd';
import { defineResource, type Handshake, type MeasureSite, type Step, type TlsProof, type WebChange } from '@hsmfleet/resource';
import { afterChanges, changesBack, processModelChanges, readProcessModel, type ProcessModel } from '../apache_mpm/process-model.ts';
import { DISTURBED_MARK } from '../inventory/disturbed-mark.ts';
import { proveSites, targetOf, wasDisturbed } from '../inventory/sites.ts';
import { identifyKeys, type KnownKeys } from './identify.ts';
import { TlsBenchmarkParams } from './schema.ts';

interface FoundSite {
  site: DiscoveredSite;
  handshake: Handshake | null;
}

interface Facts {
  model: ProcessModel;
  /** Most processes that the configuration allows; null: not limited in it. */
  processes: number | null;
  sites: FoundSite[];
  keys: KnownKeys;
  /** Process model to put back: what an earlier benchmark left that was cut off, else null. */
  left: ProcessModel | null;
  /** Where siege lies; null when it is not there. */
  siege: boolean;
}

/** Keeps the process model of before while another is measured, for the case that all is cut off. */
const MODEL_MARK = '/var/lib/hsmfleet/benchmark-puts-back.json';
const MAX_POINTS = 1_000;

const MODELS: Record<'prefork' | 'one-process', MpmSettings> = {
  // what distributions ship, and the old guides measured
  prefork: { mpm: 'prefork', serverLimit: 150, threads: 1, maxConnectionsPerChild: 0 },
  'one-process': { mpm: 'event', serverLimit: 1, threads: 64, maxConnectionsPerChild: 0 },
};

export const resource = defineResource<TlsBenchmarkParams, Facts>({
  name: 'tls_benchmark',
  summary: 'Measures how TLS sites serve under load, point by point, on the webserver itself.',
  params: TlsBenchmarkParams,
  converges: false,
  skipInCheck: true,
  examples: [
    { title: 'Every site, as the server is', yaml: 'tls_benchmark:\n  concurrency: [5, 20, 60]\n  seconds: 8\n' },
    { title: 'One site under two process models, resumed sessions too', yaml: 'tls_benchmark:\n  server_name: www.example.org\n  process_models: [prefork, one-process]\n  resumption: both\n' },
  ],

  async inspect(host, params) {
    const { apache } = host.facts;
    if (!apache.installed) throw new HsmfleetError('TASK_FAILED', `Apache is not installed (${apache.binary})`, { hint: 'install it and set up a site first' });
    const envvars = apache.flavor === 'debian' ? await host.readText(`${apache.configDir}/envvars`) : undefined;
    const config = await readApacheConfig(host, configRoot(apache, readEnvvars(envvars ?? '')));
    const sites = await proveSites(host, chosenSites(discoverSites(config), params));
    const limit = (name: string): number | null => {
      const value = Number(config.nodes.findLast((node) => node.name.toLowerCase() === name)?.args[0]);
      return Number.isInteger(value) && value > 0 ? value : null;
    };
    const model = await readProcessModel(host);
    const left = await host.readText(MODEL_MARK);
    const passive = params.read_tokens === 'never' || (await host.stat(DISTURBED_MARK)) !== undefined;
    const keys = passive ? {} : await identifyKeys(host);
    if (!passive && (await wasDisturbed(host, sites)) === true) {
      throw new HsmfleetError('WEB_DOWN', 'reading the token stopped a site, so nothing was measured', { hint: 'restart the web server, then run again with read_tokens: never' });
    }
    return {
      model,
      processes: limit('serverlimit') ?? (model.loaded === 'prefork' ? limit('maxrequestworkers') : null),
      sites,
      keys,
      left: left === undefined ? null : (JSON.parse(left) as ProcessModel),
      siege: (await host.query(['siege', '--version'], { env: { HOME: '/nonexistent' } })).code !== -1,
    };
  },

  plan(params, facts) {
    const sites = facts.sites.map((found) => siteStep(params, found, facts));
    if (params.load_from === 'control') {
      if ((params.process_models ?? ['current']).some((name) => name !== 'current')) {
        throw new HsmfleetError('PARAMS_INVALID', 'process_models needs load from the webserver', { hint: 'set the process model with apache_mpm, then measure from the control host' });
      }
      return { steps: [], result: { sites: sites.map((site) => ({ ...site, of: { ...site.of, driver: 'control' } })) as unknown as Rendered } };
    }
    refuseHopeless(params, facts, sites);
    const { steps, warnings } = underEveryModel(params, facts, sites);
    return { steps, warnings };
  },

  result(_params, _facts, done) {
    const points = done.flatMap((step): readonly BenchmarkPoint[] => step.points ?? []);
    const count = (outcome: BenchmarkPoint['outcome']): number => points.filter((point) => point.outcome === outcome).length;
    const nothing = count('measured') === 0;
    return {
      points: points as unknown as Rendered,
      measured: count('measured'), hung: count('hung'), unhealthy: count('unhealthy'),
      ...(nothing ? { failed: true, msg: `no point could be measured: ${points.find(({ problem }) => problem !== null)?.problem ?? 'no reason given'}` } : {}),
    };
  },
});

function chosenSites(sites: readonly DiscoveredSite[], { server_name: name, port, address }: TlsBenchmarkParams): DiscoveredSite[] {
  const chosen = sites.filter((site) => (name === undefined || site.name === name || site.aliases.includes(name)) && (port === undefined || site.port === port));
  const once = new Map(chosen.map((site) => [`${site.name}:${String(site.port)}`, { ...site, ...(address === undefined ? {} : { address }) }]));
  return [...once.values()];
}

function siteStep(params: TlsBenchmarkParams, { site }: FoundSite, facts: Facts): MeasureSite {
  const target = targetOf(site);
  const points = expandMatrix({ concurrency: params.concurrency ?? DEFAULT_CONCURRENCY, resumption: params.resumption ?? 'full', crossCheck: params.cross_check ?? false });
  const seconds = params.seconds ?? 8;
  return {
    kind: 'measure_site',
    target: { serverName: target.serverName, port: target.port, address: target.address ?? '127.0.0.1' },
    of: { driver: 'webserver', site: site.name, port: site.port, engine: site.engine, mpm: facts.model.loaded, processes: facts.processes },
    configuredKey: site.key,
    keys: facts.keys,
    paths: params.paths ?? ['/'],
    points,
    seconds,
    delayS: params.delay ?? 0,
    deadlineS: params.deadline ?? seconds + 8,
    patienceS: params.patience ?? 20,
    why: `measure ${site.name || 'the site'}:${String(site.port)}, ${String(points.length)} points of ${String(seconds)} s`,
  };
}

/** What cannot come to anything is told before the server is touched. */
function refuseHopeless(params: TlsBenchmarkParams, facts: Facts, sites: readonly MeasureSite[]): void {
  if (sites.length === 0) {
    throw new HsmfleetError('TASK_FAILED', `the web server's configuration has no TLS site${params.server_name === undefined ? '' : ` ${params.server_name}`}`, { hint: 'set one up with tls_site first' });
  }
  if (!facts.siege && sites.some(({ points }) => points.some(({ tool }) => tool === 'siege'))) {
    throw new HsmfleetError('TASK_FAILED', 'siege is not installed on the host', { hint: 'install it with a package task, or measure resumption: resumed only' });
  }
  const total = sites.reduce((sum, { points }) => sum + points.length, 0) * (params.process_models ?? ['current']).length;
  if (total > MAX_POINTS) throw new HsmfleetError('PARAMS_INVALID', `the matrix has ${String(total)} points, ${String(MAX_POINTS)} at most`, { hint: 'name one server_name, or fewer concurrencies' });
  if (!facts.sites.some(({ handshake }) => handshake?.ok === true)) {
    const problem = facts.sites.find(({ handshake }) => handshake !== null)?.handshake?.problem;
    throw new HsmfleetError('WEB_DOWN', `no site serves, so there is nothing to measure: ${problem ?? 'the web server does not run'}`, { hint: 'start the web server; its error log tells why a site does not serve' });
  }
}

/** All sites under each process model; the last step puts back what was there, whatever happens in between. */
function underEveryModel(params: TlsBenchmarkParams, facts: Facts, sites: readonly MeasureSite[]): { steps: Step[]; warnings: string[] } {
  const original = facts.left ?? facts.model;
  const proofs: TlsProof[] = facts.sites.flatMap(({ site, handshake }) => (handshake?.ok === true && handshake.keyFingerprint !== undefined ? [{ target: targetOf(site), keyFingerprint: handshake.keyFingerprint }] : []));
  const change = (changes: WebChange['changes'], why: string): WebChange => ({ kind: 'web_change', changes, apply: 'restart', start: false, proofs, pins: [], why });
  const putBack = (now: ProcessModel): WebChange[] => {
    const changes = [...changesBack(now, original), { kind: 'remove' as const, path: MODEL_MARK }];
    return [{ ...change(changes, 'put back the process model of before'), always: true }];
  };
  const steps: Step[] = [];
  const warnings: string[] = [];
  let now = facts.model;
  let marked = facts.left !== null;
  if (marked) warnings.push('an earlier benchmark was cut off: the process model of before it is put back');
  const asked = params.process_models ?? ['current'];
  // as it is comes first: afterwards it is as the benchmark set it
  for (const name of (['current', 'prefork', 'one-process'] as const).filter((one) => asked.includes(one))) {
    let of: Partial<MeasureSite['of']> = {};
    if (name !== 'current') {
      const settings = MODELS[name];
      if (facts.model.needsPrefork !== null && name !== 'prefork') {
        warnings.push(`${facts.model.needsPrefork} is loaded and works with mpm_prefork only: ${name} was not measured`);
        continue;
      }
      const changes = processModelChanges(settings, now);
      if (changes.length > 0) {
        const mark: WebChange['changes'] = marked ? [] : [{ kind: 'write_file', path: MODEL_MARK, content: { from: 'text', text: JSON.stringify(original) }, mode: 0o600 }];
        steps.push(change([...mark, ...changes], `run Apache with mpm_${settings.mpm}, ${String(settings.serverLimit)} processes at most, for the benchmark`));
        now = afterChanges(settings, now, changes);
        marked = true;
      }
      of = { mpm: settings.mpm, processes: settings.serverLimit };
    }
    for (const site of sites) steps.push({ ...site, of: { ...site.of, ...of } });
  }
  if (marked) steps.push(...putBack(now));
  return { steps, warnings };
}

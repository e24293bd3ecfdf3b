import { HsmfleetError, type ApacheLayout } from '@hsmfleet/contract';
import { configRoot, dropInFolder, readApacheConfig, readEnvvars, renderMpm, switchLoadModule, withLine } from '@hsmfleet/httpd';
import { defineResource, type WebChange } from '@hsmfleet/resource';
import { ApacheMpmParams } from './schema.ts';

type Change = WebChange['changes'][number];

const MPMS = ['event', 'worker', 'prefork'] as const;

interface Facts {
  apache: ApacheLayout;
  /** The process model that the configuration loads; null when it is compiled in or none is. */
  loaded: (typeof MPMS)[number] | null;
  /** Module that runs in processes of one thread only (mod_php). */
  needsPrefork: string | null;
  /** Text of our own file; null when there is none. */
  settings: string | null;
  /** Debian: where the link that takes it into effect points. */
  link: string | null;
  /** Debian: names of mpm files in mods-enabled. */
  enabled: string[];
  /** Debian: process models that can be enabled. */
  available: string[];
  /** Elsewhere: files with LoadModule lines of process models, and on Arch the main file. */
  loadFiles: Record<string, string>;
}

const NAME = 'hsmfleet-mpm';

export const resource = defineResource<ApacheMpmParams, Facts>({
  name: 'apache_mpm',
  summary: "Apache's process model: one threaded process, which a token needs.",
  params: ApacheMpmParams,
  examples: [
    { title: 'One process with 64 threads', yaml: 'apache_mpm:\n  mpm: event\n' },
    { title: 'More threads', yaml: 'apache_mpm:\n  threads: 150\n' },
  ],

  async inspect(host) {
    const { apache } = host.facts;
    const envvars = apache.flavor === 'debian' ? await host.readText(`${apache.configDir}/envvars`) : undefined;
    const config = await readApacheConfig(host, configRoot(apache, readEnvvars(envvars ?? '')));
    const enabled = (await host.list(`${apache.configDir}/mods-enabled`)) ?? [];
    const available = (await host.list(`${apache.configDir}/mods-available`)) ?? [];
    return {
      apache,
      loaded: MPMS.find((mpm) => config.modules.has(`mpm_${mpm}_module`)) ?? null,
      needsPrefork: [...config.modules.keys()].find((name) => /^php\d*_module$/.test(name)) ?? null,
      settings: (await host.readText(settingsFile(apache))) ?? null,
      link: apache.flavor === 'debian' ? ((await host.lstat(linkPath(apache)))?.target ?? null) : null,
      enabled: enabled.filter((name) => /^mpm_\w+\.(?:load|conf)$/.test(name)),
      available: available.filter((name) => /^mpm_\w+\.(?:load|conf)$/.test(name)),
      loadFiles: apache.flavor === 'debian' ? {} : Object.fromEntries(config.files.filter(({ path, text }) => path === configRoot(apache).mainFile || /LoadModule\s+mpm_/.test(text)).map(({ path, text }) => [path, text])),
    };
  },

  plan(params, facts) {
    if (!facts.apache.installed) throw new HsmfleetError('TASK_FAILED', `Apache is not installed (${facts.apache.binary})`, { hint: 'install it with a package task first' });
    const mpm = params.mpm ?? 'event';
    if (facts.needsPrefork !== null) {
      return {
        steps: [],
        warnings: [
          `${facts.needsPrefork} is loaded and works with mpm_prefork only, so the process model was left as it is: its processes take the login of a token from each other. Move PHP to php-fpm, then disable the module`,
        ],
      };
    }
    const text = renderMpm({ mpm, serverLimit: params.server_limit ?? 1, threads: params.threads ?? 64, maxConnectionsPerChild: params.max_connections_per_child ?? 0 });
    const changes: Change[] = facts.apache.flavor === 'debian' ? switchLinks(mpm, facts) : switchLines(mpm, facts);
    const path = settingsFile(facts.apache);
    if (facts.settings !== text) changes.push({ kind: 'write_file', path, content: { from: 'text', text }, mode: 0o644, owner: 'root', group: 'root' });
    if (facts.apache.flavor === 'debian' && facts.link !== `../conf-available/${NAME}.conf`) {
      changes.push({ kind: 'make_link', path: linkPath(facts.apache), target: `../conf-available/${NAME}.conf`, force: true });
    }
    if (changes.length === 0) return { steps: [] };
    return {
      steps: [{ kind: 'web_change', changes, apply: 'pending-restart', start: false, proofs: [], pins: [], why: `run Apache with mpm_${mpm}, ${String(params.server_limit ?? 1)} process` }],
    };
  },
});

function switchLinks(mpm: string, facts: Facts): Change[] {
  const folder = facts.apache.configDir;
  if (!facts.available.includes(`mpm_${mpm}.load`)) throw new HsmfleetError('TASK_FAILED', `mpm_${mpm} is not installed`, { hint: 'use another mpm' });
  const wanted = [`mpm_${mpm}.load`, `mpm_${mpm}.conf`].filter((name) => facts.available.includes(name));
  return [
    ...facts.enabled.filter((name) => !name.startsWith(`mpm_${mpm}.`)).map((name): Change => ({ kind: 'remove', path: `${folder}/mods-enabled/${name}` })),
    ...wanted.filter((name) => !facts.enabled.includes(name)).map((name): Change => ({ kind: 'make_link', path: `${folder}/mods-enabled/${name}`, target: `../mods-available/${name}` })),
  ];
}

function switchLines(mpm: string, facts: Facts): Change[] {
  const wanted = Object.fromEntries(MPMS.map((name) => [`mpm_${name}_module`, name === mpm]));
  const main = configRoot(facts.apache).mainFile;
  const changes: Change[] = [];
  let found = false;
  for (const [path, text] of Object.entries(facts.loadFiles)) {
    let next = switchLoadModule(text, wanted);
    found ||= new RegExp(`^\\s*LoadModule\\s+mpm_${mpm}_module\\s`, 'm').test(next);
    if (facts.apache.flavor === 'arch' && path === main) next = withLine(next, `Include conf/extra/${NAME}.conf`);
    if (next !== text) changes.push({ kind: 'write_file', path, content: { from: 'text', text: next } });
  }
  // compiled in, or no line to take into effect: say so rather than add a second process model
  if (!found && facts.loaded !== mpm) throw new HsmfleetError('TASK_FAILED', `no LoadModule line for mpm_${mpm} in Apache's configuration`, { hint: 'add it by hand, or use another mpm' });
  return changes;
}

function settingsFile(apache: ApacheLayout): string {
  // zz: drop-ins are read by name, and the last setting wins
  return `${dropInFolder(apache)}/${apache.flavor === 'redhat' ? 'zz-' : ''}${NAME}.conf`;
}

function linkPath(apache: ApacheLayout): string {
  return `${apache.configDir}/conf-enabled/${NAME}.conf`;
}

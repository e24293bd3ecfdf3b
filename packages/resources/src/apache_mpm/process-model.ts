import { HsmfleetError, type ApacheLayout } from '@hsmfleet/contract';
import { configRoot, dropInFolder, readApacheConfig, readEnvvars, renderMpm, switchLoadModule, withLine, type MpmSettings } from '@hsmfleet/httpd';
import type { ReadHost, WebChange } from '@hsmfleet/resource';

type Change = WebChange['changes'][number];

const MPMS = ['event', 'worker', 'prefork'] as const;
const NAME = 'hsmfleet-mpm';

/** What decides how Apache spreads its work, as it is on the host. */
export interface ProcessModel {
  apache: ApacheLayout;
  /** The process model that the configuration loads; null when it is compiled in or none is. */
  loaded: MpmSettings['mpm'] | null;
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

/** Reads the process model from the configuration. */
export async function readProcessModel(host: ReadHost): Promise<ProcessModel> {
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
}

/**
 * What has to change for these settings; nothing when they hold.
 * @throws HsmfleetError TASK_FAILED when the process model is not there
 */
export function processModelChanges(settings: MpmSettings, model: ProcessModel): Change[] {
  const { apache } = model;
  const text = renderMpm(settings);
  const changes: Change[] = apache.flavor === 'debian' ? switchLinks(settings.mpm, model) : switchLines(settings.mpm, model);
  if (model.settings !== text) changes.push({ kind: 'write_file', path: settingsFile(apache), content: { from: 'text', text }, mode: 0o644, owner: 'root', group: 'root' });
  if (apache.flavor === 'debian' && model.link !== LINK_TARGET) changes.push({ kind: 'make_link', path: linkPath(apache), target: LINK_TARGET, force: true });
  return changes;
}

/** The process model as these changes leave it. */
export function afterChanges(settings: MpmSettings, model: ProcessModel, changes: readonly Change[]): ProcessModel {
  const loadFiles = { ...model.loadFiles };
  for (const change of changes) {
    if (change.kind === 'write_file' && change.content.from === 'text' && change.path in loadFiles) loadFiles[change.path] = change.content.text;
  }
  return {
    ...model, loaded: settings.mpm, settings: renderMpm(settings), loadFiles,
    ...(model.apache.flavor === 'debian' ? { link: LINK_TARGET, enabled: model.available.filter((name) => name.startsWith(`mpm_${settings.mpm}.`)) } : {}),
  };
}

/** What brings one process model back to another that was read on the same host. */
export function changesBack(now: ProcessModel, original: ProcessModel): Change[] {
  const { apache } = original;
  const changes: Change[] = [];
  if (apache.flavor === 'debian') {
    const folder = apache.configDir;
    for (const name of now.enabled.filter((one) => !original.enabled.includes(one))) changes.push({ kind: 'remove', path: `${folder}/mods-enabled/${name}` });
    for (const name of original.enabled.filter((one) => !now.enabled.includes(one))) changes.push({ kind: 'make_link', path: `${folder}/mods-enabled/${name}`, target: `../mods-available/${name}`, force: true });
    if (original.link === null && now.link !== null) changes.push({ kind: 'remove', path: linkPath(apache) });
    if (original.link !== null && original.link !== now.link) changes.push({ kind: 'make_link', path: linkPath(apache), target: original.link, force: true });
  }
  for (const [path, text] of Object.entries(original.loadFiles)) {
    if (now.loadFiles[path] !== text) changes.push({ kind: 'write_file', path, content: { from: 'text', text } });
  }
  if (original.settings === null && now.settings !== null) changes.push({ kind: 'remove', path: settingsFile(apache) });
  if (original.settings !== null && original.settings !== now.settings) changes.push({ kind: 'write_file', path: settingsFile(apache), content: { from: 'text', text: original.settings } });
  return changes;
}

const LINK_TARGET = `../conf-available/${NAME}.conf`;

function switchLinks(mpm: string, model: ProcessModel): Change[] {
  const folder = model.apache.configDir;
  if (!model.available.includes(`mpm_${mpm}.load`)) throw new HsmfleetError('TASK_FAILED', `mpm_${mpm} is not installed`, { hint: 'use another mpm' });
  const wanted = [`mpm_${mpm}.load`, `mpm_${mpm}.conf`].filter((name) => model.available.includes(name));
  return [
    ...model.enabled.filter((name) => !name.startsWith(`mpm_${mpm}.`)).map((name): Change => ({ kind: 'remove', path: `${folder}/mods-enabled/${name}` })),
    ...wanted.filter((name) => !model.enabled.includes(name)).map((name): Change => ({ kind: 'make_link', path: `${folder}/mods-enabled/${name}`, target: `../mods-available/${name}` })),
  ];
}

function switchLines(mpm: string, model: ProcessModel): Change[] {
  const wanted = Object.fromEntries(MPMS.map((name) => [`mpm_${name}_module`, name === mpm]));
  const main = configRoot(model.apache).mainFile;
  const changes: Change[] = [];
  let found = false;
  for (const [path, text] of Object.entries(model.loadFiles)) {
    let next = switchLoadModule(text, wanted);
    found ||= new RegExp(`^\\s*LoadModule\\s+mpm_${mpm}_module\\s`, 'm').test(next);
    if (model.apache.flavor === 'arch' && path === main) next = withLine(next, `Include conf/extra/${NAME}.conf`);
    if (next !== text) changes.push({ kind: 'write_file', path, content: { from: 'text', text: next } });
  }
  // compiled in, or no line to take into effect: say so rather than add a second process model
  if (!found && model.loaded !== mpm) throw new HsmfleetError('TASK_FAILED', `no LoadModule line for mpm_${mpm} in Apache's configuration`, { hint: 'add it by hand, or use another mpm' });
  return changes;
}

function settingsFile(apache: ApacheLayout): string {
  // zz: drop-ins are read by name, and the last setting wins
  return `${dropInFolder(apache)}/${apache.flavor === 'redhat' ? 'zz-' : ''}${NAME}.conf`;
}

function linkPath(apache: ApacheLayout): string {
  return `${apache.configDir}/conf-enabled/${NAME}.conf`;
}

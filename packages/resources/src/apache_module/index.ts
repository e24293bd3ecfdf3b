import { HsmfleetError, type ApacheLayout } from '@hsmfleet/contract';
import { configRoot, linksToDisable, linksToEnable, loadedIdentifiers, MANAGED_LINE, moduleIdentifier, quoteWord, switchLoadModule, withLine, type DebianModules } from '@hsmfleet/httpd';
import { defineResource, type ReadHost, type WebChange } from '@hsmfleet/resource';
import { linkSteps, readDebianModules, type DebianModuleFiles } from './debian.ts';
import { ApacheModuleParams } from './schema.ts';

type Change = WebChange['changes'][number];

interface Facts {
  apache: ApacheLayout;
  /** Debian only. */
  debian: DebianModuleFiles | null;
  /** Elsewhere: files that hold LoadModule lines, by path. */
  loadFiles: Record<string, string>;
  /** The library that LoadModule would name is there. */
  libraryFound: boolean;
}

export const resource = defineResource<ApacheModuleParams, Facts>({
  name: 'apache_module',
  summary: 'A module that Apache loads, the way the distribution does it.',
  params: ApacheModuleParams,
  examples: [
    { title: 'TLS', yaml: 'apache_module:\n  name: ssl\n' },
    { title: 'mod_nss built by hand', yaml: 'apache_module:\n  name: nss\n  path: /usr/local/lib/apache2/libmodnss.so\n' },
    { title: 'Not loaded', yaml: 'apache_module:\n  name: status\n  state: absent\n' },
  ],

  async inspect(host, params) {
    const { apache } = host.facts;
    return {
      apache,
      debian: apache.flavor === 'debian' ? await readDebianModules(host) : null,
      loadFiles: apache.flavor === 'debian' ? {} : await readLoadFiles(host),
      libraryFound: (await host.stat(params.path ?? libraryOf(params, apache))) !== undefined,
    };
  },

  plan(params, facts) {
    if (!facts.apache.installed) throw new HsmfleetError('TASK_FAILED', `Apache is not installed (${facts.apache.binary})`, { hint: 'install it with a package task first' });
    const changes = facts.debian === null ? loadLineChanges(params, facts) : debianChanges(params, facts.debian, facts);
    if (changes.length === 0) return { steps: [] };
    const verb = params.state === 'absent' ? 'disable' : 'enable';
    return {
      steps: [{ kind: 'web_change', changes, apply: 'pending-restart', start: false, proofs: [], pins: [], why: `${verb} the Apache module ${params.name}` }],
    };
  },
});

function debianChanges(params: ApacheModuleParams, modules: DebianModuleFiles, facts: Facts): Change[] {
  if (params.state === 'absent') return linkSteps(modules.folder, linksToDisable(modules, params.name));
  if (params.path === undefined) return linkSteps(modules.folder, linksToEnable(modules, params.name));
  requireLibrary(params.path, facts);
  // a .load file of our own beside those of packages, so that a2dismod knows it too
  const text = `${MANAGED_LINE}\n${loadLine(params, params.path)}\n`;
  const known: DebianModules = { ...modules, available: { ...modules.available, [params.name]: text } };
  const path = `${modules.folder}/mods-available/${params.name}.load`;
  return [
    ...(modules.available[params.name] === text ? [] : [{ kind: 'write_file' as const, path, content: { from: 'text' as const, text }, mode: 0o644, owner: 'root', group: 'root' }]),
    ...linkSteps(modules.folder, linksToEnable(known, params.name)),
  ];
}

/** RedHat keeps LoadModule lines in conf.modules.d, Arch in httpd.conf: lines are taken into effect or commented out. */
function loadLineChanges(params: ApacheModuleParams, facts: Facts): Change[] {
  const identifier = params.identifier ?? moduleIdentifier(params.name);
  const present = params.state !== 'absent';
  const edit = (path: string, text: string): Change => ({ kind: 'write_file', path, content: { from: 'text', text } });
  const files = Object.entries(facts.loadFiles);
  const on = files.filter(([, text]) => loadedIdentifiers(text).on.includes(identifier));
  if (!present) return on.map(([path, text]) => edit(path, switchLoadModule(text, { [identifier]: false })));
  if (on.length > 0) return [];
  const off = files.find(([, text]) => loadedIdentifiers(text).off.includes(identifier));
  if (off !== undefined && params.path === undefined) return [edit(off[0], switchLoadModule(off[1], { [identifier]: true }))];
  const library = params.path ?? libraryOf(params, facts.apache);
  requireLibrary(library, facts);
  const line = loadLine(params, library);
  if (facts.apache.flavor === 'redhat') return [{ ...edit(`${modulesFolder(facts.apache)}/10-hsmfleet-${params.name}.conf`, `${MANAGED_LINE}\n${line}\n`), mode: 0o644 }] as Change[];
  const main = configRoot(facts.apache).mainFile;
  return [edit(main, withLine(facts.loadFiles[main] ?? '', line))];
}

function requireLibrary(library: string, facts: Facts): void {
  if (!facts.libraryFound) throw new HsmfleetError('TASK_FAILED', `the library ${library} does not exist`, { hint: 'install the package that has it, or copy it there first' });
}

function loadLine(params: ApacheModuleParams, library: string): string {
  return `LoadModule ${params.identifier ?? moduleIdentifier(params.name)} ${quoteWord(library)}`;
}

function libraryOf(params: ApacheModuleParams, apache: ApacheLayout): string {
  return `${apache.modulesDir}/${params.name === 'nss' ? 'libmodnss' : `mod_${params.name}`}.so`;
}

function modulesFolder(apache: ApacheLayout): string {
  return `${apache.configDir.replace(/\/conf$/, '')}/conf.modules.d`;
}

async function readLoadFiles(host: ReadHost): Promise<Record<string, string>> {
  const { apache } = host.facts;
  const folder = modulesFolder(apache);
  const paths = apache.flavor === 'arch' ? [configRoot(apache).mainFile] : ((await host.list(folder)) ?? []).filter((name) => name.endsWith('.conf')).map((name) => `${folder}/${name}`);
  const files: Record<string, string> = {};
  for (const path of paths) {
    const text = await host.readText(path);
    if (text !== undefined) files[path] = text;
  }
  return files;
}

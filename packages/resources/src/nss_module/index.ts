import { HsmfleetError } from '@hsmfleet/contract';
import { databaseDirectory, isWritableIntruder, parsePkcs11Txt, type NssModuleEntry } from '@hsmfleet/nss';
import { defineResource, type ReadHost, type RunProgram, type Step } from '@hsmfleet/resource';
import { NSS_LOCK } from '../nss_database/index.ts';
import { NssModuleParams } from './schema.ts';

interface Facts {
  /** False when there is no `pkcs11.txt`. */
  database: boolean;
  entries: NssModuleEntry[];
  /** Where libraries really lie, by the path that is written; those that a link leads to alone. */
  realPaths?: Record<string, string>;
  libraryFound: boolean;
  /** Fedora and RHEL load p11-kit-proxy into every NSS program by system policy (field notes 2.7). */
  systemProxy: boolean;
  /** mod_nss is enabled and the server runs: a change has to be taken up by a restart. */
  serving: boolean;
}

const MODUTIL = '/usr/bin/modutil';
const SYSTEM_POLICY = '/etc/crypto-policies/back-ends/nss.config';

export const resource = defineResource<NssModuleParams, Facts>({
  name: 'nss_module',
  summary: 'A PKCS#11 module registered in an NSS database.',
  params: NssModuleParams,
  examples: [
    {
      title: 'Register the read-only module',
      yaml: 'nss_module:\n  database: /etc/nss/web\n  name: SmartCard-HSM\n  library: /usr/lib/libsc-hsm-pkcs11.so\n',
    },
    { title: 'Remove another one', yaml: 'nss_module:\n  database: /etc/nss/web\n  name: OpenSC\n  state: absent\n' },
  ],

  async inspect(host, params) {
    const text = await host.readText(`${databaseDirectory(params.database)}/pkcs11.txt`);
    const policy = (await host.readText(SYSTEM_POLICY)) ?? '';
    const entries = parsePkcs11Txt(text ?? '');
    const { apache } = host.facts;
    const nssEnabled =
      (await host.stat(`${apache.configDir}/mods-enabled/nss.load`)) !== undefined ||
      (await host.stat(`${apache.configDir}/conf.modules.d/10-nss.conf`)) !== undefined;
    return {
      database: text !== undefined,
      entries,
      realPaths: await realPathsOf(host, entries),
      libraryFound: params.library !== undefined && (await host.stat(params.library)) !== undefined,
      systemProxy: parsePkcs11Txt(policy).some((entry) => isWritableIntruder(entry)),
      serving: nssEnabled && (await host.serverProcess(apache.pidFile)) !== undefined,
    };
  },

  plan(params, facts) {
    const directory = databaseDirectory(params.database);
    if (!facts.database) {
      throw new HsmfleetError('TASK_FAILED', `${directory} holds no NSS database`, { hint: 'make it first, with an nss_database task' });
    }
    refuseIntruders(params, facts);
    const state = params.state ?? 'present';
    const now = facts.entries.find((entry) => entry.name === params.name && !entry.internal);
    if (state === 'absent') {
      return { steps: now === undefined ? [] : wrap(facts, [modutil(params, directory, ['-delete', params.name], `remove module ${params.name}`)]) };
    }
    const { library } = params;
    if (library === undefined) throw new HsmfleetError('PARAMS_INVALID', 'nss_module needs `library` unless `state: absent`');
    const commands: RunProgram[] = [];
    let enabled = now?.enabled ?? true;
    if (now?.library !== library) {
      if (!facts.libraryFound) {
        throw new HsmfleetError('TASK_FAILED', `the library ${library} does not exist`, {
          hint: 'install it first, with a pkcs11_module or package task',
        });
      }
      const twin = facts.entries.find((entry) => entry.library === library && entry.name !== params.name);
      if (twin !== undefined) {
        throw new HsmfleetError('TASK_FAILED', `${library} is registered as "${twin.name}" already, and NSS takes a library once`, {
          hint: `remove that one first: nss_module with name "${twin.name}" and state absent`,
        });
      }
      if (now !== undefined) commands.push(modutil(params, directory, ['-delete', params.name], `remove module ${params.name} (${now.library})`));
      commands.push(modutil(params, directory, ['-add', params.name, '-libfile', library], `add module ${params.name} (${library})`));
      enabled = true;
    }
    const wantEnabled = state !== 'disabled';
    if (enabled !== wantEnabled) {
      const verb = wantEnabled ? 'enable' : 'disable';
      commands.push(modutil(params, directory, [`-${verb}`, params.name], `${verb} module ${params.name}`));
    }
    return { steps: commands.length === 0 ? [] : wrap(facts, commands) };
  },
});

/** modutil replaces pkcs11.txt as its caller's file, which the web server then cannot read: put the owner back. */
function modutil(params: NssModuleParams, directory: string, words: string[], why: string): RunProgram {
  return {
    kind: 'run',
    argv: [MODUTIL, '-dbdir', `sql:${directory}`, '-force', ...words],
    ...(params.env === undefined ? {} : { env: params.env }),
    timeoutMs: 60_000,
    maxOutput: 65_536,
    lock: NSS_LOCK,
    keepAttributes: [`${directory}/pkcs11.txt`],
    why: `${why} in sql:${directory}`,
  };
}

/** modutil finalizes the modules that it loads, which stops a serving mod_nss (field notes 0b): restart right away. */
function wrap(facts: Facts, commands: RunProgram[]): Step[] {
  if (!facts.serving) return commands;
  return [
    {
      kind: 'web_change',
      changes: commands,
      apply: 'restart',
      start: false,
      proofs: [],
      pins: [],
      why: commands.map((command) => command.why).join(', '),
    },
  ];
}

async function realPathsOf(host: ReadHost, entries: readonly NssModuleEntry[]): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const { library } of entries) {
    const real = library.startsWith('/') ? await host.realPath(library) : undefined;
    if (real !== undefined && real !== library) found[library] = real;
  }
  return found;
}

function refuseIntruders(params: NssModuleParams, facts: Facts): void {
  const allow = params.allow ?? [];
  const allowed = (entry: NssModuleEntry): boolean => allow.includes(entry.name) || allow.includes(entry.library);
  for (const entry of facts.entries) {
    const real = facts.realPaths?.[entry.library];
    const intrudes = isWritableIntruder(entry) || (real !== undefined && isWritableIntruder({ name: '', library: real }));
    if (!intrudes || entry.name === params.name || allowed(entry)) continue;
    throw new HsmfleetError('MODULE_WRITABLE', `the module "${entry.name}" (${entry.library}${real === undefined ? '' : `, which is ${real}`}) in ${params.database} can write to tokens`, {
      hint: `remove it (nss_module, name "${entry.name}", state absent), or list it under \`allow\``,
    });
  }
  if (facts.systemProxy && !allow.includes('p11-kit-proxy')) {
    throw new HsmfleetError('MODULE_WRITABLE', `${SYSTEM_POLICY} loads p11-kit-proxy, and with it every writable module, into each NSS program`, {
      hint: 'disable OpenSC for the web server (disable-in: in its p11-kit module file), or list p11-kit-proxy under `allow`',
    });
  }
}

import { dirname } from 'node:path/posix';
import { HsmfleetError, type ErrorCode, type ModuleRow, type Rendered } from '@hsmfleet/contract';
import { defineResource, parseMode, type ModuleTarget, type ReadHost, type Step } from '@hsmfleet/resource';
import { absentToken, NO_TOKEN } from '../absent-token.ts';
import { proveCustody } from '../prove-custody.ts';
import { Pkcs11ModuleParams } from './schema.ts';

interface Facts {
  /** SHA-256 of what is at `path`; null when nothing is there. */
  sha256: string | null;
  mode: number | null;
  /** Folder of `path` exists. */
  folder: boolean;
  /** SHA-256 of `src`; null without it. */
  wanted: string | null;
  links: { path: string; kind: 'missing' | 'link' | 'other'; target: string | null }[];
  /** What the module answered; null when the library is not there yet or is about to be replaced. */
  module: ModuleRow | null;
}

const DEFAULT_MODE = 0o644;

export const resource = defineResource<Pkcs11ModuleParams, Facts>({
  name: 'pkcs11_module',
  summary: 'A PKCS#11 library that is there, loads, shows its tokens, and is proven read-only.',
  params: Pkcs11ModuleParams,
  files: { src: 'blob' },
  examples: [
    {
      title: 'Install the read-only library, reachable under both paths',
      yaml: 'pkcs11_module:\n  src: files/libsc-hsm-pkcs11.so\n  path: /usr/local/lib/libsc-hsm-pkcs11.so\n  links: [/usr/lib/libsc-hsm-pkcs11.so]\n',
    },
    {
      title: 'A token behind a write-protected p11-kit server',
      yaml: 'pkcs11_module:\n  path: /usr/lib/x86_64-linux-gnu/pkcs11/p11-kit-client.so\n  env:\n    P11_KIT_SERVER_ADDRESS: unix:path=/run/p11-kit/pkcs11\n  token: Web Token\n',
    },
  ],

  async inspect(host, params, inputs) {
    const sha256 = (await host.sha256(params.path)) ?? null;
    const wanted = inputs['src']?.sha256 ?? null;
    const module = sha256 === null || (wanted !== null && wanted !== sha256) ? null : await host.pkcs11.observe(moduleTarget(params));
    if (module !== null) await proveCustody(host, module, params.token);
    return {
      sha256,
      mode: (await host.stat(params.path))?.mode ?? null,
      folder: (await host.stat(dirname(params.path))) !== undefined,
      wanted,
      links: await Promise.all((params.links ?? []).map((path) => inspectLink(host, path))),
      module,
    };
  },

  plan(params, facts) {
    checkFile(params, facts);
    const steps = [...planFile(params, facts), ...planLinks(params, facts)];
    const { module } = facts;
    if (module === null) return { steps, warnings: ['the module is not there yet: whether it is read-only is proven after it is installed'] };
    const warnings = checkModule(params, module);
    return { steps, warnings, result: resultOf(module) };
  },
});

/** How the parameters reach the module. */
function moduleTarget(params: Pkcs11ModuleParams): ModuleTarget {
  return {
    path: params.path,
    ...(params.env === undefined ? {} : { env: params.env }),
    ...(params.timeout === undefined ? {} : { timeoutMs: params.timeout * 1000 }),
  };
}

async function inspectLink(host: ReadHost, path: string): Promise<Facts['links'][number]> {
  const stat = await host.lstat(path);
  if (stat === undefined) return { path, kind: 'missing', target: null };
  return { path, kind: stat.kind === 'link' ? 'link' : 'other', target: stat.target ?? null };
}

function checkFile(params: Pkcs11ModuleParams, { sha256, wanted }: Facts): void {
  const expected = params.sha256?.toLowerCase();
  if (wanted !== null && expected !== undefined && wanted !== expected) {
    throw new HsmfleetError('TASK_FAILED', `${params.src ?? 'src'} has the SHA-256 ${wanted}, but ${expected} is asked for`, {
      hint: 'give the library that the checksum belongs to, or correct the checksum',
    });
  }
  if (wanted === null && sha256 === null) {
    throw new HsmfleetError('TASK_FAILED', `the library ${params.path} does not exist`, { hint: 'give `src`, or install its package first' });
  }
  if (wanted === null && expected !== undefined && sha256 !== expected) {
    throw new HsmfleetError('TASK_FAILED', `the library ${params.path} has the SHA-256 ${sha256 ?? ''}, but ${expected} is asked for`, {
      hint: 'give the right library with `src`, or correct the checksum',
    });
  }
}

function planFile(params: Pkcs11ModuleParams, facts: Facts): Step[] {
  const mode = params.mode === undefined ? undefined : parseMode(params.mode);
  if (facts.wanted !== null && facts.wanted !== facts.sha256) {
    const folder = dirname(params.path);
    return [
      ...(facts.folder ? [] : [{ kind: 'make_directory' as const, path: folder, mode: 0o755 }]),
      { kind: 'write_file', path: params.path, content: { from: 'blob', sha256: facts.wanted }, mode: mode ?? DEFAULT_MODE },
    ];
  }
  return mode === undefined || mode === facts.mode ? [] : [{ kind: 'set_attributes', path: params.path, mode }];
}

function planLinks(params: Pkcs11ModuleParams, { links }: Facts): Step[] {
  return links.flatMap(({ path, kind, target }): Step[] => {
    if (path === params.path || (kind === 'link' && target === params.path)) return [];
    if (kind === 'other') {
      throw new HsmfleetError('TASK_FAILED', `${path} is to be a link to ${params.path}, but a file is there: it may be another version of the library`, {
        hint: 'remove it first, with a file task and state: absent',
      });
    }
    return [{ kind: 'make_link', path, target: params.path }];
  });
}

/** Throws for a module that does not work or may write; answers warnings. */
function checkModule(params: Pkcs11ModuleParams, module: ModuleRow): string[] {
  const warnings: string[] = [];
  const { error, tokens } = module;
  if (error !== null) {
    if (tokens.length === 0) throw new HsmfleetError(error.code as ErrorCode, error.message, { hint: error.hint, details: error.details });
    warnings.push(error.message);
  }
  if (module.readOnly.verdict !== 'read_only') {
    if (params.read_only !== false) throw refuse(module);
    warnings.push(`${module.path} is not proven read-only: ${module.readOnly.reason}`);
  }
  if (params.token !== undefined && !tokens.some(({ label }) => label === params.token)) {
    throw absentToken(params.token, tokens.map(({ label }) => label));
  }
  return warnings;
}

function refuse({ path, readOnly }: ModuleRow): HsmfleetError {
  const allow = 'to use it all the same, write read_only: false';
  const details = { ...readOnly };
  if (readOnly.verdict === 'unproven') {
    return new HsmfleetError('MODULE_WRITABLE', `it is not proven that the module ${path} is read-only: ${readOnly.reason}`, {
      hint: `${NO_TOKEN}; ${allow}`,
      details,
    });
  }
  const seen = [
    `token ${readOnly.token ?? ''}`,
    `flag WRITE_PROTECTED ${readOnly.flagWriteProtected === true ? 'set' : 'not set'}`,
    `read/write session ${readOnly.openReadWriteSession ?? 'not tried'}`,
    `key generation ${readOnly.generateKeyPair ?? 'not tried'}`,
  ].join(', ');
  return new HsmfleetError('MODULE_WRITABLE', `the module ${path} can write to its tokens: ${readOnly.reason} (${seen})`, {
    hint: `of sc-hsm-embedded V2.9 (2016) and older are read-only, V2.10 and later can write: build one of those (playbooks/build-module.yml), or put the module behind a p11-kit server with write-protected=yes; ${allow}`,
    details,
  });
}

/** What `register` sees: the module as it was read, without the certificates themselves. */
function resultOf(module: ModuleRow): Record<string, Rendered> {
  const { path, realPath, sha256, manufacturer, description, version, readOnly } = module;
  const tokens = module.tokens.map((token) => ({ ...token, certificates: token.certificates.map(({ der: _, ...certificate }) => certificate) }));
  return {
    path, real_path: realPath, sha256, manufacturer, description, version,
    read_only: readOnly.verdict === 'read_only',
    proof: { ...readOnly },
    tokens: tokens as unknown as Rendered,
  };
}

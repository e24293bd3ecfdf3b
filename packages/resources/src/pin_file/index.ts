import { HsmfleetError, type PinState, type Secret } from '@hsmfleet/contract';
import { INTERNAL_TOKEN, renderPinFile } from '@hsmfleet/httpd';
import { defineResource, parseMode, type FileStat, type Step, type WriteFile } from '@hsmfleet/resource';
import { absentToken } from '../absent-token.ts';
import { PinFileParams } from './schema.ts';

/** A token as the module shows it, and whether this host has proven the PIN on it before. */
interface TokenSeen {
  label: string;
  pinState: PinState;
  /** Null for a token that the file has no entry for. */
  pinProven: boolean | null;
}

interface Facts {
  file: Pick<FileStat, 'mode' | 'owner' | 'group' | 'kind'> | null;
  contentMatches: boolean;
  /** Null when no module was named: then nothing is known of tokens. */
  tokens: TokenSeen[] | null;
  moduleProblem: string | null;
  webGroup: string;
  serverRuns: boolean;
}

export const resource = defineResource<PinFileParams, Facts>({
  name: 'pin_file',
  summary: 'The file from which the web server reads the PINs of its tokens.',
  params: PinFileParams,
  examples: [
    {
      title: 'For mod_nss, the PIN proven before it is written',
      yaml: 'pin_file:\n  path: /etc/hsmfleet/web.pin\n  entries:\n    - { token: SmartCard-HSM, pin: "{{ token_pin }}" }\n  module: { path: /usr/lib/libsc-hsm-pkcs11.so }\n',
    },
    {
      title: 'For mod_ssl',
      yaml: 'pin_file:\n  path: /etc/hsmfleet/web.pin\n  format: plain\n  entries:\n    - { token: SmartCard-HSM, pin: "{{ token_pin }}" }\n',
    },
  ],

  async inspect(host, params) {
    const stat = await host.lstat(params.path);
    const current = stat?.kind === 'file' ? await host.readText(params.path, 65_536) : undefined;
    let tokens: TokenSeen[] | null = null;
    let moduleProblem: string | null = null;
    if (params.module !== undefined) {
      const row = await host.pkcs11.observe(params.module);
      moduleProblem = row.error?.message ?? null;
      tokens = [];
      for (const token of row.tokens) {
        const entry = params.entries.find((candidate) => candidate.token === token.label);
        tokens.push({
          label: token.label,
          pinState: token.pinState,
          pinProven: entry === undefined ? null : await host.pkcs11.isPinProven(token.identity, entry.pin),
        });
      }
    }
    return {
      file: stat === undefined ? null : { mode: stat.mode, owner: stat.owner, group: stat.group, kind: stat.kind },
      contentMatches: current !== undefined && current === contents(params).reveal(),
      tokens,
      moduleProblem,
      webGroup: host.facts.apache.group,
      serverRuns: (await host.serverProcess(host.facts.apache.pidFile)) !== undefined,
    };
  },

  plan(params, facts) {
    const content = contents(params);
    const wanted = {
      mode: parseMode(params.mode ?? '0640'),
      owner: params.owner ?? 'root',
      group: params.group ?? facts.webGroup,
    };
    if (facts.file !== null && facts.file.kind !== 'file') {
      throw new HsmfleetError('TASK_FAILED', `${params.path} is a ${facts.file.kind}, not a file`, { hint: 'remove it, or name another path' });
    }
    const steps: Step[] = [...proofs(params, facts)];
    const write: WriteFile = { kind: 'write_file', path: params.path, content: { from: 'secret', text: content }, ...wanted };
    if (!facts.contentMatches) {
      steps.push(facts.serverRuns ? takenUpByRestart(params, write) : write);
    } else if (facts.file === null || facts.file.mode !== wanted.mode || facts.file.owner !== wanted.owner || facts.file.group !== wanted.group) {
      steps.push({ kind: 'set_attributes', path: params.path, ...wanted });
    }
    const warnings = (facts.tokens ?? [])
      .filter((token) => params.format !== 'plain' && token.pinProven === null)
      .map((token) => `token "${token.label}" is present but has no line: mod_nss would try to log in to it all the same`);
    return { steps, warnings };
  },
});

/** A running server keeps the PIN it started with until a full stop and start (field notes 1.7). */
function takenUpByRestart(params: PinFileParams, write: WriteFile): Step {
  const { module } = params;
  return {
    kind: 'web_change',
    changes: [write],
    apply: 'pending-restart',
    start: false,
    proofs: [],
    pins:
      module === undefined
        ? []
        : params.entries
            .filter((entry) => entry.token !== INTERNAL_TOKEN)
            .map((entry) => ({ file: params.path, module, tokenLabel: entry.token, pin: entry.pin, ...allowance(params) })),
    why: `write the PIN file ${params.path}`,
  };
}

/** Steps that prove what is not proven yet; refuses what the token's own flags forbid. */
function proofs(params: PinFileParams, facts: Facts): Step[] {
  const { module } = params;
  if (module === undefined || facts.tokens === null) return [];
  if (facts.moduleProblem !== null) {
    throw new HsmfleetError('PKCS11', `${module.path} cannot be asked for its tokens: ${facts.moduleProblem}`, {
      hint: 'the PIN file was not written, since its PINs cannot be proven',
    });
  }
  const steps: Step[] = [];
  for (const entry of params.entries) {
    if (entry.token === INTERNAL_TOKEN) continue;
    const token = facts.tokens.find((candidate) => candidate.label === entry.token);
    if (token === undefined) {
      throw absentToken(entry.token, facts.tokens.map((candidate) => candidate.label));
    }
    if (token.pinProven === true) continue;
    steps.push({ kind: 'prove_pin', module, tokenLabel: entry.token, pin: entry.pin, ...allowance(params) });
  }
  return steps;
}

function allowance(params: PinFileParams): { allowLowCount?: true } {
  return params.allow_low_count === true ? { allowLowCount: true } : {};
}

function contents(params: PinFileParams): Secret {
  if (params.format !== 'plain') return renderPinFile(params.entries);
  const [only, ...others] = params.entries;
  if (only === undefined || others.length > 0) {
    throw new HsmfleetError('PARAMS_INVALID', 'a PIN file of the plain format holds exactly one PIN', {
      hint: 'use one pin_file task per token, or format: mod_nss',
    });
  }
  // the same rules as for mod_nss: a PIN that one engine cannot take should not be used with the other either
  renderPinFile([only]);
  return only.pin;
}

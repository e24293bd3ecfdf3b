import { setTimeout as sleep } from 'node:timers/promises';
import { HsmfleetError } from '@hsmfleet/contract';
import { defineResource, type ReadHost } from '@hsmfleet/resource';
import { inspectPcscd, PCSCD_SOCKET, type PcscdKind } from './pcscd.ts';
import { polkitKind, renderAccess } from './polkit.ts';
import { PcscAccessParams } from './schema.ts';

interface Facts {
  pcscd: PcscdKind;
  user: string;
  userExists: boolean;
  /** The rule file and what is in it now. */
  path: string;
  wanted: string;
  now: string | null;
  /** What the user met when it tried to reach pcscd; unknown when that could not be tried. */
  probe: 'allowed' | 'denied' | 'unknown';
}

const OPENSC_TOOL = '/usr/bin/opensc-tool';
/** polkit notices a new file within moments, not at once. */
const PROBES = 6;
const PROBE_PAUSE_MS = 500;

export const resource = defineResource<PcscAccessParams, Facts>({
  name: 'pcsc_access',
  summary: "The web server's user may reach smart cards through pcscd, where pcscd asks polkit.",
  params: PcscAccessParams,
  examples: [{ title: "Let the web server's user reach its token", yaml: 'pcsc_access: {}\n' }],

  async inspect(host, params) {
    const user = params.user ?? host.facts.apache.user;
    const pcscd = await inspectPcscd(host);
    const kind = pcscd === 'polkit' ? polkitKind((await host.query(['pkaction', '--version'])).stdout) : 'rules';
    const { path, text } = renderAccess(kind, user);
    const now = (await host.readText(path)) ?? null;
    const granted = pcscd === 'polkit' && now === text && (params.state ?? 'present') === 'present';
    return {
      pcscd, user, path, wanted: text, now,
      userExists: (await host.userId(user)) !== undefined,
      probe: granted ? await probe(host, user) : 'unknown',
    };
  },

  plan(params, facts) {
    const { path, now, wanted, user } = facts;
    if (params.state === 'absent') return { steps: now === null ? [] : [{ kind: 'remove', path }] };
    if (facts.pcscd === 'absent' || facts.pcscd === 'open') return { steps: [] };
    if (!facts.userExists) {
      throw new HsmfleetError('TASK_FAILED', `the user ${user} does not exist, so it cannot be let to pcscd`, { hint: 'install the web server first' });
    }
    if (now !== wanted) {
      const warnings = facts.pcscd === 'polkit' ? [] : ['pcscd asks polkit, but polkit is not installed: nobody but root reaches a card until it is'];
      return { steps: [{ kind: 'write_file', path, content: { from: 'text', text: wanted }, mode: 0o644 }], warnings };
    }
    if (facts.probe === 'denied') {
      throw new HsmfleetError('TASK_FAILED', `pcscd still denies access to the user ${user}, although ${path} allows it`, {
        hint: 'look at the journal of polkit and pcscd; another polkit rule may forbid it, or SELinux',
      });
    }
    return { steps: [] };
  },
});

/**
 * Lets the user itself ask pcscd for its readers. opensc-tool is known to leave a serving token alone (field notes 0b);
 * it ends with 0 whatever happened, so its debug output is read.
 */
async function probe(host: ReadHost, user: string): Promise<Facts['probe']> {
  if ((await host.stat(PCSCD_SOCKET)) === undefined || (await host.stat(OPENSC_TOOL)) === undefined) return 'unknown';
  for (let tries = 1; ; tries += 1) {
    const answer = await host.query([OPENSC_TOOL, '--list-readers'], { user, env: { OPENSC_DEBUG: '3' } });
    if (answer.code < 0 || answer.timedOut) return 'unknown';
    if (!/8010006a|access denied/i.test(`${answer.stdout}${answer.stderr}`)) return 'allowed';
    if (tries === PROBES) return 'denied';
    await sleep(PROBE_PAUSE_MS);
  }
}

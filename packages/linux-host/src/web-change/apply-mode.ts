import type { WebChange } from '@hsmfleet/resource';

/** Files that a server reads at its full start only, wherever they lie. */
const READ_AT_START = /\/(?:pkcs11\.txt|cert9\.db|key4\.db|openssl\.cnf|envvars)$|\.load$|\/mods-enabled\/|\/conf\.modules\.d\/|\.service\.d\//;
/** Directives of mod_nss whose change a graceful reload hides, or survives only as a master with dying children. */
const HIDDEN_DIRECTIVES = /^\s*(?:NSSNickname|NSSECCNickname|NSSCertificateDatabase|NSSDBPrefix|NSSPassPhrase\w*|SSLCryptoDevice|LoadModule)\s/im;

/**
 * How a change has to be taken up: what it asks for, or a full stop and start where a graceful reload would hide it
 * (field notes 1.7).
 * @param pinFiles PIN files that the server is known to read
 */
export function applyModeOf(step: Pick<WebChange, 'apply' | 'changes' | 'pins'>, pinFiles: ReadonlySet<string>): 'reload' | 'restart' {
  if (step.apply.endsWith('restart') || step.pins.length > 0) return 'restart';
  const hidden = step.changes.some((change) => {
    // what a program touches is not known: the cautious answer
    if (change.kind === 'run') return true;
    if (pinFiles.has(change.path) || READ_AT_START.test(change.path)) return true;
    return change.kind === 'write_file' && change.content.from === 'text' && HIDDEN_DIRECTIVES.test(change.content.text);
  });
  return hidden ? 'restart' : 'reload';
}

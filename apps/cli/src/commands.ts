import type { Command } from './command.ts';
import { apply } from './commands/apply.ts';
import { artifacts } from './commands/artifacts.ts';
import { benchReport } from './commands/bench-report.ts';
import { benchRun } from './commands/bench-run.ts';
import { benchSign } from './commands/bench-sign.ts';
import { changes } from './commands/changes.ts';
import { check } from './commands/check.ts';
import { completion } from './commands/completion.ts';
import { doctor } from './commands/doctor.ts';
import { hostsAccept } from './commands/hosts-accept.ts';
import { hosts } from './commands/hosts.ts';
import { init } from './commands/init.ts';
import { inventory } from './commands/inventory.ts';
import { query } from './commands/query.ts';
import { runs } from './commands/runs.ts';
import { serve } from './commands/serve.ts';
import { serveToken } from './commands/serve-token.ts';
import { tokenCa } from './commands/token-ca.ts';
import { tokenCertificates } from './commands/token-certificates.ts';
import { tokenManifest } from './commands/token-manifest.ts';
import { TOKEN_COMMANDS } from './commands/token.ts';
import { vaultFiles } from './commands/vault-files.ts';
import { vaultString } from './commands/vault-string.ts';
import { version } from './commands/version.ts';
import { worker } from './commands/worker.ts';

/** Every command, in the order of the help. */
export const COMMANDS: readonly Command[] = [init, apply, inventory, check, doctor, query, changes, ...runs, hosts, hostsAccept, serve, serveToken, worker, ...artifacts, benchRun, benchSign, benchReport, ...TOKEN_COMMANDS, ...tokenCertificates, ...tokenCa, ...tokenManifest, ...vaultFiles, vaultString, completion, version];

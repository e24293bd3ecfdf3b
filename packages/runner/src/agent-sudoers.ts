import { sudoScript } from '@hsmfleet/transport';
import { startCommand } from './agent-command.ts';
import { installCommands, TOKEN_DIGITS } from './install.ts';
import type { AgentBundle } from './model.ts';

/** Stands for the name of a draft until everything around it is escaped. */
const DRAFT = 'D'.repeat(TOKEN_DIGITS);

/**
 * Lines for sudoers by which a user may start and install this very agent, and nothing else: sudo compares whole command
 * lines, which hold the SHA-256 of each file. They hold until the agent changes.
 * @param user who logs in; a name or `%group` @param as who the agent runs as
 */
export function agentSudoers(bundle: AgentBundle, user: string, as: string, options: { password: boolean }): string {
  const commands = [
    startCommand(bundle, { systemNode: true }),
    startCommand(bundle, { systemNode: false }),
    ...installCommands(bundle, DRAFT),
  ].map((command) => `/bin/sh -c ${escapeArguments(sudoScript(command))}`);
  return [
    `# hsmfleet agent ${bundle.version} (${bundle.hash.slice(0, 12)})`,
    `Cmnd_Alias HSMFLEET = ${commands.join(', \\\n  ')}`,
    `${user} ALL=(${as}) ${options.password ? '' : 'NOPASSWD: '}HSMFLEET`,
    '',
  ].join('\n');
}

/**
 * Arguments in sudoers: what has a meaning to its parser is escaped for that, what has one to its patterns for those, and
 * a backslash for both. The only pattern is that of a draft's name, hex digits alone.
 */
function escapeArguments(text: string): string {
  return text
    .replaceAll(/\\/g, '\\\\\\\\')
    .replaceAll(/[*?[\]]/g, '\\$&')
    .replaceAll(/[,:=#]/g, '\\$&')
    .replaceAll(/(?<= ) /g, '\\ ')
    .replaceAll(DRAFT, '[0-9a-f]'.repeat(TOKEN_DIGITS));
}

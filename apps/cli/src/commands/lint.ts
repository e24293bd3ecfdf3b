import { defineCommand } from '../command.ts';
import { DEBUG_OPTION, HOSTS_OPTION } from '../fleet-options.ts';
import type { LintCommandOptions } from '../lint-report.ts';
import { VAULT_OPTIONS } from '../vault-options.ts';

/** `hsmfleet lint`. */
export const lint = defineCommand<LintCommandOptions>({
  name: 'lint',
  summary: 'look for mistakes and bad habits in a playbook and all that it brings in',
  description: 'Needs no hosts; with a hosts file it also finds what shows only for certain hosts. A line that ends with "# noqa: RULE" is left alone by that rule. Ends with 1 for mistakes, with 2 when a rule finds an error or a warning, with --strict also for a hint.',
  arguments: [{ name: '[playbook]', description: 'playbook file (YAML, as for Ansible)' }],
  options: [
    { ...HOSTS_OPTION, description: 'hosts file in Ansible\'s inventory format, for mistakes that show only with hosts; may be repeated' },
    { flags: '-e, --extra-vars <vars>', description: 'variables over all others: key=value, @FILE or JSON; may be repeated', repeat: true },
    { flags: '--format <format>', description: 'how to report', choices: ['terminal', 'json', 'sarif'], default: 'terminal' },
    { flags: '--skip <rules>', description: 'rules not to apply, with commas between; may be repeated', repeat: true },
    { flags: '--strict', description: 'hints count as well' },
    { flags: '--list-rules', description: 'show the rules, and do nothing' },
    ...VAULT_OPTIONS, DEBUG_OPTION,
  ],
  examples: ['hsmfleet lint site.yml', 'hsmfleet lint site.yml -i hosts.yml --format sarif > lint.sarif', 'hsmfleet lint --list-rules'],
  async run({ args: [playbook], options }) {
    const { listRules, reportLint } = await import('../lint-report.ts');
    return options.listRules === true ? listRules(options.format) : reportLint(playbook, options);
  },
});

import { defineCommand } from '../command.ts';

/** Shells for which there is completion. */
const SHELLS = ['bash', 'zsh', 'fish'] as const;
/** One of the shells for which there is completion. */
export type Shell = (typeof SHELLS)[number];

/** `hsmfleet completion`: the script that teaches a shell to complete commands, options and files. */
export const completion = defineCommand({
  name: 'completion',
  summary: 'print the script that lets a shell complete commands, options and files',
  description: 'bash and zsh: `source <(hsmfleet completion bash)`; fish: `hsmfleet completion fish | source`. The Debian package installs the scripts where the shells look for them.',
  arguments: [{ name: '<shell>', description: 'the shell', choices: SHELLS }],
  options: [],
  examples: ['hsmfleet completion bash > ~/.local/share/bash-completion/completions/hsmfleet'],
  async run({ args: [shell] }) {
    const { printScript } = await import('../complete-words.ts');
    printScript(shell as Shell);
    return 0;
  },
});

import { defineCommand } from '../command.ts';
import { VERSION } from '../version.ts';

/** `hsmfleet version`. */
export const version = defineCommand({
  name: 'version',
  summary: 'print the version',
  arguments: [],
  options: [],
  examples: [],
  run() {
    process.stdout.write(`hsmfleet ${VERSION} (node ${process.version})\n`);
    return Promise.resolve(0);
  },
});

import type { Command } from './command.ts';
import { apply } from './commands/apply.ts';
import { hosts } from './commands/hosts.ts';
import { inventory } from './commands/inventory.ts';
import { query } from './commands/query.ts';
import { version } from './commands/version.ts';

/** Every command, in the order of the help. */
export const COMMANDS: readonly Command[] = [apply, inventory, query, hosts, version];

import { spawn } from 'node:child_process';
import { accessSync, constants, realpathSync } from 'node:fs';
import { basename, delimiter, join } from 'node:path';
import { split } from 'shlex';
import { HsmfleetError } from '@hsmfleet/contract';

/** What keeps Vim from writing parts of the text elsewhere: swap and undo files, backups, its history. */
const DISCREET_VIM = ['-n', '-i', 'NONE', '-c', 'set nobackup nowritebackup noundofile'];

/**
 * Lets a person change a file with $VISUAL or $EDITOR, or vi.
 * @throws HsmfleetError VAULT_EDIT when the editor does not end well
 */
export async function runEditor(path: string): Promise<void> {
  const [program = 'vi', ...args] = editorWords();
  const argv = [...args, ...(isVim(program) ? DISCREET_VIM : []), path];
  const how = await new Promise<string | undefined>((fulfil) => {
    const child = spawn(program, argv, { stdio: 'inherit' });
    child.on('error', (thrown: NodeJS.ErrnoException) => { fulfil(`cannot be started (${thrown.code ?? thrown.message})`); });
    child.on('close', (code, signal) => { fulfil(code === 0 ? undefined : `ended with ${code === null ? (signal ?? '') : `exit code ${String(code)}`}`); });
  });
  if (how !== undefined) throw new HsmfleetError('VAULT_EDIT', `the editor ${program} ${how}: nothing was changed`, { hint: 'set EDITOR to the editor you want' });
}

function editorWords(): string[] {
  const text = [process.env.VISUAL, process.env.EDITOR].find((each) => each !== undefined && each.trim() !== '') ?? 'vi';
  try {
    return split(text);
  } catch {
    throw new HsmfleetError('VAULT_EDIT', 'EDITOR has a quote that is not closed');
  }
}

/** vi may be any of its descendants: what it is a link to tells. */
function isVim(program: string): boolean {
  const places = program.includes('/') ? [program] : (process.env.PATH ?? '').split(delimiter).map((folder) => join(folder, program));
  for (const place of places) {
    try {
      accessSync(place, constants.X_OK);
      return /^n?vim(?:\.\w+)?$/.test(basename(realpathSync(place)));
    } catch {
      // not there: the next one
    }
  }
  return false;
}

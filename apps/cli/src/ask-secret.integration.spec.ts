import { execFileSync, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

/* On a real terminal: `script` (util-linux) gives the program one. */
const program = fileURLToPath(new URL('testdata/ask.ts', import.meta.url));
const hasScript = (() => {
  try {
    execFileSync('script', ['--version']);
    return true;
  } catch {
    process.stdout.write('skipped: the program "script" (Debian: bsdutils) is missing\n');
    return false;
  }
})();

/** Types once the question is there; answers what the terminal showed. */
function type(keys: string): Promise<string> {
  return new Promise((resolve) => {
    const child = spawn('script', ['-qec', `'${process.execPath}' '${program}'`, '/dev/null'], { stdio: ['pipe', 'pipe', 'ignore'] });
    let shown = '';
    let typed = false;
    child.stdout.on('data', (chunk: Buffer) => {
      shown += chunk.toString();
      if (typed || !shown.includes('token PIN: ')) return;
      typed = true;
      child.stdin.write(keys);
    });
    child.on('close', () => { resolve(shown.replaceAll('\r', '')); });
  });
}

describe.skipIf(!hasScript)('a secret that is asked for', () => {
  it('is not echoed, and can be corrected while typing', async () => {
    await expect(type('wrong\u0015648x\u007f219\r')).resolves.toBe('token PIN: \nlength 6, shown as [secret]\n');
  });

  it('can be refused with Ctrl-C', async () => {
    await expect(type('64\u0003')).resolves.toBe('token PIN: \ninterrupted while asking for "token PIN"\n');
  });
});

it('without a terminal is an error', () => {
  const shown = execFileSync(process.execPath, [program], { input: '648219\n', encoding: 'utf8' });
  expect(shown).toBe('cannot ask for "token PIN": standard input is no terminal\n');
});

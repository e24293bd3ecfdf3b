import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const run = promisify(execFile);
const MAIN = fileURLToPath(new URL('main.ts', import.meta.url));

/** A folder with files to complete, and with the program under its name first on the path. */
let folder: string;
let env: NodeJS.ProcessEnv;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'hsmfleet-completion-'));
  mkdirSync(join(folder, 'bin'));
  writeFileSync(join(folder, 'bin/hsmfleet'), `#!/bin/sh\nexec '${process.execPath}' '${MAIN}' "$@"\n`, { mode: 0o755 });
  symlinkSync(process.execPath, join(folder, 'bin/node'));
  mkdirSync(join(folder, 'plays'));
  for (const name of ['plays/site.yml', 'plays/setup.yml', 'hosts.yml', '.hidden.yml']) writeFileSync(join(folder, name), '');
  env = { ...process.env, PATH: `${join(folder, 'bin')}:${process.env.PATH ?? ''}`, HOME: folder };
});
afterAll(() => { rmSync(folder, { recursive: true, force: true }); });

/** What the program offers after these words, without descriptions. */
async function offered(...words: string[]): Promise<string[]> {
  const { stdout } = await run('hsmfleet', ['complete', '--', ...words], { env, cwd: folder });
  return stdout.trimEnd().split('\n').map((line) => line.split('\t')[0] as string);
}

/** What bash would fill in, asked of bash itself with the script that it is given. */
async function inBash(line: string): Promise<string[]> {
  const script = `
    . /usr/share/bash-completion/bash_completion
    . <(hsmfleet completion bash)
    COMP_LINE=$1 COMP_POINT=\${#1} COMP_WORDS=() COMP_CWORD=0
    read -ra COMP_WORDS <<<"$1"
    [[ $1 == *' ' ]] && COMP_WORDS+=('')
    COMP_CWORD=$((\${#COMP_WORDS[@]} - 1))
    compopt() { :; }
    __hsmfleet_complete
    printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout } = await run('bash', ['-c', script, 'bash', line], { env, cwd: folder });
  return stdout.trim().split('\n');
}

describe('what can be typed next', () => {
  it('is told for commands, groups, options and choices', async () => {
    expect(await offered('app')).toEqual(['apply', ':4']);
    expect(await offered('token', 'pin', '')).toEqual(['change', 'unblock', ':4']);
    expect(await offered('check', '--format=j')).toEqual(['json', 'junit', ':4']);
    expect(await offered('completion', '')).toEqual(['bash', 'zsh', 'fish', ':4']);
  });

  it('is told for files and folders, hidden ones only when asked for, and no space follows a folder', async () => {
    expect(await offered('apply', 'plays/s')).toEqual(expect.arrayContaining(['plays/setup.yml', 'plays/site.yml']));
    expect(await offered('apply', '-i', 'pl')).toEqual(['plays/', ':6']);
    expect(await offered('apply', '-i', './h')).toEqual(['./hosts.yml', ':4']);
    expect(await offered('apply', '-i', '')).not.toContain('.hidden.yml');
    expect(await offered('apply', '-i', '.h')).toEqual(['.hidden.yml', ':4']);
  });

  it('describes what it offers', async () => {
    const { stdout } = await run('hsmfleet', ['complete', '--', 'tok'], { env });
    expect(stdout).toBe('token\tprepare tokens at a station: keys, certificates, PINs\n:4\n');
  });
});

describe('the scripts for shells', () => {
  it('completes in bash', async () => {
    expect(await inBash('hsmfleet inv')).toEqual(['inventory']);
    expect(await inBash('hsmfleet apply plays/si')).toEqual(['plays/site.yml']);
    expect(await inBash('hsmfleet check --format ')).toEqual(['terminal', 'json', 'junit', 'sarif', 'csv', 'html']);
  });

  it('completes in fish', async () => {
    const { stdout } = await run('fish', ['-c', 'hsmfleet completion fish | source; complete -C "hsmfleet inv"'], { env, cwd: folder });
    expect(stdout.trim().split('\t')[0]).toBe('inventory');
  });

  it('is read by zsh without complaint', async () => {
    const { stdout, stderr } = await run('zsh', ['-f', '-c', 'autoload -U compinit; compinit -D; source <(hsmfleet completion zsh); print -r -- ${_comps[hsmfleet]}'], { env, cwd: folder });
    expect([stdout.trim(), stderr]).toEqual(['_hsmfleet', '']);
  });

  it('are not made for other shells, and the ones there are get named', async () => {
    await expect(run('hsmfleet', ['completion', 'tcsh'], { env })).rejects.toMatchObject({ code: 1, stderr: expect.stringMatching(/Allowed choices are bash, zsh, fish/) as unknown });
  });
});

import { spawn } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT, type Ended } from './fleet.ts';

/** What is typed in answer to what is asked. */
export type Answers = readonly (readonly [question: RegExp, typed: string])[];

/** How a line is typed. */
export interface Typing {
  /** Below the home folder. */
  folder?: string;
  answers?: Answers;
  env?: NodeJS.ProcessEnv;
  /** Ctrl-C is typed when this comes to its end; it can look at what is shown meanwhile. */
  interrupt?: (shown: () => string) => Promise<void>;
}

const DEADLINE_MS = 240_000;

/**
 * A person who has just come: a home folder with an SSH key and nothing else, names of hosts that resolve, and the program on
 * the path. What is typed runs in bash on a real terminal, in a mount namespace of its own, so that this machine's /root and
 * /etc/hosts stay what they are.
 */
export class Newcomer {
  readonly home: string;
  readonly #etcHosts: string;
  readonly #root: string;
  /** All that was typed and shown, as on the screen. */
  transcript = '';

  /**
   * @param key the private SSH key that hosts take
   * @param names addresses by the names that are typed
   */
  constructor(key: string, names: Readonly<Record<string, string>>) {
    this.#root = mkdtempSync(join(tmpdir(), 'hsmfleet-newcomer-'));
    this.home = join(this.#root, 'home');
    mkdirSync(join(this.home, '.ssh'), { recursive: true, mode: 0o700 });
    copyFileSync(key, join(this.home, '.ssh/id_ed25519'));
    for (const folder of ['bin', 'srv']) mkdirSync(join(this.home, folder));
    writeFileSync(join(this.home, 'bin/hsmfleet'), `#!/bin/sh\nexec ${join(ROOT, 'apps/cli/bin/hsmfleet')} "$@"\n`, { mode: 0o755 });
    this.#etcHosts = join(this.#root, 'hosts');
    writeFileSync(this.#etcHosts, `127.0.0.1 localhost\n${Object.entries(names).map(([name, address]) => `${address} ${name}\n`).join('')}`);
  }

  /** Path of a file below the home folder. */
  path(...parts: string[]): string {
    return join(this.home, ...parts);
  }

  read(...parts: string[]): string {
    return readFileSync(this.path(...parts), 'utf8');
  }

  /** Types a line and answers what is asked; each answer is given once, in any order. The home folder's srv is /srv as well. */
  type(line: string, { folder = '', answers = [], env = {}, interrupt }: Typing = {}): Promise<Ended> {
    const inside = `mount --bind ${this.path('srv')} /srv && mount --bind ${this.home} /root && mount --bind ${this.#etcHosts} /etc/hosts && cd ${join('/root', folder)} && exec script -qec "$LINE" /dev/null`;
    const child = spawn('unshare', ['--mount', 'sh', '-c', inside], {
      stdio: ['pipe', 'pipe', 'ignore'],
      env: { ...env, PATH: '/root/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', HOME: '/root', LANG: 'C.UTF-8', TERM: 'dumb', NO_COLOR: '1', SHELL: '/bin/bash', LINE: line },
    });
    return new Promise((resolve) => {
      let shown = '';
      let seen = 0;
      const left = [...answers];
      void interrupt?.(() => shown).then(() => child.stdin.write('\u0003'));
      const timer = setTimeout(() => { child.kill('SIGKILL'); }, DEADLINE_MS);
      child.stdout.on('data', (chunk: Buffer) => {
        shown += chunk.toString();
        const index = left.findIndex(([question]) => question.test(shown.slice(seen)));
        const next = left[index];
        if (next === undefined) return;
        seen = shown.length;
        left.splice(index, 1);
        child.stdin.write(`${next[1]}\r`);
      });
      child.stdin.on('error', () => undefined);
      child.on('close', (code) => {
        clearTimeout(timer);
        const stdout = shown.replaceAll('\r', '');
        this.transcript += `$ ${line}\n${stdout}`;
        resolve({ code: code ?? -1, stdout, stderr: '' });
      });
    });
  }

  leave(): void {
    rmSync(this.#root, { recursive: true, force: true });
  }
}

import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Desk, Ended, Fleet } from './fleet.ts';
import { PIN, WRITABLE_MODULE } from './fleet.ts';

const SPY = '/usr/lib/x86_64-linux-gnu/pkcs11-spy.so';
const P11_KIT_CLIENT = '/usr/lib/x86_64-linux-gnu/pkcs11/p11-kit-client.so';
/** SO PIN of tokens that specs prepare. */
export const SO_PIN = '3537363231383830';

/** Makes the host's token folder like the one packed in $0, file by file: what is the same stays untouched, as on a real device. */
const PLUG = `set -e
new=$(mktemp -d); printf %s "$0" | base64 -d | tar -xz -C "$new"
cd "$new"; find . -type d | while read -r d; do mkdir -p "/var/lib/softhsm/tokens/$d"; done
find . -type f | while read -r f; do cmp -s "$f" "/var/lib/softhsm/tokens/$f" || cp "$f" "/var/lib/softhsm/tokens/$f"; done
cd /var/lib/softhsm/tokens; find . -type f | while read -r f; do [ -e "$new/$f" ] || rm "$f"; done
find . -mindepth 1 -type d -empty -delete
chown -R www-data:www-data .; chmod -R ug+rwX,o= .; rm -r "$new"`;

/**
 * A station on this machine: SoftHSM with token folders of its own, reached as an operator reaches it, with PINs in files.
 * One folder of tokens is one drawer: a device in a drawer can be carried to a host.
 */
export class Station {
  readonly desk: Pick<Desk, 'folder' | 'hsmfleet'>;
  readonly drawer: string;

  constructor(desk: Pick<Desk, 'folder' | 'hsmfleet'>, drawer = 'drawer') {
    this.desk = desk;
    this.drawer = join(desk.folder, drawer);
    mkdirSync(join(this.drawer, 'tokens'), { recursive: true });
    writeFileSync(join(this.drawer, 'softhsm2.conf'), `directories.tokendir = ${join(this.drawer, 'tokens')}\nobjectstore.backend = file\nlog.level = ERROR\n`);
    for (const [name, text] of [['pin', PIN], ['so-pin', SO_PIN], ['wrong-pin', '999999']] as const) {
      writeFileSync(join(desk.folder, 'secrets', name), `${text}\n`, { mode: 0o600 });
    }
  }

  get conf(): string {
    return join(this.drawer, 'softhsm2.conf');
  }

  /** `hsmfleet token WORDS --module SOFTHSM`. */
  token(...words: string[]): Promise<Ended> {
    return this.desk.hsmfleet('token', ...words, '--module', WRITABLE_MODULE, '--module-env', `SOFTHSM2_CONF=${this.conf}`);
  }

  /** The same, ended well. */
  async must(...words: string[]): Promise<string> {
    const ended = await this.token(...words);
    if (ended.code !== 0) throw new Error(`token ${words.join(' ')} ended with ${String(ended.code)}: ${ended.stdout}${ended.stderr}`);
    return ended.stdout;
  }

  /** Through OpenSC's spy: what was called is in the file of that name afterwards. */
  async spied(log: string, ...words: string[]): Promise<{ ended: Ended; calls: (name: string) => number }> {
    const file = join(this.desk.folder, log);
    const ended = await this.desk.hsmfleet(
      'token', ...words, '--module', SPY, '--module-env', `SOFTHSM2_CONF=${this.conf}`, '--module-env', `PKCS11SPY=${WRITABLE_MODULE}`, '--module-env', `PKCS11SPY_OUTPUT=${file}`,
    );
    const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
    return { ended, calls: (name) => text.split('\n').filter((line) => new RegExp(`^\\d+: ${name}$`).test(line.trim())).length };
  }

  /** A reader that can be pulled out: the token behind a p11-kit server, and the words that reach it. */
  pullable(label: string): { words: string[]; ready: () => boolean; worked: () => number; pull: () => void } {
    const socket = join(this.drawer, 'reader');
    rmSync(socket, { force: true });
    // its own process group: the server starts a process for each connection
    const server = spawn('p11-kit', ['server', '-f', '-n', socket, '--provider', WRITABLE_MODULE, `pkcs11:token=${label}`], {
      stdio: 'ignore', detached: true, env: { ...process.env, SOFTHSM2_CONF: this.conf },
    });
    return {
      words: ['--module', P11_KIT_CLIENT, '--module-env', `P11_KIT_SERVER_ADDRESS=unix:path=${socket}`],
      ready: () => existsSync(socket),
      // milliseconds of CPU that its busiest connection has taken: how far a key is, for a token that tells nothing
      worked: () => Math.max(0, ...childrenOf(server.pid as number).map(cpuMs)),
      pull() {
        try {
          process.kill(-(server.pid as number), 'SIGKILL');
        } catch {
          // pulled before
        }
      },
    };
  }

  /** Command lines and environments of what runs at the desk, sampled until stopped: those with a PIN in them. */
  watchForPins(): () => string[] {
    const seen = new Set<string>();
    const timer = setInterval(() => {
      for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
        try {
          if (readlinkSync(`/proc/${pid}/cwd`) !== this.desk.folder) continue;
          for (const file of ['cmdline', 'environ']) {
            const text = readFileSync(`/proc/${pid}/${file}`, 'utf8');
            if (text.includes(PIN) || text.includes(SO_PIN)) seen.add(`${file} of ${readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')}`);
          }
        } catch {
          // the process is gone
        }
      }
    }, 50);
    return () => {
      clearInterval(timer);
      return [...seen];
    };
  }

  /** Every object of every token with a hash of its bytes. What a token notes of itself (a wrong PIN, a login) is left out. */
  contents(): Record<string, string> {
    const folder = join(this.drawer, 'tokens');
    const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.object') && !name.endsWith('/token.object')).sort();
    return Object.fromEntries(files.map((name) => [name, createHash('sha256').update(readFileSync(join(folder, name))).digest('hex')]));
  }

  /** Carries the device to a host: what was in its reader goes, this one comes. */
  async carryTo(fleet: Fleet, host: string): Promise<void> {
    const packed = execFileSync('tar', ['-C', join(this.drawer, 'tokens'), '-cz', '.'], { encoding: 'base64' });
    await fleet.must(host, 'sh', '-c', PLUG, packed);
  }
}

function childrenOf(pid: number): number[] {
  return readFileSync(`/proc/${String(pid)}/task/${String(pid)}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number);
}

function cpuMs(pid: number): number {
  try {
    // fields 14 and 15 of proc(5), in ticks of 10 ms; the name in field 2 may hold blanks
    const [user = '0', system = '0'] = readFileSync(`/proc/${String(pid)}/stat`, 'utf8').replace(/^.*\) /s, '').split(' ').slice(11, 13);
    return (Number(user) + Number(system)) * 10;
  } catch {
    return 0;
  }
}

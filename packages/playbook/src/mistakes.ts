import { readFileSync } from 'node:fs';
import { HsmfleetError, sealedKind } from '@hsmfleet/contract';
import type { Problems} from '@hsmfleet/yaml-source';
import { suggestion } from '@hsmfleet/yaml-source';

/** Hosts named in a message before "and N more". */
const HOSTS_SHOWN = 3;

/**
 * Mistakes found while compiling for many hosts: the same one counts once, and says for which hosts when it is not for
 * all of them. Adds the line of the file where it is missing.
 */
export class Mistakes {
  readonly #found = new Map<string, { error: HsmfleetError; hosts: Set<string> }>();
  readonly #lines = new Map<string, readonly string[]>();

  /** `names` are those that might have been meant by an undefined one. */
  add(thrown: unknown, host: string, names?: () => Iterable<string>): void {
    if (!(thrown instanceof HsmfleetError)) throw thrown;
    const at = thrown.position;
    const key = JSON.stringify([thrown.code, thrown.message, at?.file, at?.line, at?.column]);
    const known = this.#found.get(key);
    if (known !== undefined) {
      known.hosts.add(host);
      return;
    }
    const name = thrown.code === 'UNDEFINED_VARIABLE' ? /^the variable "(\w+)" is not defined/.exec(thrown.message)?.[1] : undefined;
    const hint = thrown.hint ?? (name === undefined || names === undefined ? undefined : suggestion(name, names()));
    this.#found.set(key, { error: this.#rebuilt(thrown, thrown.message, hint), hosts: new Set([host]) });
  }

  get count(): number {
    return this.#found.size;
  }

  /**
   * Hands over to the problems of the whole playbook.
   * @param total how many hosts the play has
   * @param complete false when some variables could not be read: then nothing counts as undefined
   */
  moveTo(problems: Problems, total: number, complete: boolean): void {
    for (const { error, hosts } of this.#found.values()) {
      if (!complete && error.code === 'UNDEFINED_VARIABLE') continue;
      if (hosts.size === total) problems.add(error);
      else {
        const names = [...hosts].slice(0, HOSTS_SHOWN).join(', ');
        const more = hosts.size > HOSTS_SHOWN ? ` and ${String(hosts.size - HOSTS_SHOWN)} more` : '';
        problems.add(this.#rebuilt(error, `${error.message} for ${names}${more}`, error.hint));
      }
    }
    this.#found.clear();
  }

  #rebuilt(error: HsmfleetError, message: string, hint: string | undefined): HsmfleetError {
    const { position, details, cause } = error;
    const excerpt = error.excerpt ?? (position === undefined ? undefined : this.#line(position.file, position.line));
    return new HsmfleetError(error.code, message, { position, details, cause, hint, excerpt });
  }

  #line(file: string, line: number): string | undefined {
    let lines = this.#lines.get(file);
    if (lines === undefined) {
      try {
        const text = readFileSync(file, 'utf8');
        // positions in an encrypted file are those of its decrypted text, which is not shown
        lines = sealedKind(text) !== undefined ? [] : text.split(/\r?\n/);
      } catch {
        // a position in what is no file: a list of hosts on the command line
        lines = [];
      }
      this.#lines.set(file, lines);
    }
    return lines[line - 1];
  }
}

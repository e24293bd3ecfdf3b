import { Deferred, HsmfleetError, type SourcePosition, type Value } from '@hsmfleet/contract';
import { hasMarkup } from '@hsmfleet/template';
import { suggestion, type Problems } from '@hsmfleet/yaml-source';
import { expandRange, RangeError } from './expand-range.ts';
import { assign, assignToGroup, type Group, type HostsGraph } from './hosts-graph.ts';
import { parseAddress } from './parse-address.ts';
import { pythonLiteral, type Literal } from './python-literal.ts';
import { shellWords, ShellWordError, type ShellWord } from './shell-words.ts';

type Kind = 'hosts' | 'children' | 'vars';

const KINDS: readonly string[] = ['hosts', 'children', 'vars'];
/** Where Python ends a line. */
const LINE_ENDS = /\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]/;
const QUOTE_HINT = 'quote values with blanks: name="two words", and those with a # in them';

/** A line of the file, without the blanks around it. */
interface Line {
  text: string;
  /** How many blanks were before it. */
  indent: number;
  number: number;
  raw: string;
}

/** A group that the file speaks of before it says that it exists. */
interface Pending {
  kind: Kind;
  line: Line;
  parents: Group[];
}

/**
 * Reads one hosts file in the dialect of Ansible that looks like INI. Mistakes are collected.
 *
 * Libraries for INI files do not fit it: hosts are lines without a key, several `key=value` follow on one line with the quotes
 * of a shell, values are literals of Python on some lines and of both on others, `[web:vars]` and `[web:children]` mean something,
 * and none of the libraries tells where in the file a value stands.
 */
export class IniReader {
  readonly #path: string;
  readonly #text: string;
  readonly #graph: HostsGraph;
  readonly #problems: Problems;
  readonly #pending = new Map<string, Pending>();
  #group: Group;
  #kind: Kind = 'hosts';

  constructor(path: string, text: string, graph: HostsGraph, problems: Problems) {
    this.#path = path;
    this.#text = text.replace(/^\uFEFF/, '');
    this.#graph = graph;
    this.#problems = problems;
    this.#group = graph.group('ungrouped');
  }

  read(): void {
    for (const [index, raw] of this.#text.split(LINE_ENDS).entries()) {
      const text = raw.trim();
      if (text === '' || text.startsWith('#') || text.startsWith(';')) continue;
      this.#line({ text, indent: raw.length - raw.trimStart().length, number: index + 1, raw });
    }
    for (const [name, { kind, line, parents }] of this.#pending) {
      const hint = suggestion(name, [...this.#graph.groups.keys()].filter((known) => !this.#pending.has(known))) ?? `add a section [${name}], empty if need be`;
      const message = kind === 'vars' ? `the section [${name}:vars] is for a group that does not exist` : `the group "${parents[0]?.name ?? ''}" includes "${name}", which does not exist`;
      this.#fail(line, 0, message, hint);
    }
  }

  #line(line: Line): void {
    if (line.text.startsWith('[') && this.#section(line)) return;
    if (this.#kind === 'hosts') this.#hosts(line);
    else if (this.#kind === 'vars') this.#variable(line);
    else this.#child(line);
  }

  /** @returns whether the line is the head of a section, or was meant as one */
  #section(line: Line): boolean {
    const found = /^\[([^:\]\s]+)(?::(\w+))?\]\s*(?:#.*)?$/u.exec(line.text);
    if (found === null) {
      if (!line.text.endsWith(']')) return false;
      this.#fail(line, 0, `${line.text} is no head of a section`, 'write [group], [group:vars] or [group:children], without blanks');
      return true;
    }
    const [, name = '', kind = 'hosts'] = found;
    if (!KINDS.includes(kind)) {
      this.#fail(line, name.length + 2, `a section cannot be of the kind "${kind}"`, suggestion(kind, KINDS) ?? 'write [group], [group:vars] or [group:children]');
      return true;
    }
    this.#kind = kind as Kind;
    if (!this.#graph.groups.has(name) && kind === 'vars' && !this.#pending.has(name)) this.#pending.set(name, { kind: 'vars', line, parents: [] });
    this.#group = this.#graph.group(name, this.#place(line));
    const pending = this.#pending.get(name);
    if (pending !== undefined && kind !== 'vars') {
      for (const parent of pending.parents) parent.children.add(name);
      this.#pending.delete(name);
    }
    return true;
  }

  #hosts(line: Line): void {
    const words = this.#words(line);
    const [first, ...rest] = words ?? [];
    if (first === undefined) return;
    const { name, port } = parseAddress(first.text);
    if (port === undefined && first.text.trimEnd().endsWith(':')) {
      this.#fail(line, first.start, `the host "${first.text}" ends in a colon`, 'a colon is followed by a port; if this is a YAML file, call it hosts.yml');
      return;
    }
    if (name.trim() === '---' || name === '') {
      this.#fail(line, first.start, name === '' ? 'a host has no name' : '"---" is no host', name === '' ? undefined : 'if this is a YAML file, call it hosts.yml');
      return;
    }
    const names = this.#expand(name, line, first);
    const assignments = rest.flatMap((word) => this.#assignment(word, line) ?? []);
    for (const each of names) {
      const host = this.#graph.host(each, this.#position(line, first.start), port);
      this.#group.hosts.add(each);
      for (const { key, value, position } of assignments) assign(host, key, value, position);
    }
  }

  #words(line: Line): ShellWord[] | undefined {
    try {
      return shellWords(line.text);
    } catch (thrown) {
      if (!(thrown instanceof ShellWordError)) throw thrown;
      this.#fail(line, thrown.at, thrown.message, QUOTE_HINT);
      return undefined;
    }
  }

  #expand(name: string, line: Line, word: ShellWord): string[] {
    try {
      return expandRange(name);
    } catch (thrown) {
      if (!(thrown instanceof RangeError)) throw thrown;
      this.#fail(line, word.start, thrown.message);
      return [];
    }
  }

  #assignment(word: ShellWord, line: Line): { key: string; value: Value; position: SourcePosition } | undefined {
    const at = word.text.indexOf('=');
    if (at < 0) {
      this.#fail(line, word.start, 'a word after the host is no key=value', QUOTE_HINT);
      return undefined;
    }
    const key = word.text.slice(0, at);
    if (!this.#keyIsGood(key, line, word.start)) return undefined;
    const position = this.#position(line, word.places[at + 1] ?? word.start);
    return { key, value: valueOf(word.text.slice(at + 1), position), position: this.#position(line, word.start) };
  }

  #variable(line: Line): void {
    const at = line.text.indexOf('=');
    if (at < 0) {
      this.#fail(line, 0, `the variable of "${this.#group.name}" is no key=value`, 'the lines of a :vars section are name=value');
      return;
    }
    const key = line.text.slice(0, at).trim();
    if (!this.#keyIsGood(key, line, 0)) return;
    const rest = line.text.slice(at + 1);
    const text = rest.trim();
    const value = valueOf(text, this.#position(line, line.text.length - rest.trimStart().length));
    const wrong = assignToGroup(this.#group, key, value, this.#position(line, 0));
    if (wrong !== undefined) this.#fail(line, 0, wrong);
  }

  #child(line: Line): void {
    const name = /^([^:\]\s]+)\s*(?:#.*)?$/u.exec(line.text)?.[1];
    if (name === undefined) {
      this.#fail(line, 0, `"${line.text}" is no name of a group`, 'the lines of a :children section are names of groups, one per line, without variables');
      return;
    }
    if (this.#graph.groups.has(name)) {
      this.#group.children.add(name);
      return;
    }
    const pending = this.#pending.get(name);
    if (pending === undefined) this.#pending.set(name, { kind: 'children', line, parents: [this.#group] });
    else pending.parents.push(this.#group);
  }

  #keyIsGood(key: string, line: Line, at: number): boolean {
    if (key !== '__proto__' && key !== '') return true;
    this.#fail(line, at, key === '' ? 'a variable has no name' : 'the key "__proto__" is not allowed');
    return false;
  }

  #position(line: Line, at: number): SourcePosition {
    return { file: this.#path, line: line.number, column: line.indent + at + 1 };
  }

  #place(line: Line): { position: SourcePosition; excerpt: string } {
    return { position: this.#position(line, 0), excerpt: withoutPasswords(line.raw) };
  }

  #fail(line: Line, at: number, message: string, hint?: string): void {
    this.#problems.add(new HsmfleetError('HOSTS_INVALID', message, { position: this.#position(line, at), excerpt: withoutPasswords(line.raw), hint }));
  }
}

/** A line for a message: what follows a name that sounds like a password is not shown, up to the next name. */
function withoutPasswords(line: string): string {
  return line.replace(/(\w*(?:pass|password|passwd|passphrase|secret|token|pin)\s*=)(.*?)(?=\s+\w+=|$)/gi, (_, name: string, value: string) => name + '*'.repeat(value.length));
}

/** A value as Ansible reads it: a literal of Python, or the text itself. */
function valueOf(text: string, position: SourcePosition): Value {
  const literal = pythonLiteral(text);
  return withTemplates(literal === undefined ? text : literal, position);
}

function withTemplates(value: Literal, position: SourcePosition): Value {
  if (typeof value === 'string') return hasMarkup(value) ? new Deferred(value, 'text', position) : value;
  if (Array.isArray(value)) return value.map((item) => withTemplates(item, position));
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, withTemplates(item, position)]));
}

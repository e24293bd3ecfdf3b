import { HsmfleetError, type ErrorCode, type Secret, type SourcePosition } from '@hsmfleet/contract';
import { basename } from 'node:path';
import { LineCounter, parseDocument, type Document, type Node } from 'yaml';
import { ANSIBLE_SCHEMA } from './ansible-schema.ts';
import { syntaxHint } from './syntax-hint.ts';

/** Syntax errors reported per file: one slip makes the parser see many. */
const SYNTAX_ERRORS_SHOWN = 3;

interface SourceOptions {
  /** The file is encrypted as a whole: no text of it is ever shown, and every text and number in it is a secret. */
  encrypted?: boolean;
  /** Why there is no text. */
  problem?: HsmfleetError;
}

/** A YAML file with the place of everything in it. */
export class YamlSource {
  readonly path: string;
  readonly root: Node | null;
  /** Syntax errors. With any, {@link YamlSource.root} may be only a part of the truth. */
  readonly problems: readonly HsmfleetError[];
  /** Whether the file is encrypted as a whole; positions are those of the decrypted text. */
  readonly encrypted: boolean;
  /** Values of `!secret` and `!vault` nodes; filled by resolveSecrets and openVaultValues. */
  readonly secrets = new Map<Node, Secret>();
  /** Why a `!vault` node has no value. */
  readonly unopened = new Map<Node, HsmfleetError>();
  readonly #document: Document.Parsed;
  readonly #lines = new LineCounter();
  readonly #text: string;

  constructor(path: string, text: string, { encrypted = false, problem }: SourceOptions = {}) {
    this.path = path;
    this.encrypted = encrypted;
    this.#text = text.replace(/^\uFEFF/, '');
    this.#document = parseDocument(this.#text, { ...ANSIBLE_SCHEMA, lineCounter: this.#lines });
    this.root = this.#document.contents;
    this.problems = problem === undefined ? this.#syntaxProblems() : [problem];
  }

  #syntaxProblems(): HsmfleetError[] {
    const errors = [...this.#document.errors, ...this.#document.warnings].map(({ code, message, pos }) => ({
      code, message: this.encrypted ? `the decrypted text is no YAML (${code.toLowerCase().replaceAll('_', ' ')})` : message.charAt(0).toLowerCase() + message.slice(1).replace(/\.$/, ''), offset: pos[0] + blanksAt(this.#text, pos[0]),
      deeper: code === 'BLOCK_AS_IMPLICIT_KEY' ? deeperKey(this.#text, pos[0]) : undefined,
    }));
    const indented = errors.find((error) => error.deeper !== undefined);
    if (indented !== undefined) {
      const message = 'a key is indented below one that already has a value';
      return [this.#problem('PLAYBOOK_SYNTAX', message, this.positionAt(indented.deeper ?? 0), syntaxHint(indented.code))];
    }
    const byLine = new Map(errors.reverse().map((error) => [this.positionAt(error.offset).line, error]));
    return [...byLine.values()].reverse().slice(0, SYNTAX_ERRORS_SHOWN)
      .map((error) => this.#problem('PLAYBOOK_SYNTAX', error.message, this.positionAt(error.offset), syntaxHint(error.code)));
  }

  /** The node an alias stands for. */
  resolve(node: Node & { resolve(document: Document): unknown }): Node | undefined {
    return node.resolve(this.#document) as Node | undefined;
  }

  positionAt(offset: number): SourcePosition {
    const { line, col } = this.#lines.linePos(Math.min(offset, this.#text.length));
    return { file: this.path, line: Math.max(line, 1), column: Math.max(col, 1) };
  }

  /** Where a node starts; the file's start for what has no place. */
  positionOf(node: unknown): SourcePosition {
    const range = (node as { range?: [number, number, number] | null } | null | undefined)?.range;
    return this.positionAt(range?.[0] ?? 0);
  }

  /** Where a scalar's text starts: after the quote, or on the first line of a block. */
  textPositionOf(node: Node): SourcePosition {
    const start = node.range?.[0] ?? 0;
    const { type } = node as { type?: string };
    if (type === 'QUOTE_DOUBLE' || type === 'QUOTE_SINGLE') return this.positionAt(start + 1);
    if (type !== 'BLOCK_LITERAL' && type !== 'BLOCK_FOLDED') return this.positionAt(start);
    const content = /\n[ \t]*(?=\S)/.exec(this.#text.slice(start));
    return this.positionAt(content === null ? start : start + content.index + content[0].length);
  }

  /** What a secret at a node is called in messages. */
  originOf(node: unknown): string {
    return `vault:${basename(this.path)}:${String(this.positionOf(node).line)}`;
  }

  /** The line with a position, as it is in the file; undefined for what must not be shown. */
  excerptAt(position: SourcePosition): string | undefined {
    if (this.encrypted) return undefined;
    const from = this.#lines.lineStarts[position.line - 1] ?? 0;
    return this.#text.slice(from).split(/\r?\n/, 1)[0] ?? '';
  }

  /** A mistake at a node or position of this file, with its line. */
  problem(code: ErrorCode, message: string, at: unknown, hint?: string): HsmfleetError {
    const position = isPosition(at) ? at : this.positionOf(at);
    return this.#problem(code, message, position, hint);
  }

  #problem(code: ErrorCode, message: string, position: SourcePosition, hint: string | undefined): HsmfleetError {
    return new HsmfleetError(code, message, { position, excerpt: this.excerptAt(position), hint });
  }
}

/** Blanks before what an error is about: it is the first letter that a person looks for. */
function blanksAt(text: string, offset: number): number {
  return /^ *(?=[^\s])/.exec(text.slice(offset, offset + 200))?.[0].length ?? 0;
}

/**
 * The parser blames the value of `a: 1` for a line below it that is indented too far. Offset of that line's key;
 * undefined when the next line is none.
 */
function deeperKey(text: string, offset: number): number | undefined {
  const found = /^[^\n]*\n([ ]+)[^\s#][^\n]*:(?=\s|$)/.exec(text.slice(offset));
  return found === null ? undefined : offset + found[0].indexOf('\n') + 1 + (found[1] ?? '').length;
}

function isPosition(value: unknown): value is SourcePosition {
  return typeof value === 'object' && value !== null && 'line' in value && 'column' in value;
}

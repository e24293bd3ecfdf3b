import { Deferred, HsmfleetError, Secret, type Value } from '@hsmfleet/contract';
import { renderValue, type Scope } from '@hsmfleet/template';
import { dereference, mapEntries, toValue, type MapEntry, type Problems, type YamlSource } from '@hsmfleet/yaml-source';
import { isMap, isScalar, isSeq, type Node } from 'yaml';
import type { Condition, Placed } from './source.ts';

/** Reads nodes of one file into the types that a keyword takes; what does not fit is collected with its place. */
export class NodeReader {
  readonly source: YamlSource;
  readonly problems: Problems;
  readonly #scope: Scope | undefined;

  /** @param scope variables that {@link known} renders with; without it keywords take no variables */
  constructor(source: YamlSource, problems: Problems, scope?: Scope) {
    this.source = source;
    this.problems = problems;
    this.#scope = scope;
  }

  /** The same reader, for keywords that take the variables of a scope. */
  withScope(scope: Scope): NodeReader {
    return new NodeReader(this.source, this.problems, scope);
  }

  fail(message: string, at: unknown, hint?: string): undefined {
    this.problems.add(this.error(message, at, hint));
    return undefined;
  }

  error(message: string, at: unknown, hint?: string): HsmfleetError {
    return this.source.problem('PLAYBOOK_INVALID', message, at, hint);
  }

  /** Entries of a mapping; none for nothing. */
  mapping(node: Node | null, what: string): MapEntry[] {
    const map = this.problems.attempt(() => dereference(node, this.source));
    if (map === undefined || map === null || (isScalar(map) && map.value === null)) return [];
    if (!isMap(map)) {
      this.fail(`${what} must be a mapping`, map);
      return [];
    }
    return this.problems.attempt(() => mapEntries(map, this.source)) ?? [];
  }

  /** Items of a list; none for nothing. With `single`, one value counts as a list of one. */
  list(node: Node | null, what: string, single = false): Node[] {
    const list = this.problems.attempt(() => dereference(node, this.source));
    if (list === undefined || list === null || (isScalar(list) && list.value === null)) return [];
    if (isSeq(list)) return list.items as Node[];
    if (single) return [list];
    this.fail(`${what} must be a list`, list);
    return [];
  }

  value(node: Node | null): Value | undefined {
    return this.problems.attempt(() => toValue(node, this.source));
  }

  /** The value of a keyword, its variables rendered where there is a scope. */
  known(node: Node | null): Value | undefined {
    const value = this.value(node);
    if (!(value instanceof Deferred) || this.#scope === undefined) return value;
    try {
      return renderValue(value, this.#scope);
    } catch (thrown) {
      if (!(thrown instanceof HsmfleetError)) throw thrown;
      this.problems.add(this.source.problem(thrown.code, thrown.message, thrown.position ?? node, "before hosts are chosen only the play's vars and -e are known"));
      return undefined;
    }
  }

  variables(node: Node | null, what: string): Record<string, Value> {
    const vars: Record<string, Value> = {};
    for (const entry of this.mapping(node, what)) {
      if (!/^[A-Za-z_]\w*$/.test(entry.key)) {
        this.fail(`"${entry.key}" is not a name for a variable`, entry.keyNode, 'letters, digits and underscores, no digit first');
        continue;
      }
      const value = this.value(entry.value);
      if (value !== undefined) vars[entry.key] = value;
    }
    return vars;
  }

  boolean(entry: MapEntry): boolean | undefined {
    const value = asBoolean(this.known(entry.value));
    if (typeof value === 'boolean') return value;
    return value === undefined ? undefined : this.fail(`${entry.key} must be true or false`, entry.value ?? entry.keyNode);
  }

  text(entry: MapEntry): string | undefined {
    const value = this.known(entry.value);
    if (typeof value === 'string' && value !== '') return value;
    if (typeof value === 'number') return String(value);
    return value === undefined ? undefined : this.fail(`${entry.key} must be a text without variables`, entry.value ?? entry.keyNode);
  }

  /** Names separated by commas, or a list of them. */
  names(entry: MapEntry): string[] {
    return this.list(entry.value, entry.key, true).flatMap((node) => {
      const value = this.known(node);
      if (value === undefined) return [];
      const names = [value].flat();
      if (names.every((name) => typeof name === 'string' || typeof name === 'number')) {
        return names.flatMap((name) => String(name).split(',')).map((part) => part.trim()).filter((part) => part !== '');
      }
      this.fail(`${entry.key} must be a name or a list of names`, node);
      return [];
    });
  }

  placed(entry: MapEntry): Placed<Value> | undefined {
    const value = this.value(entry.value);
    return value === undefined ? undefined : { value, node: entry.value ?? entry.keyNode, source: this.source };
  }

  /** Values of a list; one value counts as a list of one. */
  placedList(entry: MapEntry): Placed<Value>[] {
    return this.list(entry.value, entry.key, true).flatMap((node) => {
      const value = this.value(node);
      return value === undefined ? [] : [{ value, node, source: this.source }];
    });
  }

  /** Conditions of `when` and its like: truth values and expressions without braces, one or a list. */
  conditions(entry: MapEntry): Condition[] {
    return this.list(entry.value, entry.key, true).flatMap((node) => {
      const condition = this.value(node);
      if (condition === undefined) return [];
      const expression = expressionOf(condition, this.source.textPositionOf(node));
      if (expression !== undefined) return [expression];
      this.fail(`${entry.key} must be an expression or a list of expressions`, node);
      return [];
    });
  }
}

/** "yes" and the like as a truth value, since variables of `-e` are text; every other value as it is. */
export function asBoolean<T>(value: T): T | boolean {
  if (typeof value !== 'string') return value;
  if (/^(?:true|yes|on|1)$/i.test(value)) return true;
  return /^(?:false|no|off|0)$/i.test(value) ? false : value;
}

/** An expression from what a person wrote: text is one, a truth value stays; `{{ … }}` around it is taken off. */
export function expressionOf(value: Value, position: { file: string; line: number; column: number }): Condition | undefined {
  if (typeof value === 'boolean') return value;
  if (typeof value === 'number') return value !== 0;
  if (value instanceof Deferred) {
    const whole = /^\s*\{\{(?!.*\{\{)([\s\S]*)\}\}\s*$/.exec(value.text);
    return whole === null ? value : new Deferred((whole[1] ?? '').trim(), 'expression', value.position);
  }
  if (typeof value !== 'string' || value.trim() === '' || (value as unknown) instanceof Secret) return undefined;
  return new Deferred(value, 'expression', position);
}

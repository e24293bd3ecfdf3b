import { Deferred, HsmfleetError, Secret, type Bound, type ErrorCode, type Rendered, type SourcePosition, type Value } from '@hsmfleet/contract';
import type { LookupRequest } from './call-lookup.ts';
import type { Surroundings } from './evaluate.ts';
import { isLazy } from './lazy-mapping.ts';
import { Undefined, type Operand } from './operand.ts';
import { placed } from './place.ts';
import type { Scope } from './scope.ts';

/** Renders one Deferred; given by render.ts. */
export type RenderDeferred = (deferred: Deferred, session: Session) => Operand;

/**
 * One rendering with all that it pulls in: variables are rendered when they are first used, once, and a variable that
 * needs itself is an error.
 */
export class Session {
  readonly #scope: Scope;
  readonly #render: RenderDeferred;
  readonly #resolved = new Map<string, Operand | undefined>();
  readonly #active: string[] = [];

  constructor(scope: Scope, render: RenderDeferred) {
    this.#scope = scope;
    this.#render = render;
  }

  /** @throws HsmfleetError TEMPLATE_INVALID for a variable that refers to itself */
  resolve(name: string, problem: (message: string) => HsmfleetError): Operand | undefined {
    if (this.#resolved.has(name)) return this.#resolved.get(name);
    if (this.#active.includes(name)) {
      const cycle = [...this.#active.slice(this.#active.indexOf(name)), name];
      throw problem(`the variable "${name}" refers to itself: ${cycle.join(' -> ')}`);
    }
    this.#active.push(name);
    try {
      const value = this.#scope.lookup(name);
      const operand = value === undefined ? undefined : this.settle(value);
      this.#resolved.set(name, operand);
      return operand;
    } finally {
      this.#active.pop();
    }
  }

  /** Renders what is deferred inside; a part that names something undefined is an error only when it is used. */
  settle(value: Value): Operand {
    if (value instanceof Deferred) {
      try {
        return this.#render(value, this);
      } catch (thrown) {
        if (thrown instanceof HsmfleetError && thrown.code === 'UNDEFINED_VARIABLE') return new Undefined(thrown);
        throw thrown;
      }
    }
    if (value === null || typeof value !== 'object' || value instanceof Secret || isLazy(value)) return value as Operand;
    if (Array.isArray(value)) return value.map((item) => this.settle(item));
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, this.settle(item)]));
  }

  /** @throws HsmfleetError TEMPLATE_INVALID on a host, where nothing can be looked up */
  #find({ name, args, options }: LookupRequest, position: SourcePosition | undefined, problem: (message: string, hint: string) => HsmfleetError): Operand[] {
    const { lookups } = this.#scope;
    if (lookups === undefined) {
      throw problem(`the lookup "${name}" reads the control host, which is not possible from here`, 'put the lookup into a variable of the play');
    }
    return lookups.call({ name, args: args as Rendered[], options: options as Record<string, Rendered>, position, scope: this.#scope }).map((value) => this.settle(value));
  }

  /** What an evaluator of a text at a position needs. */
  surroundings(text: string, position: SourcePosition | undefined, bound?: Bound): Surroundings {
    const problem = (code: ErrorCode, message: string, at: { lineno: number; colno: number }, hint?: string): HsmfleetError =>
      new HsmfleetError(code, message, { hint, ...placed(text, position, at.lineno, at.colno) });
    return {
      problem,
      template: (name) => bound?.templates?.[name],
      within: (template, inner) => this.surroundings(inner, template.position, { ...bound, ...template.bound, templates: { ...bound?.templates, ...template.bound?.templates } }),
      find: (request, at) =>
        this.#find(request, placed(text, position, at.lineno, at.colno).position, (message, hint) => problem('TEMPLATE_INVALID', message, at, hint)),
      boundLookup: (at) => {
        const value = bound?.lookups?.[placeKey(at)];
        return value === undefined ? undefined : this.settle(value);
      },
      resolve: (name) => this.resolve(name, (message) => problem('TEMPLATE_INVALID', message, { lineno: 0, colno: 0 })),
    };
  }
}

/** The key of a call's place in {@link Bound.lookups}. */
export function placeKey({ lineno, colno }: { lineno: number; colno: number }): string {
  return `${String(lineno)}:${String(colno)}`;
}

import type { Secret } from '@hsmfleet/contract';
import type { EvaluatedExpression } from './resource.ts';
import { Type, type TUnsafe } from '@sinclair/typebox';

/** Schemas that many resources share. Ajv needs the keywords `x-secret` and `x-mode` to be known: see KEYWORDS. */

/** Keywords of ours in parameter schemas; register them with every ajv that compiles one. */
export const KEYWORDS = ['x-secret'] as const;

/**
 * A parameter that takes a secret. In a playbook it may be written as plain text or come from `!secret`; the runtime
 * hands it over as a Secret either way. Validators skip Secret instances.
 */
export const SecretParam = (description: string): TUnsafe<Secret> => Type.Unsafe<Secret>({ 'x-secret': true, description });

/** What people write for one parameter of `Resource.expressions`: an expression without braces, or a literal. */
export const Expression = (description: string) =>
  Type.Unsafe<EvaluatedExpression>({ anyOf: [{ type: 'string' }, { type: 'boolean' }, { type: 'number' }], description });

const modeWords = 'permission bits, quoted octal: "0644"; not 644 without quotes, which is another number, and no symbolic modes (u+rw)';

/**
 * A mode as Ansible takes it: "0644", or a YAML number that was written in octal (0644, hence 420). A decimal 644 would
 * mean 01204, which Ansible does without a word: numbers from 512 to 777 are refused.
 */
export const Mode = Type.Union(
  [
    Type.String({ pattern: '^0?[0-7]{3,4}$', description: modeWords }),
    Type.Integer({ minimum: 0, maximum: 511, description: modeWords }),
    Type.Integer({ minimum: 778, maximum: 0o7777, description: modeWords }),
  ],
  { description: modeWords },
);

/** Permission bits from a {@link Mode} parameter. */
export function parseMode(mode: string | number): number {
  return typeof mode === 'number' ? mode : Number.parseInt(mode, 8);
}

/** "0644" from permission bits. */
export function formatMode(mode: number): string {
  return mode.toString(8).padStart(4, '0');
}

export const Owner = Type.String({ description: 'user that owns it; left as it is when absent' });
export const Group = Type.String({ description: 'group that owns it; left as it is when absent' });
export const AbsolutePath = (description: string) => Type.String({ pattern: '^/', description });

import { Secret } from '@hsmfleet/contract';
import { SecretParam } from '@hsmfleet/resource';
import { Type } from '@sinclair/typebox';
import { expect, test } from 'vitest';
import { secretPathsOf, wrapSecrets } from './secret-params.ts';

const schema = Type.Object({
  password: SecretParam('one'),
  lines: Type.Array(Type.Object({ token: Type.String(), pin: SecretParam('one of many') })),
  byName: Type.Record(Type.String(), SecretParam('by name')),
  either: Type.Union([Type.Object({ key: SecretParam('in a branch') }), Type.String()]),
});

test('secret places are found in lists, records and branches', () => {
  expect(secretPathsOf(schema)).toEqual([['password'], ['lines', '*', 'pin'], ['byName', '*'], ['either', 'key']]);
});

test('plain text and numbers there become secrets, everything else stays', () => {
  const learned: string[] = [];
  const already = new Secret('known');
  const wrapped = wrapSecrets(
    { password: 'pass', lines: [{ token: 't', pin: 648219 }, { token: 'u', pin: already }], byName: { a: 'x' }, either: 'text' },
    secretPathsOf(schema), 'login', (secret) => learned.push(secret.reveal()),
  ) as { password: Secret; lines: { token: string; pin: Secret }[]; byName: { a: Secret }; either: string };
  expect([wrapped.password.reveal(), wrapped.password.origin]).toEqual(['pass', 'login.password']);
  expect([wrapped.lines[0]?.token, wrapped.lines[0]?.pin.reveal(), wrapped.lines[1]?.pin]).toEqual(['t', '648219', already]);
  expect([wrapped.byName.a.reveal(), wrapped.either]).toEqual(['x', 'text']);
  expect(learned).toEqual(['pass', '648219', 'x']);
});

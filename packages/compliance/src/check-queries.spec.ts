import { HsmfleetError, type HsmfleetErrors } from '@hsmfleet/contract';
import { expect, test } from 'vitest';
import { checkQueries } from './check-queries.ts';
import type { Profile, QueryPort } from './model.ts';

const control = {
  title: 'T', why: 'w', severity: 'low' as const, fix: null, kind: 'query' as const, position: { file: 'p.yml', line: 3, column: 5 }, applies: undefined, playbook: undefined,
  tasks: undefined, message: undefined, identity: undefined, maxAgeHours: 24,
};
const profile: Profile = {
  name: 'p', title: 'P', description: undefined, file: 'p.yml', sha256: '', overrides: [], waivers: [],
  parameters: new Map([['days', { name: 'days', description: '', value: 7, position: control.position }]]),
  controls: [
    { ...control, id: 'good', query: 'select host from a where d < $days', message: '{label}' },
    { ...control, id: 'bad', query: 'select host from nothing' },
    { ...control, id: 'drift', kind: 'drift', query: undefined, playbook: 'x.yml' },
  ],
};

/** A database that knows some columns of everything but one view. */
function database(columns: readonly string[], asked: unknown[] = []): QueryPort {
  return (sql, params) => {
    asked.push([sql.split('\n')[0], params]);
    const column = /^select (\S+)/.exec(sql)?.[1] ?? '';
    if (sql.includes('nothing') || (column !== '*' && !columns.includes(column))) return Promise.reject(new HsmfleetError('USAGE', 'there is no such thing', { hint: 'look' }));
    return Promise.resolve([]);
  };
}

test('every query is tried without an answer, with its parameters, and mistakes are told at their controls', async () => {
  const asked: unknown[] = [];
  const thrown = await checkQueries(profile, database(['host'], asked)).catch((error: unknown) => error as HsmfleetErrors);
  expect((thrown as HsmfleetErrors).errors.map(({ code, message, hint, position }) => [code, message, hint, position?.line])).toEqual([
    ['PROFILE_INVALID', 'query of the control "good" has no column "label"', 'message or identity names it', 3],
    ['PROFILE_INVALID', 'query of the control "bad": there is no such thing', 'look', 3],
  ]);
  expect(asked[0]).toEqual(['select * from (', { days: 7 }]);
});

test('what is no mistake of the profile passes through', async () => {
  await expect(checkQueries(profile, () => Promise.reject(new HsmfleetError('STORE', 'gone')))).rejects.toMatchObject({ code: 'STORE' });
});

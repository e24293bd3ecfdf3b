import { HsmfleetError, HsmfleetErrors } from '@hsmfleet/contract';
import { columnsOf } from './finding.ts';
import type { Control, ParameterValue, Profile, QueryPort } from './model.ts';
import { usedParameters } from './parameters.ts';

/**
 * Has the database read every query of a profile without answering it, so that mistakes are known before any host is touched.
 * @throws HsmfleetError, HsmfleetErrors PROFILE_INVALID, at the control; whatever else the port throws
 */
export async function checkQueries(profile: Profile, query: QueryPort): Promise<void> {
  const problems: HsmfleetError[] = [];
  for (const control of profile.controls) {
    for (const key of ['applies', 'query'] as const) {
      const sql = control[key];
      if (sql === undefined) continue;
      const columns = ['host', ...(key === 'query' ? columnsOf(control) : [])];
      try {
        await query(`select ${columns.join(', ')} from (\n${sql}\n) as found limit 0`, valuesFor(profile, sql));
      } catch (thrown) {
        problems.push(mistake(thrown, control, key));
      }
    }
  }
  if (problems.length === 1) throw problems[0] as HsmfleetError;
  if (problems.length > 1) throw new HsmfleetErrors(problems);
}

function valuesFor(profile: Profile, sql: string): Record<string, ParameterValue> {
  return Object.fromEntries(usedParameters(sql).map((name) => [name, profile.parameters.get(name)?.value ?? '']));
}

function mistake(thrown: unknown, control: Control, key: string): HsmfleetError {
  if (!(thrown instanceof HsmfleetError) || thrown.code !== 'USAGE') throw thrown;
  const hint = thrown.hint ?? 'each row needs a column host, and the columns that message and identity name';
  return new HsmfleetError('PROFILE_INVALID', `${key} of the control "${control.id}": ${thrown.message}`, { position: control.position, hint, cause: thrown });
}

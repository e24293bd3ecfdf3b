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
      const values = valuesFor(profile, sql);
      const attempt = async (columns: string): Promise<HsmfleetError | undefined> => {
        try {
          await query(`select ${columns} from (\n${sql}\n) as found limit 0`, values);
          return undefined;
        } catch (thrown) {
          if (!(thrown instanceof HsmfleetError) || thrown.code !== 'USAGE') throw thrown;
          return thrown;
        }
      };
      const wrong = await attempt('*');
      if (wrong !== undefined) {
        problems.push(mistake(control, `${key} of the control "${control.id}": ${wrong.message}`, wrong.hint));
        continue;
      }
      for (const column of ['host', ...(key === 'query' ? columnsOf(control) : [])]) {
        if ((await attempt(column)) === undefined) continue;
        const why = column === 'host' ? 'every row has to say which host it is about' : 'message or identity names it';
        problems.push(mistake(control, `${key} of the control "${control.id}" has no column "${column}"`, why));
      }
    }
  }
  if (problems.length === 1) throw problems[0] as HsmfleetError;
  if (problems.length > 1) throw new HsmfleetErrors(problems);
}

function valuesFor(profile: Profile, sql: string): Record<string, ParameterValue> {
  return Object.fromEntries(usedParameters(sql).map((name) => [name, profile.parameters.get(name)?.value ?? '']));
}

function mistake({ position }: Control, message: string, hint: string | undefined): HsmfleetError {
  return new HsmfleetError('PROFILE_INVALID', message, { position, hint });
}

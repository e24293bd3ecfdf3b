import { HsmfleetError, Secret, type Rendered } from '@hsmfleet/contract';
import { defineResource } from '@hsmfleet/resource';
import { AssertParams } from './schema.ts';

export const resource = defineResource<AssertParams, null>({
  name: 'assert',
  summary: 'Stops the host when an expression does not hold. Changes nothing.',
  params: AssertParams,
  expressions: ['that'],
  examples: [{ title: 'A condition', yaml: "assert:\n  that:\n    - ansible_facts.os_family == 'Debian'\n    - key_database.stat.exists\n  fail_msg: this host is not ready\n" }],

  inspect: () => Promise.resolve(null),

  plan(params) {
    for (const { expression, value } of Array.isArray(params.that) ? params.that : [params.that]) {
      if (value !== undefined && isTruthy(value)) continue;
      const said = text(params.fail_msg ?? params.msg);
      const reason = value === undefined ? `${expression} uses a variable that does not exist` : `${expression} does not hold`;
      throw new HsmfleetError('TASK_FAILED', said === undefined ? `assertion failed: ${reason}` : said, {
        details: { assertion: expression, evaluated_to: value === undefined ? 'undefined' : false },
        ...(said === undefined ? {} : { hint: `asserted was: ${expression}` }),
      });
    }
    const message = text(params.success_msg) ?? 'all assertions passed';
    return { steps: [], result: { msg: message }, ...(params.quiet === true ? {} : { message }) };
  },
});

/** As Python and Jinja see it: empty things do not hold. */
function isTruthy(value: Rendered): boolean {
  if (value instanceof Secret) return value.reveal() !== '';
  if (Array.isArray(value)) return value.length > 0;
  if (value !== null && typeof value === 'object') return Object.keys(value).length > 0;
  return Boolean(value);
}

function text(message: string | string[] | undefined): string | undefined {
  return Array.isArray(message) ? message.join('\n') : message;
}

import { HsmfleetError, Secret } from '@hsmfleet/contract';
import { defineResource, type Content, type FileStat } from '@hsmfleet/resource';
import { wantedIds, type WantedIds } from '../file/attributes.ts';
import { planContent } from '../file/file-content.ts';
import { editLines, type LineEdit } from './edit-lines.ts';
import { LineinfileParams } from './schema.ts';

interface Facts {
  stat: FileStat | null;
  text: string | null;
  ids: WantedIds;
  now: number;
}

export const resource = defineResource<LineinfileParams, Facts>({
  name: 'lineinfile',
  summary: 'One line of a text file: that it is there, or not.',
  params: LineinfileParams,
  examples: [
    { title: 'A setting', yaml: "lineinfile:\n  path: /etc/apache2/envvars\n  regexp: '^export APACHE_ULIMIT_MAX_FILES='\n  line: export APACHE_ULIMIT_MAX_FILES='ulimit -n 65536'\n" },
    { title: 'A line that must go', yaml: "lineinfile:\n  path: /etc/hosts\n  regexp: '^192\\.0\\.2\\.1 '\n  state: absent\n" },
  ],

  async inspect(host, params) {
    const path = pathOf(params);
    const [stat, text, ids] = await Promise.all([host.stat(path), host.readText(path), wantedIds(host, params)]);
    return { stat: stat ?? null, text: text ?? null, ids, now: host.now() };
  },

  plan(params, facts) {
    const path = pathOf(params);
    const { state = 'present' } = params;
    check(params, state);
    if (facts.text === null) {
      if (state === 'absent') return { steps: [], result: { path } };
      if (params.create !== true) throw new HsmfleetError('TASK_FAILED', `${path} does not exist`, { hint: 'give create: true to make it' });
    }
    const before = facts.text ?? '';
    const secret = params.line instanceof Secret ? params.line : undefined;
    const line = secret?.reveal() ?? params.line;
    if (line !== null && typeof line === 'object') throw new HsmfleetError('PARAMS_INVALID', 'lineinfile.line must be a text');
    const after = editLines(before, { ...params, ...(line === undefined ? {} : { line: String(line) }), state } as LineEdit);
    const content: Content = secret === undefined ? { from: 'text', text: after } : { from: 'secret', text: new Secret(after, secret.origin) };
    return planContent(
      { dest: path, ...(params.backup === undefined ? {} : { backup: params.backup }), ...attributesOf(params) },
      { path, makeDirectory: null, stat: facts.stat, same: facts.text !== null && after === before, ids: facts.ids, now: facts.now, content },
    );
  },
});

function check(params: LineinfileParams, state: 'present' | 'absent'): void {
  const wrong = (message: string): never => { throw new HsmfleetError('PARAMS_INVALID', message); };
  if (state === 'present' && params.line === undefined) wrong('line is missing: state present needs it');
  if (state === 'absent' && params.line === undefined && params.regexp === undefined && params.search_string === undefined) {
    wrong('state absent needs one of regexp, search_string or line');
  }
  if (params.regexp !== undefined && params.search_string !== undefined) wrong('regexp and search_string exclude each other');
  if (params.insertafter !== undefined && params.insertbefore !== undefined) wrong('insertafter and insertbefore exclude each other');
  if (params.backrefs === true && params.regexp === undefined) wrong('backrefs needs regexp');
}

function attributesOf({ owner, group, mode }: LineinfileParams) {
  return { ...(owner === undefined ? {} : { owner }), ...(group === undefined ? {} : { group }), ...(mode === undefined ? {} : { mode }) };
}

function pathOf(params: LineinfileParams): string {
  return params.path ?? params.dest ?? params.name ?? '';
}

import { stringify } from 'csv-stringify/sync';
import { declareRoute, type Route } from '../route.ts';
import { QueryAnswer, QueryList, QueryRequest, ViewList } from '../schemas/index.ts';

/** Questions in SQL. */
export const QUERY_ROUTES: readonly Route[] = [
  declareRoute({
    method: 'GET', path: '/views', access: 'viewer', summary: 'the views that queries read',
    answer: ViewList,
    handle: ({ data }) => data.views(),
  }),
  declareRoute({
    method: 'GET', path: '/queries', access: 'viewer', summary: 'queries that ship with hsmfleet',
    answer: QueryList,
    handle: ({ data }) => data.queries(),
  }),
  declareRoute({
    method: 'POST', path: '/query', access: 'viewer', summary: 'run one read-only SELECT statement over the views',
    body: QueryRequest, answer: QueryAnswer, alternatives: { 'text/csv': 'the same rows, with a line of names' },
    async handle({ data, slots }, { body, identity, raw, reply }) {
      const answer = await slots.run(identity?.user ?? '', () => data.query(body));
      if (!/^\s*text\/csv\b/i.test(raw.headers.accept ?? '')) return answer;
      const disposition = `attachment; filename="query.csv"`;
      return reply.type('text/csv; charset=utf-8; header=present').header('content-disposition', disposition).send(toCsv(answer));
    },
  }),
];

/** Texts that a spreadsheet would take for a formula get an apostrophe before them: hosts choose what stands in many columns. */
export function toCsv(answer: QueryAnswer): string {
  const rows = answer.rows.map((row) => row.map((cell) => (typeof cell === 'string' && /^[=+\-@\t\r]/.test(cell) ? `'${cell}` : cell)));
  return stringify([answer.columns, ...rows], { record_delimiter: 'windows' });
}

import { Type } from '@sinclair/typebox';
import { ApiError } from '../api-error.ts';
import { declareRoute, type Route } from '../route.ts';
import { LiveEvent, RunDetail, RunHostDetail, RunList } from '../schemas/index.ts';
import { paging, strict } from '../schemas/shape.ts';

const run = Type.String({ maxLength: 200, description: 'id of the run' });

/** Runs, also while they go on. */
export const RUN_ROUTES: readonly Route[] = [
  declareRoute({
    method: 'GET', path: '/runs', access: 'viewer', summary: 'runs, the newest first',
    query: Type.Object(paging, strict), answer: RunList,
    handle: ({ data }, { query }) => data.runs(query),
  }),
  declareRoute({
    method: 'GET', path: '/runs/:run', access: 'viewer', summary: 'a run by host',
    params: Type.Object({ run }, strict), answer: RunDetail,
    handle: ({ data }, { params }) => data.run(params.run),
  }),
  declareRoute({
    method: 'GET', path: '/runs/:run/hosts/:host', access: 'viewer', summary: 'the tasks of a run on a host, with their diffs',
    params: Type.Object({ run, host: Type.String({ maxLength: 300 }) }, strict), answer: RunHostDetail,
    handle: ({ data }, { params }) => data.runHost(params.run, params.host),
  }),
  declareRoute({
    method: 'GET', path: '/runs/:run/events', access: 'viewer',
    summary: 'events of a run as they come (server-sent events); header Last-Event-ID, or `after`, says where to go on',
    params: Type.Object({ run }, strict),
    query: Type.Object({ after: Type.Optional(Type.String({ maxLength: 100, pattern: '^[A-Za-z0-9:._-]*$' })) }, strict),
    answer: LiveEvent,
    alternatives: { 'text/event-stream': 'messages `event` with a LiveEvent each, and `end` after the last one' },
    async handle({ data, feed }, { params, query, identity, raw, reply }) {
      if (identity === undefined || (await data.run(params.run)) === undefined) return undefined;
      const last = raw.headers['last-event-id'] ?? query.after;
      if (last !== undefined && !/^[A-Za-z0-9:._-]{0,100}$/.test(String(last))) throw new ApiError('INVALID', 'Last-Event-ID is none of this server');
      const stream = feed.open(params.run, last === undefined || last === '' ? undefined : String(last), identity);
      return reply.type('text/event-stream; charset=utf-8').header('x-accel-buffering', 'no').send(stream);
    },
  }),
];

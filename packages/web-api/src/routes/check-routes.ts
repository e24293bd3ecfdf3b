import { Type } from '@sinclair/typebox';
import { ApiError } from '../api-error.ts';
import { declareRoute, type Route } from '../route.ts';
import {
  CheckDetail, CheckList, ControlDetail, ControlList, ControlQuery, ResultList, ResultsQuery, ScheduleList, ScheduleStart,
} from '../schemas/index.ts';
import { paging, strict } from '../schemas/shape.ts';

const id = Type.Object({ id: Type.String({ maxLength: 200 }) }, strict);

/** Controls, checks and the schedules that start them. */
export const CHECK_ROUTES: readonly Route[] = [
  declareRoute({
    method: 'GET', path: '/controls', access: 'viewer', summary: 'controls as they stand, the worst first',
    answer: ControlList,
    handle: ({ data }) => data.controls(),
  }),
  declareRoute({
    method: 'GET', path: '/controls/:id', access: 'viewer', summary: 'a control and what hosts say to it',
    params: id, query: ControlQuery, answer: ControlDetail,
    handle: ({ data }, { params, query }) => data.control(params.id, query),
  }),
  declareRoute({
    method: 'GET', path: '/checks', access: 'viewer', summary: 'checks, the newest first',
    query: Type.Object(paging, strict), answer: CheckList,
    handle: ({ data }, { query }) => data.checks(query),
  }),
  declareRoute({
    method: 'GET', path: '/checks/:id', access: 'viewer', summary: 'a check by control',
    params: id, answer: CheckDetail,
    handle: ({ data }, { params }) => data.check(params.id),
  }),
  declareRoute({
    method: 'GET', path: '/checks/:id/results', access: 'viewer', summary: 'results of a check, the worst first',
    params: id, query: ResultsQuery, answer: ResultList,
    handle: ({ data }, { params, query }) => data.checkResults(params.id, query),
  }),
  declareRoute({
    method: 'GET', path: '/schedules', access: 'viewer', summary: 'schedules and how they stand',
    answer: ScheduleList,
    handle: ({ schedules }) => schedules.list(),
  }),
  declareRoute({
    method: 'POST', path: '/schedules/:name/run', access: 'operator', summary: 'start a schedule now',
    params: Type.Object({ name: Type.String({ maxLength: 200 }) }, strict), answer: ScheduleStart,
    async handle({ schedules }, { params, identity }) {
      const started = await schedules.run(params.name, identity?.user ?? '');
      if (started === 'busy') throw new ApiError('CONFLICT', `the schedule ${params.name} runs already`);
      return started;
    },
  }),
];

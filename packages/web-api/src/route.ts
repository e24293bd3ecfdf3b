import type { Static, TSchema } from '@sinclair/typebox';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Access, Guard, Identity } from './auth/guard.ts';
import type { DashboardData, ScheduleControl } from './data-port.ts';
import type { QuerySlots } from './query-slots.ts';
import type { RunFeed } from './run-feed.ts';

/** What handlers work with. */
export interface RouteContext {
  data: DashboardData;
  schedules: ScheduleControl;
  guard: Guard;
  feed: RunFeed;
  slots: QuerySlots;
}

/** A request after its checks. */
export interface RouteRequest<Params, Query, Body> {
  params: Params;
  query: Query;
  body: Body;
  /** Who asks; undefined on public routes only. */
  identity: Identity | undefined;
  raw: FastifyRequest;
  reply: FastifyReply;
}

/** One route of the API: the server, its checks and the OpenAPI document all come from this. */
export interface Route {
  method: 'GET' | 'POST' | 'DELETE';
  /** Below /api/v1, parameters as `:name`. */
  path: string;
  /** Whom it serves. */
  access: Access;
  summary: string;
  params: TSchema | undefined;
  query: TSchema | undefined;
  body: TSchema | undefined;
  /** Schema of the answer; null when there is no body. */
  answer: TSchema | null;
  /** Further media types that the answer may have, with what they hold. */
  alternatives: Record<string, string>;
  handle: (context: RouteContext, request: RouteRequest<unknown, unknown, unknown>) => Promise<unknown>;
}

/** Declares a route; the handler's types follow from the schemas. A handler that answers undefined means "not found". */
export function declareRoute<
  P extends TSchema | undefined = undefined, Q extends TSchema | undefined = undefined, B extends TSchema | undefined = undefined,
  A extends TSchema | null = null,
>(route: {
  method: Route['method'];
  path: string;
  access: Access;
  summary: string;
  params?: P;
  query?: Q;
  body?: B;
  answer: A;
  alternatives?: Record<string, string>;
  handle: (
    context: RouteContext, request: RouteRequest<Input<P>, Input<Q>, Input<B>>,
  ) => Promise<(A extends TSchema ? Static<A> : null) | FastifyReply | undefined>;
}): Route {
  return {
    params: undefined, query: undefined, body: undefined, alternatives: {}, ...route,
    handle: route.handle as Route['handle'],
  };
}

/** Checked input; fields with a default are filled in. */
type Input<S> = S extends TSchema ? Defaulted<Static<S>> : undefined;
type Defaulted<T> = T extends { limit?: number } ? T & { limit: number } : T extends { maxRows?: number } ? T & { maxRows: number } : T;

import type { Route } from '../route.ts';
import { CHECK_ROUTES } from './check-routes.ts';
import { FLEET_ROUTES } from './fleet-routes.ts';
import { QUERY_ROUTES } from './query-routes.ts';
import { RUN_ROUTES } from './run-routes.ts';
import { SESSION_ROUTES } from './session-routes.ts';

/** Every route below /api/v1. */
export const ROUTES: readonly Route[] = [...SESSION_ROUTES, ...FLEET_ROUTES, ...CHECK_ROUTES, ...RUN_ROUTES, ...QUERY_ROUTES];

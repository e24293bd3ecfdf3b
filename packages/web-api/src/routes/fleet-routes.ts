import { Type } from '@sinclair/typebox';
import { declareRoute, type Route } from '../route.ts';
import { BenchmarkList, CertificateList, CertificatesQuery, HostDetail, HostList, HostsQuery, Overview } from '../schemas/index.ts';
import { strict } from '../schemas/shape.ts';

/** What the fleet is like. */
export const FLEET_ROUTES: readonly Route[] = [
  declareRoute({
    method: 'GET', path: '/overview', access: 'viewer', summary: 'the whole fleet on one page',
    answer: Overview,
    handle: ({ data }) => data.overview(),
  }),
  declareRoute({
    method: 'GET', path: '/hosts', access: 'viewer', summary: 'hosts by name',
    query: HostsQuery, answer: HostList,
    handle: ({ data }, { query }) => data.hosts(query),
  }),
  declareRoute({
    method: 'GET', path: '/hosts/:host', access: 'viewer', summary: 'everything about a host',
    params: Type.Object({ host: Type.String({ maxLength: 300 }) }, strict), answer: HostDetail,
    handle: ({ data }, { params }) => data.host(params.host),
  }),
  declareRoute({
    method: 'GET', path: '/certificates', access: 'viewer', summary: 'certificates by their end',
    query: CertificatesQuery, answer: CertificateList,
    handle: ({ data }, { query }) => data.certificates(query),
  }),
  declareRoute({
    method: 'GET', path: '/benchmarks', access: 'viewer', summary: 'measured points',
    answer: BenchmarkList,
    handle: ({ data }) => data.benchmarks(),
  }),
];

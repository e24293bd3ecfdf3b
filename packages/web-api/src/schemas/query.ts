import { Type, type Static } from '@sinclair/typebox';
import { BenchmarkPoint } from '@hsmfleet/contract/schemas';
import { literals, nullable, strict } from './shape.ts';

/** A documented view. */
export const ViewDescription = Type.Object(
  {
    name: Type.String(),
    description: Type.String(),
    columns: Type.Array(
      Type.Object({ name: Type.String(), type: literals('text', 'integer', 'real', 'boolean', 'time'), description: Type.String() }, strict),
    ),
  },
  strict,
);
export type ViewDescription = Static<typeof ViewDescription>;

/** GET /views */
export const ViewList = Type.Object({ items: Type.Array(ViewDescription) }, strict);
export type ViewList = Static<typeof ViewList>;

/** A query that ships with hsmfleet, or lies in the project's folder. */
export const NamedQuery = Type.Object(
  { name: Type.String(), description: Type.String(), sql: Type.String({ description: 'runs as it is' }) },
  strict,
);
export type NamedQuery = Static<typeof NamedQuery>;

/** GET /queries */
export const QueryList = Type.Object({ items: Type.Array(NamedQuery) }, strict);
export type QueryList = Static<typeof QueryList>;

/** POST /query */
export const QueryRequest = Type.Object(
  {
    sql: Type.String({ minLength: 1, maxLength: 20_000, description: 'one SELECT statement over the views' }),
    asOf: Type.Optional(Type.String({ maxLength: 30, description: 'the views as they were then, ISO 8601' })),
    maxRows: Type.Optional(Type.Integer({ minimum: 1, maximum: 10_000, default: 1_000 })),
  },
  strict,
);
export type QueryRequest = Static<typeof QueryRequest>;

/** The answer to a query; as text/csv when the request accepts that. */
export const QueryAnswer = Type.Object(
  {
    columns: Type.Array(Type.String()),
    rows: Type.Array(Type.Array(nullable(Type.Union([Type.String(), Type.Number()])))),
    truncated: Type.Boolean({ description: 'there were more rows' }),
    elapsedMs: Type.Number(),
  },
  strict,
);
export type QueryAnswer = Static<typeof QueryAnswer>;

/** GET /benchmarks: points in the order in which they were measured. */
export const BenchmarkList = Type.Object({ items: Type.Array(BenchmarkPoint) }, strict);
export type BenchmarkList = Static<typeof BenchmarkList>;

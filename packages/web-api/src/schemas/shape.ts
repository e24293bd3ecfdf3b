import { Type, type TSchema } from '@sinclair/typebox';

/** Objects of answers have no fields but those described here. */
export const strict = { additionalProperties: false };

/** The schema, or null. */
export const nullable = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()]);

/** One of these words. */
export const literals = <const T extends string[]>(...values: T) =>
  Type.Union(values.map((value) => Type.Literal(value as T[number])));

/** A point in time, ISO 8601 in UTC, so it compares and sorts as text. */
export const time = (description: string) => Type.String({ description: `${description}; ISO 8601, UTC` });

/** A part of a longer list. */
export const page = <T extends TSchema>(item: T) =>
  Type.Object(
    {
      items: Type.Array(item),
      total: Type.Integer({ minimum: 0, description: 'how many there are on all pages' }),
      next: nullable(Type.String({ description: 'give it as `after` for the page that follows; null on the last page' })),
    },
    strict,
  );

/** What every list takes: how much of it, and from where on. */
export const paging = {
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000, default: 100, description: 'items at most' })),
  after: Type.Optional(Type.String({ maxLength: 500, description: '`next` of the page before' })),
};

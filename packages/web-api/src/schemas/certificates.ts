import { Type, type Static } from '@sinclair/typebox';
import { HostCertificate } from './hosts.ts';
import { page, paging, strict, time } from './shape.ts';

/** What GET /certificates takes. */
export const CertificatesQuery = Type.Object(
  {
    from: Type.Optional(Type.String({ maxLength: 30, description: 'those that end at or after this day or time, ISO 8601' })),
    to: Type.Optional(Type.String({ maxLength: 30, description: 'those that end before this day or time' })),
    search: Type.Optional(Type.String({ maxLength: 200, description: 'part of the host, subject or label' })),
    ...paging,
  },
  strict,
);
export type CertificatesQuery = Static<typeof CertificatesQuery>;

/** GET /certificates: the one that ends first comes first; `days` counts all that match, for a calendar. */
export const CertificateList = Type.Object(
  {
    at: time('what daysLeft counts from'),
    ...page(HostCertificate).properties,
    days: Type.Array(Type.Object({ day: Type.String({ description: 'ISO 8601 date, UTC' }), count: Type.Integer({ minimum: 1 }) }, strict), {
      description: 'days on which certificates end, in order',
    }),
  },
  strict,
);
export type CertificateList = Static<typeof CertificateList>;

import { Type, type Static } from '@sinclair/typebox';

/** Parameters of `service`. */
export const ServiceParams = Type.Object(
  {
    name: Type.String({ minLength: 1, pattern: '^[A-Za-z0-9:_.\\\\@-]+$', description: 'the service: a systemd unit, or an init script where there is no systemd' }),
    state: Type.Optional(Type.Union(
      [Type.Literal('started'), Type.Literal('stopped'), Type.Literal('restarted'), Type.Literal('reloaded')],
      { description: 'started and stopped act when it is not so; restarted and reloaded act always, and start it when it does not run' },
    )),
    enabled: Type.Optional(Type.Boolean({ description: 'does it start with the machine?' })),
  },
  { additionalProperties: false, anyOf: [{ required: ['state'] }, { required: ['enabled'] }] },
);
export type ServiceParams = Static<typeof ServiceParams>;

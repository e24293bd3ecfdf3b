import { tableOf } from './inventory/kind.ts';
import { tokens } from './inventory/tokens.ts';
import { atInstant, column, untilThen, type View } from './view.ts';

const table = tableOf(tokens);

/** Where tokens have been, not only where they are: what was moved and which PIN tries were lost shows only over time. */
export const TOKEN_SIGHTINGS_VIEW: View = {
  name: 'token_sightings',
  description: 'what is known of tokens over time: one row for each period in which a token was seen on a host unchanged, past ones included',
  from: atInstant(`${table} i`, (now) => `${table} i where i.from_at <= ${now}`),
  columns: [
    column('host', 'text', 'name of the host in the hosts file', 'i.host'),
    ...['module', 'label', 'serial', 'pin_state', 'identity'].map((name) => {
      const own = tokens.columns.find((candidate) => candidate.name === name);
      return column(name, 'text', own?.description ?? '', `i."${name}"`);
    }),
    column('from_at', 'time', 'snapshot that saw it so first', 'i.from_at'),
    column('until_at', 'time', 'snapshot that saw it so no more; null: it is so until now', untilThen('i.to_at')),
    column('collected_at', 'time', 'snapshot that saw it so first', 'i.from_at'),
  ],
};

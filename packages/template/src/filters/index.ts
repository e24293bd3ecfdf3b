import { COLLECTION_FILTERS } from './collections.ts';
import { CONVERT_FILTERS } from './convert.ts';
import type { Filter } from './filter.ts';
import { TEXT_FILTERS } from './text.ts';

const { length } = COLLECTION_FILTERS;

/** Every filter by name. Without a prototype, so that no template reaches one of Object's. */
export const FILTERS: Record<string, Filter | undefined> = Object.assign(
  Object.create(null) as Record<string, Filter>,
  TEXT_FILTERS,
  COLLECTION_FILTERS,
  CONVERT_FILTERS,
  { count: length },
);

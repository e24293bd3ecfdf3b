import { COLLECTION_FILTERS } from './collections.ts';
import { COMBINATION_FILTERS } from './combinatorics.ts';
import { CONVERT_FILTERS } from './convert.ts';
import type { Filter } from './filter.ts';
import { NUMBER_FILTERS } from './numbers.ts';
import { PATH_FILTERS } from './paths.ts';
import { PRINTING_FILTERS } from './printing.ts';
import { REFUSED_FILTERS } from './refused.ts';
import { TEXT_FILTERS } from './text.ts';

const { length } = COLLECTION_FILTERS;

/** Every filter by name. Without a prototype, so that no template reaches one of Object's. */
export const FILTERS: Record<string, Filter | undefined> = Object.assign(
  Object.create(null) as Record<string, Filter>,
  REFUSED_FILTERS,
  TEXT_FILTERS,
  COLLECTION_FILTERS,
  COMBINATION_FILTERS,
  NUMBER_FILTERS,
  PATH_FILTERS,
  PRINTING_FILTERS,
  CONVERT_FILTERS,
  { count: length },
);

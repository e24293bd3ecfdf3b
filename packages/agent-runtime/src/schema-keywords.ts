import { KEYWORDS } from '@hsmfleet/resource';
import type { Ajv } from 'ajv';

/** Makes the keywords of parameter schemas known to an ajv: they annotate and check nothing. */
export function addKeywords(ajv: Ajv): Ajv {
  for (const keyword of KEYWORDS) ajv.addKeyword({ keyword });
  return ajv;
}

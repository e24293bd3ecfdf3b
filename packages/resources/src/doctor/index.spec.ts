import { readCases, runCase } from '@hsmfleet/resource/testkit';
import { expect, test } from 'vitest';
import { resource } from './index.ts';

test.each(readCases(import.meta.url))('$title', (planCase) => {
  expect(runCase(resource, planCase)).toEqual(planCase.expect);
});

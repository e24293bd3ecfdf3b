import { expect, it } from 'vitest';
import { readExposition } from './testkit/read-exposition.ts';

const HEAD = '# HELP a help\n# TYPE a gauge\n';

// a test that takes everything would prove nothing
it.each([
  ['no TYPE', 'a 1\n'],
  ['no HELP', '# TYPE a gauge\na 1\n'],
  ['an empty HELP', '# HELP a \n# TYPE a gauge\na 1\n'],
  ['TYPE twice', `${HEAD}# TYPE a gauge\na 1\n`],
  ['HELP twice', `# HELP a x\n${HEAD}a 1\n`],
  ['a series twice, in another order', `${HEAD}a{b="1",c="2"} 1\na{c="2",b="1"} 1\n`],
  ['samples that are not together', `${HEAD}a{b="1"} 1\n# HELP d help\n# TYPE d gauge\nd 1\na{b="2"} 1\n`],
  ['a wrong escape', `${HEAD}a{b="\\t"} 1\n`],
  ['an open quote', `${HEAD}a{b="1} 1\n`],
  ['a label twice', `${HEAD}a{b="1",b="1"} 1\n`],
  ['a name of a label with a dash', `${HEAD}a{b-c="1"} 1\n`],
  ['no number', `${HEAD}a NaNs\n`],
  ['an infinity spelt otherwise', `${HEAD}a Infinity\n`],
  ['no end', `${HEAD}a 1`],
  ['a counter without _total', '# HELP a help\n# TYPE a counter\na 1\n'],
  ['a gauge with _total', '# HELP a_total help\n# TYPE a_total gauge\na_total 1\n'],
  ['another unit', '# HELP a_milliseconds help\n# TYPE a_milliseconds gauge\na_milliseconds 1\n'],
  ['a histogram without +Inf', '# HELP h help\n# TYPE h histogram\nh_bucket{le="1"} 1\nh_sum 1\nh_count 1\n'],
  ['a histogram whose buckets fall', '# HELP h help\n# TYPE h histogram\nh_bucket{le="1"} 2\nh_bucket{le="+Inf"} 1\nh_sum 1\nh_count 1\n'],
])('%s is found', (_what, text) => {
  expect(() => readExposition(text)).toThrow();
});

it('what is right is taken', () => {
  const families = readExposition(`${HEAD}a{b="x \\"y\\" \\\\ \\n"} 1e3\na -Inf\n`);
  expect(families.get('a')).toEqual({ type: 'gauge', help: 'help', samples: [{ name: 'a', labels: { b: 'x "y" \\ \n' }, value: 1_000 }, { name: 'a', labels: {}, value: -Infinity }] });
});

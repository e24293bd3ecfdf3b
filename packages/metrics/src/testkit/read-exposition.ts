/** One metric as Prometheus would take it. */
export interface Family {
  type: 'counter' | 'gauge' | 'histogram' | 'summary' | 'untyped';
  help: string;
  samples: { name: string; labels: Record<string, string>; value: number }[];
}

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*/;
const LABEL = /^[a-zA-Z_][a-zA-Z0-9_]*/;
const VALUE = /^(?:[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?|[+-]Inf|NaN)$/;
const SUFFIXES: Record<string, readonly string[]> = { histogram: ['_bucket', '_sum', '_count'], summary: ['', '_sum', '_count'] };

/**
 * Reads Prometheus' text format, version 0.0.4, and what `promtool check metrics` says beyond it. Takes nothing that one of
 * them would not: HELP and TYPE of every metric, before its samples, once; its samples together, each set of labels once; only
 * the escapes that there are; whole histograms; names that say the unit, and _total for counters and nothing else.
 * @throws Error naming the line
 */
export function readExposition(text: string): Map<string, Family> {
  if (!text.endsWith('\n')) throw new Error('the last line does not end');
  const families = new Map<string, Family>();
  const helps = new Map<string, string>();
  const seen = new Set<string>();
  let current: string | undefined;
  for (const [index, line] of text.slice(0, -1).split('\n').entries()) {
    const fail = (why: string): never => { throw new Error(`line ${String(index + 1)}: ${why}: ${line}`); };
    if (line === '') continue;
    const comment = /^# (HELP|TYPE) (\S+)(?: (.*))?$/.exec(line);
    if (comment !== null) {
      const [, kind, name = '', rest = ''] = comment;
      if (NAME.exec(name)?.[0] !== name) fail('no name of a metric');
      if (kind === 'HELP') {
        if (helps.has(name)) fail('a second HELP');
        if (rest === '' || /\\(?![\\n])/.test(rest)) fail('no help, or a wrong escape in it');
        helps.set(name, rest);
      } else {
        if (families.has(name)) fail('a second TYPE, or samples before it');
        if (!['counter', 'gauge', 'histogram', 'summary', 'untyped'].includes(rest)) fail('no type');
        const help = helps.get(name) ?? fail('no HELP');
        families.set(name, { type: rest as Family['type'], help, samples: [] });
        current = name;
      }
      continue;
    }
    if (line.startsWith('#')) fail('a comment that nothing reads');
    const sample = readSample(line, fail);
    const family = families.get(current ?? '') ?? fail('a sample without TYPE');
    if (!(SUFFIXES[family.type] ?? ['']).some((suffix) => sample.name === `${current ?? ''}${suffix}`)) fail(`not of ${current ?? ''}, whose samples are not together`);
    const series = `${sample.name}${JSON.stringify(Object.entries(sample.labels).sort())}`;
    if (seen.has(series)) fail('the series is there twice');
    seen.add(series);
    family.samples.push(sample);
  }
  for (const [name, family] of families) checkFamily(name, family);
  return families;
}

function readSample(line: string, fail: (why: string) => never): Family['samples'][number] {
  const name = NAME.exec(line)?.[0] ?? fail('no name of a metric');
  let rest = line.slice(name.length);
  const labels: Record<string, string> = {};
  if (rest.startsWith('{')) {
    rest = rest.slice(1);
    while (!rest.startsWith('}')) {
      const label = LABEL.exec(rest)?.[0] ?? fail('no name of a label');
      if (label in labels || label.startsWith('__')) fail(`the label ${label} is there twice, or reserved`);
      const [quoted, inner = ''] = /^="((?:[^"\\]|\\[\\"n])*)"/.exec(rest.slice(label.length)) ?? fail(`the value of ${label} is not well quoted`);
      labels[label] = inner.replaceAll(/\\([\\"n])/g, (_, escaped: string) => (escaped === 'n' ? '\n' : escaped));
      rest = rest.slice(label.length + quoted.length);
      if (rest.startsWith(',')) rest = rest.slice(1);
      else if (!rest.startsWith('}')) fail('neither , nor } after a label');
    }
    rest = rest.slice(1);
  }
  const value = /^ (\S+)$/.exec(rest)?.[1] ?? fail('no value, or something after it');
  if (!VALUE.test(value)) fail('the value is no number');
  return { name, labels, value: value === '+Inf' ? Infinity : value === '-Inf' ? -Infinity : Number(value) };
}

function checkFamily(name: string, { type, samples }: Family): void {
  if ((type === 'counter') !== name.endsWith('_total')) throw new Error(`${name}: counters, and nothing else, end in _total`);
  if (/_(bucket|sum|count|info_total)$/.test(name)) throw new Error(`${name}: the ending is one of histograms`);
  if (/_(milliseconds|minutes|hours|days|kilobytes|megabytes|percent)(_|$)/.test(name)) throw new Error(`${name}: not in the base unit`);
  if (/_(gauge|counter|histogram|summary)$/.test(name)) throw new Error(`${name}: the name says the type`);
  if (type === 'counter' && samples.some(({ value }) => !(value >= 0))) throw new Error(`${name}: a counter below 0`);
  if (type === 'histogram') checkHistogram(name, samples);
}

function checkHistogram(name: string, samples: Family['samples']): void {
  const groups = new Map<string, Family['samples']>();
  for (const sample of samples) {
    const key = JSON.stringify(Object.entries(sample.labels).filter(([label]) => label !== 'le').sort());
    groups.set(key, [...(groups.get(key) ?? []), sample]);
  }
  for (const [labels, group] of groups) {
    const buckets = group.filter((sample) => sample.name === `${name}_bucket`);
    const bounds = buckets.map(({ labels: { le } }) => (le === '+Inf' ? Infinity : Number(le)));
    const value = (suffix: string): number | undefined => group.find((sample) => sample.name === `${name}${suffix}`)?.value;
    const rising = (numbers: readonly number[], strictly: boolean): boolean => numbers.every((number, index) => index === 0 || (strictly ? number > (numbers[index - 1] ?? 0) : number >= (numbers[index - 1] ?? 0)));
    if (bounds.at(-1) !== Infinity || !rising(bounds, true) || !rising(buckets.map((bucket) => bucket.value), false)) throw new Error(`${name}${labels}: the buckets do not add up`);
    if (value('_count') !== buckets.at(-1)?.value || value('_sum') === undefined) throw new Error(`${name}${labels}: no sum, or a count that is not that of the last bucket`);
  }
}

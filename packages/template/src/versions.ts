/**
 * Order of two versions as Ansible's default ("loose") comparison sees it: runs of digits compare as numbers, runs of
 * letters as text, missing parts are smaller.
 */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [parts(a), parts(b)];
  for (let index = 0; index < Math.max(left.length, right.length); index += 1) {
    const [x, y] = [left[index], right[index]];
    if (x === undefined || y === undefined) return x === undefined ? -1 : 1;
    const order = /^\d+$/.test(x) && /^\d+$/.test(y) ? Number(x) - Number(y) : x < y ? -1 : Number(x > y);
    if (order !== 0) return order;
  }
  return 0;
}

function parts(version: string): string[] {
  return version.match(/\d+|[a-zA-Z]+/g) ?? [];
}

/** Order by semver.org: a pre-release comes before its release; what was built from what does not count. */
export function compareSemantic(a: string, b: string): number {
  const [[left, before], [right, after]] = [semantic(a), semantic(b)];
  const order = compareVersions(left, right);
  if (order !== 0) return order;
  if (before === '' || after === '') return before === after ? 0 : before === '' ? 1 : -1;
  const [x, y] = [before.split('.'), after.split('.')];
  for (let index = 0; index < Math.max(x.length, y.length); index += 1) {
    const [m, n] = [x[index], y[index]];
    if (m === undefined || n === undefined) return m === undefined ? -1 : 1;
    const numbers = [m, n].map((part) => /^\d+$/.test(part));
    // numbers come before words
    const each = numbers[0] === true && numbers[1] === true ? Number(m) - Number(n) : numbers[0] !== numbers[1] ? (numbers[0] === true ? -1 : 1) : m < n ? -1 : Number(m > n);
    if (each !== 0) return each;
  }
  return 0;
}

function semantic(version: string): [release: string, before: string] {
  const [, release = version, before = ''] = /^v?([\d.]+)(?:-([\w.-]+))?/.exec(version) ?? [];
  return [release, before];
}

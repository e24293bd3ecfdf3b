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

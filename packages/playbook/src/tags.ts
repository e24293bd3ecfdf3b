/** Tags with a meaning of their own. */
export const SPECIAL_TAGS: ReadonlySet<string> = new Set(['always', 'never', 'all', 'tagged', 'untagged']);

/** Which tasks `--tags` and `--skip-tags` leave; the special tags are Ansible's: always, never, all, tagged, untagged. */
export function isSelected(tags: readonly string[], only: readonly string[] | undefined, skip: readonly string[] | undefined): boolean {
  const own = tags.length === 0 ? ['untagged'] : tags;
  const wanted = only === undefined || only.length === 0 ? ['all'] : only;
  const skipped = skip ?? [];
  const hits = (names: readonly string[]): boolean =>
    names.some((name) => own.includes(name)) || (names.includes('tagged') && own[0] !== 'untagged');
  if (own.includes('always')) {
    if (skipped.includes('always')) return false;
    return !hits(skipped.filter((name) => name !== 'all'));
  }
  const chosen = own.includes('never') ? hits(wanted.filter((name) => name !== 'tagged')) : wanted.includes('all') || hits(wanted);
  return chosen && !skipped.includes('all') && !hits(skipped);
}

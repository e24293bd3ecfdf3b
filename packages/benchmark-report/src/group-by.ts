/** The members under each id, in the order in which they come. */
export function groupBy<K, T>(members: Iterable<T>, idOf: (member: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>();
  for (const member of members) {
    const id = idOf(member);
    const group = groups.get(id);
    if (group === undefined) groups.set(id, [member]);
    else group.push(member);
  }
  return groups;
}

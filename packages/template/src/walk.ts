import type { Expression, KeywordArgsNode, PairNode, SliceNode, Statement } from './ast.ts';

/** Every node of a tree. */
export type AnyNode = Expression | Statement | PairNode & { typename: 'Pair' } | KeywordArgsNode | SliceNode;

/** A node and everything below it, in the order of the text. */
export function nodesOf(root: object): AnyNode[] {
  const found: AnyNode[] = [];
  const visit = (value: unknown): void => {
    if (Array.isArray(value)) value.forEach(visit);
    else if (value !== null && typeof value === 'object') {
      if (typeof (value as { typename?: unknown }).typename === 'string') found.push(value as AnyNode);
      Object.values(value).forEach(visit);
    }
  };
  visit(root);
  return found;
}

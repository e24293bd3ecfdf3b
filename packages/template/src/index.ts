export type { LookupCall, Lookups } from './lookups.ts';
export { isLazy, lazyMapping } from './lazy-mapping.ts';
export { assuredVariables, referencedVariables, referencesOf, type References } from './references.ts';
export { evaluate, isTrue, renderTemplate, renderText, renderValue, type RenderOptions } from './render.ts';
export { resolveLookups, type ResolveOptions } from './resolve-lookups.ts';
export { scopeOf, type Scope } from './scope.ts';
export { bindTemplates, type Templates } from './templates.ts';


/** True when the text holds an output, a tag or a comment of Jinja. */
export function hasMarkup(text: string): boolean {
  return text.includes('{{') || text.includes('{%') || text.includes('{#');
}

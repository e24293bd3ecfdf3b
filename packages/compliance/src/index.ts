export { checkQueries } from './check-queries.ts';
export { diffChecks, EXPIRY_DAYS } from './diff-checks.ts';
export { evaluateProfile, resultKey, summaryOf, TOKEN_VIEWS, type Evaluated, type Evaluation } from './evaluate-profile.ts';
export * from './model.ts';
export { parameterValue } from './parameters.ts';
export { parseProfile } from './parse-profile.ts';
export * from './read-drift.ts';
export { profileSchema } from './schema.ts';

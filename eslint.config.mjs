import nx from '@nx/eslint-plugin';
import tseslint from 'typescript-eslint';

/** Who may import whom, by tag: see docs/decisions/0002-rooms-and-imports.md. The architecture test checks it too. */
const LAYERS = {
  'type:contract': [],
  'type:port': ['type:contract'],
  'type:domain': ['type:contract', 'type:port', 'type:domain'],
  'type:adapter': ['type:contract', 'type:port', 'type:domain'],
  'type:engine': ['type:contract', 'type:port', 'type:domain'],
  'type:app': ['type:contract', 'type:port', 'type:domain', 'type:adapter', 'type:engine'],
};
const SIDES = {
  'side:shared': ['side:shared'],
  'side:control': ['side:shared', 'side:control'],
  'side:agent': ['side:shared', 'side:agent'],
};

export default tseslint.config(
  { ignores: ['**/dist/**', '**/node_modules/**', '.cache/**', '.nx/**', '**/*.generated.ts'] },
  ...tseslint.configs.recommended,
  {
    files: ['**/*.ts', '**/*.tsx', '**/*.mjs'],
    plugins: { '@nx': nx },
    rules: {
      'no-console': 'error',
      eqeqeq: 'error',
      'no-restricted-syntax': [
        'error',
        { selector: "Property[key.name='shell'][value.value=true]", message: 'no shell: give an argv array' },
        { selector: "CallExpression[callee.name=/^exec(Sync)?$/]", message: 'no shell: use execFile or spawn with an argv array' },
      ],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
    },
  },
  {
    files: ['packages/*/src/**/*.ts', 'apps/*/src/**/*.{ts,tsx}'],
    ignores: ['**/*.spec.ts', '**/testkit/**', '**/testkit.ts'],
    rules: {
      '@nx/enforce-module-boundaries': [
        'error',
        {
          allow: [],
          enforceBuildableLibDependency: false,
          depConstraints: [
            ...Object.entries(LAYERS).map(([sourceTag, onlyDependOnLibsWithTags]) => ({ sourceTag, onlyDependOnLibsWithTags })),
            ...Object.entries(SIDES).map(([sourceTag, onlyDependOnLibsWithTags]) => ({ sourceTag, onlyDependOnLibsWithTags })),
          ],
        },
      ],
    },
  },
);

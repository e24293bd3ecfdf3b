export { bindArtifacts, findArtifact, type FoundArtifact, type KnownArtifact } from './bind-artifacts.ts';
export { compilePlaybook } from './compile-playbook.ts';
export * from './model.ts';
export { playbookSchema } from './schema.ts';

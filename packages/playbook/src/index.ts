export { compilePlaybook } from './compile-playbook.ts';
export * from './model.ts';
export { playbookSchema } from './schema.ts';

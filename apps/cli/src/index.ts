export { describeCommands, type CommandDescription, type ProgramDescription } from './describe-commands.ts';

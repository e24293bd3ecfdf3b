export * from './port.ts';
export * from './become.ts';
export * from './shell-words.ts';
export * from './login-questions.ts';

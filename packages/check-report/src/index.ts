export { CHECK_FORMATS, renderCheck, type CheckFormat, type RenderOptions } from './render-check.ts';
export { checkReportSchema } from './json.ts';
export { fileUri, sarifText } from './sarif-text.ts';

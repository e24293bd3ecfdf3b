import type { FastifyReply, FastifyRequest } from 'fastify';
import { ApiError } from './api-error.ts';
import { API_PREFIX } from './openapi.ts';
import { ROUTES } from './routes/index.ts';
import { PAGE_POLICY } from './security-headers.ts';
import type { StaticFiles } from './static-files.ts';

const PATTERNS = ROUTES.map(({ method, path }) => ({
  method, pattern: new RegExp(`^${API_PREFIX}${path.replaceAll(/:[a-z]+/g, '[^/]+')}$`),
}));

/** Answers what is no route: a file of the dashboard, one of its pages, the wrong method, or nothing at all. */
export function answerElsewhere(request: FastifyRequest, reply: FastifyReply, files: StaticFiles | undefined): FastifyReply {
  const path = request.url.split('?', 1)[0] ?? '';
  const reading = request.method === 'GET' || request.method === 'HEAD';
  const methods = PATTERNS.filter(({ pattern }) => pattern.test(path)).map(({ method }) => method);
  if (methods.length > 0 || !reading) {
    if (methods.length === 0) throw new ApiError('NOT_FOUND', 'there is nothing here');
    throw new ApiError('METHOD_NOT_ALLOWED', `${request.method} is not for this address`, { headers: { allow: methods.join(', ') } });
  }
  const file = path.startsWith('/api/') ? undefined : (files?.find(path, acceptedEncodings(request)) ?? page(request, path, files));
  if (file === undefined) throw new ApiError('NOT_FOUND', 'there is nothing here');
  reply.headers({
    'content-security-policy': PAGE_POLICY, 'cache-control': file.cacheControl, etag: file.etag, vary: 'accept-encoding',
    ...(file.encoding === undefined ? {} : { 'content-encoding': file.encoding }),
  });
  if (request.headers['if-none-match']?.includes(file.etag) === true) return reply.code(304).send();
  reply.code(200).type(file.type);
  if (request.method === 'HEAD') return reply.header('content-length', file.body.length).send();
  return reply.send(file.body);
}

/** Addresses of pages exist in the browser only: all of them are the one page. */
function page(request: FastifyRequest, path: string, files: StaticFiles | undefined): ReturnType<StaticFiles['find']> {
  const asksForPage = (request.headers.accept ?? '').includes('text/html') && /^\/[A-Za-z0-9/_%:@.,~-]*$/.test(path) && !path.startsWith('/assets/');
  return asksForPage ? files?.find('/', acceptedEncodings(request)) : undefined;
}

function acceptedEncodings(request: FastifyRequest): string {
  return String(request.headers['accept-encoding'] ?? '');
}

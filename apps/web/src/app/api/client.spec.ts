import { expect, test } from 'vitest';
import { ApiError, createClient } from './client.ts';

/** Answers without a network: what is tried here is what becomes of an answer; the real server is asked in the browser's tests. */
function answering(response: () => Response): { asked: { url: string; init: RequestInit }[]; fetchFn: typeof fetch } {
  const asked: { url: string; init: RequestInit }[] = [];
  return {
    asked,
    fetchFn: (url, init) => {
      asked.push({ url: String(url), init: init ?? {} });
      return Promise.resolve().then(response);
    },
  };
}

test('an error has the words and the hint of the server', async () => {
  const body = { error: { code: 'query_unknown_column', message: 'no column "hots"', hint: 'did you mean host?' } };
  const { fetchFn } = answering(() => Response.json(body, { status: 400 }));
  const error = await createClient(fetchFn).get('/overview').catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(ApiError);
  expect(error).toMatchObject({ message: 'no column "hots"', hint: 'did you mean host?', status: 400 });
});

test('an answer that is not from the server, and none at all, are told by what is known', async () => {
  const proxy = createClient(answering(() => new Response('<h1>Bad gateway</h1>', { status: 502 })).fetchFn);
  await expect(proxy.get('/overview')).rejects.toThrow('status 502');
  const nobody = createClient(answering(() => { throw new TypeError('Failed to fetch'); }).fetchFn);
  await expect(nobody.get('/overview')).rejects.toMatchObject({ status: 0, message: 'the server does not answer' });
});

test('an expired session is told once to the page, a wrong token at the login is not', async () => {
  let expired = 0;
  const client = createClient(answering(() => Response.json({ error: { message: 'who are you' } }, { status: 401 })).fetchFn);
  client.onExpired = () => (expired += 1);
  await expect(client.send('POST', '/session', { token: 'x' })).rejects.toThrow('who are you');
  expect(expired).toBe(0);
  await expect(client.get('/hosts')).rejects.toThrow('who are you');
  expect(expired).toBe(1);
});

test('only requests that change something carry the proof of the session', async () => {
  const { asked, fetchFn } = answering(() => Response.json({}));
  const client = createClient(fetchFn);
  client.csrf = 'proof';
  await client.get('/hosts');
  await client.send('POST', '/query', { sql: 'select 1' });
  expect(asked.map(({ url, init }) => [url, (init.headers as Record<string, string>)['x-csrf-token']])).toEqual([
    ['/api/v1/hosts', undefined],
    ['/api/v1/query', 'proof'],
  ]);
});

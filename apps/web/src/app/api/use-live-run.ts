import type { LiveEvent } from '@hsmfleet/web-api/schemas';
import { useEffect, useState } from 'preact/hooks';
import { hrefOf } from '../routing/match-path.ts';
import { addEvents, emptyRun, type LiveRun } from '../pages/live-run.ts';
import { API, client } from './client.ts';
import { toApiError } from './use-data.ts';

/** How the stream stands. */
export type Stream = 'off' | 'connecting' | 'open' | 'lost' | 'over';

/**
 * Follows a run while it goes on. A connection that breaks is made anew by the browser, which says where it was (Last-Event-ID);
 * a stream that the server refuses is asked about once more, so that the end of a session leads to the login.
 */
export function useLiveRun(run: string, follow: boolean): { live: LiveRun; stream: Stream } {
  const [live, setLive] = useState(emptyRun);
  const [stream, setStream] = useState<Stream>('off');
  useEffect(() => {
    if (!follow) return undefined;
    const source = new EventSource(`${API}${hrefOf('/runs/:run/events', { run })}`);
    setStream('connecting');
    let waiting: LiveEvent[] = [];
    let timer: ReturnType<typeof setTimeout> | undefined;
    // a large run tells of thousands of tasks: they are added some at a time, not one drawing for each
    const flush = (): void => {
      timer = undefined;
      const events = waiting;
      waiting = [];
      setLive((before) => addEvents(before, events));
    };
    source.addEventListener('open', () => setStream('open'));
    source.addEventListener('event', (message: MessageEvent<string>) => {
      waiting.push(JSON.parse(message.data) as LiveEvent);
      timer ??= setTimeout(flush, 100);
    });
    source.addEventListener('end', () => {
      source.close();
      flush();
      setStream('over');
    });
    source.addEventListener('error', () => {
      setStream('lost');
      if (source.readyState === EventSource.CLOSED) void askSession();
    });
    return () => {
      source.close();
      clearTimeout(timer);
    };
  }, [run, follow]);
  return { live, stream };
}

/** A stream does not say why it is refused: when the session is over, the page learns it here. */
async function askSession(): Promise<void> {
  try {
    await client.get('/session');
  } catch (error) {
    if (toApiError(error).status === 401) client.onExpired?.();
  }
}

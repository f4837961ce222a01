import type { ServerResponse } from 'node:http';
import type { Actor } from '../access/actor';
import { Crowded } from '../platform/fair-queue';

/** Bytes of answers that wait for their readers in the memory of this process. */
const most = { ofActor: 16 * 1024 * 1024, whole: 256 * 1024 * 1024 } as const;
/** Shorter answers fit into what the system keeps of a connection. */
const short = 64 * 1024;
const retryAfterSeconds = 5;

/** A client that does not read its long answers gets no further ones until it has read them or its connection has ended. */
export class UnreadAnswers {
  private readonly bytes = new Map<string, number>();
  private whole = 0;

  /** @throws Crowded before another heavy request is worked on */
  check({ principalId }: Actor): void {
    const own = this.bytes.get(principalId) ?? 0;
    if (own > most.ofActor || this.whole > most.whole) {
      throw new Crowded('FULL', own > most.ofActor, retryAfterSeconds);
    }
  }

  /** Counts an answer that is about to be sent, until all of it is on its way. */
  hold({ principalId }: Actor, length: number, response: ServerResponse): void {
    if (length <= short) return;
    this.add(principalId, length);
    // Closed is what every answer is in the end, whether it was read or not.
    let held = true;
    const release = () => {
      if (held) this.add(principalId, -length);
      held = false;
    };
    response.once('finish', release).once('close', release);
  }

  private add(principalId: string, length: number): void {
    this.whole += length;
    const own = (this.bytes.get(principalId) ?? 0) + length;
    if (own === 0) this.bytes.delete(principalId);
    else this.bytes.set(principalId, own);
  }
}

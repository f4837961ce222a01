import type { Readable } from 'node:stream';

/** Why a body was not read to its end. The rest of it is thrown away: the answer is sent, and the connection ends. */
export class BodyTooLarge {}

export interface BodyLimits {
  /** Bytes. */
  readonly most: number;
  /** Beyond so many bytes `mayBeLong` is asked, once, before any more is read. */
  readonly short?: number;
  readonly mayBeLong?: () => Promise<boolean>;
}

/**
 * A body in one piece. Its parts are copied together as they arrive: sent a byte at a time, a megabyte would otherwise be held
 * as a million objects.
 *
 * @param expected how long its header says that it is; proves nothing
 */
export function readBody(body: Readable, expected: number, limits: BodyLimits): Promise<Buffer | BodyTooLarge> {
  const { most, short = most, mayBeLong } = limits;
  return new Promise((resolve, reject) => {
    if (expected > most) return resolve(new BodyTooLarge());
    let bytes: Buffer = Buffer.alloc(0);
    let size = 0;
    let isAsked = mayBeLong === undefined;
    const end = (value: Buffer | BodyTooLarge | Error) => {
      body.off('data', onPart).off('end', onEnd).off('error', end).off('close', onClose);
      if (value instanceof Error) reject(value);
      else resolve(value);
    };
    const onEnd = () => end(bytes.subarray(0, size));
    const onClose = () => end(Object.assign(new Error('the body broke off'), { statusCode: 400 }));
    const onPart = (part: Buffer) => {
      const needed = size + part.length;
      if (needed > most) return end(new BodyTooLarge());
      if (size === 0 && part.length >= expected) bytes = part;
      else {
        if (needed > bytes.length) bytes = grown(bytes, size, Math.max(needed, Math.min(2 * needed, most)));
        part.copy(bytes, size);
      }
      size = needed;
      if (isAsked || size <= short) return;
      isAsked = true;
      body.pause();
      mayBeLong!().then((may) => (may ? void body.resume() : end(new BodyTooLarge())), end);
    };
    body.on('data', onPart).on('end', onEnd).on('error', end).on('close', onClose);
  });
}

function grown(bytes: Buffer, size: number, length: number): Buffer {
  const larger = Buffer.allocUnsafe(length);
  bytes.copy(larger, 0, 0, size);
  return larger;
}

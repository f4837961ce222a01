import { EventEmitter } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { Actor } from '../../src/access/actor';
import { UnreadAnswers } from '../../src/http/unread-answers';

const actor = (principalId: string): Actor => ({ principalId, account: { kind: 'PLATFORM' }, role: 'SUPER_ADMIN' });
const response = () => new EventEmitter() as unknown as ServerResponse;
const megabyte = 1024 * 1024;

test('who does not read long answers gets no more of them until they are read, or their connection ends', () => {
  const unread = new UnreadAnswers();
  const responses = Array.from({ length: 17 }, response);
  for (const one of responses) unread.hold(actor('slow'), megabyte, one);
  // 17 MB wait, and 16 may.
  expect(() => unread.check(actor('slow'))).toThrow(expect.objectContaining({ reason: 'FULL', ofOne: true }));
  unread.check(actor('other'));
  responses[0]!.emit('finish');
  responses[0]!.emit('close');
  unread.check(actor('slow'));
  unread.hold(actor('slow'), megabyte, response());
  expect(() => unread.check(actor('slow'))).toThrow();
  responses[1]!.emit('close');
  unread.check(actor('slow'));
});

test('all of them together have a bound; short answers are not counted', () => {
  const unread = new UnreadAnswers();
  const responses = Array.from({ length: 257 }, response);
  for (const [n, one] of responses.entries()) unread.hold(actor(`a${n}`), megabyte, one);
  for (let n = 0; n < 10_000; n += 1) unread.hold(actor('short'), 64 * 1024, response());
  expect(() => unread.check(actor('short'))).toThrow(expect.objectContaining({ reason: 'FULL', ofOne: false }));
  responses[5]!.emit('close');
  responses[6]!.emit('close');
  unread.check(actor('short'));
});

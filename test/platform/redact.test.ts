import { redactByLook, redactor } from '../../src/platform/redact';
import { sightings } from '../support/canaries';

test.each([
  'sk_live_51Habcdefgh',
  'rk_test_51Habcdefgh',
  'pk_test_51Habcdefgh',
  'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
  'pdl_live_apikey_01gtgztp8f4kek3yd4g1wrksa3_q6TGTJyvoIz7LDtXT65bX7',
  'pdl_ntfset_01gkdqeycsgjxzxy_abcdefgh',
  'pi_3MtwBwLkdIwHu7ix28a3tqPa_secret_YrKJUKribcBjcG8HVhfZluoGH',
  'tg_live_AbCdEf-hIjKlMnOpQrStUvWxYz0123456789_abcdef',
  'eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJkZW1vIn0.c2lnbmF0dXJl-_x',
  '4242424242424242',
  '4242 4242 4242 4242',
  '3782-822463-10005',
])('%s is a secret by its look', (secret) => {
  const line = JSON.stringify({ msg: `before ${secret}, after`, deep: { of: [`(${secret})`] } });
  expect(JSON.parse(redactByLook(line))).toEqual({ msg: 'before [redacted], after', deep: { of: ['([redacted])'] } });
});

test('a credential in a header or an address goes, what is around it stays', () => {
  expect(redactByLook('authorization: Bearer abc.def-123, Basic dXNlcjpwYXNz')).toBe(
    'authorization: Bearer [redacted], Basic [redacted]',
  );
  expect(redactByLook('postgres://owner:p%40ss@db.example:5432/tollgate?x=1')).toBe(
    'postgres://owner:[redacted]@db.example:5432/tollgate?x=1',
  );
});

test.each([
  '{"level":40,"time":1795290124364,"requestId":"d1fdea8f-cc96-4ec8-ac78-e1356ccccf28","msg":"a webhook was refused"}',
  'begins with sk_test_, sk_live_, rk_test_ or rk_live_; whsec_; pdl_ntfset_; pdl_sdbx_apikey_',
  'http://127.0.0.1:4000/graphql and https://shop.example/done?at=12:30',
  '9223372036854775807 minor units, 4242424242424243',
  'payment_01m7zsp5h4es6a6tymdq404jsh01m7zsp5mner6b15bmpsrvz99n',
])('%s is none', (text) => expect(redactByLook(text)).toBe(text));

test('one that is known goes in each form in which it is sent, wherever it stands', () => {
  const secret = 'p+w/%ä "quoted" 42';
  const redact = redactor([secret, 'tollgate', '']);
  const known = new Map([['it', secret]]);
  for (const around of ['', 'a', 'ab', 'abc']) {
    const whole = Buffer.from(`${around}${secret}${around}`);
    for (const text of [
      `${around}${secret}${around}`,
      JSON.stringify({ of: `${around}${secret}` }),
      encodeURIComponent(secret),
      ...(['base64', 'base64url', 'hex'] as const).map((encoding) => whole.toString(encoding)),
    ]) {
      expect(sightings(text, known)).not.toEqual([]);
      expect(sightings(redact(text), known)).toEqual([]);
    }
  }
  // A password that is a word would make every line unreadable.
  expect(redact('the role tollgate_app')).toBe('the role tollgate_app');
});

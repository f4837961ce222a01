/**
 * Takes secrets out of a text before it leaves: by what they look like, whoever they belong to, and by what this
 * installation's own are, in the forms in which they are sent. Nobody means to print one; a driver's message, a provider's
 * error or a caller's mistake may hold one all the same.
 */
export type Redact = (text: string) => string;

const censor = '[redacted]';

const looks: readonly RegExp[] = [
  // Stripe's keys; the publishable ones too: whoever looks at them cannot tell.
  /\b[srp]k_(?:live|test)_\w+/g,
  /\bwhsec_[\w+/=-]+/g,
  /\bpdl_(?:(?:live|sdbx)_apikey|ntfset)_\w+/g,
  // What lets a browser finish a payment: pi_…_secret_…
  /\b(?:pi|seti|cs|src)_\w+_secret_\w+/g,
  // Our own API keys, and tokens of whoever signs in.
  /\btg_(?:live|test)_[\w-]+/g,
  /\beyJ[\w-]+\.[\w-]+\.[\w-]*/g,
  /(?<=\b(?:bearer|basic) )[\w.~+/=-]{8,}/gi,
  // The password in an address.
  /(?<=:\/\/[^\s/:@"]*:)[^\s/@"]+(?=@)/g,
];

const cardNumber = /\b\d(?:[ -]?\d){14,18}\b/g;

/** The check digit of card numbers: among numbers of that length one in ten has it by chance. */
function hasCheckDigit(text: string): boolean {
  const digits = [...text.replaceAll(/\D/g, '')].reverse().map(Number);
  const sum = digits.reduce((total, digit, index) => {
    const doubled = index % 2 === 0 ? digit : digit * 2;
    return total + (doubled > 9 ? doubled - 9 : doubled);
  }, 0);
  return sum % 10 === 0;
}

export const redactByLook: Redact = (text) =>
  looks
    .reduce((rest, look) => rest.replaceAll(look, censor), text)
    .replaceAll(cardNumber, (number) => (hasCheckDigit(number) ? censor : number));

/** Of a text that stands somewhere within another that is encoded: what all encodings of the whole have in common. */
function base64Forms(secret: string): string[] {
  const bytes = Buffer.from(secret);
  return [0, 1, 2].flatMap((before) => {
    const whole = Buffer.concat([Buffer.alloc(before), bytes]);
    const [start, end] = [Math.ceil((before * 8) / 6), Math.floor((whole.length * 8) / 6)];
    return [whole.toString('base64').slice(start, end), whole.toString('base64url').slice(start, end)];
  });
}

function formsOf(secret: string): string[] {
  return [
    secret,
    JSON.stringify(secret).slice(1, -1),
    encodeURIComponent(secret),
    Buffer.from(secret).toString('hex'),
    ...base64Forms(secret),
  ];
}

/** A word, such as the password of a database on one's own desk, is found in lines that have nothing to do with it. */
const isWord = (secret: string) => secret.length < 6 || /^[a-z]{1,12}$/.test(secret);

export function redactor(secrets: readonly string[]): Redact {
  const forms = new Set(secrets.filter((secret) => !isWord(secret)).flatMap(formsOf));
  if (forms.size === 0) return redactByLook;
  // The longest first: one may be a part of another.
  const ordered = [...forms].sort((one, other) => other.length - one.length);
  const known = new RegExp(ordered.map((form) => form.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')).join('|'), 'g');
  return (text) => redactByLook(text.replaceAll(known, censor));
}

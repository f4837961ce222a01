import { StripeFault } from './fault';

/** As Stripe writes them: amounts without decimals … */
const zeroDecimals = new Set('bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf'.split(' '));
/** … with three, of which the last is 0 … */
const threeDecimals = new Set('bhd jod kwd omr tnd'.split(' '));
/** … and those without decimals that are written with two, which are 00. */
const writtenWithTwo = new Set(['isk', 'ugx']);

const supported = new Set([
  ...zeroDecimals,
  ...threeDecimals,
  ...writtenWithTwo,
  ...'usd eur gbp chf sek nok dkk pln czk huf ron bgn cad aud nzd sgd hkd inr zar brl mxn thb try ils aed'.split(' '),
]);

const largest = 99_999_999;

/** The least that can be charged, where Stripe's documentation names one. */
const leastCharge: Readonly<Record<string, number>> = {
  ...{ aed: 200, aud: 50, bgn: 100, brl: 50, cad: 50, chf: 50, czk: 1_500, dkk: 250, eur: 50, gbp: 30, hkd: 400 },
  ...{ huf: 17_500, inr: 50, jpy: 50, mxn: 1_000, nok: 300, nzd: 50, pln: 200, ron: 200, sek: 300, sgd: 50 },
  ...{ thb: 1_000, usd: 50 },
};

/** Refuses what is too little to be charged; refunds may be as small as they like. */
export function checkCharge(amount: number, currency: string): number {
  const least = leastCharge[checkCurrency(currency)] ?? 0;
  if (amount > 0 && amount < least) {
    throw StripeFault.invalid(`Amount must be at least ${least} ${currency}`, 'amount', 'amount_too_small');
  }
  return checkAmount(amount, currency);
}

export function checkCurrency(currency: string): string {
  if (!supported.has(currency)) throw StripeFault.invalid(`Invalid currency: ${currency}.`, 'currency');
  return currency;
}

/** Refuses what Stripe refuses; what it takes is an amount in its smallest unit. */
export function checkAmount(amount: number, currency: string, param = 'amount', smallest = 1): number {
  checkCurrency(currency);
  if (amount < smallest) {
    throw StripeFault.invalid('This value must be greater than or equal to 1.', param, 'parameter_invalid_integer');
  }
  if (amount > largest) throw StripeFault.invalid('Amount must be no more than 999,999.99', param, 'amount_too_large');
  if (threeDecimals.has(currency) && amount % 10 !== 0) {
    throw StripeFault.invalid(
      `Invalid ${currency} amount: the last digit must be 0.`,
      param,
      'invalid_amount_for_currency',
    );
  }
  if (writtenWithTwo.has(currency) && amount % 100 !== 0) {
    throw StripeFault.invalid(`Invalid ${currency} amount: it has no decimals.`, param, 'invalid_amount_for_currency');
  }
  return amount;
}

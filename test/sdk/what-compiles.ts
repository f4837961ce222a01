import type * as sdk from '../../src/sdk';

/** What the compiler promises to users of the SDK: `npm run types` is the test of this file, and nothing ever runs it. */

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
type Holds<Claim extends true> = Claim;

type Done<Result> = Exclude<Result, { readonly __typename: 'Refused' }>;

export type MoneyIsNeverANumber = [
  Holds<Same<Done<sdk.ChangePlanResult>['net'], { amount: string; currency: string }>>,
  Holds<Same<Done<sdk.ProrationPreviewResult>['share']['remaining'], string>>,
  Holds<Same<sdk.MoneyInput['amount'], string>>,
];

export type EachOperationHasItsOwnCodes = [
  Holds<'QUOTE_STALE' extends sdk.ChangePlanRefusal ? true : false>,
  Holds<'QUOTE_STALE' extends sdk.CancelAddonRefusal ? false : true>,
  Holds<Same<Extract<sdk.SubscribeAddonResult, { __typename: 'Refused' }>['code'], sdk.SubscribeAddonRefusal>>,
];

export function everyCode(code: sdk.RevokeApiKeyRefusal): string {
  switch (code) {
    case 'API_KEY_NOT_FOUND':
    case 'FORBIDDEN':
    case 'PARTNER_NOT_FOUND':
    case 'TENANT_NOT_FOUND':
    case 'INVALID_INPUT':
      return 'ours';
    case 'IDEMPOTENCY_KEY_INVALID':
    case 'IDEMPOTENCY_KEY_IN_PROGRESS':
    case 'IDEMPOTENCY_KEY_REQUIRED':
    case 'IDEMPOTENCY_KEY_REUSED':
      return 'the key';
    case 'BUSY':
    case 'RATE_LIMITED':
      return 'later';
    default:
      return code satisfies never;
  }
}

export function tooFewCodes(code: sdk.RevokeApiKeyRefusal): string {
  switch (code) {
    case 'API_KEY_NOT_FOUND':
      return 'gone';
    default:
      // @ts-expect-error there are more codes than that
      return code satisfies never;
  }
}

export function codeOfAnotherOperation(answer: sdk.CancelAddonResult): boolean {
  // @ts-expect-error cancelling an add-on takes no quote
  return answer.__typename === 'Refused' && answer.code === 'QUOTE_STALE';
}

export function withoutLooking(answer: sdk.SubscribeAddonResult): boolean {
  // @ts-expect-error it may be a refusal, which has no `created`
  return answer.created;
}

export function afterLooking(answer: sdk.SubscribeAddonResult): boolean {
  return answer.__typename === 'SubscribeAddonDone' && answer.created;
}

export const withANumber: sdk.MoneyInput = {
  // @ts-expect-error an amount is a decimal as text: 49.00 as a number would be 49
  amount: 49.0,
  currency: 'EUR',
};

// @ts-expect-error a token or a key
export const withBoth: sdk.ClientOptions = { url: 'http://gateway.example', token: 'a', apiKey: 'b' };
// @ts-expect-error a token or a key
export const withNeither: sdk.ClientOptions = { url: 'http://gateway.example' };

import {
  createLocalJWKSet,
  createRemoteJWKSet,
  errors,
  importJWK,
  type JWK,
  type JWTVerifyGetKey,
  jwtVerify,
  SignJWT,
} from 'jose';
import { LRUCache } from 'lru-cache';
import { isStorable } from '../core/text';

/** Who a bearer token says it is, after its signature, issuer, audience and times were checked. */
export interface Identity {
  readonly subject: string;
  /** Only when the identity provider has verified it. */
  readonly verifiedEmail: string | undefined;
}

export interface TokenVerifier {
  /** `undefined`: not a token that holds here, for whatever reason. */
  verify(token: string): Promise<Identity | undefined>;
}

/** Whether a token holds cannot be said now. As an outage like any other: the same request may succeed in a moment. */
export class IdentityProviderAway extends Error {
  override readonly name = 'IdentityProviderAway';
  readonly code = 'ECONNREFUSED';
}

/** Of jose's errors the generic one is about the provider's answer, and a timeout about none. */
const isAboutToken = (error: unknown) =>
  error instanceof errors.JOSEError &&
  !(error instanceof errors.JWKSTimeout) &&
  !(error instanceof errors.JWKSInvalid) &&
  error.code !== errors.JOSEError.code;

export const demoIssuer = 'tollgate-demo';
export const demoAudience = 'tollgate';

/** Only signatures by private keys: a public key can never be used as a shared secret, and `none` is not a signature. */
const algorithms = ['EdDSA', 'ES256', 'RS256', 'PS256'];

/** Half a surrogate pair would be taken for another character: another person's, perhaps. */
const isClaim = (claim: unknown): claim is string =>
  typeof claim === 'string' && claim.length > 0 && claim.length <= 255 && isStorable(claim);

/**
 * A verified token is remembered for a minute at most, and never beyond its own end: verifying is the dearest step of a
 * small request. Whether its bearer still has a role is asked of the database each time.
 */
function createVerifier(keys: JWTVerifyGetKey, issuer: string, audience: string): TokenVerifier {
  const verified = new LRUCache<string, Identity>({ max: 10_000, ttl: 60_000 });
  return {
    verify: async (token) => {
      const known = verified.get(token);
      if (known) return known;
      if (token.length > 8_192) return undefined;
      try {
        const { payload } = await jwtVerify(token, keys, {
          issuer,
          audience,
          algorithms,
          // Clocks differ: a token may be used that begins in a moment. One that has ended does not hold any more.
          clockTolerance: 5,
          requiredClaims: ['sub', 'exp'],
        });
        const { sub, email } = payload;
        const left = payload.exp! * 1_000 - Date.now();
        if (left <= 0 || !isClaim(sub)) return undefined;
        const identity: Identity = {
          subject: sub,
          verifiedEmail: payload['email_verified'] === true && isClaim(email) ? email : undefined,
        };
        if (left > 1_000) verified.set(token, identity, { ttl: Math.min(60_000, left) });
        return identity;
      } catch (error) {
        if (isAboutToken(error)) return undefined;
        throw new IdentityProviderAway('the keys of the identity provider cannot be read', { cause: error });
      }
    },
  };
}

export function verifierForProvider(jwksUrl: string, issuer: string, audience: string): TokenVerifier {
  return createVerifier(createRemoteJWKSet(new URL(jwksUrl), { timeoutDuration: 3_000 }), issuer, audience);
}

export function verifierForDemo(identityKey: JWK): TokenVerifier {
  const { d: _private, ...publicKey } = identityKey;
  return createVerifier(createLocalJWKSet({ keys: [publicKey] }), demoIssuer, demoAudience);
}

/** A token for an identity of the demo world; a day long. */
export async function signDemoToken(identityKey: JWK, subject: string, email: string): Promise<string> {
  return new SignJWT({ email, email_verified: true })
    .setProtectedHeader({ alg: 'EdDSA', kid: identityKey.kid! })
    .setSubject(subject)
    .setIssuer(demoIssuer)
    .setAudience(demoAudience)
    .setIssuedAt()
    .setExpirationTime('24h')
    .sign(await importJWK(identityKey, 'EdDSA'));
}

import { CompactSign, compactVerify } from 'jose';

/** Text that only this gateway can have written: what a client hands back later, such as a quote. */
export interface TextSigner {
  sign(text: string): Promise<string>;
  /** `undefined`: not signed here. */
  verify(token: string): Promise<string | undefined>;
}

export function createTextSigner(secret: string): TextSigner {
  const key = new TextEncoder().encode(secret);
  return {
    sign: (text) => new CompactSign(new TextEncoder().encode(text)).setProtectedHeader({ alg: 'HS256' }).sign(key),
    verify: async (token) => {
      if (token.length > 4_096) return undefined;
      try {
        const { payload } = await compactVerify(token, key, { algorithms: ['HS256'] });
        return new TextDecoder().decode(payload);
      } catch {
        return undefined;
      }
    },
  };
}

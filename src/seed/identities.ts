/** The people of the demo world. Each logs in with a token of `tollgate token <name>`. */
export const demoIdentities = [
  { name: 'super-admin', about: 'runs the platform' },
  { name: 'partner-owner', about: 'owns the partner acme' },
  { name: 'partner-viewer', about: 'reads all of acme, changes nothing' },
  { name: 'tenant-admin', about: 'admin of globex, a customer of acme on starter' },
  { name: 'tenant-member', about: 'member of globex' },
  { name: 'other-tenant-admin', about: 'admin of initech, a customer of acme on pro' },
  { name: 'other-partner-owner', about: 'owns the partner umbrella' },
  { name: 'other-partner-tenant-admin', about: 'admin of hooli, a customer of umbrella on pro' },
] as const;

export type DemoIdentity = (typeof demoIdentities)[number]['name'];

export const demoEmail = (identity: DemoIdentity): string => `${identity}@demo.example`;
/** What stands in the token's `sub`. */
export const demoSubject = (identity: DemoIdentity): string => `demo|${identity}`;

/**
 * The rooms of the house, the highest first: a file may import from its own room and from rooms on lower floors. Two rooms of one
 * floor do not know each other. A folder within a room belongs to the room, unless it is named here itself.
 */
module.exports = [
  ['src/main.ts', 'src/app.ts', 'src/cli', 'src/http', 'src/console', 'src/seed'],
  ['src/graphql/server', 'src/graphql'],
  ['src/billing', 'src/events'],
  ['src/licences'],
  ['src/proration'],
  ['src/payments'],
  ['src/invoicing'],
  ['src/rating', 'src/entitlements'],
  ['src/usage', 'src/coupons', 'src/tax', 'src/subscriptions'],
  ['src/catalog'],
  ['src/access'],
  ['src/platform', 'src/config.ts'],
  ['src/core'],
  ['src/sdk'],
];

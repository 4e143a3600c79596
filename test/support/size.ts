/** The same tests in two sizes: `npm test` takes the first number, `npm run test:long` the second. */

export const isLong: boolean = process.env["BATON_LONG"] === "1";

export function size(ci: number, long: number): number {
  return isLong ? long : ci;
}

/** Nominal types: a `Brand` is minted only by the one function named after it. */

declare const brand: unique symbol;

/** A `Base` that has passed the checks of the constructor for `Name`. Erased at run time. */
export type Brand<Base, Name extends string> = Base & { readonly [brand]: Name };

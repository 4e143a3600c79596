/**
 * Nominal types: a `Brand` is minted only by the one function named after it.
 *
 * The key is a text, not a symbol of this file, so that the package's declarations and these sources
 * name one and the same type.
 */

/** A `Base` that has passed the checks of the constructor for `Name`. Erased at run time. */
export type Brand<Base, Name extends string> = Base & { readonly "~brand": Name };

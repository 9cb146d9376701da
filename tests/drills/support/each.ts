/**
 * `AERIAL_EACH=1`: every fault and every change has a drill of its own. Otherwise those run of which each stands for
 * several, so that all tests together end soon.
 */
export const each = process.env.AERIAL_EACH === "1";

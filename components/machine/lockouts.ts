import type { Generations } from "../../model/rotation";
import type { Fingerprint } from "./fingerprint";
import { acceptedLinkGenerations, linkLoginName } from "./secrets";

/** Generations of what machines need for links to each other, by the key of their setting below `rotation`. */
export type LinkGenerations = Record<"linkPassword" | "authority", Generations>;

/**
 * What a preview says of a rotation that locks machines out while it is under way, one line for each setting. Machines take
 * a change one after the other, so whatever one of them uses has to be accepted by those that have been changed already, and
 * by those that have not.
 *
 * @param previous fingerprints of all machines after the last `up`.
 */
export function describeLockouts(previous: readonly Fingerprint[], wanted: LinkGenerations): string[] {
    const numbers = (of: (generations: Fingerprint["generations"]) => readonly number[] | undefined) => [
        ...new Set(previous.flatMap(({ generations }) => of(generations) ?? [])),
    ];
    return [
        ...describeLockout("linkPassword", wanted.linkPassword, {
            used: numbers((known) => known[linkLoginName]),
            accepted: numbers(acceptedLinkGenerations),
        }),
        ...describeLockout("authority", wanted.authority, {
            used: numbers((known) => known["file.tls.pem"]),
            accepted: numbers((known) => known["file.ca.pem"]),
        }),
    ];
}

function describeLockout(
    key: keyof LinkGenerations,
    { present, accepted }: Generations,
    before: { used: number[]; accepted: number[] },
): string[] {
    const setting = `aerial:station.rotation.${key}`;
    const refused = before.used.find((number) => !accepted.includes(number));
    if (refused !== undefined) {
        const remedy =
            Math.abs(present - refused) > 1
                ? `change it by one at a time: to ${refused + Math.sign(present - refused)} first`
                : "take back aerial:station.rotation.acceptPrevious: false first";
        return [
            `${setting}: ${refused} is in use, and machines that have been changed accept only ${accepted.join(", ")}. ` +
                `New links are refused until all machines have been changed; ${remedy}`,
        ];
    }
    // A state that does not say what was accepted says nothing about this.
    const isUnknownToOthers = before.accepted.length > 0 && !before.accepted.includes(present);
    return isUnknownToOthers
        ? [
              `${setting}: machines that have not been changed accept only ${before.accepted.join(", ")}, and not ${present}. ` +
                  `New links are refused until all machines have been changed; use ${Math.max(...before.used) + 1}, the ` +
                  "next one, instead",
          ]
        : [];
}
